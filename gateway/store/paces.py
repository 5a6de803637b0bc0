"""How often somebody has written, as all nodes have counted (migration 0020), on PostgreSQL."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from gateway.core.ids import NodeName
from gateway.core.paces import MOST_KEYS, Step
from gateway.store.pool import Pool
from gateway.store.queries import Queries
from gateway.store.trouble import reading

OVERLAP = 1_000
"""A row may be seen after one that was written later: so many changes are read once more."""


class PaceRows(Protocol):
    """The counts of all nodes. Everything raises ``Unavailable`` and may be repeated."""

    async def store(self, steps: Sequence[Step]) -> None:
        """What one node has counted; a higher count stands."""
        ...

    async def read(self, position: int, since: datetime) -> tuple[int, Sequence[Step]]:
        """What has changed after ``position`` of what began after ``since``, and up to where."""
        ...

    async def forget(self, before: datetime) -> None:
        """What began before that."""
        ...


class PgPaces:
    """See ``PaceRows``."""

    def __init__(self, pool: Pool, sql: Queries) -> None:
        self._pool = pool
        self._sql = sql

    async def store(self, steps: Sequence[Step]) -> None:
        # In one order everywhere, so that no two nodes wait for each other.
        rows = sorted(steps, key=lambda one: (one.what, one.key, one.node, one.start))
        with reading():
            await self._pool.execute(
                self._sql["pace_store"],
                [one.what for one in rows],
                [one.key for one in rows],
                [one.node for one in rows],
                [one.start for one in rows],
                [one.count for one in rows],
            )

    async def read(self, position: int, since: datetime) -> tuple[int, Sequence[Step]]:
        with reading():
            rows = await self._pool.fetch(
                self._sql["pace_read"],
                max(0, position - OVERLAP),
                int(since.timestamp()),
                MOST_KEYS,
            )
        steps = [
            Step(row["what"], row["key"], NodeName(row["node"]), row["start"], row["count"])
            for row in rows
        ]
        return max((row["change"] for row in rows), default=position), steps

    async def forget(self, before: datetime) -> None:
        with reading():
            await self._pool.execute(self._sql["pace_forget"], int(before.timestamp()))
