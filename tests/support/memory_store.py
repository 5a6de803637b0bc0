"""The store in memory: a ``Journal`` and a ``Lookup`` over ``Tables``, with faults on request.

Each call passes two steps, one before its effect and one after, where a simulation can delay
it, fail it or end the process.
"""

import asyncio
import random
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from typing import TypeVar

from msgspec import Struct

from gateway.core import model as m
from gateway.core.duties import DutyTerm
from gateway.core.ids import (
    AgentName,
    AttachmentId,
    CaseId,
    ChannelName,
    CommandId,
    CustomerId,
    InboundId,
    ItemId,
    MessageId,
    NodeName,
    Position,
)
from gateway.core.inbound import Decided, File, Inbound
from gateway.core.lifecycle import ENDED
from gateway.core.misrouted import HouseWords
from gateway.core.ticket import plain
from gateway.ports import Memory
from gateway.store.contract import (
    Batch,
    Card,
    CommitUnknown,
    Entries,
    Loaded,
    Seen,
    Stored,
    Term,
    Unavailable,
)
from tests.support.memory_tables import Tables
from tests.support.memory_ties import chosen, conversation

T = TypeVar("T")
Step = Callable[[str], Awaitable[None]]


def _unheard(fault: str) -> None:
    """Nobody counts."""


class Faults(Struct, kw_only=True):
    """How often what goes wrong, each a share of calls from 0 to 1; ``slow`` is in seconds.

    ``met`` is told of each.
    """

    unavailable: float = 0.0
    unknown: float = 0.0
    delayed: float = 0.0
    slow: float = 2.0
    met: Callable[[str], None] = _unheard


async def _no_step(name: str) -> None:
    """Nothing happens between two steps."""


