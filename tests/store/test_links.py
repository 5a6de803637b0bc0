"""Dead links to a live database, an old primary's links, and what the lookout says of it all."""

import asyncio
import time
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from msgspec import Struct

from gateway.store import links
from gateway.store.contract import Unavailable
from gateway.store.opening import Store, open_store
from gateway.store.trouble import FAILED, reading
from tests.support.proxy import Link

pytestmark = pytest.mark.integration


class Wired(Struct):
    """A store whose every connection runs over a link that can fail."""

    store: Store
    link: Link


@pytest.fixture
async def wired(database: str) -> AsyncIterator[Wired]:
    socket = Path(parse_qs(urlsplit(database).query)["host"][0]) / ".s.PGSQL.5432"
    async with Link(socket) as link:
        dsn = f"postgresql://switchroom@127.0.0.1:{link.port}/switchroom"
        async with open_store(dsn=dsn) as store:
            yield Wired(store, link)
            link.heal()


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(links, "PATIENCE_SECONDS", 0.2)
    monkeypatch.setattr(links, "PROBE_EVERY_SECONDS", 0.1)


async def test_a_statement_whose_connection_is_gone_unseen_is_ended(
    wired: Wired, quick: None
) -> None:
    async with wired.store.pool.acquire() as con:
        await con.fetchval("SELECT 1")
        wired.link.half_open()
        wired.link.heal()  # for others: this connection stays as dead as it is
        async with asyncio.timeout(8):
            with pytest.raises(FAILED):
                await con.fetchval("SELECT 2")
    assert await wired.store.pool.fetchval("SELECT 3") == 3


async def test_a_question_that_is_given_up_over_a_dead_link_holds_nobody_up(wired: Wired) -> None:
    pool = wired.store.pool
    for n in range(12):  # more than the pool has
        wired.link.heal()
        assert await pool.fetchval("SELECT 1") == 1
        wired.link.half_open()
        async with asyncio.timeout(20):
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.1):
                    await pool.fetchval("SELECT $1::int", n)
    wired.link.heal()
    async with asyncio.timeout(20):
        assert await pool.fetchval("SELECT 3") == 3


async def test_a_link_that_is_closed_while_it_is_being_looked_at_ends_no_watch(
    wired: Wired, quick: None
) -> None:
    sight, lookout = wired.store.sight, wired.store.lookout
    assert lookout is not None
    connect = lookout._connector.connect

    async def question() -> None:
        with pytest.raises(FAILED):
            await wired.store.pool.fetchval("SELECT pg_sleep(60)")

    async def meanwhile() -> object:
        (link,) = sight.waiting(asyncio.get_running_loop().time())
        link.terminate()
        return await connect()

    async with asyncio.TaskGroup() as group:
        group.create_task(question())
        await asyncio.sleep(links.PATIENCE_SECONDS * 2)
        await links.LinkWatch(sight, meanwhile, wired.store.sql).look()


async def test_a_database_that_falls_silent_is_noticed_within_ten_seconds(wired: Wired) -> None:
    async with wired.store.pool.acquire() as con:
        await con.fetchval("SELECT 1")
        wired.link.blackhole()
        began = time.monotonic()
        with pytest.raises(FAILED):
            await con.fetchval("SELECT 2")
    assert time.monotonic() - began < 10


async def test_a_slow_statement_is_left_alone(wired: Wired, quick: None) -> None:
    assert await wired.store.pool.fetchval("SELECT 7 FROM pg_sleep(1.5)") == 7


async def test_the_pool_never_hands_out_a_connection_to_an_old_primary(wired: Wired) -> None:
    pool, lookout = wired.store.pool, wired.store.lookout
    assert lookout is not None
    sight = lookout._connector.sight
    lookout._connector._patience = 0.0
    async with pool.acquire() as idle:
        pid = idle.get_server_pid()
    async with pool.acquire() as used:
        assert used.get_server_pid() == pid
        sight.saw(sight.timeline + 1)  # somebody has seen a server that was promoted
        with pytest.raises(FAILED):
            await used.fetchval("SELECT 1")
    with pytest.raises(Unavailable, match="timeline 1, but 2 was seen"):
        await pool.fetchval("SELECT 1")
    sight.timeline = 1
    assert await pool.fetchval("SELECT 5") == 5


async def test_a_single_server_has_no_second_copy_and_nobody_expects_one(wired: Wired) -> None:
    lookout = wired.store.lookout
    assert lookout is not None
    await lookout.look()
    assert lookout.standing.copies == "none"
    assert lookout.standing.timeline == 1
    assert lookout.standing.concern == ""


async def test_of_a_silent_database_nothing_is_known(wired: Wired) -> None:
    lookout = wired.store.lookout
    assert lookout is not None
    said = []
    for change in (wired.link.heal, wired.link.refuse, wired.link.heal):
        change()
        await lookout.look()
        said.append(lookout.standing.copies)
    assert said == ["none", "unknown", "none"]


async def test_reading_over_a_refused_link_is_unavailable(wired: Wired) -> None:
    wired.link.refuse()
    assert wired.store.lookout is not None
    wired.store.lookout._connector._patience = 0.0
    with pytest.raises(Unavailable), reading():
        await wired.store.pool.fetchval("SELECT 1")


async def test_what_the_loop_says_of_a_closed_transport_is_a_lost_connection(wired: Wired) -> None:
    words = "unable to perform operation on <TCPTransport closed=True>; the handler is closed"
    async with wired.store.pool.acquire() as con:
        link: links.Link = con._con  # type: ignore[attr-defined]
        with pytest.raises(FAILED, match="handler is closed"), link._waiting():
            raise RuntimeError(words)
        with pytest.raises(RuntimeError, match="our own"), link._waiting():
            raise RuntimeError("our own mistake")
