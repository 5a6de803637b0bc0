"""Brings a database's schema up to date.

Numbered files in ``migrations/`` are applied once each, in order, each in a transaction of its
own together with its line in ``schema_migration``, under an advisory lock, so that nodes that
start at the same moment wait for one another. A file that has been applied never changes: its
checksum is compared.
"""

from collections.abc import Sequence
from hashlib import sha256
from importlib.resources import files

import asyncpg
import structlog
from msgspec import Struct

from gateway.core.errors import GatewayError
from gateway.store.pool import Connection

LOCK = 7_421_809_663
PARTITION_WEEKS = 8

_log = structlog.get_logger()


class BadSchema(GatewayError):
    """The database's schema is not what this program's files would have made."""


class Migration(Struct, frozen=True):
    """One numbered file."""

    number: int
    name: str
    sql: str

    @property
    def checksum(self) -> str:
        return sha256(self.sql.encode()).hexdigest()


def migrations() -> list[Migration]:
    """All files, in order."""
    found = files("gateway.store").joinpath("migrations").iterdir()
    named = sorted((f.name, f.read_text("utf-8")) for f in found if f.name.endswith(".sql"))
    return [Migration(int(name[:4]), name, sql) for name, sql in named]


async def migrate(con: Connection, wanted: Sequence[Migration] | None = None) -> list[str]:
    """Apply what is missing; returns the names applied. Raises ``BadSchema``.

    A database that a newer program has migrated is taken as it is: schemas are compatible by one
    version, so that nodes can be upgraded one at a time.
    """
    wanted = migrations() if wanted is None else wanted
    await con.execute("SELECT pg_advisory_lock($1)", LOCK)
    try:
        await con.execute(
            "CREATE TABLE IF NOT EXISTS schema_migration (number integer PRIMARY KEY,"
            " name text NOT NULL, checksum text NOT NULL,"
            " applied_at timestamptz NOT NULL DEFAULT now())"
        )
        rows = await con.fetch("SELECT number, name, checksum FROM schema_migration")
        applied = {row["number"]: row for row in rows}
        done = []
        for migration in wanted:
            row = applied.get(migration.number)
            if row is None:
                await _apply(con, migration)
                done.append(migration.name)
            elif row["checksum"] != migration.checksum:
                raise BadSchema(
                    f"migration {migration.name} has changed since it was applied to this"
                    " database: add a new file instead of changing an old one"
                )
        await con.execute("SELECT journal_partitions($1)", PARTITION_WEEKS)
    finally:
        if not con.is_closed():
            await con.execute("SELECT pg_advisory_unlock($1)", LOCK)
    return done


async def _apply(con: Connection, migration: Migration) -> None:
    _log.info("applying a migration", name=migration.name)
    try:
        await _apply_alone(con, migration)
    except asyncpg.PostgresError as problem:
        raise BadSchema(f"migration {migration.name} failed: {problem}") from problem


async def _apply_alone(con: Connection, migration: Migration) -> None:
    async with con.transaction():
        # A long step may pause between statements on a slow machine.
        await con.execute("SET LOCAL idle_in_transaction_session_timeout = 0")
        await con.execute(migration.sql)
        await con.execute(
            "INSERT INTO schema_migration (number, name, checksum) VALUES ($1, $2, $3)",
            migration.number,
            migration.name,
            migration.checksum,
        )
