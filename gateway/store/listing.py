"""Lists for people who look after the work: items and their traces, quarantine, outbox."""

import re
from datetime import UTC, datetime
from typing import Any

import msgspec

from gateway.core.ids import (
    CaseId,
    InboundId,
    ItemId,
    MessageId,
    NodeName,
    OutboundId,
    QueueName,
)
from gateway.core.inbound import Inbound
from gateway.core.lifecycle import ENDED
from gateway.core.model import Case, Item, ItemState, Outgoing
from gateway.store.codec import decode, text, uuid_or_none
from gateway.store.contract import ItemFilter, Page, Received
from gateway.store.inbox import stored
from gateway.store.paging import page_of
from gateway.store.pool import Pool
from gateway.store.queries import Queries
from gateway.store.trouble import reading
from gateway.store.views import OutboxCard, QuarantineCard, RawInbound, Traced

OPEN = {state.value for state in ItemState} - {state.value for state in ENDED}
NOBODY = "00000000-0000-0000-0000-000000000000"
_BEGINNING = "1970-01-01T00:00:00+00:00 0 0"


class PgListing:
    """Everything raises ``Unavailable`` while there is no database."""

    def __init__(self, pool: Pool, sql: Queries) -> None:
        self._pool = pool
        self._sql = sql

    # -- items ------------------------------------------------------------------------------

    async def items(self, wanted: ItemFilter, cursor: str, limit: int) -> Page:
        """``(Item, Case)``, newest first.

        ``state`` may name several with commas, ``open`` is all that has not ended; ``q`` is a
        ticket number or a part of the subject.
        """
        states = _states(wanted.state)
        name, key = _narrowest(wanted, states)
        with reading():
            rows = await self._pool.fetch(
                self._sql[name],
                sorted(states),
                text(wanted.queue),
                text(wanted.channel),
                text(wanted.agent),
                wanted.since,
                "" if name == "items_of_number" else _pattern(wanted.q),
                uuid_or_none(cursor),
                limit + 1,
                *key,
            )
        return page_of([_item_and_case(row) for row in rows], limit, lambda pair: pair[0].id)

    async def item(self, item: ItemId) -> tuple[Item, Case] | None:
        if uuid_or_none(item) is None:
            return None
        with reading():
            row = await self._pool.fetchrow(self._sql["item_with_case"], item)
        return _item_and_case(row) if row is not None else None

    async def owner_of(self, item: ItemId) -> NodeName | None:
        return await self._node("owner_of_item", item)

    async def carrier_of(self, outbound: OutboundId) -> NodeName | None:
        return await self._node("carrier_of_outbound", outbound)

    async def _node(self, name: str, id_: str) -> NodeName | None:
        if uuid_or_none(id_) is None:
            return None
        with reading():
            node = await self._pool.fetchval(self._sql[name], id_)
        return None if node is None else NodeName(node)

    async def open_elsewhere(self, queue: QueueName, me: NodeName) -> dict[NodeName, int]:
        """How many open items of the queue other nodes have."""
        with reading():
            rows = await self._pool.fetch(self._sql["open_elsewhere"], text(queue), me)
        return {NodeName(row["owner"]): row["n"] for row in rows}

    async def items_of(self, case: CaseId) -> list[Item]:
        if uuid_or_none(case) is None:
            return []
        with reading():
            rows = await self._pool.fetch(self._sql["items_of_case"], case)
        return [decode(row["doc"], Item) for row in rows]

    async def trace(self, item: ItemId, case: CaseId, cursor: str, limit: int) -> Page:
        """``Traced`` entries of the item and of its case, oldest first."""
        at, epoch, offset = _place(cursor)
        with reading():
            rows = await self._pool.fetch(
                self._sql["item_trace"], item, case, at, epoch, offset, limit + 1
            )
        shown = rows[:limit]
        return Page(
            items=[
                Traced(at=r["at"], kind=r["kind"], data=msgspec.json.decode(r["payload"]))
                for r in shown
            ],
            next=_cursor(shown[-1]) if len(rows) > limit else None,
        )

    # -- quarantine -------------------------------------------------------------------------

    async def quarantined(self, cursor: str, limit: int) -> Page:
        with reading():
            rows = await self._pool.fetch(self._sql["quarantined"], uuid_or_none(cursor), limit + 1)
        return page_of([_quarantined(row) for row in rows], limit, lambda card: card.id)

    async def raw(self, inbound: InboundId) -> RawInbound | None:
        """The bytes as they came; only of a quarantined inbound."""
        if uuid_or_none(inbound) is None:
            return None
        with reading():
            row = await self._pool.fetchrow(self._sql["quarantined_raw"], inbound)
        return None if row is None else RawInbound(**row)

    async def raw_of(self, message: MessageId) -> RawInbound | None:
        """The bytes that a message came in; ``None`` if there are none, or none any more."""
        if uuid_or_none(message) is None:
            return None
        with reading():
            row = await self._pool.fetchrow(self._sql["raw_of_message"], message)
        return None if row is None else RawInbound(**row)

    async def retry(self, inbound: InboundId) -> Received | None:
        """Make a quarantined inbound undecided again; ``None`` if there is none."""
        if uuid_or_none(inbound) is None:
            return None
        with reading():
            row = await self._pool.fetchrow(self._sql["quarantine_retry"], inbound)
        if row is None:
            return None
        return Received(stored=stored(row, fresh=True), inbound=decode(row["doc"], Inbound))

    async def drop(self, inbound: InboundId) -> bool:
        """Give a quarantined inbound up for good; its bytes are kept."""
        if uuid_or_none(inbound) is None:
            return False
        with reading():
            return await self._pool.fetchval(self._sql["quarantine_drop"], inbound) is not None

    # -- outbox -----------------------------------------------------------------------------

    async def outgoing(self, outbound: OutboundId) -> Outgoing | None:
        if uuid_or_none(outbound) is None:
            return None
        with reading():
            doc = await self._pool.fetchval(self._sql["outgoing_by_id"], outbound)
        return decode(doc, Outgoing) if doc is not None else None

    async def outbound_of(self, message: MessageId, case: CaseId) -> OutboundId | None:
        """The order by which a message of the case is sent."""
        with reading():
            found = await self._pool.fetchval(self._sql["outbound_of_message"], case, message)
        return OutboundId(found) if found is not None else None

    async def outbox(self, state: str, cursor: str, limit: int) -> Page:
        """``OutboxCard``, newest first; ``state`` empty: all on its way or failed."""
        with reading():
            rows = await self._pool.fetch(
                self._sql["outbox_listed"], text(state), uuid_or_none(cursor), limit + 1
            )
        cards = [_outbox_card(decode(row["doc"], Outgoing)) for row in rows]
        return page_of(cards, limit, lambda card: card.id)


