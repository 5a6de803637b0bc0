"""The wallboard of the whole installation at this moment. Implements ``ports.Live``.

Each node adds up what it counts itself and what the others published last (``core.wallboard_sum``);
so every node tells the same, but for a second.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Collection, Sequence
from typing import Never, Protocol

from gateway.core.ids import NodeName
from gateway.core.model import ChannelKind, Queue
from gateway.core.pool import NodeCapacity
from gateway.core.routing.expect import Expectation
from gateway.core.routing.need import Need
from gateway.core.silence import withheld_lately
from gateway.core.wallboard_days import QueueDay
from gateway.core.wallboard_sum import Board, Known, document, together
from gateway.flow.ledger import Ledger
from gateway.ports import LiveFigures

TREND_SECONDS = 60.0
TREND_KEPT = 60


class Gone(Protocol):
    """What nodes that are not there counted today (``insight.days.DayKeeping`` fits)."""

    def gone(self, here: Collection[NodeName]) -> list[QueueDay]: ...


class WallboardNow:
    """See the module's docstring. ``figures`` gives our own node's first, as of this moment."""

    def __init__(
        self,
        ledger: Ledger,
        figures: Callable[[], Sequence[NodeCapacity]],
        days: Gone,
        expectation: Expectation,
        *,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._ledger = ledger
        self._figures = figures
        self._days = days
        self._expectation = expectation
        self._sleep = sleep
        self._trend: deque[int] = deque(maxlen=TREND_KEPT)

    async def run(self) -> Never:
        """Remember each minute how many wait; until cancelled."""
        while True:
            waiting = (q.waiting for one in self._figures() for q in one.capacity.queues)
            self._trend.append(sum(waiting))
            await self._sleep(TREND_SECONDS)

    def now(self) -> Board:
        """What it rests on may not be on disk yet: whoever tells it waits for the position."""
        state, nodes, at = self._ledger.state, self._figures(), self._ledger.clock.now()
        known = Known(
            queues=state.queues,
            alarms=tuple(state.alarms.values()),
            trend=tuple(self._trend),
            withheld=withheld_lately(state, at),
        )
        gone = self._days.gone({one.node for one in nodes})
        return together(nodes, known, at, gone=gone, expects=self._expected)

    async def figures(self) -> LiveFigures:
        """See ``ports.Live``."""
        position, at = self._ledger.position, self._ledger.clock.now()
        board = self.now()
        await self._ledger.committed(position)
        return LiveFigures(at=at, board=document(board))

    def _expected(
        self, queue: Queue, kind: ChannelKind, waiting: int, nodes: Sequence[NodeCapacity]
    ) -> float | None:
        need = Need(kind=kind, queue=queue.name, skills=tuple(sorted(queue.skills.items())))
        if any(one.capacity.fit(need) for one in nodes):
            return 0.0
        staff = sum(one.capacity.serves(need) for one in nodes)
        return self._expectation.of_place(waiting + 1, need, staff) if staff else None
