"""The statement of a handover: all of it or nothing, once, and only to who still is as agreed."""

from collections.abc import Awaitable, Callable

import pytest
from msgspec import Struct
from msgspec.structs import replace

from gateway.core import model as m
from gateway.core.ids import NodeName
from gateway.store.contract import Fenced, Term, VersionConflict
from gateway.store.handover import Handed, HandoverRows, PgHandover
from gateway.store.homes import Claimed, HomeRows, PgHomes
from gateway.store.opening import Store, new_id
from gateway.store.relay import PgRelay, RelayRows
from tests.store.rows import (
    BOB,
    EVA,
    NOW,
    Opened,
    Pen,
    a_case,
    an_inbound,
    an_item,
    an_outgoing,
    from_ann,
)
from tests.support.database import Incarnations
from tests.support.memory_handover import MemoryHandover
from tests.support.memory_homes import MemoryHomes
from tests.support.memory_relay import MemoryRelay
from tests.support.memory_store import MemoryStore
from tests.support.memory_tables import Tables

A, B, C = NodeName("n1"), NodeName("n2"), NodeName("n3")


class Node(Struct):
    """One incarnation of a node, begun."""

    pen: Pen
    rows: HandoverRows
    homes: HomeRows
    relay: RelayRows

    @property
    def term(self) -> Term:
        return self.pen.term


Starts = Callable[[NodeName], Awaitable[Node]]


class Had(Struct):
    """What a node had before it handed it over."""

    handed: Handed
    status: m.AgentStatus
    item: m.Item
    case: m.Case
    order: m.Outgoing


async def filled(one: Node) -> Had:
    """An agent with an item of a customer, an order, and contacts that wait for a decision."""
    (first,) = await one.pen.journal.receive(
        one.term, [an_inbound("k1", identity=from_ann(verified=True))], []
    )
    assert first.customer is not None
    status = m.AgentStatus(name=EVA, since=NOW, idle_since=NOW, home=A, version=1, tabs=1)
    case = a_case(customer=first.customer)
    item = an_item(case, owner=A, customer=first.customer, agent=EVA, state=m.ItemState.ASSIGNED)
    order = an_outgoing(case=case.id)
    failed = an_outgoing(case=case.id, state=m.OutboundState.FAILED)
    await one.pen.rows(status, case, item, order, failed)
    handed = Handed(
        id=new_id(),
        reason="better there",
        agents=(EVA,),
        items=(item.id,),
        orders=(order.id,),
        customers=(first.customer.id,),
        cases=(case.id,),
    )
    return Had(handed, status, item, case, order)


