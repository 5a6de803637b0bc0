"""Handing over to a node that lives: all of it or nothing, once, whatever happens in between."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack, suppress
from typing import Any

import pytest
from msgspec.structs import replace

from gateway.cluster.sending import Sending
from gateway.core import acts
from gateway.core import commands as c
from gateway.core import events as e
from gateway.core.errors import Refused
from gateway.core.ids import AgentName, NodeName
from gateway.core.model import ChannelKind, Item, ItemState
from gateway.store.contract import Fenced
from tests.support.builders import agent, mail, task
from tests.support.clusternodes import Running, a_house, no_step, running, until
from tests.support.flownode import new_tables
from tests.support.memory_tables import Tables
from tests.support.virtual import run

A, B, C = NodeName("n1"), NodeName("n2"), NodeName("n3")
ANA, BOB, ZED = AgentName("ana"), AgentName("bob"), AgentName("zed")

Story = Callable[[Tables, Running, Running], Awaitable[None]]


def the_tables() -> Tables:
    profiles = [replace(agent(n), capacity={ChannelKind.TASK: 5}) for n in (ANA, BOB, ZED)]
    return a_house(new_tables(), *profiles)


def play(story: Story) -> None:
    async def two_nodes() -> None:
        tables = the_tables()
        async with running(tables, A) as one, running(tables, B) as two:
            await until(lambda: one.handover.peer(B) and two.handover.peer(A))
            await story(tables, one, two)

    run(two_nodes())


async def filed(one: Running, *titles: str) -> None:
    for title in titles:
        await one.node.intake.receive([task(title, subject=title, address="http://there/")])
    await until(lambda: set(titles) <= set(one.items))


async def in_hand(one: Running, name: AgentName, title: str) -> Item:
    """A task that the agent has accepted at this node."""
    await filed(one, title)
    await until(lambda: one.items[title].offer is not None)
    offer = one.items[title].offer
    assert offer is not None
    await one.act(name, c.Accept(id=one.command(), offer=offer.id))
    await one.caught_up()
    return one.items[title]


async def try_to(work: Awaitable[Any]) -> None:
    """Whoever asked is told that the node ends."""
    with suppress(Refused):
        await work


async def hand_over(one: Running, to: Running, *items: str, **more: Any) -> Any:
    ids = [one.items[title].id for title in items]
    epoch = one.tables.fences[to.name]
    agents = more.pop("agents", ())
    return await one.handover.hand_over(
        ids, agents, to=to.name, to_epoch=epoch, reason="it is better there", **more
    )


def is_whole(tables: Tables, *nodes: Running) -> None:
    """Every open item is in one node's hands, and each has what the disk says."""
    held = [(i.id, n.name) for n in nodes for i in n.node.ledger.state.items.values()]
    opened = [(i.id, n.name) for n in nodes for i in tables.open_items(n.name)]
    assert sorted(held) == sorted(opened)
    assert len({item for item, _ in held}) == len(held)
    for node in nodes:
        state = node.node.ledger.state
        for item in tables.open_items(node.name):
            assert state.items[item.id] == item
            assert state.cases[item.case] == tables.cases[item.case]
        homes = {n for n, home in tables.homes.items() if home == node.name}
        assert set(state.statuses) == homes
        assert set(state.outbox) == {o.id for o in tables.open_orders(node.name)}


def test_what_waits_goes_to_the_other_node_and_keeps_its_place() -> None:
    async def story(tables: Tables, one: Running, two: Running) -> None:
        await filed(one, "first", "second")
        before = one.items["first"]
        await asyncio.sleep(5.0)
        moved = await hand_over(one, two, "first")
        assert moved.items == (before.id,)
        await until(lambda: "first" in two.items)
        after = two.items["first"]
        assert (after.owner, after.queued_at, after.state) == (B, before.queued_at, before.state)
        assert set(one.items) == {"second"}
        await two.sign_in(ZED)
        await until(lambda: two.items["first"].offer is not None)
        await two.caught_up()
        await one.caught_up()
        is_whole(tables, one, two)
        told = [x.event for x in tables.journal.values() if isinstance(x.event, e.ItemHandedOver)]
        assert [(x.item, x.to) for x in told] == [(before.id, B)]

    play(story)


