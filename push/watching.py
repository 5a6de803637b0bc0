"""Who watches the wallboard: one difference a second, encoded once for all of them.

Nothing is counted for it while nobody watches. When the node has more to do than it can, the
figures come less often (``Pace``); each frame says when the next is to be expected, so a page
knows when what it shows is stale.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, Never, Protocol

import structlog
from msgspec.structs import replace

from gateway.core.errors import Refused
from gateway.core.merge_patch import difference
from gateway.ports import Live
from push.protocol import LiveFrame, encoder

LIVE = "live"
"""The name of the one view that there is."""
STEPS = (1.0, 2.0, 5.0)
"""Seconds between two frames."""
LATE_SECONDS = 0.25
"""By how much the node may be late with a beat before it is spared."""
CALM_BEATS = 10
"""So many beats in time, and the figures come more often again."""

_log = structlog.get_logger("push")


class Watcher(Protocol):
    """A tab, as far as it matters here."""

    def post(self, *frames: str | bytes) -> None:
        """Write without waiting, in this order; never raises."""
        ...


class Pace:
    """How often the figures are told: less often while the node is late with what it has to do."""

    def __init__(self) -> None:
        self._step = 0
        self._calm = 0

    @property
    def every(self) -> float:
        """Seconds until the next time."""
        return STEPS[self._step]

    def note(self, late: float) -> None:
        """A beat came so many seconds too late."""
        if late > LATE_SECONDS:
            self._step = min(self._step + 1, len(STEPS) - 1)
            self._calm = 0
            return
        self._calm += 1
        if self._calm >= CALM_BEATS:
            self._step = max(self._step - 1, 0)
            self._calm = 0


class Watchers:
    """See the module's docstring. ``run`` must be running."""

    def __init__(
        self,
        live: Live,
        monotonic: Callable[[], float],
        *,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._live = live
        self._monotonic = monotonic
        self._sleep = sleep
        self._pace = Pace()
        self._told: set[Watcher] = set()
        self._new: set[Watcher] = set()
        self._some = asyncio.Event()
        self._board: dict[str, Any] = {}
        self._n = 0

    @property
    def count(self) -> int:
        return len(self._told) + len(self._new)

    def add(self, watcher: Watcher) -> None:
        """It has the whole board with the next beat, also if it misses something of what it had."""
        self._told.discard(watcher)
        self._new.add(watcher)
        self._some.set()

    def drop(self, watcher: Watcher) -> None:
        """It is told no more; whoever does not watch may be dropped too."""
        self._told.discard(watcher)
        self._new.discard(watcher)
        if not self.count:
            self._some.clear()

    async def run(self) -> Never:
        """Tell whoever watches, until cancelled."""
        while True:
            await self._some.wait()
            try:
                await self._beat()
            except Refused as why:
                _log.info("the wallboard waits", reason=why.detail)
            except Exception:  # noqa: BLE001 - a screen that stands still ends no call and no chat
                _log.exception("the wallboard cannot be told")
            due = self._monotonic() + self._pace.every
            await self._sleep(self._pace.every)
            self._pace.note(self._monotonic() - due)

    async def _beat(self) -> None:
        figures = await self._live.figures()
        self._n += 1
        changed = difference(self._board, figures.board)
        self._board = figures.board
        frame = LiveFrame(watch=LIVE, n=self._n, at=figures.at, every=self._pace.every)
        if self._told:
            text = encoder.encode(replace(frame, changed=changed))
            for watcher in tuple(self._told):
                watcher.post(text)
        if self._new:
            text = encoder.encode(replace(frame, board=figures.board))
            new, self._new = self._new, set()
            self._told |= new
            for watcher in new:
                watcher.post(text)
