"""The connections that are open, and what is known of the servers behind them.

``Sight`` is what all connectors of one store have seen together. A timeline only rises: the moment
anybody sees a higher one, every connection to a server on a lower one is cut, in use or not, for
that server is primary no more, whatever it says of itself. ``LinkWatch`` cuts a connection whose
statement the server no longer works on, or whose server answers nobody, within ten seconds.
"""

import asyncio
import errno
import os
import socket
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Never
from weakref import WeakKeyDictionary

import asyncpg
import structlog

from gateway.store.contract import Unavailable
from gateway.store.queries import Queries
from gateway.store.trouble import FAILED

if TYPE_CHECKING:
    _Connection = asyncpg.Connection[asyncpg.Record]
else:
    _Connection = asyncpg.Connection

PATIENCE_SECONDS = 2.0
PROBE_EVERY_SECONDS = 0.5
PROBE_SECONDS = 1.5  # more than a connector gives a host: another one that is frozen is no reason
SUSPICIONS = 3
"""Looks in a row that must find nobody at work: 2 + 3 × (0.5 + 1.5) s at the most."""

HEARD_SECONDS = 10.0
"""A writer that was refused tries again every other second: what is older than this is over."""

NO_SPACE = os.strerror(errno.ENOSPC)
# SQLSTATEs of a server that lacks something: room, memory, connections, working disks.
_WANTS = ("53", "58", "25006")
_IN_WORDS = {"53100": "the database's disk is full", "25006": "the database only reads"}

_log = structlog.get_logger("database")


class Link(_Connection):
    """A connection that knows since when it waits for an answer (the loop's time)."""

    waiting_since: float | None = None
    sight: "Sight | None" = None

    async def execute(self, *args: Any, **kwargs: Any) -> Any:
        with self._waiting():
            return await super().execute(*args, **kwargs)

    async def executemany(self, *args: Any, **kwargs: Any) -> Any:
        with self._waiting():
            return await super().executemany(*args, **kwargs)

    async def fetch(self, *args: Any, **kwargs: Any) -> Any:
        with self._waiting():
            return await super().fetch(*args, **kwargs)

    async def fetchrow(self, *args: Any, **kwargs: Any) -> Any:
        with self._waiting():
            return await super().fetchrow(*args, **kwargs)

    async def fetchval(self, *args: Any, **kwargs: Any) -> Any:
        with self._waiting():
            return await super().fetchval(*args, **kwargs)

    def widen(self, size: int) -> None:
        """Let the system take so many bytes at once, if it is a local link; TCP grows by itself."""
        # asyncpg keeps it to itself and its subclasses; its types do not know it.
        link = self._transport.get_extra_info("socket")  # type: ignore[attr-defined]
        if link is not None and link.family == socket.AF_UNIX:
            link.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, size)

    @contextmanager
    def _waiting(self) -> Iterator[None]:
        self.waiting_since = asyncio.get_running_loop().time()
        try:
            yield
        except asyncio.CancelledError:
            # asyncpg would ask the server to cancel the statement and wait until it has, before
            # the pool may have the connection again: over a dead link that is for ever.
            self.terminate()
            raise
        except RuntimeError as problem:
            # uvloop's word for a transport that the watch has closed just now.
            if "closed" not in str(problem):
                raise
            raise asyncpg.InterfaceError(str(problem)) from problem
        except asyncpg.PostgresError as problem:
            if self.sight is not None:
                self.sight.heard(problem)
            raise
        finally:
            self.waiting_since = None


class Sight:
    """The highest timeline seen, the links to it, and since when there is no primary.

    ``silent`` are the hosts that did not answer when they were asked last, ``hopeless`` those that
    refused us for who we are or what we asked for: waiting changes nothing about that.
    """

    def __init__(self) -> None:
        self.timeline = 0
        self.absent_since: float | None = None
        self.problem = ""
        self.looking: asyncio.Event | None = None
        self.silent: set[Any] = set()
        self.hopeless: set[Any] = set()
        self._refusal = (float("-inf"), "")
        self._links: WeakKeyDictionary[Any, int] = WeakKeyDictionary()

    def saw(self, timeline: int) -> None:
        """A primary writes on ``timeline``; whoever is connected to an older one is cut off."""
        if timeline <= self.timeline:
            return
        if self.timeline:
            _log.warning("the database has a new primary", timeline=timeline, was=self.timeline)
        self.timeline = timeline
        for link, its in list(self._links.items()):
            if its < timeline and not link.is_closed():
                link.terminate()

    def took(self, link: Any, timeline: int) -> None:
        """``link`` is in use from now on, to a primary on ``timeline``."""
        self.saw(timeline)
        self._links[link] = timeline
        if isinstance(link, Link):
            link.sight = self

    def heard(self, problem: asyncpg.PostgresError) -> None:
        """A statement failed; if that is for want of something, remember of what."""
        state, words = problem.sqlstate or "", str(problem.args[0])
        if NO_SPACE in words:
            state = "53100"  # a server that ended of it says so with another state
        if state.startswith(_WANTS):
            what = _IN_WORDS.get(state, "the database refuses")
            self._refusal = (asyncio.get_running_loop().time(), f"{what}: {words}")

    def why(self) -> str:
        """Why nothing can be written, as far as anybody has heard lately; empty if nobody has."""
        at, words = self._refusal
        if asyncio.get_running_loop().time() - at < HEARD_SECONDS:
            return words  # it may have died of that
        return self.problem if self.absent_since is not None else ""

    def waiting(self, before: float) -> list[Link]:
        """The links that have waited for an answer since ``before``."""
        return [
            link
            for link in list(self._links)
            if isinstance(link, Link)
            and link.waiting_since is not None
            and link.waiting_since <= before
            and not link.is_closed()
        ]


class LinkWatch:
    """Cuts dead links; a slow statement that the server works on is left alone."""

    def __init__(self, sight: Sight, connect: Callable[[], Awaitable[Any]], sql: Queries) -> None:
        self._sight = sight
        self._connect = connect
        self._sql = sql
        self._suspicions: dict[Link, tuple[float, int]] = {}

    async def run(self) -> Never:
        """Until cancelled."""
        while True:
            await asyncio.sleep(PROBE_EVERY_SECONDS)
            await self.look()

    async def look(self) -> None:
        """One look at all links that have waited long."""
        now = asyncio.get_running_loop().time()
        # Now, for a link that is closed while we ask has no number any more.
        waiting = {
            link: (link.waiting_since, link.get_server_pid())
            for link in self._sight.waiting(now - PATIENCE_SECONDS)
        }
        if not waiting:
            self._suspicions.clear()
            return
        working = await self._working([pid for _, pid in waiting.values()])
        before, self._suspicions = self._suspicions, {}
        for link, (since, pid) in waiting.items():
            if since is None or link.is_closed() or link.waiting_since != since:
                continue  # it was answered while we asked
            if pid in working:
                continue
            about, count = before.get(link, (since, 0))
            count = count + 1 if about == since else 1
            if count < SUSPICIONS:
                self._suspicions[link] = (since, count)
            else:
                _log.warning("cut a dead link to the database", waited=round(now - since, 1))
                link.terminate()

    async def _working(self, pids: Sequence[int]) -> set[int]:
        """Which backends are busy with a statement, as a fresh connection sees it."""
        try:
            async with asyncio.timeout(PROBE_SECONDS):
                probe = await self._connect()
                try:
                    rows = await probe.fetch(self._sql["backends_working"], pids)
                finally:
                    probe.terminate()
        except (*FAILED, Unavailable):
            return set()
        return {row["pid"] for row in rows}
