"""Content that has had its time, and customers who want to be forgotten."""

from collections.abc import Mapping
from typing import Any

from msgspec import Struct

from gateway.core.ids import CustomerId, QueueName
from gateway.store.codec import uuid_or_none
from gateway.store.pool import Pool
from gateway.store.queries import Queries
from gateway.store.search import FORGETTING
from gateway.store.trouble import reading

FIRST = "00000000-0000-0000-0000-000000000000"


class Looked(Struct, frozen=True, kw_only=True):
    """A part of the cases: which have had their time, and where to go on; ``""`` at the end."""

    due: list[str]
    next: str


class Removed(Struct, frozen=True, kw_only=True):
    """What went: ticket numbers, how many messages and files, how large those were.

    ``busy``: the tickets that are in the way of it; then nothing went.
    """

    cases: list[int]
    messages: int = 0
    files: int = 0
    size: int = 0
    busy: tuple[int, ...] = ()


class PgRetention:
    """Each call is one statement. Everything raises ``Unavailable``."""

    def __init__(self, pool: Pool, sql: Queries) -> None:
        self._pool = pool
        self._sql = sql

    async def look(
        self, after: str, most: int, days: Mapping[QueueName, int | None], default: int | None
    ) -> Looked:
        """The next ``most`` cases that have content; ``days`` to keep it by queue."""
        with reading():
            rows = await self._pool.fetch(
                self._sql["retention_look"],
                after or FIRST,
                most,
                list(days.keys()),
                list(days.values()),
                default,
            )
        return Looked(
            due=[row["id"] for row in rows if row["due"]],
            next=rows[-1]["id"] if len(rows) == most else "",
        )

    async def empty(self, cases: list[str]) -> Removed:
        """Take the content out of these, but of those on which somebody works."""
        with reading():
            row = await self._without_pages("retention_empty", cases)
        return _removed(row)

    async def empty_ignored(self, days: int, most: int) -> Removed:
        """Take the content out of what became no case and is older than so many days."""
        with reading():
            row = await self._pool.fetchrow(self._sql["retention_ignored"], days, most)
        if row is None:
            return Removed(cases=[])
        return Removed(cases=[], messages=row["messages"], files=row["files"], size=row["bytes"])

    async def forget_bytes(self) -> bool:
        """Remove bytes that nobody has any more; whether there may be more of them."""
        with reading():
            row = await self._pool.fetchrow(self._sql["forget_blobs"])
        return row is not None and row["looked"] > 0

    async def erase(self, customer: CustomerId) -> Removed:
        """All that is known of a customer, or nothing while something of theirs is ``busy``."""
        if uuid_or_none(customer) is None:
            return Removed(cases=[])
        with reading():
            row = await self._without_pages("customer_erase", customer)
        if row is not None and row["busy"]:
            return Removed(cases=[], busy=tuple(row["busy"]))
        return _removed(row)

    async def _without_pages(self, name: str, what: Any) -> Any:
        """While nobody writes a page of the search, which could come after what it is of."""
        async with self._pool.acquire() as con, con.transaction():
            await con.execute(self._sql["search_forgetting"], FORGETTING)
            return await con.fetchrow(self._sql[name], what)


def _removed(row: Any) -> Removed:
    return Removed(
        cases=list(row["cases"]), messages=row["messages"], files=row["files"], size=row["bytes"]
    )
