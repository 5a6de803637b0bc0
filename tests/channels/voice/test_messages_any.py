"""Whatever arrives: it is read, or refused in words, and never anything else."""

from hypothesis import example, given
from hypothesis import strategies as st

from channels.voice.sip.digest import Authenticator
from channels.voice.sip.grammar import BadSyntax, quoted, read_address, unquoted
from channels.voice.sip.message import Message, Request, response_to
from channels.voice.sip.reading import Malformed, read
from channels.voice.sip.sdp import read_description
from tests.support.sip import OFFER, request, seen

GOOD = bytes(request("INVITE", "Record-Route: <sip:p;lr>", "Supported: timer", body=OFFER))
ODD = st.sampled_from([b"\r\n", b"\0", b'"', b"<", b">", b",", b";", b":", b" " * 3_000, b"\xff"])


@st.composite
def hurt(draw: st.DrawFn) -> bytes:
    """A good message with some octets taken out, put in or changed."""
    data = bytearray(GOOD)
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, len(data) - 1))
        much = draw(st.integers(0, 9))
        data[at : at + much] = draw(st.one_of(ODD, st.binary(max_size=8)))
    return bytes(data)


@given(data=st.one_of(hurt(), st.binary(max_size=400)), exact=st.booleans())
@example(data=GOOD.replace(b"<sip:caller", b'"' * 5_000), exact=False)
@example(data=GOOD.replace(b"From: ", b"From: x" + b" " * 8_000), exact=False)
@example(data=GOOD.replace(b"From: ", b"From: " + b'"\\' * 4_000), exact=False)
def test_any_octets_are_a_message_or_a_refusal(data: bytes, exact: bool) -> None:
    try:
        found: Message | Malformed = read(data, exact=exact)
    except Malformed as wrong:
        found = wrong
    if isinstance(found, Malformed):
        answer = found.answer
        assert answer is None or answer.status in {400, 414, 505}
        assert answer is None or bytes(answer).count(b"\r\n\r\n") == 1
        return
    assert found.via.transport
    assert found.from_.uri
    assert found.to.uri
    assert found.call_id
    assert seen(found) == read(bytes(found))
    if isinstance(found, Request):
        back = seen(response_to(found, 200, tag="t"))
        assert (back.call_id, back.cseq, back.from_.text) == (
            found.call_id,
            found.cseq,
            found.from_.text,
        )
        assert back.to.tag
        assert back.all("via") == found.all("via")


@given(name=st.text(max_size=60))
def test_any_name_in_quotes_is_read_back_and_hides_no_address(name: str) -> None:
    found = read_address(f"{quoted(name)} <sip:bob@example.com>;tag=1")
    assert (found.uri.user, found.tag) == ("bob", "1")
    plain = "".join(c if c >= " " and c != "\x7f" else " " for c in name)
    assert found.name == plain == unquoted(quoted(name))


@given(body=st.one_of(st.binary(max_size=200), st.text(max_size=200).map(str.encode)))
def test_any_session_description_is_read_or_refused(body: bytes) -> None:
    for data in (body, OFFER + body, b"v=0\r\n" + body):
        try:
            found = read_description(data)
        except BadSyntax:
            continue
        assert found.streams


@given(value=st.text(max_size=200))
def test_no_authorization_is_believed_that_was_not_computed(value: str) -> None:
    house = Authenticator("calls.example.com", b"secret")
    for said in (value, "Digest " + value):
        verdict, _ = house.check(
            said,
            method="REGISTER",
            target="sip:x",
            password_of=lambda _user: "word",
            now=1_000.0,
        )
        assert verdict == "bad"
