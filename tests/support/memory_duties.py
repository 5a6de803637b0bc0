"""Duties, on the store in memory: ``store.duties.DutyRows`` over ``Tables``, with its steps."""

from collections.abc import Iterable, Mapping

from msgspec.structs import replace

from gateway.core.duties import Duty, DutyTerm, Look, Member, Wish
from gateway.store.contract import Term
from tests.support.memory_store import MemoryStore
from tests.support.memory_tables import Tables


class MemoryDuties:
    """One incarnation's way to the duties, beside its ``MemoryStore`` and with the same faults."""

    def __init__(self, store: MemoryStore) -> None:
        self._store = store
        self._tables: Tables = store.tables

    async def look(self, term: Term) -> Look | None:
        return await self._store._call("duty_look", lambda: self.now(term))

    def now(self, term: Term) -> Look | None:
        """``look`` without a database on the way."""
        tables = self._tables
        if tables.fences.get(term.node) != term.epoch:
            return None
        peers = [tables.peer(node) for node in tables.leases]
        return Look(
            life=tables.marks[term.node],
            members=tuple(
                Member(
                    node=peer.node,
                    life=tables.marks[peer.node],
                    state=peer.state,
                    fenced=peer.fenced,
                    settling=peer.heir is not None,
                )
                for peer in peers
            ),
            duties=tuple(tables.duties.values()),
            wishes=tuple(tables.wishes.values()),
        )

    async def wish(self, term: Term, ranks: Mapping[str, int]) -> None:
        def say() -> None:
            self._tables.require(term)
            wishes = self._tables.wishes
            for key in [key for key in wishes if key[1] == term.node]:
                del wishes[key]
            life = self._tables.marks[term.node]
            for duty, rank in ranks.items():
                wishes[duty, term.node] = Wish(duty=duty, node=term.node, life=life, rank=rank)

        await self._store._call("wish", say, writes=True)

    async def take(self, term: Term, duty: str, seen: int) -> DutyTerm | None:
        def swap() -> DutyTerm | None:
            self._tables.require(term)
            row = self._tables.duties.get(duty)
            if row is not None and row.epoch != seen:
                return None
            epoch = row.epoch + 1 if row is not None else 1
            life = self._tables.marks[term.node]
            self._tables.duties[duty] = Duty(name=duty, epoch=epoch, node=term.node, life=life)
            return DutyTerm(name=duty, epoch=epoch)

        return await self._store._call("duty_take", swap, writes=True)

    async def give(self, term: Term, held: DutyTerm) -> bool:
        def leave() -> bool:
            self._tables.require(term)
            row = self._tables.duties[held.name]
            mine = (row.node, row.epoch) == (term.node, held.epoch)
            if mine:
                self._tables.duties[held.name] = replace(row, node=None, life=None)
            return mine

        return await self._store._call("duty_give", leave, writes=True)

    async def ask(self, term: Term, duties: Iterable[str]) -> None:
        def ask() -> None:
            self._tables.require(term)
            for name in duties:
                row = self._tables.duties.get(name)
                if row is not None and row.node != term.node:
                    life = self._tables.marks[term.node]
                    self._tables.duties[name] = replace(row, asked=life)

        await self._store._call("duty_ask", ask, writes=True)
