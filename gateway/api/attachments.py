"""Attachments: upload first, name the id in a message then; downloads never act in a browser."""

import asyncio
from secrets import token_hex
from urllib.parse import quote, unquote

import aiohttp
from aiohttp.base_protocol import BaseProtocol
from aiohttp.http import HttpProcessingError
from msgspec import Struct
from msgspec.structs import replace

from gateway.api.base import asked, by
from gateway.core.errors import Refused
from gateway.core.ids import AttachmentId
from gateway.core.inbound import File
from gateway.core.model import Attachment
from gateway.ports import Files, HttpAnswer, HttpRequest, HttpRoute

TAG = "attachments"
MAX_FILE = 25_000_000
MAX_NAME = 200
HEADROOM = 100_000
IN_TEXT = frozenset({"image/png", "image/jpeg", "image/gif", "image/webp"})
# What a browser might run or render as a page is handed out as plain bytes.
ACTIVE = ("html", "xml", "svg", "script", "ecmascript", "x-shockwave", "x-msdownload", "pdf")


class UploadQuery(Struct, frozen=True, kw_only=True):
    """``inline``: an image for the text; `inline_id` of the answer is its `cid:` there."""

    inline: bool = False


class Upload(Struct, frozen=True, kw_only=True):
    """Multipart form data: one part named ``file``."""

    file: bytes


class Attachments:
    """See the module's docstring. An upload's id is good once, for an hour, for its owner."""

    def __init__(self, files: Files) -> None:
        self._files = files

    def routes(self) -> list[HttpRoute]:
        return [
            HttpRoute(
                method="POST",
                path="/api/v1/attachments",
                handle=self._upload,
                summary="Upload a file, at most 25 MB (multipart field `file`)",
                takes=Upload,
                asks=UploadQuery,
                gives=Attachment,
                status=201,
                tag=TAG,
                max_body=MAX_FILE + HEADROOM,
            ),
            HttpRoute(
                method="GET",
                path="/api/v1/attachments/{id}",
                handle=self._download,
                summary="Download a file",
                gives=bytes,
                produces="application/octet-stream",
                tag=TAG,
            ),
        ]

    async def _upload(self, request: HttpRequest) -> HttpAnswer:
        query, file = asked(request, UploadQuery), await file_of(request)
        if query.inline:
            file = _for_text(file)
        if len(file.data) > MAX_FILE:
            raise Refused("too_long", f"a file may have {MAX_FILE} bytes at most", "file")
        return HttpAnswer(status=201, body=await self._files.put(file, by(request)))

    async def _download(self, request: HttpRequest) -> HttpAnswer:
        found = await self._files.get(AttachmentId(request.params["id"]))
        if found is None:
            raise Refused("not_found", "there is no such attachment", "id")
        attachment, data = found
        return handed_out(data, attachment.name, attachment.type)


def handed_out(data: bytes, name: str, kind: str) -> HttpAnswer:
    """A file to be saved under its name; no browser shows it as a page."""
    return HttpAnswer(
        body=data,
        type=harmless(kind),
        headers={
            "Content-Disposition": disposition(name),
            "Content-Security-Policy": "sandbox; default-src 'none'",
            "X-Content-Type-Options": "nosniff",
            "Cache-Control": "private, max-age=86400, immutable",
        },
    )


def _for_text(file: File) -> File:
    if file.type.partition(";")[0].strip() not in IN_TEXT:
        raise Refused(
            "bad_field", "an image in the text is PNG, JPEG, GIF or WebP: attach this one", "file"
        )
    return replace(file, inline_id=f"{token_hex(12)}@inline")


async def file_of(request: HttpRequest) -> File:
    """The part named ``file`` of a multipart body (RFC 7578). Raises ``Refused``."""
    kind = request.headers.get("content-type", "")
    if not kind.lower().startswith("multipart/form-data"):
        raise Refused("bad_body", "send multipart/form-data with a part named `file`", "file")
    try:
        reader = aiohttp.MultipartReader({"Content-Type": kind}, _stream(request.body))
        while (part := await reader.next()) is not None:
            if isinstance(part, aiohttp.BodyPartReader) and part.name == "file":
                return File(
                    name=_plain_name(part.filename or ""),
                    type=part.headers.get("Content-Type", "application/octet-stream").lower()[:200],
                    data=bytes(await part.read(decode=False)),
                )
    except (ValueError, AssertionError, HttpProcessingError, RuntimeError) as error:
        # aiohttp asserts, too, what a broken body does not keep.
        raise Refused("bad_body", f"the multipart body is broken: {error}", "file") from error
    raise Refused("bad_field", "there is no part named `file`", "file")


def _stream(body: bytes) -> aiohttp.StreamReader:
    """The body as aiohttp's reader wants it: all of it is here, so nobody is asked to pause."""
    loop = asyncio.get_running_loop()
    stream = aiohttp.StreamReader(BaseProtocol(loop), limit=len(body) + 1, loop=loop)
    stream.feed_data(body)
    stream.feed_eof()
    return stream


def _plain_name(given: str) -> str:
    """The last part of a path, without what confuses people or file systems."""
    decoded = unquote(given, errors="replace")
    if given.isascii() and not decoded.isascii() and "\ufffd" not in decoded:
        given = decoded  # some clients send other scripts percent-encoded (RFC 7578 section 2)
    name = given.replace("\\", "/").rsplit("/", 1)[-1]
    name = "".join(c for c in name if c.isprintable()).strip(" .")
    return name[:MAX_NAME] or "file"


def harmless(kind: str) -> str:
    """The media type as it may be handed out."""
    plain = kind.partition(";")[0].strip().lower()
    main, slash, sub = plain.partition("/")
    usable = bool(main and slash and sub) and plain.isascii() and plain.isprintable()
    if not usable or " " in plain or any(word in plain for word in ACTIVE):
        return "application/octet-stream"
    return plain


def disposition(name: str) -> str:
    """``Content-Disposition`` that saves under ``name`` in any script (RFC 6266, RFC 8187)."""
    plain = "".join(c if c.isascii() and c.isprintable() and c not in '"\\' else "_" for c in name)
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}"
