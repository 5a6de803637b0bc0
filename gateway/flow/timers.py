"""One loop for everything that happens at a time, over deadlines that follow from state.

A deadline is never taken back: when it comes, ``expire`` finds that it no longer holds. So all
there is to know is which are planned, and after a restart that follows from what was loaded.
"""

import asyncio
import heapq
from collections.abc import Awaitable, Callable
from datetime import datetime

import structlog

from gateway.core.deadlines import Deadline, deadlines_of, expire
from gateway.core.events import Entry, Row
from gateway.flow.ledger import Ledger
from gateway.flow.naps import news_within

Sleep = Callable[[float], Awaitable[None]]
_log = structlog.get_logger("timers")


class Timers:
    """Looks at state when a deadline has come, and calls back at given times."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._heap: list[tuple[datetime, int, Deadline | Callable[[], None]]] = []
        self._planned: set[Deadline] = set()
        self._count = 0
        self._changed = asyncio.Event()
        ledger.observe(self._note)

    @property
    def planned(self) -> int:
        """How many deadlines and calls are ahead, those that no longer hold included."""
        return len(self._heap)

    def load(self, rows: list[Row]) -> None:
        """The deadlines of what was there at the start."""
        for row in rows:
            self._note_row(row)

    def call_at(self, at: datetime, action: Callable[[], None]) -> None:
        """Call back at or soon after a time."""
        self._push(at, action)

    def _note(self, entry: Entry) -> None:
        for row in entry.rows:
            self._note_row(row)

    def _note_row(self, row: Row) -> None:
        for deadline in deadlines_of(row):
            if deadline not in self._planned:
                self._planned.add(deadline)
                self._push(deadline.at, deadline)

    def _push(self, at: datetime, what: Deadline | Callable[[], None]) -> None:
        self._count += 1
        heapq.heappush(self._heap, (at, self._count, what))
        if self._heap[0][1] == self._count:
            self._changed.set()

    async def run(self) -> None:
        while True:
            self._changed.clear()
            self._fire_due()
            wait = None
            if self._heap:
                wait = (self._heap[0][0] - self._ledger.clock.now()).total_seconds()
                # Never shorter than the clock's grain, or the loop spins just before the time.
                wait = max(wait, 0.001)
            await news_within(self._changed, wait)

    def _fire_due(self) -> None:
        now = self._ledger.clock.now()
        while self._heap and self._heap[0][0] <= now:
            _, _, what = heapq.heappop(self._heap)
            if isinstance(what, Deadline):
                self._planned.discard(what)
                self._expire(what)
            else:
                what()

    def _expire(self, deadline: Deadline) -> None:
        try:
            changes = expire(self._ledger.state, deadline, self._ledger.context())
            if changes:
                self._ledger.record(changes)
        except Exception:  # noqa: BLE001 - its own failure, nobody else's
            # One item whose deadline cannot be decided must not stop all the others' clocks.
            _log.exception("deadline failed", kind=deadline.kind, key=deadline.key)
