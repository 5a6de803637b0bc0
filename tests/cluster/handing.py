"""Two nodes, work between them, and whether all of it is whole."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any

from msgspec.structs import replace

from gateway.core import commands as c
from gateway.core.errors import Refused
from gateway.core.ids import AgentName, NodeName
from gateway.core.model import ChannelKind, Item
from tests.support.builders import agent, task
from tests.support.clusternodes import Running, a_house, running, until
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
