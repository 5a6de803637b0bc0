"""Small tables of names: skills and wrap-up codes."""

from collections.abc import Sequence
from typing import Literal

from gateway.store.codec import decode, encode, text
from gateway.store.pool import Pool
from gateway.store.queries import Queries
from gateway.store.trouble import reading
from gateway.store.views import Named


class PgLabels:
    """One such table. Everything raises ``Unavailable`` while there is no database."""

    def __init__(self, pool: Pool, sql: Queries, kind: Literal["skill", "code"]) -> None:
        self._pool = pool
        self._listed = sql[f"{kind}s_listed"]
        self._put = sql[f"{kind}s_put"]
        self._drop = sql[f"{kind}_drop"]

    async def listed(self) -> list[Named]:
        with reading():
            rows = await self._pool.fetch(self._listed)
        return [decode(row["doc"], Named) for row in rows]

    async def put(self, entries: Sequence[Named]) -> None:
        """All of them in one statement."""
        names = [text(entry.name) for entry in entries]
        docs = [encode(entry).decode() for entry in entries]
        with reading():
            await self._pool.execute(self._put, names, docs)

    async def drop(self, name: str) -> bool:
        with reading():
            return await self._pool.fetchval(self._drop, text(name)) is not None
