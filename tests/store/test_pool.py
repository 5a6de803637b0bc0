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

    async def fetchval(self, query: str) -> Any:
        if self.timeline is None:
            await asyncio.Event().wait()
        return self.timeline

    def terminate(self) -> None:
        self.open -= 1


class Cluster:
    def __init__(self, **servers: int | None) -> None:
        self.servers = {name: Server(timeline) for name, timeline in servers.items()}
        hosts = [Host(name) for name in servers]
        self.connector = Connector(hosts, self.open_one, seconds=0.05)

    async def open_one(self, host: Host) -> Server:
        server = self.servers[host.name]
        if server.timeline == -1:
            raise ConnectionRefusedError("refused")
        server.open += 1
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
