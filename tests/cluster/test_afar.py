"""Commands about what is at another node: done once, answered as if it were here."""

import asyncio
from contextlib import AsyncExitStack

import pytest

from gateway.core import commands as c
from tests.cluster.afar import (
    ANA,
    BOB,
    CASES,
    A,
    B,
    Case,
    Fall,
    asked_until_answered,
    at_work,
    either,
    hands,
    is_whole,
    on_the_wire,
    play,
    the_tables,
)
from tests.support.clusternodes import Running, running, until
from tests.support.memory_tables import Tables
from tests.support.virtual import run


@pytest.mark.parametrize("name", CASES)
def test_a_command_about_what_is_elsewhere_is_done_as_if_it_were_here(name: str) -> None:
    case = CASES[name]

    async def story(tables: Tables, one: Running, two: Running) -> None:
        await at_work(one, two)
        command = await case.prepare(one, two)
        answer = await one.act(ANA, command)
        assert await one.act(ANA, command) == answer
        known = await one.node.desk.act(ANA, command, maybe_repeated=True)
        assert on_the_wire(known) == on_the_wire(answer)
        assert case.count(tables) == 1
        assert len(hands(one, ANA)) == case.in_hand
        if case.in_hand:
            assert hands(one, ANA)[0].id == answer.body["item"]

    play(story)


@pytest.mark.parametrize("name", CASES)
def test_at_the_node_that_has_it_it_is_answered_in_the_same_words(name: str) -> None:
    case = CASES[name]

    async def story(tables: Tables, one: Running, two: Running) -> None:
        await two.sign_in(BOB)
        await two.act(BOB, c.State(id=two.command(), state="not_ready"))
        await two.sign_in(ANA)
        await two.act(ANA, c.State(id=two.command(), state="not_ready"))
        answer = await two.act(ANA, await case.prepare(one, two))
        assert case.count(tables) == 1
        assert len(hands(two, ANA)) == case.in_hand
        assert answer.body

    play(story)


async def dying(n: int, case: Case) -> bool:
    """The asking node dies at its n-th step of the command; false: it was done before that."""
    tables, fall, said = the_tables(), Fall(n), []

    async def ask(one: Running, command: c.Command) -> None:
        said.append(await one.act(ANA, command))

    async with running(tables, B) as two:
        async with AsyncExitStack() as stack:
            one = await stack.enter_async_context(running(tables, A, step=fall.step))
            await until(lambda: one.handover.peer(B) and two.handover.peer(A))
            await at_work(one, two)
            command = await case.prepare(one, two)
            for node in (one, two):
                await node.caught_up()
            fall.armed = True
            await either(ask(one, command), fall, one)
        await until(lambda: tables.peer(A).fenced and not tables.heirs)
        await until(lambda: two.node.ledger.state.is_home_of(ANA))
        await two.caught_up()
        two.node.desk.attach(ANA, "tab")
        answer = await asked_until_answered(two, command)
        assert await asked_until_answered(two, command) == answer
        assert not said or on_the_wire(said[0]) == on_the_wire(answer), "the same answer"
        await two.caught_up()
        assert case.count(tables) == 1
        assert len(hands(two, ANA)) == case.in_hand
        is_whole(tables, two)
    return fall.reached.is_set()


@pytest.mark.parametrize("name", CASES)
def test_if_the_asking_node_dies_at_any_step_it_is_done_once_and_answered_the_same(
    name: str,
) -> None:
    async def every_step() -> None:
        n = 1
        while await dying(n, CASES[name]):
            n += 1
        assert n > 4, "it takes some steps"

    run(every_step())


async def owner_dying(n: int, case: Case) -> bool:
    """The node that has it dies at its n-th step of the command; false: it was done before that."""
    tables, fall, said = the_tables(), Fall(n), []
    async with AsyncExitStack() as stack:
        one = await stack.enter_async_context(running(tables, A))
        two = await stack.enter_async_context(running(tables, B, step=fall.step))
        await until(lambda: one.handover.peer(B) and two.handover.peer(A))
        await at_work(one, two)
        command = await case.prepare(one, two)
        for node in (one, two):
            await node.caught_up()
        fall.armed = True

        async def ask() -> None:
            said.append(await asked_until_answered(one, command, maybe_repeated=False))

        async def fell() -> None:
            await fall.reached.wait()
            await two.vanish()

        async with asyncio.TaskGroup() as group:
            fallen = group.create_task(fell())
            await group.create_task(ask())
            if not fall.reached.is_set():
                fallen.cancel()
        again = await asked_until_answered(one, command)
        assert on_the_wire(again) == on_the_wire(said[0])
        await one.caught_up()
        assert case.count(tables) == 1
        assert len(hands(one, ANA)) == case.in_hand
    return fall.reached.is_set()


@pytest.mark.parametrize("name", CASES)
def test_if_the_node_that_has_it_dies_at_any_step_it_is_done_once_and_answered(name: str) -> None:
    async def every_step() -> None:
        n = 1
        while await owner_dying(n, CASES[name]):
            n += 1
        assert n > 4, "it takes some steps"

    run(every_step())
