"""SIP as tests write it: messages from a few words."""

from channels.voice.sip.message import Message, Request, Response
from channels.voice.sip.reading import read

OFFER = (
    b"v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\n"
    b"m=audio 20000 RTP/AVP 0 8 101\r\n"
    b"a=rtpmap:0 PCMU/8000\r\na=rtpmap:101 telephone-event/8000\r\n"
)


def wire(start: str, *lines: str, body: bytes = b"") -> bytes:
    """A message of these lines, with the length of ``body``."""
    head = [start, *lines, f"Content-Length: {len(body)}", "", ""]
    return "\r\n".join(head).encode("utf-8", "surrogateescape") + body


def request(
    method: str = "INVITE",
    *more: str,
    target: str = "sip:support@calls.example.com",
    branch: str = "z9hG4bKa1",
    via: str = "UDP 192.0.2.1:5060",
    caller: str = "<sip:+34911234567@192.0.2.1>;tag=caller",
    callee: str = "<sip:support@calls.example.com>",
    call_id: str = "call-1",
    cseq: int = 1,
    body: bytes = b"",
) -> Request:
    found = read(
        wire(
            f"{method} {target} SIP/2.0",
            f"Via: SIP/2.0/{via};branch={branch};rport",
            "Max-Forwards: 70",
            f"From: {caller}",
            f"To: {callee}",
            f"Call-ID: {call_id}",
            f"CSeq: {cseq} {method}",
            "Contact: <sip:caller@192.0.2.1:5060>",
            *more,
            body=body,
        )
    )
    assert isinstance(found, Request)
    return found


def seen(message: Message) -> Message:
    """As its receiver reads it."""
    return read(bytes(message), exact=True)


def status_of(message: Message) -> int:
    assert isinstance(message, Response)
    return message.status
