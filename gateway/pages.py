"""The built pages: each file is read once, compressed once, and known by an ETag."""

import gzip
import hashlib
from importlib.resources.abc import Traversable
from pathlib import Path

from aiohttp import hdrs, web
from msgspec import Struct

WORTH_COMPRESSING = 1_000
TYPES = {
    "html": "text/html",
    "js": "text/javascript",
    "css": "text/css",
    "svg": "image/svg+xml",
    "json": "application/json",
    "map": "application/json",
    "woff2": "font/woff2",
}
COMPRESSED_ALREADY = frozenset({"woff2", "png"})

Stamp = tuple[int, int]


class _Kept(Struct, frozen=True):
    """A file as it is served. ``packed`` is its gzip form, where that is smaller."""

    stamp: Stamp
    body: bytes
    packed: bytes | None
    etag: str


class Pages:
    """Files of one folder. A file that was built anew is read again."""

    def __init__(self, static: Traversable | None) -> None:
        self._static = static if static is not None and static.is_dir() else None
        self._kept: dict[str, _Kept] = {}

    def top(self) -> list[str]:
        """The names of files right in the folder."""
        found = self._static.iterdir() if self._static is not None else ()
        return sorted(file.name for file in found if file.is_file())

    def answer(self, request: web.Request, name: str, *, cache: str) -> web.Response:
        """The file, or 304 for who has it. Raises ``web.HTTPNotFound``."""
        kept = self._find(name)
        if any(tag.value in (kept.etag, "*") for tag in request.if_none_match or ()):
            response = web.Response(status=304)
        else:
            ending = name.rsplit(".", 1)[-1]
            kind = TYPES.get(ending, "application/octet-stream")
            packed = (
                kept.packed if "gzip" in request.headers.get(hdrs.ACCEPT_ENCODING, "") else None
            )
            response = web.Response(body=packed or kept.body, content_type=kind, charset="utf-8")
            if packed is not None:
                response.headers[hdrs.CONTENT_ENCODING] = "gzip"
        response.headers[hdrs.ETAG] = f'W/"{kept.etag}"'
        response.headers[hdrs.VARY] = hdrs.ACCEPT_ENCODING
        response.headers[hdrs.CACHE_CONTROL] = cache
        return response

    def _find(self, name: str) -> _Kept:
        file = self._static.joinpath(name) if self._static is not None else None
        if file is None or not file.is_file():
            raise web.HTTPNotFound
        stamp = _stamp(file)
        kept = self._kept.get(name)
        if kept is None or kept.stamp != stamp:
            kept = self._kept[name] = _read(file, stamp)
        return kept


def _stamp(file: Traversable) -> Stamp:
    """Changes with the file; what is not on a disk (a zipped package) never changes."""
    if not isinstance(file, Path):
        return (0, 0)
    found = file.stat()
    return (found.st_mtime_ns, found.st_size)


def _read(file: Traversable, stamp: Stamp) -> _Kept:
    body = file.read_bytes()
    packed = None
    if len(body) >= WORTH_COMPRESSING and file.name.rsplit(".", 1)[-1] not in COMPRESSED_ALREADY:
        packed = gzip.compress(body, mtime=0)
    etag = hashlib.sha256(body).hexdigest()[:32]
    return _Kept(stamp, body, packed, etag)
