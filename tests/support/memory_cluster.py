"""Taking over, on the store in memory: ``takeover.Cluster`` over ``Tables``, with its steps."""

from collections.abc import Callable, Sequence
from typing import TypeVar

from gateway.core.edition import EDITION
from gateway.core.election import Peer
from gateway.core.ids import InboundId, NodeName
from gateway.store.contract import Term, VersionConflict
from gateway.store.takeover import Estate
from tests.support.memory_rows import Move, copied
from tests.support.memory_store import MemoryStore
from tests.support.memory_tables import Tables

T = TypeVar("T")
CHUNK = 500


class MemoryCluster:
    """One incarnation's way to the tables, beside its ``MemoryStore`` and with the same faults."""

    def __init__(
        self,
        store: MemoryStore,
        *,
        chunk: int = CHUNK,
        fencing: Callable[[NodeName], None] = lambda _dead: None,
        ended: Callable[[NodeName, NodeName], None] = lambda _dead, _heir: None,
    ) -> None:
        self._store = store
        self._tables: Tables = store.tables
        self._chunk = chunk
        self._fencing = fencing
        self._ended = ended

    async def _call(self, name: str, work: Callable[[], T], *, writes: bool = True) -> T:
        return await self._store._call(name, work, writes=writes)

    async def row_of(self, node: NodeName) -> Peer | None:
        tables = self._tables
        return await self._call(
            "node", lambda: tables.peer(node) if node in tables.leases else None, writes=False
        )

    async def require_known(self) -> int:
        return EDITION

    async def raise_edition(self, term: Term, wanted: int) -> int:
        return await self._call("raise_edition", lambda: max(wanted, EDITION))

    async def leave(self, term: Term) -> None:
        def stop() -> None:
            if self._tables.fences[term.node] == term.epoch:
                self._tables.leases[term.node].stopped = True

        await self._call("leave", stop)

    async def fence(self, term: Term, dead: Peer) -> bool:
        def take() -> bool:
            tables = self._tables
            tables.require(term)
            now = tables.peer(dead.node)
            if (now.fence, now.epoch, now.counter) != (dead.epoch, dead.epoch, dead.counter):
                return False
            self._fencing(dead.node)
            tables.fences[dead.node] += 1
            tables.marks[dead.node] = f"{dead.node} fenced by {term.node}"
            tables.heirs.setdefault(dead.node, term.node)
            return True

        return await self._call("fence", take)

    async def inherit(self, term: Term, dead: NodeName) -> None:
        def take() -> None:
            self._tables.require(term)
            heirs = self._tables.heirs
            if heirs.get(dead) == term.node:
                mine = [node for node, heir in heirs.items() if heir == dead]
                heirs.update(dict.fromkeys(mine, term.node))
                heirs.pop(term.node, None)

        await self._call("inherit", take)

    async def end(self, term: Term, dead: NodeName) -> None:
        def done() -> None:
            self._tables.require(term)
            if self._tables.heirs.get(dead) == term.node:
                del self._tables.heirs[dead]
                self._tables.end_homes(dead)
                self._ended(dead, term.node)

        await self._call("takeover_end", done)

    async def estate(self, dead: NodeName) -> Estate:
        return await self._call("estate", lambda: self._estate(dead), writes=False)

    async def adopt(self, term: Term, dead: NodeName, part: Estate) -> None:
        await self._call("adopt", lambda: self._adopt(term, dead, part))

    async def adopt_quiet(self, term: Term, dead: NodeName) -> int:
        def take() -> int:
            self._require_heir(term, dead)
            carriers = self._tables.carriers
            orders = [id_ for id_, node in carriers.items() if node == dead][: self._chunk]
            carriers.update(dict.fromkeys(orders, term.node))
            return len(orders)

        return await self._call("adopt_quiet", take)

    # -- what the statements do -------------------------------------------------------------

    def _require_heir(self, term: Term, dead: NodeName) -> None:
        self._tables.require(term)
        if self._tables.heirs.get(dead) != term.node:
            raise VersionConflict(f"{term.node} is not the heir of {dead}")

    def _estate(self, dead: NodeName) -> Estate:
        tables = self._tables
        statuses = [s for s in tables.statuses.values() if tables.homes[s.name] == dead]
        if statuses:
            return Estate(statuses=tuple(map(copied, self._first(statuses))))
        if items := tables.open_items(dead):
            mine = self._first(sorted(items, key=lambda item: item.id))
            cases = {item.case for item in mine}
            orders = [order for order in tables.open_orders(dead) if order.case in cases]
            return Estate(
                items=tuple((copied(i), copied(tables.cases[i.case])) for i in mine),
                outbox=tuple(map(copied, orders)),
            )
        if orders := tables.open_orders(dead):
            return Estate(outbox=tuple(map(copied, self._first(orders))))
        return Estate(received=tuple(self._first(tables.waiting(dead))))

    def _first(self, rows: Sequence[T]) -> Sequence[T]:
        return rows[: self._chunk]

    def _adopt(self, term: Term, dead: NodeName, part: Estate) -> None:
        tables = self._tables
        self._require_heir(term, dead)
        inbox = [tables.inbox_by_id[InboundId(row.stored.id)] for row in part.received]
        whose = [
            *(tables.homes[status.name] for status in part.statuses),
            *(tables.owners[item.id] for item, _ in part.items),
            *(tables.carriers[order.id] for order in part.outbox),
            *(row.node for row in inbox),
        ]
        if not set(whose) <= {dead, term.node}:
            raise VersionConflict(f"rows of {dead} are with {set(whose)}")
        tables.homes.update((status.name, term.node) for status in part.statuses)
        tables.owners.update((item.id, term.node) for item, _ in part.items)
        tables.carriers.update((order.id, term.node) for order in part.outbox)
        for row in inbox:
            row.node = term.node
        cases = (case.customer for _, case in part.items)
        for customer in (*(c.id for c in cases if c), *(row.customer for row in inbox)):
            if customer is not None and tables.customer_homes.get(customer) == dead:
                tables.customer_homes[customer] = term.node
        tables.moves.append(Move(len(tables.journal), dead, term.node, part))
