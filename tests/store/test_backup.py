"""A whole installation in one file, and out of it again."""

import asyncio
import io
import os
import random
import stat
import zipfile
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import asyncpg
import msgspec
import pytest
from msgspec.structs import replace

from gateway.core import events as e
from gateway.core.inbound import File
from gateway.core.model import AgentStatus
from gateway.ports import Memory
from gateway.store import backup as b
from gateway.store import copying
from gateway.store.copying import NotEmpty
from gateway.store.migrate import migrate, migrations
from gateway.store.opening import Store, open_store
from gateway.store.pool import Connection
from tests.store.rows import (
    EVA,
    MAIL,
    NODE,
    NOW,
    Opened,
    Pen,
    a_case,
    a_message,
    an_event,
    an_inbound,
    an_item,
    from_ann,
)
from tests.support.databases import Connects, Makes

pytestmark = pytest.mark.integration


async def filled(store: Store) -> tuple[Pen, Any]:
    """A database with something of most kinds in it, the odd ones too."""
    term = await store.journal.begin(NODE, "eu")
    pen = Pen(Opened(store.journal, store.lookup), term)
    case = a_case(subject="Tabs\tand\\n back\\slashes, 二 \u202e and a\nnewline")
    status = AgentStatus(name=EVA, since=NOW, idle_since=NOW, version=1, epoch=3)
    await pen.rows(case, an_item(case), a_message(case), status)
    old = replace(pen.entry(an_event()), at=NOW - timedelta(days=400))
    await pen.write(old)
    raw = bytes(range(256)) * 40
    inbound = an_inbound("k\x01", raw=raw, identity=from_ann(verified=True))
    await store.journal.receive(term, [inbound], [])
    await store.files.save(File(name="x.bin", type="", data=os.urandom(200_000)), EVA)
    await store.lookup.save_memory(MAIL, Memory(key="cursor", value=b"\x00\xff\\x"))
    await store.settings.secret()
    return pen, case


async def written(con: Connection, path: Path) -> b.Manifest:
    with b.NewFile(path) as file:
        _, manifest = await b.write_backup(con, file)
    return manifest


async def digests(con: Connection) -> dict[str, tuple[int, str]]:
    await copying.prepare(con)
    return {t.name: await copying.digest(con, t) for t in await copying.tables(con)}


ANEW = {"node_fence", "node_lease", "duty", "agent_status", "counter", "journal"}
"""What a restore changes on purpose."""


async def test_what_was_backed_up_stands_there_again_value_for_value(
    store: Store, tmp_path: Path, connect: Connects, empty_database: Makes
) -> None:
    pen, case = await filled(store)
    con = await connect(store.dsn)
    before = await digests(con)
    manifest = await written(con, tmp_path / "b")
    assert {n: k.rows for n, k in manifest.tables.items()} == {n: d[0] for n, d in before.items()}
    assert stat.S_IMODE((tmp_path / "b").stat().st_mode) == 0o600
    assert [p.name for p in tmp_path.iterdir()] == ["b"]

    there = await empty_database()
    new = await connect(there)
    await b.restore(new, b.read_backup(tmp_path / "b"))
    after = await digests(new)
    for name in before.keys() - ANEW:
        assert after[name] == before[name], name
    assert after["journal"][0] == before["journal"][0] + 1

    async with open_store(dsn=there) as restored:
        term = await restored.journal.begin(NODE, "eu")
        assert term.epoch == pen.term.epoch + copying.EPOCHS_AHEAD + 1
        assert await restored.lookup.case_by_number(case.number) == case
        (number,) = await restored.journal.reserve_numbers(1)
        assert number > copying.NUMBERS_AHEAD
        found = await restored.homes.statuses([EVA])
        assert found[EVA].epoch == 3 + copying.EPOCHS_AHEAD
        told = await restored.pool.fetchval(
            "SELECT payload FROM journal WHERE kind = 'backup_restored'"
        )
        event = msgspec.json.decode(told, type=e.Event)
        assert isinstance(event, e.BackupRestored)
        assert event.rows == manifest.rows


