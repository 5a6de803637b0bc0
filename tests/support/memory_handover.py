"""Handing over, on the store in memory: ``store.handover.HandoverRows``."""

from gateway.core.ids import InboundId, NodeName
from gateway.core.lifecycle import ENDED
from gateway.core.model import OutboundState
from gateway.store.codec import encode
from gateway.store.contract import Term, VersionConflict
from gateway.store.handover import KIND, Handed
from gateway.store.relay import Question
from gateway.store.takeover import Estate
from tests.support.memory_rows import Move, RelayRow, copied
from tests.support.memory_store import MemoryStore
from tests.support.memory_tables import Tables


class MemoryHandover:
    """One incarnation's way to the tables, beside its ``MemoryStore`` and with the same faults."""

    def __init__(self, store: MemoryStore) -> None:
        self._store = store
        self._tables: Tables = store.tables

    async def hand_over(self, term: Term, to: NodeName, epoch: int, handed: Handed) -> bool:
        return await self._store._call(
            "hand_over", lambda: self._hand_over(term, to, epoch, handed), writes=True
        )

    async def hand_over_quiet(self, term: Term, to: NodeName, epoch: int, most: int) -> int | None:
        def quiet() -> int | None:
            tables = self._tables
            tables.require(term)
            if tables.fences.get(to) != epoch:
                return None
            mine = [o for o, node in tables.carriers.items() if node == term.node]
            orders = [o for o in mine if tables.outbox[o].state is OutboundState.FAILED][:most]
            tables.carriers.update(dict.fromkeys(orders, to))
            homes = tables.customer_homes
            customers = [c for c, node in homes.items() if node == term.node][:most]
            homes.update(dict.fromkeys(customers, to))
            return len(orders) + len(customers)

        return await self._store._call("hand_over_quiet", quiet, writes=True)

    async def left_behind(self, node: NodeName, what: Handed) -> bool:
        def some() -> bool:
            tables = self._tables
            return any(
                item.state not in ENDED
                and tables.owners[item.id] == node
                and item.id not in what.items
                for item in tables.items.values()
                if (customer := tables.cases[item.case].customer) is not None
                and customer.id in what.customers
            )

        return await self._store._call("left_behind", some)

    async def handed(self, node: NodeName, what: Handed) -> Estate:
        return await self._store._call("handed", lambda: self._handed(node, what))

    # -- what the statements do -------------------------------------------------------------

    def _hand_over(self, term: Term, to: NodeName, epoch: int, handed: Handed) -> bool:
        tables = self._tables
        tables.require(term)
        if handed.id in tables.relay:
            return True
        if tables.fences.get(to) != epoch:
            return False
        whose = {
            *(tables.homes[agent] for agent in handed.agents),
            *(tables.owners[item] for item in handed.items),
            *(tables.carriers[order] for order in handed.orders),
        }
        if not whose <= {term.node}:
            raise VersionConflict(f"rows of {term.node} are with {whose}")
        moved = self._rows(handed)
        tables.homes.update(dict.fromkeys(handed.agents, to))
        tables.owners.update(dict.fromkeys(handed.items, to))
        tables.carriers.update(dict.fromkeys(handed.orders, to))
        for order in tables.outbox.values():
            failed = order.state is OutboundState.FAILED and order.case in handed.cases
            if failed and tables.carriers[order.id] == term.node:
                tables.carriers[order.id] = to
        for customer in handed.customers:
            if tables.customer_homes.get(customer, term.node) == term.node:
                tables.customer_homes[customer] = to
        for row in tables.undecided.values():
            if row.node == term.node and row.customer in handed.customers:
                row.node = to
        question = Question(id=handed.id, asker=term.node, kind=KIND, said=encode(handed))
        tables.relay[handed.id] = RelayRow(to=to, question=question, at=tables.now())
        tables.moves.append(Move(len(tables.journal), term.node, to, moved))
        return True

    def _handed(self, node: NodeName, what: Handed) -> Estate:
        tables = self._tables
        rows = self._rows(what)
        return Estate(
            statuses=tuple(s for s in rows.statuses if tables.homes[s.name] == node),
            items=tuple(
                (i, c)
                for i, c in rows.items
                if tables.owners[i.id] == node and i.state not in ENDED
            ),
            outbox=tuple(o for o in rows.outbox if tables.carriers[o.id] == node),
            received=tuple(
                row
                for row in tables.waiting(node)
                if tables.inbox_by_id[InboundId(row.stored.id)].customer in what.customers
            ),
        )

    def _rows(self, what: Handed) -> Estate:
        tables = self._tables
        items = [tables.items[item] for item in what.items]
        return Estate(
            statuses=tuple(copied(tables.statuses[agent]) for agent in what.agents),
            items=tuple((copied(item), copied(tables.cases[item.case])) for item in items),
            outbox=tuple(copied(tables.outbox[order]) for order in what.orders),
        )
