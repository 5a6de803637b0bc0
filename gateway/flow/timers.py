"""One loop for everything that happens at a time, over deadlines that follow from state.

When a deadline comes, ``expire`` finds out whether it still holds. So all there is to know is
which are planned, and after a restart that follows from what was loaded. What is more than an hour
ahead is kept by the hour, where it is forgotten as soon as it no longer holds: most of what would
happen in a week never does, for the work is done by then.
"""

import asyncio
import heapq
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta

import structlog

from gateway.core.deadlines import Deadline, deadlines_of, expire
from gateway.core.events import Entry, Row
from gateway.core.model import AgentStatus, Item
from gateway.flow.ledger import Ledger
from gateway.flow.naps import news_within

HOUR = 3_600
NEAR = timedelta(seconds=HOUR)

Sleep = Callable[[float], Awaitable[None]]
_What = Deadline | Callable[[], None]
_log = structlog.get_logger("timers")


class Timers:
    """Looks at state when a deadline has come, and calls back at given times."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._heap: list[tuple[datetime, int, _What]] = []
        self._planned: set[Deadline] = set()
        self._of_row: dict[str, tuple[Deadline, ...]] = {}
        self._far: dict[int, dict[_What, datetime]] = {}
        self._near_until = _hour_of(ledger.clock.now()) + 2
        self._count = 0
        self._changed = asyncio.Event()
        ledger.observe(self._note)

    @property
    def planned(self) -> int:
        """How many deadlines and calls are ahead, those of this hour that no longer hold too."""
        return len(self._heap) + sum(map(len, self._far.values()))

    def load(self, rows: list[Row]) -> None:
        """The deadlines of what was there at the start."""
        for row in rows:
            self._note_row(row)

    def call_at(self, at: datetime, action: Callable[[], None]) -> None:
        """Call back at or soon after a time."""
        self._push(at, action)

    def forget(self, at: datetime, action: Callable[[], None]) -> None:
        """Nobody waits for this call any more; it may come all the same if it is near."""
        self._forget(at, action)

    def _note(self, entry: Entry) -> None:
        for row in entry.rows:
            self._note_row(row)

    def _note_row(self, row: Row) -> None:
        if type(row) is Item:
            self._plan(row.id, deadlines_of(row))
        elif type(row) is AgentStatus:
            self._plan(row.name, deadlines_of(row))

    def _plan(self, key: str, now: tuple[Deadline, ...]) -> None:
        before = self._of_row.get(key, ())
        if now == before:
            return
        if now:
            self._of_row[key] = now
        else:
            del self._of_row[key]
        for gone in before:
            if gone not in now:
                self._planned.discard(gone)
                self._forget(gone.at, gone)
        for deadline in now:
            if deadline not in self._planned:
                self._planned.add(deadline)
                self._push(deadline.at, deadline)

    def _push(self, at: datetime, what: _What) -> None:
        hour = _hour_of(at)
        if hour >= self._near_until:
            if not self._far:
                self._changed.set()  # from now on it looks once an hour what has come near
            self._far.setdefault(hour, {})[what] = at
            return
        self._count += 1
        heapq.heappush(self._heap, (at, self._count, what))
        if self._heap[0][1] == self._count:
            self._changed.set()

    def _forget(self, at: datetime, what: _What) -> None:
        hour = _hour_of(at)
        if hour in self._far:
            self._far[hour].pop(what, None)
            if not self._far[hour]:
                del self._far[hour]

    def _come_near(self) -> None:
        """What happens within the hour is ordered."""
        until = _hour_of(self._ledger.clock.now() + NEAR) + 1
        if until <= self._near_until:
            return
        self._near_until = until
        for hour in [hour for hour in self._far if hour < until]:
            for what, at in self._far.pop(hour).items():
                self._push(at, what)

    async def run(self) -> None:
        while True:
            self._changed.clear()
            self._come_near()
            self._fire_due()
            wait = NEAR.total_seconds()
            if self._heap:
                until = (self._heap[0][0] - self._ledger.clock.now()).total_seconds()
                # Never shorter than the clock's grain, or the loop spins just before the time.
                wait = min(wait, max(until, 0.001))
            await news_within(self._changed, wait if self._heap or self._far else None)

    def _fire_due(self) -> None:
        now = self._ledger.clock.now()
        while self._heap and self._heap[0][0] <= now:
            _, _, what = heapq.heappop(self._heap)
            if isinstance(what, Deadline):
                if what in self._planned:
                    self._planned.discard(what)
                    self._left(what)
                    self._expire(what)
            else:
                what()

    def _left(self, deadline: Deadline) -> None:
        """It has come; should it hold still after the next change, it is planned anew."""
        left = tuple(d for d in self._of_row.get(deadline.key, ()) if d != deadline)
        if left:
            self._of_row[deadline.key] = left
        else:
            self._of_row.pop(deadline.key, None)

    def _expire(self, deadline: Deadline) -> None:
        try:
            changes = expire(self._ledger.state, deadline, self._ledger.context())
            if changes:
                self._ledger.record(changes)
        except Exception:  # noqa: BLE001 - its own failure, nobody else's
            # One item whose deadline cannot be decided must not stop all the others' clocks.
            _log.exception("deadline failed", kind=deadline.kind, key=deadline.key)


def _hour_of(at: datetime) -> int:
    return int(at.timestamp() // HOUR)