async def test_the_journals_weeks_are_made_again(
    store: Store, tmp_path: Path, connect: Connects, empty_database: Makes
) -> None:
    await store.pool.execute(
        "CREATE TABLE journal_2001w02 PARTITION OF journal"
        " FOR VALUES FROM ('2001-01-08Z') TO ('2001-01-15Z')"
    )
    try:
        pen, _ = await filled(store)
        then = datetime(2001, 1, 10, tzinfo=UTC)
        await pen.write(replace(pen.entry(an_event()), at=then))
        await written(await connect(store.dsn), tmp_path / "b")
        new = await connect(await empty_database())
        await b.restore(new, b.read_backup(tmp_path / "b"))
        found = await new.fetchval(
            "SELECT tableoid::regclass::text FROM journal WHERE at = $1", then
        )
        assert found == "journal_2001w02"
    finally:
        await store.pool.execute("DROP TABLE journal_2001w02")


async def test_a_backup_is_of_one_moment_while_the_node_goes_on(
    store: Store, tmp_path: Path, connect: Connects
) -> None:
    pen, _ = await filled(store)
    con = await connect(store.dsn)
    writing = asyncio.Event()

    async def work() -> None:
        while not writing.is_set():
            case = a_case()
            await pen.write(pen.entry(e.CaseOpened(case=case), case, a_message(case)))

    async with asyncio.TaskGroup() as group:
        group.create_task(work())
        manifest = await written(con, tmp_path / "b")
        writing.set()
    rows = {name: kept.rows for name, kept in manifest.tables.items()}
    assert rows["ticket_case"] == rows["message"]
    with zipfile.ZipFile(tmp_path / "b") as packed:
        lines = packed.read("tables/journal.copy").decode().splitlines()
    assert sum("case_opened" in line for line in lines) == rows["ticket_case"] - 1


@pytest.fixture
async def whole(store: Store, tmp_path: Path, connect: Connects) -> bytes:
    await filled(store)
    await written(await connect(store.dsn), tmp_path / "whole")
    return (tmp_path / "whole").read_bytes()


async def test_a_file_that_is_cut_off_anywhere_is_refused(whole: bytes, tmp_path: Path) -> None:
    dice = random.Random(1)
    for length in [0, 3, 4, 100, len(whole) - 1, *(dice.randrange(len(whole)) for _ in range(40))]:
        (tmp_path / "cut").write_bytes(whole[:length])
        with pytest.raises(b.BadBackup):
            b.read_backup(tmp_path / "cut")


async def test_a_file_with_one_wrong_bit_is_refused_wherever_it_is(
    whole: bytes, tmp_path: Path
) -> None:
    dice = random.Random(2)
    for _ in range(60):
        place = dice.randrange(len(whole))
        wrong = bytearray(whole)
        wrong[place] ^= 1 << dice.randrange(8)
        (tmp_path / "wrong").write_bytes(wrong)
        with pytest.raises(b.BadBackup):
            b.read_backup(tmp_path / "wrong")


async def test_what_is_no_backup_is_refused_in_words(tmp_path: Path) -> None:
    with pytest.raises(b.BadBackup, match="there is no file"):
        b.read_backup(tmp_path / "none")
    (tmp_path / "text").write_text("pg_dump would have been better" * 99)
    with pytest.raises(b.BadBackup, match="is no backup of Switchroom"):
        b.read_backup(tmp_path / "text")


async def test_a_database_with_work_in_it_is_left_alone(
    store: Store, whole: bytes, tmp_path: Path, connect: Connects
) -> None:
    con = await connect(store.dsn)
    before = await digests(con)
    with pytest.raises(NotEmpty, match=r"holds work already .*nothing was changed"):
        await b.restore(con, b.read_backup(tmp_path / "whole"))
    assert await digests(con) == before


