"""Bytes of a mail into text that is safe to store, compare and show.

Every header value passes ``one_line``: a CR or LF hidden in an encoded word (RFC 2047) or in
raw bytes can never end a header that we write later. Every text passes ``clean``: no NUL
(PostgreSQL refuses it), no lone surrogates (UTF-8 refuses them).
"""

import binascii
import codecs
import re

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
    "x-mac-cyrillic": "mac_cyrillic",
    "x-mac-roman": "mac_roman",
    "x-mac-ce": "mac_latin2",
    "x-mac-greek": "mac_greek",
    "x-mac-turkish": "mac_turkish",
    "x-mac-japanese": "cp932",
    "windows-31j": "cp932",
    "windows-874": "cp874",
    "windows-949": "cp949",
    "windows-936": "gb18030",
    "ks_c_5601-1989": "cp949",
    "cp-1252": "cp1252",
    "x-cp1251": "cp1251",
    "cp-866": "cp866",
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
    if named and not (named == "cp1252" and _cyrillic(data)):
        text = _strict(data, named)
        patched = text if text is not None else data.decode(named, "replace")
        if _mostly_read(patched, named):
            return patched, named, text is not None
    if utf8 is not None:
        return utf8, "utf-8", True
    guess = _cyrillic(data)
    return (
        (data.decode(guess, "replace"), guess, True) if guess else (_windows(data), "cp1252", True)
    )


def _mostly_read(text: str, named: str) -> bool:
    """Whether the broken places are few enough for the charset to be the right one."""
    foreign = sum(not c.isascii() for c in text)
    if named == "utf-8":
        # Letters of two bytes do not come by chance: one good for one broken place is enough.
        broken = len(_BROKEN.findall(text))
        return broken == 0 or foreign - text.count("\ufffd") >= broken
    return text.count("\ufffd") * 10 <= foreign


_BROKEN = re.compile("\ufffd+")
_HIGH = re.compile(rb"[\x80-\xff]+")
_MIN_HIGH = 10


def _cyrillic(data: bytes) -> str:
    """The Cyrillic charset of bytes that are no UTF-8, or nothing.

    Western letters with accents stand alone between others; here whole words are foreign. Which
    charset it is shows in the letters: mostly small ones, and a third of them the six commonest.
    """
    runs = _HIGH.findall(data[:20_000])
    high = b"".join(runs)
    if len(high) < _MIN_HIGH or len(high) < 3 * len(runs):
        return ""
    for name in ("cp1251", "koi8-r", "cp866"):
        text = high.decode(name, "replace")
        small = sum("\u0430" <= c <= "\u045f" for c in text)
        common = sum(c in "оеаинт" for c in text)
        if small * 10 >= len(text) * 7 and common * 4 >= len(text):
            return name
    return ""


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

    ``raw`` comes from the parser: ASCII, with bytes above 127 as surrogate escapes. Neighbours in
    one charset are decoded together: many encoders split a letter between two words.
    """
    raw = eight_bit(raw[: limit * 8])
    if "=?" not in raw:
        return one_line(raw, limit)
    out: list[str] = []
    coded, charset, at = b"", "", 0
    for word in _WORD.finditer(raw):
        between, meant = raw[at : word.start()], word[1].partition("*")[0].lower()
        if between.strip() or not at or meant != charset:
            out.append(decode(coded, charset)[0])
            coded, charset = b"", meant
        if between.strip() or not at:
            out.append(between)
        coded += _word_bytes(word[2], word[3])
        at = word.end()
    return one_line("".join([*out, decode(coded, charset)[0], raw[at:]]), limit)


def eight_bit(raw: str) -> str:
    """A raw header as text: the surrogate escapes in it are letters of some charset."""
    if raw.isascii():
        return raw
    return decode(raw.encode("utf-8", "surrogateescape"), "")[0]


def _word_bytes(encoding: str, coded: str) -> bytes:
    """The bytes of an encoded word, though it holds blanks, line ends or the wrong padding."""
    if encoding in "bB":
        bare = _NOT_BASE64.sub("", coded)
        return binascii.a2b_base64(bare[: len(bare) - (len(bare) % 4 == 1)] + "==")
    plain = _FOLD.sub("", coded).replace("_", " ").encode("utf-8", "replace")
    return _CODE.sub(lambda code: bytes((int(code[1], 16),)), plain)


_WORD = re.compile(r"=\?([^?\s]{1,60})\?\s*([bBqQ])\s*\?([^?]*)\?=")
_NOT_BASE64 = re.compile(r"[^A-Za-z0-9+/]")
_FOLD = re.compile(r"[\r\n]+[ \t]?")
_CODE = re.compile(rb"=([0-9A-Fa-f]{2})")
