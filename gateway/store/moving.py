"""From one PostgreSQL to another, row by row, and compared before anybody relies on it."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from importlib.metadata import version

import msgspec

from gateway.core.errors import GatewayError
from gateway.store import copying
from gateway.store.backup import Head, check_schema, first_part, head_of
from gateway.store.copying import Progress, Quiet, Table
from gateway.store.migrate import LOCK, migrate
from gateway.store.pool import Connection

WAITING = 8
"""Pieces that were read and not yet written; a slow target holds the source back."""


class NotTheSame(GatewayError):
    """What arrived is not what was sent; the target was left empty."""


async def require_target(source: Connection, target: Connection) -> Head:
    """Whether a move could go well, before anything is stopped for it. Raises ``GatewayError``."""
    head = await head_of(source, "move", await copying.tables(source))
    if not head.schema:
        raise GatewayError("there is nothing to move: no node has ever used this database")
    check_schema(head)
    await copying.require_empty(target, head.schema)
    return head


async def move(source: Connection, target: Connection, progress: Progress | None = None) -> int:
    """Everything of ``source`` into an empty ``target``, in one transaction; how many rows.

    Both are left as they were if it does not come to its end. Nobody may write to the source
    meanwhile: what is written after the start is not in the target. Raises ``NotEmpty``,
    ``BadBackup``, ``NotTheSame``.
    """
    progress = progress or Quiet()
    for con in (source, target):
        await copying.prepare(con)
    async with (
        copying.whole(source, **copying.SNAPSHOT),
        copying.whole(target),
    ):
        # A node that starts there meanwhile waits, and then finds all of it or nothing.
        await target.execute("SELECT pg_advisory_xact_lock($1)", LOCK)
        head = await require_target(source, target)
        await migrate(target, first_part(head.schema))
        await copying.make_ready(target, head.weeks, head.tables)
        total = 0
        for table in head.tables:
            progress.begins(table.name, table.size)
            rows = await _pour(source, target, table, progress)
            progress.ends(rows)
            total += rows
        await copying.set_sequences(target, await copying.sequences(source))
        for table in head.tables:
            await _compare(source, target, table, progress)
        await migrate(target)
        kind = "database_moved"
        told = {"moved_at": datetime.now(UTC), "program": f"switchroom {version('switchroom')}"}
        payload = msgspec.json.encode({"kind": kind, "rows": total, **told})
        await copying.begin_anew(target, kind, payload)
    await target.execute("ANALYZE")
    return total


async def _pour(source: Connection, target: Connection, table: Table, progress: Progress) -> int:
    pieces: asyncio.Queue[bytes | None] = asyncio.Queue(WAITING)

    async def take(data: bytes) -> None:
        progress.moved(len(data))
        await pieces.put(data)

    async def give() -> AsyncIterator[bytes]:
        while (data := await pieces.get()) is not None:
            yield data

    async def read() -> int:
        rows = await copying.copy_out(source, table, take)
        await pieces.put(None)
        return rows

    try:
        async with asyncio.TaskGroup() as group:
            reading = group.create_task(read())
            writing = group.create_task(copying.copy_in(target, table, give()))
    except ExceptionGroup as problems:
        raise problems.exceptions[0] from None
    if reading.result() != writing.result():
        raise NotTheSame(f"{table.name}: {reading.result()} rows went, {writing.result()} came")
    return writing.result()


async def _compare(
    source: Connection, target: Connection, table: Table, progress: Progress
) -> None:
    progress.begins(f"comparing {table.name}", 0)
    sent, came = await asyncio.gather(copying.digest(source, table), copying.digest(target, table))
    if sent != came:
        raise NotTheSame(f"{table.name}: what stands in the target is not what was sent")
    progress.ends(came[0])
