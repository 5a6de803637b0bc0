"""Two nodes and commands about what is at the other, asked until they are answered."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from gateway.core import commands as c
from gateway.core import events as e
from gateway.core.errors import Refused
from gateway.core.ids import AgentName, CommandId, NodeName
from gateway.core.inbound import Claim
from gateway.core.model import ChannelKind, Item, ItemState
from tests.support.builders import GENERAL, MAIL, agent, mail, queue, task
from tests.support.clusternodes import Running, a_house, running, until
from tests.support.flownode import new_tables
from tests.support.memory_tables import Tables
from tests.support.virtual import run

A, B = NodeName("n1"), NodeName("n2")
ANA, BOB, ZED = AgentName("ana"), AgentName("bob"), AgentName("zed")
EVA = Claim(kind="email", value="eva@example.org", name="Eva", verified=True)
LOOKS = frozenset({"answers", "asked", "tail", "renew", "capacity"})
ID = CommandId("the-one-command")
Story = Callable[[Tables, Running, Running], Awaitable[None]]


class Fall:
    """Where a node stops: its n-th step once it is armed never returns.

    What a node looks for again and again, whatever it is asked, does not count.
    """

    def __init__(self, n: int) -> None:
        self.armed = False
        self.reached = asyncio.Event()
        self._left = n

    async def step(self, name: str) -> None:
        if self.armed and name.partition(".")[0] not in LOOKS:
            self._left -= 1
            if self._left == 0:
                self.reached.set()
            if self._left <= 0:
                await asyncio.Event().wait()


def the_tables() -> Tables:
    profiles = [replace(agent(n), capacity={ChannelKind.TASK: 3}) for n in (ANA, BOB, ZED)]
    tables = a_house(new_tables(), *profiles)
    tables.queues[GENERAL] = queue(take_allowed=True)
    return tables


def play(story: Story) -> None:
    async def two_nodes() -> None:
        tables = the_tables()
        async with running(tables, A) as one, running(tables, B) as two:
            await until(lambda: one.handover.peer(B) and two.handover.peer(A))
            await story(tables, one, two)
            for node in (one, two):
                await node.caught_up()
            is_whole(tables, one, two)

    run(two_nodes())


def is_whole(tables: Tables, *nodes: Running) -> None:
    """Every open item is in one node's hands, and with it whoever has it in hand."""
    for node in nodes:
        state = node.node.ledger.state
        assert {i.id for i in tables.open_items(node.name)} == set(state.items)
        for item in state.items.values():
            if item.state is ItemState.ASSIGNED:
                assert item.agent is not None
                assert state.is_home_of(item.agent)
        assert node.node.reconciler.repaired == 0


def told(tables: Tables, kind: type[Any]) -> list[Any]:
    return [x.event for x in tables.journal.values() if type(x.event) is kind]


async def filed(one: Running, title: str, **fields: Any) -> Item:
    await one.node.intake.receive([task(title, subject=title, **fields)])
    await until(lambda: title in one.items)
    await one.caught_up()
    return one.items[title]


async def in_hand(one: Running, name: AgentName, title: str, **fields: Any) -> Item:
    await filed(one, title, **fields)
    await until(lambda: one.items[title].offer is not None)
    offer = one.items[title].offer
    assert offer is not None
    await one.act(name, c.Accept(id=one.command(), offer=offer.id))
    await one.caught_up()
    return one.items[title]


async def at_work(one: Running, two: Running) -> None:
    """Ana is at home at the one node, bob at the other; neither is offered what waits."""
    for node, name in ((one, ANA), (two, BOB)):
        await node.sign_in(name)
        await node.act(name, c.State(id=node.command(), state="not_ready"))


class Case(Struct, frozen=True):
    """A command of ana about something at bob's node.

    ``prepare`` makes it; ``count`` tells how often it took effect, in the whole journal.
    """

    prepare: Callable[[Running, Running], Awaitable[c.Command]]
    count: Callable[[Tables], int]
    in_hand: bool = True


async def a_tag(_one: Running, two: Running) -> c.Command:
    item = await filed(two, "t", identity=EVA)
    return c.TagCase(id=ID, case=item.case, add=("seen",))


async def a_take(_one: Running, two: Running) -> c.Command:
    item = await filed(two, "t", identity=EVA)
    return c.Take(id=ID, item=item.id)


async def a_reopening(_one: Running, two: Running) -> c.Command:
    item = await ended(two, identity=EVA)
    return c.Reopen(id=ID, case=item.case)


async def of_nobody(_one: Running, two: Running) -> c.Command:
    """Bob's tag has made his node the one that decides about it."""
    item = await ended(two)
    await two.act(BOB, c.TagCase(id=two.command(), case=item.case, add=("bobs",)))
    return c.Reopen(id=ID, case=item.case)


async def ended(two: Running, **fields: Any) -> Item:
    item = await filed(two, "t", **fields)
    await two.act(BOB, c.Take(id=two.command(), item=item.id))
    await two.act(BOB, c.Wrapup(id=two.command(), item=item.id, code="done"))
    return item


async def a_letter(_one: Running, two: Running) -> c.Command:
    await two.node.intake.receive([mail("m1", subject="m1")])
    await until(lambda: "m1" in two.items)
    customer = two.items["m1"].customer
    assert customer is not None
    return c.Compose(id=ID, channel=MAIL, customer=customer.id, to="eva@example.org", body="hello")


CASES = {
    "tag": Case(
        a_tag, lambda t: sum(x.tags == ("seen",) for x in told(t, e.CaseChanged)), in_hand=False
    ),
    "take": Case(
        a_take, lambda t: sum(x.reason == "taken by ana" for x in told(t, e.ItemAssigned))
    ),
    "reopen": Case(
        a_reopening, lambda t: sum(x.reason == "reopened" for x in told(t, e.CaseChanged))
    ),
    "reopen a case of nobody": Case(
        of_nobody, lambda t: sum(x.reason == "reopened" for x in told(t, e.CaseChanged))
    ),
    "compose": Case(
        a_letter, lambda t: sum(x.reason == "composed by ana" for x in told(t, e.ItemAssigned))
    ),
}


def hands(node: Running, name: AgentName) -> list[Item]:
    return [i for i in node.node.ledger.state.in_hand(name) if i.state is ItemState.ASSIGNED]


async def asked_until_answered(
    node: Running, command: c.Command, *, maybe_repeated: bool = True
) -> Any:
    """As a desktop does it: what is not to be had just now is asked for again, under its id."""
    async with asyncio.timeout(120):
        while True:
            try:
                return await node.node.desk.act(ANA, command, maybe_repeated=maybe_repeated)
            except Refused as refused:
                if refused.code != "unavailable":
                    raise
                await asyncio.sleep(0.2)


def on_the_wire(answer: Any) -> Any:
    return msgspec.json.encode(answer.body)


async def either(work: Awaitable[Any], fall: Fall, one: Running) -> None:
    """Until the work is done or the node has fallen; then the node is gone."""

    async def asked() -> None:
        with suppress(Refused):  # the node ends while it is asked
            await work
        over.set()

    async def fell() -> None:
        await fall.reached.wait()
        over.set()

    over = asyncio.Event()
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(asked()), group.create_task(fell())]
        await over.wait()
        await one.vanish()
        for each in tasks:
            each.cancel()
