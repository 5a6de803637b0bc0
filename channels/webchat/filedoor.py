"""Files of visitors, over HTTP: uploads first, named in a ``send`` then; and what agents sent.

The visitor's token is the right to both, good for one channel. Who may not, or not so many, is told
before a byte of the body is read. What a file is its content says.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import timedelta

from msgspec import Struct

from channels.webchat.content import kind_of
from channels.webchat.hub import is_loopback
from channels.webchat.pace import Buckets
from channels.webchat.protocol import PATH, AttachmentCard
from channels.webchat.settings import MAX_FILE, Settings
from channels.webchat.visitor import Visitor, channel_named, recognise, verified
from gateway.core.errors import Refused
from gateway.core.ids import AttachmentId
from gateway.ports import File, HttpAnswer, HttpRequest, HttpRoute, Services, owner_of

HEADROOM = 100_000
AT_ONCE = 3
"""Uploads of one visitor that may be under way."""
DOWNLOADS = 120
"""Of one visitor in a minute."""
SAME_ADDRESS = 10
SIGNED_IN = timedelta(hours=12)
"""So old may the token be of somebody for whom the host site vouched: it is asked for no word here.

A window gets a new one each time that it connects.
"""
TAG = "web chat"


class Upload(Struct, frozen=True, kw_only=True):
    """Multipart form data: one part named ``file``."""

    file: bytes


class FileDoor:
    """See the module. ``may_embed`` tells whether a page of this origin may have this chat."""

    def __init__(
        self, settings: Settings, services: Services, may_embed: Callable[[str | None], bool]
    ) -> None:
        self._settings = settings
        self._services = services
        self._may_embed = may_embed
        rules = settings.files
        self._uploads = Buckets(rules.per_hour, rules.per_hour / 3600)
        self._addresses = Buckets(
            rules.per_hour * SAME_ADDRESS, rules.per_hour * SAME_ADDRESS / 3600
        )
        self._downloads = Buckets(DOWNLOADS, DOWNLOADS / 60)
        self._under_way: Counter[str] = Counter()
        self._from: Counter[str] = Counter()

    def routes(self) -> list[HttpRoute]:
        return [
            HttpRoute(
                method="POST",
                path=f"{PATH}/attachments",
                handle=self._upload,
                summary="A visitor uploads a file (multipart field `file`; the visitor's token)",
                access="public",
                takes=Upload,
                gives=AttachmentCard,
                status=201,
                tag=TAG,
                max_body=MAX_FILE + HEADROOM,
                cors=self._may_embed,
                select=self._is_mine,
                admit=self._let_upload,
            ),
            HttpRoute(
                method="GET",
                path=f"{PATH}/attachments/{{id}}",
                handle=self._download,
                summary="A visitor has a file that was sent in their chat (the visitor's token)",
                access="public",
                gives=bytes,
                produces="application/octet-stream",
                tag=TAG,
                cors=self._may_embed,
                select=self._is_mine,
                admit=self._let_download,
            ),
        ]

    def _is_mine(self, request: HttpRequest) -> bool:
        return channel_named(_token(request)) == self._settings.name

    def _visitor(self, request: HttpRequest) -> Visitor:
        """Who asks. Raises ``Refused``."""
        if not self._may_embed(request.headers.get("origin")):
            raise Refused("forbidden", "this chat is not open to that page")
        services = self._services
        now = services.clock.now()
        name, token = self._settings.name, _token(request)
        known = recognise(services.secret, name, token, now, account_lifetime=SIGNED_IN)
        if known is None:
            raise Refused("unauthorized", "send the visitor's token: Authorization: Bearer TOKEN")
        return known

    # -- up ---------------------------------------------------------------------------------

    @asynccontextmanager
    async def _let_upload(self, request: HttpRequest) -> AsyncIterator[None]:
        rules, visitor = self._settings.files, self._visitor(request)
        if not rules.per_message:
            raise Refused("not_available", "no files can be sent here", "file")
        announced = request.headers.get("content-length", "")
        if announced.isdecimal() and int(announced) > rules.max_bytes + HEADROOM:
            raise _too_long(rules.max_bytes)
        at_work, remote = self._under_way, request.remote
        here = rules.at_once if is_loopback(remote) else max(AT_ONCE, rules.at_once // 4)
        full = at_work.total() >= rules.at_once or self._from[remote] >= here
        if full or at_work[visitor.id] >= AT_ONCE:
            raise Refused("too_fast", "too many uploads at once; try again when one is done")
        now = self._services.clock.monotonic()
        wait = self._uploads.take(visitor.id, now)
        if not wait and not is_loopback(remote):
            wait = self._addresses.take(remote, now)
        if wait:
            raise Refused("too_fast", f"too many files; try again in {wait:.0f} seconds")
        at_work[visitor.id] += 1
        self._from[remote] += 1
        try:
            yield
        finally:
            at_work[visitor.id] -= 1
            self._from[remote] -= 1
            at_work += Counter()  # forgets who has none
            self._from += Counter()

    async def _upload(self, request: HttpRequest) -> HttpAnswer:
        rules, visitor = self._settings.files, self._visitor(request)
        file = await self._services.form_file(request)
        if len(file.data) > rules.max_bytes:
            raise _too_long(rules.max_bytes)
        if not file.data:
            raise Refused("bad_field", "the file is empty", "file")
        kind = await asyncio.to_thread(kind_of, file.data, file.name)
        if kind not in rules.types:
            detail = f"files like this one ({kind}) are not taken; send another kind"
            raise Refused("bad_type", detail, "file")
        owner = owner_of(self._settings.name, verified(visitor))
        kept = await self._services.files.put(
            File(name=file.name, type=kind, data=file.data), owner
        )
        card = AttachmentCard(id=kept.id, name=kept.name, type=kept.type, size=kept.size)
        return HttpAnswer(status=201, body=card)

    # -- down -------------------------------------------------------------------------------

    @asynccontextmanager
    async def _let_download(self, request: HttpRequest) -> AsyncIterator[None]:
        visitor = self._visitor(request)
        if self._downloads.take(visitor.id, self._services.clock.monotonic()):
            raise Refused("too_fast", f"at most {DOWNLOADS} files a minute")
        yield

    async def _download(self, request: HttpRequest) -> HttpAnswer:
        visitor = self._visitor(request)
        wanted, name = AttachmentId(request.params["id"]), self._settings.name
        claim = verified(visitor)
        of = self._services.conversations.file
        found = await of(wanted, claim.kind, claim.value, name)
        if found is None and claim.kind != "visitor":  # before the site vouched for them
            found = await of(wanted, "visitor", visitor.id, name)
        if found is None:
            raise Refused("not_found", "there is no such file in this chat", "id")
        attachment, data = found
        return self._services.hand_out(data, attachment.name, attachment.type)


def _token(request: HttpRequest) -> str:
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else ""


def _too_long(most: int) -> Refused:
    return Refused("too_long", f"a file may have {most} bytes at most", "file")
