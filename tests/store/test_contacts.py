"""Who decides about what came in, on PostgreSQL: the inbox commit, claims, and passing on."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from gateway.core import events as e
from gateway.core import model as m
from gateway.core.ids import CaseId, CustomerId, ItemId, NodeName, Position
from gateway.core.inbound import Claim, Inbound
from gateway.store.cluster import PgCluster
from gateway.store.contacts import Decider, Older
from gateway.store.contract import Fenced, Stored, Term, VersionConflict
from gateway.store.opening import Store, new_id
from tests.store.rows import a_case, an_inbound, an_item, from_ann
from tests.support.database import Incarnations

pytestmark = pytest.mark.integration

A, B, C = NodeName("n1"), NodeName("n2"), NodeName("n3")


class Node:
    """A node that receives, writes what it is told to, and takes others over."""

    def __init__(self, store: Store, incarnations: Incarnations, name: NodeName) -> None:
        self.store = store
        self.name = name
        self.journal, fence = incarnations()
        self.cluster = PgCluster(pool=store.pool, fence=fence, sql=store.sql)
        self.term = Term(node=name, epoch=0)
        self.offset = 0

    async def begin(self) -> "Node":
        self.term = await self.journal.begin(self.name, "")
        self.offset = 0
        await self.journal.renew(self.term)
        return self

    async def receive(self, key: str, **fields: Any) -> Stored:
        inbound: Inbound = an_inbound(key=key, **fields)
        (stored,) = await self.journal.receive(self.term, [inbound], [])
        return stored

    async def write(self, *rows: e.Row) -> None:
        batch = self.journal.batch()
        self.offset += 1
        started = e.NodeStarted(node=self.name, region="", items=0)
        position = Position(self.term.epoch, self.offset)
        batch.add(e.Entry(position, an_inbound().at, started, rows))
        await self.journal.commit(self.term, batch)

    async def case(self, stored: Stored | None, *, is_open: bool) -> CaseId:
        """A case of whoever wrote, with an item of ours that is open or has ended."""
        case = a_case(customer=stored.customer if stored else None)
        item = an_item(case, owner=self.name)
        if not is_open:
            item = an_item(
                case,
                owner=self.name,
                state=m.ItemState.COMPLETED,
                ended_at=an_inbound().at,
            )
        await self.write(case, item)
        return case.id

    async def fence(self, dead: "Node") -> None:
        row = await self.cluster.row_of(dead.name)
        assert row is not None
        assert await self.cluster.fence(self.term, row)

    async def take(self, dead: "Node") -> None:
        while (part := await self.cluster.estate(dead.name)).count:
            await self.cluster.adopt(self.term, dead.name, part)
        while await self.cluster.adopt_quiet(self.term, dead.name):
            pass
        await self.cluster.end(self.term, dead.name)

    async def decider(self, case: CaseId) -> Decider:
        return await self.store.contacts.decider(self.term, case)


Starts = Callable[[NodeName], Any]


@pytest.fixture
def starts(store: Store, incarnations: Incarnations) -> Starts:
    async def start(name: NodeName) -> Node:
        return await Node(store, incarnations, name).begin()

    return start


ANN = {"identity": from_ann(verified=True)}


async def test_the_first_contact_sets_the_home_and_all_later_ones_are_its_to_decide(
    starts: Starts,
) -> None:
    one, two = await starts(A), await starts(B)
    assert (await one.receive("1", **ANN)).node == A
    assert (await two.receive("2", **ANN)).node == A
    assert (await two.receive("2", **ANN)).node == A
    assert (await two.receive("3")).node == B, "nobody is known: decided where it came to"


async def test_two_nodes_that_meet_a_customer_at_the_same_moment_agree_on_the_home(
    starts: Starts,
) -> None:
    one, two = await starts(A), await starts(B)
    for turn in range(15):
        who = {"identity": verified_as(f"ann-{turn}@example.com")}
        stored = await asyncio.gather(
            *(
                node.receive(f"{turn}-{node.name}-{n}", **who)
                for n in range(3)
                for node in (one, two)
            )
        )
        assert len({s.node for s in stored}) == 1
        assert len({s.customer.id for s in stored if s.customer}) == 1


def verified_as(value: str) -> Claim:
    return Claim(kind="email", value=value, verified=True)


async def test_while_the_home_is_taken_over_its_heir_decides(starts: Starts) -> None:
    one, two, three = await starts(A), await starts(B), await starts(C)
    await one.receive("1", **ANN)
    await two.fence(one)
    assert (await three.receive("2", **ANN)).node == B
    assert {r.stored.node for r in (await two.cluster.estate(A)).received} == {None}
    await two.take(one)
    assert (await three.receive("3", **ANN)).node == B, "it had an undecided contact"


async def test_of_whom_a_lost_node_had_nothing_open_the_next_receiver_is_the_home(
    starts: Starts, store: Store
) -> None:
    one, two, three = await starts(A), await starts(B), await starts(C)
    stored = await one.receive("1", **ANN)
    await one.write(m.InboundDone(id=stored.id, status="processed"))
    await two.fence(one)
    await two.take(one)
    assert (await three.receive("2", **ANN)).node == C
    assert (await two.receive("3", **ANN)).node == C


async def test_who_is_back_after_a_takeover_is_the_home_of_nobody(starts: Starts) -> None:
    one, two, three = await starts(A), await starts(B), await starts(C)
    stored = await one.receive("1", **ANN)
    case = await one.case(None, is_open=False)
    assert (await one.decider(case)).node == A
    await one.write(m.InboundDone(id=stored.id, status="processed"))
    await one.begin()  # as after a crash that nobody noticed
    assert (await three.receive("2", **ANN)).node == A
    await one.write(m.InboundDone(id=(await one.receive("2", **ANN)).id, status="processed"))
    await two.fence(one)
    await two.take(one)
    await one.begin()
    assert (await three.receive("3", **ANN)).node == C
    assert (await one.receive("4", **ANN)).node == C
    assert (await two.decider(case)).node == B


async def test_of_whom_it_had_an_open_item_the_heir_is_the_home(starts: Starts) -> None:
    one, two, three = await starts(A), await starts(B), await starts(C)
    stored = await one.receive("1", **ANN)
    await one.case(stored, is_open=True)
    await one.write(m.InboundDone(id=stored.id, status="processed"))
    await two.fence(one)
    await two.take(one)
    assert (await three.receive("2", **ANN)).node == B
    await one.begin()  # the lost one is back, with nothing
    assert (await one.receive("3", **ANN)).node == B


async def test_the_owner_of_what_is_open_decides_about_a_case_and_then_the_home_of_its_customer(
    starts: Starts,
) -> None:
    one, two = await starts(A), await starts(B)
    stored = await one.receive("1", **ANN)
    begun_by_two = await two.case(stored, is_open=True)
    ended = await two.case(stored, is_open=False)
    for node in (one, two):
        assert await node.decider(begun_by_two) == Decider(B, True)
        assert await node.decider(ended) == Decider(A, False)


async def test_a_customer_whom_nobody_decides_about_is_of_who_asks_first_and_then_stays(
    starts: Starts, store: Store
) -> None:
    one, two = await starts(A), await starts(B)
    stored = await one.receive("1", **ANN)
    assert stored.customer is not None
    ann = stored.customer.id
    contacts = store.contacts
    assert await contacts.home(two.term, ann) == A
    await one.write(m.InboundDone(id=stored.id, status="processed"))
    await two.fence(one)
    with pytest.raises(Fenced):
        await contacts.home(one.term, ann)
    await two.take(one)
    three = await starts(C)
    assert await contacts.home(three.term, ann) == C
    assert await contacts.home(two.term, ann) == C
    assert await contacts.home(two.term, CustomerId("nobody")) == B
    assert await contacts.home(two.term, CustomerId(new_id())) == B


async def test_the_owner_of_an_item_is_told_while_it_is_open(starts: Starts, store: Store) -> None:
    one = await starts(A)
    case = a_case()
    opened, ended = (
        an_item(case, owner=A),
        an_item(case, owner=A, state=m.ItemState.COMPLETED, ended_at=an_inbound().at),
    )
    await one.write(case, opened, ended)
    assert await store.contacts.owner(opened.id) == A
    assert await store.contacts.owner(ended.id) is None
    assert await store.contacts.owner(ItemId("nothing")) is None


async def test_a_case_of_nobody_is_given_to_a_node_that_is_as_it_was_when_it_asked(
    starts: Starts, store: Store
) -> None:
    one, two = await starts(A), await starts(B)
    contacts = store.contacts
    case = await one.case(None, is_open=False)
    assert (await one.decider(case)).node == A
    assert not await contacts.give_case(one.term, case, B, two.term.epoch + 1)
    assert not await contacts.give_case(two.term, case, B, two.term.epoch), "not his to give"
    for _ in range(2):
        assert await contacts.give_case(one.term, case, B, two.term.epoch)
        assert (await one.decider(case)).node == B
    stored = await one.receive("1", **ANN)
    anns = await one.case(stored, is_open=False)
    assert not await contacts.give_case(one.term, anns, B, two.term.epoch), "it goes with Ann"
    await two.fence(one)
    with pytest.raises(Fenced):
        await contacts.give_case(one.term, case, B, two.term.epoch)


async def test_a_case_of_nobody_is_decided_about_by_who_claims_it_first(starts: Starts) -> None:
    one, two, three = await starts(A), await starts(B), await starts(C)
    cases = [await three.case(None, is_open=False) for _ in range(10)]
    for case in cases:
        said = await asyncio.gather(*(n.decider(case) for n in (one, two) for _ in range(3)))
        assert len({decider.node for decider in said}) == 1
    (case, *_) = cases
    first = (await one.decider(case)).node
    dead, heir = (one, two) if first == A else (two, one)
    await heir.fence(dead)
    assert (await three.decider(case)).node == heir.name
    await heir.take(dead)
    assert (await three.decider(case)).node == C


async def test_a_contact_is_passed_on_once_and_comes_to_the_heir_of_a_lost_node(
    starts: Starts, store: Store
) -> None:
    one, two, three = await starts(A), await starts(B), await starts(C)
    stored = await one.receive("1")
    contacts = store.contacts
    assert [r.stored.id for r in await contacts.waiting(A, [])] == [stored.id]
    assert await contacts.waiting(A, [stored.id]) == []
    assert await contacts.pass_on(one.term, stored.id, B) == B
    assert await contacts.pass_on(one.term, stored.id, C) == B, "it is ours no more to give"
    assert [r.stored.id for r in await contacts.waiting(B, [])] == [stored.id]
    await three.fence(one)
    assert await contacts.pass_on(two.term, stored.id, A) == C
    with pytest.raises(Fenced):
        await contacts.pass_on(one.term, stored.id, B)
    with pytest.raises(Fenced):
        await one.decider(CaseId(new_id()))


async def test_what_has_been_decided_is_not_passed_on_and_not_decided_again(
    starts: Starts, store: Store
) -> None:
    one, two = await starts(A), await starts(B)
    stored = await one.receive("1")
    await one.write(m.InboundDone(id=stored.id, status="processed"))
    assert await store.contacts.pass_on(one.term, stored.id, B) == A
    assert await store.contacts.waiting(A, []) == []
    with pytest.raises(VersionConflict, match="decided"):
        await two.write(m.InboundDone(id=stored.id, status="processed"))


async def test_what_was_put_aside_is_decided_about_again_by_whose_it_is(
    starts: Starts, store: Store
) -> None:
    one = await starts(A)
    stored = await one.receive("1")
    await one.write(m.InboundDone(id=stored.id, status="quarantined"))
    retried = await store.listing.retry(stored.id)
    assert retried is not None
    assert retried.stored.node == A
    assert [r.stored.id for r in await store.contacts.waiting(A, [])] == [stored.id]
    await one.write(m.InboundDone(id=stored.id, status="processed"))


async def test_nobody_is_fenced_between_the_choice_of_a_home_and_its_row(
    starts: Starts, store: Store
) -> None:
    """Whatever falls together, the row of a contact is found by whoever acts for its node."""
    two, three = await starts(B), await starts(C)
    for turn in range(8):
        one = await starts(A)
        who = {"identity": verified_as(f"x{turn}@example.com")}
        first = await one.receive(f"first {turn}", **who)
        await one.write(m.InboundDone(id=first.id, status="processed"))

        async def lose(lost: Node = one) -> None:
            await two.fence(lost)
            await two.take(lost)

        results = await asyncio.gather(
            lose(), *(three.receive(f"{turn}-{n}", **who) for n in range(4))
        )
        stored = [r for r in results if isinstance(r, Stored)]
        rows = await store.pool.fetch(
            "SELECT DISTINCT node FROM inbox WHERE id = ANY($1::uuid[])", [s.id for s in stored]
        )
        assert {row["node"] for row in rows} <= {B, C}


async def test_what_the_same_customer_sent_earlier_is_found_at_whichever_node_it_waits(
    starts: Starts, store: Store
) -> None:
    one, two = await starts(A), await starts(B)
    contacts = store.contacts
    first = await one.receive("1", **ANN)
    stranger = await one.receive("2")
    second = await two.receive("0", **ANN)
    third = await one.receive("3", **ANN)
    assert await contacts.older(first.id) is None
    assert await contacts.older(stranger.id) is None
    assert await contacts.older(second.id) == Older(first.id, A)
    assert await contacts.pass_on(one.term, first.id, B) == B
    assert await contacts.older(third.id) == Older(first.id, B)
    await two.write(m.InboundDone(id=first.id, status="processed"))
    assert await contacts.older(third.id) == Older(second.id, A)
    await one.write(m.InboundDone(id=second.id, status="quarantined"))
    assert await contacts.older(third.id) is None, "what is put aside holds nobody up"
