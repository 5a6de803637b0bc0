"""What each node has counted today for the wallboard (migration 0047), on PostgreSQL."""

from collections.abc import Mapping, Sequence
from typing import Protocol

import msgspec

from gateway.core.ids import NodeName
from gateway.core.wallboard_days import QueueDay
from gateway.store.codec import decode, encode
from gateway.store.contract import Term
from gateway.store.pool import Pool
from gateway.store.queries import Queries
from gateway.store.trouble import reading

Days = tuple[QueueDay, ...]


class DayRows(Protocol):
    """The rows of all nodes. Each raises ``Unavailable``; whatever is missed: next time."""

    async def keep(self, term: Term, days: Sequence[QueueDay]) -> None:
        """Write our own."""
        ...

    async def all(self) -> Mapping[NodeName, Days]:
        """What every node, there or gone, wrote last."""
        ...


class PgWallboard:
    """See ``DayRows``. A row that this version cannot read counts as not there."""

    def __init__(self, pool: Pool, sql: Queries) -> None:
        self._pool = pool
        self._sql = sql

    async def keep(self, term: Term, days: Sequence[QueueDay]) -> None:
        with reading():
            await self._pool.execute(
                self._sql["wallboard_keep"], term.node, term.epoch, encode(tuple(days))
            )

    async def all(self) -> Mapping[NodeName, Days]:
        with reading():
            rows = await self._pool.fetch(self._sql["wallboard_days"])
        return {NodeName(row["node"]): _read(row["doc"]) for row in rows}


def _read(doc: str | bytes) -> Days:
    try:
        return decode(doc, Days)
    except msgspec.MsgspecError:
        return ()
