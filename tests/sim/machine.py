"""A machine of a simulated cluster: one node, life after life, with all its parts.

What a node of several does besides what every node does is a *part*: a function that is given
the ``Serving`` of this life, keeps there what others need of it, and returns what has to run as
long as the life lasts. To add one, write it and name it in ``PARTS``.
"""

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from typing import TYPE_CHECKING, Any, Literal, TypeVar

from msgspec import Struct

from gateway.cluster.afar import Afar
from gateway.cluster.asking import Asking
from gateway.cluster.bell import Bell
from gateway.cluster.directory import Directory
from gateway.cluster.evacuation import Evacuation
from gateway.cluster.handover import Handover
from gateway.cluster.joining import Joining, NameTaken
from gateway.cluster.looking import Looking
from gateway.cluster.membership import Membership
from gateway.cluster.tail import Tail
from gateway.cluster.takeover import Takeover
from gateway.core import events as e
from gateway.core.election import Peer
from gateway.core.errors import Refused
from gateway.core.ids import AgentName, ChannelName, ItemId, NodeName
from gateway.flow.node import Node
from gateway.ports import Channel
from gateway.store.contract import Card, CommitUnknown, Fenced, Unavailable
from push.server import AgentPush
from tests.sim.channels import ChatChannel, Duties, MailChannel, TaskChannel
from tests.sim.play import leaves_of
from tests.support.builders import GENERAL, KINDS
from tests.support.memory_cluster import MemoryCluster
from tests.support.memory_contacts import MemoryContacts
from tests.support.memory_following import MemoryDirectory, MemoryTail
from tests.support.memory_handover import MemoryHandover
from tests.support.memory_homes import MemoryHomes
from tests.support.memory_relay import MemoryRelay
from tests.support.memory_store import MemoryStore
from tests.support.simworld import Life, Steps

if TYPE_CHECKING:
    from tests.sim.cluster import ClusterWorld


class Serving(Struct, kw_only=True):
    """One life of a node that has come up, and what its parts have made of it."""

    world: "ClusterWorld"
    machine: "Machine"
    life: Life
    store: MemoryStore
    cluster: MemoryCluster
    node: Node
    push: AgentPush
    chat: ChatChannel
    takeover: Takeover | None = None
    bell: Bell | None = None
    tail: Tail | None = None
    directory: Directory | None = None
    member: Membership | None = None
    asking: Asking | None = None
    handover: Handover | None = None
    evacuation: Evacuation | None = None
    leaving: bool = False


T = TypeVar("T")
Part = Callable[[Serving], Coroutine[Any, Any, object]]


def _takeover(here: Serving) -> Coroutine[Any, Any, object]:
    learn = _known(here.directory).learn
    here.takeover = Takeover(here.node, here.cluster, learn=learn)
    return here.takeover.run()


def _membership(here: Serving) -> Coroutine[Any, Any, object]:
    assert here.takeover is not None
    name = here.machine.name
    urls = {"agent": f"ws://{name}/agent/v1"}

    def card() -> Card:
        state: Literal["leaving", "serving"] = "leaving" if here.leaving else "serving"
        return Card(state=state, urls=urls, place=f"life {here.life.number}")

    member = here.member = Membership(
        here.store,
        here.node.writer,
        name,
        here.takeover.note,
        card=card,
        monotonic=here.world.clock.monotonic,
    )
    return member.run()


def _bell(here: Serving) -> Coroutine[Any, Any, object]:
    bell = here.bell = Bell(here.world.tables.wires, here.machine.name)
    here.node.ledger.subscribe(lambda _committed: bell.ring("journal"))
    return bell.run()


def _tail(here: Serving) -> Coroutine[Any, Any, object]:
    source, ends = MemoryTail(here.store), here.node.ends
    tail = here.tail = Tail(source, here.machine.name, ends, lambda: _peers(here))
    tail.subscribe(lambda _node, _entries: here.chat.look_all(), [e.MessageAdded])
    _known(here.bell).on("journal", lambda _node, _payload: tail.wake())
    return tail.run()


def _peers(here: Serving) -> Sequence[Peer]:
    return here.member.peers if here.member is not None else ()


def _directory(here: Serving) -> Coroutine[Any, Any, object]:
    rows = MemoryDirectory(here.store)
    here.directory = Directory(here.node.ledger, rows, _known(here.tail))
    return here.directory.run()


def _contacts(here: Serving) -> Coroutine[Any, Any, object]:
    bell, intake = _known(here.bell), here.node.intake
    looking = Looking("what others received for us", intake.look)
    intake.ring = lambda to: bell.ring("inbox", to)
    bell.on("inbox", lambda _node, _whose: looking.wake())
    _known(here.tail).subscribe(intake.heard, [e.InboundDecided])
    return looking.run()


def _asking(here: Serving) -> Coroutine[Any, Any, object]:
    rows = MemoryRelay(here.store)
    here.asking = Asking(here.node.ledger, here.node.writer, rows, bell=here.bell)
    return here.asking.run()


def _handover(here: Serving) -> Coroutine[Any, Any, object]:
    here.handover = Handover(
        here.node,
        MemoryHandover(here.store),
        _known(here.asking),
        lambda: _peers(here),
        bell=here.bell,
    )
    here.node.desk.afar = Afar(
        here.node,
        _known(here.asking),
        here.handover,
        _Keeps(),
        MemoryHomes(here.store),
        MemoryContacts(here.store),
    )
    return here.handover.run()


class _Keeps:
    """Nobody here transfers to an agent by name."""

    def keep(self, agent: AgentName, item: ItemId, asker: NodeName) -> None:
        raise NotImplementedError


