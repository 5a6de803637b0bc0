"""What may happen to a simulated cluster besides crashes: one line a trouble in ``TROUBLES``.

A trouble is given the world, does its worst once, at a time that it chooses, and says so by
``world.fault(name)``: what is reported as covered comes from there. It must have put everything
right again when it returns. Planned acts, an evacuation say, are troubles too.
"""

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from gateway.cluster.handover import Handover
from gateway.core.election import Peer
from gateway.core.errors import Refused
from gateway.core.ids import AgentName, ItemId
from gateway.core.model import ItemState
from tests.sim.sites import close_a_site

if TYPE_CHECKING:
    from tests.sim.cluster import ClusterWorld


LONG_SECONDS = 60.0


class Trouble(Struct, frozen=True):
    """``share`` of the days have it, from 0 to 1."""

    share: float
    work: Callable[["ClusterWorld"], Coroutine[Any, Any, None]]


async def _stand_still(world: "ClusterWorld") -> None:
    """A node is frozen between two steps, and goes on where it stood, perhaps long replaced."""
    await asyncio.sleep(world.some_time())
    machine = world.dice.choice(world.machines)
    if machine.serves and machine.life is not None:
        world.fault("standstill")
        seconds = world.dice.choice([2.0, 6.5, world.dice.uniform(3.0, 20.0)])
        machine.steps.note(f"{machine.name} stands still for {seconds:.1f} s")
        machine.life.frozen_until = world.clock.monotonic() + seconds


async def _fail_over(world: "ClusterWorld") -> None:
    """The database goes, with commits whose end nobody knows, and comes back on a new timeline."""
    await asyncio.sleep(world.some_time())
    world.fault("failover")
    before = world.faults.unavailable, world.faults.unknown
    world.steps.note("the database goes")
    world.faults.unknown = 0.7
    await asyncio.sleep(world.dice.uniform(0.0, 0.5))
    world.faults.unavailable = 1.0
    away = world.now()
    await asyncio.sleep(world.dice.choice([1.0, world.dice.uniform(2.0, 20.0)]))
    world.tables.timeline += 1
    world.outages.append((away, world.now()))
    world.faults.unavailable, world.faults.unknown = (0.0, 0.0) if world.calm else before
    world.steps.note("the database is back")


async def _wander(world: "ClusterWorld") -> None:
    """Windows come back at other nodes, and another node is filed tasks at.

    Only where people work: what waits at a node without any waits until somebody comes.
    """
    for _ in range(world.dice.randint(2, 10)):
        await asyncio.sleep(world.dice.expovariate(0.3))
        staffed = set(world.tables.homes.values())
        there = [m.name for m in world.machines if m.serves and m.name in staffed]
        who = world.dice.choice(list(world.whereabouts.at))
        if there:
            to = world.dice.choice(there)
            world.fault("contacts come elsewhere")
            world.steps.note(f"{who} is at {to}")
            world.whereabouts.at[who] = to
            world.whereabouts.changed()


async def _hand_over(world: "ClusterWorld") -> None:
    """Nodes hand items and agents over to one another, whatever else happens."""
    for _ in range(world.dice.randint(1, 12)):
        await asyncio.sleep(world.dice.uniform(0.0, 3.0))
        machine = world.dice.choice(world.machines)
        if not machine.serves or machine.here is None or machine.here.handover is None:
            continue
        handover, state = machine.here.handover, machine.here.node.ledger.state
        to = world.dice.choice([one.name for one in world.machines if one is not machine])
        peer = handover.peer(to)
        items = world.dice.sample(sorted(state.items), min(len(state.items), 2))
        agents = world.dice.sample(sorted(state.statuses), min(len(state.statuses), 1))
        if world.dice.random() < 0.5:
            agents = []
        if peer is None or not (items or agents):
            continue
        world.fault("handover of an agent" if agents else "handover of items")
        machine.steps.note(f"{machine.name} hands {items} and {agents} over to {to}")
        machine.life.spawn(_try(handover, items, agents, peer))  # type: ignore[union-attr]
    await _all_back(world)


