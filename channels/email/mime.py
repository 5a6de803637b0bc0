"""The tree of a mail (RFC 2045-2049) flattened into what people see: text, HTML, files.

The standard library's parser does the work, with the old ``compat32`` policy: it keeps every
header raw (decoding is ours, see ``text``), is several times faster than the modern policies
and does not raise on headers that those reject.
"""

import binascii
import re
from email.message import Message
from email.parser import BytesParser
from email.policy import Compat32
from email.utils import collapse_rfc2231_value

from msgspec import Struct, field

from channels.email.html import meta_charset
from channels.email.text import clean, decode, header_text, one_line
from gateway.ports import File

MAX_DEPTH = 30
MAX_FILES = 200
MAX_FIELD = 100_000
"""Characters of a header field that are kept."""
MAX_PARAMETERS = 4_000
"""The same for the fields that hold parameters (``Content-…``)."""

Part = Message


class Content(Struct):
    """What a mail holds. ``notes`` say what had to be repaired."""

    texts: list[str] = field(default_factory=list)
    htmls: list[str] = field(default_factory=list)
    files: list[File] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    report: Part | None = None
    original: Part | None = None

    def note(self, what: str) -> None:
        if what and what not in self.notes and len(self.notes) < 10:
            self.notes.append(what)


class _Bounded(Compat32):
    """The old policy, with headers cut to what anybody can mean.

    The library takes a time that grows with the square of a header's parameters.
    """

    def header_source_parse(self, sourcelines: list[str]) -> tuple[str, str]:
        name, value = super().header_source_parse(sourcelines)
        limit = MAX_PARAMETERS if name.lower().startswith("content-") else MAX_FIELD
        return name, value[:limit]


def parse(raw: bytes) -> Part:
    """The tree of a mail. Raises ``RecursionError`` on absurd nesting, hardly anything else."""
    return BytesParser(policy=_Bounded()).parsebytes(raw)


def content(root: Part) -> Content:
    """Everything in the tree; parts below ``MAX_DEPTH`` and after ``MAX_FILES`` are left out."""
    found = Content()
    _collect(root, found, depth=0)
    return found


def report_type(root: Part) -> str:
    """``delivery-status``, ``disposition-notification``, … of a ``multipart/report``."""
    if root.get_content_type() != "multipart/report":
        return ""
    return one_line(_parameter(root, "report-type") or "unknown", 40).lower()


def _collect(part: Part, found: Content, *, depth: int) -> None:
    kind = part.get_content_type()
    if depth > MAX_DEPTH:
        found.note("nested too deeply: the innermost parts were left out")
        return
    # Of a leaf the library would decode the text, and stumble over some charset parameters.
    children = part.get_payload() if part.is_multipart() else None
    if kind == "message/delivery-status" and isinstance(children, list):
        found.report = found.report or part
        return
    if kind == "message/rfc822" and isinstance(children, list):
        if children and isinstance(children[0], Message) and found.original is None:
            found.original = children[0]
        _attach(part, found, _inner_mail(part))
        return
    if isinstance(children, list):
        for child in children:
            if isinstance(child, Message):
                _collect(child, found, depth=depth + 1)
        return
    _leaf(part, kind, found)


def _leaf(part: Part, kind: str, found: Content) -> None:
    if kind.startswith("multipart/"):
        # Declared as a container, yet no boundary is in it: its text is the mail's text.
        found.note(f"{kind} without parts")
        kind = "text/plain"
    data = _bytes(part, found)
    if kind == "text/rfc822-headers" and found.original is None:
        found.original = parse(data)
    disposition = header_text(str(part.get("content-disposition", ""))).lower()
    is_file = disposition.startswith("attachment") or bool(file_name(part))
    if is_file or kind not in {"text/plain", "text/html"}:
        if kind != "text/x-amp-html":
            _attach(part, found, data)
        return
    declared = one_line(_parameter(part, "charset"), 60)
    if kind == "text/html":
        text, why = decode(data, declared or meta_charset(data))
        found.htmls.append(clean(text))
    else:
        text, why = decode(data, declared)
        text = clean(text)
        flowed = _parameter(part, "format").lower() == "flowed"
        delete = _parameter(part, "delsp").lower() == "yes"
        found.texts.append(unflow(text, delete_space=delete) if flowed else text)
    found.note(why and f"charset {why}")


def _attach(part: Part, found: Content, data: bytes) -> None:
    if len(found.files) >= MAX_FILES:
        found.note(f"more than {MAX_FILES} attachments: the rest was left out")
        return
    kind = part.get_content_type()
    inline_id = one_line(str(part.get("content-id", "")), 250).strip("<> ")
    number = len(found.files) + 1
    name = file_name(part)
    if not name and kind == "message/rfc822" and found.original is not None:
        name = safe_name(header_text(str(found.original.get("subject", "")), 80)) + ".eml"
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
_FORBIDDEN = re.compile(r"[/\\:*?\"<>|]+")


def safe_name(name: str) -> str:
    """A file name without folders or characters that some system gives a meaning."""
    return _FORBIDDEN.sub("_", one_line(name, 200)).strip(". _")


def file_name(part: Part) -> str:
    """The name that a part declares, by RFC 2231, RFC 2047 in quotes, or plainly; or nothing."""
    for header, parameter in (("content-disposition", "filename"), ("content-type", "name")):
        value = _parameter(part, parameter, header)
        if value:
            return safe_name(value.replace("\\", "/").rpartition("/")[2])
    return ""


def _parameter(part: Part, name: str, header: str = "content-type") -> str:
    """A MIME parameter as text; odd encodings are repaired, broken ones are empty."""
    try:
        value = part.get_param(name, header=header)
    except (ValueError, TypeError, IndexError, LookupError, UnicodeError):
        return ""
    if value is None:
        return ""
    if isinstance(value, tuple):
        charset, _, text = value
        data = text.encode("latin-1", "replace")
        return decode(data, charset or "")[0] if charset else collapse_rfc2231_value(value)
    return header_text(str(value), 400)


def _bytes(part: Part, found: Content) -> bytes:
    """The decoded bytes of a leaf; broken base64 gives what could be read, with a note."""
    try:
        data = part.get_payload(decode=True)
    except (ValueError, binascii.Error, UnicodeError, LookupError):
        data = None
    if part.defects:
        found.note(f"{type(part.defects[0]).__name__} in {part.get_content_type()}")
    if isinstance(data, bytes):
        return data
    try:
        payload = part.get_payload()
    except (TypeError, ValueError):
        return b""
    return str(payload or "").encode("utf-8", "surrogateescape")


def _inner_mail(part: Part) -> bytes:
    """The bytes of an attached mail."""
    inner = part.get_payload()
    if isinstance(inner, list) and inner and isinstance(inner[0], Message):
        try:
            return inner[0].as_bytes()
        except (ValueError, LookupError, AttributeError, TypeError, RecursionError):
            return str(inner[0].get_payload() or "").encode("utf-8", "replace")
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
