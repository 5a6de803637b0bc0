"""Tokens and logins. Of a token only its SHA-256 is kept, of a password only its hash."""

from collections.abc import Collection
from typing import Any, cast

from gateway.core.ids import AgentName
from gateway.ports import Role
from gateway.store.codec import text, uuid_or_none
from gateway.store.contract import Page
from gateway.store.paging import page_of
from gateway.store.pool import Pool
from gateway.store.queries import Queries
from gateway.store.trouble import reading
from gateway.store.views import TokenRow


class PgTokens:
    """Everything raises ``Unavailable`` while there is no database."""

    def __init__(self, pool: Pool, sql: Queries) -> None:
        self._pool = pool
        self._sql = sql

    async def holder(self, sha256: bytes) -> TokenRow | None:
        """Whose valid token this is: neither revoked nor expired."""
        with reading():
            row = await self._pool.fetchrow(self._sql["token_holder"], sha256)
        return _token(row) if row is not None else None

    async def dead(self, ids: Collection[str]) -> set[str]:
        """Which of these are not valid any more."""
        asked = {i for i in ids if uuid_or_none(i) is not None}
        if not asked:
            return set()
        with reading():
            rows = await self._pool.fetch(self._sql["tokens_dead"], list(asked))
        return {row["id"] for row in rows}

    async def add(self, row: TokenRow, sha256: bytes) -> None:
        with reading():
            await self._pool.execute(
                self._sql["token_add"],
                sha256,
                row.id,
                text(row.principal),
                row.role,
                text(row.note),
                row.expires_at,
            )

    async def revoke(self, token: str) -> TokenRow | None:
        """End it; ``None`` if there is no such token that was valid."""
        if uuid_or_none(token) is None:
            return None
        with reading():
            row = await self._pool.fetchrow(self._sql["token_revoke"], token)
        return _token(row) if row is not None else None

    async def revoke_all_of(self, principal: AgentName) -> None:
        with reading():
            await self._pool.execute(self._sql["tokens_revoke_all"], text(principal))

    async def listed(self, principal: str, cursor: str, limit: int) -> Page:
        """Valid ones, newest first; ``principal`` empty: everybody's."""
        with reading():
            rows = await self._pool.fetch(
                self._sql["tokens_listed"], text(principal), uuid_or_none(cursor), limit + 1
            )
        return page_of([_token(row) for row in rows], limit, lambda row: row.id)

    async def login(self, name: str) -> tuple[str, Role] | None:
        """Password hash and role."""
        with reading():
            row = await self._pool.fetchrow(self._sql["login_of"], text(name))
        return (row["password"], cast("Role", row["role"])) if row is not None else None

    async def save_login(self, name: AgentName, password: str, role: Role) -> None:
        """``password`` is the hash."""
        with reading():
            await self._pool.execute(self._sql["login_save"], text(name), password, role)

    async def drop_login(self, name: AgentName) -> None:
        with reading():
            await self._pool.execute(self._sql["login_drop"], text(name))


def _token(row: Any) -> TokenRow:
    return TokenRow(**dict(row))
