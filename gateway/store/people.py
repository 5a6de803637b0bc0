"""Customers: their identities, their history, and what outsiders write about them."""

from collections.abc import Mapping
from typing import Any

import msgspec

from gateway.core.ids import CustomerId, NewId
from gateway.core.model import Case, Item
from gateway.store.codec import bounded, decode, encode, text, uuid_or_none
from gateway.store.contract import Page, Unavailable
from gateway.store.paging import page_of
from gateway.store.pool import Pool
from gateway.store.queries import Queries
from gateway.store.trouble import reading
from gateway.store.views import CustomerCard, IdentityCard, ItemLine, TimelineEntry


class PgPeople:
    """Everything raises ``Unavailable`` while there is no database."""

    def __init__(self, pool: Pool, sql: Queries, new_id: NewId) -> None:
        self._pool = pool
        self._sql = sql
        self._new_id = new_id

    async def customer(self, customer: CustomerId) -> CustomerCard | None:
        if uuid_or_none(customer) is None:
            return None
        with reading():
            row = await self._pool.fetchrow(self._sql["customer_card"], customer)
            if row is None:
                return None
            identities = await self._pool.fetch(self._sql["identities_of"], customer)
        return CustomerCard(
            id=row["id"],
            name=row["name"],
            language=row["language"],
            value=row["value"],
            verified=row["verified"],
            attributes=msgspec.json.decode(row["attributes"]),
            identities=[IdentityCard(**dict(i)) for i in identities],
        )

    async def of_identity(self, kind: str, value: str) -> list[CustomerCard]:
        """The verified one first, then the claimed one."""
        with reading():
            rows = await self._pool.fetch(
                self._sql["customers_of_identity"], text(kind), bounded(value)
            )
        cards = [await self.customer(row["customer"]) for row in rows]
        return [card for card in cards if card is not None]

    async def timeline(self, customer: CustomerId, cursor: str, limit: int) -> Page:
        """Cases as ``TimelineEntry``, newest first."""
        if uuid_or_none(customer) is None:
            return Page(items=[], next=None)
        with reading():
            rows = await self._pool.fetch(
                self._sql["customer_timeline"], customer, uuid_or_none(cursor), limit + 1
            )
            items = await self._pool.fetch(
                self._sql["item_lines"], [row["case_id"] for row in rows]
            )
        lines: dict[str, list[ItemLine]] = {}
        for row in items:
            lines.setdefault(row["case_id"], []).append(_line(decode(row["doc"], Item)))
        entries = [_entry(row, lines.get(row["case_id"], [])) for row in rows]
        return page_of(entries, limit, lambda entry: entry.case.id)

    async def put(
        self,
        kind: str,
        value: str,
        *,
        name: str | None,
        language: str | None,
        worth: int | None,
        attributes: Mapping[str, Any] | None,
    ) -> CustomerCard:
        """The customer of a verified identity, made if new, with these fields changed."""
        with reading():
            found = await self._pool.fetchval(
                self._sql["customer_put"],
                text(kind),
                bounded(value),
                self._new_id(),
                text(name) if name is not None else None,
                text(language) if language is not None else None,
                worth,
                encode(dict(attributes)) if attributes is not None else None,
            )
        card = await self.customer(CustomerId(found))
        if card is None:
            raise Unavailable("the customer was removed at the same moment; try again")
        return card


def _line(item: Item) -> ItemLine:
    return ItemLine(id=item.id, kind=item.kind, state=item.state, agent=item.agent, code=item.code)


def _entry(row: Any, lines: list[ItemLine]) -> TimelineEntry:
    case = decode(row["doc"], Case)
    return TimelineEntry(
        case=case,
        last_at=row["last_at"] or case.opened_at,
        messages=row["messages"],
        items=lines,
    )
