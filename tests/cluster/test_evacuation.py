"""Leaving in an orderly way: all of it goes to the others, what comes meanwhile too, and back."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest
from msgspec.structs import replace

from gateway.core import commands as c
from gateway.core.errors import Refused
from gateway.core.ids import AgentName, NodeName
from gateway.core.model import ChannelKind
from tests.cluster.handing import filed, in_hand, is_whole
from tests.support.builders import agent, mail
from tests.support.clusternodes import Running, a_house, running, until
from tests.support.flownode import new_tables
from tests.support.memory_tables import Tables
from tests.support.virtual import run

A, B, C = NodeName("n1"), NodeName("n2"), NodeName("n3")
ANA, BOB, ZED = AgentName("ana"), AgentName("bob"), AgentName("zed")

Story = Callable[[Tables, Running, Running, Running], Awaitable[None]]


def play(story: Story) -> None:
    async def three_nodes() -> None:
        profiles = [replace(agent(n), capacity={ChannelKind.TASK: 5}) for n in (ANA, BOB, ZED)]
        tables = a_house(new_tables(), *profiles)
        async with (
            running(tables, A) as one,
            running(tables, B) as two,
            running(tables, C) as three,
        ):
            nodes = (one, two, three)
            await until(lambda: all(len(n.member.peers) == 3 for n in nodes))
            await story(tables, *nodes)

    run(three_nodes())


def test_everything_goes_and_is_spread_over_the_others() -> None:
    async def story(tables: Tables, one: Running, two: Running, three: Running) -> None:
        await one.sign_in(ANA)
        await in_hand(one, ANA, "held")
        await one.act(ANA, c.State(id=one.command(), state="not_ready"))
        await filed(one, *(f"waits {n}" for n in range(9)))
        await one.node.intake.receive([mail("m1", subject="a mail")])
        progress = await two.evacuation.evacuate(A, "sue")
        assert progress.leaving
        assert not progress.empty
        await until(lambda: one.evacuation.progress().empty)
        again = await two.evacuation.evacuate(A, "sue")
        assert (again.empty, again.agents, again.items, again.orders) == (True, 0, 0, 0)
        for node in (one, two, three):
            await node.caught_up()
        is_whole(tables, one, two, three)
        assert len(two.items) + len(three.items) == 11
        (home,) = [node for node in (two, three) if ANA in node.node.ledger.state.statuses]
        assert home.items["held"].agent == ANA
        await home.sign_in(ANA)
        await home.act(ANA, c.Wrapup(id=home.command(), item=home.items["held"].id))

    play(story)


def test_what_comes_while_it_leaves_goes_after_the_rest_until_it_returns() -> None:
    async def story(tables: Tables, one: Running, two: Running, three: Running) -> None:
        await one.evacuation.evacuate(A, "sue")
        await until(lambda: one.evacuation.progress().empty)
        await one.node.intake.receive([mail("late", subject="late")])
        await until(lambda: "late" in two.items or "late" in three.items)
        assert one.evacuation.said() == "the node has been evacuated"

        back = await three.evacuation.give_back(A, "sue")
        assert not back.leaving
        assert one.evacuation.said() == ""
        await filed(one, "new")
        await asyncio.sleep(5.0)
        assert "new" in one.items
        for node in (one, two, three):
            await node.caught_up()
        is_whole(tables, one, two, three)

    play(story)


def test_who_is_alone_does_not_leave_and_who_is_unknown_cannot() -> None:
    async def story(_: Tables, one: Running, two: Running, three: Running) -> None:
        for node in (two, three):
            await node.evacuation.evacuate(node.name, "sue")
        await until(lambda: one.handover.peer(B) is None and one.handover.peer(C) is None)
        await filed(one, "stays")
        with pytest.raises(Refused, match="no other node serves"):
            await two.evacuation.evacuate(A, "sue")
        assert set(one.items) == {"stays"}
        with pytest.raises(Refused, match="no node 'n9'"):
            await one.evacuation.evacuate(NodeName("n9"), "sue")

    play(story)


def test_a_node_that_ends_hands_all_of_it_over_and_nobody_waits_for_a_takeover() -> None:
    async def story(tables: Tables, one: Running, two: Running, three: Running) -> None:
        await one.sign_in(ANA)
        await in_hand(one, ANA, "held")
        await filed(one, "waits")
        async with asyncio.timeout(5.0):
            await one.evacuation.before_the_end("it stops")
            await one.evacuation.leave_nothing()
        await one.cluster.leave(one.node.writer.term)
        await one.vanish()
        await until(lambda: len(two.items) + len(three.items) == 2, 2.0)
        assert not tables.open_items(A)
        assert A not in tables.homes.values()
        assert A not in tables.customer_homes.values()
        is_whole(tables, two, three)

    play(story)
