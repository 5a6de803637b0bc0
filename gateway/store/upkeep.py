"""What the database needs every hour: partitions ahead of time, and forgetting."""

import asyncio
from typing import Never

import structlog

from gateway.store.contract import StoreError
from gateway.store.migrate import PARTITION_WEEKS
from gateway.store.pool import Pool
from gateway.store.queries import Queries
from gateway.store.trouble import reading

FIRST_SECONDS = 60.0
EVERY_SECONDS = 3_600.0
FORGETTING = (
    "forget_commands",
    "forget_uploads",
    "forget_tokens",
    "forget_keys",
    "forget_relay",
    "forget_blobs",
)

_log = structlog.get_logger()


class Upkeep:
    """Makes partitions and deletes what has had its time."""

    def __init__(self, pool: Pool, sql: Queries) -> None:
        self._pool = pool
        self._sql = sql

    async def once(self) -> None:
        """All of it. Raises ``Unavailable``."""
        with reading():
            await self._pool.execute(self._sql["partitions_ahead"], PARTITION_WEEKS)
            for name in FORGETTING:
                await self._pool.execute(self._sql[name])

    async def run(self) -> Never:
        """Until cancelled; what cannot be done now is done an hour later."""
        await asyncio.sleep(FIRST_SECONDS)
        while True:
            try:
                await self.once()
            except StoreError as problem:
                _log.warning("upkeep of the database failed", problem=str(problem))
            await asyncio.sleep(EVERY_SECONDS)
