"""A day of a node over a store that fails."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from gateway.core import commands as c
from gateway.core.ids import AgentName
from gateway.core.inbound import Inbound
from gateway.core.model import Item
from tests.support.builders import agent
from tests.support.flownode import Rig, new_tables, running
from tests.support.memory_tables import Tables
from tests.support.virtual import run

ANA, BOB = AgentName("ana"), AgentName("bob")


def story(
    tell: Callable[[Rig], Awaitable[None]], *names: str, tables: Tables | None = None
) -> Tables:
    """A day of a node with these agents."""
    there = tables or new_tables()

    async def day() -> None:
        async with running(there, *(agent(n) for n in names or ("ana",))) as rig:
            await tell(rig)

    run(day())
    return there


async def take(rig: Rig, inbound: Inbound) -> Any:
    (accepted,) = await rig.node.intake.receive([inbound])
    return await rig.node.intake.decided(accepted)


async def offered(rig: Rig) -> Item:
    """The one item that is offered, once it is."""
    async with asyncio.timeout(600):
        while True:
            for one in rig.node.ledger.state.items.values():
                if one.offer is not None:
                    return one
            await asyncio.sleep(0.01)


async def accept(rig: Rig, name: AgentName = ANA) -> Item:
    one = await offered(rig)
    assert one.offer is not None
    command = c.Accept(id=rig.command(), offer=one.offer.id)
    await rig.node.desk.act(name, command, maybe_repeated=False)
    return rig.node.ledger.state.items[one.id]


def swap(rig: Rig, **calls: Any) -> None:
    """Let the store do this instead."""
    for name, call in calls.items():
        setattr(rig.store, name, call)


def once(error: Exception, *, then: Any = None) -> Callable[..., Awaitable[Any]]:
    """A call that fails the first time, and does ``then`` after."""
    calls = []

    async def call(*args: Any, **named: Any) -> Any:
        calls.append(args)
        if len(calls) == 1:
            raise error
        return await then(*args, **named)

    return call
