"""Several nodes of the flow over one store in memory, on virtual time, without sockets."""

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from types import MappingProxyType
from typing import Any, Literal

from msgspec.structs import replace

from gateway.cluster.afar import Afar
from gateway.cluster.asking import Asking, Handler
from gateway.cluster.bell import Bell
from gateway.cluster.capacity import Publication
from gateway.cluster.directory import Directory
from gateway.cluster.evacuation import Evacuation
from gateway.cluster.handover import Handover
from gateway.cluster.looking import Looking
from gateway.cluster.membership import Membership
from gateway.cluster.overflow import Overflow
from gateway.cluster.tail import Tail
from gateway.cluster.takeover import Takeover
from gateway.core import commands as c
from gateway.core import events as e
from gateway.core.ids import AgentName, ChannelName, CommandId, NodeName
from gateway.core.model import AgentProfile, Item
from gateway.flow.node import Node
from gateway.ports import Channel
from gateway.store.contract import Card
from tests.support.builders import GENERAL, KINDS, queue
from tests.support.flownode import Sink
from tests.support.memory_capacity import MemoryCapacity
from tests.support.memory_cluster import MemoryCluster
from tests.support.memory_contacts import MemoryContacts
from tests.support.memory_following import MemoryDirectory, MemoryTail
from tests.support.memory_handover import MemoryHandover
from tests.support.memory_homes import MemoryHomes
from tests.support.memory_relay import MemoryRelay
from tests.support.memory_store import Faults, MemoryStore
from tests.support.memory_tables import Tables
from tests.support.virtual import VirtualClock

Step = Callable[[str], Awaitable[None]]


async def no_step(_name: str) -> None:
    """Nothing happens between two steps."""


class Running:
    """A node that runs, its way to the tables, and its faults."""

    def __init__(self, store: MemoryStore, node: Node) -> None:
        self.store = store
        self.tables = store.tables
        self.node = node
        self.name = node.ledger.state.node
        self.sinks: dict[ChannelName, Sink] = {}
        self.cluster = MemoryCluster(store)
        self.bell = Bell(store.tables.wires, self.name)
        node.ledger.subscribe(lambda _committed: self.bell.ring("journal"))
        self.tail = Tail(MemoryTail(store), self.name, node.ends, lambda: self.member.peers)
        self.bell.on("journal", lambda _node, _payload: self.tail.wake())
        self.directory = Directory(node.ledger, MemoryDirectory(store), self.tail)
        self.takeover = Takeover(node, self.cluster, learn=self.directory.learn)
        node.intake.ring = lambda to: self.bell.ring("inbox", to)
        self.contacts = Looking("what others received for us", node.intake.look)
        self.bell.on("inbox", lambda _node, _whose: self.contacts.wake())
        self.tail.subscribe(node.intake.heard, [e.InboundDecided])
        self.tail.subscribe(node.values.heard, [e.CustomerValued])
        self.asking = Asking(node.ledger, node.writer, MemoryRelay(store))
        self.card = Card(urls={"agent": f"ws://{self.name}/agent/v1"})
        self.member = Membership(
            store,
            node.writer,
            self.name,
            self.takeover.note,
            card=lambda: self.card,
            monotonic=node.ledger.clock.monotonic,
        )
        self.figures = Publication(
            node.ledger,
            MemoryCapacity(store),
            node.writer.current_term,
            lambda: self.member.peers,
            "here",
            monotonic=node.ledger.clock.monotonic,
        )
        self.handover = Handover(
            node, MemoryHandover(store), self.asking, lambda: self.member.peers
        )
        self.handover.arriving = lambda: self.takeover.under_way
        self.homes = MemoryHomes(store)
        self.overflow = Overflow(
            node,
            self.figures,
            self.asking,
            self.handover,
            "here",
            presences=self.homes,
            monotonic=node.ledger.clock.monotonic,
        )
        self.afar = Afar(
            node, self.asking, self.handover, self.overflow, self.homes, MemoryContacts(store)
        )
        node.desk.afar = self.afar
        self.evacuation = Evacuation(
            node,
            MemoryHandover(store),
            self.handover,
            self.asking,
            lambda: self.member.peers,
            "here",
            stop_taking=self._shown_as("leaving"),
            take_again=self._shown_as("serving"),
        )
        self.life: asyncio.Task[None] | None = None
        self._commands = 0

    def _shown_as(self, state: Literal["leaving", "serving"]) -> Callable[[], Awaitable[None]]:
        async def show() -> None:
            self.card = replace(self.card, state=state)

        return show

    @property
    def items(self) -> dict[str, Item]:
        """By the subject."""
        return {item.subject: item for item in self.node.ledger.state.items.values()}

    def command(self) -> CommandId:
        self._commands += 1
        return CommandId(f"{self.name}-command-{self._commands:06}")

    async def act(self, agent: AgentName, command: c.Command) -> Any:
        return await self.node.desk.act(agent, command, maybe_repeated=False)

    async def sign_in(self, name: AgentName) -> None:
        """A desktop at this node, whose agent is at home here or nowhere."""
        attached = self.node.desk.attach(name, "tab")
        await self.node.ledger.committed(attached.position)
        await self.act(name, c.State(id=self.command(), state="ready"))

    async def caught_up(self) -> None:
        """Everything recorded so far is on disk."""
        await self.node.ledger.committed(self.node.ledger.position)

    async def run(self) -> None:
        async with asyncio.TaskGroup() as group:
            for work in (
                self.node.run(), self.takeover.run(), self.member.run(), self.asking.run(),
                self.bell.run(), self.tail.run(), self.directory.run(), self.figures.run(),
                self.handover.run(), self.overflow.run(), self.contacts.run(),
                self.evacuation.run(),
            ):  # fmt: skip
                group.create_task(work)

    async def vanish(self) -> None:
        """As by kill -9: nothing of it runs any more, and it has said nothing."""
        if self.life is not None:
            self.life.cancel()
            await asyncio.gather(self.life, return_exceptions=True)


