"""A machine of a simulated cluster: one node, life after life, with all its parts."""

import asyncio
from typing import TYPE_CHECKING

from gateway.cluster.joining import Joining, NameTaken
from gateway.core.errors import Refused
from gateway.core.ids import AgentName, ChannelName, NodeName
from gateway.flow.node import Node
from gateway.ports import Channel
from gateway.store.contract import Card, CommitUnknown, Fenced, Unavailable
from tests.sim.channels import ChatChannel, MailChannel, TaskChannel, Whereabouts
from tests.sim.parts import PARTS, Serving, known
from tests.sim.play import leaves_of
from tests.support.builders import GENERAL, KINDS
from tests.support.memory_cluster import MemoryCluster
from tests.support.memory_contacts import MemoryContacts
from tests.support.memory_store import MemoryStore
from tests.support.simworld import Life, Steps

if TYPE_CHECKING:
    from tests.sim.cluster import ClusterWorld


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
        if self.stands_still(now):
            return "stands still"
        if self.here is None:
            return "comes"
        if self.here.leaving:
            return "leaves"
        return "takes over" if self.name in heirs else "serves"

    def stands_still(self, now: float) -> bool:
        """Whether it is frozen between two steps."""
        return self.life is not None and now < self.life.frozen_until

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
            store, chunk=world.chunk, fencing=world.is_fencing, ended=world.whereabouts.pass_on
        )
        channels: dict[ChannelName, Channel] = {}
        node = await self._come(world, life, store, cluster, channels)
        node.ledger.state.channels.update(KINDS)
        world.watch(node)
        push = world.push_of(node, store, self._release)
        scene = world.scene(life, node)
        mail, chat = MailChannel(scene), ChatChannel(scene)
        own = [mail, chat, TaskChannel(scene)]
        channels.update({channel.name: channel for channel in own})  # type: ignore[misc]
        here = Serving(
            world=world,
            machine=self,
            life=life,
            store=store,
            cluster=cluster,
            node=node,
            push=push,
            mail=mail,
            chat=chat,
        )
        parts = [part(here) for part in PARTS]
        self.here = here
        async with asyncio.TaskGroup() as group:
            for work in (node.run(), push.run(), *parts, *(channel.run() for channel in own)):
                group.create_task(work)

    def _release(self, home: NodeName, agent: AgentName) -> str:
        """Have the node that a desktop cannot reach asked to let go."""
        return known(known(self.here).releases).ask(home, agent)

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


class Wandering(Whereabouts):
    """Each of them turns up at one node, and at its heir's when the takeover is done."""

    def __init__(self, at: dict[str, NodeName]) -> None:
        super().__init__()
        self.at = at

    def has(self, node: Node, who: str) -> bool:
        return self.at[who] == node.ledger.state.node

    def pass_on(self, dead: NodeName, heir: NodeName) -> None:
        if dead != heir:
            lost = [who for who, node in self.at.items() if node == dead]
            self.at.update(dict.fromkeys(lost, heir))
            self.changed()
