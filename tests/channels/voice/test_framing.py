"""Messages on a stream, however it is cut."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from channels.voice.sip.framing import Framer, Unframed
from tests.support.sip import OFFER, request

ONE = bytes(request("INVITE", "Content-Type: application/sdp", body=OFFER))
TWO = bytes(request("OPTIONS"))
PART = st.sampled_from([ONE, TWO, b"\r\n\r\n", b"\r\n"])


@given(parts=st.lists(PART, max_size=6), cuts=st.lists(st.integers(0, 4_000), max_size=12))
def test_however_a_stream_is_cut_the_same_messages_come_out(
    parts: list[bytes], cuts: list[int]
) -> None:
    stream = b"".join(parts)
    places = sorted({0, len(stream), *(c for c in cuts if c < len(stream))})
    framer, found = Framer(), []
    for start, end in pairwise(places):
        found += framer.feed(stream[start:end])
    assert found == [p for p in parts if p.strip()]
    assert not framer.begun


def test_keep_alives_are_counted_and_the_answer_to_ours_is_passed_over() -> None:
    framer = Framer()
    assert framer.feed(b"\r\n\r\n" + ONE + b"\r\n\r\n\r\n\r\n") == [ONE]
    assert framer.pings == 3
    assert framer.feed(b"\r\n") == []
    assert not framer.begun
    assert framer.feed(TWO) == [TWO]
    assert framer.pings == 3


@pytest.mark.parametrize(
    "data",
    [
        b"x" * 40_000,
        TWO.replace(b"Content-Length: 0", b"X: 0"),
        TWO.replace(b"Content-Length: 0", b"Content-Length: -1"),
        TWO.replace(b"Content-Length: 0", b"Content-Length: 0\r\nl: 5"),
        TWO.replace(b"Content-Length: 0", b"Content-Length: 99999"),
        b"INVITE sip:a SIP/2.0\r\nA: " + b"z" * 40_000 + b"\r\n\r\n",
    ],
)
def test_what_cannot_be_divided_ends_the_stream(data: bytes) -> None:
    with pytest.raises(Unframed):
        Framer().feed(data)


def test_a_message_that_comes_octet_by_octet_is_whole_at_its_last() -> None:
    framer = Framer()
    for octet in ONE[:-1]:
        assert framer.feed(bytes([octet])) == []
    assert framer.begun
    assert framer.feed(ONE[-1:]) == [ONE]
