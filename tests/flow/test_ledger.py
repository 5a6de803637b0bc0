"""All or nothing, in order, and on disk before anybody is told."""

import asyncio
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core import events as e
from gateway.core.errors import IllegalMove, Refused
from gateway.core.ids import AgentName, CaseId, ItemId, MessageId, OfferId, OutboundId, Position
from gateway.core.model import CaseStatus, ItemState, OutboundState
from gateway.flow import ledger as ledger_module
from gateway.flow.ledger import Ledger
from tests.support.builders import House, agent, case, item, mail
from tests.support.virtual import run

NO_ITEM, NO_CASE = ItemId("no item"), CaseId("no case")
GONE = [
    e.ItemCompleted(item=NO_ITEM, agent=None),
    e.ItemReprioritised(item=NO_ITEM, by="sue", priority=1),
    e.CaseChanged(case=NO_CASE, by="sue", status=CaseStatus.OPEN),
    e.MessageAdded(message=MessageId("m"), case=NO_CASE, seq=1, direction="in"),
    e.ItemCreated(item=item(case=NO_CASE)),
    e.OutboundAttempted(outbound=OutboundId("none"), attempt=1),
    e.OutboundSettled(outbound=OutboundId("none"), state=OutboundState.SENT),
    e.AgentRemoved(agent=AgentName("zoe"), by="sue"),
]


def a_house(most: int = ledger_module.MOST) -> House:
    house = House(agent("ana"), most=most)
    house.sign_in("ana")
    house.arrive(mail("m1"))
    return house


def picture(house: House) -> Any:
    state = house.state
    return (
        dict(state.items),
        dict(state.cases),
        dict(state.statuses),
        dict(state.outbox),
        state._in_hand.copy(),
        house.ledger.position,
        len(house.entries),
    )


@pytest.mark.parametrize("impossible", GONE, ids=lambda event: type(event).__name__)
def test_a_record_with_one_impossible_change_changes_nothing(impossible: e.Event) -> None:
    house = a_house()
    (there,) = house.state.items.values()
    before = picture(house)
    fine = e.Change(e.ItemReprioritised(item=there.id, by="sue", priority=3))
    with pytest.raises(IllegalMove):
        house.ledger.record([fine, e.Change(impossible), fine])
    assert picture(house) == before


EVENTS = st.sampled_from(["queue", "offer", "accept", "hold", "assign", "complete", "wrap", "new"])


def make(kind: str, there: ItemId, house: House) -> list[e.Change]:
    ana = AgentName("ana")
    if kind == "new":
        fresh = item(id=ItemId(house.new_id()), case=CaseId(house.new_id()))
        return [
            e.Change(e.CaseOpened(case=case(id=fresh.case))),
            e.Change(e.ItemCreated(item=fresh)),
            e.Change(e.ItemQueued(item=fresh.id, queue=fresh.queue, reason="")),
        ]
    offer = item(ItemState.OFFERED).offer
    assert offer is not None
    moves: dict[str, e.Event] = {
        "queue": e.ItemQueued(item=there, queue=item().queue, reason=""),
        "offer": e.OfferMade(item=there, offer=offer),
        "accept": e.OfferAccepted(item=there, offer=OfferId(offer.id), agent=ana),
        "hold": e.ItemHeld(item=there, reason=""),
        "assign": e.ItemAssigned(item=there, agent=ana, by="sue", reason=""),
        "complete": e.ItemCompleted(item=there, agent=ana),
        "wrap": e.WrapUpStarted(item=there, agent=ana),
    }
    return [e.Change(moves[kind])]


@given(st.lists(st.lists(EVENTS, min_size=1, max_size=4), max_size=8))
def test_every_record_happens_as_a_whole_or_not_at_all(decisions: list[list[str]]) -> None:
    house = House(agent("ana"), settles=False)
    house.arrive(mail("m1"))
    (there,) = house.state.items
    for kinds in decisions:
        before = picture(house)
        changes = [c for kind in kinds for c in make(kind, there, house)]
        try:
            house.record(changes)
        except IllegalMove:
            assert picture(house) == before
        else:
            assert len(house.entries) - before[-1] >= len(changes)


# -- batches --------------------------------------------------------------------------------