@asynccontextmanager
async def running(
    tables: Tables,
    name: NodeName,
    *,
    step: Step = no_step,
    serving: Mapping[str, Handler] = MappingProxyType({}),
) -> AsyncIterator[Running]:
    """A node, as an earlier one's successor if there was one. Whatever ends it is raised here."""
    clock = VirtualClock(asyncio.get_running_loop())
    tables.now = clock.now
    store = MemoryStore(tables, faults=Faults(), dice=random.Random(1), step=step)
    sinks: dict[ChannelName, Channel] = {kind: Sink(kind) for kind in KINDS}  # type: ignore[misc]
    node = await Node.start(
        name=name,
        region="here",
        clock=clock,
        new_id=tables.new_id,
        journal=store,
        lookup=store,
        channels=sinks,
        queue_of=lambda _: GENERAL,
        contacts=MemoryContacts(store),
    )
    node.ledger.state.channels.update(KINDS)
    one = Running(store, node)
    one.sinks = sinks  # type: ignore[assignment]
    for kind, handler in serving.items():
        one.asking.serve(kind, handler)
    async with asyncio.TaskGroup() as group:
        one.life = group.create_task(one.run())
        await one.caught_up()
        yield one
        one.life.cancel()


def a_house(tables: Tables, *profiles: AgentProfile) -> Tables:
    """The directory, as the nodes will find it."""
    tables.queues[GENERAL] = queue()
    tables.profiles.update((profile.name, profile) for profile in profiles)
    return tables


async def until(holds: Callable[[], object], seconds: float = 60.0) -> None:
    """Wait for a fact, in virtual time."""
    async with asyncio.timeout(seconds):
        while not holds():  # noqa: ASYNC110 - nobody tells us
            await asyncio.sleep(0.01)
