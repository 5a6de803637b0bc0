"""A site closes in the middle of the day, wholly or in part, and opens again: a planned trouble."""

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING

from gateway.core import events as e
from gateway.core.closing import set_site
from gateway.core.errors import Refused
from gateway.core.ids import AgentName, SiteName
from gateway.core.sites import closed_among
from gateway.flow.node import Node
from tests.sim.promises import need

if TYPE_CHECKING:
    from tests.sim.cluster import ClusterWorld

PORT, HILL = SiteName("port"), SiteName("hill")
AT_THE_PORT = frozenset({"ana", "dan", "fay"})


def site_of(agent: str) -> SiteName:
    """Of each node's crew somebody sits at the port."""
    return PORT if agent in AT_THE_PORT else HILL


async def close_a_site(world: "ClusterWorld") -> None:
    """A supervisor at any node closes it, in steps perhaps, and opens it again at any other."""
    await asyncio.sleep(world.some_time())
    name = world.dice.choice([PORT, HILL])
    steps = world.dice.choice([[0], [50, 0], [60, 30, 80]])
    for percent in steps:
        world.fault(f"site open by {percent} %")
        await _surely(world, name, percent, returns=world.dice.random() < 0.4)
        await asyncio.sleep(world.dice.uniform(0.5, 8.0))
    world.fault("site opened")
    await _surely(world, name, 100, returns=False)
    # What a node was asked that stood still takes effect when it goes on: a person would see that.
    while not world.calm:  # noqa: ASYNC110 - nobody tells
        await asyncio.sleep(1.0)
    while any(m.stands_still(world.now()) for m in world.machines):  # noqa: ASYNC110 - the same
        await asyncio.sleep(1.0)
    await asyncio.sleep(2.0)
    await _surely(world, name, 100, returns=False)


async def _surely(world: "ClusterWorld", name: SiteName, percent: int, *, returns: bool) -> None:
    """As a person would: again, at another node, until it is so."""
    while True:
        kept = world.tables.sites.get(name)
        if (kept.open_percent if kept is not None else 100) == percent:
            return
        serving = [m.here for m in world.machines if m.here is not None and m.serves]
        if serving:
            here = world.dice.choice(serving)
            _try(here.node, name, percent, returns=returns)
            here.life.passes("site.recorded")
        await asyncio.sleep(1.0)


def _try(node: Node, name: SiteName, percent: int, *, returns: bool) -> None:
    ledger = node.ledger
    try:
        ledger.check_open()
        changes = set_site(
            ledger.state,
            name,
            open_percent=percent,
            reason="storm",
            in_hand="return" if returns else "keep",
            by="sue",
            ctx=ledger.context(),
        )
    except Refused:
        return
    if changes:
        ledger.record(changes)


def nobody_of_a_closed_share_is_offered_anything(node: Node) -> Callable[[e.Entry], None]:
    """By what this node knows of the directory at that moment."""
    state = node.ledger.state

    def look(entry: e.Entry) -> None:
        if type(entry.event) is not e.OfferMade:
            return
        agent: AgentName = entry.event.offer.agent
        profile = state.profiles[agent]
        site = state.sites.get(profile.site)
        if site is not None:
            there = [p.name for p in state.profiles.values() if p.site == site.name]
            need(agent not in closed_among(site, there), f"{agent} of a closed site is offered")

    return look
