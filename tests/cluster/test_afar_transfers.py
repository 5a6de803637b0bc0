"""Transfers to who is at another node, and what cannot come: once, in the same words."""

import asyncio
from contextlib import AsyncExitStack

import pytest
from msgspec.structs import replace

from gateway.core import commands as c
from gateway.core import events as e
from gateway.core.errors import Refused
from gateway.core.ids import CommandId, ItemId, NodeName
from tests.cluster.afar import (
    ANA,
    BOB,
    EVA,
    ID,
    ZED,
    A,
    B,
    Fall,
    asked_until_answered,
    at_work,
    either,
    filed,
    hands,
    in_hand,
    is_whole,
    play,
    the_tables,
    told,
)
from tests.support.builders import mail
from tests.support.clusternodes import Running, running, until
from tests.support.memory_tables import Tables
from tests.support.virtual import run

# -- transfers ------------------------------------------------------------------------------


async def both_ready(one: Running, two: Running) -> None:
    await one.sign_in(ANA)
    await two.sign_in(BOB)


def test_a_transfer_to_an_agent_elsewhere_is_offered_there_and_there_alone() -> None:
    async def story(tables: Tables, one: Running, two: Running) -> None:
        await both_ready(one, two)
        item = await in_hand(one, ANA, "t")
        await one.act(ANA, c.Transfer(id=ID, item=item.id, agent=BOB, note="yours"))
        await until(lambda: "t" in two.items)
        offer = two.items["t"].offer
        assert offer is not None
        assert (offer.agent, offer.reason) == (BOB, "transferred to you by Ana")
        assert "t" not in one.items
        assert two.node.ledger.state.reserved == {}
        await one.node.desk.act(
            ANA, c.Transfer(id=ID, item=item.id, agent=BOB), maybe_repeated=True
        )
        given = [x for x in told(tables, e.ItemQueued) if x.given_up_by == ANA]
        assert len(given) == 1
        assert [x.direction for x in told(tables, e.MessageAdded)][-1] == "note"

    play(story)


@pytest.mark.parametrize("why", ["not ready", "no capacity", "gone"])
def test_who_takes_nothing_elsewhere_is_refused_in_the_words_of_a_local_transfer(why: str) -> None:
    async def story(_: Tables, one: Running, two: Running) -> None:
        await both_ready(one, two)
        item = await in_hand(one, ANA, "t")
        if why == "not ready":
            await two.act(BOB, c.State(id=two.command(), state="not_ready"))
        elif why == "gone":
            two.node.desk.detach(BOB, "tab", "gone")
        else:
            for title in ("b1", "b2", "b3"):
                await in_hand(two, BOB, title)
        with pytest.raises(Refused) as refused:
            await one.act(ANA, c.Transfer(id=ID, item=item.id, agent=BOB))
        words = (
            "has no capacity left for this" if why == "no capacity" else "takes no work just now"
        )
        assert (refused.value.code, refused.value.field) == ("busy", "agent")
        assert str(refused.value) == f"bob {words}; choose a queue"
        assert hands(one, ANA) == [one.items["t"]]

    play(story)


def test_who_is_kept_for_an_item_of_another_node_is_not_offered_a_third() -> None:
    async def story(_: Tables, one: Running, two: Running) -> None:
        await both_ready(one, two)
        item = await in_hand(one, ANA, "t")
        two.overflow.keep(BOB, ItemId("of another node"), NodeName("n3"))
        with pytest.raises(Refused, match="bob is just being given something; choose a queue"):
            await one.act(ANA, c.Transfer(id=ID, item=item.id, agent=BOB))
        assert hands(one, ANA) == [one.items["t"]]
        await asyncio.sleep(3.0)
        await one.act(ANA, c.Transfer(id=CommandId("once-more"), item=item.id, agent=BOB))
        await until(lambda: "t" in two.items)
        assert two.items["t"].offer is not None

    play(story)


def test_what_holds_the_customer_here_is_told_and_the_item_stays_in_hand() -> None:
    async def story(_: Tables, one: Running, two: Running) -> None:
        await both_ready(one, two)
        await in_hand(one, ANA, "first", identity=EVA)
        item = await in_hand(one, ANA, "second", identity=EVA)
        with pytest.raises(Refused, match="ana works for the same customer, on #1, and stays"):
            await one.act(ANA, c.Transfer(id=ID, item=item.id, agent=BOB))
        assert len(hands(one, ANA)) == 2

    play(story)


def test_a_transfer_waits_for_a_delivery_that_is_under_way() -> None:
    async def story(_: Tables, one: Running, two: Running) -> None:
        await both_ready(one, two)
        await one.node.intake.receive([mail("m1", subject="m1")])
        await until(lambda: "m1" in one.items and one.items["m1"].offer is not None)
        offer = one.items["m1"].offer
        assert offer is not None
        await one.act(ANA, c.Accept(id=one.command(), offer=offer.id))
        item = one.items["m1"].id
        await one.act(ANA, c.Send(id=one.command(), item=item, body="a moment"))
        await until(lambda: one.node.dispatch.brings(one.node.ledger.state.outbox))
        await one.act(ANA, c.Transfer(id=ID, item=item, agent=BOB))
        await until(lambda: "m1" in two.items)
        assert two.items["m1"].offer is not None

    play(story)


