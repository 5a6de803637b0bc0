"""Bytes of a mail into text that is safe to store, compare and show.

Every header value passes ``one_line``: a CR or LF hidden in an encoded word (RFC 2047) or in
raw bytes can never end a header that we write later. Every text passes ``clean``: no NUL
(PostgreSQL refuses it), no lone surrogates (UTF-8 refuses them).
"""

import codecs
import re
from email.errors import HeaderParseError
from email.header import decode_header

MAX_HEADER = 2_000
"""Characters of one header value that are looked at; the rest is cut."""

_CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+")
_DIRECTION = re.compile(r"[\u200e\u200f\u202a-\u202e\u2066-\u2069]")
_SPACES = re.compile(r"[ \u00a0]{2,}")
_SURROGATES = re.compile(r"[\ud800-\udfff]")

# What mailers say and what they mean: supersets, as in the WHATWG encoding standard.
_MEANT = {
    "ascii": "utf-8",
    "us-ascii": "utf-8",
    "ansi_x3.4-1968": "utf-8",
    "iso-8859-1": "cp1252",
    "iso8859-1": "cp1252",
    "latin1": "cp1252",
    "latin-1": "cp1252",
    "iso-8859-9": "cp1254",
    "iso-8859-11": "cp874",
    "tis-620": "cp874",
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "x-gbk": "gb18030",
    "ks_c_5601-1987": "cp949",
    "euc-kr": "cp949",
    "shift_jis": "cp932",
    "x-sjis": "cp932",
    "iso-2022-jp": "iso2022_jp_ext",
    "iso-8859-8-i": "iso-8859-8",
    "iso-8859-8-e": "iso-8859-8",
    "unicode-1-1-utf-7": "utf-7",
    "utf8": "utf-8",
    "utf8mb4": "utf-8",
    "cp-850": "cp850",
}
# Codecs of Python that are no charset, or whose cost grows with the square of the input.
_NO_CHARSET = {
    "idna",
    "punycode",
    "undefined",
    "unicode_escape",
    "raw_unicode_escape",
    "mbcs",
    "oem",
}
_MARKS = ((b"\xef\xbb\xbf", "utf-8"), (b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"))
_HOLES = (0x81, 0x8D, 0x8F, 0x90, 0x9D)
_CP1252 = bytes(range(256)).decode("cp1252", "replace")


def clean(text: str) -> str:
    r"""Text without what a database or a wire would refuse; line ends are ``\n``."""
    if "\x00" in text:
        text = text.replace("\x00", "")
    if _SURROGATES.search(text):
        text = _SURROGATES.sub("\ufffd", text)
    return text.replace("\r\n", "\n").replace("\r", "\n")


def one_line(text: str, limit: int = MAX_HEADER) -> str:
    """A header's value as one line: no line ends, controls or direction overrides, not too long."""
    text = _CONTROLS.sub(" ", _SURROGATES.sub("\ufffd", text[: limit * 4]))
    return _SPACES.sub(" ", _DIRECTION.sub("", text)).strip()[:limit]


def codec(charset: str) -> str | None:
    """The name of Python's codec for a charset as mailers write it; ``None`` if it has none."""
    name = charset.strip().strip("'\"").lower()
    try:
        info = codecs.lookup(_MEANT.get(name, name))
    except (LookupError, ValueError):
        return None
    is_text = getattr(info, "_is_text_encoding", True)
    return info.name if is_text and info.name.replace("-", "_") not in _NO_CHARSET else None


def decode(data: bytes, declared: str) -> tuple[str, str]:
    """Text, and why it was not read as declared (empty when it was).

    The order: a byte order mark; UTF-8 where the bytes are valid, non-trivial UTF-8 though a
    one-byte charset is declared; the declared charset; UTF-8; Windows-1252, which never fails
    here. UTF-8 declared and broken in few places stays UTF-8 with marks in those places.
    """
    named = codec(declared) if declared else None
    text, name, whole = _read(data, named)
    if name == named:
        return text, "" if whole else f"{name}: with broken places"
    if name == "utf-8" and (data.isascii() or not declared):
        return text, ""
    return text, f"{name}, though {declared or 'nothing'} was declared"


def _read(data: bytes, named: str | None) -> tuple[str, str, bool]:
    """The text, the codec that read it, and whether it read all of it."""
    for mark, name in _MARKS:
        if data.startswith(mark):
            return data.decode(name, "replace").removeprefix("\ufeff"), name, True
    if named is None and b"\x1b$" in data:
        japanese = _strict(data, "iso2022_jp_ext")
        if japanese is not None:
            return japanese, "iso2022_jp_ext", True
    utf8 = _strict(data, "utf-8")
    if utf8 is not None and _may_hide_utf8(named):
        return utf8, "utf-8", True
    if named:
        text = _strict(data, named)
        patched = text if text is not None else data.decode(named, "replace")
        if patched.count("\ufffd") * 10 <= sum(not c.isascii() for c in patched):
            return patched, named, text is not None
    return (_windows(data), "cp1252", True) if utf8 is None else (utf8, "utf-8", True)


def _may_hide_utf8(named: str | None) -> bool:
    """Valid multi-byte UTF-8 by chance is next to impossible where each byte is a letter."""
    return named is None or named.startswith(("utf-8", "cp125", "cp8", "iso8859", "koi8", "mac"))


def _strict(data: bytes, name: str) -> str | None:
    try:
        return data.decode(name)
    except (UnicodeError, ValueError):
        return None


def _windows(data: bytes) -> str:
    """Windows-1252 with its five holes filled from Latin-1, as browsers do: it cannot fail."""
    if not any(hole in data for hole in _HOLES):
        return data.decode("cp1252")
    return "".join(chr(byte) if byte in _HOLES else _CP1252[byte] for byte in data)


def header_text(raw: str, limit: int = MAX_HEADER) -> str:
    """An unstructured header (RFC 2047) as one line of text; never raises.

    ``raw`` comes from the parser: ASCII, with bytes above 127 as surrogate escapes.
    """
    raw = raw[: limit * 8]
    if "=?" not in raw:
        return one_line(_eight_bit(raw), limit)
    try:
        chunks = decode_header(raw.encode("ascii", "surrogateescape").decode("latin-1"))
    except (HeaderParseError, ValueError, UnicodeError):
        return one_line(_eight_bit(raw), limit)
    out: list[str] = []
    for chunk, charset in chunks:
        if isinstance(chunk, str):
            out.append(decode(chunk.encode("latin-1", "replace"), "")[0])
        else:
            out.append(decode(chunk, charset or "")[0])
    return one_line("".join(out), limit)


def _eight_bit(raw: str) -> str:
    if raw.isascii():
        return raw
    return decode(raw.encode("utf-8", "surrogateescape"), "")[0]
