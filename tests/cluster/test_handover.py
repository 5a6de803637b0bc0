"""Handing over to a node that lives: all of it or nothing."""

import asyncio
from typing import Any

import pytest

from gateway.core import commands as c
from gateway.core import events as e
from gateway.core.errors import Refused
from gateway.core.model import ItemState
from tests.cluster.handing import ANA, BOB, ZED, A, B, filed, hand_over, in_hand, is_whole, play
from tests.support.builders import mail, task
from tests.support.clusternodes import Running, until
from tests.support.memory_tables import Tables


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
        real = one.store.recent_cases

        async def slow(*args: Any) -> Any:
            found = await real(*args)
            looking.set()
            await gate.wait()
            return found

        one.store.recent_cases = slow  # type: ignore[assignment,method-assign]
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
