"""What the store says when the database dies, hangs, or belongs to somebody else."""

import asyncio
import os
import signal
import time
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from gateway.core.ids import CaseId, Position
from gateway.store import links
from gateway.store.contract import (
    BadBatch,
    CommitUnknown,
    Fenced,
    StoreError,
    Unavailable,
)
from gateway.store.embedded import EmbeddedServer
from gateway.store.opening import Store, create_database, open_store
from gateway.store.pool import Connection
from gateway.store.trouble import FAILED, hearing_warnings, meaning
from tests.store.rows import (
    NODE,
    Opened,
    Pen,
    a_case,
    a_file,
    an_event,
    an_inbound,
    an_item,
    from_ann,
)

pytestmark = pytest.mark.integration


async def pen_of(store: Store) -> Pen:
    term = await store.journal.begin(NODE, "eu")
    return Pen(Opened(store.journal, store.lookup), term)


@pytest.fixture
async def other(database: str, store: Store) -> AsyncIterator[Connection]:
    """A connection of somebody else's to the same database."""
    con = await asyncpg.connect(database)
    yield con
    await con.close()


async def until(sql: str, con: Connection, *arguments: Any) -> Any:
    """Wait until the query gives something true."""
    async with asyncio.timeout(60):
        while not (found := await con.fetchval(sql, *arguments)):  # noqa: ASYNC110 - nobody tells us
            await asyncio.sleep(0.01)
    return found


