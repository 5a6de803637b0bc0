"""What handing over asks of the store (docs/decisions/0005)."""

from typing import Any, Literal, Protocol

import msgspec
from msgspec import Struct

from gateway.core.ids import AgentName, CaseId, CommandId, CustomerId, ItemId, NodeName, OutboundId
from gateway.core.inbound import Inbound
from gateway.core.model import AgentStatus, Case, Item, Outgoing
from gateway.store.codec import decode, encode
from gateway.store.contract import Received, Term, Unavailable
from gateway.store.inbox import stored
from gateway.store.pool import Pool
from gateway.store.queries import Queries
from gateway.store.relay import Envelope
from gateway.store.takeover import Estate
from gateway.store.trouble import FAILED, Deadlock, hearing_warnings, meaning, reading

KIND = "handed_over"
"""The question by which a node learns what it has been handed."""


class Wish(Struct, frozen=True, kw_only=True):
    """An item that is meant for one agent, who is to be offered it there, or just given it.

    ``take``: the agent has asked for it, by this ``command``; or ``by`` has that it be assigned.
    """

    item: ItemId
    agent: AgentName
    by: AgentName
    how: Literal["offer", "assign", "take"] = "offer"
    reason: str = ""
    command: CommandId = CommandId("")


class Handed(Struct, frozen=True, kw_only=True):
    """What changes hands in one statement, and why. ``id`` is the question's, a UUID.

    ``overflow``: the items go where somebody is free, and are not to go on at once.
    """

    id: str
    reason: str
    agents: tuple[AgentName, ...] = ()
    items: tuple[ItemId, ...] = ()
    orders: tuple[OutboundId, ...] = ()
    customers: tuple[CustomerId, ...] = ()
    cases: tuple[CaseId, ...] = ()
    wish: Wish | None = None
    overflow: bool = False


class HandoverRows(Protocol):
    """The statements of a handover. What writes may be repeated.

    Raises ``Fenced``, ``Unavailable``, ``CommitUnknown``, ``VersionConflict``.
    """

    async def hand_over(self, term: Term, to: NodeName, epoch: int, handed: Handed) -> bool:
        """Make the rows those of ``to``, and tell it. False: ``to`` does not hold ``epoch``."""
        ...

    async def hand_over_quiet(self, term: Term, to: NodeName, epoch: int, most: int) -> int | None:
        """Rows that no node keeps in memory, so many of each kind at most; how many.

        ``None``: ``to`` does not hold ``epoch``.
        """
        ...

    async def left_behind(self, node: NodeName, what: Handed) -> bool:
        """Whether ``node`` has open items of these customers that are not among what goes."""
        ...

    async def handed(self, node: NodeName, what: Handed) -> Estate:
        """The rows that ``node`` has been handed, as they are."""
        ...


class PgHandover:
    """See ``HandoverRows``."""

    def __init__(self, pool: Pool, sql: Queries) -> None:
        self._pool = pool
        self._sql = sql

    async def hand_over(self, term: Term, to: NodeName, epoch: int, handed: Handed) -> bool:
        return bool(
            await self._write(
                "hand_over_batch",
                term,
                to,
                epoch,
                list(handed.agents),
                list(handed.items),
                list(handed.orders),
                list(handed.customers),
                list(handed.cases),
                handed.id,
                question_of(handed),
            )
        )

    async def hand_over_quiet(self, term: Term, to: NodeName, epoch: int, most: int) -> int | None:
        done = await self._write("hand_over_quiet", term, to, epoch, most)
        return None if done is None else int(done)

    async def left_behind(self, node: NodeName, what: Handed) -> bool:
        with reading():
            return bool(
                await self._pool.fetchval(
                    self._sql["left_behind"], node, list(what.customers), list(what.items)
                )
            )

    async def handed(self, node: NodeName, what: Handed) -> Estate:
        statuses = await self._read("handed_statuses", node, what.agents)
        items = await self._read("handed_items", node, what.items)
        orders = await self._read("handed_outbox", node, what.orders)
        inbounds = await self._read("handed_received", node, what.customers)
        return Estate(
            statuses=tuple(decode(row["doc"], AgentStatus) for row in statuses),
            items=tuple((decode(row["doc"], Item), decode(row["case_doc"], Case)) for row in items),
            outbox=tuple(decode(row["doc"], Outgoing) for row in orders),
            received=tuple(
                Received(stored=stored(row, fresh=True), inbound=decode(row["doc"], Inbound))
                for row in inbounds
            ),
        )

    async def _read(self, name: str, node: NodeName, ids: tuple[str, ...]) -> list[Any]:
        if not ids:
            return []
        with reading():
            return await self._pool.fetch(self._sql[name], node, list(ids))

    async def _write(self, name: str, term: Term, *arguments: Any) -> Any:
        try:
            async with self._pool.acquire() as con:
                with hearing_warnings(con):
                    return await con.fetchval(self._sql[name], term.node, term.epoch, *arguments)
        except FAILED as problem:
            found = meaning(problem)
            raise (Unavailable(str(found)) if isinstance(found, Deadlock) else found) from problem


def question_of(handed: Handed) -> bytes:
    """The document of the question's row."""
    return encode(Envelope(said=msgspec.Raw(encode(handed))))
