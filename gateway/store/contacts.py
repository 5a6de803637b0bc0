"""Who decides about what came in: rows of the inbox that another node received, or passes on."""

from collections.abc import Collection
from typing import Any, Protocol

from msgspec import Struct

from gateway.core.ids import CaseId, InboundId, NodeName
from gateway.core.inbound import Inbound
from gateway.store.codec import decode, uuid_or_none
from gateway.store.contract import Received, Term, Unavailable
from gateway.store.inbox import stored
from gateway.store.pool import Pool
from gateway.store.queries import Queries
from gateway.store.trouble import FAILED, Deadlock, hearing_warnings, meaning, reading

MOST = 500


class Decider(Struct, frozen=True):
    """The node that decides about a case; ``has_open``: for it has the case's open items."""

    node: NodeName
    has_open: bool


class Contacts(Protocol):
    """What writes requires the caller's epoch and raises ``Fenced`` without it."""

    async def waiting(self, node: NodeName, known: Collection[InboundId]) -> list[Received]:
        """Undecided rows that are this node's, but for those that it knows, oldest first.

        Raises ``Unavailable``.
        """
        ...

    async def decider(self, term: Term, case: CaseId) -> Decider:
        """Who decides about a case; ourselves, from now on, if nobody else does.

        Only what we do, or our being fenced, can change that answer, if it is ourselves. May be
        repeated. Raises ``Fenced``, ``Unavailable``, ``CommitUnknown``.
        """
        ...

    async def pass_on(self, term: Term, inbound: InboundId, to: NodeName) -> NodeName:
        """Have an undecided row of ours decided by ``to``, or who acts in its place.

        Answers whose it is now. May be repeated. Raises as ``decider``.
        """
        ...


class PgContacts:
    """``Contacts`` on PostgreSQL."""

    def __init__(self, pool: Pool, sql: Queries) -> None:
        self._pool = pool
        self._sql = sql

    async def waiting(self, node: NodeName, known: Collection[InboundId]) -> list[Received]:
        with reading():
            rows = await self._pool.fetch(self._sql["inbox_waiting"], node, list(known), MOST)
        return [
            Received(stored=stored(row, fresh=True), inbound=decode(row["doc"], Inbound))
            for row in rows
        ]

    async def decider(self, term: Term, case: CaseId) -> Decider:
        if uuid_or_none(case) is None:
            return Decider(term.node, has_open=False)
        row = await self._write("decider_of_case", term.node, term.epoch, case)
        return Decider(NodeName(row["decider"]), row["has_open"])

    async def pass_on(self, term: Term, inbound: InboundId, to: NodeName) -> NodeName:
        row = await self._write("pass_on", term.node, term.epoch, inbound, to)
        return NodeName(row[0])

    async def _write(self, name: str, *arguments: Any) -> Any:
        try:
            async with self._pool.acquire() as con:
                with hearing_warnings(con):
                    return await con.fetchrow(self._sql[name], *arguments)
        except FAILED as problem:
            found = meaning(problem)
            if isinstance(found, Deadlock):
                raise Unavailable(str(problem)) from problem
            raise found from problem
