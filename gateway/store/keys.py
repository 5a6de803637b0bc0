"""Requests that carry an ``Idempotency-Key``: begun, then answered, for 24 hours."""

from gateway.store.codec import bounded
from gateway.store.pool import Pool
from gateway.store.queries import Queries
from gateway.store.trouble import reading
from gateway.store.views import Begun, KeyName


class PgKeys:
    """Everything raises ``Unavailable`` while there is no database."""

    def __init__(self, pool: Pool, sql: Queries) -> None:
        self._pool = pool
        self._sql = sql

    async def begin(self, name: KeyName, digest: bytes, attempt: str) -> Begun:
        """Take the key for this attempt, unless an earlier one has it. Repeating it is harmless."""
        with reading():
            (row,) = await self._pool.fetch(self._sql["key_begin"], *_text(name), digest, attempt)
        return Begun(attempt=row["attempt"], digest=row["digest"], answer=row["answer"])

    async def settle(self, name: KeyName, attempt: str, answer: bytes) -> None:
        """Keep the answer."""
        with reading():
            await self._pool.execute(self._sql["key_settle"], *_text(name), attempt, answer)

    async def free(self, name: KeyName, attempt: str) -> None:
        """Nothing was done: the key may be used again."""
        with reading():
            await self._pool.execute(self._sql["key_free"], *_text(name), attempt)


def _text(name: KeyName) -> tuple[str, str, str]:
    return bounded(name.principal), bounded(name.route), bounded(name.key)