async def dying_in_a_transfer(n: int) -> bool:
    tables, fall = the_tables(), Fall(n)
    async with running(tables, B) as two:
        async with AsyncExitStack() as stack:
            one = await stack.enter_async_context(running(tables, A, step=fall.step))
            await until(lambda: one.handover.peer(B) and two.handover.peer(A))
            await both_ready(one, two)
            item = await in_hand(one, ANA, "t")
            fall.armed = True
            command = c.Transfer(id=ID, item=item.id, agent=BOB)
            await either(one.act(ANA, command), fall, one)
        await until(lambda: tables.peer(A).fenced and not tables.heirs)
        await until(lambda: two.node.ledger.state.is_home_of(ANA))
        await two.caught_up()
        two.node.desk.attach(ANA, "tab")
        await asked_until_answered(two, command)
        await two.caught_up()
        assert len([x for x in told(tables, e.ItemQueued) if x.given_up_by == ANA]) == 1
        await until(lambda: two.items["t"].offer is not None)
        offer = two.items["t"].offer
        assert offer is not None
        assert offer.agent == BOB
        is_whole(tables, two)
    return fall.reached.is_set()


def test_a_transfer_whose_node_dies_at_any_step_is_made_once() -> None:
    async def every_step() -> None:
        n = 1
        while await dying_in_a_transfer(n):
            n += 1
        assert n > 4, "it takes some steps"

    run(every_step())


# -- what cannot come -----------------------------------------------------------------------


def test_where_somebody_works_for_the_same_customer_the_agent_goes_there_and_takes_it() -> None:
    async def story(tables: Tables, one: Running, two: Running) -> None:
        await both_ready(one, two)
        await in_hand(two, BOB, "bobs", identity=EVA)
        await two.act(BOB, c.State(id=two.command(), state="not_ready"))
        await in_hand(one, ANA, "mine")
        await one.act(ANA, c.State(id=one.command(), state="not_ready"))
        item = await filed(two, "t", identity=EVA)
        take = c.Take(id=ID, item=item.id)
        with pytest.raises(Refused) as refused:
            await one.act(ANA, take)
        assert refused.value.code == "unavailable", "it is repeated, there"
        [gone] = told(tables, e.AgentHandedOver)
        assert (gone.agent, gone.to, gone.url) == (ANA, B, "ws://n2/agent/v1")
        assert "bob works for the same customer, on #" in gone.reason
        await until(lambda: two.node.ledger.state.is_home_of(ANA))
        two.node.desk.attach(ANA, "tab")
        answer = await two.node.desk.act(ANA, take, maybe_repeated=True)
        assert answer.body == {"item": item.id}
        assert {i.subject for i in hands(two, ANA)} == {"mine", "t"}

    play(story)


def test_if_neither_can_go_both_reasons_are_told() -> None:
    kim = replace(EVA, value="kim@example.org")

    async def story(_: Tables, one: Running, two: Running) -> None:
        tables = one.tables
        await both_ready(one, two)
        await one.sign_in(ZED)
        await in_hand(two, BOB, "bobs", identity=EVA)
        await one.act(ZED, c.State(id=one.command(), state="not_ready"))
        await in_hand(one, ANA, "mine", identity=kim)
        await one.act(ANA, c.State(id=one.command(), state="not_ready"))
        await one.act(ZED, c.State(id=one.command(), state="ready"))
        await in_hand(one, ZED, "zeds", identity=kim)
        await two.act(BOB, c.State(id=two.command(), state="not_ready"))
        item = await filed(two, "t", identity=EVA)
        with pytest.raises(Refused) as refused:
            await one.act(ANA, c.Take(id=ID, item=item.id))
        assert refused.value.code == "busy"
        assert "bob works for the same customer, on #1, and stays, at n2; and zed works" in str(
            refused.value
        )
        assert not told(tables, e.AgentHandedOver)

    play(story)


def test_what_is_refused_there_is_refused_in_the_same_words_and_stays() -> None:
    async def story(tables: Tables, one: Running, two: Running) -> None:
        await at_work(one, two)
        item = await filed(two, "t")
        many = tuple(f"tag {n}" for n in range(51))
        with pytest.raises(Refused, match="50 tags at most"):
            await one.act(ANA, c.TagCase(id=ID, case=item.case, add=many))
        with pytest.raises(Refused, match="the case has an open work item already"):
            await one.act(ANA, c.Reopen(id=CommandId("reopening"), case=item.case))
        for title in ("a1", "a2", "a3"):
            mine = await filed(one, title)
            await one.act(ANA, c.Take(id=one.command(), item=mine.id))
        with pytest.raises(Refused, match="you have no capacity left for this kind of item"):
            await one.act(ANA, c.Take(id=CommandId("one-too-many"), item=item.id))
        with pytest.raises(Refused, match="there is no such open work item"):
            await one.act(ANA, c.Take(id=CommandId("of-nothing"), item=ItemId("nothing")))
        with pytest.raises(Refused, match="there is no channel 'nowhere'"):
            await one.act(ANA, c.Compose(id=CommandId("to-nowhere"), channel="nowhere", body="b"))  # type: ignore[arg-type]
        assert "t" in two.items
        assert not told(tables, e.ItemHandedOver)

    play(story)
