"""One tab's conversation: what a frame means, what a wrong one is told."""

import json
from typing import Any

import pytest

from gateway.core import commands as c
from push.protocol import ERROR_CODES, Close, Error, decode_server
from push.session import COMMANDS_AT_ONCE, Job, Rejected, Session, field_of

HELLO = '{"t":"hello","token":"x","versions":[1]}'
ID = "0190a000-0000-7000-8000-000000000001"


def error(said: Job | str) -> Error:
    assert isinstance(said, str)
    frame = decode_server.decode(said)
    assert isinstance(frame, Error)
    assert frame.code in ERROR_CODES
    return frame


def greeted(**more: Any) -> Session:
    session = Session(0.0)
    hello = {"t": "hello", "token": "x", "versions": [1], **more}
    assert not isinstance(session.greet(json.dumps(hello)), Rejected)
    return session


@pytest.mark.parametrize(
    ("first", "code", "field"),
    [
        ("not json", Close.BAD_HELLO, None),
        ("[]", Close.BAD_HELLO, None),
        ('{"t":"hello","versions":[1]}', Close.BAD_HELLO, "token"),
        ('{"t":"hello","token":5,"versions":[1]}', Close.BAD_HELLO, "token"),
        (
            '{"t":"hello","token":"x","versions":[1],"resume":{"epoch":1}}',
            Close.BAD_HELLO,
            "resume.seq",
        ),
        (f'{{"t":"accept","id":"{ID}","offer":"o"}}', Close.BAD_HELLO, "t"),
        ('{"t":"hello","token":"x","versions":[2,3]}', Close.BAD_VERSION, None),
    ],
)
def test_a_wrong_hello_ends_it_with_a_code_and_the_field(
    first: str, code: Close, field: str | None
) -> None:
    rejected = Session(0.0).greet(first)
    assert isinstance(rejected, Rejected)
    assert rejected.code is code
    if field is not None:
        assert error(rejected.frame).field == field


@pytest.mark.parametrize(
    ("frame", "field", "re"),
    [
        ({"t": "accept", "id": ID}, "offer", ID),
        ({"t": "accept", "id": ID, "offer": 7}, "offer", ID),
        ({"t": "send", "id": ID, "item": "i", "body": ""}, "body", ID),
        ({"t": "send", "id": ID, "item": "i", "body": "b", "to": ["a", 1]}, "to", ID),
        ({"t": "send", "id": ID, "item": "i", "body": "b", "then": "run"}, "then", ID),
        ({"t": "park", "id": ID, "item": "i", "until": "soon"}, "until", ID),
        ({"t": "dance", "id": ID}, "t", ID),
        ({"id": ID}, "t", ID),
        ({"t": "take", "item": "i"}, "id", None),
        ({"t": "take", "id": "short", "item": "i"}, "id", "short"),
        ({"t": "take", "id": "x" * 65, "item": "i"}, "id", None),
        ({"t": "hello", "token": "x", "versions": [1]}, "t", None),
    ],
)
def test_a_bad_frame_is_answered_with_its_field(
    frame: dict[str, Any], field: str, re: str | None
) -> None:
    said = error(greeted().receive(json.dumps(frame), 1.0))
    assert (said.code, said.field, said.re) == ("bad_frame", field, re)


@pytest.mark.parametrize(
    "text", ["", "{", "null", "\ud800", '"t"', "[" * 500_000, '{"id":' + "[" * 500_000]
)
def test_what_is_no_frame_at_all_is_answered_too(text: str) -> None:
    said = error(greeted().receive(text, 1.0))
    assert (said.code, said.re) == ("bad_frame", None)


def test_a_good_frame_is_a_command_to_perform() -> None:
    job = greeted().receive(f'{{"t":"accept","id":"{ID}","offer":"o","new":"ignored"}}', 1.0)
    assert job == Job(c.Accept(id=ID, offer="o"), maybe_repeated=True)  # type: ignore[arg-type]


def test_only_what_the_hello_named_may_have_been_done_before() -> None:
    session = greeted(pending=[ID])
    first = session.receive(f'{{"t":"take","id":"{ID}","item":"i"}}', 1.0)
    other = session.receive('{"t":"take","id":"another-id","item":"i"}', 1.0)
    assert isinstance(first, Job)
    assert isinstance(other, Job)
    assert (first.maybe_repeated, other.maybe_repeated) == (True, False)


def test_too_many_frames_are_refused_by_name_until_time_has_passed() -> None:
    session = greeted()
    frame = f'{{"t":"take","id":"{ID}","item":"i"}}'
    for _ in range(int(COMMANDS_AT_ONCE)):
        assert isinstance(session.receive(frame, 1.0), Job)
    said = error(session.receive(frame, 1.0))
    assert (said.code, said.re) == ("too_many", ID)
    assert isinstance(session.receive(frame, 1.1), Job)


def test_fields_are_found_in_messages() -> None:
    assert field_of("Expected `str`, got `int` - at `$.to[1]`") == "to"
    assert field_of("Object missing required field `seq` - at `$.resume`") == "resume.seq"
    assert field_of("Expected `object`, got `array`") == ""
