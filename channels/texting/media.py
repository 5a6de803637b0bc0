"""Files that a provider keeps for us: fetched guarded, at once if that is quick, else a bit later.

A webhook has to be answered within seconds. What takes longer is remembered in the journal's own
commit and comes as a message of its own, also after a crash of this node; what cannot be had says
why in its place.
"""

import asyncio
import mimetypes
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from fnmatch import fnmatch
from typing import Never
from urllib.parse import urljoin, urlsplit

import msgspec
import structlog
from msgspec import Struct
from msgspec.structs import replace

from channels.calling import Asked, Reply, exchange
from channels.guard import problem_of_url
from channels.texting.settings import TextSettings
from channels.texting.wire import Login, Media
from gateway.core.errors import Refused, SendError, Undeliverable
from gateway.ports import File, Inbound, Memory, Services

AT_ONCE_SECONDS = 2.0
"""So long a webhook waits for its files; providers wait for its answer, some only five seconds."""
FETCH_SECONDS = 60.0
PAUSES = (1.0, 5.0, 30.0, 120.0, 600.0)
"""Seconds between tries."""
REDIRECTS = 3
MOST = 10
MOST_WAITING = 1_000
LATER_AT_ONCE = 8
"""Files that have not come at once and are being fetched: only so many are in memory."""
_log = structlog.get_logger("media")


class Unfetchable(Exception):
    """It never can be had; the text says why."""


class ToCome(Struct, frozen=True, kw_only=True):
    """A file that is still to come, and the message that it comes as."""

    media: Media
    inbound: Inbound


