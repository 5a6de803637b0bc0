"""A duty changes hands once, and nothing is written under one that is not held any more."""

import asyncio
from collections.abc import Awaitable, Callable

import asyncpg
import pytest
from msgspec import Struct

from gateway.core.duties import ABLE, NAMED, Duty, DutyTerm, Look, holders
from gateway.core.ids import NodeName, Position
from gateway.ports import Memory
from gateway.store.cluster import PgCluster
from gateway.store.contract import Card, DutyLost, Fenced, Journal, Lookup, Term
from gateway.store.duties import DutyRows, PgDuties
from gateway.store.opening import Store, new_id
from gateway.store.takeover import Cluster
from tests.store.rows import an_inbound
from tests.support.builders import MAIL
from tests.support.database import Incarnations
from tests.support.memory_cluster import MemoryCluster
from tests.support.memory_duties import MemoryDuties
from tests.support.memory_store import MemoryStore
from tests.support.memory_tables import Tables

A, B = NodeName("n1"), NodeName("n2")
BOX = "mailbox support at imap.firm.example, INBOX"


class Node(Struct):
    """One incarnation of a node that serves."""

    journal: Journal
    lookup: Lookup
    cluster: Cluster
    duties: DutyRows
    term: Term

    async def look(self) -> Look:
        found = await self.duties.look(self.term)
        assert found is not None
        return found

    async def row(self, name: str = BOX) -> Duty:
        return next(duty for duty in (await self.look()).duties if duty.name == name)

    async def take(self, name: str = BOX, seen: int = 0) -> DutyTerm:
        held = await self.duties.take(self.term, name, seen)
        assert held is not None
        return held

    async def remember(self, held: DutyTerm, value: bytes, progress: int = 0) -> None:
        note = Memory(key="cursor", value=value, progress=progress)
        await self.lookup.save_memory(MAIL, note, (self.term, held))

    async def recalled(self) -> bytes | None:
        return await self.lookup.load_memory(MAIL, "cursor")


Starts = Callable[[NodeName], Awaitable[Node]]


async def fence(winner: Node, dead: NodeName) -> None:
    seen = await winner.journal.renew(winner.term)
    peer = next(peer for peer in seen.peers if peer.node == dead)
    assert await winner.cluster.fence(winner.term, peer)


async def refused(one: Node, old: DutyTerm, kept: DutyTerm) -> None:
    note = MAIL, Memory(key="cursor", value=b"late")
    with pytest.raises(DutyLost) as lost:
        await one.journal.receive(one.term, [an_inbound("m1")], [note], [old, kept])
    assert lost.value.duties == {old}
    with pytest.raises(DutyLost):
        await one.remember(old, b"late")


