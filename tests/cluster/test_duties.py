"""Duties as nodes do them, over tables in memory, on virtual time."""

import asyncio
import random
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Never

import pytest

from gateway.cluster.duties import Duties
from gateway.cluster.seats import Seat
from gateway.core import events as e
from gateway.core.duties import CALM_SECONDS, ROUND_SECONDS, DutyTerm
from gateway.core.errors import ChannelError, StoodDown
from gateway.core.ids import ChannelName, NodeName
from gateway.core.model import ChannelKind
from gateway.ports import Limits, Outbound, Prefer, Receipt, Route
from gateway.store.contract import Card, DutyLost, Fenced, StoreError, Term
from gateway.supervise import Supervisor
from tests.support.builders import counted_ids
from tests.support.memory_cluster import MemoryCluster
from tests.support.memory_duties import MemoryDuties
from tests.support.memory_store import Faults, MemoryStore
from tests.support.memory_tables import Tables
from tests.support.virtual import VirtualClock, run

A, B = NodeName("n1"), NodeName("n2")
BOX = "mailbox support at imap.firm.example, INBOX"


class Node:
    """A node as far as its duties go."""

    def __init__(self, name: NodeName, tables: Tables, store: MemoryStore) -> None:
        self.name = name
        self.tables = tables
        self.store = store
        self.term = tables.begin(name)
        self.card = Card(state="serving")
        tables.renew(self.term, self.card)
        self.events: list[e.Event] = []
        self.duties = Duties(
            MemoryDuties(store),
            self.current_term,
            name,
            f"region of {name}",
            record=self.events.append,
            monotonic=asyncio.get_running_loop().time,
        )
        self.life: asyncio.Task[None] | None = None

    async def current_term(self) -> Term:
        return self.term

    def is_shown(self, card: Card) -> None:
        self.tables.renew(self.term, card)

    async def vanish(self) -> None:
        assert self.life is not None
        self.life.cancel()
        await asyncio.gather(self.life, return_exceptions=True)


class Floor:
    """Tables, nodes, and who works under the duty at the moment."""

    def __init__(self, group: asyncio.TaskGroup, *, faults: Faults | None = None) -> None:
        self.tables = Tables(counted_ids())
        self.tables.now = VirtualClock(asyncio.get_running_loop()).now
        self.faults = faults or Faults()
        self.group = group
        self.at_work: list[tuple[NodeName, DutyTerm]] = []
        self.worked: list[tuple[NodeName, int]] = []
        self.tasks: list[asyncio.Task[None]] = []

    def store(self, seed: int = 0) -> MemoryStore:
        return MemoryStore(self.tables, faults=self.faults, dice=random.Random(seed))

    def node(self, name: NodeName, seed: int = 0) -> Node:
        node = Node(name, self.tables, self.store(seed))
        node.life = self.group.create_task(node.duties.run())
        self.tasks.append(node.life)
        return node

    def job(self, node: Node, *, slow: float = 0.0, prefer: Prefer | None = None) -> None:
        """Something done under the duty: it writes ten times a second, and may end slowly."""

        async def act(term: DutyTerm) -> None:
            self.at_work.append((node.name, term))
            try:
                while True:
                    await asyncio.sleep(0.1)
                    self.tables.require_duties(node.term, [term])
                    self.worked.append((node.name, term.epoch))
            except (DutyLost, Fenced) as lost:
                raise StoodDown(str(lost)) from lost
            finally:
                await asyncio.sleep(slow)
                self.at_work.remove((node.name, term))

        self.tasks.append(self.group.create_task(node.duties.perform(BOX, act, prefer=prefer)))

    @property
    def holder(self) -> NodeName | None:
        return self.tables.duties[BOX].node if BOX in self.tables.duties else None

    async def fence(self, winner: Node, dead: Node) -> None:
        peer = self.tables.peer(dead.name)
        cluster = MemoryCluster(winner.store)
        assert await cluster.fence(winner.term, peer)
        await cluster.end(winner.term, dead.name)


@asynccontextmanager
async def floor(*, faults: Faults | None = None) -> AsyncIterator[Floor]:
    async with asyncio.TaskGroup() as group:
        made = Floor(group, faults=faults)
        yield made
        for task in made.tasks:
            task.cancel()


async def until(holds: Callable[[], object], seconds: float = 30.0) -> float:
    began = asyncio.get_running_loop().time()
    async with asyncio.timeout(seconds):
        while not holds():  # noqa: ASYNC110 - nobody tells us
            await asyncio.sleep(0.01)
    return asyncio.get_running_loop().time() - began


