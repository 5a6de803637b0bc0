"""Fencing and adopting: one winner, every row once, whatever is repeated or comes too late."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from msgspec import Struct
from msgspec.structs import replace

from gateway.core import events as e
from gateway.core import model as m
from gateway.core.election import Peer
from gateway.core.ids import NodeName
from gateway.core.inbound import Inbound
from gateway.store.cluster import PgCluster
from gateway.store.contract import Card, Fenced, Seen, Term, VersionConflict
from gateway.store.opening import Store, new_id
from gateway.store.takeover import Cluster, Estate
from tests.store.rows import (
    BOB,
    EVA,
    NOW,
    Opened,
    Pen,
    a_case,
    an_event,
    an_inbound,
    an_item,
    an_outgoing,
    from_ann,
)
from tests.support.database import Incarnations
from tests.support.memory_cluster import MemoryCluster
from tests.support.memory_store import MemoryStore
from tests.support.memory_tables import Tables

A, B, C = NodeName("n1"), NodeName("n2"), NodeName("n3")
CHUNK = 2


class Node(Struct):
    """One incarnation of a node, begun."""

    pen: Pen
    cluster: Cluster

    @property
    def term(self) -> Term:
        return self.pen.term

    async def seen(self, node: NodeName) -> Peer:
        return of(await self.pen.journal.renew(self.term), node)


Starts = Callable[[NodeName], Awaitable[Node]]


def of(seen: Seen, node: NodeName) -> Peer:
    return next(peer for peer in seen.peers if peer.node == node)


async def take_all(node: Node, dead: NodeName) -> list[Estate]:
    """Everything of a fenced node; what there was, in parts."""
    parts = []
    while (part := await node.cluster.estate(dead)).count:
        await node.cluster.adopt(node.term, dead, part)
        parts.append(part)
    while await node.cluster.adopt_quiet(node.term, dead):
        pass
    await node.cluster.end(node.term, dead)
    return parts


def a_status(name: Any, home: NodeName, **changes: Any) -> m.AgentStatus:
    status = m.AgentStatus(name=name, since=NOW, idle_since=NOW, home=home, version=1)
    return replace(status, **changes)


class ClusterConformance:
    """Subclass it with a fixture ``starts`` that begins an incarnation of a node."""

    async def test_each_renewal_shows_every_node(self, starts: Starts) -> None:
        one, two = await starts(A), await starts(B)
        card = Card(region="eu", urls={"http": "http://a"}, version="1", place="here, process 1")

        await one.pen.journal.renew(one.term, card)
        first = await two.seen(A)
        await one.pen.journal.renew(one.term)
        second = await two.seen(A)

        assert second.counter == first.counter + 1
        assert (second.epoch, second.fence, second.heir) == (1, 1, None)
        assert not second.fenced
        assert (second.state, second.region, second.version) == ("serving", "eu", "1")
        assert (second.urls, second.place) == ({"http": "http://a"}, "here, process 1")

    async def test_a_look_is_one_timeline(self, starts: Starts) -> None:
        one = await starts(A)
        looks = [await one.pen.journal.renew(one.term) for _ in range(2)]
        assert looks[0].timeline == looks[1].timeline > 0

    async def test_of_two_who_fence_one_wins(self, starts: Starts) -> None:
        dead, one, two = await starts(A), await starts(B), await starts(C)
        seen = await one.seen(A)

        won = await asyncio.gather(
            one.cluster.fence(one.term, seen), two.cluster.fence(two.term, seen)
        )

        assert sorted(won) == [False, True]
        after = await one.seen(A)
        assert after.fenced
        assert after.heir == (B if won[0] else C)
        with pytest.raises(Fenced):
            await dead.pen.rows(a_case())
        with pytest.raises(Fenced):
            await dead.pen.journal.renew(dead.term)
        with pytest.raises(Fenced):
            await dead.pen.journal.receive(dead.term, [an_inbound()], [])

    async def test_who_renewed_after_it_was_seen_is_not_fenced(self, starts: Starts) -> None:
        living, one = await starts(A), await starts(B)
        seen = await one.seen(A)
        await living.pen.journal.renew(living.term)
        assert not await one.cluster.fence(one.term, seen)
        await living.pen.rows(a_case())

    async def test_who_began_again_after_it_was_seen_is_not_fenced(self, starts: Starts) -> None:
        await starts(A)
        one = await starts(B)
        seen = await one.seen(A)
        again = await starts(A)
        assert not await one.cluster.fence(one.term, seen)
        await again.pen.rows(a_case())

    async def test_a_fenced_node_fences_nobody(self, starts: Starts) -> None:
        await starts(A)
        one, two = await starts(B), await starts(C)
        dead = await one.seen(A)
        assert await two.cluster.fence(two.term, await two.seen(B))
        with pytest.raises(Fenced):
            await one.cluster.fence(one.term, dead)

    async def test_a_fenced_node_does_not_raise_its_own_epoch(self, starts: Starts) -> None:
        old, one = await starts(A), await starts(B)
        entry = old.pen.entry(an_event())
        assert await one.cluster.fence(one.term, await one.seen(A))
        with pytest.raises(Fenced):
            await old.pen.journal.resolve(old.term, entry.position)

    async def test_everything_open_changes_hands_and_nothing_else(self, starts: Starts) -> None:
        dead, one = await starts(A), await starts(B)
        cases = [a_case() for _ in range(4)]
        items = [an_item(case) for case in cases[:3]]
        ended = an_item(cases[3], state=m.ItemState.COMPLETED, ended_at=NOW)
        orders = [an_outgoing() for _ in range(3)]
        sent = an_outgoing(state=m.OutboundState.SENT)
        failed = an_outgoing(state=m.OutboundState.FAILED)
        agents = [a_status(EVA, A), a_status(BOB, A)]
        await dead.pen.rows(*cases, *items, ended, *orders, sent, failed, *agents)
        inbounds = [an_inbound(key=f"k{n}") for n in range(3)]
        stored = await dead.pen.journal.receive(dead.term, inbounds, [])
        done = m.InboundDone(id=stored[0].id, status="processed")
        await dead.pen.rows(done)
        mine = an_item(cases[3], owner=B)
        await one.pen.rows(mine)
        assert await one.cluster.fence(one.term, await one.seen(A))

        parts = await take_all(one, A)

        loaded = await one.pen.loaded()
        assert {i.id for i in loaded.items} == {i.id for i in items} | {mine.id}
        assert {c.id for c in loaded.cases} == {c.id for c in cases}
        assert {o.id for o in loaded.outbox} == {o.id for o in orders}
        assert {s.name for s in loaded.statuses} == {EVA, BOB}
        assert [r.stored.id for r in loaded.received] == [s.id for s in stored[1:]]
        adopted = [pair for part in parts for pair in part.items]
        assert [item for item, _ in adopted] == sorted(items, key=lambda item: item.id)
        assert all(item.case == case.id for item, case in adopted)
        assert max(part.count for part in parts) <= CHUNK
        assert not (await one.seen(A)).heir

    async def test_the_heir_may_write_what_it_has_adopted(self, starts: Starts) -> None:
        dead, one = await starts(A), await starts(B)
        case, order, status = a_case(), an_outgoing(), a_status(EVA, A)
        item = an_item(case)
        await dead.pen.rows(case, item, order, status)
        assert await one.cluster.fence(one.term, await one.seen(A))
        await take_all(one, A)
        await one.pen.rows(
            replace(item, version=2, owner=B),
            replace(order, version=2),
            replace(status, version=2, home=B),
        )
        assert (await one.pen.loaded()).items[0].owner == B

    async def test_what_is_to_leave_comes_with_the_items_of_its_case(self, starts: Starts) -> None:
        """Else whatever is said next there, by a rule that looks at them say, would overtake it."""
        dead, one = await starts(A), await starts(B)
        cases = [a_case() for _ in range(2 * CHUNK)]
        orders = [replace(an_outgoing(), case=case.id) for case in cases]
        await dead.pen.rows(*cases, *(an_item(case) for case in cases), *orders)
        assert await one.cluster.fence(one.term, await one.seen(A))
        parts = await take_all(one, A)
        for part in parts:
            assert {order.case for order in part.outbox} == {case.id for _, case in part.items}
        assert sum(len(part.outbox) for part in parts) == len(orders)

    async def test_nobody_writes_a_row_of_another_node(self, starts: Starts) -> None:
        one, two = await starts(A), await starts(B)
        case = a_case()
        item, order = an_item(case), an_outgoing()
        await one.pen.rows(case, item, order)
        for row in (replace(item, version=2), replace(order, version=2)):
            with pytest.raises(VersionConflict):
                await two.pen.rows(row)

    async def test_adopting_again_is_harmless(self, starts: Starts) -> None:
        dead, one = await starts(A), await starts(B)
        case = a_case()
        await dead.pen.rows(case, an_item(case), an_outgoing(), a_status(EVA, A))
        await dead.pen.journal.receive(dead.term, [an_inbound()], [])
        assert await one.cluster.fence(one.term, await one.seen(A))
        while (part := await one.cluster.estate(A)).count:
            for _ in range(2):  # the answer to the first was lost
                await one.cluster.adopt(one.term, A, part)
        loaded = await one.pen.loaded()
        found = (loaded.items, loaded.outbox, loaded.statuses, loaded.received)
        assert [len(rows) for rows in found] == [1, 1, 1, 1]

    async def test_only_the_heir_adopts_and_only_while_it_lives(self, starts: Starts) -> None:
        dead, one, two = await starts(A), await starts(B), await starts(C)
        case = a_case()
        await dead.pen.rows(case, an_item(case))
        assert await one.cluster.fence(one.term, await one.seen(A))
        part = await two.cluster.estate(A)
        with pytest.raises(VersionConflict):
            await two.cluster.adopt(two.term, A, part)
        assert await two.cluster.fence(two.term, await two.seen(B))
        with pytest.raises(Fenced):
            await one.cluster.adopt(one.term, A, part)
        with pytest.raises(Fenced):
            await one.cluster.adopt_quiet(one.term, A)
        with pytest.raises(Fenced):
            await one.cluster.end(one.term, A)

    async def test_a_takeover_that_stopped_goes_to_who_takes_over_the_heir(
        self, starts: Starts
    ) -> None:
        dead, one, two = await starts(A), await starts(B), await starts(C)
        cases = [a_case() for _ in range(5)]
        await dead.pen.rows(*cases, *(an_item(case) for case in cases))
        assert await one.cluster.fence(one.term, await one.seen(A))
        await one.cluster.adopt(one.term, A, await one.cluster.estate(A))

        assert await two.cluster.fence(two.term, await two.seen(B))
        await two.cluster.inherit(two.term, B)

        assert (await two.seen(A)).heir == C
        await take_all(two, B)
        await take_all(two, A)
        assert len((await two.pen.loaded()).items) == 5

    async def test_of_two_that_are_each_others_heirs_one_inherits(self, starts: Starts) -> None:
        await starts(A)
        one = await starts(B)
        assert await one.cluster.fence(one.term, await one.seen(A))
        again = await starts(A)  # waits for its heir, which dies
        assert await again.cluster.fence(again.term, await again.seen(B))
        both = await starts(B)
        await again.cluster.inherit(again.term, B)
        await both.cluster.inherit(both.term, A)  # asks second
        assert ((await both.seen(A)).heir, (await both.seen(B)).heir) == (None, A)

    async def test_a_new_incarnation_of_the_heir_goes_on(self, starts: Starts) -> None:
        dead, one = await starts(A), await starts(B)
        cases = [a_case() for _ in range(5)]
        await dead.pen.rows(*cases, *(an_item(case) for case in cases))
        assert await one.cluster.fence(one.term, await one.seen(A))
        await one.cluster.adopt(one.term, A, await one.cluster.estate(A))
        again = await starts(B)
        with pytest.raises(Fenced):
            await one.cluster.adopt(one.term, A, await one.cluster.estate(A))
        await take_all(again, A)
        assert len((await again.pen.loaded()).items) == 5

    async def test_who_dies_again_while_it_is_taken_over_keeps_its_heir(
        self, starts: Starts
    ) -> None:
        """All that a node had goes to one other node."""
        await starts(A)
        one, two = await starts(B), await starts(C)
        assert await one.cluster.fence(one.term, await one.seen(A))
        await starts(A)  # it waits, and dies
        assert await two.cluster.fence(two.term, await two.seen(A))
        after = await two.seen(A)
        assert (after.heir, after.fenced) == (B, True)

    async def test_a_node_that_stopped_says_so_until_it_begins_again(self, starts: Starts) -> None:
        one, two = await starts(A), await starts(B)
        await one.cluster.leave(one.term)
        assert (await two.seen(A)).state == "stopped"
        await starts(A)
        await one.cluster.leave(one.term)  # the old one has no say any more
        row = await two.cluster.row_of(A)
        assert row is not None
        assert row.state == "joining"
        assert await two.cluster.row_of(NodeName("nobody")) is None

    async def test_what_comes_to_two_nodes_is_decided_by_the_first(self, starts: Starts) -> None:
        one, two = await starts(A), await starts(B)
        inbound: Inbound = an_inbound()
        [first] = await one.pen.journal.receive(one.term, [inbound], [])
        [second] = await two.pen.journal.receive(two.term, [inbound], [])
        assert (first.fresh, first.node) == (True, A)
        assert (second.fresh, second.node, second.id) == (False, A, first.id)

    async def test_agents_are_loaded_where_they_are_at_home(self, starts: Starts) -> None:
        one, two = await starts(A), await starts(B)
        await one.pen.rows(a_status(EVA, A))
        await two.pen.rows(a_status(BOB, B))
        assert [s.name for s in (await one.pen.loaded()).statuses] == [EVA]
        assert [s.name for s in (await two.pen.loaded()).statuses] == [BOB]


@pytest.mark.integration
class TestPostgres(ClusterConformance):
    @pytest.fixture
    def starts(self, store: Store, incarnations: Incarnations) -> Starts:
        async def start(name: NodeName) -> Node:
            journal, fence = incarnations()
            cluster = PgCluster(pool=store.pool, fence=fence, sql=store.sql, chunk=CHUNK)
            pen = Pen(Opened(journal, store.lookup), await journal.begin(name, "eu"))
            return Node(pen, cluster)

        return start

    async def test_customers_and_what_was_put_aside_go_along(
        self, starts: Starts, store: Store
    ) -> None:
        dead, one = await starts(A), await starts(B)
        await dead.pen.rows(*(an_outgoing(state=m.OutboundState.FAILED) for _ in range(3)))
        from_somebody = an_inbound(identity=from_ann(verified=True))
        [stored] = await dead.pen.journal.receive(dead.term, [from_somebody], [])
        aside = m.InboundDone(id=stored.id, status="quarantined")
        event = e.InboundDecided(inbound=stored.id, status="quarantined")
        await dead.pen.write(dead.pen.entry(event, aside))
        waits = an_inbound(key="waits", identity=from_ann(verified=False))
        await dead.pen.journal.receive(dead.term, [waits], [])
        assert await one.cluster.fence(one.term, await one.seen(A))

        await take_all(one, A)

        for whose in (
            "SELECT home FROM customer WHERE NOT verified",
            "SELECT node FROM outbox",
            "SELECT node FROM inbox",
        ):
            rows = await store.pool.fetch(whose)
            assert rows
            assert {row[0] for row in rows} == {B}
        # Of whom nothing is open, the next contact will find a home.
        homes = await store.pool.fetch("SELECT home FROM customer WHERE verified")
        assert [row[0] for row in homes] == [A]


class TestMemory(ClusterConformance):
    @pytest.fixture
    def starts(self) -> Starts:
        tables = Tables(new_id)

        async def start(name: NodeName) -> Node:
            store = MemoryStore(tables)
            pen = Pen(Opened(store, store), await store.begin(name, "eu"))
            return Node(pen, MemoryCluster(store, chunk=CHUNK))

        return start
