"""Where agents are at home, on the store in memory: ``store.homes.HomeRows``."""

from collections.abc import Collection

from msgspec.structs import replace

from gateway.core.ids import AgentName
from gateway.core.model import AgentStatus
from gateway.store.contract import Term
from gateway.store.handover import KIND as HANDED_OVER
from gateway.store.homes import Claimed, HomeOf
from tests.support.memory_rows import copied
from tests.support.memory_store import MemoryStore
from tests.support.memory_tables import Tables


class MemoryHomes:
    """One incarnation's way to the tables, beside its ``MemoryStore`` and with the same faults."""

    def __init__(self, store: MemoryStore) -> None:
        self._store = store
        self._tables: Tables = store.tables

    async def claim(self, term: Term, fresh: AgentStatus) -> Claimed | HomeOf:
        return await self._store._call("claim", lambda: self._claim(term, fresh), writes=True)

    def _claim(self, term: Term, fresh: AgentStatus) -> Claimed | HomeOf:
        tables, name = self._tables, fresh.name
        tables.require(term)
        before = tables.homes.get(name)
        if before is not None and before != term.node:
            peer = tables.peer(before)
            serving = peer.state == "serving" and not peer.fenced
            return HomeOf(node=before, url=peer.urls.get("agent", ""), serving=serving)
        if name not in tables.statuses:
            tables.statuses[name] = replace(fresh, home=None, version=1, epoch=0, tabs=0)
        tables.homes[name] = term.node
        untold = any(
            row.to == term.node and row.answer is None and row.question.kind == HANDED_OVER
            for row in tables.relay.values()
        )
        whole = term.node not in tables.heirs.values() and not untold
        status = copied(tables.statuses[name])
        return Claimed(status=status, settled=before is None or whole, whole=whole)

    async def statuses(self, names: Collection[AgentName]) -> dict[AgentName, AgentStatus]:
        def read() -> dict[AgentName, AgentStatus]:
            tables = self._tables
            known = [tables.statuses[name] for name in names if name in tables.statuses]
            return {s.name: replace(s, home=tables.homes[s.name]) for s in known}

        return await self._store._call("statuses", read)
