"""What waits of one customer is offered together; never more than an agent can take."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from gateway.core import commands as c
from gateway.core import events as e
from gateway.core.capacity import has_room, takes
from gateway.core.ids import AgentName, CommandId, ItemId, TicketNumber
from gateway.core.model import AgentProfile, ChannelKind, Item, ItemState, Requirement
from gateway.core.policy import Cost, Policy
from tests.support.builders import MAIL, SITE, House, agent, case, item, queue

CASE: Any = "0190a000-0000-7000-8000-0000000000cc"
ANA = AgentName("ana")


def waiting(house: House, *kinds: ChannelKind, **fields: Any) -> list[Item]:
    """Contacts of one customer about one matter, all waiting."""
    changes = []
    if (known := house.tables.cases.get(CASE)) is not None:
        house.state.adopt(known)
    else:
        changes.append(e.Change(e.CaseOpened(case=case(id=CASE, customer=house.customer()))))
    made = []
    for kind in kinds:
        one = item(
            id=ItemId(house.new_id()),
            case=CASE,
            number=TicketNumber(7),
            kind=kind,
            channel=SITE if kind is ChannelKind.WEBCHAT else MAIL,
            customer=house.customer(),
            created_at=house.clock.now(),
            **fields,
        )
        made.append(one)
        changes.append(e.Change(e.ItemCreated(item=one)))
        queued = e.ItemQueued(item=one.id, queue=one.queue, reason="arrived")
        changes.append(e.Change(queued))
    house.record(changes)
    return [house.state.items[one.id] for one in made]


def states(house: House, items: list[Item]) -> list[str]:
    return [house.state.items[i.id].state.value for i in items if i.id in house.state.items]


def test_two_contacts_about_one_matter_are_offered_and_accepted_together() -> None:
    house = House(agent("ana"), agent("bob"))
    items = waiting(house, ChannelKind.EMAIL, ChannelKind.WEBCHAT)
    house.sign_in("ana")
    first, second = house.offered_to("ana")
    assert first.offer is not None
    assert second.offer is not None
    assert second.offer.bundle == first.offer.id
    assert second.offer.deadline == first.offer.deadline
    body = house.say("ana", c.Accept(id=CommandId("command-take"), offer=second.offer.id))
    assert body == {"item": second.id, "with": [first.id]}
    assert states(house, items) == ["assigned", "assigned"]


def test_what_is_declined_is_declined_together_and_counts_once() -> None:
    house = House(agent("ana"), agent("bob"))
    items = waiting(house, ChannelKind.EMAIL, ChannelKind.EMAIL)
    house.sign_in("ana")
    offer = house.offered_to("ana")[0].offer
    assert offer is not None
    house.say("ana", c.Decline(id=CommandId("command-no"), offer=offer.id))
    assert states(house, items) == ["queued", "queued"]
    assert house.status("ana").declines == 1
    house.sign_in("bob")
    assert set(house.offered().values()) == {"bob"}


def test_one_declined_too_many_takes_nothing_back_twice() -> None:
    house = House(agent("ana"), queues=[queue(policy=Policy(most_declines=1))])
    items = waiting(house, ChannelKind.EMAIL, ChannelKind.EMAIL)
    house.sign_in("ana")
    offer = house.offered_to("ana")[0].offer
    assert offer is not None
    house.say("ana", c.Decline(id=CommandId("command-no"), offer=offer.id))
    assert states(house, items) == ["queued", "queued"]
    assert not house.is_ready("ana")


def test_an_offer_that_is_missed_sets_all_free() -> None:
    house = House(agent("ana"), agent("bob"))
    items = waiting(house, ChannelKind.EMAIL, ChannelKind.WEBCHAT)
    house.sign_in("ana")
    house.pass_time(121)
    assert states(house, items) == ["queued", "queued"]
    assert len(house.events(e.OfferMissed)) == 1
    house.sign_in("bob")
    assert set(house.offered().values()) == {"bob"}


def test_what_is_accepted_by_itself_is_so_together() -> None:
    house = House(agent("ana"), queues=[queue(policy=Policy(auto_accept=(ChannelKind.EMAIL,)))])
    items = waiting(house, ChannelKind.EMAIL, ChannelKind.WEBCHAT)
    house.sign_in("ana")
    assert states(house, items) == ["assigned", "assigned"]


def test_what_the_agent_has_no_room_for_waits() -> None:
    house = House(agent("ana"))
    items = waiting(house, ChannelKind.EMAIL, ChannelKind.EMAIL, ChannelKind.EMAIL)
    house.sign_in("ana")
    assert sorted(states(house, items)) == ["offered", "offered", "queued"]


def test_what_the_agent_cannot_do_waits_for_who_can() -> None:
    house = House(agent("ana"), agent("bob", tax=3))
    (plain,) = waiting(house, ChannelKind.EMAIL)
    needs: Any = {"tax": 3}
    (hard,) = waiting(house, ChannelKind.EMAIL, requirement=Requirement(skills=needs))
    house.sign_in("ana")
    assert house.offered() == {plain.id: "ana"}
    house.sign_in("bob")
    assert house.offered()[hard.id] == "bob"


@pytest.mark.parametrize(("rule", "together"), [("case", 1), ("customer", 2), ("off", 1)])
def test_the_queue_says_what_belongs_together(rule: str, together: int) -> None:
    house = House(agent("ana"), queues=[queue(bundle=rule)], settles=False)
    eva = house.customer()
    for _ in range(2):
        house.new_item(customer=eva)
    house.sign_in("ana")
    first = min(house.state.items.values(), key=lambda i: i.id)
    ctx = house.ledger.context()
    offer = replace(_offer(first), made_at=ctx.now)
    house.record([e.Change(e.OfferMade(item=first.id, offer=offer))])
    assert len(house.offered_to("ana")) == together


def _offer(one: Item) -> Any:
    offer = item(ItemState.OFFERED).offer
    assert offer is not None
    return replace(offer, id=one.id, agent=ANA)


def test_a_queue_may_offer_each_by_itself() -> None:
    house = House(agent("ana"), queues=[queue(bundle="off")])
    waiting(house, ChannelKind.EMAIL, ChannelKind.EMAIL)
    house.sign_in("ana")
    assert {i.offer.bundle for i in house.offered_to("ana") if i.offer} == {None}


KINDS = st.sampled_from(
    [ChannelKind.EMAIL, ChannelKind.WEBCHAT, ChannelKind.SMS, ChannelKind.TASK, ChannelKind.VOICE]
)
AT_ONCE = st.dictionaries(KINDS, st.integers(0, 5), max_size=3)
COSTS = st.dictionaries(KINDS, st.builds(Cost, units=st.integers(0, 100)), max_size=3)
DEEDS = st.lists(
    st.sampled_from(["arrive", "arrive", "accept", "decline", "done", "miss", "sign in"]),
    max_size=20,
)


@given(st.lists(KINDS, min_size=1, max_size=8), AT_ONCE, COSTS, DEEDS, st.data())
def test_a_bundle_never_is_more_than_the_agent_can_take(
    kinds: list[ChannelKind],
    at_once: dict[ChannelKind, int],
    costs: dict[ChannelKind, Cost],
    deeds: list[str],
    data: st.DataObject,
) -> None:
    profile = replace(agent("ana"), capacity=at_once)
    house = House(profile, agent("bob"), queues=[queue(policy=Policy(costs=costs))])
    house.ledger.observe(lambda entry: fits(house, entry))
    waiting(house, *kinds)
    house.sign_in("ana")
    for deed in deeds:
        match deed:
            case "arrive":
                waiting(house, data.draw(KINDS))
            case "accept" | "decline" if offered := house.offered_to("ana"):
                offer = data.draw(st.sampled_from(offered)).offer
                assert offer is not None
                make = c.Accept if deed == "accept" else c.Decline
                house.say("ana", make(id=house.command(), offer=offer.id))
            case "done":
                for one in house.state.in_hand(ANA)[:1]:
                    if one.state is ItemState.ASSIGNED:
                        house.complete("ana", one.id)
            case "miss":
                house.pass_time(130)
            case "sign in" if not house.is_ready("ana"):
                house.say("ana", c.State(id=house.command(), state="ready"))
            case _:
                pass


def fits(house: House, entry: e.Entry) -> None:
    """Whoever is offered something had room for it, beside all that was offered or taken before."""
    if not isinstance(entry.event, e.OfferMade):
        return
    made = house.state.items[entry.event.item]
    who: AgentProfile = house.state.profiles[entry.event.offer.agent]
    before = [i for i in house.state.in_hand(who.name) if i.id != made.id]
    own = house.state.queues[made.queue].policy.costs.get(made.kind)
    assert has_room(who, before, made.kind, takes(made.kind, own))