class Fetching:
    """One channel's files; ``run`` works on what has not come at once.

    ``find`` gives the address of a file whose ``url`` is only its name; it may change.
    """

    def __init__(
        self,
        settings: TextSettings,
        services: Services,
        login: Login | None = None,
        *,
        find: Callable[[str], Awaitable[str]] | None = None,
    ) -> None:
        self._said, self._services, self._login = settings, services, login
        self._find = find
        self._waiting: dict[str, ToCome] = {}
        self._news = asyncio.Event()
        self._progress = 0
        self._slots = asyncio.Semaphore(LATER_AT_ONCE)

    # -- at once ----------------------------------------------------------------------------

    async def with_files(
        self, inbound: Inbound, media: Sequence[Media]
    ) -> tuple[Inbound, Memory | None]:
        """With what comes at once; the rest is to come, as the memory says that goes with it."""
        found = await self.at_once(media)
        room = MOST_WAITING - len(self._waiting)
        for n in [n for n, one in enumerate(found) if one is None][room:]:
            found[n] = "too many others are still to come"
        lost = [unfetched(one) for one in found if isinstance(one, str)]
        whole = replace(
            inbound,
            body="\n".join(filter(None, (inbound.body, *lost))),
            files=tuple(one for one in found if isinstance(one, File)),
        )
        come = [
            ToCome(
                media=one,
                inbound=replace(inbound, key=f"{inbound.key}:{n}", body="", external_id=""),
            )
            for n, (one, come) in enumerate(zip(media, found, strict=True))
            if come is None
        ]
        return whole, self.later(come) if come else None

    async def at_once(self, media: Sequence[Media]) -> list[File | str | None]:
        """Each file, why there will be none, or nothing yet."""
        found: list[File | str | None] = [None] * len(media)

        async def fetch(n: int, one: Media) -> None:
            try:
                found[n] = await self.fetch(one, n)
            except Unfetchable as error:
                found[n] = str(error)
            except SendError:
                found[n] = None

        try:
            async with asyncio.timeout(AT_ONCE_SECONDS), asyncio.TaskGroup() as group:
                for n, one in enumerate(media[:MOST]):
                    group.create_task(fetch(n, one), name=f"media:{n}")
        except TimeoutError:
            pass
        return [*found[:MOST], *("there were more than ten files" for _ in media[MOST:])]

    async def fetch(self, media: Media, place: int) -> File:
        """One try. Raises ``Unfetchable``, or ``SendError`` for what may go better later."""
        reply = await self._follow(await self._find(media.url) if self._find else media.url)
        if reply.status >= 500 or reply.status in (404, 408, 425, 429):
            raise SendError(f"the provider answered {reply.status}")  # 404: not there yet
        if reply.status >= 300:
            raise Unfetchable(f"the provider answered {reply.status}")
        if not reply.whole:
            raise Unfetchable(f"it has more than {self._said.max_media_bytes} bytes")
        kind = (reply.headers.get("content-type") or media.type).partition(";")[0].strip().lower()
        if not any(fnmatch(kind, pattern) for pattern in self._said.media_types):
            raise Unfetchable(f"files of type {kind or 'unknown'} are not taken")
        ending = mimetypes.guess_extension(kind) or ""
        name = media.name or f"{kind.partition('/')[0]}-{place + 1}{ending}"
        return File(name=name[:200], type=kind, data=reply.body)

    async def _follow(self, url: str) -> Reply:
        for _ in range(REDIRECTS + 1):
            try:
                reply = await exchange(
                    Asked(
                        url=url,
                        method="GET",
                        headers=self._headers(url),
                        private=self._said.private,
                        seconds=FETCH_SECONDS,
                        max_answer=self._said.max_media_bytes,
                    )
                )
            except Undeliverable as error:
                raise Unfetchable(str(error)) from error
            if reply.status not in (301, 302, 303, 307, 308) or "location" not in reply.headers:
                return reply
            try:
                url = urljoin(url, reply.headers["location"])
            except ValueError as error:
                raise Unfetchable("it is moved to what is no URL") from error
        raise Unfetchable("it is moved again and again")

    def _headers(self, url: str) -> dict[str, str]:
        """Our credentials, at the provider's own hosts alone, and never in the clear."""
        if self._login is None or problem_of_url(url, private=self._said.private) is not None:
            return {}
        parts = urlsplit(url)
        if parts.scheme != "https" and not self._said.private:
            return {}
        theirs = any(
            parts.netloc == host or (host.startswith(".") and parts.netloc.endswith(host))
            for host in self._login.hosts
        )
        return self._login.headers if theirs else {}

    # -- later ------------------------------------------------------------------------------

    def later(self, wanted: Sequence[ToCome]) -> Memory:
        """They are to come; what is returned is to be stored with what they belong to."""
        self._waiting |= {one.inbound.key: one for one in wanted}
        self._news.set()
        return self._noted()

    def _noted(self) -> Memory:
        now = int(self._services.clock.now().timestamp() * 1_000_000)
        self._progress = max(self._progress + 1, now)
        value = msgspec.json.encode(list(self._waiting.values()))
        return Memory(key=self._key(), value=value, progress=self._progress)

    def _key(self) -> str:
        return f"media:{self._services.node}"

    async def run(self) -> Never:
        """Bring what is wanted until cancelled."""
        await self._recall()
        async with asyncio.TaskGroup() as group:
            begun: set[str] = set()
            while True:
                self._news.clear()
                for key, one in self._waiting.items():
                    if key not in begun:
                        begun.add(key)
                        group.create_task(self._bring(key, one), name=f"media:{key}")
                begun &= self._waiting.keys()
                await self._news.wait()

    async def _recall(self) -> None:
        known: bytes | None = None
        asked = False
        while not asked:
            try:
                known = await self._services.memory.load(self._said.name, self._key())
                asked = True
            except Refused:
                await asyncio.sleep(PAUSES[0])
        for one in msgspec.json.decode(known, type=list[ToCome]) if known else ():
            self._waiting.setdefault(one.inbound.key, one)

    async def _bring(self, key: str, wanted: ToCome) -> None:
        why = ""
        for pause in (0.0, *PAUSES):
            await asyncio.sleep(pause)
            async with self._slots:
                try:
                    found = await self.fetch(wanted.media, 0)
                except Unfetchable as error:
                    why = str(error)
                    break
                except SendError as error:
                    why = str(error)
                else:
                    await self._brought(key, wanted, replace(wanted.inbound, files=(found,)))
                    return
        _log.warning("a file could not be fetched", channel=self._said.name, reason=why)
        await self._brought(key, wanted, replace(wanted.inbound, body=unfetched(why)))

    async def _brought(self, key: str, wanted: ToCome, inbound: Inbound) -> None:
        """Into the inbox, however long the database is away."""
        inbound = replace(inbound, at=self._now())
        while True:
            self._waiting.pop(key, None)
            try:
                await self._services.intake.receive([inbound], self._noted())
            except Refused:
                self._waiting[key] = wanted
                await asyncio.sleep(PAUSES[0])
            else:
                return

    def _now(self) -> datetime:
        return self._services.clock.now()


def unfetched(why: str) -> str:
    """What stands in a file's place."""
    return f"(A file came with this message and could not be fetched: {why}.)"
