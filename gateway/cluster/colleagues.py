"""What colleagues at other nodes say reaches those who are at home here.

The others' journals tell that something was said, and the database what: it is read as soon as
somebody here is concerned. Whoever signs in later asks for what there is, so nothing is kept. What
cannot be told in time is not told at all: those concerned come again, and ask.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Collection, Sequence
from typing import Never, Protocol

import structlog

from gateway.core import events as e
from gateway.core.colleagues import ColleagueMessage
from gateway.core.errors import Refused
from gateway.core.ids import MessageId, NodeName
from gateway.flow.gate import Gate
from gateway.ports import PeerEntry, PeerFeed
from gateway.store.contract import Unavailable

FOLLOWED = (e.ColleagueWrote, e.ColleagueReviewed)
MOST = 5_000
"""Messages that wait to be read; what is beyond is not told."""
AT_ONCE = 100
AGAIN_SECONDS = 1.0

Said = e.ColleagueWrote | e.ColleagueReviewed
_log = structlog.get_logger("colleagues")


class Rows(Protocol):
    """What was said (``store.colleagues`` fits)."""

    async def said(self, ids: Collection[MessageId]) -> dict[MessageId, ColleagueMessage]:
        """Raises ``Unavailable``."""
        ...


class Desktops(Protocol):
    """Those of this node (``push.hub`` fits)."""

    def concerns(self, event: Said) -> bool: ...

    def tell_of(self, message: ColleagueMessage) -> None: ...

    def lose_track(self, event: Said) -> None: ...


class Overhearing:
    """See the module's docstring; ``run`` tells until cancelled."""

    def __init__(
        self,
        tail: PeerFeed,
        rows: Rows,
        desktops: Desktops,
        gate: Gate,
        *,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._rows = rows
        self._desktops = desktops
        self._gate = gate
        self._sleep = sleep
        self._heard: deque[Said] = deque()
        self._news = asyncio.Event()
        tail.subscribe(self._hear, FOLLOWED)

    def _hear(self, _node: NodeName, entries: Sequence[PeerEntry]) -> None:
        for entry in entries:
            event = entry.event
            if not isinstance(event, Said) or not self._desktops.concerns(event):
                continue
            if isinstance(event, e.ColleagueReviewed) and event.verdict == "seen":
                continue
            if len(self._heard) >= MOST:
                self._desktops.lose_track(event)
                continue
            self._heard.append(event)
            self._news.set()

    async def run(self) -> Never:
        while True:
            await self._news.wait()
            self._news.clear()
            while self._heard:
                try:
                    await self.tell()
                except Unavailable as problem:
                    _log.warning("what colleagues said cannot be read", reason=str(problem))
                    await self._sleep(AGAIN_SECONDS)  # nobody tells when it can

    async def tell(self) -> None:
        """Tell the oldest that were heard. Raises ``Unavailable``: then they are still there."""
        part = [self._heard[n] for n in range(min(AT_ONCE, len(self._heard)))]
        found = await self._rows.said(dict.fromkeys(event.message for event in part))
        try:
            await self._gate.passed()
        except Refused:
            found = {}  # the node ends, and what it would tell is nobody's business
        for event in part:
            self._heard.popleft()
            if (message := found.get(event.message)) is not None:
                self._desktops.tell_of(message)
