"""Handing over while one of both dies or is fenced: each thing in one place."""

import asyncio
from contextlib import AsyncExitStack

import pytest

from gateway.core import commands as c
from gateway.core.errors import Refused
from gateway.core.ids import NodeName
from gateway.store.contract import Fenced
from tests.cluster.handing import (
    ANA,
    A,
    B,
    C,
    Fall,
    filed,
    hand_over,
    in_hand,
    is_whole,
    the_tables,
    try_to,
)
from tests.support.clusternodes import Running, no_step, running, until
from tests.support.virtual import run

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
