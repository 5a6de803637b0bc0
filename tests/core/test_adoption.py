"""Telling of what was taken over: nothing moves but the owner, and offers go back to the head."""

from datetime import timedelta

import pytest
from msgspec.structs import replace

from gateway.core import events as e
from gateway.core.adoption import adopt_agents, adopt_items, adopt_outbox
from gateway.core.errors import IllegalMove
from gateway.core.ids import AgentName, ItemId, NodeName, OutboundId
from gateway.core.model import (
    AgentStatus,
    ChannelKind,
    ItemState,
    OutboundState,
    Outgoing,
    Presence,
)
from tests.support.builders import MAIL, NODE, START, House, agent, case, item

DEAD = NodeName("n0")
ANA = AgentName("ana")
WHY = "taken over from n0"


def status(**fields: object) -> AgentStatus:
    known = AgentStatus(
        name=ANA,
        presence=Presence.READY,
        since=START,
        idle_since=START,
        home=DEAD,
        version=4,
        tabs=2,
    )
    return replace(known, **fields)


def order(state: OutboundState, **fields: object) -> Outgoing:
    known = Outgoing(
        id=OutboundId("0190a000-0000-7000-8000-0000000000aa"),
        channel=MAIL,
        kind=ChannelKind.EMAIL,
        purpose="message",
        state=state,
        version=2,
        attempts=1,
        created_at=START,
        next_at=START,
        expires_at=START + timedelta(days=1),
    )
    return replace(known, **fields)


@pytest.fixture
def house() -> House:
    """One in which nothing is offered by itself."""
    return House(agent("ana"), settles=False)


def told(house: House, *changes: e.Change) -> None:
    house.ledger.record(changes)


def test_nobody_is_connected_to_an_agent_who_was_adopted(house: House) -> None:
    told(house, *adopt_agents(house.state, [status()], WHY))
    known = house.state.statuses[ANA]
    assert (known.home, known.tabs, known.version) == (NODE, 0, 5)
    assert known.dropped_at == house.clock.now()
    assert known.presence is Presence.READY


def test_an_item_is_as_it_was_but_ours(house: House) -> None:
    waiting = item(ItemState.QUEUED, owner=DEAD, version=3, queued_at=START - timedelta(minutes=5))
    told(house, *adopt_items(house.state, [(waiting, case(version=7))], WHY))
    assert house.state.items[waiting.id] == replace(waiting, owner=NODE, version=4)
    assert house.state.cases[waiting.case].version == 8


def test_an_offer_that_was_out_is_taken_back_and_its_item_waits_where_it_stood(
    house: House,
) -> None:
    queued_at = START - timedelta(minutes=5)
    offered = item(ItemState.OFFERED, owner=DEAD, queued_at=queued_at)
    told(house, *adopt_items(house.state, [(offered, case())], WHY))
    after = house.state.items[offered.id]
    assert (after.state, after.offer, after.queued_at) == (ItemState.QUEUED, None, queued_at)
    assert after.passed == ()
    assert house.state.in_hand(ANA) == []


def test_who_holds_something_keeps_it_while_the_grace_period_runs(house: House) -> None:
    held = item(ItemState.ASSIGNED, owner=DEAD, assigned_at=START)
    told(house, *adopt_agents(house.state, [status(dropped_at=None)], WHY))
    house.clock.seconds = 3.0
    told(house, *adopt_items(house.state, [(held, case())], WHY))
    assert [i.id for i in house.state.in_hand(ANA)] == [held.id]
    assert house.state.statuses[ANA].dropped_at == house.clock.now()
    assert {d.kind for d in house.deadlines} == {"grace"}


def test_what_an_agent_holds_who_is_elsewhere_goes_back(house: House) -> None:
    """After two nodes have died at once, say."""
    held = item(ItemState.ASSIGNED, owner=DEAD)
    told(house, *adopt_items(house.state, [(held, case())], WHY))
    assert house.state.items[held.id].state is ItemState.QUEUED
    assert "ana is elsewhere" in house.state.items[held.id].reason


@pytest.mark.parametrize("before", [OutboundState.PENDING, OutboundState.ATTEMPTING])
def test_of_an_attempt_under_way_nobody_knows_the_end(house: House, before: OutboundState) -> None:
    told(house, *adopt_outbox(house.state, [order(before)], DEAD))
    (after,) = house.state.outbox.values()
    assert (after.state, after.version) == (OutboundState.PENDING, 3)
    assert after.unsettled == (before is OutboundState.ATTEMPTING)


def test_what_is_known_is_not_told_again(house: House) -> None:
    waiting = item(ItemState.QUEUED, owner=DEAD, queued_at=START)
    for _ in range(2):
        told(house, *adopt_agents(house.state, [status()], WHY))
        told(house, *adopt_items(house.state, [(waiting, case())], WHY))
        told(house, *adopt_outbox(house.state, [order(OutboundState.PENDING)], DEAD))
    assert house.state.items[waiting.id].version == 2
    assert house.state.statuses[ANA].version == 5
    kinds = [type(entry.event).__name__ for entry in house.entries]
    for kind in ("ItemAdopted", "AgentAdopted", "OutboundAdopted"):
        assert kinds.count(kind) == 1


def test_an_item_that_is_here_cannot_be_adopted(house: House) -> None:
    waiting = item(ItemState.QUEUED, owner=DEAD, queued_at=START)
    told(house, *adopt_items(house.state, [(waiting, case())], WHY))
    again = e.ItemAdopted(item=waiting, case=case(), from_node=DEAD, reason=WHY)
    with pytest.raises(IllegalMove):
        told(house, e.Change(again))


def test_two_items_of_a_case_come_with_one_header(house: House) -> None:
    one = item(ItemState.QUEUED, owner=DEAD, queued_at=START)
    two = replace(one, id=ItemId("0190a000-0000-7000-8000-00000000bbbb"))
    told(house, *adopt_items(house.state, [(one, case(version=7)), (two, case(version=7))], WHY))
    assert house.state.cases[one.case].version == 9
    assert house.state.items_of_case(one.case) == list(house.state.items.values())
