"""All that a database holds, table by table, out of it and into another one.

The text form of COPY, through our own driver: the programs of PostgreSQL that come in the wheel
speak no TLS, and those of a machine may be older than its server. What reaches a node reaches
this too (docs/decisions/0008-one-file-by-copy.md).
"""

import re
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol, TypeAlias

from msgspec import Struct

from gateway.core.errors import GatewayError
from gateway.store.migrate import Migration
from gateway.store.pool import Connection

# The same value must be written alike by every server, and a long copy is no forgotten client.
SESSION = """
SET client_encoding = 'UTF8'; SET timezone = 'UTC'; SET datestyle = 'ISO, MDY';
SET intervalstyle = 'postgres'; SET bytea_output = 'hex'; SET extra_float_digits = 1;
SET statement_timeout = 0; SET lock_timeout = 0; SET idle_in_transaction_session_timeout = 0
"""
SNAPSHOT: Mapping[str, Any] = {"isolation": "repeatable_read", "readonly": True}
"""A transaction that sees one moment, however long it lasts."""

EPOCHS_AHEAD = 1_000_000
"""By how much epochs rise in a copy: more than any were raised in the original meanwhile."""
BEGUN = frozenset({"counter", "edition"})
"""Tables in which a schema that nobody has used has rows."""
NUMBERS_AHEAD = 100_000
"""As many ticket numbers are left out: those that were given since are not given twice."""

_TABLES = """
SELECT c.relname AS name, pg_total_relation_size(c.oid) +
       (SELECT coalesce(sum(pg_total_relation_size(i.inhrelid)), 0)::bigint FROM pg_inherits AS i
        WHERE i.inhparent = c.oid) AS size,
       array_agg(a.attname::text ORDER BY a.attnum) AS columns
FROM pg_class AS c JOIN pg_attribute AS a ON a.attrelid = c.oid
WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind IN ('r', 'p')
  AND NOT c.relispartition AND c.relpersistence = 'p' AND c.relname <> 'schema_migration'
  AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = ''
GROUP BY c.oid, c.relname ORDER BY c.relname
"""
_SEQUENCES = """
SELECT c.relname AS name FROM pg_class AS c
WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind = 'S' ORDER BY c.relname
"""
_PARTITIONS = """
SELECT c.relname AS name FROM pg_inherits AS i JOIN pg_class AS c ON c.oid = i.inhrelid
WHERE i.inhparent = to_regclass('journal') ORDER BY c.relname
"""
_DIGEST = """
SELECT count(*) AS n,
       coalesce(sum(('x' || substr(md5(r::text), 1, 15))::bit(60)::bigint::numeric), 0)::text AS s
FROM (SELECT {} FROM "{}") AS r
"""
_WEEK = re.compile(r"journal_(\d{4})w(\d{2})")


Take: TypeAlias = Callable[[bytes], Coroutine[Any, Any, None]]


class NotEmpty(GatewayError):
    """Something stands where a copy was to go."""


class Table(Struct, frozen=True):
    """A table, its columns, and about how many bytes it has on disk."""

    name: str
    columns: tuple[str, ...]
    size: int = 0

    @property
    def listed(self) -> str:
        return ", ".join(f'"{column}"' for column in self.columns)


class Counted(Struct, frozen=True):
    """How far a sequence has counted."""

    name: str
    last: int
    called: bool


class Applied(Struct, frozen=True):
    """A migration that a database has had."""

    number: int
    name: str
    checksum: str

    @classmethod
    def of(cls, migration: Migration) -> "Applied":
        return cls(migration.number, migration.name, migration.checksum)


class Progress(Protocol):
    """Who wants to see how far it is."""

    def begins(self, what: str, expected: int) -> None:
        """``expected``: about how many bytes; 0 if nobody knows."""
        ...

    def moved(self, size: int) -> None: ...

    def ends(self, rows: int | None = None) -> None: ...


class Quiet:
    """Nobody does."""

    def begins(self, what: str, expected: int) -> None: ...

    def moved(self, size: int) -> None: ...

    def ends(self, rows: int | None = None) -> None: ...


async def prepare(con: Connection) -> None:
    """Make ready for long copies."""
    await con.execute(SESSION)


@asynccontextmanager
async def whole(con: Connection, **how: Any) -> AsyncIterator[None]:
    """All or nothing; what went wrong is told even if the connection is gone with it."""
    deal = con.transaction(**how)
    await deal.start()
    try:
        yield
    except BaseException:
        if not con.is_closed():
            await deal.rollback()
        raise
    await deal.commit()


async def tables(con: Connection) -> list[Table]:
    """What is worth keeping: every table but the list of migrations and what is unlogged."""
    rows = await con.fetch(_TABLES)
    return [Table(row["name"], tuple(row["columns"]), row["size"]) for row in rows]


async def sequences(con: Connection) -> list[Counted]:
    found = []
    for row in await con.fetch(_SEQUENCES):
        at = await con.fetchrow(f'SELECT last_value, is_called FROM "{row["name"]}"')  # noqa: S608
        if at is not None:
            found.append(Counted(row["name"], at["last_value"], at["is_called"]))
    return found


