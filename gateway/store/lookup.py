"""What decisions need from the database: ``contract.Lookup``.

Committed facts, by indexed keys only. Ids may come from outside and be anything: what is no
UUID is simply not there.
"""

import re
from collections.abc import Sequence
from datetime import datetime
from typing import Any, TypeVar

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
)
from gateway.core.inbound import Decided, File
from gateway.core.messages import left_behind
from gateway.core.misrouted import HouseWords
from gateway.core.model import Attachment, Case, CustomerBrief, Item, Message
from gateway.core.ticket import plain
from gateway.ports import Memory
from gateway.store.codec import bounded, decode, text, uuid_or_none
from gateway.store.contract import Term
from gateway.store.files import Files
from gateway.store.pool import Pool
from gateway.store.queries import Queries
from gateway.store.trouble import reading

T = TypeVar("T")

MOST_REFERENCES = 100
_OWN_ID = re.compile(r"<?([0-9a-fA-F-]{36})(?:@[^>]*)?>?")


class PgLookup:
    """See ``contract.Lookup``. Everything raises ``Unavailable`` while there is no database."""

    def __init__(self, pool: Pool, sql: Queries, files: Files) -> None:
        self._pool = pool
        self._sql = sql
        self._files = files

    async def case(self, case: CaseId) -> Case | None:
        return await self._by_id("case_by_id", case, Case)

    async def case_by_number(self, number: int) -> Case | None:
        if not 0 < number < 2**63:
            return None
        return await self._doc("case_by_number", Case, number)

    async def case_of_reference(self, references: Sequence[str]) -> tuple[Case, str] | None:
        asked = list(references)[:MOST_REFERENCES]
        own = {ref: found for ref in asked if (found := own_id(ref)) is not None}
        with reading():
            by_id = await self._pool.fetch(self._sql["referenced_by_message"], list(own.values()))
            by_name = await self._pool.fetch(
                self._sql["referenced_by_external_id"], [bounded(ref) for ref in asked]
            )
        messages = {row["reference"]: row["doc"] for row in by_id}
        outside = {row["reference"]: row["doc"] for row in by_name}
        for ref in asked:
            doc = messages.get(own.get(ref, "")) or outside.get(bounded(ref))
            if doc is not None:
                return decode(doc, Case), ref
        return None

    async def participants(self, case: CaseId) -> frozenset[str]:
        if uuid_or_none(case) is None:
            return frozenset()
        with reading():
            rows = await self._pool.fetch(self._sql["participants"], case)
        return frozenset(plain(row["address"]) for row in rows if row["address"])

    async def alike(self, external_id: str, mark: str) -> list[Message]:
        with reading():
            rows = await self._pool.fetch(self._sql["alike"], bounded(external_id), text(mark))
        return [decode(row["doc"], Message) for row in rows]

    async def brought(
        self, customer: CustomerId, channel: ChannelName, messages: Sequence[MessageId]
    ) -> frozenset[MessageId]:
        with reading():
            rows = await self._pool.fetch(
                self._sql["brought"], customer, text(channel), list(messages)
            )
        return frozenset(MessageId(row["message"]) for row in rows)

    async def recent_cases(self, customer: CustomerId, channel: ChannelName) -> list[Case]:
        if uuid_or_none(customer) is None:
            return []
        with reading():
            rows = await self._pool.fetch(self._sql["recent_cases"], customer, text(channel))
        return [decode(row["doc"], Case) for row in rows]

    async def written_case(self, customer: CustomerId, channel: ChannelName) -> Case | None:
        return await self._by_id("written_case", customer, Case, text(channel))

    async def recent_case(self, customer: CustomerId, channel: ChannelName) -> Case | None:
        return await self._by_id("recent_case", customer, Case, text(channel))

    async def opened_since(self, customer: CustomerId, since: datetime) -> tuple[datetime, ...]:
        if uuid_or_none(customer) is None:
            return ()
        with reading():
            rows = await self._pool.fetch(self._sql["opened_since"], customer, since)
        return tuple(row["at"] for row in rows)

    async def wrote_since(
        self, customer: CustomerId, since: datetime, but: InboundId
    ) -> tuple[datetime, ...]:
        if uuid_or_none(customer) is None:
            return ()
        with reading():
            rows = await self._pool.fetch(self._sql["wrote_since"], customer, since, but)
        return tuple(row["at"] for row in rows)

    async def was_received(self, channel: ChannelName, key: str) -> bool:
        with reading():
            found = await self._pool.fetchval(
                self._sql["was_received"], text(channel), bounded(key)
            )
        return bool(found)

    async def open_case_of(self, kind: str, value: str, channel: ChannelName) -> Case | None:
        customer = await self.customer_of(kind, value)
        return await self.recent_case(customer.id, channel) if customer is not None else None

    async def last_item(self, case: CaseId) -> Item | None:
        return await self._by_id("last_item", case, Item)

    async def talked_about(self, item: ItemId, chat: str) -> tuple[Item, bool] | None:
        if uuid_or_none(item) is None:
            return None
        with reading():
            row = await self._pool.fetchrow(self._sql["colleague_item"], item, text(chat))
        return (decode(row["doc"], Item), row["spoken"]) if row is not None else None

    async def promises_of(self, case: CaseId) -> list[Item]:
        if uuid_or_none(case) is None:
            return []
        with reading():
            rows = await self._pool.fetch(self._sql["promises_of"], case)
        return [decode(row["doc"], Item) for row in rows]

    async def customer(self, customer: CustomerId) -> CustomerBrief | None:
        return await self._by_id("customer_brief", customer, CustomerBrief)

    async def values(self, customers: Sequence[CustomerId]) -> dict[CustomerId, int]:
        asked = [customer for customer in customers if uuid_or_none(customer) is not None]
        with reading():
            rows = await self._pool.fetch(self._sql["values_of"], asked)
        return {CustomerId(row["id"]): row["value"] for row in rows}

    async def customer_of(
        self, kind: str, value: str, *, verified: bool = True
    ) -> CustomerBrief | None:
        """Whose identity this is; a claimed one and a verified one are different persons."""
        return await self._doc(
            "customer_of_identity", CustomerBrief, text(kind), bounded(value), verified
        )

    async def known_as(self, customer: CustomerId) -> frozenset[str]:
        if uuid_or_none(customer) is None:
            return frozenset()
        with reading():
            rows = await self._pool.fetch(self._sql["known_as"], customer)
        return frozenset(plain(row["value"]) for row in rows)

    async def address_of(self, customer: CustomerId, kind: str) -> str | None:
        if uuid_or_none(customer) is None:
            return None
        with reading():
            value: str | None = await self._pool.fetchval(
                self._sql["address_of"], customer, text(kind)
            )
        return value

    async def house_words(self) -> HouseWords:
        with reading():
            rows = await self._pool.fetch(self._sql["house_words"])
        found: dict[str, list[str]] = {"skill": [], "reason": []}
        for row in rows:
            found[row["what"]].append(row["name"])
        return HouseWords(reasons=tuple(found["reason"]), skills=tuple(found["skill"]))

    async def answers(self, agent: AgentName, ids: Sequence[CommandId]) -> dict[CommandId, bytes]:
        with reading():
            rows = await self._pool.fetch(self._sql["answers"], text(agent), [text(i) for i in ids])
        return {CommandId(row["id"]): row["answer"] for row in rows}

    async def message(self, message: MessageId) -> Message | None:
        return await self._by_id("message_by_id", message, Message)

    async def messages(
        self, case: CaseId, after_seq: int, limit: int, *, customer_view: bool
    ) -> list[Message]:
        if uuid_or_none(case) is None:
            return []
        with reading():
            rows = await self._pool.fetch(
                self._sql["messages_after"], case, after_seq, limit, customer_view
            )
        return [decode(row["doc"], Message) for row in rows]

    async def conversation(
        self, case: CaseId, after: int, limit: int, *, customer: CustomerId | None = None
    ) -> list[tuple[int, Message]]:
        if uuid_or_none(case) is None:
            return []
        with reading():
            rows = await self._pool.fetch(self._sql["conversation"], case, after, limit, customer)
        return [
            (row["place"], left_behind(decode(row["doc"], Message), row["moved_to"]))
            for row in rows
        ]

    async def length(self, case: CaseId, *, customer: CustomerId) -> int:
        if uuid_or_none(case) is None:
            return 0
        with reading():
            count: int = await self._pool.fetchval(self._sql["conversation_length"], case, customer)
        return count

    async def chosen(
        self, case: CaseId, messages: Sequence[MessageId]
    ) -> tuple[list[Message], int]:
        asked = [one for one in messages if uuid_or_none(one) is not None]
        with reading():
            rows = await self._pool.fetch(self._sql["chosen"], case, asked)
        return [decode(row["doc"], Message) for row in rows], rows[0]["stays"] if rows else 0

    async def file(self, attachment: AttachmentId) -> tuple[Attachment, bytes] | None:
        return await self._files.get(attachment)

    async def file_of_identity(
        self, attachment: AttachmentId, kind: str, value: str, channel: ChannelName
    ) -> tuple[Attachment, bytes] | None:
        return await self._files.of_identity(attachment, kind, value, channel)

    async def save_file(self, file: File, owner: str) -> Attachment:
        return await self._files.save(file, owner)

    async def claim_files(
        self, ids: Sequence[AttachmentId], owner: str, command: CommandId
    ) -> tuple[Attachment, ...]:
        return await self._files.claim(ids, owner, command)

    async def load_memory(self, channel: ChannelName, key: str) -> bytes | None:
        with reading():
            value: bytes | None = await self._pool.fetchval(
                self._sql["load_memory"], text(channel), text(key)
            )
        return value

    async def save_memory(
        self, channel: ChannelName, memory: Memory, under: tuple[Term, DutyTerm] | None = None
    ) -> None:
        row = (text(channel), text(memory.key), memory.value, memory.progress)
        with reading():
            if under is None:
                await self._pool.execute(self._sql["save_memory"], *row)
            else:
                term, duty = under
                held = (term.node, term.epoch, duty.name, duty.epoch)
                await self._pool.execute(self._sql["save_memory_under"], *row, *held)

    async def swap_memory(self, name: ChannelName, key: str, old: bytes | None, new: bytes) -> bool:
        with reading():
            swapped = await self._pool.fetchval(
                self._sql["swap_memory"], text(name), text(key), new, old
            )
        return bool(swapped)

    async def decided(self, inbound: InboundId) -> Decided | None:
        return await self._by_id("decided", inbound, Decided)

    async def decides(self, inbound: InboundId) -> NodeName | None:
        with reading():
            node = await self._pool.fetchval(self._sql["decides"], inbound)
        return None if node is None else NodeName(node)

    async def _by_id(self, name: str, key: str, kind: type[T], *more: Any) -> T | None:
        if uuid_or_none(key) is None:
            return None
        return await self._doc(name, kind, key, *more)

    async def _doc(self, name: str, kind: type[T], *arguments: Any) -> T | None:
        with reading():
            doc = await self._pool.fetchval(self._sql[name], *arguments)
        return None if doc is None else decode(doc, kind)


def own_id(reference: str) -> str | None:
    """The message id of ours that a reference may be: ``<uuid@anything>`` or ``uuid``."""
    found = _OWN_ID.fullmatch(reference)
    return uuid_or_none(found[1]) if found else None
