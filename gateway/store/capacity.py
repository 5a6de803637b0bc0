"""What each node publishes of itself each second (migration 0010), on PostgreSQL."""

from collections.abc import Sequence
from typing import Protocol

import msgspec
from msgspec import Struct

from gateway.core.ids import NodeName
from gateway.core.pool import Capacity
from gateway.store.codec import decode, encode
from gateway.store.contract import Term
from gateway.store.pool import Pool
from gateway.store.queries import Queries
from gateway.store.trouble import reading


class Published(Struct, frozen=True, kw_only=True):
    """One node's row. It is news if ``epoch`` and ``counter`` differ from those seen before."""

    node: NodeName
    epoch: int
    counter: int
    capacity: Capacity


class CapacityRows(Protocol):
    """The rows of all nodes."""

    async def publish(self, term: Term, counter: int, capacity: Capacity) -> Sequence[Published]:
        """Write our own and see everybody else's. Raises ``Unavailable``; whatever: next time."""
        ...


class PgCapacity:
    """See ``CapacityRows``. A row that this version cannot read counts as not there."""

    def __init__(self, pool: Pool, sql: Queries) -> None:
        self._pool = pool
        self._sql = sql
        self._seen: dict[NodeName, Published] = {}

    async def publish(self, term: Term, counter: int, capacity: Capacity) -> Sequence[Published]:
        with reading():
            rows = await self._pool.fetch(
                self._sql["capacity_publish"], term.node, term.epoch, counter, encode(capacity)
            )
        found = {}
        for row in rows:
            known = self._seen.get(row["node"])
            if known is None or (known.epoch, known.counter) != (row["epoch"], row["counter"]):
                known = _read(row["node"], row["epoch"], row["counter"], row["doc"])
            if known is not None:
                found[known.node] = known
        self._seen = found
        return list(found.values())


def _read(node: str, epoch: int, counter: int, doc: str | bytes) -> Published | None:
    try:
        capacity = decode(doc, Capacity)
    except msgspec.MsgspecError:
        return None
    return Published(node=NodeName(node), epoch=epoch, counter=counter, capacity=capacity)