async def find_takers(world: "ClusterWorld") -> None:
    """What has waited for long at a node goes to another one: somebody there may take it.

    Agents and items move apart when nodes do. Where queues overflow, that sees to it.
    """
    while True:
        await asyncio.sleep(5.0)
        for machine in world.machines:
            here, others = machine.here, [one for one in world.machines if one is not machine]
            if here is None or not machine.serves or here.handover is None:
                continue
            peer = here.handover.peer(world.dice.choice(others).name)
            now = world.clock.now()
            waiting = [
                item.id
                for item in here.node.ledger.state.items.values()
                if item.state is ItemState.QUEUED and item.queued_at is not None
                if (now - item.queued_at).total_seconds() > LONG_SECONDS
            ]
            if peer is not None and waiting:
                here.life.spawn(_try(here.handover, waiting[:1], [], peer))


async def _all_back(world: "ClusterWorld") -> None:
    """Whoever was moved goes back to where the crew is: what waits there has nobody else."""
    machines = {machine.name: machine for machine in world.machines}
    while True:
        away = [
            (agent, machines[home], machines[crew])
            for agent, crew in world.crews.items()
            if (home := world.tables.homes.get(agent)) is not None and home != crew
            if not machines[crew].gone and not machines[home].gone
        ]
        if not away:
            return
        for agent, there, back in away:
            here = there.here
            if here is None or not there.serves or here.handover is None:
                continue
            peer = here.handover.peer(back.name)
            if peer is not None and not here.leaving:
                there.life.spawn(_try(here.handover, [], [agent], peer))  # type: ignore[union-attr]
        await asyncio.sleep(1.0)


async def _try(handover: Handover, items: list[ItemId], agents: list[AgentName], to: Peer) -> None:
    with suppress(Refused):
        await handover.hand_over(
            items, agents, to=to.node, to_epoch=to.fence, reason="a whim of the day"
        )


async def _evacuate(world: "ClusterWorld") -> None:
    """A node leaves, and returns after a while unless it has begun anew meanwhile."""
    await asyncio.sleep(world.some_time())
    machine = world.dice.choice(world.machines)
    here = machine.here
    if here is None or not machine.serves or here.evacuation is None:
        return
    with suppress(Refused):
        await here.evacuation.leave("the operator", patience=2.5)
        world.fault("evacuation")
        machine.steps.note(f"{machine.name} is being evacuated")
        await asyncio.sleep(world.dice.uniform(0.5, 20.0))
        await here.evacuation.come_back("the operator")
    await _all_back(world)


async def _stand_down(world: "ClusterWorld") -> None:
    """A node gives up what only one may do, and later asks for what it is preferred for."""
    await asyncio.sleep(world.some_time())
    machine = world.dice.choice(world.machines)
    here = machine.here
    if here is None or here.duties is None or not machine.serves:
        return
    world.fault("duties given up")
    machine.steps.note(f"{machine.name} stands down")
    await here.duties.stand_down(world.dice.choice([0.5, 5.0]))
    await asyncio.sleep(world.dice.uniform(0.0, 10.0))
    here.duties.stand_up()


async def _cut_off(world: "ClusterWorld") -> None:
    """Somebody's desktop cannot reach the node that it is at home at, but others: it goes there."""
    for _ in range(world.dice.randint(1, 3)):
        await asyncio.sleep(world.dice.uniform(1.0, 12.0))
        agent = world.dice.choice(list(world.crews))
        home = world.tables.homes.get(agent)
        machine = next((m for m in world.machines if m.name == home), None)
        if home is None or machine is None or not machine.serves:
            continue
        world.fault("desktop cannot reach its home")
        world.steps.note(f"{agent} cannot reach {home}")
        world.cut_off[agent] = home
        world.hang_up(agent)
        await asyncio.sleep(world.dice.uniform(2.0, 15.0))
        del world.cut_off[agent]
    await _all_back(world)


TROUBLES: Sequence[Trouble] = (
    Trouble(0.7, _wander),
    Trouble(0.45, _stand_still),
    Trouble(0.4, _fail_over),
    Trouble(0.5, _hand_over),
    Trouble(0.3, _evacuate),
    Trouble(0.3, close_a_site),
    Trouble(0.3, _stand_down),
    Trouble(0.3, _cut_off),
)
