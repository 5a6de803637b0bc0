"""Facts, items, segments, agents' time and events of a period, out of the database into a file.

CSV is what PostgreSQL's COPY writes; Parquet is written in parts by pyarrow, with the types that
the columns have. Read from one moment of the database, on a connection of its own.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path
from typing import Any

from gateway.core.errors import GatewayError
from gateway.core.facts.values import COUNTS, SECONDS, SHIFT
from gateway.store import copying
from gateway.store.backup import NewFile
from gateway.store.copying import Progress
from gateway.store.pool import Connection

AT_ONCE = 10_000
"""Rows of a part of a Parquet file."""
_CELL = (
    "c.queue, c.channel, c.medium, c.agent, c.node, c.category, c.type, c.level, c.language,"
    " c.segment, c.code"
)
_JOIN = "JOIN star_cell AS c ON c.id = f.cell"


def _of(alias: str, names: tuple[str, ...]) -> str:
    return ", ".join(f"{alias}.{name}" for name in names)


WHAT: Mapping[str, str] = {
    "facts": f"SELECT f.item, f.at, {_CELL}, {_of('f', (*COUNTS, *SECONDS))}"  # noqa: S608 - names are ours
    f" FROM star_interval AS f {_JOIN} WHERE f.at >= $1 AND f.at < $2 ORDER BY f.at, f.item",
    "shifts": f"SELECT f.agent, f.at, {_CELL.replace(' c.agent,', '')}, c.reason,"  # noqa: S608 - names are ours
    f" {_of('f', SHIFT)} FROM star_shift AS f {_JOIN}"
    " WHERE f.at >= $1 AND f.at < $2 ORDER BY f.at, f.agent",
    "items": "SELECT f.item, f.case_id, f.number, f.customer, f.created_at, f.answered_at,"  # noqa: S608 - names are ours
    f" f.replied_at, f.ended_at, f.outcome, f.talk, f.wrap, {_CELL}"
    f" FROM star_item AS f {_JOIN} WHERE f.created_at >= $1 AND f.created_at < $2"
    " ORDER BY f.created_at, f.item",
    "segments": f"SELECT f.item, f.what, f.began, f.ended, f.outcome, {_CELL}, c.stage"  # noqa: S608 - names are ours
    f" FROM star_segment AS f {_JOIN} WHERE f.began >= $1 AND f.began < $2"
    " ORDER BY f.began, f.item",
    "events": 'SELECT j.at, j.node, j.epoch, j."offset", j.kind, j.case_id, j.item_id,'
    " j.payload::text AS payload FROM journal AS j WHERE j.at >= $1 AND j.at < $2"
    ' ORDER BY j.at, j.node, j.epoch, j."offset"',
}
"""What can be had, each by a query over a period."""


class CannotExport(GatewayError):
    """What was asked for cannot be written; the text says why."""


async def export(
    con: Connection,
    what: str,
    period: tuple[datetime, datetime],
    path: Path,
    progress: Progress,
) -> int:
    """Write it to a new file, CSV or Parquet by its name; how many rows. It is whole, or not there.

    Raises ``CannotExport``, ``BadBackup`` when the file is there already.
    """
    arrow = _arrow() if path.suffix == ".parquet" else None
    if arrow is None and path.suffix != ".csv":
        raise CannotExport(f"{path.name}: name it .csv or .parquet")
    await copying.prepare(con)
    async with copying.whole(con, **copying.SNAPSHOT):
        sql = f"SELECT count(*) FROM ({WHAT[what]}) AS rows"  # noqa: S608 - ours
        expected = int(await con.fetchval(sql, *period))
        progress.begins(what, expected)
        with NewFile(path) as file:
            if arrow is None:
                await _csv(con, what, period, file, progress)
            else:
                await _parquet(con, what, period, file, progress, arrow)
        progress.ends(expected)
    return expected


async def _csv(
    con: Connection, what: str, period: tuple[datetime, datetime], file: Any, progress: Progress
) -> None:
    async def take(data: bytes) -> None:
        file.write(data)
        progress.moved(data.count(b"\n"))

    await con.copy_from_query(WHAT[what], *period, output=take, format="csv", header=True)


def _arrow() -> tuple[Any, Any]:
    try:
        return import_module("pyarrow"), import_module("pyarrow.parquet")
    except ImportError as error:
        raise CannotExport("Parquet needs pyarrow: pip install 'switchroom[parquet]'") from error


async def _parquet(
    con: Connection,
    what: str,
    period: tuple[datetime, datetime],
    file: Any,
    progress: Progress,
    arrow: tuple[Any, Any],
) -> None:
    statement = await con.prepare(WHAT[what])
    types = {one.name: one.type.name for one in statement.get_attributes()}
    schema = arrow[0].schema([(name, _type(arrow[0], kind)) for name, kind in types.items()])
    writer = arrow[1].ParquetWriter(file, schema, compression="zstd")
    cursor = await statement.cursor(*period)
    while rows := await cursor.fetch(AT_ONCE):
        columns = [[_value(row[name], kind) for row in rows] for name, kind in types.items()]
        arrays = [arrow[0].array(c, field.type) for c, field in zip(columns, schema, strict=True)]
        writer.write_table(arrow[0].table(arrays, schema=schema))
        progress.moved(len(rows))
    writer.close()


def _type(arrow: Any, kind: str) -> Any:
    known = {
        "timestamptz": arrow.timestamp("us", tz="UTC"),
        "int4": arrow.int32(),
        "int8": arrow.int64(),
        "float8": arrow.float64(),
    }
    return known.get(kind, arrow.string())


def _value(value: Any, kind: str) -> Any:
    if value is None or kind in ("timestamptz", "int4", "int8", "float8"):
        return value
    return str(value)


EVER = datetime(2000, 1, 1, tzinfo=UTC), datetime(9000, 1, 1, tzinfo=UTC)