def test_what_is_offered_is_taken_back_first_and_the_agent_cannot_accept_it_any_more() -> None:
    async def story(tables: Tables, one: Running, two: Running) -> None:
        await one.sign_in(ANA)
        await filed(one, "offered")
        await until(lambda: one.items["offered"].offer is not None)
        offer = one.items["offered"].offer
        assert offer is not None
        await hand_over(one, two, "offered")
        with pytest.raises(Refused) as refused:
            await one.act(ANA, c.Accept(id=one.command(), offer=offer.id))
        assert refused.value.code == "offer_gone"
        await until(lambda: "offered" in two.items)
        assert two.items["offered"].state is ItemState.QUEUED
        await asyncio.sleep(300.0)
        await one.caught_up()
        await two.caught_up()
        is_whole(tables, one, two)
        assert one.node.reconciler.repaired == two.node.reconciler.repaired == 0

    play(story)


def test_an_agent_goes_with_all_that_is_in_hand_and_works_on_there() -> None:
    async def story(tables: Tables, one: Running, two: Running) -> None:
        await one.sign_in(ANA)
        held = await in_hand(one, ANA, "held")
        await in_hand(one, ANA, "aside")
        await one.act(ANA, c.Park(id=one.command(), item=one.items["aside"].id))
        moved = await hand_over(one, two, agents=[ANA])
        assert (set(moved.items), moved.agents) == (
            {held.id, *(i.id for i in two.items.values())} | set(moved.items), (ANA,)
        )  # fmt: skip
        assert not one.items
        with pytest.raises(Refused) as refused:
            await one.act(ANA, c.Wrapup(id=one.command(), item=held.id))
        assert refused.value.code == "unavailable", "not remembered: it is repeated there"
        await until(lambda: len(two.items) == 2)
        status = two.node.ledger.state.statuses[ANA]
        assert (status.home, status.tabs) == (B, 0)
        await two.sign_in(ANA)
        await two.act(ANA, c.Wrapup(id=two.command(), item=held.id, code="done"))
        await two.act(ANA, c.Resume(id=two.command(), item=two.items["aside"].id))
        one.node.desk.detach(ANA, "tab", "its desktop has gone there")
        await one.caught_up()
        await two.caught_up()
        is_whole(tables, one, two)

    play(story)


def test_a_desktop_that_closes_late_does_not_take_the_next_one_with_it() -> None:
    async def story(_: Tables, one: Running, two: Running) -> None:
        await one.sign_in(ANA)
        await hand_over(one, two, agents=[ANA])
        await until(lambda: two.node.ledger.state.is_home_of(ANA))
        await hand_over(two, one, agents=[ANA])
        await until(lambda: one.node.ledger.state.is_home_of(ANA))
        one.node.desk.attach(ANA, "another tab")
        one.node.desk.detach(ANA, "tab", "its socket was half open until now")
        assert one.node.ledger.state.statuses[ANA].tabs == 1
        one.node.desk.detach(ANA, "another tab", "gone")
        assert one.node.ledger.state.statuses[ANA].tabs == 0

    play(story)


def test_orders_of_what_moves_are_brought_by_the_other_node_once() -> None:
    async def story(tables: Tables, one: Running, two: Running) -> None:
        await one.sign_in(ANA)
        for sink in one.sinks.values():
            sink.errors = [RuntimeError("away")] * 1
        await in_hand(one, ANA, "told")
        await until(lambda: not one.node.dispatch.brings(one.node.ledger.state.outbox))
        (order,) = one.node.ledger.state.outbox.values()
        await hand_over(one, two, agents=[ANA])
        assert not one.node.ledger.state.outbox
        before = sum(len(sink.sent) for sink in one.sinks.values())
        await until(lambda: not tables.open_orders(B) and not tables.open_orders(A), 7200.0)
        assert sum(len(sink.sent) for sink in one.sinks.values()) == before
        assert [out.id for sink in two.sinks.values() for out in sink.sent] == [order.id]

    play(story)


