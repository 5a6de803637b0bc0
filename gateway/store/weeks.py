"""The journal's old weeks: into a file, and out of the database.

A week is one partition, so dropping it costs a moment, however much it holds. What somebody may
still ask for stays: the last two weeks, by which nodes follow one another, and every week in which
something happened to a case that is still worked on.
"""

import asyncio
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path

import asyncpg
import msgspec
from msgspec import Struct

from gateway.core.errors import GatewayError
from gateway.store import copying
from gateway.store.backup import NewFile, Pack, head_of, read_backup
from gateway.store.copying import Progress, Table
from gateway.store.pool import Connection

KEPT = timedelta(days=14)
WHAT = "journal archive"
LOCK_TRIES = 50
LOCK_SECONDS = 0.2

_SIZES = """
SELECT c.relname AS name, greatest(c.reltuples, 0)::bigint AS rows,
       pg_total_relation_size(c.oid) AS size
FROM pg_inherits AS i JOIN pg_class AS c ON c.oid = i.inhrelid
WHERE i.inhparent = to_regclass('journal') ORDER BY c.relname
"""
_OPEN = """
SELECT c.number FROM ticket_case AS c
WHERE c.id IN (SELECT i.case_id FROM item AS i WHERE i.ended_as IS NULL)
  AND EXISTS (SELECT FROM journal AS j WHERE j.case_id = c.id AND j.at < $1)
ORDER BY c.number LIMIT 6
"""


class StillNeeded(GatewayError):
    """Somebody may still ask for what was to go."""


class Week(Struct, frozen=True):
    """A partition of the journal; ``rows`` as PostgreSQL last counted them."""

    name: str
    rows: int
    size: int


async def weeks(con: Connection) -> list[Week]:
    """All of them, oldest first; ``journal_default`` holds what belongs to no week."""
    return [Week(row["name"], row["rows"], row["size"]) for row in await con.fetch(_SIZES)]


async def old_weeks(con: Connection, before: datetime, now: datetime) -> list[str]:
    """The partitions that end by ``before``. Raises ``StillNeeded`` in words."""
    if before > now - KEPT:
        raise StillNeeded(
            f"the last {KEPT.days} days of the journal stay, for nodes follow one another by them:"
            f" give a day before {now - KEPT:%Y-%m-%d}"
        )
    found = [name for name in await copying.partitions(con) if copying.week_of(name)[1] <= before]
    if not found:
        return []
    reach = end_of(found)
    open_cases = [row["number"] for row in await con.fetch(_OPEN, reach)]
    if open_cases:
        more = " and more" if len(open_cases) > 5 else ""
        numbers = ", ".join(f"#{number}" for number in open_cases[:5])
        raise StillNeeded(
            f"{numbers}{more} began before {reach:%Y-%m-%d} and somebody still works on it: close"
            " that first, or give an earlier day"
        )
    return found


def end_of(names: Sequence[str]) -> datetime:
    """Until when these weeks reach."""
    return max(copying.week_of(name)[1] for name in names)


async def archive(con: Connection, names: Sequence[str], path: Path, progress: Progress) -> int:
    """Every entry of these weeks, and what is as old in no week, into a file; how many."""
    columns = next(t.columns for t in await copying.tables(con) if t.name == "journal")
    sizes = {week.name: week.size for week in await weeks(con)}
    await copying.prepare(con)
    there = [Table(name, columns, sizes[name]) for name in names]
    there.append(Table("journal_default", columns))
    with NewFile(path) as file:
        async with copying.whole(con, **copying.SNAPSHOT):
            pack = Pack(file, await head_of(con, WHAT, there))
            total = 0
            for table in there:
                progress.begins(table.name, table.size)
                rows = await pack.table(con, table, progress, f"at < '{end_of(names)}'")
                progress.ends(rows)
                total += rows
            pack.end([])
    await asyncio.to_thread(read_backup, path, progress, WHAT)
    return total


async def drop(con: Connection, names: Sequence[str], rows: int, archived: str = "") -> None:
    """Remove these weeks, and what is as old in no week. Raises ``StillNeeded`` when it cannot.

    Dropping a partition needs the journal for itself for a moment. It is asked for briefly, again
    and again, so that no commit waits behind it for long.
    """
    before = end_of(names)
    for name in names:
        for _ in range(LOCK_TRIES):
            try:
                await con.execute(f"SET lock_timeout = '300ms'; DROP TABLE {name}")
                break
            except asyncpg.LockNotAvailableError:
                await asyncio.sleep(LOCK_SECONDS)
        else:
            raise StillNeeded(f"{name} is being read and does not come free: try again later")
    await con.execute("DELETE FROM journal_default WHERE at < $1", before)
    kind = "journal_dropped"
    told = {"before": before, "weeks": list(names), "rows": rows, "archive": archived}
    await copying.tell(con, kind, msgspec.json.encode({"kind": kind, **told}))