def _states(asked: str) -> set[str]:
    """The states named, ``open`` spelled out; empty means any."""
    named = {word.strip() for word in asked.split(",")} - {""}
    return named - {"open"} | (OPEN if "open" in named else set())


def _narrowest(wanted: ItemFilter, states: set[str]) -> tuple[str, tuple[Any, ...]]:
    """The query to begin with, and its key."""
    if wanted.reviewed:
        return "items_reviewed", ()
    number = wanted.q.lstrip("#")
    if number.isdecimal() and len(number) <= 18:
        return "items_of_number", (int(number),)
    if wanted.customer:
        return "items_of_customer", (uuid_or_none(wanted.customer) or NOBODY,)
    if wanted.agent:
        return "items_of_agent", (text(wanted.agent),)
    return "items_open" if states and states <= OPEN else "items_recent", ()


def _pattern(q: str) -> str:
    """For ``ILIKE``: the text anywhere, its own wild cards taken literally."""
    literal = re.sub(r"([\\%_])", r"\\\1", text(q))
    return f"%{literal}%" if literal else ""


def _item_and_case(row: Any) -> tuple[Item, Case]:
    return decode(row["item"], Item), decode(row["case_doc"], Case)


def _place(cursor: str) -> tuple[datetime, int, int]:
    try:
        at, epoch, offset = (cursor or _BEGINNING).split(" ")
        return datetime.fromisoformat(at).astimezone(UTC), int(epoch), int(offset)
    except ValueError:
        return _place(_BEGINNING)


def _cursor(row: Any) -> str:
    return f"{row['at'].isoformat()} {row['epoch']} {row['offset']}"


def _quarantined(row: Any) -> QuarantineCard:
    decided = msgspec.json.decode(row["decided"]) if row["decided"] else {}
    doc = msgspec.json.decode(row["doc"])
    return QuarantineCard(
        id=InboundId(row["id"]),
        channel=row["channel"],
        at=row["at"],
        reason=decided.get("reason", ""),
        size=row["size"],
        subject=doc.get("subject", ""),
    )


def _outbox_card(outgoing: Outgoing) -> OutboxCard:
    return OutboxCard(
        id=outgoing.id,
        channel=outgoing.channel,
        kind=outgoing.kind,
        purpose=outgoing.purpose,
        state=outgoing.state,
        attempts=outgoing.attempts,
        next_at=outgoing.next_at,
        created_at=outgoing.created_at,
        reason=outgoing.reason,
        number=outgoing.number,
        address=outgoing.address,
        message=outgoing.message,
        only=outgoing.only,
        expires_at=outgoing.expires_at,
    )
