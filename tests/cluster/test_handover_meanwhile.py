"""Handing over what is still on its way, or whose agent is: nothing is left behind."""

import pytest

from gateway.cluster.sending import Sending
from gateway.core import acts
from gateway.core.errors import Refused
from gateway.core.model import ItemState
from tests.cluster.handing import (
    ANA,
    BOB,
    A,
    B,
    C,
    Slow,
    filed,
    hand_over,
    is_whole,
    play,
    the_tables,
)
from tests.support.builders import mail
from tests.support.clusternodes import Running, running, until
from tests.support.memory_tables import Tables
from tests.support.virtual import run


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
