"""Closing a site: who is taken out of routing, and what becomes of their work."""

from collections.abc import Iterable
from typing import Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from gateway.core import commands as c
from gateway.core import events as e
from gateway.core.closing import set_site
from gateway.core.errors import Refused
from gateway.core.hands import notice, snapshot
from gateway.core.ids import AgentName, ItemId, SiteName
from gateway.core.model import AgentProfile, Item, ItemState, Site
from gateway.core.routing.explain import explain
from gateway.core.sites import Seats, closed_among, place, why
from tests.support.builders import House, agent, queue

PORT, HILL = SiteName("port"), SiteName("hill")
NAMES = [AgentName(f"agent-{n}") for n in range(2_000)]


def at(site: SiteName, name: str) -> AgentProfile:
    return replace(agent(name), site=site)


def close(
    house: House,
    percent: int = 0,
    *,
    in_hand: Literal["keep", "return"] = "keep",
    site: SiteName = PORT,
    reason: str = "storm",
) -> None:
    ctx = house.ledger.context()
    house.record(
        set_site(
            house.state,
            site,
            open_percent=percent,
            reason=reason,
            in_hand=in_hand,
            by="sue",
            ctx=ctx,
        )
    )


def accept(house: House, name: str, item: ItemId) -> None:
    offer = house.state.items[item].offer
    assert offer is not None
    house.say(name, c.Accept(id=house.command(), offer=offer.id))


def closed(percent: int, names: Iterable[AgentName] = NAMES) -> set[AgentName]:
    return closed_among(Site(name=PORT, open_percent=percent), names)


# -- the share ------------------------------------------------------------------------------


@given(st.integers(0, 100), st.integers(0, 100))
def test_closing_further_adds_agents_and_never_swaps_them(one: int, other: int) -> None:
    more, fewer = sorted([one, other])
    assert closed(fewer, NAMES[:70]) <= closed(more, NAMES[:70])


def test_a_share_is_as_large_as_it_says_and_never_nobody() -> None:
    for percent in range(0, 101, 10):
        assert len(closed(percent)) == (100 - percent) * 20
    assert len(closed(90, NAMES[:3])) == 1
    assert len(closed(50, NAMES[:3])) == 2
    assert closed(0, []) == set()


def test_an_agents_place_is_the_same_on_every_node_and_for_ever() -> None:
    names = [AgentName(name) for name in ("ana", "bob", "cid", "dora")]
    assert sorted(names, key=place) == ["ana", "dora", "bob", "cid"]


SEATING = st.lists(
    st.one_of(
        st.tuples(st.integers(0, 30), st.sampled_from([PORT, HILL, SiteName("")])),
        st.tuples(st.sampled_from([PORT, HILL]), st.integers(0, 100)),
    ),
    max_size=60,
)


@given(SEATING)
def test_whatever_happens_in_whatever_order_the_share_is_that_of_a_fresh_look(
    story: list[Any],
) -> None:
    seats = Seats()
    where: dict[AgentName, SiteName] = {}
    for one, other in story:
        before = dict(seats.closed)
        if isinstance(one, int):
            told = seats.sit(NAMES[one], other)
            where[NAMES[one]] = other
        else:
            told = seats.put(Site(name=one, open_percent=other))
        expected = {
            agent: site
            for site in seats.sites.values()
            for agent in closed_among(site, [a for a, at in where.items() if at == site.name])
        }
        assert seats.closed == expected
        assert {a for a in {*before, *expected} if before.get(a) != expected.get(a)} <= {*told}


# -- what follows ---------------------------------------------------------------------------


def two_sites() -> House:
    house = House(at(PORT, "ana"), at(HILL, "bob"))
    house.sign_in("ana")
    return house


def test_an_offer_out_at_a_closing_site_is_made_again_elsewhere_with_its_waiting_time() -> None:
    house = two_sites()
    item = house.new_item()
    assert house.offered() == {item.id: "ana"}
    since = house.state.items[item.id].queued_at
    house.sign_in("bob")
    house.pass_time(5)
    close(house)
    assert house.offered() == {item.id: "bob"}
    assert house.state.items[item.id].queued_at == since
    [gone] = [x.event for x in house.entries if isinstance(x.event, e.OfferWithdrawn)]
    assert gone.reason == "ana gets nothing: site 'port' is closed (storm)"


def test_what_is_offered_again_goes_before_what_came_later() -> None:
    house = two_sites()
    first = house.new_item()
    house.pass_time(1)
    later = [house.new_item() for _ in range(3)]
    house.pass_time(1)
    close(house)
    house.sign_in("bob")
    assert house.offered()[first.id] == "bob"
    assert sum(name == "bob" for name in house.offered().values()) < 1 + len(later)


def test_nobody_left_means_it_waits_and_says_why() -> None:
    house = two_sites()
    item = house.new_item()
    close(house)
    waiting = house.state.items[item.id]
    assert waiting.state is ItemState.QUEUED
    text = explain(house.state, waiting, house.clock.now())
    assert "gets nothing: site 'port' is closed (storm) (ana)" in text


def test_work_in_hand_may_be_finished() -> None:
    house = two_sites()
    item = house.new_item()
    accept(house, "ana", item.id)
    close(house)
    assert house.state.items[item.id].agent == "ana"
    house.say("ana", c.Wrapup(id=house.command(), item=item.id, code="done"))
    assert item.id not in house.state.items


