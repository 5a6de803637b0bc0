"""Who decides about what came in, on the store in memory: ``store.contacts.Contacts``."""

from collections.abc import Collection

from gateway.core.ids import CaseId, CustomerId, InboundId, ItemId, NodeName
from gateway.core.lifecycle import ENDED
from gateway.store.contacts import Decider, Older
from gateway.store.contract import Received, Term
from tests.support.memory_store import MemoryStore


class MemoryContacts:
    """One incarnation's way to the tables, with the faults and steps of its ``MemoryStore``."""

    def __init__(self, store: MemoryStore) -> None:
        self._store = store
        self._tables = store.tables

    async def waiting(self, node: NodeName, known: Collection[InboundId]) -> list[Received]:
        def rows() -> list[Received]:
            return [row for row in self._tables.waiting(node) if row.stored.id not in known]

        return await self._store._glance("look.inbox", rows)

    async def older(self, inbound: InboundId) -> Older | None:
        def first() -> Older | None:
            tables = self._tables
            mine = tables.inbox_by_id[inbound]
            before = [
                row
                for row in tables.undecided.values()
                if row.customer == mine.customer is not None
                and (row.arrival, row.id) < (mine.arrival, mine.id)
            ]
            oldest = min(before, key=lambda row: (row.arrival, row.id), default=None)
            return Older(oldest.id, oldest.node) if oldest else None

        return await self._store._glance("look.older", first)

    async def decider(self, term: Term, case: CaseId) -> Decider:
        def claim() -> Decider:
            self._tables.require(term)
            return self._tables.decider(term.node, case)

        return await self._store._call("decider", claim, writes=True)

    async def home(self, term: Term, customer: CustomerId) -> NodeName:
        def claim() -> NodeName:
            self._tables.require(term)
            if customer not in self._tables.customers:
                return term.node
            return self._tables.home_of(customer, term.node)

        return await self._store._call("home", claim, writes=True)

    async def owner(self, item: ItemId) -> NodeName | None:
        def read() -> NodeName | None:
            known = self._tables.items.get(item)
            return self._tables.owners[item] if known and known.state not in ENDED else None

        return await self._store._call("owner", read)

    async def give_case(self, term: Term, case: CaseId, to: NodeName, epoch: int) -> bool:
        def give() -> bool:
            tables = self._tables
            tables.require(term)
            mine = tables.case_homes.get(case) in (term.node, to)
            if tables.fences.get(to) != epoch or not mine or tables.cases[case].customer:
                return False
            tables.case_homes[case] = to
            return True

        return await self._store._call("give_case", give, writes=True)

    async def pass_on(self, term: Term, inbound: InboundId, to: NodeName) -> NodeName:
        def move() -> NodeName:
            self._tables.require(term)
            row = self._tables.inbox_by_id[inbound]
            if row.node == term.node and row.decided is None:
                row.node = self._tables.acting(to) or term.node
            return row.node

        return await self._store._call("pass_on", move, writes=True)
