"""What is accepted from the wire, and what a bad message is told (RFC 3261 §7, §8.2, §16.3, §18.3).

``read`` takes one whole message. What it returns has a readable Via, From, To, Call-ID and CSeq,
and a body as long as it says.
"""

import re
from dataclasses import replace
from hashlib import sha256
from typing import NoReturn

from channels.voice.sip.grammar import BadSyntax, is_token, pieces
from channels.voice.sip.message import COMPACT, Field, Message, Request, Response, response_to

MAX_MESSAGE = 65_535
MAX_FIELDS = 128
MAX_VALUE = 8_192
MAX_TARGET = 2_048

_REQUEST = re.compile(r"(\S+) (\S+) (SIP/[0-9]+\.[0-9]+)", re.IGNORECASE | re.ASCII)
_RESPONSE = re.compile(r"SIP/2\.0 ([1-6][0-9]{2})(?: (.*))?", re.IGNORECASE | re.ASCII | re.DOTALL)
_LISTS = frozenset({"via", "route", "record-route", "contact", "path"})
_MAKE_WAYS = frozenset({"INVITE", "UPDATE"})
_ONCE = ("from", "to", "call-id", "cseq", "max-forwards", "content-length")


class Malformed(Exception):
    """It cannot be read. ``answer`` is what its sender is told, if it said enough to be told."""

    def __init__(self, problem: str, answer: Response | None = None) -> None:
        super().__init__(problem)
        self.problem = problem
        self.answer = answer


def read(data: bytes, *, exact: bool = False) -> Message:
    """One message. ``exact``: the body must be as long as Content-Length says (streams).

    Otherwise what stands behind the body is ignored. Raises ``Malformed``.
    """
    head, found, rest = data.partition(b"\r\n\r\n")
    if not found:
        raise Malformed("the header does not end")
    if len(data) > MAX_MESSAGE:
        raise Malformed("larger than 65,535 octets")
    start, *lines = head.decode("utf-8", "surrogateescape").split("\r\n")
    if status := _RESPONSE.fullmatch(start):
        fields = _fields(lines, None)
        response = Response(status=int(status[1]), phrase=status[2] or "", fields=fields, body=rest)
        return _checked(response, exact=exact)
    method, target, version = _request_line(start)
    request = Request(method=method, target=target, body=rest)
    request = Request(method=method, target=target, fields=_fields(lines, request), body=rest)
    if version.upper() != "SIP/2.0":
        _refuse(request, "this is SIP/2.0", 505)
    return _checked(request, exact=exact)


def _request_line(start: str) -> tuple[str, str, str]:
    line = _REQUEST.fullmatch(start)
    if line is not None and is_token(line[1]):
        return line[1], line[2], line[3]
    # Who wrote too many spaces can still be told; who wrote no SIP cannot.
    words = start.split()
    if len(words) >= 3 and is_token(words[0]) and words[-1].upper() == "SIP/2.0":
        return words[0], "", "SIP/2.0"
    raise Malformed("neither a request nor a response")


def _fields(lines: list[str], request: Request | None) -> tuple[Field, ...]:
    """Long names, unfolded, lists of hops and contacts one by one."""
    unfolded = _unfolded(lines)
    fields: list[Field] = []
    problem = "too many header fields" if len(unfolded) > MAX_FIELDS else ""
    for line in unfolded[:MAX_FIELDS]:
        name, colon, value = line.partition(":")
        name, value = name.rstrip().lower(), value.strip()
        if not colon or not is_token(name):
            problem = problem or "a header line has no name"
        elif "\n" in value or "\r" in value or "\0" in value:
            problem = problem or f"{name} has a line end or a NUL in it"
        elif len(value) > MAX_VALUE:
            problem = problem or f"{name} is too long"
        elif len(fields) >= MAX_FIELDS:
            problem = problem or "too many header fields"  # each member of a list is one
        else:
            problem = _append(fields, COMPACT.get(name, name), value) or problem
    if len(fields) > MAX_FIELDS:
        problem, fields = problem or "too many header fields", fields[:MAX_FIELDS]
    if problem:
        if request is None:
            raise Malformed(problem)
        _refuse(request.with_fields(fields), problem)
    return tuple(fields)