def test_while_an_answer_is_being_delivered_its_case_stays() -> None:
    async def story(_: Tables, one: Running, two: Running) -> None:
        await one.sign_in(ANA)
        await one.node.intake.receive([mail("m1", subject="asked")])
        await until(lambda: "asked" in one.items and one.items["asked"].offer is not None)
        offer = one.items["asked"].offer
        assert offer is not None
        await one.act(ANA, c.Accept(id=one.command(), offer=offer.id))
        await one.act(ANA, c.Send(id=one.command(), item=one.items["asked"].id, body="So."))
        orders = one.node.ledger.state.outbox
        await until(lambda: one.node.dispatch.brings(orders), 5.0)
        with pytest.raises(Refused, match="being delivered"):
            await hand_over(one, two, agents=[ANA])
        assert "asked" in one.items
        await until(lambda: not orders)
        await hand_over(one, two, agents=[ANA])
        await until(lambda: "asked" in two.items)

    play(story)


def test_a_customers_contacts_that_nobody_has_decided_about_go_along() -> None:
    async def story(tables: Tables, one: Running, two: Running) -> None:
        (accepted,) = await one.node.intake.receive([mail("m1", subject="first")])
        await one.node.intake.decided(accepted)
        await until(lambda: "first" in one.items)
        late = mail("m2", subject="second")
        (row,) = await one.store.receive(one.node.writer.term, [late], [])
        await hand_over(one, two, "first")
        await until(lambda: tables.inbox_by_id[row.id].decided is not None)
        assert tables.inbox_by_id[row.id].node == B
        item = tables.items[tables.inbox_by_id[row.id].decided.item or ""]  # type: ignore[union-attr]
        assert tables.owners[item.id] == B

    play(story)


def test_a_contact_that_is_found_while_its_customer_leaves_is_decided_about_there() -> None:
    """It was ours when we looked, and is the other's before we have asked for an older one."""

    async def story(tables: Tables, one: Running, two: Running) -> None:
        (accepted,) = await one.node.intake.receive([mail("m1", subject="first")])
        await one.node.intake.decided(accepted)
        await until(lambda: "first" in one.items)
        new_matter = task("t1", subject="second", identity=mail("m1").identity)
        (row,) = await one.store.receive(one.node.writer.term, [new_matter], [])
        written, asked, answered = asyncio.Event(), asyncio.Event(), asyncio.Event()
        hand_over_rows, older = one.handover._rows.hand_over, one.node.whose.older

        async def slow_statement(*args: Any) -> Any:
            await written.wait()
            return await hand_over_rows(*args)

        async def slow_look(stored: Any) -> Any:
            found = await older(stored)
            asked.set()
            await answered.wait()
            return found

        one.handover._rows.hand_over = slow_statement  # type: ignore[assignment,method-assign]
        one.node.whose.older = slow_look  # type: ignore[method-assign]
        async with asyncio.TaskGroup() as group:
            leaving = group.create_task(hand_over(one, two, "first"))
            await asyncio.sleep(0.1)
            await one.node.intake.look()
            await asked.wait()
            written.set()
            await leaving
            answered.set()
        await until(lambda: tables.inbox_by_id[row.id].decided is not None)
        await one.caught_up()
        await two.caught_up()
        item = tables.items[tables.inbox_by_id[row.id].decided.item or ""]  # type: ignore[union-attr]
        assert tables.owners[item.id] == B
        is_whole(tables, one, two)

    play(story)


def test_while_a_contact_of_the_customer_is_being_decided_about_all_of_it_stays() -> None:
    async def story(tables: Tables, one: Running, two: Running) -> None:
        (accepted,) = await one.node.intake.receive([mail("m1", subject="first")])
        await one.node.intake.decided(accepted)
        gate, looking = asyncio.Event(), asyncio.Event()
        real = one.store.recent_case

        async def slow(*args: Any) -> Any:
            found = await real(*args)
            looking.set()
            await gate.wait()
            return found

        one.store.recent_case = slow  # type: ignore[assignment,method-assign]
        late = mail("m2", subject="second")
        (second,) = await one.node.intake.receive([late])
        await looking.wait()
        with pytest.raises(Refused, match="just being taken in") as refused:
            await hand_over(one, two, "first")
        assert refused.value.code == "busy"
        gate.set()
        decided = await one.node.intake.decided(second)
        assert tables.owners[decided.item or ""] == A
        await hand_over(one, two, "first")
        await until(lambda: "first" in two.items)
        await one.caught_up()
        await two.caught_up()
        is_whole(tables, one, two)

    play(story)


