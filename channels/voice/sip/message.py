"""Messages (RFC 3261 §7): what stands on the wire, unchanged, with a view on what every one has."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Self

from channels.voice.sip.grammar import (
    Address,
    BadSyntax,
    Uri,
    Via,
    is_token,
    read_address,
    read_uri,
    read_via,
)

Field = tuple[str, str]
"""A header field: its long name in lower case, its value without folding."""

COMPACT = {
    "a": "accept-contact",
    "b": "referred-by",
    "c": "content-type",
    "d": "request-disposition",
    "e": "content-encoding",
    "f": "from",
    "i": "call-id",
    "j": "reject-contact",
    "k": "supported",
    "l": "content-length",
    "m": "contact",
    "n": "identity-info",
    "o": "event",
    "r": "refer-to",
    "s": "subject",
    "t": "to",
    "u": "allow-events",
    "v": "via",
    "x": "session-expires",
    "y": "identity",
}
_WRITTEN = {
    "call-id": "Call-ID",
    "cseq": "CSeq",
    "mime-version": "MIME-Version",
    "min-se": "Min-SE",
    "rack": "RAck",
    "rseq": "RSeq",
    "www-authenticate": "WWW-Authenticate",
}
PHRASES = {
    100: "Trying",
    180: "Ringing",
    181: "Call Is Being Forwarded",
    182: "Queued",
    183: "Session Progress",
    200: "OK",
    202: "Accepted",
    400: "Bad Request",
    401: "Unauthorized",
    403: "Forbidden",
    404: "Not Found",
    405: "Method Not Allowed",
    407: "Proxy Authentication Required",
    408: "Request Timeout",
    413: "Request Entity Too Large",
    414: "Request-URI Too Long",
    415: "Unsupported Media Type",
    416: "Unsupported URI Scheme",
    420: "Bad Extension",
    422: "Session Interval Too Small",
    480: "Temporarily Unavailable",
    481: "Call/Transaction Does Not Exist",
    482: "Loop Detected",
    483: "Too Many Hops",
    486: "Busy Here",
    487: "Request Terminated",
    488: "Not Acceptable Here",
    491: "Request Pending",
    500: "Server Internal Error",
    501: "Not Implemented",
    503: "Service Unavailable",
    504: "Server Time-out",
    505: "Version Not Supported",
    513: "Message Too Large",
    603: "Decline",
}
MAX_SEQUENCE = 2**31


def written_name(name: str) -> str:
    """As it is usually written: "via" → "Via"."""
    return _WRITTEN.get(name) or "-".join(part.capitalize() for part in name.split("-"))


@dataclass(frozen=True, kw_only=True)
class _Message:
    """Parts are read when they are asked for, once; each raises ``BadSyntax``.

    Of a message that ``reading.read`` has accepted none does.
    """

    fields: tuple[Field, ...] = ()
    body: bytes = b""

    def first(self, name: str) -> str | None:
        """The value of the first field of that name (in lower case)."""
        return next((value for n, value in self.fields if n == name), None)

    def all(self, name: str) -> list[str]:
        return [value for n, value in self.fields if n == name]

    def tokens(self, name: str) -> set[str]:
        """Of a field that lists words (Supported, Require), in lower case."""
        words = (word.strip().lower() for v in self.all(name) for word in v.split(","))
        return {word for word in words if word}

    def with_fields(self, put: Iterable[Field], *, without: Sequence[str] = ()) -> Self:
        """``put`` are appended; fields named in ``without`` are left out first."""
        kept = tuple(f for f in self.fields if f[0] not in without)
        return replace(self, fields=(*kept, *put))

    def _needed(self, name: str) -> str:
        value = self.first(name)
        if not value:
            raise BadSyntax(f"{written_name(name)} is missing")
        return value

    @cached_property
    def via(self) -> Via:
        """The topmost."""
        return read_via(self._needed("via"))

    @cached_property
    def from_(self) -> Address:
        return read_address(self._needed("from"))

    @cached_property
    def to(self) -> Address:
        return read_address(self._needed("to"))

    @cached_property
    def call_id(self) -> str:
        value = self._needed("call-id")
        if any(c.isspace() for c in value):
            raise BadSyntax("Call-ID has a space")
        return value

    @cached_property
    def cseq(self) -> tuple[int, str]:
        number, _, method = self._needed("cseq").partition(" ")
        method = method.strip()
        if not (number.isascii() and number.isdigit()) or not is_token(method):
            raise BadSyntax("CSeq is no number and method")
        if len(number) > 10 or int(number) >= MAX_SEQUENCE:
            raise BadSyntax("CSeq is too large")
        return int(number), method

    @cached_property
    def contacts(self) -> tuple[Address, ...]:
        return tuple(read_address(value) for value in self.all("contact") if value != "*")

    @cached_property
    def recorded(self) -> tuple[Address, ...]:
        """The proxies that want to stay on the way (Record-Route)."""
        return tuple(read_address(value) for value in self.all("record-route"))

    def _wire(self, start: str) -> bytes:
        lines = [start]
        lines += [f"{written_name(n)}: {v}" for n, v in self.fields if n != "content-length"]
        lines += [f"Content-Length: {len(self.body)}", "", ""]
        return "\r\n".join(lines).encode("utf-8", "surrogateescape") + self.body


@dataclass(frozen=True, kw_only=True)
class Request(_Message):
    method: str
    target: str
    """The Request-URI as it is written."""

    @cached_property
    def uri(self) -> Uri:
        return read_uri(self.target)

    def __bytes__(self) -> bytes:
        return self._wire(f"{self.method} {self.target} SIP/2.0")


@dataclass(frozen=True, kw_only=True)
class Response(_Message):
    status: int
    phrase: str = ""

    @property
    def provisional(self) -> bool:
        return self.status < 200

    @property
    def success(self) -> bool:
        return 200 <= self.status < 300

    def __bytes__(self) -> bytes:
        return self._wire(f"SIP/2.0 {self.status} {self.phrase}")


Message = Request | Response

_REPEATED = frozenset({"via", "from", "call-id", "cseq"})


def response_to(
    request: Request,
    status: int,
    phrase: str = "",
    *,
    tag: str = "",
    fields: Iterable[Field] = (),
    body: bytes = b"",
) -> Response:
    """As §8.2.6 says: Via, From, To, Call-ID, CSeq and Timestamp come back as they came.

    ``tag`` is put behind To unless there is one, or the response is 100; Record-Route comes back
    where a dialog may follow.
    """
    to = request.first("to") or ""
    if tag and status != 100 and not request.to.tag:
        to = f"{to};tag={tag}"
    dialog = 100 < status < 300 and request.method in {"INVITE", "SUBSCRIBE", "REFER"}
    copied = _REPEATED | ({"record-route"} if dialog else set())
    back: list[Field] = []
    for name, value in request.fields:
        if name == "to":
            back.append((name, to))
        elif name in copied or (name == "timestamp" and status == 100):
            back.append((name, value))
    return Response(
        status=status,
        phrase=phrase or PHRASES.get(status, ""),
        fields=(*back, *fields),
        body=body,
    )
