"""From one database to another, compared before anybody relies on it."""

from collections.abc import AsyncIterator

import pytest

from gateway.store import copying
from gateway.store.copying import NotEmpty, Table
from gateway.store.moving import NotTheSame, move, require_target
from gateway.store.opening import Store, open_store
from gateway.store.pool import Connection
from tests.store.rows import NODE
from tests.store.test_backup import ANEW, digests, filled
from tests.support.databases import Connects, Makes

pytestmark = pytest.mark.integration


async def test_everything_arrives_and_the_source_is_as_it_was(
    store: Store, connect: Connects, empty_database: Makes
) -> None:
    _, case = await filled(store)
    there = await empty_database()
    source, target = await connect(store.dsn), await connect(there)
    before = await digests(source)
    rows = await move(source, target)
    assert rows == sum(count for count, _ in before.values())
    assert await digests(source) == before
    after = await digests(target)
    for name in before.keys() - ANEW:
        assert after[name] == before[name], name
    async with open_store(dsn=there) as moved:
        await moved.journal.begin(NODE, "eu")
        assert await moved.lookup.case_by_number(case.number) == case
        assert await moved.pool.fetchval(
            "SELECT count(*) FROM journal WHERE kind = 'database_moved'"
        )


async def test_what_arrives_otherwise_is_noticed_and_nothing_stays(
    store: Store, connect: Connects, empty_database: Makes, monkeypatch: pytest.MonkeyPatch
) -> None:
    await filled(store)
    source, target = await connect(store.dsn), await connect(await empty_database())
    pour = copying.copy_in

    async def spoil(con: Connection, table: Table, data: AsyncIterator[bytes]) -> int:
        rows = await pour(con, table, data)
        if table.name == "message":
            await con.execute("UPDATE message SET direction = 'out'")
        return rows

    monkeypatch.setattr(copying, "copy_in", spoil)
    with pytest.raises(NotTheSame, match="message: what stands in the target"):
        await move(source, target)
    assert await copying.tables(target) == []


async def test_a_move_that_breaks_off_can_be_repeated(
    store: Store, connect: Connects, empty_database: Makes
) -> None:
    await filled(store)
    there = await empty_database()
    source, target = await connect(store.dsn), await connect(there)
    before = await digests(source)

    class Cut(copying.Quiet):
        """Ends it in the middle of a table."""

        def moved(self, size: int) -> None:
            if size > 1_000:
                raise OSError("the power is gone")

    with pytest.raises(OSError, match="power"):
        await move(source, target, Cut())
    source.terminate()
    target.terminate()
    source = await connect(store.dsn)
    assert await digests(source) == before
    again = await connect(there)
    assert await copying.tables(again) == []
    assert await move(source, again) == sum(count for count, _ in before.values())


async def test_a_target_that_holds_something_is_refused_before_anything_is_stopped(
    store: Store, connect: Connects, empty_database: Makes
) -> None:
    await filled(store)
    source, target = await connect(store.dsn), await connect(await empty_database())
    await require_target(source, target)
    await target.execute("CREATE TABLE invoices (id int)")
    with pytest.raises(NotEmpty, match="invoices"):
        await require_target(source, target)