def test_who_was_fenced_meanwhile_gets_nothing_and_all_is_as_before() -> None:
    async def story(tables: Tables, one: Running, two: Running) -> None:
        await one.sign_in(ANA)
        await in_hand(one, ANA, "held")
        await filed(one, "waiting")
        await two.vanish()
        stale = tables.fences[B]
        tables.begin(B)
        with pytest.raises(Refused) as refused:
            await one.handover.hand_over(
                [one.items["waiting"].id], [ANA], to=B, to_epoch=stale, reason="why not"
            )
        assert refused.value.code == "unavailable"
        assert set(one.items) == {"held", "waiting"}
        assert (one.items["held"].agent, one.items["held"].owner) == (ANA, A)
        await one.sign_in(ANA)
        await one.act(ANA, c.Wrapup(id=one.command(), item=one.items["held"].id))
        await one.caught_up()
        is_whole(tables, one)
        assert one.handover.returned >= 3, "the agent and two items"

    play(story)


def test_what_works_for_the_same_customer_and_may_not_follow_keeps_it_here() -> None:
    async def story(_: Tables, one: Running, two: Running) -> None:
        await one.sign_in(BOB)
        await in_hand(one, BOB, "held")
        with pytest.raises(Refused, match="bob works for the same customer") as refused:
            await hand_over(one, two, "held", may_follow=lambda _agent: False)
        assert refused.value.code == "busy"
        assert one.items["held"].agent == BOB

    play(story)


def test_there_and_back_again() -> None:
    async def story(tables: Tables, one: Running, two: Running) -> None:
        await filed(one, "wanders")
        for _ in range(3):
            await hand_over(one, two, "wanders")
            await until(lambda: "wanders" in two.items)
            await hand_over(two, one, "wanders")
            await until(lambda: "wanders" in one.items)
        await one.caught_up()
        await two.caught_up()
        is_whole(tables, one, two)

    play(story)


def test_whoever_asked_may_go_and_it_is_ended_all_the_same() -> None:
    async def story(tables: Tables, one: Running, two: Running) -> None:
        await filed(one, "moves")
        async with asyncio.TaskGroup() as group:
            asked = group.create_task(hand_over(one, two, "moves"))
            await until(lambda: not one.items)
            asked.cancel()
        await until(lambda: "moves" in two.items)
        await one.caught_up()
        is_whole(tables, one, two)

    play(story)


STEPS = ("hand_over.begin", "hand_over.end", "handed.begin", "handed.end")


@pytest.mark.parametrize("dies_at", ["commit.begin", "commit.end", *STEPS[:2]])
def test_who_dies_while_handing_over_leaves_each_thing_in_one_place(dies_at: str) -> None:
    """The next life of the source finds what is still its own, the target what it was handed."""

    async def story() -> None:
        tables = the_tables()
        fall = Fall(dies_at)
        async with running(tables, B) as two:
            async with AsyncExitStack() as stack:
                one = await stack.enter_async_context(running(tables, A, step=fall.step))
                await one.sign_in(ANA)
                await in_hand(one, ANA, "held")
                await filed(one, "waiting")
                await one.caught_up()
                await until(lambda: one.handover.peer(B))
                fall.armed = True
                items, to = [one.items["waiting"].id], tables.fences[B]
                async with asyncio.TaskGroup() as group:
                    asked = group.create_task(
                        try_to(one.handover.hand_over(items, [ANA], to=B, to_epoch=to, reason="r"))
                    )
                    await fall.reached.wait()
                    await one.vanish()
                    asked.cancel()
            async with running(tables, A) as again:
                await until(lambda: all(row.answer for row in tables.relay.values()))
                await again.caught_up()
                await two.caught_up()
                is_whole(tables, again, two)
                (both,) = [n for n in (again, two) if set(n.items) == {"held", "waiting"}]
                assert both.items["held"].agent == ANA
                assert both.name == (B if dies_at == "hand_over.end" else A)

    run(story())