def test_work_in_hand_goes_back_if_the_supervisor_says_so() -> None:
    house = two_sites()
    item = house.new_item()
    accept(house, "ana", item.id)
    since = house.state.items[item.id].queued_at
    house.sign_in("bob")
    close(house, in_hand="return")
    assert house.offered() == {item.id: "bob"}
    assert house.state.items[item.id].queued_at == since


def test_a_site_that_opens_again_gets_what_waits() -> None:
    house = two_sites()
    close(house)
    item = house.new_item()
    assert house.offered() == {}
    close(house, 100)
    assert house.offered() == {item.id: "ana"}


def test_an_agent_who_moves_to_a_closed_site_loses_the_offer_and_one_who_leaves_it_works() -> None:
    house = two_sites()
    item = house.new_item()
    close(house, site=HILL)
    house.record([e.Change(e.AgentDefined(profile=at(HILL, "ana"), by="sue"))])
    assert house.offered() == {}
    house.record([e.Change(e.AgentDefined(profile=at(PORT, "ana"), by="sue"))])
    assert house.offered() == {item.id: "ana"}


def test_who_is_let_in_because_somebody_leaves_a_partly_closed_site_gets_what_waits() -> None:
    names = ("ana", "bob", "cleo")
    house = House(*(at(PORT, name) for name in names), at(HILL, "dora"))
    for name in names:
        house.sign_in(name)
    close(house, 50)
    first, second = house.state.closed
    (other,) = set(names) - {first, second}
    close(house, site=HILL)
    item = house.new_item()
    assert house.offered() == {item.id: other}
    house.record([e.Change(e.AgentDefined(profile=at(HILL, other), by="sue"))])
    (let_in,) = {first, second} - house.state.closed.keys()
    assert house.offered() == {item.id: let_in}


def test_an_agent_who_comes_while_the_site_is_closed_gets_nothing_and_reads_why() -> None:
    house = House(at(PORT, "ana"))
    close(house, reason="strike")
    house.sign_in("ana")
    house.new_item()
    assert house.offered() == {}
    said = "you get nothing new: site 'port' is closed (strike)"
    assert notice(house.state, AgentName("ana")) == said
    shown = snapshot(house.state, AgentName("ana"), house.ledger.context())
    assert shown.state.notice == said


def test_a_partly_closed_site_says_how_much_of_it() -> None:
    site = Site(name=PORT, open_percent=40, reason="storm")
    assert why(site) == "60 % of site 'port' are closed (storm)"


def on_the_shelf(house: House) -> Item:
    item = house.new_item(queue="shelf")
    assert house.offered() == {}
    return item


def test_a_closed_out_agent_may_not_take_from_a_shelf_either() -> None:
    house = House(at(PORT, "ana"), queues=[queue("shelf", take_allowed=True)])
    close(house)
    house.sign_in("ana")
    item = on_the_shelf(house)
    with pytest.raises(Refused) as refused:
        house.say("ana", c.Take(id=house.command(), item=item.id))
    assert refused.value.code == "not_allowed"
    assert "site 'port' is closed" in refused.value.detail


def test_nothing_is_handed_to_a_closed_out_colleague() -> None:
    house = House(at(HILL, "ana"), at(PORT, "bob"))
    house.sign_in("ana")
    item = house.new_item()
    accept(house, "ana", item.id)
    close(house)
    house.sign_in("bob")
    with pytest.raises(Refused) as refused:
        house.say("ana", c.Transfer(id=house.command(), item=item.id, agent=AgentName("bob")))
    assert refused.value.code == "busy"


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"name": SiteName("prot")}, "name"),
        ({"open_percent": 101}, "open_percent"),
        ({"open_percent": -1}, "open_percent"),
        ({"reason": "  "}, "reason"),
    ],
)
def test_a_wrong_act_says_what_is_wrong(change: dict[str, Any], field: str) -> None:
    house = two_sites()
    wish: dict[str, Any] = {"name": PORT, "open_percent": 0, "reason": "storm", "in_hand": "keep"}
    wish |= change
    with pytest.raises(Refused) as refused:
        set_site(house.state, **wish, by="sue", ctx=house.ledger.context())
    assert refused.value.field == field


def test_opening_needs_no_reason_and_forgets_what_was_to_go_back() -> None:
    house = two_sites()
    close(house, in_hand="return")
    close(house, 100, in_hand="return", reason="")
    assert house.state.sites[PORT].in_hand == "keep"
    assert house.state.closed == {}


def test_the_same_act_again_is_not_recorded_again_but_work_that_is_to_go_back_goes() -> None:
    house = two_sites()
    close(house, in_hand="return")
    before = len(house.entries)
    close(house, in_hand="return")
    assert len(house.entries) == before
    item = house.new_item()
    given = e.ItemAssigned(item=item.id, agent=AgentName("ana"), by="sue", reason="so")
    house.record([e.Change(given)])
    close(house, in_hand="return")
    assert house.state.items[item.id].state is ItemState.QUEUED
    assert sum(isinstance(x.event, e.SiteChanged) for x in house.entries) == 1