def test_of_two_nodes_one_works_until_it_stands_down_then_the_other_at_once() -> None:
    async def day() -> None:
        async with floor() as here:
            one, two = here.node(A), here.node(B)
            for node in (one, two):
                here.job(node, slow=0.5)
            await until(lambda: len(here.worked) > 5)
            assert {node for node, _ in here.worked} == {A}
            await until(lambda: two.duties.holder_of(BOX) == A)
            assert await one.duties.stand_down()
            assert not any(node == A for node, _ in here.at_work), "it ended first"
            assert here.holder in (None, B)
            seconds = await until(lambda: here.at_work == [(B, DutyTerm(name=BOX, epoch=2))])
            assert seconds <= 2 * ROUND_SECONDS
            assert one.duties.taken == one.duties.given == two.duties.taken == 1
            assert [type(event) for event in one.events] == [e.DutyTaken, e.DutyGivenUp]
            # Nothing brings it back: it has no preference, and nobody likes moves.
            one.duties.stand_up()
            await asyncio.sleep(2 * CALM_SECONDS)
            assert here.holder == B

    run(day())


def test_while_work_has_not_ended_the_duty_is_not_given_up() -> None:
    async def day() -> None:
        async with floor() as here:
            one, two = here.node(A), here.node(B)
            here.job(one, slow=10.0)
            await until(lambda: here.at_work)
            here.job(two)
            assert not await one.duties.stand_down(seconds=5.0)
            assert here.holder == A
            await until(lambda: here.holder == B)
            await until(lambda: {node for node, _ in here.at_work} == {B})

    run(day())


def test_a_fenced_nodes_duty_is_done_by_the_other_and_its_own_writes_are_refused() -> None:
    async def day() -> None:
        async with floor() as here:
            one, two = here.node(A), here.node(B)
            here.job(one)
            await until(lambda: here.at_work)
            here.job(two)
            await here.fence(two, one)
            await until(lambda: (B, 2) in here.worked)
            first = here.worked.index((B, 2))
            assert (A, 1) not in here.worked[first:]
            await until(lambda: {node for node, _ in here.at_work} == {B})

    run(day())


def test_a_database_that_is_away_changes_no_hands() -> None:
    async def day() -> None:
        async with floor() as here:
            one, two = here.node(A), here.node(B)
            for node in (one, two):
                here.job(node)
            await until(lambda: here.at_work)
            here.faults.unavailable = 1.0
            await asyncio.sleep(25.0)
            here.faults.unavailable = 0.0
            # The failover left the fate of a commit open: the node has raised its own epoch.
            one.term = Term(node=A, epoch=one.term.epoch + 1)
            here.tables.fences[A] = here.tables.leases[A].epoch = one.term.epoch
            await asyncio.sleep(30.0)
            assert here.at_work == [(A, DutyTerm(name=BOX, epoch=1))]
            assert two.duties.taken == 0

    run(day())


def test_a_duty_goes_back_to_the_preferred_region_when_asked() -> None:
    async def day() -> None:
        async with floor() as here:
            one, two = here.node(A), here.node(B)
            for node in (one, two):
                here.job(node, prefer=Prefer(region=f"region of {A}"))
            await until(lambda: here.holder == A)
            await one.duties.stand_down()
            await until(lambda: here.holder == B)
            one.duties.stand_up()
            seconds = await until(lambda: here.holder == A)
            assert seconds < 5 * ROUND_SECONDS
            assert isinstance(two.events[-1], e.DutyGivenUp)
            assert two.events[-1].reason == "n1 asked for it"

    run(day())


def test_and_by_itself_only_after_a_calm_time() -> None:
    async def day() -> None:
        async with floor() as here:
            here.job(here.node(B), prefer=Prefer(node=A))
            await until(lambda: here.holder == B)
            here.job(here.node(A), prefer=Prefer(node=A))
            seconds = await until(lambda: here.holder == A, seconds=2 * CALM_SECONDS)
            assert seconds >= CALM_SECONDS - 2 * ROUND_SECONDS

    run(day())


