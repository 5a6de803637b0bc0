"""The tree of a mail (RFC 2045-2049) flattened into what people see: text, HTML, files.

The standard library's parser does the work, with the old ``compat32`` policy: it keeps every
header raw (decoding is ours, see ``text``), is several times faster than the modern policies
and does not raise on headers that those reject.
"""

import re
from email.errors import MessageError
from email.message import Message
from email.parser import BytesFeedParser
from email.policy import Compat32
from email.utils import collapse_rfc2231_value
from typing import Any

from msgspec import Struct, field

from channels.email import transfer
from channels.email.headers import mended
from channels.email.html import meta_charset
from channels.email.text import clean, decode, header_text, one_line
from gateway.ports import File

MAX_DEPTH = 30
MAX_FILES = 200
MAX_FIELD = 100_000
"""Characters of a header field that are kept."""
MAX_PARAMETERS = 4_000
"""The same for the fields that hold parameters (``Content-…``)."""


class Part(Message):
    """A part that knows how deep it lies: below ``MAX_DEPTH`` it is bytes, whatever it says.

    The library's parser asks for the type before it goes down; its time grows with the depth.
    """

    depth = 0
    _ahead = ""
    """What stands before the payload that the library sees; see ``set_payload``."""

    def attach(self, payload: Message | str) -> None:
        if isinstance(payload, Part):
            payload.depth = self.depth + 1
        super().attach(payload)

    def set_payload(self, payload: Any, charset: Any = None) -> None:
        # The parser then searches all of it for a line end at its end, and holds up every thread
        # for a tenth of a second and more: it may have the end alone.
        if isinstance(payload, str) and len(payload) > _END:
            self._ahead, payload = payload[:-_END], payload[-_END:]
        super().set_payload(payload, charset)

    def restore(self) -> None:
        """Make it what the library expects of a part, before it is written again."""
        if self._ahead:
            super().set_payload(self._ahead + self._end())
            self._ahead = ""

    def _end(self) -> str:
        payload = vars(self).get("_payload")
        return payload if isinstance(payload, str) else ""

    def source(self) -> bytes:
        """The bytes of a leaf as they came, still encoded for the transfer."""
        pieces = [
            self._ahead[at : at + transfer.SLICE]
            for at in range(0, len(self._ahead), transfer.SLICE)
        ]
        return b"".join(p.encode("ascii", "surrogateescape") for p in [*pieces, self._end()])

    def get_boundary(self, failobj: Any = None) -> Any:
        try:
            return super().get_boundary(failobj)
        except _UNREADABLE:
            return failobj

    def get_content_type(self) -> str:
        return super().get_content_type() if self.depth <= MAX_DEPTH else _TOO_DEEP


_END = 2
"""Characters of a payload that its parser may look at: a line end."""
_UNREADABLE = (ValueError, TypeError, IndexError, LookupError, UnicodeError)
"""What the library's reader of parameters raises: on pieces without numbers, odd charsets, …"""
_TOO_DEEP = "application/x-nested-too-deeply"


class Piece(Struct):
    """Text in one form or two: what stands at one place of the mail."""

    text: str = ""
    html: str = ""


class Content(Struct):
    """What a mail holds. ``notes`` say what had to be repaired."""

    pieces: list[Piece] = field(default_factory=list)
    files: list[File] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    report: Message | None = None
    original: Message | None = None

    def note(self, what: str) -> None:
        if what and what not in self.notes and len(self.notes) < 10:
            self.notes.append(what)


class _Bounded(Compat32):
    """The old policy, with headers cut to what anybody can mean.

    The library takes a time that grows with the square of a header's parameters.
    """

    def header_source_parse(self, sourcelines: list[str]) -> tuple[str, str]:
        name, value = super().header_source_parse(sourcelines)
        if name.lower() == "references":
            return name, value[-MAX_FIELD:]
        limit = MAX_PARAMETERS if name.lower().startswith("content-") else MAX_FIELD
        return name, value[:limit]

    def header_fetch_parse(self, name: str, value: str) -> str:  # noqa: ARG002 - the library asks
        # Bytes above 127 stay what they were; the library would make question marks of them.
        return value


def parse(raw: bytes) -> Message:
    """The tree of a mail; its header is mended where a line in it is none."""
    raw = mended(raw)
    parser = BytesFeedParser(Part, policy=_Bounded())
    # In slices: one call over megabytes would hold up every other thread.
    for at in range(0, len(raw), _SLICE):
        parser.feed(raw[at : at + _SLICE])
    return parser.close()


_SLICE = 65_536


def content(root: Message) -> Content:
    """Everything in the tree; parts below ``MAX_DEPTH`` and after ``MAX_FILES`` are left out."""
    found = Content()
    _collect(root, found)
    return found


