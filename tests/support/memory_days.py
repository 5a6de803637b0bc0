"""What nodes counted today, in memory: ``store.wallboard.DayRows``."""

from collections.abc import Mapping, Sequence

from gateway.core.ids import NodeName
from gateway.core.wallboard_days import QueueDay
from gateway.store.contract import Term
from gateway.store.wallboard import Days


class MemoryDays:
    """One table, for as many nodes as share it; ``written`` counts."""

    def __init__(self) -> None:
        self.rows: dict[NodeName, Days] = {}
        self.written = 0

    async def keep(self, term: Term, days: Sequence[QueueDay]) -> None:
        self.rows[term.node] = tuple(days)
        self.written += 1

    async def all(self) -> Mapping[NodeName, Days]:
        return dict(self.rows)