class HandoverConformance:
    """Subclass it with a fixture ``starts`` that begins an incarnation of a node."""

    async def test_all_that_is_named_and_what_hangs_on_it_changes_hands(
        self, starts: Starts
    ) -> None:
        one, two = await starts(A), await starts(B)
        had = await filled(one)
        assert await one.rows.hand_over(one.term, B, two.term.epoch, had.handed)
        (question,) = await two.relay.waiting(B)
        assert (question.id, question.asker, question.kind) == (had.handed.id, A, "handed_over")
        part = await two.rows.handed(B, had.handed)
        assert part.statuses == (had.status,)
        assert part.items == ((had.item, had.case),)
        assert part.outbox == (had.order,)
        assert [row.inbound.key for row in part.received] == ["k1"]
        assert part.received[0].stored.customer == had.item.customer
        assert (await one.rows.handed(A, had.handed)).count == 0
        left = await one.pen.loaded()
        assert (left.statuses, left.items, left.outbox, left.received) == ((), (), (), ())
        loaded = await two.pen.loaded()
        assert (loaded.items, loaded.cases, loaded.outbox) == (
            (had.item,),
            (had.case,),
            (had.order,),
        )
        assert loaded.handed == (had.handed.id,)

    async def test_the_documents_stay_and_the_new_node_may_write_them(self, starts: Starts) -> None:
        one, two = await starts(A), await starts(B)
        had = await filled(one)
        await one.rows.hand_over(one.term, B, two.term.epoch, had.handed)
        with pytest.raises(VersionConflict):
            await one.pen.rows(replace(had.item, version=2))
        await two.pen.rows(
            replace(had.case, version=2),
            replace(had.item, version=2, owner=B),
            replace(had.order, version=2),
            replace(had.status, version=2, home=B),
        )

    async def test_a_repeat_does_nothing_whatever_has_happened_since(self, starts: Starts) -> None:
        one, two = await starts(A), await starts(B)
        had = await filled(one)
        assert await one.rows.hand_over(one.term, B, two.term.epoch, had.handed)
        back = replace(had.handed, id=new_id())
        assert await two.rows.hand_over(two.term, A, one.term.epoch, back)
        assert await one.rows.hand_over(one.term, B, two.term.epoch, had.handed)
        assert (await one.rows.handed(A, back)).count == 4

    async def test_what_is_open_of_a_customer_and_does_not_go_along_is_left_behind(
        self, starts: Starts
    ) -> None:
        one, two = await starts(A), await starts(B)
        had = await filled(one)
        without = replace(had.handed, items=())
        assert not await one.rows.left_behind(A, had.handed)
        assert await one.rows.left_behind(A, without)
        assert not await two.rows.left_behind(B, without)
        await one.rows.hand_over(one.term, B, two.term.epoch, had.handed)
        assert not await one.rows.left_behind(A, without)
        assert await two.rows.left_behind(B, without)
        done = {"state": m.ItemState.COMPLETED, "ended_at": NOW}
        await two.pen.rows(replace(had.item, version=2, owner=B, **done))
        assert not await two.rows.left_behind(B, without)

    async def test_who_is_not_what_it_was_gets_nothing(self, starts: Starts) -> None:
        one, two = await starts(A), await starts(B)
        had = await filled(one)
        await starts(B)
        assert not await one.rows.hand_over(one.term, B, two.term.epoch, had.handed)
        assert not await one.rows.hand_over(one.term, C, 1, had.handed)
        assert (await one.rows.handed(A, had.handed)).count == 4
        assert await one.relay.waiting(B) == []

    async def test_a_fenced_node_hands_nothing_over(self, starts: Starts) -> None:
        one, two = await starts(A), await starts(B)
        had = await filled(one)
        await starts(A)
        with pytest.raises(Fenced):
            await one.rows.hand_over(one.term, B, two.term.epoch, had.handed)
        assert (await two.rows.handed(A, had.handed)).count == 4

    async def test_what_is_not_ours_cannot_be_handed_over(self, starts: Starts) -> None:
        one, two, third = await starts(A), await starts(B), await starts(C)
        had = await filled(one)
        with pytest.raises(VersionConflict):
            await third.rows.hand_over(third.term, B, two.term.epoch, had.handed)
        assert (await one.rows.handed(A, had.handed)).count == 4

    async def test_who_came_with_it_is_not_settled_before_it_is_told(self, starts: Starts) -> None:
        one, two = await starts(A), await starts(B)
        had = await filled(one)
        fresh = m.AgentStatus(name=EVA, since=NOW, idle_since=NOW)
        await one.rows.hand_over(one.term, B, two.term.epoch, had.handed)
        found = await two.homes.claim(two.term, fresh)
        assert isinstance(found, Claimed)
        assert (found.settled, found.whole) == (False, False)
        new = await two.homes.claim(two.term, replace(fresh, name=BOB))
        assert isinstance(new, Claimed)
        assert new.settled, "who had no home holds nothing"
        await two.relay.answer(two.term, had.handed.id, b"{}")
        found = await two.homes.claim(two.term, fresh)
        assert isinstance(found, Claimed)
        assert (found.settled, found.whole) == (True, True)
        assert (await two.pen.loaded()).handed == ()

    async def test_what_nobody_keeps_in_memory_goes_in_parts(self, starts: Starts) -> None:
        one, two = await starts(A), await starts(B)
        for _ in range(3):
            await one.pen.rows(an_outgoing(state=m.OutboundState.FAILED))
        done = []
        while n := await one.rows.hand_over_quiet(one.term, B, two.term.epoch, 2):
            done.append(n)
        assert done == [2, 1]
        assert await one.rows.hand_over_quiet(one.term, B, 99, 2) is None


@pytest.mark.integration
class TestPostgres(HandoverConformance):
    @pytest.fixture
    def starts(self, store: Store, incarnations: Incarnations) -> Starts:
        async def start(name: NodeName) -> Node:
            journal, _ = incarnations()
            pen = Pen(Opened(journal, store.lookup), await journal.begin(name, "eu"))
            pool, sql = store.pool, store.sql
            return Node(pen, PgHandover(pool, sql), PgHomes(pool, sql), PgRelay(pool, sql))

        return start


class TestMemory(HandoverConformance):
    @pytest.fixture
    async def starts(self) -> Starts:
        tables = Tables(new_id)

        async def start(name: NodeName) -> Node:
            store = MemoryStore(tables)
            pen = Pen(Opened(store, store), await store.begin(name, "eu"))
            return Node(pen, MemoryHandover(store), MemoryHomes(store), MemoryRelay(store))

        return start