@pytest.mark.parametrize("dies_at", ["handed.begin", "handed.end", "answer.begin", "answer.end"])
def test_who_dies_when_it_was_handed_something_goes_on_with_it(dies_at: str) -> None:
    async def story() -> None:
        tables = the_tables()
        fall = Fall(dies_at)
        async with running(tables, A) as one:
            async with running(tables, B, step=fall.step) as two:
                await one.sign_in(ANA)
                await in_hand(one, ANA, "held")
                await until(lambda: one.handover.peer(B))
                fall.armed = True
                await hand_over(one, two, agents=[ANA])
                await fall.reached.wait()
                await two.vanish()
            async with running(tables, B) as again:
                await until(lambda: all(row.answer for row in tables.relay.values()))
                await again.sign_in(ANA)
                await again.act(ANA, c.Wrapup(id=again.command(), item=again.items["held"].id))
                await again.caught_up()
                await one.caught_up()
                is_whole(tables, one, again)

    run(story())


@pytest.mark.parametrize("taken", [A, B])
def test_a_takeover_of_either_side_finds_all_of_it_in_one_place(taken: NodeName) -> None:
    """The source or the target is gone for good right after the statement."""

    async def story() -> None:
        tables = the_tables()
        fall = Fall("hand_over.end" if taken == A else "handed.begin")
        async with running(tables, C) as heir, AsyncExitStack() as stack:
            steps = {taken: fall.step}
            nodes = {}
            for name in (A, B):
                step = steps.get(name)
                begun = running(tables, name, step=step or no_step)
                nodes[name] = await stack.enter_async_context(begun)
            one = nodes[A]
            await one.sign_in(ANA)
            await in_hand(one, ANA, "held")
            await filed(one, "waiting")
            await until(lambda: one.handover.peer(B))
            fall.armed = True
            items, to = [one.items["waiting"].id], tables.fences[B]
            async with asyncio.TaskGroup() as group:
                asked = group.create_task(
                    try_to(one.handover.hand_over(items, [ANA], to=B, to_epoch=to, reason="r"))
                )
                await fall.reached.wait()
                dead = nodes.pop(taken)
                await dead.vanish()
                asked.cancel()
            await until(lambda: tables.peer(taken).fenced and not tables.heirs)
            left = [heir, *nodes.values()]
            for node in left:
                await node.caught_up()
            await until(lambda: sum(len(node.items) for node in left) == 2)
            for node in left:
                await node.caught_up()
            is_whole(tables, *left)
            (both,) = [n for n in left if n.items]
            assert both.items["held"].agent == ANA

    run(story())


def test_a_source_that_is_fenced_before_the_statement_hands_nothing_over() -> None:
    async def story() -> None:
        tables = the_tables()
        fall = Fall("hand_over.begin")

        async def fenced_in_the_middle(two: Running) -> None:
            async with running(tables, A, step=fall.step) as one:
                await filed(one, "waiting")
                await until(lambda: one.handover.peer(B))
                fall.armed, fall.waits = True, False
                fall.on = lambda: tables.fences.__setitem__(A, 99)
                with pytest.raises(Refused):
                    await hand_over(one, two, "waiting")
                await asyncio.sleep(10.0)

        async with running(tables, B) as two:
            with pytest.raises(BaseExceptionGroup) as failed:
                await fenced_in_the_middle(two)
            assert failed.value.split(Fenced)[0] is not None
            assert not two.items

    run(story())


class Fall:
    """Where a node stops: the first step of this name once it is armed never returns."""

    def __init__(self, at: str) -> None:
        self.at = at
        self.armed = False
        self.waits = True
        self.on: Callable[[], None] = lambda: None
        self.reached = asyncio.Event()

    async def step(self, name: str) -> None:
        if not self.armed or name != self.at:
            return
        self.armed = False
        self.on()
        self.reached.set()
        if self.waits:
            await asyncio.get_running_loop().create_future()