async def test_an_inbox_commit_that_was_done_unheard_is_repeated_without_harm(
    store: Store, other: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The sender is new and a file comes along: their rows are there already."""
    pen = await pen_of(store)
    really = store.journal._receive
    heard = [False, True]

    async def unheard(*arguments: Any) -> Any:
        rows = await really(*arguments)
        if not heard.pop(0):
            raise CommitUnknown("the line broke behind it")
        return rows

    monkeypatch.setattr(store.journal, "_receive", unheard)
    mail = an_inbound(identity=from_ann(verified=True), files=(a_file(),))

    (stored,) = await store.journal.receive(pen.term, [mail], [])

    assert stored.customer is not None
    assert [file.name for file in stored.attachments] == ["plan.pdf"]
    assert await other.fetchval("SELECT count(*) FROM inbox") == 1
    assert await other.fetchval("SELECT count(*) FROM customer") == 1
    assert await other.fetchval("SELECT count(*) FROM attachment") == 1


COMMITTING = """
SELECT pid FROM pg_stat_activity WHERE query LIKE '%commit_batch%' AND wait_event_type = 'Lock'
"""


async def test_a_commit_whose_backend_is_ended_is_unknown_and_can_be_resolved(
    store: Store, other: Connection
) -> None:
    pen = await pen_of(store)
    case = a_case()
    await pen.rows(case)
    entry = pen.entry(an_event(), an_item(case))

    async with other.transaction():
        # Whoever holds the row keeps the commit waiting, in the middle of its statement.
        await other.execute("SELECT FROM node_fence FOR UPDATE")
        async with asyncio.TaskGroup() as group:
            commit = group.create_task(outcome(store.journal.commit(pen.term, pen.batch(entry))))
            pid = await until(COMMITTING, other)
            await other.execute("SELECT pg_terminate_backend($1)", pid)
    assert isinstance(commit.result(), CommitUnknown)

    term, landed = await store.journal.resolve(pen.term, entry.position)

    assert not landed
    assert term.epoch > pen.term.epoch
    await store.journal.commit(term, pen.batch(entry))
    assert len((await store.journal.load(term)).items) == 1


async def test_a_commit_that_landed_without_an_answer_is_found(
    store: Store, other: Connection
) -> None:
    pen = await pen_of(store)
    case = a_case()
    entry = pen.entry(an_event(), case)
    await store.journal.commit(pen.term, pen.batch(entry))  # as if the answer had been lost

    term, landed = await store.journal.resolve(pen.term, entry.position)

    assert landed
    assert await store.lookup.case(case.id) == case
    await store.journal.renew(term)


async def test_resolving_may_be_repeated_when_its_own_answer_was_lost(store: Store) -> None:
    pen = await pen_of(store)
    first, _ = await store.journal.resolve(pen.term, Position(1, 1))
    again, _ = await store.journal.resolve(pen.term, Position(1, 1))
    assert again.epoch > first.epoch


async def test_raising_the_fence_ends_whoever_holds_the_row(
    store: Store, other: Connection
) -> None:
    await pen_of(store)
    # An earlier incarnation, frozen in the middle of its commit.
    await other.execute("BEGIN; SET idle_in_transaction_session_timeout = 0")
    await other.execute("SELECT FROM node_fence WHERE node = 'n1' FOR SHARE")
    began = time.monotonic()

    term = await store.journal.begin(NODE, "eu")

    assert term.epoch == 2
    assert time.monotonic() - began < 5
    with pytest.raises(FAILED):
        await other.execute("SELECT 1")


async def test_a_node_that_raises_its_own_epoch_does_not_fence_its_inbox(store: Store) -> None:
    pen = await pen_of(store)
    old = pen.term
    await store.journal.resolve(old, Position(1, 1))

    [stored] = await store.journal.receive(old, [an_inbound()], [])
    await store.journal.renew(old)

    assert stored.fresh


async def test_a_warning_during_a_commit_counts_as_unknown(
    other: Connection,
) -> None:
    async def speak(level: str) -> None:
        with hearing_warnings(other):
            await other.execute(f"DO $$ BEGIN RAISE {level} 'standby?'; END $$")

    await speak("NOTICE")
    with pytest.raises(CommitUnknown, match=r"standby\?"):
        await speak("WARNING")


async def test_a_commit_over_a_dead_link_is_unknown_once_the_link_is_cut(
    store: Store, other: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(links, "PATIENCE_SECONDS", 0.2)
    monkeypatch.setattr(links, "PROBE_EVERY_SECONDS", 0.1)
    pen = await pen_of(store)
    await pen.rows(a_case())
    con: Any = store.journal._writer._con
    pid = con.get_server_pid()
    # The server ends the session, and its goodbye is lost on the way.
    con._transport.pause_reading()
    await other.execute("SELECT pg_terminate_backend($1)", pid)
    async with asyncio.timeout(60):
        result = await outcome(store.journal.commit(pen.term, pen.batch(pen.entry(an_event()))))

    assert isinstance(result, CommitUnknown)


async def test_a_slow_commit_is_left_alone(
    store: Store, other: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(links, "PATIENCE_SECONDS", 0.05)
    monkeypatch.setattr(links, "PROBE_EVERY_SECONDS", 0.05)
    pen = await pen_of(store)
    asked = asyncio.Event()
    working = links.LinkWatch._working
    answers: list[set[int]] = []

    async def seen(self: links.LinkWatch, pids: Sequence[int]) -> set[int]:
        answers.append(await working(self, pids))
        if len(answers) > links.SUSPICIONS:
            asked.set()
        return answers[-1]

    monkeypatch.setattr(links.LinkWatch, "_working", seen)
    await other.execute("BEGIN; SELECT FROM node_fence FOR UPDATE")
    async with asyncio.timeout(90), asyncio.TaskGroup() as group:
        commit = group.create_task(outcome(pen.rows(a_case())))
        await asked.wait()
        await other.execute("ROLLBACK")
        assert await commit is None
    assert all(answers)


async def test_values_the_database_refuses_are_called_a_bad_batch(store: Store) -> None:
    pen = await pen_of(store)
    case = a_case(id="not a uuid")
    with pytest.raises(BadBatch):
        await pen.rows(case)
    await pen.rows(a_case())


@pytest.mark.parametrize(
    ("problem", "kind"),
    [
        (ConnectionResetError(), CommitUnknown),
        (TimeoutError(), CommitUnknown),
        (asyncpg.InterfaceError("closed"), CommitUnknown),
        (asyncpg.InternalClientError("odd"), CommitUnknown),
        (asyncpg.AdminShutdownError("going"), CommitUnknown),
        (asyncpg.ConnectionDoesNotExistError("gone"), CommitUnknown),
        (asyncpg.DiskFullError("full"), Unavailable),
        (asyncpg.ReadOnlySQLTransactionError("a standby"), Unavailable),
        (asyncpg.LockNotAvailableError("held"), Unavailable),
        (asyncpg.UndefinedFunctionError("what"), BadBatch),
    ],
    ids=lambda value: getattr(value, "__name__", type(value).__name__),
)
def test_what_an_error_means(problem: Exception, kind: type[StoreError]) -> None:
    assert type(meaning(problem)) is kind


# -- a server of their own ------------------------------------------------------------------


async def test_the_embedded_server_comes_back_when_it_is_killed(tmp_path: Path) -> None:
    async with open_store(data_dir=tmp_path) as store:
        pen = await pen_of(store)
        case = a_case()
        await pen.rows(case)
        assert store.server is not None
        assert store.server.pid is not None
        killed = store.server.pid
        os.kill(killed, signal.SIGKILL)

        problems = []
        async with asyncio.timeout(90):
            # Its orphaned backends may serve a moment longer.
            while (problem := await outcome(pen.rows(a_case()))) or store.server.pid == killed:
                problems.append(problem)
                if isinstance(problem, CommitUnknown):
                    problems.append(await resolved(pen))
                await asyncio.sleep(0.02)

        assert {type(p) for p in problems if p} <= {CommitUnknown, Unavailable}
        assert await store.lookup.case(case.id) == case


async def test_a_server_that_cannot_be_reached_is_unavailable(tmp_path: Path) -> None:
    with pytest.raises(Unavailable, match="no primary database"):
        async with open_store(dsn=f"postgresql://x@/x?host={tmp_path}"):
            pass


async def test_a_server_that_is_not_there_yet_is_waited_for(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    server = EmbeddedServer(folder)
    await server.start()
    await create_database(server.dsn)
    dsn = server.dsn
    await server.stop()
    heir = EmbeddedServer(folder)

    async def later() -> None:
        with pytest.raises(Unavailable):
            async with open_store(dsn=dsn):
                pass
        await heir.start()

    async with asyncio.TaskGroup() as group:
        group.create_task(later())
        async with open_store(dsn=dsn, patience=60) as store:
            assert await store.lookup.case(CaseId("x")) is None
    await heir.stop()


async def test_a_server_that_refuses_us_is_not_waited_for(store: Store) -> None:
    nowhere = store.dsn.replace("/switchroom?", "/nowhere?")
    assert nowhere != store.dsn
    with pytest.raises(Unavailable, match="nowhere"):
        async with asyncio.timeout(20), open_store(dsn=nowhere, patience=3600):
            pass


async def test_a_killed_nodes_server_is_adopted_and_its_epoch_ended(tmp_path: Path) -> None:
    async with open_store(data_dir=tmp_path) as store:
        pen = await pen_of(store)
        await pen.rows(a_case())
        assert store.server is not None
        # As kill -9 does: nothing is stopped, only the lock is gone.
        store.server._unlock()
        heir = EmbeddedServer(tmp_path)
        await heir.start()
        assert heir.pid == store.server.pid
        async with open_store(dsn=heir.dsn) as fresh:
            await fresh.journal.begin(NODE, "eu")
            with pytest.raises(Fenced):
                await pen.rows(a_case())
        heir._unlock()


async def resolved(pen: Pen) -> StoreError | None:
    try:
        pen.term, _ = await pen.journal.resolve(pen.term, Position(pen.term.epoch, pen.offset))
    except (Unavailable, CommitUnknown) as problem:
        return problem
    return None


async def outcome(work: Any) -> StoreError | None:
    """What ``work`` raised, if anything."""
    try:
        await work
    except StoreError as problem:
        return problem
    return None
