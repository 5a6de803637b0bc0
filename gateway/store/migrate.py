"""Brings a database's schema up to date.

Numbered files in ``migrations/`` are applied once each, in order, each in a transaction of its
own together with its line in ``schema_migration``, under an advisory lock, so that nodes that
start at the same moment wait for one another. A file that has been applied never changes: its
checksum is compared.
"""

import asyncio
from collections.abc import Sequence
from hashlib import sha256
from importlib.resources import files

import asyncpg
import structlog
from msgspec import Struct

from gateway.core.edition import EDITION, TooOld, require_known
from gateway.core.errors import GatewayError
from gateway.store.pool import Connection

LOCK = 7_421_809_663
PARTITION_WEEKS = 8
WATCH_SECONDS = 2.4
"""A node that lives counts on within this."""

_MIGRATED = """
UPDATE edition SET newest = greatest(newest, $1), written = CASE WHEN $2 THEN $1 ELSE written END
WHERE newest < $1 OR $2
"""
"""Nobody but we has ever written to a database that had no migration."""

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

    A database that the next edition has migrated is taken as it is: nodes of two adjacent
    editions run side by side, so that they can be upgraded one at a time. Raises ``TooOld`` for
    one that is further ahead, or that has nodes at work which are further behind.
    """
    wanted = migrations() if wanted is None else wanted
    await con.execute("SELECT pg_advisory_lock($1)", LOCK)
    try:
        await _require_adjacent(con)
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
        if await _has_editions(con):
            await con.execute(_MIGRATED, EDITION, not applied)
        await con.execute("SELECT journal_partitions($1)", PARTITION_WEEKS)
    finally:
        if not con.is_closed():
            await con.execute("SELECT pg_advisory_unlock($1)", LOCK)
    return done


async def _has_editions(con: Connection) -> bool:
    return await con.fetchval("SELECT to_regclass('edition')") is not None


async def _require_adjacent(con: Connection) -> None:
    """That neither the database nor a node at work is further from us than one edition."""
    if not await _has_editions(con):
        return
    row = await con.fetchrow("SELECT newest, written FROM edition")
    if row is not None:
        require_known(row["newest"], row["written"])
    if not (before := await _far_behind(con)):
        return
    await asyncio.sleep(WATCH_SECONDS)  # one that was killed leaves a row that looks alive
    now = await _far_behind(con)
    if alive := sorted(node for node, counter in now.items() if before.get(node) != counter):
        raise TooOld(
            f"{', '.join(alive)} still runs a version that is more than one edition older than"
            f" this one ({EDITION}): upgrade by way of the version between, or stop it first"
        )


async def _far_behind(con: Connection) -> dict[str, int]:
    """Nodes that could not work with what we migrate, and how far their lease has counted."""
    rows = await con.fetch(
        "SELECT l.node, l.counter FROM node_lease AS l JOIN node_fence AS f USING (node)"
        " WHERE l.state <> 'stopped' AND l.epoch = f.epoch"
        " AND CASE WHEN l.edition_epoch = l.epoch THEN l.edition ELSE 1 END < $1",
        EDITION - 1,
    )
    return {row["node"]: row["counter"] for row in rows}


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
