"""The durable path on PostgreSQL: ``contract.Journal``.

``commit`` goes over the writer's one connection, one statement at a time; everything else over
the pool. An object is one incarnation of a node.
"""

import asyncio
from collections.abc import Sequence
from typing import Any, TypeVar

from gateway.core.duties import DutyTerm
from gateway.core.ids import ChannelName, NewId, NodeName, Position
from gateway.core.inbound import Inbound
from gateway.core.model import AgentProfile, AgentStatus, Case, Item, Outgoing, Queue, Site
from gateway.core.timetable import TYPES
from gateway.ports import Memory
from gateway.store.batch import PgBatch
from gateway.store.codec import decode
from gateway.store.contract import (
    Batch,
    Card,
    CommitUnknown,
    DutyLost,
    Fenced,
    Loaded,
    Received,
    Seen,
    Stored,
    Term,
    Unavailable,
)
from gateway.store.fence import Fence
from gateway.store.inbox import Parcel, pack, stored, unpack
from gateway.store.pool import Connection, Pool
from gateway.store.queries import Queries
from gateway.store.trouble import FAILED, Deadlock, hearing_warnings, meaning, reading
from gateway.store.writer import Writer

T = TypeVar("T")

REPEATS = 4
HASHED_HERE_BYTES = 100_000
CHUNK = 500


class PgJournal:
    """See ``contract.Journal`` for what each method promises and raises."""

    def __init__(
        self, *, pool: Pool, writer: Writer, fence: Fence, sql: Queries, new_id: NewId
    ) -> None:
        self._pool = pool
        self._writer = writer
        self._fence = fence
        self._sql = sql
        self._new_id = new_id

    async def begin(self, node: NodeName, region: str) -> Term:
        return await self._fence.begin(node, region)

    async def renew(self, term: Term, card: Card | None = None) -> Seen:
        return await self._fence.renew(term, card)

    def batch(self) -> PgBatch:
        return PgBatch()

    async def commit(self, term: Term, batch: Batch) -> None:
        if not isinstance(batch, PgBatch):
            raise TypeError("a batch is made by Journal.batch")
        arguments = batch.arguments()
        for _ in range(REPEATS):
            try:
                await self._writer.run(self._sql["commit_batch"], term.node, term.epoch, *arguments)
            except Deadlock:
                continue
            return
        raise Unavailable("the database rolls every try back for another's sake")

    async def resolve(self, term: Term, last: Position) -> tuple[Term, bool]:
        self._writer.cut()
        new = await self._fence.raise_own(term)
        return new, await self._fence.present(new, last)

    async def receive(
        self,
        term: Term,
        inbounds: Sequence[Inbound],
        memories: Sequence[tuple[ChannelName, Memory]],
        duties: Sequence[DutyTerm] = (),
    ) -> list[Stored]:
        if not inbounds and not memories:
            return []
        parcel = await self._pack(inbounds, memories, duties)
        problem: Exception | None = None
        unknown = False
        for _ in range(REPEATS):
            try:
                return unpack(parcel, await self._receive(term, parcel.arguments))
            except Deadlock as again:
                problem = again
            except CommitUnknown as again:
                problem, unknown = again, True
                # With new ids: rows under these may be there, and would be in their own way.
                parcel = await self._pack(inbounds, memories, duties)
            except Fenced as fenced:
                own = await self._fence.own_term(term)
                if own is None or own == term:
                    raise
                problem, term = fenced, own
            except DutyLost as lost:
                if unknown:  # it may have been held then
                    raise CommitUnknown(str(problem)) from lost
                raise
        raise Unavailable(str(problem)) from problem

    async def _pack(
        self,
        inbounds: Sequence[Inbound],
        memories: Sequence[tuple[ChannelName, Memory]],
        duties: Sequence[DutyTerm],
    ) -> Parcel:
        """Hashing fifty mails with their files would hold the loop for as many milliseconds."""
        size = sum(len(i.raw or b"") + sum(len(f.data) for f in i.files) for i in inbounds)
        if size <= HASHED_HERE_BYTES:
            return pack(inbounds, memories, self._new_id, duties)
        return await asyncio.to_thread(pack, inbounds, memories, self._new_id, duties)

    async def _receive(self, term: Term, arguments: tuple[Any, ...]) -> list[Any]:
        try:
            async with self._pool.acquire() as con:
                with hearing_warnings(con):
                    return await con.fetch(
                        self._sql["receive_batch"], term.node, term.epoch, *arguments
                    )
        except FAILED as problem:
            raise meaning(problem) from problem

    async def reserve_numbers(self, count: int) -> range:
        with reading():
            value = await self._pool.fetchval(self._sql["reserve_numbers"], count)
        return range(value - count + 1, value + 1)

    # -- what a node begins with ------------------------------------------------------------

    async def load(self, term: Term) -> Loaded:
        with reading():
            async with (
                self._pool.acquire() as con,
                con.transaction(isolation="repeatable_read", readonly=True),
            ):
                return await self._load(con, term.node)  # type: ignore[arg-type]

    async def _load(self, con: Connection, node: NodeName) -> Loaded:
        return Loaded(
            profiles=await self._docs(con, AgentProfile, "load_profiles"),
            statuses=await self._docs(con, AgentStatus, "load_statuses", node),
            queues=await self._docs(con, Queue, "load_queues"),
            sites=await self._docs(con, Site, "load_sites"),
            entries=tuple(
                [
                    decode(row["doc"], TYPES[row["kind"]])
                    for row in await con.fetch(self._sql["load_entries"])
                ]
            ),
            cases=await self._docs(con, Case, "load_cases", node),
            items=await self._docs(con, Item, "load_items", node),
            outbox=await self._docs(con, Outgoing, "load_outbox", node),
            received=tuple(
                [
                    Received(stored=stored(row, fresh=True), inbound=decode(row["doc"], Inbound))
                    async for row in con.cursor(self._sql["load_received"], node, prefetch=CHUNK)
                ]
            ),
            ends={
                NodeName(row["node"]): Position(row["epoch"], row["offset"])
                for row in await con.fetch(self._sql["journal_ends"])
            },
            handed=tuple(row["id"] for row in await con.fetch(self._sql["load_handed"], node)),
        )

    async def _docs(
        self, con: Connection, kind: type[T], name: str, *arguments: Any
    ) -> tuple[T, ...]:
        """All documents of a query, in chunks that let the loop breathe."""
        found: list[T] = []
        cursor = await con.cursor(self._sql[name], *arguments)
        while rows := await cursor.fetch(CHUNK):
            found += [decode(row["doc"], kind) for row in rows]
            await asyncio.sleep(0)
        return tuple(found)
