"""What a customer sent first is decided first, whichever nodes it has come by."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from gateway.core.ids import NodeName
from gateway.core.inbound import Claim, Decided, Inbound
from tests.support.builders import agent, mail
from tests.support.clusternodes import Running, a_house, running, until
from tests.support.flownode import new_tables
from tests.support.memory_rows import InboxRow
from tests.support.memory_tables import Tables
from tests.support.virtual import run

A, B = NodeName("n1"), NodeName("n2")
EVA = Claim(kind="email", value="eva@example.org", verified=True)

Story = Callable[[Tables, Running, Running], Awaitable[None]]


def letter(key: str) -> Inbound:
    return mail(key, identity=EVA, subject="Invoice", body=key)


async def estates_are_large(name: str) -> None:
    """To find out what a lost node had takes its time."""
    if name == "estate.begin":
        await asyncio.sleep(3)


def play(story: Story) -> None:
    """Eva is known to the first of two nodes."""

    async def two_nodes() -> None:
        tables = a_house(new_tables(), agent("ana"))
        async with running(tables, A) as one, running(tables, B, step=estates_are_large) as two:
            await until(lambda: one.handover.peer(B) and two.handover.peer(A))
            await came(one, "first")
            await story(tables, one, two)

    run(two_nodes())


async def came(at: Running, key: str) -> None:
    (accepted,) = await at.node.intake.receive([letter(key)])
    await at.node.intake.decided(accepted)


def row_of(tables: Tables, key: str) -> InboxRow:
    return next(row for (_, known), row in tables.inbox.items() if known == key)


def said(tables: Tables) -> list[str]:
    """What she said, in the order of her case."""
    (case,) = tables.said.values()
    return [tables.messages[case[seq]].body for seq in sorted(case)]


def test_what_another_node_has_received_and_nobody_has_seen_yet_comes_first() -> None:
    async def story(tables: Tables, one: Running, two: Running) -> None:
        tables.receive(two.node.writer.term, [letter("second")], [])
        assert row_of(tables, "second").node == A
        await came(one, "third")
        assert said(tables) == ["first", "second", "third"]

    play(story)


def test_what_was_passed_on_comes_before_what_is_decided_about_here() -> None:
    async def story(tables: Tables, one: Running, two: Running) -> None:
        tables.receive(one.node.writer.term, [letter("second")], [])
        row_of(tables, "second").node = B
        two.store.faults.unavailable = 1.0
        async with asyncio.TaskGroup() as group:
            third = group.create_task(came(one, "third"))
            await asyncio.sleep(3)
            assert said(tables) == ["first"], "the other node cannot decide just now"
            two.store.faults.unavailable = 0.0
            await third
        assert said(tables) == ["first", "second", "third"]

    play(story)


def test_what_a_lost_node_had_comes_before_what_its_heir_receives() -> None:
    async def story(tables: Tables, one: Running, two: Running) -> None:
        tables.receive(one.node.writer.term, [letter("second")], [])
        await one.vanish()
        await until(lambda: tables.heirs.get(A) == B)
        await came(two, "third")
        assert said(tables) == ["first", "second", "third"]

    play(story)


@pytest.mark.parametrize("status", ["quarantined", "ignored"])
def test_what_is_put_aside_holds_nobody_up(status: str) -> None:
    async def story(tables: Tables, one: Running, two: Running) -> None:
        tables.receive(one.node.writer.term, [letter("second")], [])
        row_of(tables, "second").node = NodeName("one that never was")
        async with asyncio.TaskGroup() as group:
            third = group.create_task(came(one, "third"))
            await asyncio.sleep(5)
            assert not third.done()
            second = row_of(tables, "second")
            second.decided = Decided(status=status)  # type: ignore[arg-type]
            del tables.undecided[second.id]
            await third
        assert said(tables) == ["first", "third"]

    play(story)


def test_a_node_that_is_alone_asks_nobody() -> None:
    async def alone() -> list[str]:
        tables, asked = a_house(new_tables(), agent("ana")), []

        async def step(name: str) -> None:
            asked.append(name)

        async with running(tables, A, step=step) as one:
            await until(lambda: one.member.alone)
            one.node.whose.alone = lambda: one.member.alone
            tables.receive(one.node.writer.term, [letter("0")], [])
            await came(one, "1")
            assert one.member.alone
        return asked

    assert "look.older.begin" not in run(alone())