async def test_a_database_of_something_else_is_left_alone(
    whole: bytes, tmp_path: Path, connect: Connects, empty_database: Makes
) -> None:
    con = await connect(await empty_database())
    await con.execute("CREATE TABLE invoices (id int)")
    with pytest.raises(NotEmpty, match="tables of something else"):
        await b.restore(con, b.read_backup(tmp_path / "whole"))


async def test_a_restore_that_breaks_off_leaves_nothing_and_can_be_repeated(
    whole: bytes, tmp_path: Path, connect: Connects, empty_database: Makes
) -> None:
    there = await empty_database()
    found = b.read_backup(tmp_path / "whole")

    class Cut(copying.Quiet):
        def begins(self, what: str, expected: int) -> None:
            if what == "message":
                raise OSError("the power is gone")

    con = await connect(there)
    with pytest.raises(OSError, match="power"):
        await b.restore(con, found, Cut())
    con.terminate()
    again = await connect(there)
    assert await copying.tables(again) == []
    await b.restore(again, found)
    assert (await digests(again))["message"][0] == found.manifest.tables["message"].rows


async def test_a_backup_of_an_older_schema_is_migrated_on(
    tmp_path: Path, connect: Connects, empty_database: Makes
) -> None:
    old, new = await connect(await empty_database()), await connect(await empty_database())
    await migrate(old, migrations()[:5])
    await old.execute("INSERT INTO skill (name, doc) VALUES ('de', '{}')")
    await written(old, tmp_path / "old")
    await b.restore(new, b.read_backup(tmp_path / "old"))
    assert [r["name"] for r in await new.fetch("SELECT name FROM skill")] == ["de"]
    assert [m.number for m in await copying.schema(new)] == [m.number for m in migrations()]


async def test_a_backup_of_a_newer_schema_is_refused_in_words(
    whole: bytes, tmp_path: Path, connect: Connects, empty_database: Makes
) -> None:
    found = b.read_backup(tmp_path / "whole")
    newer = replace(
        found.head,
        program="switchroom 9.0.0",
        schema=[*found.head.schema, copying.Applied(9_000, "9000_flying.sql", "x")],
    )
    con = await connect(await empty_database())
    with pytest.raises(b.BadBackup, match=r"switchroom 9.0.0 with schema 9000.*newer one"):
        await b.restore(con, replace(found, head=newer))
    changed = [replace(one, checksum="other") for one in found.head.schema]
    with pytest.raises(b.BadBackup, match="not of this program's making"):
        b.check_schema(replace(found.head, schema=changed))
    assert await copying.tables(con) == []


async def test_what_is_there_is_not_written_over(tmp_path: Path) -> None:
    (tmp_path / "mine").write_bytes(b"mine")
    with pytest.raises(b.BadBackup, match="is there already"), b.NewFile(tmp_path / "mine"):
        pass
    assert (tmp_path / "mine").read_bytes() == b"mine"


async def test_a_backup_that_fails_leaves_no_file(tmp_path: Path) -> None:
    def half() -> None:
        with b.NewFile(tmp_path / "new") as file:
            file.write(b"half")
            raise asyncpg.PostgresError("gone")

    with pytest.raises(asyncpg.PostgresError):
        half()
    assert list(tmp_path.iterdir()) == []


async def test_a_database_that_no_node_has_used_has_no_backup(
    connect: Connects, empty_database: Makes
) -> None:
    con = await connect(await empty_database())
    with pytest.raises(b.BadBackup, match="nothing to back up"):
        await b.write_backup(con, io.BytesIO())


def test_a_week_of_the_journal_is_known_by_its_name() -> None:
    assert copying.week_of("journal_2026w53") == (
        datetime(2026, 12, 28, tzinfo=UTC),
        datetime(2027, 1, 4, tzinfo=UTC),
    )
    for wrong in ("journal_default", 'journal_2026w01"; DROP', "journal_2026w54"):
        with pytest.raises(ValueError, match="week"):
            copying.week_of(wrong)
