"""Following other nodes' journals on a real PostgreSQL."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from gateway.cluster.tail import Tail
from gateway.core import events as e
from gateway.core.election import Peer
from gateway.core.ids import NodeName, Position
from gateway.ports import PeerEntry
from gateway.store.contract import Term
from gateway.store.opening import Store
from gateway.store.tail import PgTail
from tests.support.builders import agent, queue
from tests.support.database import Incarnations

pytestmark = pytest.mark.integration

A, B, C = NodeName("n1"), NodeName("n2"), NodeName("n3")
AT = datetime(2026, 3, 1, 12, tzinfo=UTC)


class Author:
    """A node that does nothing but write its journal."""

    def __init__(self, incarnations: Incarnations, name: NodeName) -> None:
        self._incarnations = incarnations
        self.name = name
        self.journal, self.fence = incarnations()
        self.term = Term(node=name, epoch=0)
        self.offset = 0
        self.at = AT

    async def begin(self) -> None:
        """A new life of the same node."""
        self.journal, self.fence = self._incarnations()
        self.term = await self.journal.begin(self.name, "")
        self.offset = 0

    async def raise_own(self) -> None:
        """As after an unknown outcome: the epoch rises, the offsets go on."""
        self.term = await self.fence.raise_own(self.term)

    async def write(self, *events: e.Event) -> None:
        batch = self.journal.batch()
        for event in events:
            self.offset += 1
            position = Position(self.term.epoch, self.offset)
            batch.add(e.Entry(position, self.at, event, ()))
        await self.journal.commit(self.term, batch)


def started(items: int) -> e.Event:
    """An event that says its number."""
    return e.NodeStarted(node=A, region="", items=items)


class Told:
    """What a consumer saw."""

    def __init__(self) -> None:
        self.entries: list[tuple[NodeName, PeerEntry]] = []

    def note(self, node: NodeName, entries: Sequence[PeerEntry]) -> None:
        self.entries += [(node, entry) for entry in entries]

    def numbers(self, node: NodeName) -> list[int]:
        return [
            entry.event.items
            for who, entry in self.entries
            if who == node and isinstance(entry.event, e.NodeStarted)
        ]


def peer(name: NodeName, *, fence: int = 1, epoch: int = 1) -> Peer:
    return Peer(node=name, epoch=epoch, counter=1, fence=fence)


def tail(store: Store, *peers: Peer, ends: dict[NodeName, Position] | None = None) -> Tail:
    return Tail(store.tail, B, ends or {}, lambda: (peer(B), *peers))


async def test_what_a_peer_commits_is_told_once_and_in_order(
    store: Store, incarnations: Incarnations
) -> None:
    one, told = Author(incarnations, A), Told()
    await one.begin()
    following = tail(store, peer(A))
    following.subscribe(told.note)
    for n in range(3):
        await one.write(started(2 * n), started(2 * n + 1))
        await following.catch_up()
    await following.catch_up()
    assert told.numbers(A) == [0, 1, 2, 3, 4, 5]


async def test_a_peer_is_followed_over_its_epochs(store: Store, incarnations: Incarnations) -> None:
    one, told = Author(incarnations, A), Told()
    following = tail(store, peer(A))
    following.subscribe(told.note)
    await one.begin()
    await one.write(started(1))
    await following.catch_up()
    await one.raise_own()
    await one.write(started(2))
    await one.begin()  # its offsets begin anew
    await one.write(started(3))
    await following.catch_up()
    await one.write(started(4))
    await following.catch_up()
    assert told.numbers(A) == [1, 2, 3, 4]


async def test_nothing_falls_between_the_load_and_the_tail(
    store: Store, incarnations: Incarnations
) -> None:
    one, told = Author(incarnations, A), Told()
    await one.begin()
    two, _ = incarnations()
    await one.write(started(1), started(2))
    loaded = await two.load(await two.begin(B, ""))
    await one.write(started(3))
    following = tail(store, peer(A), ends=dict(loaded.ends))
    following.subscribe(told.note)
    await following.catch_up()
    assert loaded.ends[A] == Position(1, 2)
    assert told.numbers(A) == [3]


async def test_under_a_mass_of_commits_what_is_loaded_and_what_is_told_make_the_whole(
    store: Store, incarnations: Incarnations
) -> None:
    """Queues are loaded, and those defined after the load are told: none is missing."""
    one = Author(incarnations, A)
    await one.begin()
    two, _ = incarnations()
    term = await two.begin(B, "")

    async def define() -> None:
        for n in range(150):
            name = f"q{n}"
            batch = one.journal.batch()
            one.offset += 1
            defined = e.QueueDefined(queue=queue(name), by="test")
            position = Position(one.term.epoch, one.offset)
            batch.add(e.Entry(position, AT, defined, (queue(name),)))
            await one.journal.commit(one.term, batch)

    async with asyncio.TaskGroup() as group:
        group.create_task(define())
        while one.offset < 40:  # noqa: ASYNC110 - nobody tells us
            await asyncio.sleep(0.001)
        loaded = await two.load(term)
    told = Told()
    following = tail(store, peer(A), ends=dict(loaded.ends))
    following.subscribe(told.note, [e.QueueDefined])
    await following.catch_up()
    known = [q.name for q in loaded.queues]
    later = [
        entry.event.queue.name
        for _, entry in told.entries
        if isinstance(entry.event, e.QueueDefined)
    ]
    assert len(known) >= 39
    assert sorted(known + later) == sorted(f"q{n}" for n in range(150))


async def test_a_new_peer_is_followed_from_its_first_entry(
    store: Store, incarnations: Incarnations
) -> None:
    one, three, told = Author(incarnations, A), Author(incarnations, C), Told()
    peers = [peer(A)]
    following = Tail(store.tail, B, {}, lambda: peers)
    following.subscribe(told.note)
    await one.begin()
    await three.begin()
    await one.write(started(1))
    await three.write(started(7), started(8))
    await following.catch_up()
    assert told.numbers(C) == []
    peers.append(peer(C))
    await following.catch_up()
    assert told.numbers(C) == [7, 8]


async def test_much_is_read_in_parts_and_only_what_is_wanted(
    store: Store, incarnations: Incarnations
) -> None:
    one, told, all_of_it = Author(incarnations, A), Told(), Told()
    await one.begin()
    await one.write(*(started(n) for n in range(25)))
    defined = e.AgentDefined(profile=agent("ana"), by="test")
    await one.write(defined, *(started(n) for n in range(25, 50)))
    following = Tail(PgTail(store.pool, store.sql, most=7), B, {}, lambda: [peer(A)])
    following.subscribe(told.note, [e.AgentDefined])
    await following.catch_up()
    assert [entry.event for _, entry in told.entries] == [defined]
    following.subscribe(all_of_it.note)
    await one.write(started(50))
    await following.catch_up()
    assert all_of_it.numbers(A) == [50]
    assert following.read == 2


async def test_a_clock_that_goes_back_hides_nothing(
    store: Store, incarnations: Incarnations
) -> None:
    one, told = Author(incarnations, A), Told()
    await one.begin()
    following = tail(store, peer(A))
    following.subscribe(told.note)
    one.at = AT + timedelta(hours=30)
    await one.write(started(1))
    await following.catch_up()
    one.at = AT
    await one.write(started(2))
    await following.catch_up()
    assert told.numbers(A) == [1, 2]


async def test_an_entry_of_the_next_version_is_left_out_and_those_after_it_are_read(
    store: Store, incarnations: Incarnations
) -> None:
    one, told = Author(incarnations, A), Told()
    await one.begin()
    await one.write(started(1), started(2), started(3))
    await store.pool.execute("""UPDATE journal SET payload = '{"kind": 7}' WHERE "offset" = 2""")
    following = tail(store, peer(A))
    following.subscribe(told.note)
    await following.catch_up()
    assert told.numbers(A) == [1, 3]


async def test_the_journal_of_a_fenced_node_is_read_to_its_end_and_then_left_alone(
    store: Store, incarnations: Incarnations
) -> None:
    one, told = Author(incarnations, A), Told()
    await one.begin()
    await one.write(started(1))
    shown = peer(A, fence=2)
    reads: list[Any] = []
    source = store.tail

    class Watched:
        async def read(self, after: Any, kinds: Any) -> Any:
            reads.append(dict(after))
            return await source.read(after, kinds)

    following = Tail(Watched(), B, {}, lambda: [shown])
    following.subscribe(told.note)
    for _ in range(4):
        await following.catch_up()
    assert told.numbers(A) == [1]
    assert len(reads) == 2
    await one.begin()
    await one.write(started(2))
    shown = peer(A, fence=2, epoch=2)
    await following.catch_up()
    assert told.numbers(A) == [1, 2]


async def test_it_looks_when_it_is_woken(store: Store, incarnations: Incarnations) -> None:
    one, told = Author(incarnations, A), Told()
    await one.begin()
    following = tail(store, peer(A))
    following.subscribe(told.note)
    async with asyncio.TaskGroup() as group:
        task = group.create_task(following.run())
        for n in range(3):
            await one.write(started(n))
            following.wake()
            async with asyncio.timeout(60):
                while len(told.entries) <= n:  # noqa: ASYNC110 - the tail tells us only of entries
                    await asyncio.sleep(0.005)
        task.cancel()
    assert told.numbers(A) == [0, 1, 2]


async def test_a_consumer_that_fails_harms_no_other(
    store: Store, incarnations: Incarnations
) -> None:
    one, told = Author(incarnations, A), Told()
    await one.begin()

    def fails(_node: NodeName, _entries: Sequence[PeerEntry]) -> None:
        raise RuntimeError("a fault of ours")

    following = tail(store, peer(A))
    following.subscribe(fails)
    leave = following.subscribe(told.note)
    await one.write(started(1))
    await following.catch_up()
    leave()
    await one.write(started(2))
    await following.catch_up()
    assert told.numbers(A) == [1]