def _unfolded(lines: list[str]) -> list[str]:
    unfolded: list[str] = []
    for line in lines:
        if line[:1] in {" ", "\t"} and unfolded:
            unfolded[-1] += " " + line.strip()
        else:
            unfolded.append(line)
    return unfolded


def _append(fields: list[Field], name: str, value: str) -> str:
    """Returns what is wrong with it, if anything."""
    if name not in _LISTS:
        fields.append((name, value))
        return ""
    if not any(c in value for c in ',"<'):
        parts = [value]
    else:
        try:
            parts = list(pieces(value))
        except BadSyntax as wrong:
            return f"{name}: {wrong}"
    fields += [(name, part) for part in parts]
    return ""


def _checked(message: Message, *, exact: bool) -> Message:
    try:
        _check(message)
        return _cut(message, exact=exact)
    except BadSyntax as wrong:
        if isinstance(message, Request):
            _refuse(message, str(wrong))
        raise Malformed(str(wrong)) from None


def _check(message: Message) -> None:
    names = [name for name, _ in message.fields]
    for name in _ONCE:
        if names.count(name) > 1:
            raise BadSyntax(f"{name} stands {names.count(name)} times")
    for name, part in (("Via", "via"), ("From", "from_"), ("To", "to")):
        try:
            getattr(message, part)
        except BadSyntax as wrong:
            raise BadSyntax(f"{name}: {wrong}") from None
    _ = message.call_id
    method = message.cseq[1]
    if isinstance(message, Request):
        _check_request(message, method)
    if isinstance(message, Request) or (message.status < 300 and method in _MAKE_WAYS):
        _check_way(message)


def _check_way(message: Message) -> None:
    """Along these go the requests of a dialog that it begins, perhaps much later."""
    for name, part in (("Contact", "contacts"), ("Record-Route", "recorded")):
        try:
            getattr(message, part)
        except BadSyntax as wrong:
            raise BadSyntax(f"{name}: {wrong}") from None


def _check_request(request: Request, method: str) -> None:
    if method != request.method:
        raise BadSyntax("CSeq names another method")
    if len(request.target) > MAX_TARGET:
        _refuse(request, "the Request-URI is too long", 414)
    if not request.target or request.uri.headers:
        raise BadSyntax("Request-URI: spaces or headers in it")
    hops = request.first("max-forwards")
    if hops is not None and not (hops.isascii() and hops.isdigit() and int(hops[:4]) <= 255):
        raise BadSyntax("Max-Forwards is no number up to 255")


def _cut(message: Message, *, exact: bool) -> Message:
    """With the body that Content-Length says (§18.3)."""
    said, there = message.first("content-length"), len(message.body)
    if said is None:
        if exact:
            raise BadSyntax("Content-Length is missing")
        return message
    if not (said.isascii() and said.isdigit()) or len(said) > 9:
        raise BadSyntax("Content-Length is no number")
    length = int(said)
    if length > there or (exact and length != there):
        raise BadSyntax(f"Content-Length says {length}, there are {there}")
    if length == there:
        return message
    return replace(message, body=message.body[:length])


def _refuse(request: Request, problem: str, status: int = 400) -> NoReturn:
    """Tell its sender, if it says who that is and what it was; an ACK is never answered."""
    try:
        for name in ("from", "to", "call-id", "cseq"):
            if len(request.all(name)) != 1 or not request.all(name)[0]:
                raise Malformed(problem)
        # A tag that a repetition of the request gets again, for nothing of it is kept (§8.2.7).
        tag = sha256(
            f"{request.via.text}{request.first('call-id')}".encode(errors="replace")
        ).hexdigest()
        answer = response_to(request, status, tag=tag[:16] if _has_no_tag(request) else "")
    except BadSyntax:
        raise Malformed(problem) from None
    if request.method == "ACK":
        raise Malformed(problem)
    if status == 400:
        phrase = f"Bad Request: {problem}"[:200].encode("ascii", "replace").decode()
        answer = replace(answer, phrase=phrase)
    raise Malformed(problem, answer)


def _has_no_tag(request: Request) -> bool:
    """Also when To is what cannot be read: then it goes back as it came."""
    try:
        return not request.to.tag
    except BadSyntax:
        return False
