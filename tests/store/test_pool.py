"""Which server a connection goes to, played with hosts that answer as told."""

import asyncio
from typing import Any

import pytest

from gateway.store.contract import Unavailable
from gateway.store.pool import Connector, Host, hosts_of


class Server:
    """A host that is a primary on ``timeline``, a standby (0), or does not answer (``None``)."""

    def __init__(self, timeline: int | None) -> None:
        self.timeline = timeline
        self.open = 0
        self.opened = 0

    async def fetchval(self, query: str) -> Any:
        if self.timeline is None:
            await asyncio.Event().wait()
        return self.timeline

    def terminate(self) -> None:
        self.open -= 1

    def is_closed(self) -> bool:
        return self.open == 0


class Cluster:
    def __init__(self, *, patience: float = 0.0, **servers: int | None) -> None:
        self.servers = {name: Server(timeline) for name, timeline in servers.items()}
        hosts = [Host(name) for name in servers]
        self.connector = Connector(hosts, self.open_one, seconds=0.05, patience=patience)

    async def open_one(self, host: Host) -> Server:
        server = self.servers[host.name]
        if server.timeline == -1:
            raise ConnectionRefusedError("refused")
        server.open += 1
        server.opened += 1
        return server

    async def connect(self) -> str:
        chosen = await self.connector.connect()
        return next(name for name, server in self.servers.items() if server is chosen)

    def open(self) -> dict[str, int]:
        return {name: server.open for name, server in self.servers.items() if server.open}


async def test_the_primary_is_taken_and_the_others_are_let_go() -> None:
    cluster = Cluster(a=0, b=4, c=-1)
    assert await cluster.connect() == "b"
    assert cluster.open() == {"b": 1}


async def test_of_two_primaries_the_one_with_the_highest_timeline() -> None:
    assert await Cluster(old=4, new=5).connect() == "new"
    assert await Cluster(new=5, old=4).connect() == "new"


async def test_a_frozen_host_costs_its_own_second_and_no_more() -> None:
    cluster = Cluster(frozen=None, good=2)
    async with asyncio.timeout(5):
        assert await cluster.connect() == "good"
    assert cluster.open() == {"good": 1}


async def test_a_host_that_stays_frozen_costs_a_second_only_once() -> None:
    cluster = Cluster(frozen=None, good=2)
    cluster.connector.seconds = 1.0
    await cluster.connect()
    began = asyncio.get_running_loop().time()
    assert await cluster.connect() == "good"
    assert asyncio.get_running_loop().time() - began < 0.5
    assert cluster.open() == {"good": 2}


async def test_a_frozen_host_that_wakes_is_asked_like_any_other() -> None:
    cluster = Cluster(frozen=None, good=2)
    await cluster.connect()
    cluster.servers["frozen"].timeline = 3
    assert await cluster.connect() == "frozen"


async def test_it_never_goes_back_to_a_lower_timeline() -> None:
    cluster = Cluster(old=4, new=5)
    await cluster.connect()
    cluster.servers["new"].timeline = -1
    with pytest.raises(Unavailable, match="timeline 4, but 5 was seen"):
        await cluster.connect()
    cluster.servers["new"].timeline = 5
    assert await cluster.connect() == "new"


async def test_without_a_primary_it_says_what_each_host_said() -> None:
    cluster = Cluster(a=0, b=-1, c=None)
    with pytest.raises(Unavailable) as refused:
        await cluster.connect()
    assert "a: a standby; b: refused; c: no answer" in str(refused.value)
    assert cluster.open() == {}


async def test_the_first_to_see_a_new_primary_cuts_everybody_off_the_old_one() -> None:
    cluster = Cluster(old=4, new=0)
    assert await cluster.connect() == "old"
    cluster.servers["new"].timeline = 5
    assert await cluster.connect() == "new"
    assert cluster.open() == {"new": 1}


async def test_a_short_absence_of_the_primary_is_waited_out() -> None:
    cluster = Cluster(patience=30.0, a=4, b=0)
    await cluster.connect()
    cluster.servers["a"].timeline = -1
    async with asyncio.timeout(10), asyncio.TaskGroup() as group:
        waiting = group.create_task(cluster.connect())
        while not cluster.connector.sight.problem:  # noqa: ASYNC110 - nobody tells us
            await asyncio.sleep(0.01)
        assert not waiting.done()
        cluster.servers["b"].timeline = 5
    assert waiting.result() == "b"


async def test_a_longer_absence_is_said_at_once() -> None:
    cluster = Cluster(patience=0.3, a=4)
    await cluster.connect()
    cluster.servers["a"].timeline = -1
    with pytest.raises(Unavailable):
        await cluster.connect()
    began = asyncio.get_running_loop().time()
    with pytest.raises(Unavailable, match="refused"):
        await cluster.connect()
    assert asyncio.get_running_loop().time() - began < 0.2


async def test_nobody_waits_for_a_primary_that_never_was() -> None:
    cluster = Cluster(patience=30.0, a=0)
    async with asyncio.timeout(5):
        with pytest.raises(Unavailable):
            await cluster.connect()


async def test_in_an_outage_one_looks_for_all() -> None:
    cluster = Cluster(a=4, b=0)
    await cluster.connect()
    cluster.servers["a"].timeline = 0
    with pytest.raises(Unavailable):
        await cluster.connect()
    before = cluster.servers["b"].opened

    told = await asyncio.gather(*(cluster.connect() for _ in range(50)), return_exceptions=True)

    assert all(isinstance(each, Unavailable) for each in told)
    assert cluster.servers["b"].opened == before + 1


async def test_what_was_opened_for_somebody_who_left_is_closed() -> None:
    cluster = Cluster(good=4, frozen=None)
    looking = asyncio.get_running_loop().create_task(cluster.connect())
    while not cluster.servers["frozen"].open:  # noqa: ASYNC110 - nobody tells us
        await asyncio.sleep(0)
    await asyncio.sleep(0)
    looking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await looking
    assert cluster.open() == {}


@pytest.mark.parametrize(
    ("dsn", "hosts"),
    [
        ("postgresql://u:p%40@db1,db2:6543/x", [Host("db1"), Host("db2", 6543)]),
        ("postgresql://u@[::1]:5433,[fe80::2]/x", [Host("::1", 5433), Host("fe80::2")]),
        ("postgresql:///x?host=a,b&port=1,2", [Host("a", 1), Host("b", 2)]),
        ("postgresql:///x?host=a,b&port=7", [Host("a", 7), Host("b", 7)]),
        ("postgresql://u@/x?host=/run/deep%20dir", [Host("/run/deep dir")]),
        ("postgresql://localhost", [Host("localhost")]),
        ("postgresql:///x", [Host()]),
    ],
)
def test_the_hosts_of_a_dsn(dsn: str, hosts: list[Host]) -> None:
    assert hosts_of(dsn) == hosts
