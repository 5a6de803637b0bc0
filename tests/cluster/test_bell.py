"""Bells on a real PostgreSQL: who hears what, and what becomes of a link that fails."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import asyncpg
import pytest

from gateway.cluster.bell import MOST_BYTES, Bell
from gateway.core.ids import NodeName
from gateway.store import bell as store_bell
from gateway.store.opening import Store, open_store
from tests.support.proxy import Link

pytestmark = pytest.mark.integration

A, B = NodeName("n1"), NodeName("n2")


class Heard(list[tuple[str, str]]):
    """What a listener was told: who rang, and with which payload."""

    def note(self, node: NodeName, payload: str) -> None:
        self.append((node, payload))


@asynccontextmanager
async def hanging(
    store: Store, name: NodeName, needed: Callable[[], bool] = lambda: True
) -> AsyncIterator[Bell]:
    """A bell on its link until the end of the block."""
    bell = Bell(store.wires, name, needed=needed)
    async with asyncio.TaskGroup() as group:
        task = group.create_task(bell.run())
        yield bell
        task.cancel()


async def until(holds: Callable[[], object]) -> None:
    async with asyncio.timeout(60):
        while not holds():  # noqa: ASYNC110 - nobody tells us
            await asyncio.sleep(0.01)


async def connected(one: Bell, other: Bell) -> None:
    """Return once each has heard the other: both links are there."""
    heard = {one: 0, other: 0}

    def counts(bell: Bell) -> Callable[[NodeName, str], None]:
        def listener(_node: NodeName, _payload: str) -> None:
            heard[bell] += 1

        return listener

    leave = [bell.on("there", counts(bell)) for bell in heard]
    async with asyncio.timeout(60):
        while not all(heard.values()):
            one.ring("there")
            other.ring("there")
            await asyncio.sleep(0.02)
    for end in leave:
        end()


async def test_a_ring_is_heard_by_another_node_and_not_by_oneself(store: Store) -> None:
    async with hanging(store, A) as one, hanging(store, B) as two:
        await connected(one, two)
        at_one, at_two = Heard(), Heard()
        one.on("inbox", at_one.note)
        two.on("inbox", at_two.note)
        one.ring("inbox", "n2")
        await until(lambda: at_two)
        two.ring("inbox", "n1")
        await until(lambda: at_one)
    assert at_two == [(A, "n2")]
    assert at_one == [(B, "n1")]


async def test_what_is_rung_in_one_moment_travels_together_and_each_ring_once(store: Store) -> None:
    async with hanging(store, A) as one, hanging(store, B) as two:
        await connected(one, two)
        journal, typing = Heard(), Heard()
        two.on("journal", journal.note)
        two.on("typing", typing.note)
        before = one.told
        for _ in range(1000):
            one.ring("journal")
        one.ring("typing", "on")
        one.ring("typing", "off")
        one.ring("typing", "on")
        await until(lambda: len(typing) == 2)
    assert journal == [(A, "")]
    assert typing == [(A, "off"), (A, "on")]
    assert one.told == before + 1


async def test_many_rings_arrive_in_order_though_not_in_one_notice(store: Store) -> None:
    names = [f"{'x' * 100}-{n:04}" for n in range(500)]
    async with hanging(store, A) as one, hanging(store, B) as two:
        await connected(one, two)
        heard = Heard()
        two.on("relay", heard.note)
        for name in names:
            one.ring("relay", name)
        await until(lambda: len(heard) == len(names))
    assert [payload for _, payload in heard] == names


async def test_a_listener_that_left_hears_nothing_and_one_that_fails_harms_nobody(
    store: Store,
) -> None:
    async with hanging(store, A) as one, hanging(store, B) as two:
        await connected(one, two)
        gone, heard = Heard(), Heard()

        def fails(_node: NodeName, _payload: str) -> None:
            raise RuntimeError("a fault of ours")

        two.on("relay", gone.note)()
        two.on("relay", fails)
        two.on("relay", heard.note)
        one.ring("relay", "n2")
        await until(lambda: heard)
    assert gone == []


async def test_a_lost_link_is_made_anew(store: Store) -> None:
    async with hanging(store, A) as one, hanging(store, B) as two:
        await connected(one, two)
        await store.pool.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE pid <> pg_backend_pid() AND query LIKE '%pg_notify%'"
        )
        await connected(one, two)


async def test_a_link_that_is_dead_unseen_is_noticed_and_made_anew(
    database: str, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store_bell, "SEND_SECONDS", 0.3)
    socket = Path(parse_qs(urlsplit(database).query)["host"][0]) / ".s.PGSQL.5432"
    async with Link(socket) as link:
        dsn = f"postgresql://switchroom@127.0.0.1:{link.port}/switchroom"
        async with open_store(dsn=dsn) as far, hanging(far, A) as one, hanging(store, B) as two:
            await connected(one, two)
            link.half_open()
            link.heal()  # for new connections: the old one stays as dead as it is
            heard = Heard()
            one.on("inbox", heard.note)
            async with asyncio.timeout(60):
                while not heard:
                    two.ring("inbox", "n1")
                    await asyncio.sleep(0.05)


async def test_where_a_node_is_alone_nothing_is_sent(store: Store) -> None:
    said: list[object] = []
    alone = True
    con = await asyncpg.connect(store.dsn)
    await con.add_listener("switchroom", lambda *told: said.append(told[-1]))
    async with hanging(store, A, needed=lambda: not alone) as bell:
        bell.ring("journal")
        await until(lambda: not bell._waiting)
        alone = False
        bell.ring("inbox", "n2")
        await until(lambda: said)
    await con.close()
    assert said == ['["n1",[["inbox","n2"]]]']


async def test_what_is_no_ring_of_ours_is_ignored(store: Store) -> None:
    async with hanging(store, A) as one, hanging(store, B) as two:
        await connected(one, two)
        await store.pool.execute("SELECT pg_notify('switchroom', 'good morning')")
        heard = Heard()
        two.on("inbox", heard.note)
        one.ring("inbox")
        await until(lambda: heard)


async def test_a_ring_carries_a_name_only(store: Store) -> None:
    bell = Bell(store.wires, A)
    with pytest.raises(ValueError, match="carries a name"):
        bell.ring("inbox", "x" * MOST_BYTES)
