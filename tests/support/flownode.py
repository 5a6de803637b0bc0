"""A whole node of the flow over the store in memory, on virtual time, for tests of its parts."""

import asyncio
import random
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from gateway.core import commands as c
from gateway.core import events as e
from gateway.core.ids import AgentName, ChannelName, CommandId
from gateway.core.model import AgentProfile, Queue
from gateway.flow.gate import Gate
from gateway.flow.node import Node
from gateway.ports import Channel, Limits, Outbound, Receipt
from tests.support.builders import GENERAL, KINDS, NODE, counted_ids, queue
from tests.support.memory_store import Faults, MemoryStore
from tests.support.memory_tables import Tables
from tests.support.virtual import VirtualClock


class Sink:
    """A channel that takes what is sent, or fails as told."""

    def __init__(self, name: ChannelName) -> None:
        self.name = name
        self.kind = KINDS[name]
        self.limits = Limits(max_attachment_bytes=1_000_000)
        self.sent: list[Outbound] = []
        self.begun = asyncio.Event()
        self.errors: list[Exception] = []

    async def send(self, out: Outbound) -> Receipt:
        self.sent.append(out)
        self.begun.set()
        await asyncio.sleep(0.01)
        if self.errors:
            raise self.errors.pop(0)
        return Receipt(external_id=f"{out.id}@there")


class Rig:
    """A node that runs, its tables and its faults."""

    def __init__(self, tables: Tables, store: MemoryStore, node: Node) -> None:
        self.tables = tables
        self.store = store
        self.node = node
        self.sinks: dict[ChannelName, Sink] = {}
        self._commands = 0

    def command(self) -> CommandId:
        self._commands += 1
        return CommandId(f"command-{self._commands:06}")

    async def caught_up(self) -> None:
        """Everything recorded so far is on disk."""
        await self.node.ledger.committed(self.node.ledger.position)


def new_tables() -> Tables:
    return Tables(counted_ids())


@asynccontextmanager
async def running(
    tables: Tables,
    *profiles: AgentProfile,
    queues: Sequence[Queue] = (),
    ready: bool = True,
    seed: int = 1,
    gate: Gate | None = None,
) -> AsyncIterator[Rig]:
    """Start a node, as an earlier one's successor if there was one; stop it at the end."""
    random.seed(seed)
    clock = VirtualClock(asyncio.get_running_loop())
    tables.now = clock.now
    store = MemoryStore(tables, faults=Faults(), dice=random.Random(seed))
    sinks: dict[ChannelName, Channel] = {name: Sink(name) for name in KINDS}  # type: ignore[misc]
    node = await Node.start(
        name=NODE,
        region="here",
        clock=clock,
        new_id=tables.new_id,
        journal=store,
        lookup=store,
        channels=sinks,
        queue_of=lambda _: GENERAL,
        gate=gate,
    )
    node.ledger.state.channels.update(KINDS)
    rig = Rig(tables, store, node)
    rig.sinks = sinks  # type: ignore[assignment]
    if not tables.queues:
        defined = [e.Change(e.QueueDefined(queue=q, by="test")) for q in queues or (queue(),)]
        defined += [e.Change(e.AgentDefined(profile=p, by="test")) for p in profiles]
        node.ledger.record(defined)
    async with asyncio.TaskGroup() as group:
        life = group.create_task(node.run())
        await rig.caught_up()
        try:
            if ready:
                for name in tuple(node.ledger.state.profiles):
                    await sign_in(rig, name)
            yield rig
        finally:
            life.cancel()


async def sign_in(rig: Rig, name: AgentName) -> None:
    await rig.caught_up()
    known = rig.tables.statuses.get(name)
    if known is not None and not rig.node.ledger.state.is_home_of(name):
        rig.node.ledger.record([e.Change(e.AgentClaimed(status=known))])
    attached = rig.node.desk.attach(name, "tab")
    await rig.node.ledger.committed(attached.position)
    await rig.node.desk.act(name, c.State(id=rig.command(), state="ready"), maybe_repeated=False)