@pytest.mark.parametrize("most", [1, 2, 3, 5, 100])
def test_what_was_recorded_together_travels_together(most: int) -> None:
    house = a_house(most)
    sizes = []
    for n in range(6):
        before = len(house.entries)
        house.ledger.record([c for _ in range(n % 3 + 1) for c in make("new", NO_ITEM, house)])
        sizes.append(len(house.entries) - before)
    ends = [sum(sizes[: n + 1]) for n in range(len(sizes))]
    taken = 0
    while house.ledger.uncommitted:
        batch = house.ledger.take().entries
        taken += len(batch)
        assert taken in ends, "a batch ends where a record ends"
        assert len(batch) <= max(most, *sizes)
        house.ledger.landed(batch)


def test_positions_follow_one_another_without_gaps() -> None:
    house = a_house()
    offsets = [entry.position.offset for entry in house.entries]
    assert offsets == list(range(1, len(offsets) + 1))


def test_subscribers_are_told_before_those_who_wait_and_after_the_commit() -> None:
    house = a_house()
    heard: list[str] = []

    async def story() -> None:
        ledger = house.ledger
        ledger.subscribe(lambda batch: heard.append(f"feed {len(batch)}"))
        there = next(iter(house.state.items))
        position = ledger.record([e.Change(e.ItemReprioritised(item=there, by="sue", priority=3))])

        async def wait() -> None:
            await ledger.committed(position)
            heard.append("waiter")

        async with asyncio.TaskGroup() as group:
            group.create_task(wait())
            await asyncio.sleep(1)
            assert heard == []
            ledger.landed(ledger.take().entries)

    run(story())
    assert heard == ["feed 1", "waiter"]


def test_a_subscriber_that_fails_stops_nobody() -> None:
    house = a_house()
    heard: list[int] = []

    def broken(batch: Any) -> None:
        raise RuntimeError("a bug")

    house.ledger.subscribe(broken)
    leave = house.ledger.subscribe(lambda batch: heard.append(len(batch)))
    there = next(iter(house.state.items))
    house.record([e.Change(e.ItemReprioritised(item=there, by="sue", priority=3))])
    leave()
    house.record([e.Change(e.ItemReprioritised(item=there, by="sue", priority=4))])
    assert heard == [1]


def test_an_older_position_never_waits_behind_a_newer_one_for_ever() -> None:
    house = a_house()

    async def story() -> None:
        ledger = house.ledger
        there = next(iter(house.state.items))
        positions = [
            ledger.record([e.Change(e.ItemReprioritised(item=there, by="sue", priority=n))])
            for n in range(3)
        ]
        async with asyncio.TaskGroup() as group:
            for position in (positions[2], positions[0], Position(9, positions[1].offset)):
                group.create_task(ledger.committed(position))
            await asyncio.sleep(0)
            ledger.landed(ledger.take().entries)

    run(story())


def test_too_much_that_waits_for_the_disk_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    house = a_house()
    monkeypatch.setattr(ledger_module, "MAX_UNCOMMITTED", 2)
    there = next(iter(house.state.items))
    for n in range(2):
        house.ledger.check_open()
        house.ledger.record([e.Change(e.ItemReprioritised(item=there, by="sue", priority=n))])
    with pytest.raises(Refused) as refused:
        house.ledger.check_open()
    assert refused.value.code == "unavailable"


# -- case headers ---------------------------------------------------------------------------


def solved(house: House) -> CaseId:
    """The case's last item is done, and nothing of that is on disk."""
    taken = house.accept("ana")
    house.ledger.record([e.Change(e.ItemCompleted(item=taken.id, agent=AgentName("ana")))])
    return taken.case


def land(ledger: Ledger) -> None:
    ledger.landed(ledger.take().entries)


def test_a_header_stays_until_it_is_on_disk() -> None:
    house = a_house()
    known = solved(house)
    assert known in house.state.cases
    house.ledger.release(known)
    assert known in house.state.cases, "the database's would be older"
    land(house.ledger)
    assert known not in house.state.cases


def test_a_header_that_is_needed_again_stays() -> None:
    house = a_house()
    known = solved(house)
    house.ledger.record([e.Change(e.CaseChanged(case=known, by="sue", tags=("vip",)))])
    house.ledger.record([e.Change(e.ItemCreated(item=item(id=ItemId(house.new_id()), case=known)))])
    land(house.ledger)
    assert known in house.state.cases


def test_a_look_that_comes_back_late_does_not_bring_an_old_header() -> None:
    """Read before the commit, adopted after: what is decided on it must fit the disk."""
    house = a_house()
    known = next(iter(house.state.cases))
    late = house.tables.cases[known]
    house.complete("ana", house.accept("ana").id)
    assert known not in house.state.cases
    adopted = house.state.adopt(late)
    assert adopted == house.tables.cases[known]
    house.record([e.Change(e.CaseChanged(case=known, by="sue", tags=("vip",)))])
