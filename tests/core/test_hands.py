"""Desktops that come and go, capacity, and what happens by itself at its time."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core import acts, hands
from gateway.core import commands as c
from gateway.core import events as e
from gateway.core.capacity import COST, INTERRUPTIBLE, INTERRUPTING, TOTAL, cost, has_room, used
from gateway.core.deadlines import Deadline, deadlines_of, expire
from gateway.core.errors import Refused
from gateway.core.ids import AgentName, CommandId, ItemId, QueueName
from gateway.core.model import AgentProfile, ChannelKind, Item, ItemState, Presence
from gateway.core.repair import problems
from gateway.core.times import GRACE_SECONDS_OTHERS
from tests.support.builders import MAIL, OFFICE, SITE, House, agent, item, queue

ID = CommandId("command-x")
ANA = AgentName("ana")
KINDS = st.sampled_from(list(ChannelKind))


def house_with(kind: ChannelKind = ChannelKind.EMAIL) -> tuple[House, Item]:
    house = House(agent("ana"), agent("bob"), queues=[queue("general"), queue("sales")])
    house.sign_in("ana")
    channel = {ChannelKind.WEBCHAT: SITE, ChannelKind.TASK: OFFICE}.get(kind, MAIL)
    house.new_item(kind=kind, channel=channel)
    return house, house.accept("ana")


# -- capacity -------------------------------------------------------------------------------


@given(st.lists(KINDS, max_size=6), KINDS)
def test_there_is_room_exactly_when_it_fits(kinds: list[ChannelKind], kind: ChannelKind) -> None:
    profile = agent("ana")
    in_hand = [item(kind=k) for k in kinds]
    counted = [k for k in kinds if not (kind in INTERRUPTING and k in INTERRUPTIBLE)]
    total = sum(COST[k] for k in counted)
    assert used(profile, in_hand, by=kind) == total
    assert has_room(profile, in_hand, kind) == (total + COST[kind] <= TOTAL)


@given(KINDS, st.integers(1, 50))
def test_a_profile_says_how_many_at_once(kind: ChannelKind, most: int) -> None:
    profile = AgentProfile(name=ANA, capacity={kind: most})
    in_hand: list[Item] = []
    while has_room(profile, in_hand, kind):
        in_hand.append(item(kind=kind))
    aside = kind in INTERRUPTING and kind in INTERRUPTIBLE
    assert aside or len(in_hand) >= most
    assert len(in_hand) * cost(profile, kind) <= TOTAL


@given(KINDS)
def test_none_of_a_kind_is_none(kind: ChannelKind) -> None:
    assert not has_room(AgentProfile(name=ANA, capacity={kind: 0}), [], kind)


def test_the_snapshot_says_how_much_is_in_use() -> None:
    house, _ = house_with()
    shown = hands.snapshot(house.state, ANA, house.ledger.context())
    assert (shown.capacity.used, shown.capacity.total) == (50, 100)
    assert [i.state for i in shown.items] == [ItemState.ASSIGNED]


# -- coming and going -----------------------------------------------------------------------


def test_who_is_not_in_the_directory_cannot_attach() -> None:
    house = House(agent("ana"))
    with pytest.raises(Refused):
        hands.attach(house.state, AgentName("zoe"), "tab", house.ledger.context())


def test_one_claim_of_an_agent_by_a_node_is_one_epoch() -> None:
    house = House(agent("ana"))
    house.sign_in("ana")
    epoch = house.status("ana").epoch
    house.sign_in("ana")
    house.drop("ana")
    house.drop("ana")
    house.sign_in("ana")
    assert house.status("ana").epoch == epoch


@given(st.lists(st.booleans(), max_size=30))
def test_tabs_are_counted_and_never_below_nothing(comes: list[bool]) -> None:
    house = House(agent("ana"))
    tabs = 0
    for come in comes:
        if come:
            house.sign_in("ana", ready=False)
        else:
            house.drop("ana")
        tabs = tabs + 1 if come else max(tabs - 1, 0)
        assert house.status("ana").tabs == tabs
        assert (house.status("ana").dropped_at is None) == (tabs > 0)


@pytest.mark.parametrize(
    ("kind", "grace"),
    [
        (ChannelKind.VOICE, 20),
        (ChannelKind.WEBCHAT, 30),
        (ChannelKind.EMAIL, 300),
        (ChannelKind.TASK, 300),
    ],
)
def test_after_its_grace_an_item_goes_back_and_not_before(kind: ChannelKind, grace: int) -> None:
    house, mine = house_with(kind)
    house.drop("ana")
    house.pass_time(grace - 1)
    assert house.state.items[mine.id].agent == "ana"
    house.pass_time(1)
    assert house.state.items[mine.id].state is ItemState.QUEUED


def test_who_comes_back_in_time_keeps_everything() -> None:
    house, mine = house_with()
    house.drop("ana")
    house.pass_time(299)
    house.sign_in("ana", ready=False)
    house.pass_time(1000)
    assert house.state.items[mine.id].agent == "ana"
    assert house.is_ready("ana")


def test_a_second_drop_has_a_grace_of_its_own() -> None:
    house, mine = house_with()
    house.drop("ana")
    house.pass_time(200)
    house.sign_in("ana", ready=False)
    house.drop("ana")
    house.pass_time(299)
    assert house.state.items[mine.id].agent == "ana"
    house.pass_time(1)
    assert house.state.items[mine.id].agent is None


def test_a_dropped_agent_is_offered_nothing_new() -> None:
    house, _ = house_with()
    house.drop("ana")
    new = house.new_item()
    assert new.id not in house.offered()


def test_who_is_gone_for_long_is_signed_out() -> None:
    house, _ = house_with()
    house.drop("ana")
    house.pass_time(GRACE_SECONDS_OTHERS)
    status = house.tables.statuses["ana"]
    assert (status.presence, status.reason) == (Presence.NOT_READY, "disconnected")


def test_who_is_gone_for_long_has_no_home_any_more() -> None:
    house, _ = house_with()
    epoch = house.status("ana").epoch
    house.drop("ana")
    house.pass_time(GRACE_SECONDS_OTHERS - 1)
    assert house.state.is_home_of(ANA)
    house.pass_time(1)
    assert not house.state.is_home_of(ANA)
    assert house.tables.homes["ana"] is None
    house.sign_in("ana")
    assert house.status("ana").home == house.state.node
    assert house.status("ana").epoch == epoch + 1, "another node may have had him in between"


def test_who_has_put_something_aside_here_stays_at_home_here() -> None:
    house, mine = house_with()
    house.say("ana", c.Park(id=ID, item=mine.id))
    house.drop("ana")
    house.pass_time(10 * GRACE_SECONDS_OTHERS)
    assert house.state.is_home_of(ANA)
    assert [i.id for i in house.state.parked(ANA)] == [mine.id]


def test_who_comes_back_within_the_grace_keeps_the_home() -> None:
    house = House(agent("ana"))
    house.sign_in("ana")
    house.drop("ana")
    house.pass_time(GRACE_SECONDS_OTHERS - 1)
    house.sign_in("ana")
    house.pass_time(10 * GRACE_SECONDS_OTHERS)
    assert house.state.is_home_of(ANA)


def test_what_was_offered_or_in_wrap_up_ends_with_the_grace() -> None:
    house, mine = house_with()
    house.say("ana", c.Send(id=ID, item=mine.id, body="Done.", then="close"))
    offered = house.new_item()
    assert house.offered() == {offered.id: "ana"}
    house.drop("ana")
    house.pass_time(GRACE_SECONDS_OTHERS)
    assert house.tables.items[mine.id].state is ItemState.COMPLETED
    assert house.state.items[offered.id].state is ItemState.QUEUED


# -- deadlines ------------------------------------------------------------------------------


def test_a_missed_offer_makes_not_ready_and_goes_on_at_once() -> None:
    house = House(agent("ana"), agent("bob"))
    house.sign_in("ana")
    one = house.new_item()
    house.sign_in("bob")
    house.pass_time(120)
    assert (house.is_ready("ana"), house.status("ana").reason) == (False, "missed_offer")
    assert house.offered() == {one.id: "bob"}


def test_who_misses_one_offer_loses_the_others_without_a_mark() -> None:
    house = House(agent("ana"))
    house.sign_in("ana")
    one = house.new_item()
    house.clock.seconds += 60
    two = house.new_item()
    house.pass_time(60)
    assert [p.how for p in house.state.items[one.id].passed] == ["missed"]
    assert house.state.items[two.id].passed == ()
    assert house.offered() == {}


@pytest.mark.parametrize("kind", [ChannelKind.WEBCHAT, ChannelKind.EMAIL])
def test_wrap_up_ends_by_itself_where_there_is_a_limit(kind: ChannelKind) -> None:
    house, mine = house_with(kind)
    house.say("ana", c.Send(id=ID, item=mine.id, body="Done.", then="close"))
    house.pass_time(59)
    assert house.state.items[mine.id].state is ItemState.WRAPPING
    house.pass_time(10_000)
    ended = mine.id not in house.state.items
    assert ended == (kind is ChannelKind.WEBCHAT)


@given(st.sampled_from(list(ItemState)), st.sampled_from(["offer", "wrapup", "wake", "grace"]))
def test_a_deadline_that_no_longer_holds_decides_nothing(state: ItemState, kind: str) -> None:
    house = House(agent("ana"))
    house.sign_in("ana")
    there = item(state)
    house.state.put(there)
    stale = Deadline(house.clock.now(), kind, there.id)  # type: ignore[arg-type]
    assert stale not in deadlines_of(there)
    assert expire(house.state, stale, house.ledger.context()) == []


def test_a_deadline_of_what_is_not_there_decides_nothing() -> None:
    house = House(agent("ana"))
    for kind in ("offer", "wrapup", "wake", "grace"):
        lost = Deadline(house.clock.now(), kind, "nobody")
        assert expire(house.state, lost, house.ledger.context()) == []


# -- a supervisor's acts --------------------------------------------------------------------


def test_assigning_gives_it_to_the_agent_whatever_it_is_doing() -> None:
    house = House(agent("ana"), agent("bob"))
    house.sign_in("ana")
    one = house.new_item()
    house.record(acts.assign(house.state, one.id, AgentName("bob"), AgentName("sue"), "knows him"))
    now = house.state.items[one.id]
    assert (now.state, now.agent, now.reason) == (
        ItemState.ASSIGNED,
        "bob",
        "assigned by sue: knows him",
    )
    assert house.offered() == {}


def test_requeueing_keeps_the_waiting_time_and_does_not_give_it_back_at_once() -> None:
    house, mine = house_with()
    house.clock.seconds += 300
    house.record(acts.requeue(house.state, mine.id, QueueName("sales"), AgentName("sue"), ""))
    now = house.state.items[mine.id]
    assert (now.state, now.queue, now.queued_at) == (ItemState.QUEUED, "sales", mine.queued_at)
    assert house.offered() == {}


def test_closing_and_cancelling_end_it() -> None:
    house, mine = house_with()
    house.record(acts.close(house.state, mine.id, AgentName("sue"), "spam", "spam"))
    assert house.tables.items[mine.id].state is ItemState.COMPLETED
    other = house.new_item()
    house.record(acts.cancel(house.state, other.id, "sue", ""))
    assert house.tables.items[other.id].state is ItemState.CANCELED


def test_acts_that_cannot_be_done() -> None:
    house, mine = house_with()
    sue = AgentName("sue")
    house.say("ana", c.Send(id=ID, item=mine.id, body="Done.", then="close"))
    with pytest.raises(Refused, match="wrapping"):
        acts.requeue(house.state, mine.id, None, sue, "")
    with pytest.raises(Refused, match="wrap-up"):
        acts.cancel(house.state, mine.id, "sue", "")
    with pytest.raises(Refused, match="no queue"):
        acts.requeue(house.state, mine.id, QueueName("none"), sue, "")
    with pytest.raises(Refused, match="no such open"):
        acts.close(house.state, ItemId("none"), sue, "")
    with pytest.raises(Refused, match="no agent"):
        acts.assign(house.state, mine.id, AgentName("zoe"), sue, "")
    with pytest.raises(Refused, match="priority") as refused:
        acts.reprioritise(house.state, mine.id, 101, sue, "")
    assert refused.value.field == "priority"


# -- what should be impossible --------------------------------------------------------------


def test_the_reconciler_finds_nothing_in_a_house_in_order() -> None:
    house, _ = house_with()
    house.new_item()
    assert problems(house.state, house.ledger.context()) == []


def test_an_offer_that_nobody_looked_at_is_found_and_put_right() -> None:
    house = House(agent("ana"))
    house.sign_in("ana")
    one = house.new_item()
    house.clock.seconds += 120 + 31
    (found,) = problems(house.state, house.ledger.context())
    assert found.text == "offered long past its deadline"
    house.settles = False
    house.record(found.changes)
    assert house.state.items[one.id].state is ItemState.QUEUED
    assert problems(house.state, house.ledger.context()) == []


def test_an_item_that_is_in_nobodys_hand_is_found_and_put_right() -> None:
    house, mine = house_with()
    house.state._in_hand.clear()
    (found,) = problems(house.state, house.ledger.context())
    assert found.text == "not in the hands of ana, who should hold it"
    house.record(found.changes)
    assert [event.problem for event in house.events(e.ItemRepaired)] == [found.text]
    assert house.state.items[mine.id].state in (ItemState.QUEUED, ItemState.OFFERED)


def test_a_wrap_up_without_an_end_is_no_deadline() -> None:
    lost = item(ItemState.WRAPPING, kind=ChannelKind.EMAIL, wrapping_at=None)
    assert deadlines_of(lost) == ()
