"""What nodes publish of themselves, on the store in memory: ``store.capacity.CapacityRows``."""

from collections.abc import Sequence

from gateway.core.pool import Capacity
from gateway.store.capacity import Published
from gateway.store.contract import Term
from tests.support.memory_store import MemoryStore


class MemoryCapacity:
    """One incarnation's way to the tables, beside its ``MemoryStore`` and with the same faults."""

    def __init__(self, store: MemoryStore) -> None:
        self._store = store

    async def publish(self, term: Term, counter: int, capacity: Capacity) -> Sequence[Published]:
        def write() -> list[Published]:
            rows = self._store.tables.capacities
            known = rows.get(term.node)
            if known is None or known.epoch <= term.epoch:
                rows[term.node] = Published(
                    node=term.node, epoch=term.epoch, counter=counter, capacity=capacity
                )
            return [row for node, row in sorted(rows.items()) if node != term.node]

        return await self._store._call("capacity", write, writes=True)
