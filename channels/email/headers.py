"""The header of a mail: raw fields looked up by name, values made safe on the way out."""

import re
from collections.abc import Iterable

from channels.email.text import header_text

MAX_FIELDS = 2_000
"""Fields that are looked at; a mail has twenty to a hundred."""


class Headers:
    """Header fields in order. Names are case-insensitive; values never hold a line end."""

    def __init__(self, fields: Iterable[tuple[str, str]]) -> None:
        self._fields: dict[str, list[str]] = {}
        self.order: list[str] = []
        for count, (name, value) in enumerate(fields):
            if count >= MAX_FIELDS:
                break
            self._fields.setdefault(name.lower(), []).append(str(value))
            self.order.append(name.lower())

    def raw(self, name: str) -> str:
        """The first field of that name as it was parsed, or nothing."""
        values = self._fields.get(name.lower())
        return values[0] if values else ""

    def all(self, name: str) -> list[str]:
        """Every field of that name as parsed."""
        return self._fields.get(name.lower(), [])

    def text(self, name: str) -> str:
        """The first field of that name, decoded (RFC 2047), as one safe line."""
        return header_text(self.raw(name))

    def token(self, name: str) -> str:
        """The first word of the field in lower case, without parameters and comments."""
        words = self.text(name).lower().replace(";", " ").replace("(", " ").split()
        return words[0] if words else ""

    def __contains__(self, name: str) -> bool:
        return name.lower() in self._fields


MAX_HEAD = 200_000
"""Bytes of a header in which odd lines are looked for."""
MAX_LINE = 1_000
_FIELD = re.compile(rb"[!-9;-~]+[ \t]*:")
_ODD_COLON = re.compile(rb"([!-9;-~]+)[ \t]+:")
_END = re.compile(rb"\r\n\r\n|\n\n|\r\r|\n\r\n")


def mended(raw: bytes) -> bytes:
    """The mail with a header that the library reads to its end.

    A line that is no field ends the header for the library, and all that follows would be text.
    Relays break lines, filters put notes there. Such a line goes on the one before it, as does a
    line of blanks; blanks before the colon go. The first line is left: without a field there is
    no header.
    """
    raw = raw.lstrip(b"\r\n") if raw[:1] in b"\r\n" else raw
    if raw[:MAX_LINE].partition(b"\n")[0].endswith(b"\r\r"):
        # A program that wrote text, and another one that took its line ends for half of them.
        raw = raw.replace(b"\r\r\n", b"\r\n")
    end = _END.search(raw, 0, MAX_HEAD)
    if end is None:
        return raw
    lines = raw[: end.start()].splitlines(keepends=True)
    # The first line may be the envelope of an mbox ("From ada@…"), which the library knows.
    odd = [n for n, line in enumerate(lines) if _is_odd(line) and (n or _ODD_COLON.match(line))]
    if not odd or not _FIELD.match(
        lines[-1] if len(lines) > 1 and lines[-1][:1] not in b" \t" else lines[0]
    ):
        return raw
    for n in odd:
        spaced = _ODD_COLON.match(lines[n])
        lines[n] = spaced[1] + lines[n][spaced.end() - 1 :] if spaced else b" " + lines[n]
    return b"".join(lines) + raw[end.start() :]


def _is_odd(line: bytes) -> bool:
    return line[:1] not in b" \t" and (not _FIELD.match(line) or _ODD_COLON.match(line) is not None)