class MemoryStore:
    """One incarnation's way to the tables: implements ``Journal`` and ``Lookup``."""

    def __init__(
        self,
        tables: Tables,
        *,
        faults: Faults | None = None,
        dice: random.Random | None = None,
        step: Step = _no_step,
    ) -> None:
        self.tables = tables
        self.faults = faults or Faults()
        self._dice = dice or random.Random(0)
        self._step = step
        self._own: Term | None = None

    async def _call(self, name: str, work: Callable[[], T], *, writes: bool = False) -> T:
        await self._delay(turns=True)
        await self._step(f"{name}.begin")
        if self._dice.random() < self.faults.unavailable:
            self.faults.met("database away")
            raise Unavailable(f"{name}: no connection")
        if writes and self._dice.random() < self.faults.unknown:
            landed = self._dice.random() < 0.5
            self.faults.met(f"unknown, and {'done' if landed else 'not done'}")
            if landed:
                work()
            raise CommitUnknown(f"{name}: the connection was lost")
        result = work()
        await self._delay()
        await self._step(f"{name}.end")
        return result

    async def _glance(
        self, name: str, work: Callable[[], T], there_is: Callable[[], object] | None = None
    ) -> T:
        """A look that is taken again and again: a step only where there is something to see.

        ``there_is`` says so for less than ``work`` costs.
        """
        if (there_is or work)():
            return await self._call(name, work)
        await self._delay(turns=True)
        if self._dice.random() < self.faults.unavailable:
            self.faults.met("database away")
            raise Unavailable(f"{name}: no connection")
        return work()

    async def _delay(self, *, turns: bool = False) -> None:
        """Perhaps. Either way a round trip takes a turn of the loop, if it takes no time one."""
        if self._dice.random() < self.faults.delayed:
            await asyncio.sleep(self._dice.uniform(0.0, self.faults.slow))
        elif turns:
            await asyncio.sleep(0)

    # -- Journal ----------------------------------------------------------------------------

    async def begin(self, node: NodeName, region: str) -> Term:
        return await self._call("begin", lambda: self.tables.begin(node, region))

    async def renew(self, term: Term, card: Card | None = None) -> Seen:
        return await self._call("renew", lambda: self.tables.renew(term, card), writes=True)

    async def load(self, term: Term) -> Loaded:
        return await self._call("load", lambda: self.tables.load(term))

    def batch(self) -> Batch:
        return Entries()

    async def commit(self, term: Term, batch: Batch) -> None:
        entries = batch.entries
        await self._call("commit", lambda: self.tables.commit(term, entries), writes=True)

    async def resolve(self, term: Term, last: Position) -> tuple[Term, bool]:
        def raise_own() -> tuple[Term, bool]:
            # What this connection has raised before, and was not heard of, is its own.
            self._own, landed = self.tables.resolve(self._own or term, last)
            return self._own, landed

        resolved = await self._call("resolve", raise_own)
        if self._dice.random() < self.faults.unknown:
            self.faults.met("answer lost")
            raise Unavailable("resolve: the answer was lost")
        return resolved

    async def receive(
        self,
        term: Term,
        inbounds: Sequence[Inbound],
        memories: Sequence[tuple[ChannelName, Memory]],
        duties: Sequence[DutyTerm] = (),
    ) -> list[Stored]:
        return await self._call(
            "receive", lambda: self.tables.receive(term, inbounds, memories, duties), writes=True
        )

    async def reserve_numbers(self, count: int) -> range:
        return await self._call("numbers", lambda: self.tables.reserve_numbers(count))

    # -- Lookup -----------------------------------------------------------------------------

    async def case(self, case: CaseId) -> m.Case | None:
        return await self._call("look.case", lambda: self.tables.cases.get(case))

    async def case_by_number(self, number: int) -> m.Case | None:
        cases = self.tables.cases
        return await self._call(
            "look.case", lambda: next((c for c in cases.values() if c.number == number), None)
        )

    async def case_of_reference(self, references: Sequence[str]) -> tuple[m.Case, str] | None:
        return await self._call("look.reference", lambda: self.tables.case_of_reference(references))

    async def participants(self, case: CaseId) -> frozenset[str]:
        return await self._call("look.participants", lambda: self.tables.participants(case))

    async def alike(self, external_id: str, mark: str) -> list[m.Message]:
        return await self._call("look.reference", lambda: self.tables.alike(external_id, mark))

    async def brought(
        self, customer: CustomerId, channel: ChannelName, messages: Sequence[MessageId]
    ) -> frozenset[MessageId]:
        tables = self.tables
        return await self._call(
            "look.reference", lambda: tables.brought(customer, channel, messages)
        )

    async def recent_cases(self, customer: CustomerId, channel: ChannelName) -> list[m.Case]:
        return await self._call("look.recent", lambda: self.tables.recent_cases(customer, channel))

    async def written_case(self, customer: CustomerId, channel: ChannelName) -> m.Case | None:
        def newest() -> m.Case | None:
            written = {
                one.case
                for one in self.tables.messages.values()
                if one.direction == "out" and one.channel == channel
            }
            cases = [self.tables.cases[case] for case in written]
            theirs = [
                case
                for case in cases
                if case.status is not m.CaseStatus.CLOSED
                and case.customer is not None
                and case.customer.id == customer
            ]
            return max(theirs, key=lambda case: case.id, default=None)

        return await self._call("look.recent", newest)

    async def recent_case(self, customer: CustomerId, channel: ChannelName) -> m.Case | None:
        return await self._call("look.recent", lambda: self.tables.newest_case(customer, channel))

    async def opened_since(self, customer: CustomerId, since: datetime) -> tuple[datetime, ...]:
        def theirs() -> tuple[datetime, ...]:
            cases = [
                c for c in self.tables.cases.values() if c.customer and c.customer.id == customer
            ]
            times = sorted((c.opened_at for c in cases if c.opened_at >= since), reverse=True)
            return tuple(times)

        return await self._call("look.recent", theirs)

    async def wrote_since(
        self, customer: CustomerId, since: datetime, but: InboundId
    ) -> tuple[datetime, ...]:
        return await self._call("look.recent", lambda: self.tables.wrote(customer, since, but))

    async def was_received(self, channel: ChannelName, key: str) -> bool:
        return await self._call("look.recent", lambda: (channel, key) in self.tables.inbox)

    async def open_case_of(self, kind: str, value: str, channel: ChannelName) -> m.Case | None:
        who = self.tables.identities
        return await self._call(
            "look.recent",
            lambda: self.tables.newest_case(who.get((kind, value, True)), channel),
        )

    async def talked_about(self, item: ItemId, chat: str) -> tuple[m.Item, bool] | None:
        def look() -> tuple[m.Item, bool] | None:
            known = self.tables.items.get(item)
            return None if known is None else (known, self.tables.talk.spoken_of(item, chat))

        return await self._call("look.item", look)

    async def last_item(self, case: CaseId) -> m.Item | None:
        def newest() -> m.Item | None:
            items = [i for i in self.tables.items.values() if i.case == case]
            items = [i for i in items if i.promise is None]
            return max(items, key=lambda i: i.id, default=None)

        return await self._call("look.item", newest)

    async def promises_of(self, case: CaseId) -> list[m.Item]:
        def promised() -> list[m.Item]:
            items = [i for i in self.tables.items.values() if i.case == case and i.promise]
            return sorted((i for i in items if i.state not in ENDED), key=lambda i: i.id)

        return await self._call("look.item", promised)

    async def customer(self, customer: CustomerId) -> m.CustomerBrief | None:
        return await self._call("look.customer", lambda: self.tables.customers.get(customer))

    async def customer_of(
        self, kind: str, value: str, *, verified: bool = True
    ) -> m.CustomerBrief | None:
        def owner() -> m.CustomerBrief | None:
            who = self.tables.identities.get((kind, value, verified))
            return self.tables.customers.get(who) if who is not None else None

        return await self._call("look.owner", owner)

    async def values(self, customers: Sequence[CustomerId]) -> dict[CustomerId, int]:
        def known() -> dict[CustomerId, int]:
            there = self.tables.customers
            return {c: there[c].value for c in customers if c in there}

        return await self._call("look.values", known)

    async def known_as(self, customer: CustomerId) -> frozenset[str]:
        def values() -> frozenset[str]:
            known = self.tables.identities.items()
            return frozenset(plain(value) for (_, value, _), c in known if c == customer)

        return await self._call("look.owner", values)

    async def address_of(self, customer: CustomerId, kind: str) -> str | None:
        def newest() -> str | None:
            found = [
                (verified, value)
                for (k, value, verified), c in self.tables.identities.items()
                if k == kind and c == customer
            ]
            return max(found, default=(False, None))[1]

        return await self._call("look.address", newest)

    async def house_words(self) -> HouseWords:
        return await self._call("look.words", lambda: self.tables.words)

    async def answers(self, agent: AgentName, ids: Sequence[CommandId]) -> dict[CommandId, bytes]:
        return await self._call("look.answers", lambda: self.tables.answers(agent, ids))

    async def message(self, message: MessageId) -> m.Message | None:
        return await self._call("look.message", lambda: self.tables.messages.get(message))

    async def messages(
        self, case: CaseId, after_seq: int, limit: int, *, customer_view: bool
    ) -> list[m.Message]:
        def after() -> list[m.Message]:
            said = self.tables.said.get(case, {})
            found = [self.tables.messages[said[seq]] for seq in sorted(said) if seq > after_seq]
            return [x for x in found if not (customer_view and x.direction == "note")][:limit]

        return await self._call("look.messages", after)

    async def conversation(
        self, case: CaseId, after: int, limit: int, *, customer: CustomerId | None = None
    ) -> list[tuple[int, m.Message]]:
        def look() -> list[tuple[int, m.Message]]:
            return conversation(self.tables, case, after, limit, customer)

        return await self._call("look.conversation", look)

    async def length(self, case: CaseId, *, customer: CustomerId) -> int:
        return await self._call(
            "look.messages", lambda: len(conversation(self.tables, case, 0, 10**9, customer))
        )

    async def chosen(
        self, case: CaseId, messages: Sequence[MessageId]
    ) -> tuple[list[m.Message], int]:
        return await self._call("look.chosen", lambda: chosen(self.tables, case, messages))

    async def file(self, attachment: AttachmentId) -> tuple[m.Attachment, bytes] | None:
        def get() -> tuple[m.Attachment, bytes] | None:
            upload = self.tables.files.get(attachment)
            return (upload.attachment, upload.data) if upload else None

        return await self._call("look.file", get)

    async def file_of_identity(
        self, attachment: AttachmentId, kind: str, value: str, channel: ChannelName
    ) -> tuple[m.Attachment, bytes] | None:
        return await self._call(
            "look.file", lambda: self.tables.file_of_identity(attachment, kind, value, channel)
        )

    async def save_file(self, file: File, owner: str) -> m.Attachment:
        return await self._call("file", lambda: self.tables.save_file(file, owner))

    async def claim_files(
        self, ids: Sequence[AttachmentId], owner: str, command: CommandId
    ) -> tuple[m.Attachment, ...]:
        return await self._call(
            "claim", lambda: self.tables.claim_files(ids, owner, command), writes=True
        )

    async def load_memory(self, channel: ChannelName, key: str) -> bytes | None:
        return await self._call("memory", lambda: self.tables.memories.get((channel, key)))

    async def save_memory(
        self, channel: ChannelName, memory: Memory, under: tuple[Term, DutyTerm] | None = None
    ) -> None:
        def save() -> None:
            if under is not None:
                self.tables.require_duties(under[0], [under[1]])
            self.tables.remember(channel, memory)

        await self._call("memory", save, writes=True)

    async def swap_memory(self, name: ChannelName, key: str, old: bytes | None, new: bytes) -> bool:
        def swap() -> bool:
            if self.tables.memories.get((name, key)) != old:
                return False
            self.tables.memories[name, key] = new
            return True

        return await self._call("memory", swap, writes=True)

    async def decides(self, inbound: InboundId) -> NodeName | None:
        def whose() -> NodeName | None:
            row = self.tables.inbox_by_id.get(inbound)
            return row.node if row else None

        return await self._call("look.inbox", whose)

    async def decided(self, inbound: InboundId) -> Decided | None:
        def answer() -> Decided | None:
            row = self.tables.inbox_by_id.get(inbound)
            return row.decided if row else None

        return await self._call("look.decided", answer)