def report_type(root: Message, found: Content) -> str:
    """``delivery-status``, ``disposition-notification``, … of a ``multipart/report``.

    A gateway that adds a footer puts the report into a ``multipart/mixed``.
    """
    if root.get_content_type() != "multipart/report":
        return "delivery-status" if found.report is not None else ""
    named = one_line(_parameter(root, "report-type"), 40).lower()
    return named or ("delivery-status" if found.report is not None else "unknown")


_DSN = frozenset({"message/delivery-status", "message/global-delivery-status"})
_MAILS = frozenset({"message/rfc822", "message/global", "message/news"})
_ONLY_HEADERS = frozenset({"text/rfc822-headers", "message/global-headers"})


def _collect(part: Message, found: Content) -> None:
    kind = part.get_content_type()
    # Of a leaf the library would decode the text, and stumble over some charset parameters.
    payload = part.get_payload() if part.is_multipart() else None
    if not isinstance(payload, list):
        _leaf(part, kind, found)
        return
    children = [child for child in payload if isinstance(child, Message)]
    if kind in _DSN:
        found.report = found.report or part
    elif kind in _ONLY_HEADERS:
        found.original = found.original or next(iter(children), None)
    elif kind in _MAILS:
        _attached_mail(part, children, found)
    elif kind == "multipart/alternative":
        _alternative(children, found)
    else:
        for child in children:
            _collect(child, found)


def _alternative(children: list[Message], found: Content) -> None:
    """One thing in several forms: its texts and its HTML stand at one place."""
    before, found.pieces = found.pieces, []
    for child in children:
        _collect(child, found)
    forms, found.pieces = found.pieces, before
    text = "\n".join(form.text for form in forms if form.text.strip())
    html = "\n".join(form.html for form in forms if form.html.strip())
    found.pieces.append(Piece(text, html))


def _attached_mail(part: Message, children: list[Message], found: Content) -> None:
    data = _inner_mail(children)
    declared = transfer.encoding(str(part.get("content-transfer-encoding", "")))
    if children and declared and not children[0].keys():
        # RFC 2046 section 5.2.1 forbids to encode a mail in a mail; it happens all the same.
        decoded = _decoded(declared, data.strip(), found, part.get_content_type())
        data, children = decoded, [parse(decoded)]
    if children and found.original is None:
        found.original = children[0]
    _attach(part, found, data)


def _leaf(part: Message, kind: str, found: Content) -> None:
    if kind == _TOO_DEEP:
        found.note("nested too deeply: the innermost parts were left out")
        return
    data = _bytes(part, found)
    if kind.startswith("multipart/"):
        found.note(f"{kind} without parts")
        if (inner := _with_boundary(data, part)) is not None:
            _collect(inner, found)
            return
        # No boundary is in it: its text is the mail's text.
        kind = "text/plain"
    if kind in _ONLY_HEADERS and found.original is None:
        found.original = parse(data)
    if _is_file(part, kind):
        if kind != "text/x-amp-html":
            _attach(part, found, data)
        return
    declared = one_line(_parameter(part, "charset"), 60)
    if kind == "text/html":
        text, why = decode(data, declared or meta_charset(data))
        found.pieces.append(Piece(html=clean(text)))
    else:
        text, why = decode(data, declared)
        text = clean(text)
        flowed = _parameter(part, "format").lower() == "flowed"
        delete = _parameter(part, "delsp").lower() == "yes"
        found.pieces.append(Piece(unflow(text, delete_space=delete) if flowed else text))
    found.note(why and f"charset {why}")


def _is_file(part: Message, kind: str) -> bool:
    disposition = header_text(str(part.get("content-disposition", ""))).lower()
    if disposition.startswith("attachment") or kind not in {"text/plain", "text/html"}:
        return True
    # Of a mail that is one text, a name makes no attachment.
    return bool(file_name(part)) and (getattr(part, "depth", 0) > 0 or kind == "text/html")


_BOUNDARY = re.compile(
    rb"^--([^\s-][^\r\n]{0,98}?|-+[^\s-][^\r\n]{0,90}?)[ \t]*\r?\n(?=[\w-]+:|\r?\n)", re.MULTILINE
)


def _with_boundary(data: bytes, part: Message) -> Message | None:
    """The parts of a container whose boundary is missing or another than the one declared."""
    seen = _BOUNDARY.search(data[:100_000])
    if seen is None or getattr(part, "depth", 0) >= MAX_DEPTH:
        return None
    head = b'Content-Type: multipart/mixed; boundary="%s"\r\n\r\n'
    inner = parse(head % seen[1].replace(b"\\", b"\\\\").replace(b'"', b'\\"') + data)
    return inner if inner.is_multipart() else None


