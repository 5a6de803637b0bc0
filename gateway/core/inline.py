"""Files that a mail's text shows itself, by their Content-ID (RFC 2392). Pure."""

import re
from collections.abc import Iterable, Sequence

from msgspec.structs import replace

from gateway.core.model import Attachment

_CID = re.compile(r"[\"']cid:([^\"'\s>]{1,300})[\"']", re.IGNORECASE)
_CODE = re.compile(r"%([0-9A-Fa-f]{2})")


def in_text(html: str | None, files: Iterable[Attachment]) -> frozenset[str]:
    """The ids that the text names. A Content-ID alone says nothing: many programs give each one."""
    named = set(map(_plain, _CID.findall(html))) if html else set[str]()
    return frozenset(f.inline_id for f in files if f.inline_id and f.inline_id in named)


def placed(html: str | None, files: Sequence[Attachment]) -> tuple[Attachment, ...]:
    """The files as they leave: what was meant for the text and is not in it is sent beside it."""
    shown = in_text(html, files)
    return tuple(f if f.inline_id in shown else replace(f, inline_id="") for f in files)


def _plain(cid: str) -> str:
    return _CODE.sub(lambda code: chr(int(code[1], 16)), cid)