def _evacuation(here: Serving) -> Coroutine[Any, Any, object]:
    async def leave() -> None:
        here.leaving = True
        here.push.turn_away("the node is being evacuated")

    async def come_back() -> None:
        here.leaving = False
        here.push.turn_away("")

    here.evacuation = Evacuation(
        here.node,
        MemoryHandover(here.store),
        _known(here.handover),
        _known(here.asking),
        lambda: _peers(here),
        "here",
        stop_taking=leave,
        take_again=come_back,
    )
    return here.evacuation.run()


def _known(part: T | None) -> T:
    assert part is not None
    return part


PARTS: Sequence[Part] = (
    _bell, _tail, _directory, _contacts, _takeover, _membership, _asking, _handover, _evacuation,
)  # fmt: skip
"""In this order: a part may use what an earlier one has put into ``Serving``."""


class Machine:
    """Where one node runs, life after life."""

    def __init__(self, name: str, steps: Steps) -> None:
        self.name = NodeName(name)
        self.steps = steps
        self.lives = 0
        self.life: Life | None = None
        self.here: Serving | None = None
        self.mortal = False
        self.gone = False
        self.taken = self.resumed = 0

    @property
    def serves(self) -> bool:
        return self.here is not None and self.life is not None and self.life.alive

    def does(self, heirs: set[NodeName], now: float) -> str:
        """In a word, what one would see this node do."""
        if self.gone:
            return "gone"
        if self.life is None or not self.life.alive:
            return "down"
        if now < self.life.frozen_until:
            return "stands still"
        if self.here is None:
            return "comes"
        if self.here.leaving:
            return "leaves"
        return "takes over" if self.name in heirs else "serves"

    def count(self) -> None:
        """A life has ended, or the day: what it did counts."""
        if self.here is not None and self.here.takeover is not None:
            self.taken += self.here.takeover.taken
            self.resumed += self.here.takeover.resumed
        self.here = None

    async def live(self, world: "ClusterWorld") -> None:
        """One life after the other, until it is gone for good."""
        while True:
            self.lives += 1
            number = self.lives * 10 + world.machines.index(self)
            life = self.life = Life(number, self.steps, world.more_dice(), world.fault)
            self.steps.begin_life()
            await life.run(self._serve(world, life))
            self.count()
            was_here = self.name in world.tables.leases
            if self.mortal and was_here and world.dice.random() < 0.6:
                world.fault("gone for good")
                self.gone = True
                self.steps.note(f"{self.name} is gone for good")
                return
            await asyncio.sleep(world.dice.choice([0.1, world.dice.uniform(0.0, 15.0)]))

    async def _serve(self, world: "ClusterWorld", life: Life) -> None:
        try:
            await self._work(world, life)
        except BaseExceptionGroup as several:
            leaves = leaves_of(several)
            # Who waited for a decision is refused when the node ends.
            rest = [leaf for leaf in leaves if not isinstance(leaf, Fenced | Refused)]
            if rest or not any(isinstance(leaf, Fenced) for leaf in leaves):
                raise
            world.fault("fenced")
            self.steps.note(f"{self.name} has been fenced, and begins anew")
            life.end()

    async def _work(self, world: "ClusterWorld", life: Life) -> None:
        dice = world.more_dice()
        store = MemoryStore(world.tables, faults=world.faults, dice=dice, step=life.step)
        cluster = MemoryCluster(
            store, chunk=world.chunk, fencing=world.is_fencing, ended=world.duties.pass_on
        )
        channels: dict[ChannelName, Channel] = {}
        node = await self._come(world, life, store, cluster, channels)
        node.ledger.state.channels.update(KINDS)
        world.watch(node)
        push = world.push_of(node, store)
        scene = world.scene(life, node)
        chat = ChatChannel(scene)
        own = [MailChannel(scene), chat, TaskChannel(scene)]
        channels.update({channel.name: channel for channel in own})  # type: ignore[misc]
        here = Serving(
            world=world,
            machine=self,
            life=life,
            store=store,
            cluster=cluster,
            node=node,
            push=push,
            chat=chat,
        )
        parts = [part(here) for part in PARTS]
        self.here = here
        async with asyncio.TaskGroup() as group:
            for work in (node.run(), push.run(), *parts, *(channel.run() for channel in own)):
                group.create_task(work)

    async def _come(
        self,
        world: "ClusterWorld",
        life: Life,
        store: MemoryStore,
        cluster: MemoryCluster,
        channels: dict[ChannelName, Channel],
    ) -> Node:
        card = Card(state="joining", place=f"life {life.number}")
        while True:
            joining = Joining(store, cluster, self.name, card, monotonic=world.clock.monotonic)
            try:
                return await Node.start(
                    name=self.name,
                    region="here",
                    clock=world.clock,
                    new_id=world.new_id,
                    journal=store,
                    lookup=store,
                    channels=channels,
                    queue_of=lambda _: GENERAL,
                    term=await joining.join(),
                    contacts=MemoryContacts(store),
                )
            except (Unavailable, CommitUnknown, Fenced, NameTaken):
                await asyncio.sleep(0.5)  # whatever starts processes starts it again


class Handed(Duties):
    """Each duty has one node, and goes to the heir when the takeover is done."""

    def __init__(self, holders: dict[str, NodeName]) -> None:
        super().__init__()
        self.holders = holders

    def holds(self, node: Node, duty: str) -> bool:
        return self.holders[duty] == node.ledger.state.node

    def pass_on(self, dead: NodeName, heir: NodeName) -> None:
        if dead != heir:
            mine = [duty for duty, node in self.holders.items() if node == dead]
            self.holders.update(dict.fromkeys(mine, heir))
            self.changed()
