"""``switchroom export``: what is written is what is there, whole or not at all."""

import csv
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from pyarrow.parquet import read_table

from gateway.store import exporting
from gateway.store.backup import BadBackup
from gateway.store.copying import Quiet
from gateway.store.exporting import EVER, WHAT, CannotExport, export
from gateway.store.pool import Connection
from tests.store.test_facts import caught_up, connected, empty, records_of, write
from tests.support.journals import journal

pytestmark = pytest.mark.integration


@pytest.fixture
async def con(database: str) -> AsyncIterator[Connection]:
    opened = await connected(database)
    await empty(opened)
    await write(opened, records_of(journal(7, 80)))
    await caught_up(opened, 5_000)
    yield opened
    await opened.close()


async def test_every_row_is_in_the_file(con: Connection, tmp_path: Path) -> None:
    tables = {"facts": "fact", "items": "fact_item", "segments": "fact_segment"}
    tables |= {"shifts": "fact_shift", "events": "journal"}
    assert tables.keys() == WHAT.keys()
    for what, table in tables.items():
        file = tmp_path / f"{what}.csv"
        rows = await export(con, what, EVER, file, Quiet())
        with file.open(newline="", encoding="utf-8") as read:
            found = list(csv.DictReader(read))
        assert rows == len(found) == await con.fetchval(f"SELECT count(*) FROM {table}") > 0
    with (tmp_path / "facts.csv").open(newline="", encoding="utf-8") as read:
        offered = sum(int(row["offered"] or 0) for row in csv.DictReader(read))
    assert offered == await con.fetchval("SELECT sum(offered) FROM fact")


async def test_parquet_holds_the_same_rows_as_csv(con: Connection, tmp_path: Path) -> None:
    for what in WHAT:
        rows = await export(con, what, EVER, tmp_path / f"{what}.parquet", Quiet())
        assert rows == read_table(tmp_path / f"{what}.parquet").num_rows > 0
    offered = read_table(tmp_path / "facts.parquet")["offered"].to_pylist()
    assert sum(filter(None, offered)) == await con.fetchval("SELECT sum(offered) FROM fact")


async def test_a_period_bounds_it(con: Connection, tmp_path: Path) -> None:
    first = await con.fetchval("SELECT min(at) FROM journal")
    none = datetime(2000, 1, 1, tzinfo=UTC), first
    assert await export(con, "events", none, tmp_path / "none.csv", Quiet()) == 0


async def test_nothing_is_written_over_and_nothing_half(con: Connection, tmp_path: Path) -> None:
    there = tmp_path / "there.csv"
    there.write_text("mine")
    with pytest.raises(BadBackup, match="there already"):
        await export(con, "items", EVER, there, Quiet())
    assert there.read_text() == "mine"
    with pytest.raises(CannotExport, match=r"\.csv or \.parquet"):
        await export(con, "items", EVER, tmp_path / "items.xlsx", Quiet())
    assert [one.name for one in tmp_path.iterdir()] == ["there.csv"]


async def test_without_pyarrow_it_says_what_to_do(
    con: Connection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def missing(name: str) -> None:
        raise ImportError(name)

    monkeypatch.setattr(exporting, "import_module", missing)
    with pytest.raises(CannotExport, match=r"switchroom\[parquet\]"):
        await export(con, "items", EVER, tmp_path / "items.parquet", Quiet())
