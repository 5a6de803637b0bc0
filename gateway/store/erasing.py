"""Customers who were erased, and erasing them again in what a backup brought back."""

from collections.abc import Iterable
from datetime import datetime

import msgspec
from msgspec import Struct

from gateway.core import events as e
from gateway.core.ids import CustomerId
from gateway.store import copying
from gateway.store.pool import Connection
from gateway.store.queries import Queries

BY = "command-line"


class Erasure(Struct, frozen=True):
    """Who, and when; nothing else is known any more."""

    customer: CustomerId
    at: datetime


class Again(Struct, kw_only=True):
    """What erasing once more came to; ``busy`` are the tickets that are in the way, by customer."""

    erased: int = 0
    busy: dict[CustomerId, list[int]] = {}


async def erasures(con: Connection) -> list[Erasure]:
    """All that the journal tells of, oldest first."""
    rows = await con.fetch(
        "SELECT payload->>'customer' AS customer, at FROM journal"
        " WHERE kind = 'customer_erased' ORDER BY at"
    )
    return [Erasure(CustomerId(row["customer"]), row["at"]) for row in rows]


async def erase_again(con: Connection, customers: Iterable[CustomerId]) -> Again:
    """Erase those of them who are there, and tell it in the journal."""
    sql = Queries.load()["customer_erase"]
    again = Again()
    for customer in customers:
        if not await con.fetchval("SELECT EXISTS (SELECT FROM customer WHERE id = $1)", customer):
            continue
        row = await con.fetchrow(sql, customer)
        if row is None:
            continue
        if row["busy"]:
            again.busy[customer] = list(row["busy"])
            continue
        told = e.CustomerErased(
            customer=customer,
            by=BY,
            cases=len(row["cases"]),
            messages=row["messages"],
            files=row["files"],
        )
        await copying.tell(con, "customer_erased", msgspec.json.encode(told))
        again.erased += 1
    return again
