"""What a file is by its content, whatever it is called and its sender says."""

from io import BytesIO
from zipfile import BadZipFile, ZipFile

import puremagic

TEXT = "text/plain"
CSV = "text/csv"
ZIP = "application/zip"
UNKNOWN = "application/octet-stream"
_HEAD = 4_096
_MARKUP = (b"<!doctype", b"<html", b"<?xml", b"<svg", b"<script", b"<?php", b"#!")
"""Text that somebody may run; it is nothing that a customer has to send."""
_OFFICE = "application/vnd.openxmlformats-officedocument."
_OPEN_DOCUMENT = "application/vnd.oasis.opendocument."
_PARTS = {
    "word/document.xml": f"{_OFFICE}wordprocessingml.document",
    "xl/workbook.xml": f"{_OFFICE}spreadsheetml.sheet",
    "ppt/presentation.xml": f"{_OFFICE}presentationml.presentation",
}
"""By what is inside (ECMA-376); documents of OpenOffice name their type themselves."""
_MACROS = "vbaProject.bin"
_LONGEST_TYPE = 200
_IN_TEXT = frozenset("\t\r\n\f\u00a0\u00ad\u200b\u200c\u200d\u200e\u200f\u2028\u3000\ufeff")
_PART = 65_536
"""Characters that are looked at in one go: others have their turn in between."""


def kind_of(data: bytes, name: str) -> str:
    """The media type. ``name`` decides only between kinds that have the same content.

    Never fails: what nothing is known of is ``application/octet-stream``.
    """
    if _is_text(data):
        head = data[:_HEAD].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
        if head.startswith(_MARKUP):
            return UNKNOWN
        return CSV if name.lower().endswith(".csv") else TEXT
    if data.startswith(b"PK\x03\x04"):
        return _packed(data)
    try:
        matches = puremagic.magic_string(data)
    except (puremagic.PureError, ValueError):
        return UNKNOWN
    return matches[0].mime_type or UNKNOWN


def _is_text(data: bytes) -> bool:
    """UTF-8 without anything that no text has."""
    try:
        text = data.decode()
    except UnicodeDecodeError:
        return False
    for start in range(0, len(text), _PART):
        part = text[start : start + _PART]
        for also in _IN_TEXT:
            part = part.replace(also, "")
        if not part.isprintable():
            return False
    return True


def _packed(data: bytes) -> str:
    """An archive, or a document that is one. One with macros is taken for what it can do."""
    try:
        with ZipFile(BytesIO(data)) as packed:
            names = set(packed.namelist())
            if any(name.endswith(_MACROS) for name in names):
                return UNKNOWN
            if "mimetype" in names and packed.getinfo("mimetype").file_size < _LONGEST_TYPE:
                said = packed.read("mimetype").decode("ascii", "replace")
                if said.startswith(_OPEN_DOCUMENT):  # any other name for an archive is a false one
                    return said
    except (BadZipFile, NotImplementedError, RuntimeError, OSError, ValueError, EOFError):
        return UNKNOWN
    if "[Content_Types].xml" not in names:
        return ZIP
    return next((kind for part, kind in _PARTS.items() if part in names), ZIP)
