"""Content transfer encodings (RFC 2045 section 6), as they are and not as they are declared.

The decoders work in slices: a C call over ten megabytes would hold up every thread of the
process, the event loop's too.
"""

import binascii
import quopri
import re

SLICE = 400_000
"""Bytes that one call decodes; a multiple of four."""

_ALPHABET = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/="
_OTHERS = bytes(set(range(256)) - set(_ALPHABET))
_VISIBLE_OTHERS = bytes(set(_OTHERS) - set(b" \t\r\n\x0b\x0c\x00"))
_SPACED = re.compile(rb"[A-Za-z,.] [A-Za-z]+ [A-Za-z]")
"""Words with blanks between: base64 has none within a line."""
_NOT_LETTERS = re.compile(r"[^a-z0-9]")


def encoding(declared: str) -> str:
    """``base64``, ``quoted-printable``, ``x-uuencode`` or nothing, however it is written.

    ``base64;``, ``Base-64``, ``quoted_printable`` are seen; what nobody knows is taken as bytes.
    """
    words = declared.lower().replace(";", " ").split()
    match _NOT_LETTERS.sub("", words[0] if words else ""), words[1:2]:
        case "base64", _:
            return "base64"
        case ("quotedprintable", _) | ("quoted", ["printable"]) | ("qp", _):
            return "quoted-printable"
        case (("xuuencode" | "uuencode" | "uue" | "xuue"), _):
            return "x-uuencode"
        case _:
            return ""


def from_base64(data: bytes, *, doubtful: bool = False) -> tuple[bytes, str]:
    """The bytes, and what was wrong with the encoding (empty: nothing).

    Foreign characters are passed over (RFC 2045 section 6.8), padding in the middle ends one
    piece and begins the next. What is ``doubtful`` (text) and no base64 at all comes back as it is.
    """
    strange = 0
    pieces: list[bytes] = []
    for at in range(0, len(data), SLICE):
        part = data[at : at + SLICE]
        strange += len(part) - len(part.translate(None, _VISIBLE_OTHERS))
        pieces.append(part.translate(None, _OTHERS))
    spaced = doubtful and _SPACED.search(data) is not None
    if doubtful and (spaced or strange * 4 > len(data)):
        return data, "no base64, though it was declared"
    bare = b"".join(pieces)
    why = "broken base64" if strange else ""
    out: list[bytes] = []
    at = 0
    while at < len(bare):
        end = bare.find(b"=", at, at + SLICE)
        run = bare[at:end] if end >= 0 else bare[at : at + SLICE]
        at += len(run) + (end >= 0)
        if len(run) % 4 == 1:  # one character holds six bits of a byte
            run, why = run[:-1], "broken base64"
        out.append(binascii.a2b_base64(run + b"=="))
    if len(bare) % 4:
        why = "broken base64"
    return b"".join(out), why


def from_quoted_printable(data: bytes) -> bytes:
    """The bytes; a ``=`` that begins no code stands for itself."""
    out: list[bytes] = []
    at = 0
    while at < len(data):
        end = data.find(b"\n", at + SLICE) + 1 or len(data)
        out.append(quopri.decodestring(data[at:end]))
        at = end
    return b"".join(out)


def from_uuencode(data: bytes) -> bytes:
    """The bytes of the first file; lines that are none are passed over."""
    lines = data.splitlines()
    begin = next((n for n, line in enumerate(lines) if line.startswith(b"begin ")), -1)
    out: list[bytes] = []
    for line in lines[begin + 1 :]:
        if not line or line == b"end":
            break
        try:
            out.append(binascii.a2b_uu(line))
        except binascii.Error:
            # Some encoders count wrong: the length is in the first character.
            size = (((line[0] - 32) & 63) * 4 + 5) // 3
            try:
                out.append(binascii.a2b_uu(line[:size]))
            except binascii.Error:
                continue
    return b"".join(out)