async def partitions(con: Connection) -> list[str]:
    """The journal's weeks, by the names of their tables, oldest first."""
    return [row["name"] for row in await con.fetch(_PARTITIONS) if _WEEK.fullmatch(row["name"])]


async def schema(con: Connection) -> list[Applied]:
    """The migrations that this database has had."""
    if await con.fetchval("SELECT to_regclass('schema_migration')") is None:
        return []
    rows = await con.fetch("SELECT number, name, checksum FROM schema_migration ORDER BY number")
    return [Applied(row["number"], row["name"], row["checksum"]) for row in rows]


def week_of(partition: str) -> tuple[datetime, datetime]:
    """From when to when a week's partition reaches. Raises ``ValueError``."""
    found = _WEEK.fullmatch(partition)
    if found is None:
        raise ValueError(f"{partition!r} is no week of the journal")
    monday = datetime.fromisocalendar(int(found[1]), int(found[2]), 1).replace(tzinfo=UTC)
    return monday, monday + timedelta(days=7)


async def copy_out(
    con: Connection,
    table: Table,
    take: Take,
    where: str = "true",
) -> int:
    """Every row in COPY's text form, as this transaction sees them; how many there were."""
    said = await con.copy_from_query(
        f'SELECT {table.listed} FROM "{table.name}" WHERE {where}',  # noqa: S608
        output=take,
    )
    return _count(said)


async def copy_in(con: Connection, table: Table, data: AsyncIterator[bytes]) -> int:
    """Rows in COPY's text form into a table; how many there were.

    What a row would set going has been done in the original, and comes as rows of its own.
    """
    async with con.transaction():
        await con.execute(f'ALTER TABLE "{table.name}" DISABLE TRIGGER USER')
        said = await con.copy_to_table(table.name, source=data, columns=list(table.columns))
        await con.execute(f'ALTER TABLE "{table.name}" ENABLE TRIGGER USER')
    return _count(said)


def _count(said: str) -> int:
    return int(said.rpartition(" ")[2])


async def digest(con: Connection, table: Table) -> tuple[int, str]:
    """How many rows, and one number for what stands in all of them, in whatever order."""
    row = await con.fetchrow(_DIGEST.format(table.listed, table.name))
    return (row["n"], row["s"]) if row is not None else (0, "0")


async def require_empty(con: Connection, wanted: Sequence[Applied]) -> None:
    """Only into a database without any work may be copied. Raises ``NotEmpty``."""
    there = await tables(con)
    known = await schema(con)
    if there and not known:
        names = ", ".join(table.name for table in there[:5])
        raise NotEmpty(f"the database holds tables of something else ({names}): give an empty one")
    full = [t.name for t in there if t.name not in BEGUN and await _has_rows(con, t)]
    if full:
        raise NotEmpty(
            f"the database holds work already ({', '.join(full[:5])}): give an empty one;"
            " nothing was changed"
        )
    if known and known != list(wanted):
        raise NotEmpty(
            f"the database has an empty schema of another version ({known[-1].name}, here"
            f" {wanted[-1].name} is needed): give a database without any tables"
        )


async def _has_rows(con: Connection, table: Table) -> bool:
    return bool(await con.fetchval(f'SELECT EXISTS (SELECT FROM "{table.name}")'))  # noqa: S608


async def make_ready(con: Connection, weeks: Sequence[str], there: Sequence[Table]) -> None:
    """After the migrations: partitions for what comes, and nothing of what they put in."""
    for name in weeks:
        start, end = week_of(name)
        await con.execute(
            f'CREATE TABLE IF NOT EXISTS "{name}" PARTITION OF journal'
            f" FOR VALUES FROM ('{start.isoformat()}') TO ('{end.isoformat()}')"
        )
    for table in there:
        await con.execute(f'DELETE FROM "{table.name}"')  # noqa: S608


async def set_sequences(con: Connection, wanted: Sequence[Counted]) -> None:
    for one in wanted:
        await con.execute(
            "SELECT setval(to_regclass($1), $2, $3)", f'"{one.name}"', one.last, one.called
        )


async def begin_anew(con: Connection, kind: str, payload: bytes) -> None:
    """Whoever acted on the original has no right here, and its numbers are not given again.

    ``payload`` is the event that tells of the copy in the journal.
    """
    for table in ("node_fence", "node_lease", "duty"):
        await con.execute(f"UPDATE {table} SET epoch = epoch + $1", EPOCHS_AHEAD)  # noqa: S608
    await con.execute(
        "UPDATE agent_status SET epoch = epoch + $1,"
        " doc = jsonb_set(doc::jsonb, '{epoch}', to_jsonb(epoch + $1))::json",
        EPOCHS_AHEAD,
    )
    await con.execute(
        "UPDATE counter SET value = value + $1 WHERE name = 'ticket_number'", NUMBERS_AHEAD
    )
    await tell(con, kind, payload)


async def tell(con: Connection, kind: str, payload: bytes) -> None:
    """An event of the command line's own; ``payload`` is it as JSON."""
    await con.execute(
        'INSERT INTO journal (node, epoch, "offset", at, kind, payload)'
        " VALUES ('command-line', (extract(epoch FROM clock_timestamp()) * 1000000)::bigint, 1,"
        " now(), $1, $2)",
        kind,
        payload,
    )
