"""Who decides about what came in: rows of the inbox that another node received, or passes on."""

from collections.abc import Collection
from typing import Any, Protocol

from msgspec import Struct

from gateway.core.ids import CaseId, CustomerId, InboundId, ItemId, NodeName
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


class Older(Struct, frozen=True):
    """A contact that came before another one, and the node that is to decide about it."""

    id: InboundId
    node: NodeName


class Contacts(Protocol):
    """What writes requires the caller's epoch and raises ``Fenced`` without it."""

    async def waiting(self, node: NodeName, known: Collection[InboundId]) -> list[Received]:
        """Undecided rows that are this node's, but for those that it knows, oldest first.

        Raises ``Unavailable``.
        """
        ...

    async def older(self, inbound: InboundId) -> Older | None:
        """The first undecided contact of the same customer that came before this one, anywhere.

        Once there is none there will be none: what one person sends is stored one after the other.
        Raises ``Unavailable``.
        """
        ...

    async def decider(self, term: Term, case: CaseId) -> Decider:
        """Who decides about a case; ourselves, from now on, if nobody else does.

        Only what we do, or our being fenced, can change that answer, if it is ourselves. May be
        repeated. Raises ``Fenced``, ``Unavailable``, ``CommitUnknown``.
        """
        ...

    async def home(self, term: Term, customer: CustomerId) -> NodeName:
        """Who decides about a customer; ourselves, from now on, if nobody does.

        As ``decider`` in all else.
        """
        ...

    async def owner(self, item: ItemId) -> NodeName | None:
        """Which node decides about an open item. Raises ``Unavailable``."""
        ...

    async def give_case(self, term: Term, case: CaseId, to: NodeName, epoch: int) -> bool:
        """A case of nobody, without open items, that we have claimed: ``to`` decides from now on.

        False: ``to`` does not hold ``epoch``. May be repeated. Raises as ``decider``.
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

    async def older(self, inbound: InboundId) -> Older | None:
        with reading():
            row = await self._pool.fetchrow(self._sql["older_contact"], inbound)
        return Older(InboundId(row["id"]), NodeName(row["node"])) if row else None

    async def decider(self, term: Term, case: CaseId) -> Decider:
        if uuid_or_none(case) is None:
            return Decider(term.node, has_open=False)
        row = await self._write("decider_of_case", term.node, term.epoch, case)
        return Decider(NodeName(row["decider"]), row["has_open"])

    async def home(self, term: Term, customer: CustomerId) -> NodeName:
        if uuid_or_none(customer) is None:
            return term.node
        row = await self._write("home_of_customer", term.node, term.epoch, customer)
        return NodeName(row["home"]) if row is not None else term.node

    async def owner(self, item: ItemId) -> NodeName | None:
        if uuid_or_none(item) is None:
            return None
        with reading():
            node = await self._pool.fetchval(self._sql["owner_of_item"], item)
        return None if node is None else NodeName(node)

    async def give_case(self, term: Term, case: CaseId, to: NodeName, epoch: int) -> bool:
        row = await self._write("give_case", term.node, term.epoch, case, to, epoch)
        return row is not None

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