def test_of_two_seats_at_a_node_the_first_by_name_works_and_the_other_after_it() -> None:
    async def day() -> None:
        async with floor() as here:
            one = here.node(A)
            log: list[str] = []

            async def sit(seat: Seat) -> None:
                while True:
                    await seat.turn(lambda why: log.append(f"{seat.who} waits: {why}"))
                    try:
                        await seat.work(lambda _term: work(seat.who))
                    except StoodDown:
                        log.append(f"{seat.who} stands down")

            async def work(who: str) -> None:
                log.append(f"{who} works")
                await asyncio.Event().wait()

            help_seat, support_seat = one.duties.seat(BOX, "help"), one.duties.seat(BOX, "support")
            here.tasks += [here.group.create_task(sit(seat)) for seat in (support_seat, help_seat)]
            await until(lambda: "help works" in log)
            await asyncio.sleep(3.0)
            assert log[-1] != "support works"
            assert "support waits: n1 reads it, as 'help'" in log
            here.tasks[-1].cancel()
            await asyncio.sleep(0)
            help_seat.leave()
            await until(lambda: log[-1] == "support works")
            assert one.duties.taken == 1, "the duty stayed where it was"

    run(day())


class Box:
    """A channel that reads, and sends."""

    kind = ChannelKind.EMAIL
    limits = Limits()
    name = ChannelName("support")

    def __init__(self) -> None:
        self.running = 0

    def routes(self) -> list[Route]:
        return []

    async def run(self, ready: Callable[[], None]) -> Never:
        self.running += 1
        try:
            ready()
            await asyncio.Event().wait()
            raise ChannelError("never")
        finally:
            self.running -= 1

    async def send(self, out: Outbound) -> Receipt:
        return Receipt()

    async def check(self) -> list[tuple[str, str | None]]:
        return []


def test_a_channel_stands_by_says_who_reads_and_runs_when_its_turn_comes() -> None:
    async def day() -> None:
        async with floor() as here:
            one, two = here.node(A), here.node(B)
            told: list[str] = []
            boxes = []
            watches = []
            for node in (one, two):
                clock = VirtualClock(asyncio.get_running_loop())
                watch = Supervisor(
                    clock,
                    lambda name, health, who=node.name: told.append(  # type: ignore[misc]
                        f"{who} {health.state}"
                    ),
                )
                box = Box()
                seat = node.duties.seat(BOX, box.name)
                here.tasks.append(here.group.create_task(watch.run(box, seat=seat)))
                boxes.append(box)
                watches.append(watch)
            await until(lambda: boxes[0].running)
            await until(lambda: watches[1].health[Box.name].reason == "n1 reads it")
            assert watches[0].health[Box.name].state == "up"
            assert watches[1].health[Box.name].state == "standby"
            watches[0].pause(Box.name)
            await asyncio.sleep(5.0)
            assert here.holder == A, "a pause is no reason to read elsewhere"
            watches[0].resume(Box.name)
            await until(lambda: boxes[0].running)
            await one.duties.stand_down()
            await until(lambda: boxes[1].running)
            assert boxes[0].running == 0
            await until(lambda: watches[0].health[Box.name].reason == "n2 reads it")
            assert told.count("n2 standby") == 1

    run(day())


@pytest.mark.parametrize("seed", range(40))
def test_whatever_goes_wrong_nobody_works_under_another_ones_epoch(seed: int) -> None:
    """Nodes with a bad database come and go: each epoch is one node's, and they only rise."""

    async def day() -> None:
        dice = random.Random(seed)
        bad = Faults(unavailable=0.15, unknown=0.15, delayed=0.3, slow=2.0)
        async with floor(faults=bad) as here:
            nodes = [here.node(NodeName(f"n{n}"), seed + n) for n in (1, 2, 3)]
            for node in nodes:
                here.job(node, slow=dice.choice([0.0, 1.0]))
            for _ in range(12):
                await asyncio.sleep(dice.uniform(0.0, 8.0))
                node = dice.choice(nodes)
                match dice.randrange(3):
                    case 0:
                        here.group.create_task(node.duties.stand_down(1.0))
                    case 1:
                        node.duties.stand_up()
                    case _:
                        nodes.remove(node)
                        await node.vanish()
                        again = here.node(node.name, dice.randrange(1_000))
                        here.job(again)
                        nodes.append(again)
            here.faults.unavailable = here.faults.unknown = here.faults.delayed = 0.0
            for node in nodes:
                node.duties.stand_up()
            # Leftovers of lives that ended without a word have no right to write.
            done = len(here.worked)
            await until(lambda: len(here.worked) > done + 20)
            epochs = [epoch for _, epoch in here.worked]
            assert epochs == sorted(epochs)
            assert len(set(here.worked)) == len(set(epochs)), "an epoch of two nodes"
            assert len({node for node, _ in here.worked[-10:]}) == 1

    run(day())


def test_the_store_errors_of_duties_are_store_errors() -> None:
    assert issubclass(DutyLost, StoreError)
