"""What the installation knows of itself: its secret, its nodes, the channels admins made."""

import secrets
from collections.abc import Mapping
from typing import Any

import msgspec

from gateway.core.ids import ChannelName
from gateway.store.codec import encode, text
from gateway.store.pool import Pool
from gateway.store.queries import Queries
from gateway.store.trouble import reading
from gateway.store.views import NodeCard


class PgSettings:
    """Named values; made on first use, then the same on every node."""

    def __init__(self, pool: Pool, sql: Queries) -> None:
        self._pool = pool
        self._sql = sql

    async def secret(self) -> bytes:
        """32 bytes that sign visitor tokens and callbacks."""
        with reading():
            value: bytes = await self._pool.fetchval(
                self._sql["setting_ensure"], "secret", secrets.token_bytes(32)
            )
        return value

    async def secrets(self) -> tuple[bytes, ...]:
        """The secret, and those before it by which links that customers have were signed.

        ``former_secrets`` holds the latter, 32 bytes each.
        """
        former = await self.load("former_secrets") or b""
        return (await self.secret(), *(former[at : at + 32] for at in range(0, len(former), 32)))

    async def load(self, name: str) -> bytes | None:
        with reading():
            value: bytes | None = await self._pool.fetchval(self._sql["setting_load"], text(name))
        return value

    async def save(self, name: str, value: bytes) -> None:
        with reading():
            await self._pool.execute(self._sql["setting_save"], text(name), value)

    async def drop(self, name: str) -> None:
        with reading():
            await self._pool.execute(self._sql["setting_drop"], text(name))


class PgNodes:
    """The nodes, as their lease rows show them."""

    def __init__(self, pool: Pool, sql: Queries) -> None:
        self._pool = pool
        self._sql = sql

    async def listed(self) -> list[NodeCard]:
        with reading():
            rows = await self._pool.fetch(self._sql["nodes_listed"])
        return [
            NodeCard(
                name=row["node"],
                region=row["region"],
                epoch=row["epoch"],
                started_at=row["started_at"],
                renewed_at=row["renewed_at"],
                alive=row["alive"],
                state=row["state"],
                version=row["version"],
                edition=row["edition"],
            )
            for row in rows
        ]


class PgChannels:
    """Channels that admins made, and which are paused."""

    def __init__(self, pool: Pool, sql: Queries) -> None:
        self._pool = pool
        self._sql = sql

    async def made(self) -> dict[ChannelName, Mapping[str, Any]]:
        """Settings by name, as they were given."""
        with reading():
            rows = await self._pool.fetch(self._sql["channels_made"])
        return {row["name"]: msgspec.json.decode(row["settings"]) for row in rows}

    async def paused(self) -> set[ChannelName]:
        with reading():
            rows = await self._pool.fetch(self._sql["channels_paused"])
        return {row["name"] for row in rows}

    async def put(self, name: ChannelName, settings: Mapping[str, Any]) -> None:
        with reading():
            await self._pool.execute(
                self._sql["channel_put"],
                text(name),
                str(settings.get("kind", "")),
                encode(dict(settings)),
            )

    async def drop(self, name: ChannelName) -> bool:
        with reading():
            return await self._pool.fetchval(self._sql["channel_drop"], text(name)) is not None

    async def set_paused(self, name: ChannelName, *, paused: bool) -> None:
        with reading():
            await self._pool.execute(self._sql["channel_pause"], text(name), paused)
