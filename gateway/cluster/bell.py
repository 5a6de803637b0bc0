"""A bell between nodes: "there is something for you", at once, without a promise.

Whoever is rung looks; and everybody looks once a second anyway, for a ring can be lost with the
link or the database, which is told to nobody. So rings carry names, never what is to be known;
what is good for seconds only (typing, places in a queue) may travel so.
"""

import asyncio
import random
from collections.abc import Awaitable, Callable, Sequence
from typing import Never, Protocol

import msgspec
import structlog

from gateway.core.backoff import reconnect_delay
from gateway.core.ids import NodeName
from gateway.flow.naps import news_within
from gateway.store.contract import Unavailable

COALESCE_SECONDS = 0.005
"""Between two notifications: what is rung meanwhile travels together, and each ring once."""
PROBE_SECONDS = 2.0
"""A link on which nothing was told for so long is asked whether it is there."""
MOST_BYTES = 7_000
"""In one notification; PostgreSQL takes less than 8,000."""
MOST_WAITING = 10_000
"""Rings that may wait for a link; the oldest go first: a hint that is late is none."""

Listener = Callable[[NodeName, str], None]
Sleep = Callable[[float], Awaitable[None]]
_Ring = tuple[str, str]
_log = structlog.get_logger("bell")


class Wire(Protocol):
    """One link that hears and tells."""

    async def tell(self, texts: Sequence[str]) -> None:
        """Raises ``Unavailable`` when the link is gone; ``texts`` may be empty, to find out."""
        ...

    def close(self) -> None: ...


class Wires(Protocol):
    """Where links come from (``store.bell``; the simulation has its own)."""

    async def open(self, hear: Callable[[str], None], lost: Callable[[], None]) -> Wire:
        """Raises ``Unavailable``."""
        ...


class _Notice(msgspec.Struct, frozen=True, array_like=True):
    """What travels: who rings, and what for."""

    node: NodeName
    rings: tuple[_Ring, ...]


class Bell:
    """Rings others and hears them; ``run`` keeps the link until cancelled.

    ``needed`` says whether anybody is there to hear; where a node is alone nothing is sent.
    """

    def __init__(
        self,
        wires: Wires,
        me: NodeName,
        *,
        needed: Callable[[], bool] = lambda: True,
        sleep: Sleep = asyncio.sleep,
    ) -> None:
        self.heard = 0
        self.told = 0
        self._wires = wires
        self._me = me
        self._needed = needed
        self._sleep = sleep
        self._waiting: dict[_Ring, None] = {}
        self._listeners: dict[str, list[Listener]] = {}
        self._news = asyncio.Event()

    def ring(self, subject: str, payload: str = "") -> None:
        """Soon, and once however often it is rung until then. Raises ``ValueError`` if too long."""
        if len(subject) + len(payload.encode()) > MOST_BYTES // 2:
            raise ValueError("a ring carries a name, not what is to be known")
        self._waiting.pop((subject, payload), None)  # the last of several says how it stands
        self._waiting[subject, payload] = None
        if len(self._waiting) > MOST_WAITING:
            del self._waiting[next(iter(self._waiting))]
        self._news.set()

    def on(self, subject: str, listener: Listener) -> Callable[[], None]:
        """``listener`` is told who rings and with which payload; not of our own rings.

        Returns what ends it. A listener must not block; if it raises that is logged.
        """
        listeners = self._listeners.setdefault(subject, [])
        listeners.append(listener)

        def leave() -> None:
            listeners.remove(listener)

        return leave

    async def run(self) -> Never:
        """Hear and tell, over a new link whenever one is lost."""
        failures = 0
        while True:
            try:
                wire = await self._wires.open(self._hear, self._news.set)
                if failures:
                    _log.info("the bell rings again")
                failures = 0
                await self._serve(wire)
            except Unavailable as error:
                if failures == 0:
                    _log.warning("the bell is silent; nodes look once a second", reason=str(error))
                await self._sleep(reconnect_delay(failures, random.random()))  # noqa: S311 - jitter
                failures += 1

    async def _serve(self, wire: Wire) -> Never:
        try:
            while True:
                quiet = not self._waiting and not await self._some_news()
                self._news.clear()
                rings, self._waiting = list(self._waiting), {}
                texts = _notices(self._me, rings) if self._needed() else []
                self.told += len(texts)
                if texts or quiet or not rings:
                    await wire.tell(texts)
                await self._sleep(COALESCE_SECONDS)
        finally:
            wire.close()

    async def _some_news(self) -> bool:
        """False: nothing has happened for as long as a link is trusted."""
        return await news_within(self._news, PROBE_SECONDS)

    def _hear(self, text: str) -> None:
        try:
            notice = msgspec.json.decode(text, type=_Notice)
        except msgspec.MsgspecError:
            _log.warning("a notice that is none of ours", text=text[:80])
            return
        if notice.node == self._me:
            return
        for subject, payload in notice.rings:
            self.heard += 1
            for listener in tuple(self._listeners.get(subject, ())):
                try:
                    listener(notice.node, payload)
                except Exception:  # noqa: BLE001 - its own failure, nobody else's
                    _log.exception("a listener failed", subject=subject)


def _notices(me: NodeName, rings: Sequence[_Ring]) -> list[str]:
    """The rings as texts that are short enough."""
    texts: list[str] = []
    part: list[_Ring] = []
    size = 0
    for ring in rings:
        length = len(msgspec.json.encode(ring)) + 1
        if part and size + length > MOST_BYTES:
            texts.append(_text(me, part))
            part, size = [], 0
        part.append(ring)
        size += length
    return [*texts, _text(me, part)] if part else texts


def _text(me: NodeName, rings: Sequence[_Ring]) -> str:
    return msgspec.json.encode(_Notice(me, tuple(rings))).decode()
