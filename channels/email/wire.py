"""IMAP4rev1 on the wire (RFC 3501 sections 4, 7 and 9), without I/O: bytes in, responses out.

Only what reading a mailbox needs. It knows literals, quoted strings and lists, not the meaning
of a response.
"""

import base64
import re

from msgspec import Struct

MAX_LINE = 8_000_000
"""Bytes of one response outside its literals: a SEARCH over a million mails."""

_LITERAL = re.compile(rb"~?\{(\d{1,12})\}\Z")
_STATUS = re.compile(
    rb"(OK|NO|BAD|BYE|PREAUTH)\b ?(?:\[([^\]\r\n]*)\] ?)?(.*)\Z", re.DOTALL | re.IGNORECASE
)
_TOKEN = re.compile(rb'(\()|(\))|"((?:[^"\\]|\\.)*)"|([^\s()"]+)')
_ESCAPED = re.compile(rb"\\(.)")
_PLAIN = re.compile(r"[\x20-\x7e]*")

Token = bytes | list["Token"]


class WireError(Exception):
    """What came is not IMAP, or is larger than we take."""


class Literal(Struct, frozen=True):
    """A command's argument that goes as a literal: its length first, then its bytes."""

    data: bytes


class Response(Struct, frozen=True):
    """One response. ``parts`` alternate: text, literal, text, …, text.

    ``tag`` is ``*`` (untagged), ``+`` (go on) or the tag of the command that ends here.
    """

    tag: str
    parts: tuple[bytes, ...]

    @property
    def text(self) -> bytes:
        return self.parts[0]

    def status(self) -> "Status | None":
        """The condition that it reports, or ``None`` if it carries data."""
        found = _STATUS.match(self.text)
        if not found:
            return None
        kind, code, text = (_ascii(part or b"") for part in found.groups())
        name, _, value = code.partition(" ")
        return Status(kind.upper(), name.upper(), value, text)


class Status(Struct, frozen=True):
    """OK, NO, BAD, BYE or PREAUTH, with the response code (RFC 5530) and words for people."""

    kind: str
    code: str
    value: str
    text: str

    def __str__(self) -> str:
        return " ".join(part for part in (self.code and f"[{self.code}]", self.text) if part)


class Decoder:
    """Cuts a stream of bytes into responses."""

    def __init__(self, max_literal: int) -> None:
        self._max_literal = max_literal
        self._buffer = bytearray()
        self._parts: list[bytes] = []
        self._literal: int | None = None
        self._scanned = 0
        self._line_bytes = 0

    @property
    def clean(self) -> bool:
        """Nothing is half read: the only moment at which TLS may begin."""
        return not self._buffer and not self._parts

    def feed(self, data: bytes) -> list[Response]:
        """The responses that are complete now. Raises ``WireError``."""
        self._buffer += data
        out: list[Response] = []
        while self._step(out):
            pass
        return out

    def _step(self, out: list[Response]) -> bool:
        """Take the next literal and piece of a line; false when more bytes are needed."""
        if self._literal is not None:
            if len(self._buffer) < self._literal:
                return False
            self._parts.append(bytes(self._buffer[: self._literal]))
            del self._buffer[: self._literal]
            self._literal = None
        end = self._buffer.find(b"\r\n", self._scanned)
        if end < 0:
            self._scanned = max(0, len(self._buffer) - 1)
            if len(self._buffer) + self._line_bytes > MAX_LINE:
                raise WireError("a line without an end")
            return False
        line = bytes(self._buffer[:end])
        del self._buffer[: end + 2]
        self._scanned = 0
        self._line_bytes += end
        announced = None if self._is_condition(line) else _LITERAL.search(line)
        if announced:
            self._literal = int(announced[1])
            if self._literal > self._max_literal:
                raise WireError(f"a literal of {self._literal} bytes")
            line = line[: announced.start()]
        self._parts.append(line)
        if not announced:
            self._finish(out)
        return True

    def _is_condition(self, line: bytes) -> bool:
        """Words for people may end in braces; only data is followed by a literal."""
        return not self._parts and _STATUS.match(line.partition(b" ")[2]) is not None

    def _finish(self, out: list[Response]) -> None:
        if self._parts != [b""]:
            tag, _, rest = self._parts[0].partition(b" ")
            out.append(Response(_ascii(tag), (rest, *self._parts[1:])))
        self._parts.clear()
        self._line_bytes = 0


def tokens(response: Response) -> list[Token]:
    """The response's data as atoms, strings and lists. Raises ``WireError``."""
    stack: list[list[Token]] = [[]]
    for index, part in enumerate(response.parts):
        if index % 2:
            stack[-1].append(part)
            continue
        for opened, closed, quoted, atom in _TOKEN.findall(part):
            if opened:
                inner: list[Token] = []
                stack[-1].append(inner)
                stack.append(inner)
            elif closed:
                if len(stack) == 1:
                    raise WireError("a list that never began")
                stack.pop()
            else:
                stack[-1].append(atom or _ESCAPED.sub(rb"\1", quoted))
        if len(stack) > 50:
            raise WireError("lists nested too deeply")
    return stack[0]


def fetched(response: Response) -> dict[str, Token] | None:
    """The items of ``n FETCH (…)`` by name in capitals; ``None`` if it is something else."""
    words = tokens(response) if b"FETCH" in response.text[:40].upper() else []
    if len(words) != 3 or not isinstance(words[2], list) or words[1] not in {b"FETCH", b"fetch"}:
        return None
    items = words[2]
    return {
        _ascii(name).upper(): value
        for name, value in zip(items[::2], items[1::2], strict=False)
        if isinstance(name, bytes)
    }


def numbers(response: Response) -> list[int] | None:
    """The numbers of a SEARCH response; ``None`` if it is something else."""
    words = response.text.split()
    if not words or words[0].upper() != b"SEARCH":
        return None
    return [int(word) for word in words[1:] if word.isdigit()]


def counted(response: Response, word: bytes) -> int | None:
    """The n of ``n EXISTS`` or ``n EXPUNGE``."""
    words = response.text.split()
    if len(words) == 2 and words[1].upper() == word and words[0].isdigit():
        return int(words[0])
    return None


def string(text: str) -> bytes | Literal:
    """An argument: quoted where that is possible, as a literal otherwise."""
    if _PLAIN.fullmatch(text):
        return b'"' + re.sub(rb'(["\\])', rb"\\\1", text.encode()) + b'"'
    return Literal(text.encode())


def folder(name: str) -> bytes | Literal:
    """A mailbox name in IMAP's own UTF-7 (RFC 3501 section 5.1.3)."""
    out: list[str] = []
    for plain, other in re.findall(r"([\x20-\x7e]+)|([^\x20-\x7e]+)", name):
        if plain:
            out.append(plain.replace("&", "&-"))
        else:
            coded = base64.b64encode(other.encode("utf-16-be", "replace")).decode()
            out.append("&" + coded.rstrip("=").replace("/", ",") + "-")
    return string("".join(out))


def number_set(uids: list[int]) -> str:
    """Ascending numbers as IMAP writes sets: ``1:3,7``."""
    out: list[str] = []
    start = previous = -1
    for uid in [*uids, -1]:
        if start >= 0 and uid == previous + 1:
            previous = uid
            continue
        if start >= 0:
            out.append(str(start) if start == previous else f"{start}:{previous}")
        start = previous = uid
    return ",".join(out)


def _ascii(data: bytes) -> str:
    return data.decode("utf-8", "replace")
