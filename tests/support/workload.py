"""A node's durable path under steady load, and an account of what was acknowledged.

The whole flow of a node (ledger, writer, intake, lease) runs in this process over a real database.
Clerks make decisions and wait for the journal, customers file tasks and wait for the inbox; each
acknowledgement is remembered with its time. ``audit`` compares that with what a database holds.
"""

import asyncio
import itertools
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import pairwise
from pathlib import Path

import asyncpg
from msgspec import Struct, field

from gateway.clock import SystemClock
from gateway.cluster.membership import Membership
from gateway.core import events as e
from gateway.core.errors import Refused
from gateway.core.ids import NodeName, Position, QueueName
from gateway.core.model import Queue
from gateway.flow.node import Node
from gateway.store.contract import StoreError
from gateway.store.opening import Store, new_id, open_store
from tests.support.builders import task
from tests.support.patroni import NAME as DATABASE
from tests.support.patroni import PatroniCluster

GENERAL = QueueName("general")
CLERKS = CUSTOMERS = 4
PAUSE_SECONDS = 0.01


class Ack(Struct, frozen=True):
    """When something was begun and when it was acknowledged (``time.monotonic``)."""

    begun: float
    at: float


class Workload(Struct, kw_only=True):
    """The running node and what it has acknowledged."""

    node: Node
    store: Store
    lease: Membership
    name: NodeName
    positions: dict[Position, Ack] = field(default_factory=dict)
    keys: dict[str, Ack] = field(default_factory=dict)
    refused: Counter[str] = field(default_factory=Counter)

    async def first_after(self, moment: float, *, seconds: float) -> float:
        """Seconds from ``moment`` until both kinds of work begun after it were acknowledged."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            firsts = [
                min((ack.at for ack in kind.values() if ack.begun >= moment), default=None)
                for kind in (self.positions, self.keys)
            ]
            if all(firsts):
                return max(first for first in firsts if first) - moment
            await asyncio.sleep(0.01)
        raise TimeoutError(f"nothing was acknowledged within {seconds:.0f} s: {self.refused}")

    def longest_gap(self, since: float) -> float:
        """The longest time after ``since`` in which nothing was acknowledged, of either kind."""
        gaps = []
        for kind in (self.positions, self.keys):
            times = [since, *sorted(ack.at for ack in kind.values() if ack.at >= since)]
            gaps += [after - before for before, after in pairwise(times)]
        return max(gaps)

    async def more(self, count: int) -> None:
        """Wait for so many further acknowledgements of both kinds."""
        for kind in (self.positions, self.keys):
            wanted = len(kind) + count
            while len(kind) < wanted:  # noqa: ASYNC110 - nobody tells us
                await asyncio.sleep(0.01)

    async def audit(self, con: "asyncpg.Connection[asyncpg.Record]") -> tuple[int, int]:
        """How much of what was acknowledged is not there, and how much is there twice."""
        positions, acked = list(self.positions), list(self.keys)
        rows = await con.fetch('SELECT epoch, "offset" FROM journal WHERE node = $1', self.name)
        there = Counter(Position(row["epoch"], row["offset"]) for row in rows)
        offsets = Counter(position.offset for position in there)
        cases = await con.fetchval(
            "SELECT count(*) FROM journal WHERE node = $1 AND kind = 'item_created'", self.name
        )
        who = f"{self.name}-%"
        inbox = await con.fetch("SELECT key, status FROM inbox WHERE key LIKE $1", who)
        keys = Counter(row["key"] for row in inbox)
        decided = sum(row["status"] == "processed" for row in inbox)
        lost = [p for p in positions if p not in there]
        lost_keys = [key for key in acked if key not in keys]
        twice = sum(n - 1 for n in (*offsets.values(), *keys.values()))
        return len(lost) + len(lost_keys), twice + max(0, cases - decided)


async def audited(cluster: PatroniCluster, load: Workload) -> tuple[int, int]:
    """Lost and doubled, as the primary of now has it."""
    con = await cluster.connect(await cluster.primary(), database=DATABASE)
    try:
        return await load.audit(con)
    finally:
        await con.close()


@asynccontextmanager
async def working(
    dsn: str | None = None, name: str = "node", *, data_dir: Path | None = None
) -> AsyncIterator[Workload]:
    """A node at work, as ``open_store`` opens it. Leaving lets what is under way end first."""
    async with open_store(dsn=dsn, data_dir=data_dir) as store:
        node = await Node.start(
            name=NodeName(name),
            region="here",
            clock=SystemClock(),
            new_id=new_id,
            journal=store.journal,
            lookup=store.lookup,
            channels={},
            queue_of=lambda _: GENERAL,
        )
        node.ledger.record([_change()])
        load = Workload(
            node=node,
            store=store,
            lease=Membership(store.journal, node.writer, NodeName(name)),
            name=NodeName(name),
        )
        stop = asyncio.Event()
        async with asyncio.TaskGroup() as loops:
            running = [loops.create_task(node.run()), loops.create_task(load.lease.run())]
            async with asyncio.TaskGroup() as people:
                for n in range(CLERKS):
                    people.create_task(_clerk(load, stop), name=f"clerk {n}")
                for n in range(CUSTOMERS):
                    people.create_task(_customer(load, f"{name}-{n}", stop))
                yield load
                stop.set()
            await node.settled()
            for one in running:
                one.cancel()


def _change() -> e.Change:
    return e.Change(e.QueueDefined(queue=Queue(name=GENERAL, display_name="General"), by="test"))


async def _clerk(load: Workload, stop: asyncio.Event) -> None:
    while not stop.is_set():
        begun = time.monotonic()
        position = load.node.ledger.record([_change()])
        await load.node.ledger.committed(position)
        load.positions[position] = Ack(begun, time.monotonic())
        await asyncio.sleep(PAUSE_SECONDS)


async def _customer(load: Workload, who: str, stop: asyncio.Event) -> None:
    for n in itertools.count():
        key = f"{who}-{n:05}"
        while not stop.is_set():
            begun = time.monotonic()
            try:
                [accepted] = await load.node.intake.receive([task(key)])
            except (Refused, StoreError) as problem:
                load.refused[str(problem)] += 1
                await asyncio.sleep(0.05)  # as whoever holds it at the source does
                continue
            load.keys[key] = Ack(begun, time.monotonic())
            await load.node.intake.decided(accepted)
            break
        if stop.is_set():
            return
        await asyncio.sleep(PAUSE_SECONDS)