class Slow:
    """A step that lasts until it is let go on."""

    def __init__(self, at: str) -> None:
        self.at = at
        self.armed = False
        self.reached, self.goes_on = asyncio.Event(), asyncio.Event()

    async def step(self, name: str) -> None:
        if self.armed and name == self.at:
            self.reached.set()
            await self.goes_on.wait()


def test_a_customer_is_not_handed_on_without_what_is_still_on_its_way_here() -> None:
    """The home is ours when the statement is done; what came along is known a moment later."""

    async def story() -> None:
        tables, slow = the_tables(), Slow("handed.begin")
        async with (
            running(tables, A) as one,
            running(tables, B, step=slow.step) as two,
            running(tables, C) as three,
        ):
            await until(lambda: one.handover.peer(B) and two.handover.peer(C))
            await one.node.intake.receive([mail("m1", subject="hello")])
            await until(lambda: "hello" in one.items)
            customer = one.items["hello"].customer
            assert customer is not None
            slow.armed = True
            await hand_over(one, two, "hello")
            await slow.reached.wait()
            assert tables.customer_homes[customer.id] == B
            assert not two.items
            with pytest.raises(Refused, match="just coming here"):
                await hand_over(two, three, customers=[customer.id])
            assert tables.customer_homes[customer.id] == B
            slow.goes_on.set()
            await until(lambda: "hello" in two.items)
            moved = await hand_over(two, three, customers=[customer.id])
            assert len(moved.items) == 1
            await until(lambda: "hello" in three.items)
            await three.caught_up()
            is_whole(tables, one, two, three)

    run(story())


def test_an_heir_hands_nothing_on_before_it_has_all_that_was_left_to_it() -> None:
    async def story() -> None:
        tables, slow = the_tables(), Slow("estate.begin")
        async with running(tables, B, step=slow.step) as heir, running(tables, C) as three:
            async with running(tables, A) as one:
                await until(lambda: heir.handover.peer(A) and heir.handover.peer(C))
                await filed(one, "of the dead")
                await filed(heir, "its own")
                await one.caught_up()
                await one.vanish()
            slow.armed = True
            tables.fences[A] += 1
            tables.heirs[A] = B
            await slow.reached.wait()
            with pytest.raises(Refused, match="still being taken in") as refused:
                await hand_over(heir, three, "its own")
            assert refused.value.code == "busy"
            slow.goes_on.set()
            await until(lambda: not tables.heirs and not heir.takeover.under_way)
            await hand_over(heir, three, "its own", "of the dead")
            await until(lambda: set(three.items) == {"its own", "of the dead"})
            await three.caught_up()
            is_whole(tables, heir, three)

    run(story())


def test_what_was_assigned_to_somebody_absent_follows_to_where_they_sign_in() -> None:
    """Else it would stay in the hands of somebody who never sees it."""

    async def story(tables: Tables, one: Running, two: Running) -> None:
        await filed(one, "for bob")
        item, sending = one.items["for bob"], Sending(one.node, one.handover, one.homes)
        one.node.ledger.record(acts.assign(one.node.ledger.state, item.id, BOB, ANA, "his matter"))
        await sending.look()
        assert one.items["for bob"].agent == BOB, "nobody knows where"
        await two.sign_in(BOB)
        await two.caught_up()
        await sending.look()
        await until(lambda: "for bob" in two.items)
        assert (two.items["for bob"].state, two.items["for bob"].agent) == (
            ItemState.ASSIGNED,
            BOB,
        )
        assert "his matter" in two.items["for bob"].reason
        await two.caught_up()
        await one.caught_up()
        is_whole(tables, one, two)

    play(story)


def test_who_signs_in_where_the_work_is_has_it_there() -> None:
    async def story(tables: Tables, one: Running, two: Running) -> None:
        await filed(one, "for bob")
        item, sending = one.items["for bob"], Sending(one.node, one.handover, one.homes)
        one.node.ledger.record(acts.assign(one.node.ledger.state, item.id, BOB, ANA, ""))
        await one.sign_in(BOB)
        await one.caught_up()
        await sending.look()
        assert (one.items["for bob"].agent, sending.sent) == (BOB, 0)
        assert not two.items
        is_whole(tables, one, two)

    play(story)
