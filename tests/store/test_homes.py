"""Whose an agent is: one node has the row, whoever asks at once, and nobody takes it from it."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from msgspec import Struct
from msgspec.structs import replace

from gateway.core import model as m
from gateway.core.election import Peer
from gateway.core.ids import AgentName, NodeName
from gateway.store.cluster import PgCluster
from gateway.store.contract import Card, Fenced, Term
from gateway.store.homes import Claimed, HomeOf, HomeRows, PgHomes
from gateway.store.opening import Store, new_id
from gateway.store.takeover import Cluster
from tests.store.rows import BOB, EVA, NOW, Opened, Pen
from tests.support.database import Incarnations
from tests.support.memory_cluster import MemoryCluster
from tests.support.memory_homes import MemoryHomes
from tests.support.memory_store import MemoryStore
from tests.support.memory_tables import Tables

A, B, C = NodeName("n1"), NodeName("n2"), NodeName("n3")


class Node(Struct):
    """One incarnation of a node, begun."""

    pen: Pen
    cluster: Cluster
    homes: HomeRows

    @property
    def term(self) -> Term:
        return self.pen.term

    async def claim(self, agent: AgentName = EVA) -> Claimed | HomeOf:
        return await self.homes.claim(self.term, never_seen(agent))

    async def show(self, **card: Any) -> None:
        await self.pen.journal.renew(self.term, Card(**card))

    async def seen(self, node: NodeName) -> Peer:
        peers = (await self.pen.journal.renew(self.term)).peers
        return next(peer for peer in peers if peer.node == node)


Starts = Callable[[NodeName], Awaitable[Node]]


def never_seen(agent: AgentName) -> m.AgentStatus:
    return m.AgentStatus(name=agent, since=NOW, idle_since=NOW)


def taken(answer: Claimed | HomeOf) -> m.AgentStatus:
    assert isinstance(answer, Claimed)
    return answer.status


class HomesConformance:
    """Subclass it with a fixture ``starts`` that begins an incarnation of a node."""

    async def test_of_two_who_meet_somebody_new_one_is_the_home(self, starts: Starts) -> None:
        one, two = await starts(A), await starts(B)
        for name in (f"agent-{n}" for n in range(20)):
            answers = await asyncio.gather(one.claim(AgentName(name)), two.claim(AgentName(name)))
            homes = [a.node for a in answers if isinstance(a, HomeOf)]
            assert homes == [B if isinstance(answers[1], Claimed) else A]

    async def test_of_a_crowd_that_comes_to_two_nodes_everybody_has_one_home(
        self, starts: Starts
    ) -> None:
        one, two = await starts(A), await starts(B)
        crowd = [AgentName(f"agent-{n:03}") for n in range(300)]
        answers = await asyncio.gather(
            *(one.claim(name) for name in crowd),
            *(two.claim(name) for name in reversed(crowd)),
            *(one.claim(name) for name in crowd[:50]),
        )
        at_one = dict(zip(crowd, answers, strict=False))
        at_two = dict(zip(reversed(crowd), answers[300:], strict=False))
        for name in crowd:
            home, guest = at_one[name], at_two[name]
            if isinstance(home, HomeOf):
                home, guest = guest, home
            assert taken(home).name == name
            assert isinstance(guest, HomeOf)
            assert guest.node == (A if home is at_one[name] else B)
        for name, again in zip(crowd, answers[600:], strict=False):
            assert type(again) is type(at_one[name])

    async def test_what_is_ours_stays_ours_however_often_we_ask(self, starts: Starts) -> None:
        one = await starts(A)
        first = taken(await one.claim())
        assert (first.home, first.version, first.epoch, first.tabs) == (None, 1, 0, 0)
        assert taken(await one.claim()) == first
        written = replace(first, version=2, epoch=1, home=A)
        await one.pen.rows(written)
        assert taken(await one.claim()) == written, "as it was last written"

    async def test_the_home_of_another_is_named_with_its_address(self, starts: Starts) -> None:
        one, two = await starts(A), await starts(B)
        await one.show(urls={"agent": "ws://one/agent/v1"})
        await one.claim()
        assert await two.claim() == HomeOf(node=A, url="ws://one/agent/v1", serving=True)
        await one.show(state="leaving", urls={"agent": "ws://one/agent/v1"})
        assert await two.claim() == HomeOf(node=A, url="ws://one/agent/v1", serving=False)

    async def test_who_was_given_up_is_the_next_one_s(self, starts: Starts) -> None:
        one, two = await starts(A), await starts(B)
        mine = taken(await one.claim())
        await one.pen.rows(replace(mine, version=2, epoch=7, home=None))
        answer = await two.claim()
        assert isinstance(answer, Claimed)
        assert (answer.status.version, answer.status.epoch, answer.settled) == (2, 7, True)
        assert isinstance(await one.claim(), HomeOf)
        loaded = [s.name for s in (await two.pen.loaded()).statuses]
        assert (loaded, (await one.pen.loaded()).statuses) == ([EVA], ())

    async def test_nobody_s_agents_are_loaded_by_nobody(self, starts: Starts) -> None:
        one, two = await starts(A), await starts(B)
        mine = taken(await one.claim())
        await one.pen.rows(replace(mine, version=2, home=None))
        assert (await one.pen.loaded()).statuses == ()
        assert (await two.pen.loaded()).statuses == ()

    async def test_who_was_fenced_claims_nobody(self, starts: Starts) -> None:
        one, two = await starts(A), await starts(B)
        await two.cluster.fence(two.term, await two.seen(A))
        with pytest.raises(Fenced):
            await one.claim()
        assert isinstance(await two.claim(), Claimed)

    async def test_the_dead_s_agents_are_nobody_s_until_they_are_adopted(
        self, starts: Starts
    ) -> None:
        one, two, third = await starts(A), await starts(B), await starts(C)
        await one.show(urls={"agent": "ws://one/agent/v1"})
        await one.claim()
        await two.cluster.fence(two.term, await two.seen(A))
        for node in (two, third):
            assert await node.claim() == HomeOf(node=A, url="ws://one/agent/v1", serving=False)

        part = await two.cluster.estate(A)
        await two.cluster.adopt(two.term, A, part)
        half_way = await two.claim()
        assert isinstance(half_way, Claimed)
        assert (half_way.settled, half_way.whole) == (False, False), "items may come yet"
        new = await two.claim(BOB)
        assert isinstance(new, Claimed)
        assert (new.settled, new.whole) == (True, False), "who had no home holds nothing"

        await two.cluster.end(two.term, A)
        settled = await two.claim()
        assert isinstance(settled, Claimed)
        assert (settled.settled, settled.whole) == (True, True)
        elsewhere = await third.claim()
        assert isinstance(elsewhere, HomeOf)
        assert elsewhere.node == B

    async def test_everybody_s_status_can_be_read_wherever_the_home_is(
        self, starts: Starts
    ) -> None:
        one, two = await starts(A), await starts(B)
        await one.claim(EVA)
        await two.claim(BOB)
        found = await one.homes.statuses([EVA, BOB, AgentName("nobody")])
        assert {name: status.home for name, status in found.items()} == {EVA: A, BOB: B}


@pytest.mark.integration
class TestPostgres(HomesConformance):
    @pytest.fixture
    def starts(self, store: Store, incarnations: Incarnations) -> Starts:
        async def start(name: NodeName) -> Node:
            journal, fence = incarnations()
            cluster = PgCluster(pool=store.pool, fence=fence, sql=store.sql)
            pen = Pen(Opened(journal, store.lookup), await journal.begin(name, "eu"))
            node = Node(pen, cluster, PgHomes(store.pool, store.sql))
            await node.show()
            return node

        return start


class TestMemory(HomesConformance):
    @pytest.fixture
    async def starts(self) -> Starts:
        tables = Tables(new_id)

        async def start(name: NodeName) -> Node:
            store = MemoryStore(tables)
            pen = Pen(Opened(store, store), await store.begin(name, "eu"))
            node = Node(pen, MemoryCluster(store), MemoryHomes(store))
            await node.show()
            return node

        return start