def _attach(part: Message, found: Content, data: bytes) -> None:
    if len(found.files) >= MAX_FILES:
        found.note(f"more than {MAX_FILES} attachments: the rest was left out")
        return
    kind = header_text(part.get_content_type(), 120).lower()
    if not _TYPE.fullmatch(kind):
        kind = "application/octet-stream"
    inline_id = one_line(str(part.get("content-id", "")), 250).strip("<> ")
    number = len(found.files) + 1
    name = file_name(part)
    if not name and kind == "message/rfc822" and found.original is not None:
        subject = safe_name(header_text(str(found.original.get("subject", "")), 80))
        name = subject and f"{subject}.eml"
    if not name:
        name = f"part-{number}.{_EXTENSIONS.get(kind, 'bin')}"
    found.files.append(File(name=name, type=kind, data=data, inline_id=inline_id))


_EXTENSIONS = {
    "image/png": "png",
    "image/jpeg": "jpg",
    "image/gif": "gif",
    "image/webp": "webp",
    "application/pdf": "pdf",
    "message/rfc822": "eml",
    "text/calendar": "ics",
    "text/vcard": "vcf",
    "text/html": "html",
    "text/plain": "txt",
    "text/rfc822-headers": "txt",
}
_TYPE = re.compile(r"[\w.+-]+/[\w.+-]+", re.ASCII)
_FORBIDDEN = re.compile(r"[/\\:*?\"<>|]+")


def safe_name(name: str) -> str:
    """A file name without folders or characters that some system gives a meaning."""
    return _FORBIDDEN.sub("_", one_line(name, 200)).strip(". _")


def file_name(part: Message) -> str:
    """The name that a part declares, by RFC 2231, RFC 2047 in quotes, or plainly; or nothing."""
    for header, parameter in (("content-disposition", "filename"), ("content-type", "name")):
        value = _parameter(part, parameter, header)
        if value:
            return safe_name(value.replace("\\", "/").rpartition("/")[2])
    return ""


def _parameter(part: Message, name: str, header: str = "content-type") -> str:
    """A MIME parameter as text; odd encodings are repaired, broken ones are empty."""
    values: list[Any]
    try:
        values = [value for key, value in part.get_params([], header=header) if key.lower() == name]
    except _UNREADABLE:
        plain = re.search(
            rf';\s*{name}\*?=\s*("[^"]*"|[^;\s]+)', str(part.get(header, "")), re.IGNORECASE
        )
        values = [plain[1].strip('"')] if plain else []
    # Who writes both forms means the one that can hold every letter (RFC 6266 section 4.3).
    value = next((value for value in values if isinstance(value, tuple)), None)
    value = value or next(iter(values), None)
    if value is None:
        return ""
    if isinstance(value, tuple):
        charset, _, text = value
        data = text.encode("latin-1", "replace")
        return decode(data, charset or "")[0] if charset else collapse_rfc2231_value(value)
    return header_text(str(value), 400)


def _bytes(part: Message, found: Content) -> bytes:
    """The decoded bytes of a leaf; of what is broken, what could be read, with a note."""
    declared = transfer.encoding(header_text(str(part.get("content-transfer-encoding", ""))))
    for defect in part.defects:
        found.note(f"{type(defect).__name__} in {part.get_content_type()}")
        break
    data = part.source() if isinstance(part, Part) else b""
    return _decoded(declared, data, found, part.get_content_type())


def _decoded(declared: str, data: bytes, found: Content, kind: str) -> bytes:
    match declared:
        case "base64":
            data, why = transfer.from_base64(data, doubtful=kind.startswith("text/"))
            found.note(why and f"{why} in {kind}")
        case "quoted-printable":
            data = transfer.from_quoted_printable(data)
        case "x-uuencode":
            data = transfer.from_uuencode(data)
        case _:
            pass
    return data


def _inner_mail(children: list[Message]) -> bytes:
    """The bytes of an attached mail."""
    if children:
        body = children[0].source() if isinstance(children[0], Part) else b""
        for part in children[0].walk():
            if isinstance(part, Part):
                part.restore()
        try:
            return children[0].as_bytes()
        except (MessageError, ValueError, LookupError, AttributeError, TypeError, RecursionError):
            # The library writes no header that could smuggle another; nor do we repair it.
            fields = "".join(
                f"{name}: {one_line(str(value))}\n" for name, value in children[0].items()
            )
            return fields.encode("utf-8", "replace") + b"\n" + body
    return b""


def unflow(text: str, *, delete_space: bool) -> str:
    """RFC 3676: lines that end in a space go on in the next one, within one depth of quoting."""
    out: list[str] = []
    paragraph: list[str] = []
    flowing, depth_before = False, -1
    for line in text.split("\n"):
        rest = line.lstrip(">")
        depth = len(line) - len(rest)
        rest = rest.removeprefix(" ")
        if not (flowing and depth == depth_before and rest != "-- "):
            out.append("".join(paragraph))
            paragraph = [">" * depth + (" " if depth else "")]
        soft = rest.endswith(" ") and rest != "-- "
        paragraph.append(rest[:-1] if soft and delete_space else rest)
        flowing, depth_before = soft, depth
    return "\n".join([*out[1:], "".join(paragraph)])
