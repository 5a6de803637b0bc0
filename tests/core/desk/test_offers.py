"""What an agent says of the own state, accepts and takes."""

import pytest
from msgspec.structs import replace

from gateway.core import commands as c
from gateway.core import events as e
from gateway.core.errors import Refused
from gateway.core.ids import AgentName, QueueName
from gateway.core.model import (
    Item,
    ItemState,
    Presence,
)
from gateway.core.pool import Tally
from tests.core.desk.looks import ID, case_of, check
from tests.support.builders import House, mail

# -- the agent's own state ------------------------------------------------------------------


def test_not_ready_says_why_and_takes_offers_back(house: House) -> None:
    house.arrive(mail("m1"))
    body = house.say("ana", c.State(id=ID, state="not_ready", reason="lunch"))
    assert body == {"state": "not_ready", "reason": "lunch"}
    assert house.status("ana").reason == "lunch"
    assert house.offered() == {}
    (withdrawn,) = house.events(e.OfferWithdrawn)
    assert withdrawn.reason == "the agent is not ready"


def test_not_ready_without_a_reason_is_a_break(house: House) -> None:
    house.say("ana", c.State(id=ID, state="not_ready"))
    assert house.status("ana").reason == "break"


def test_ready_begins_to_be_idle(house: House) -> None:
    house.say("ana", c.State(id=ID, state="not_ready"))
    house.clock.seconds = 77
    house.say("ana", c.State(id=ID, state="ready"))
    status = house.status("ana")
    assert (status.presence, status.reason, status.idle_since) == (
        Presence.READY,
        "",
        house.clock.now(),
    )


# -- offers ---------------------------------------------------------------------------------


def test_an_accepted_offer_puts_the_item_into_the_hand(house: House) -> None:
    house.arrive(mail("m1"))
    item = house.accept("ana")
    assert (item.state, item.agent, item.last_agent, item.offer) == (
        ItemState.ASSIGNED,
        "ana",
        "ana",
        None,
    )
    assert case_of(house, item).last_agent == "ana"


def test_an_offer_can_be_accepted_up_to_its_deadline(house: House) -> None:
    house.arrive(mail("m1"))
    house.clock.seconds += 120
    assert house.accept("ana").state is ItemState.ASSIGNED


def test_after_its_deadline_an_offer_is_gone_though_nobody_has_looked(house: House) -> None:
    house.arrive(mail("m1"))
    house.clock.seconds += 120.001
    with pytest.raises(Refused) as refused:
        house.accept("ana")
    assert (refused.value.code, refused.value.field) == ("offer_gone", "offer")


def test_accept_at_the_deadline_and_the_deadline_have_one_effect(house: House) -> None:
    house.arrive(mail("m1"))
    house.clock.seconds += 120
    taken = house.accept("ana")
    house.pass_time(0)
    assert house.state.items[taken.id].state is ItemState.ASSIGNED
    assert house.events(e.OfferMissed) == []


def test_the_deadline_first_and_accept_after_have_one_effect(house: House) -> None:
    house.arrive(mail("m1"))
    offered = house.offered_to("ana")[0]
    assert offered.offer is not None
    house.pass_time(120)
    with pytest.raises(Refused) as refused:
        house.say("ana", c.Accept(id=ID, offer=offered.offer.id))
    assert refused.value.code == "offer_gone"
    assert len(house.events(e.OfferMissed)) == 1


def test_another_agents_offer_is_none_of_mine(house: House) -> None:
    house.sign_in("bob")
    house.arrive(mail("m1"))
    offered = house.offered_to("ana")[0]
    assert offered.offer is not None
    for command in (c.Accept, c.Decline):
        with pytest.raises(Refused) as refused:
            house.say("bob", command(id=ID, offer=offered.offer.id))
        assert (refused.value.code, refused.value.field) == ("offer_gone", "offer")


# -- taking ---------------------------------------------------------------------------------


def shelved(house: House) -> Item:
    house.say("ana", c.State(id=ID, state="not_ready"))
    house.arrive(mail("s1", queue=QueueName("shelf")))
    return next(i for i in house.state.items.values() if i.queue == "shelf")


def test_an_item_may_be_taken_where_the_queue_allows_it(house: House) -> None:
    item = shelved(house)
    assert house.say("ana", c.Take(id=ID, item=item.id)) == {"item": item.id}
    assert house.state.items[item.id].agent == "ana"


def test_a_take_is_counted_and_is_for_who_works_in_the_queue(house: House) -> None:
    item = shelved(house)
    profile = replace(house.state.profiles[AgentName("ana")], queues=(QueueName("sales"),))
    house.record([e.Change(e.AgentDefined(profile=profile, by="test"))])
    check(house, c.Take(id=ID, item=item.id), "not_allowed", "item")
    tally = Tally(house.state)
    profile = replace(profile, queues=(QueueName("shelf"),))
    house.record([e.Change(e.AgentDefined(profile=profile, by="test"))])
    house.ledger.observe(tally.note)
    house.say("ana", c.Take(id=ID, item=item.id))
    (assigned,) = house.events(e.ItemAssigned)
    assert assigned.taken
    tally.settle()
    taken = {q.name: q.taken for q in tally.capacity(house.clock.now()).queues}
    assert taken == {"general": 0, "sales": 0, "shelf": 1}


def test_offers_that_are_declined_and_missed_are_counted_by_queue(house: House) -> None:
    tally = Tally(house.state)
    house.ledger.observe(tally.note)
    house.arrive(mail("m1"))
    house.decline("ana")
    house.sign_in("bob")
    house.pass_time(300.0)
    tally.settle()
    told = {q.name: (q.declined, q.missed) for q in tally.capacity(house.clock.now()).queues}
    missed = len(house.events(e.OfferMissed))
    assert missed >= 1
    assert told == {"general": (1, missed), "sales": (0, 0), "shelf": (0, 0)}


def test_nothing_is_taken_from_a_queue_that_hands_out_itself(house: House) -> None:
    house.say("ana", c.State(id=ID, state="not_ready"))
    house.arrive(mail("m1"))
    (item,) = house.state.items.values()
    check(house, c.Take(id=ID, item=item.id), "not_allowed", "item")


def test_nobody_takes_more_than_fits(house: House) -> None:
    item = shelved(house)
    for n in range(2):
        made = house.new_item(queue=QueueName("shelf"), subject=str(n))
        house.say("ana", c.Take(id=ID, item=made.id))
    check(house, c.Take(id=ID, item=item.id), "busy", "item")


def test_what_somebody_has_cannot_be_taken(house: House) -> None:
    item = shelved(house)
    house.say("ana", c.Take(id=ID, item=item.id))
    with pytest.raises(Refused) as refused:
        house.say("bob", c.Take(id=ID, item=item.id))
    assert (refused.value.code, refused.value.field) == ("wrong_state", "item")
