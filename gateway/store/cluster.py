"""The nodes among each other, on PostgreSQL: ``takeover.Cluster``."""

from typing import Any

from gateway.core.edition import FIRST, require_known
from gateway.core.election import Peer
from gateway.core.ids import NodeName
from gateway.core.inbound import Inbound
from gateway.core.model import AgentStatus, Case, Item, Outgoing
from gateway.store.codec import decode
from gateway.store.contract import Received, Term, Unavailable
from gateway.store.fence import Fence, peer
from gateway.store.inbox import stored
from gateway.store.pool import Pool
from gateway.store.queries import Queries
from gateway.store.takeover import Estate
from gateway.store.trouble import FAILED, Deadlock, hearing_warnings, meaning, reading

CHUNK = 500
"""Rows of one kind that change hands in one statement."""


class PgCluster:
    """See ``takeover.Cluster`` for what each method promises and raises."""

    def __init__(self, *, pool: Pool, fence: Fence, sql: Queries, chunk: int = CHUNK) -> None:
        self._pool = pool
        self._fence = fence
        self._sql = sql
        self._chunk = chunk

    async def row_of(self, node: NodeName) -> Peer | None:
        with reading():
            row = await self._pool.fetchrow(self._sql["node_row"], node)
        return None if row is None else peer(row)

    async def leave(self, term: Term) -> None:
        await self._write("lease_end", term.node, term.epoch)

    async def require_known(self) -> int:
        with reading():
            row = await self._pool.fetchrow(self._sql["edition_known"])
        if row is None:
            return FIRST
        require_known(row["newest"], row["written"])
        return int(row["written"])

    async def raise_edition(self, term: Term, wanted: int) -> int:
        rows = await self._write("edition_raise", term.node, term.epoch, wanted)
        return int(rows[0][0])

    async def fence(self, term: Term, dead: Peer) -> bool:
        return await self._fence.raise_dead(term, dead)

    async def inherit(self, term: Term, dead: NodeName) -> None:
        await self._write("inherit", term.node, term.epoch, dead)

    async def end(self, term: Term, dead: NodeName) -> None:
        await self._write("takeover_end", term.node, term.epoch, dead)

    async def adopt(self, term: Term, dead: NodeName, part: Estate) -> None:
        await self._write(
            "adopt_batch",
            term.node,
            term.epoch,
            dead,
            [status.name for status in part.statuses],
            [item.id for item, _ in part.items],
            [order.id for order in part.outbox],
            [row.stored.id for row in part.received],
        )

    async def adopt_quiet(self, term: Term, dead: NodeName) -> int:
        rows = await self._write("adopt_quiet", term.node, term.epoch, dead, self._chunk)
        return int(rows[0][0])

    async def estate(self, dead: NodeName) -> Estate:
        if rows := await self._read("estate_statuses", dead, self._chunk):
            return Estate(statuses=tuple(decode(row["doc"], AgentStatus) for row in rows))
        if rows := await self._read("estate_items", dead, self._chunk):
            items = [(decode(row["doc"], Item), decode(row["case_doc"], Case)) for row in rows]
            cases = [case.id for _, case in items]
            orders = await self._read("estate_orders", dead, cases)
            return Estate(items=tuple(items), outbox=_orders(orders))
        if rows := await self._read("estate_outbox", dead, self._chunk):
            return Estate(outbox=_orders(rows))
        rows = await self._read("estate_received", dead, self._chunk)
        return Estate(
            received=tuple(
                Received(stored=stored(row, fresh=True), inbound=decode(row["doc"], Inbound))
                for row in rows
            )
        )

    async def _read(self, name: str, *arguments: Any) -> list[Any]:
        with reading():
            return await self._pool.fetch(self._sql[name], *arguments)

    async def _write(self, name: str, *arguments: Any) -> list[Any]:
        try:
            async with self._pool.acquire() as con:
                with hearing_warnings(con):
                    return await con.fetch(self._sql[name], *arguments)
        except FAILED as problem:
            found = meaning(problem)
            raise (Unavailable(str(found)) if isinstance(found, Deadlock) else found) from problem


def _orders(rows: list[Any]) -> tuple[Outgoing, ...]:
    return tuple(decode(row["doc"], Outgoing) for row in rows)
