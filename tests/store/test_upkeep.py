"""Migrations, partitions, and what is forgotten."""

from datetime import UTC, datetime, timedelta

import pytest
from msgspec.structs import replace

from gateway.core import model as m
from gateway.core.inbound import File
from gateway.store.migrate import BadSchema, Migration, migrate, migrations
from gateway.store.opening import Store
from gateway.store.upkeep import Upkeep
from tests.store.rows import BOB, EVA, NODE, NOW, Opened, Pen, a_case, a_message, uid

pytestmark = pytest.mark.integration


async def test_a_database_that_is_up_to_date_is_left_alone(store: Store) -> None:
    async with store.pool.acquire() as con:
        assert await migrate(con) == []  # type: ignore[arg-type]


async def test_a_missing_migration_is_applied_once_and_remembered(store: Store) -> None:
    wanted = [*migrations(), Migration(9_999, "9999_more.sql", "CREATE TABLE more (x int)")]
    async with store.pool.acquire() as con:
        try:
            assert await migrate(con, wanted) == ["9999_more.sql"]  # type: ignore[arg-type]
            assert await migrate(con, wanted) == []  # type: ignore[arg-type]
            # An older program meets a newer schema and takes it as it is.
            assert await migrate(con) == []  # type: ignore[arg-type]
        finally:
            await con.execute("DROP TABLE more; DELETE FROM schema_migration WHERE number = 9999")


async def test_a_migration_that_fails_leaves_nothing_behind(store: Store) -> None:
    broken = Migration(9_999, "9999_broken.sql", "CREATE TABLE more (x int); SELECT nonsense")
    async with store.pool.acquire() as con:
        with pytest.raises(BadSchema, match=r"9999_broken\.sql.*nonsense"):
            await migrate(con, [*migrations(), broken])  # type: ignore[arg-type]
        assert await con.fetchval("SELECT to_regclass('more')") is None
        assert await migrate(con) == []  # type: ignore[arg-type]


async def test_a_migration_that_was_changed_afterwards_is_refused(store: Store) -> None:
    first, *others = migrations()
    changed = [replace(first, sql=first.sql + "\n-- a harmless word"), *others]
    async with store.pool.acquire() as con:
        with pytest.raises(BadSchema, match="has changed since"):
            await migrate(con, changed)  # type: ignore[arg-type]


def test_no_two_migrations_have_the_same_number() -> None:
    numbers = [migration.number for migration in migrations()]
    assert numbers == sorted(set(numbers))


async def test_events_go_into_the_partition_of_their_week_and_never_get_lost(store: Store) -> None:
    term = await store.journal.begin(NODE, "eu")
    pen = Pen(Opened(store.journal, store.lookup), term)
    now = datetime.now(UTC)
    times = [now, now + timedelta(weeks=3), now - timedelta(days=400), now + timedelta(days=4_000)]
    case = a_case()
    from gateway.core import events as e

    for at in times:
        await pen.write(replace(pen.entry(e.CaseOpened(case=case)), at=at))

    rows = await store.pool.fetch(
        'SELECT at, tableoid::regclass::text AS part FROM journal ORDER BY "offset"'
    )
    year, week, _ = now.isocalendar()
    later = (now + timedelta(weeks=3)).isocalendar()
    assert [row["at"] for row in rows] == times
    assert [row["part"] for row in rows] == [
        f"journal_{year}w{week:02}",
        f"journal_{later.year}w{later.week:02}",
        "journal_default",
        "journal_default",
    ]
    assert await store.pool.fetchval("SELECT journal_partitions(8)") == 0


async def test_what_has_had_its_time_is_forgotten_and_nothing_else(store: Store) -> None:
    term = await store.journal.begin(NODE, "eu")
    pen = Pen(Opened(store.journal, store.lookup), term)
    old = m.CommandRecord(agent=EVA, id=uid(), at=NOW - timedelta(hours=26), answer=b"")
    young = replace(old, id=uid(), at=NOW)
    lost, sent = [await store.files.save(File(name=n, type="", data=b"x"), EVA) for n in "ab"]
    case = a_case()
    await pen.rows(case, old, young, a_message(case, attachments=(sent,)))
    await store.pool.execute(
        "UPDATE attachment SET expires_at = now() - interval '2 days' WHERE message IS NULL"
    )

    await Upkeep(store.pool, store.sql).once()

    left = await store.pool.fetch("SELECT id FROM command")
    assert [row["id"] for row in left] == [young.id]
    assert await store.lookup.file(lost.id) is None
    assert await store.lookup.file(sent.id) is not None
    assert await store.lookup.answers(BOB, [young.id]) == {}
