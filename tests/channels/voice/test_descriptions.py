"""What a session description tells a call."""

import pytest

from channels.voice.sip.grammar import BadSyntax
from channels.voice.sip.sdp import read_description
from tests.support.sip import OFFER


def test_an_offer_is_read() -> None:
    found = read_description(OFFER)
    assert found.audio is not None
    assert (found.audio.address, found.audio.port) == ("192.0.2.1", 20_000)
    assert found.audio.codecs == ("PCMU", "PCMA", "TELEPHONE-EVENT")
    assert not found.on_hold


@pytest.mark.parametrize(
    ("more", "held"),
    [
        (b"a=sendonly\r\n", True),
        (b"a=inactive\r\n", True),
        (b"a=recvonly\r\n", False),
        (b"a=sendrecv\r\n", False),
        (b"c=IN IP4 0.0.0.0\r\n", True),
    ],
)
def test_hold_is_seen(more: bytes, held: bool) -> None:
    assert read_description(OFFER + more).on_hold is held


def test_the_direction_of_the_session_holds_for_streams_that_say_none() -> None:
    whole = OFFER.replace(b"t=0 0\r\n", b"t=0 0\r\na=sendonly\r\n")
    assert read_description(whole).on_hold
    assert not read_description(whole + b"a=sendrecv\r\n").on_hold


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\xff",
        b"hello",
        b"v=0\r\n",
        OFFER.replace(b"20000", b"x"),
        OFFER.replace(b"20000", b"70000"),
        OFFER.replace(b"c=IN IP4 192.0.2.1\r\n", b""),
        OFFER + b"m=audio 1 RTP/AVP 0\r\n" * 40,
        OFFER + b"a=x\r\n" * 10_000,
    ],
)
def test_what_is_no_session_is_refused(body: bytes) -> None:
    with pytest.raises(BadSyntax):
        read_description(body)


def test_a_refused_stream_is_no_audio() -> None:
    assert read_description(OFFER.replace(b"20000", b"0")).audio is None