class DutyConformance:
    async def test_of_two_who_take_it_one_has_it(self, starts: Starts) -> None:
        one, two = await starts(A), await starts(B)
        got = await asyncio.gather(
            one.duties.take(one.term, BOX, 0), two.duties.take(two.term, BOX, 0)
        )
        assert sorted(got, key=str) == [DutyTerm(name=BOX, epoch=1), None]
        winner = A if got[0] else B
        assert holders(await one.look()) == holders(await two.look()) == {BOX: winner}

    async def test_each_change_of_hands_raises_the_epoch(self, starts: Starts) -> None:
        one, two = await starts(A), await starts(B)
        held = await one.take()
        await one.duties.give(one.term, held)
        assert (await two.row()).node is None
        assert (await two.take(seen=1)).epoch == 2
        assert await one.duties.take(one.term, BOX, 1) is None
        await one.duties.give(one.term, held)  # an old one, once more
        assert holders(await one.look()) == {BOX: B}

    async def test_what_a_node_can_do_is_what_it_said_last(self, starts: Starts) -> None:
        one = await starts(A)
        await one.duties.wish(one.term, {BOX: NAMED, "other": ABLE})
        await one.duties.wish(one.term, {BOX: ABLE, "third": NAMED})
        look = await one.look()
        assert {(w.duty, w.rank) for w in look.wishes} == {(BOX, ABLE), ("third", NAMED)}
        assert {w.life for w in look.wishes} == {look.life}
        await one.duties.wish(one.term, {})
        assert (await one.look()).wishes == ()

    async def test_who_was_fenced_holds_nothing_and_writes_nothing(self, starts: Starts) -> None:
        one, two = await starts(A), await starts(B)
        held = await one.take()
        await one.remember(held, b"before")
        await fence(two, A)
        assert holders(await two.look()) == {BOX: A}, "until its estate is settled"
        await two.cluster.end(two.term, A)
        assert holders(await two.look()) == {}
        assert await one.duties.look(one.term) is None
        with pytest.raises(Fenced):
            await one.remember(held, b"after")
        for write in (
            one.duties.take(one.term, "other", 0),
            one.duties.wish(one.term, {BOX: ABLE}),
            one.duties.give(one.term, held),
        ):
            with pytest.raises(Fenced):
                await write
        assert (await two.take(seen=1)).epoch == 2
        assert await two.recalled() == b"before"

    async def test_a_new_life_of_the_same_node_has_to_take_it_anew(self, starts: Starts) -> None:
        one = await starts(A)
        await one.take()
        again = await starts(A)
        assert holders(await again.look()) == {}
        assert (await again.take(seen=1)).epoch == 2

    async def test_an_unknown_commit_resolved_changes_no_hands(self, starts: Starts) -> None:
        one, two = await starts(A), await starts(B)
        held = await one.take()
        one.term, _ = await one.journal.resolve(one.term, last=Position(1, 1))
        assert holders(await two.look()) == {BOX: A}
        await one.remember(held, b"as before")
        assert await one.recalled() == b"as before"

    async def test_under_a_duty_that_went_elsewhere_nothing_is_stored(self, starts: Starts) -> None:
        one, two = await starts(A), await starts(B)
        old = await one.take()
        kept = await one.take("other")
        await one.duties.give(one.term, old)
        note = MAIL, Memory(key="cursor", value=b"late")
        await refused(one, old, kept)
        new = await two.take(seen=1)
        await refused(one, old, kept)
        assert await one.recalled() is None
        (stored,) = await two.journal.receive(two.term, [an_inbound("m1")], [note], [new])
        assert stored.fresh

    async def test_an_earlier_turn_of_the_same_node_is_another_duty(self, starts: Starts) -> None:
        one = await starts(A)
        old = await one.take()
        await one.duties.give(one.term, old)
        new = await one.take(seen=1)
        with pytest.raises(DutyLost) as lost:
            await one.journal.receive(one.term, [an_inbound("m1")], [], [old, new])
        assert lost.value.duties == {old}

    async def test_what_a_channel_remembers_never_goes_back(self, starts: Starts) -> None:
        one = await starts(A)
        held = await one.take()
        await one.remember(held, b"ten", progress=10)
        await one.remember(held, b"nine", progress=9)
        assert await one.recalled() == b"ten"
        late = MAIL, Memory(key="cursor", value=b"eight", progress=8)
        await one.journal.receive(one.term, [an_inbound("m1")], [late], [held])
        assert await one.recalled() == b"ten"
        await one.remember(held, b"ten again", progress=10)
        assert await one.recalled() == b"ten again"

    async def test_who_asks_is_known_until_the_duty_changes_hands(self, starts: Starts) -> None:
        one, two = await starts(A), await starts(B)
        held = await one.take()
        await two.duties.ask(two.term, [BOX, "unheard of"])
        await one.duties.ask(one.term, [BOX])  # we have it
        assert (await one.row()).asked == (await two.look()).life
        await one.duties.give(one.term, held)
        await two.take(seen=1)
        assert (await one.row()).asked is None


@pytest.mark.integration
class TestPostgres(DutyConformance):
    @pytest.fixture
    def starts(self, store: Store, incarnations: Incarnations) -> Starts:
        async def start(name: NodeName) -> Node:
            journal, fence = incarnations()
            cluster = PgCluster(pool=store.pool, fence=fence, sql=store.sql)
            term = await journal.begin(name, "eu")
            await journal.renew(term, Card())
            return Node(journal, store.lookup, cluster, PgDuties(store.pool, store.sql), term)

        return start

    async def test_who_takes_over_waits_for_what_is_being_written_under_the_old_epoch(
        self, starts: Starts, store: Store
    ) -> None:
        one, two = await starts(A), await starts(B)
        await one.take()
        con = await asyncpg.connect(store.dsn)
        try:
            async with asyncio.TaskGroup() as group, con.transaction():
                held = "SELECT require_duties($1, $2, $3, $4)"
                assert await con.fetchval(held, A, one.term.epoch, [BOX], [1]) == A
                taking = group.create_task(two.take(seen=1))
                done, _ = await asyncio.wait([taking], timeout=0.5)
                assert not done
                await con.execute(
                    "INSERT INTO channel_memory (channel, key, value) VALUES ($1, 'cursor', 'x')",
                    MAIL,
                )
            assert taking.result() == DutyTerm(name=BOX, epoch=2)
            assert await two.recalled() == b"x"
        finally:
            await con.close()


class TestMemory(DutyConformance):
    @pytest.fixture
    def starts(self) -> Starts:
        tables = Tables(new_id)

        async def start(name: NodeName) -> Node:
            store = MemoryStore(tables)
            term = await store.begin(name, "eu")
            await store.renew(term, Card())
            return Node(store, store, MemoryCluster(store), MemoryDuties(store), term)

        return start
