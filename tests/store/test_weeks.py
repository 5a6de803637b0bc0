"""Old weeks of the journal leave it, unless somebody may still ask for them."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pytest
from msgspec.structs import replace

from gateway.core import events as e
from gateway.core.model import ItemState
from gateway.store import copying, weeks
from gateway.store.backup import BadBackup, read_backup
from gateway.store.opening import Store
from tests.store.rows import NODE, NOW, Opened, Pen, a_case, an_event, an_item
from tests.support.databases import Connects

pytestmark = pytest.mark.integration

WEEK = "journal_2001w02"
THEN = datetime(2001, 1, 10, tzinfo=UTC)
END = datetime(2001, 1, 15, tzinfo=UTC)
BEFORE = datetime(2001, 2, 1, tzinfo=UTC)


@pytest.fixture
async def pen(store: Store) -> AsyncIterator[Pen]:
    """Writes into a journal that has a week of long ago, and an entry older than any week."""
    await store.pool.execute(
        f"CREATE TABLE {WEEK} PARTITION OF journal"
        " FOR VALUES FROM ('2001-01-08Z') TO ('2001-01-15Z')"
    )
    pen = Pen(Opened(store.journal, store.lookup), await store.journal.begin(NODE, "eu"))
    for at in (THEN, THEN + timedelta(days=1), THEN - timedelta(days=30), NOW):
        await pen.write(replace(pen.entry(an_event()), at=at))
    yield pen
    await store.pool.execute(f"DROP TABLE IF EXISTS {WEEK}")


async def test_an_archive_is_whole_and_then_the_weeks_are_gone(
    store: Store, pen: Pen, connect: Connects, tmp_path: Path
) -> None:
    con = await connect(store.dsn)
    names = await weeks.old_weeks(con, BEFORE, NOW)
    assert names == [WEEK]
    rows = await weeks.archive(con, names, tmp_path / "old", copying.Quiet())
    assert rows == 3
    await weeks.drop(con, names, rows, "old")

    assert WEEK not in [week.name for week in await weeks.weeks(con)]
    left = await con.fetch("SELECT at, kind, payload FROM journal ORDER BY at")
    assert [row["at"] > BEFORE for row in left] == [True, True]
    told = msgspec.json.decode(left[-1]["payload"], type=e.Event)
    assert told == e.JournalDropped(before=END, weeks=(WEEK,), rows=3, archive="old")
    kept = read_backup(tmp_path / "old", what=weeks.WHAT)
    assert {n: t.rows for n, t in kept.manifest.tables.items()} == {WEEK: 2, "journal_default": 1}
    with pytest.raises(BadBackup, match="is a journal archive, not a backup"):
        read_backup(tmp_path / "old")


async def test_a_week_that_an_open_case_was_in_is_refused_with_its_number(
    store: Store, pen: Pen, connect: Connects
) -> None:
    case = a_case()
    item = an_item(case)
    opened = replace(pen.entry(e.CaseOpened(case=case), case, item), at=THEN)
    await pen.write(opened)
    con = await connect(store.dsn)
    with pytest.raises(weeks.StillNeeded, match=f"#{case.number} began before 2001-01-15"):
        await weeks.old_weeks(con, BEFORE, NOW)
    ended = replace(item, version=2, state=ItemState.COMPLETED, ended_at=NOW)
    await pen.rows(ended)
    assert await weeks.old_weeks(con, BEFORE, NOW) == [WEEK]


async def test_the_last_two_weeks_stay(store: Store, pen: Pen, connect: Connects) -> None:
    con = await connect(store.dsn)
    with pytest.raises(weeks.StillNeeded, match="give a day before"):
        await weeks.old_weeks(con, NOW, NOW)
    this_week = (await copying.partitions(con))[1]
    assert this_week not in await weeks.old_weeks(con, NOW - timedelta(days=14), NOW)


async def test_a_node_commits_while_a_week_is_dropped_that_somebody_reads(
    store: Store, pen: Pen, connect: Connects, monkeypatch: pytest.MonkeyPatch
) -> None:
    reader, con = await connect(store.dsn), await connect(store.dsn)
    monkeypatch.setattr(weeks, "LOCK_TRIES", 2)
    async with reader.transaction():
        await reader.execute("SET LOCAL idle_in_transaction_session_timeout = 0")
        await reader.fetch(f"SELECT 1 FROM {WEEK}")
        with pytest.raises(weeks.StillNeeded, match="does not come free"):
            await weeks.drop(con, [WEEK], 0)
        await pen.write(pen.entry(an_event()))
    await weeks.drop(con, [WEEK], 0)
    await pen.write(pen.entry(an_event()))


async def test_only_weeks_can_be_dropped(store: Store, connect: Connects) -> None:
    con = await connect(store.dsn)
    with pytest.raises(ValueError, match="no week"):
        await weeks.drop(con, ["message"], 0)
