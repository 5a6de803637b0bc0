"""What must change hands together: nothing is torn apart, nothing more than needed goes."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from gateway.core import events as e
from gateway.core.folds import apply
from gateway.core.ids import (
    AgentName,
    CaseId,
    ChannelName,
    CustomerId,
    ItemId,
    NodeName,
    OfferId,
    OutboundId,
)
from gateway.core.legal import check
from gateway.core.model import (
    AgentStatus,
    ChannelKind,
    CustomerBrief,
    Item,
    ItemState,
    Offer,
    OutboundState,
    Outgoing,
)
from gateway.core.moving import Bundle, Hindrance, holder_of, letting_go, together, withdrawals
from gateway.core.state import NodeState
from tests.support.builders import NODE, case, item
from tests.support.virtual import START

TO = NodeName("other")
AGENTS = [AgentName(name) for name in ("ana", "bob", "cleo")]
CUSTOMERS = [CustomerId(f"customer-{n}") for n in range(4)]

Row = tuple[int, int | None, ItemState, int]
rows = st.tuples(
    st.integers(0, 5),
    st.none() | st.integers(0, len(CUSTOMERS) - 1),
    st.sampled_from(
        [
            ItemState.QUEUED, ItemState.OFFERED, ItemState.ASSIGNED, ItemState.WRAPPING,
            ItemState.HELD, ItemState.SCHEDULED,
        ]
    ),
    st.integers(0, len(AGENTS) - 1),
)  # fmt: skip


def a_state(found: list[Row], at_home: int = len(AGENTS)) -> NodeState:
    """Items of some cases and customers, in several hands; one customer for each case."""
    state = NodeState(NODE)
    for agent in AGENTS[:at_home]:
        state.statuses[agent] = AgentStatus(
            name=agent, since=START, idle_since=START, home=NODE, tabs=1
        )
    customer_of: dict[int, int | None] = {}
    for n, (case_number, customer, at, holder) in enumerate(found):
        whose = customer_of.setdefault(case_number, customer)
        brief = None if whose is None else CustomerBrief(id=CUSTOMERS[whose])
        case_id = CaseId(f"case-{case_number}")
        state.cases[case_id] = replace(case(), id=case_id, customer=brief)
        state.put(an_item(n, case_id, brief, at, AGENTS[holder]))
    return state


def an_item(
    n: int, case_id: CaseId, customer: CustomerBrief | None, at: ItemState, agent: AgentName
) -> Item:
    held: dict[str, Any] = {}
    if at is ItemState.OFFERED:
        offer = Offer(id=OfferId(f"o{n}"), agent=agent, made_at=START, deadline=START, reason="")
        held = {"offer": offer}
    elif at in (ItemState.ASSIGNED, ItemState.WRAPPING):
        held = {"agent": agent, "last_agent": agent}
    elif at in (ItemState.HELD, ItemState.SCHEDULED):
        held = {"last_agent": agent}
    made = item(case=case_id)
    return replace(made, id=ItemId(f"i{n:02}"), customer=customer, state=at, **held)


def bundle_of(state: NodeState, *items: str, **more: Any) -> Bundle:
    found = together(state, [ItemId(i) for i in items], **more)
    assert isinstance(found, Bundle), found
    return found


def test_a_waiting_item_goes_alone() -> None:
    state = a_state([(0, 0, ItemState.QUEUED, 0), (1, 1, ItemState.ASSIGNED, 0)])
    found = bundle_of(state, "i00")
    assert (found.items, found.agents) == (("i00",), ())
    assert (found.customers, found.cases) == ((CUSTOMERS[0],), ("case-0",))


def test_all_that_is_open_of_a_customer_goes_along() -> None:
    state = a_state([(0, 0, ItemState.QUEUED, 0), (1, 0, ItemState.QUEUED, 0)])
    assert set(bundle_of(state, "i00").items) == {"i00", "i01"}


def test_who_works_for_the_customer_goes_along_with_all_that_is_in_hand() -> None:
    state = a_state(
        [
            (0, 0, ItemState.QUEUED, 0),
            (1, 0, ItemState.ASSIGNED, 0),
            (2, 1, ItemState.HELD, 0),
            (3, 2, ItemState.QUEUED, 0),
        ]
    )
    found = bundle_of(state, "i00")
    assert (set(found.items), found.agents) == ({"i00", "i01", "i02"}, ("ana",))


def test_who_may_not_follow_is_named_as_the_hindrance() -> None:
    state = a_state([(0, 0, ItemState.QUEUED, 0), (1, 0, ItemState.ASSIGNED, 1)])
    found = together(state, [ItemId("i00")], may_follow=lambda agent: agent != "bob")
    assert isinstance(found, Hindrance)
    assert "bob works for the same customer" in found.reason


def test_an_offer_binds_nobody() -> None:
    state = a_state([(0, 0, ItemState.OFFERED, 0)])
    assert bundle_of(state, "i00").agents == ()
    found = together(state, agents=[AGENTS[0]])
    assert isinstance(found, Bundle)
    assert (found.agents, found.items) == (("ana",), ())
    (withdrawn,) = withdrawals(state, found, "moves")
    assert isinstance(withdrawn.event, e.OfferWithdrawn)


def test_an_answer_goes_with_those_that_were_made_before_it_in_its_case() -> None:
    state = NodeState(NODE)
    first, second, other = (an_order("a", "case-0"), an_order("b", "case-0"), an_order("c", None))
    for order in (first, second, other):
        state.outbox[order.id] = order
    for asked in (first, second):
        found = together(state, orders=[asked.id])
        assert isinstance(found, Bundle)
        assert set(found.orders) == {first.id, second.id}
    found = together(state, orders=[other.id])
    assert isinstance(found, Bundle)
    assert found.orders == (other.id,)


def an_order(name: str, of: str | None) -> Outgoing:
    return Outgoing(
        id=OutboundId(name),
        channel=ChannelName("support"),
        kind=ChannelKind.EMAIL,
        purpose="message",
        state=OutboundState.PENDING,
        version=1,
        created_at=START,
        next_at=START,
        expires_at=START,
        case=None if of is None else CaseId(of),
    )


def test_what_is_not_here_cannot_go() -> None:
    state = a_state([(0, 0, ItemState.QUEUED, 0)], at_home=1)
    assert isinstance(together(state, [ItemId("nothing")]), Hindrance)
    assert isinstance(together(state, agents=[AGENTS[1]]), Hindrance)


@given(st.lists(rows, max_size=12), st.integers(0, len(AGENTS)), st.data())
def test_nothing_is_torn_apart_and_letting_go_leaves_the_rest_whole(
    found: list[Row], at_home: int, data: st.DataObject
) -> None:
    state = a_state(found, at_home)
    named = data.draw(st.lists(st.sampled_from(sorted(state.items)))) if found else []
    agents = data.draw(st.lists(st.sampled_from(AGENTS)))
    bundle = together(state, named, agents)
    if isinstance(bundle, Hindrance):
        assert any(not state.is_home_of(agent) for agent in agents)
        return
    assert set(named) <= set(bundle.items)
    assert set(agents) <= set(bundle.agents)
    before = dict(state.items)
    going = set(bundle.items)
    if taken_back := withdrawals(state, bundle, "moves"):
        check(state, taken_back)
        for change in taken_back:
            apply(state, change.event, START)
    changes = letting_go(state, bundle, TO, "", "moves")
    check(state, changes)
    for change in changes:
        assert apply(state, change.event, START) == (), "no row is written"
    for one in before.values():
        for other in before.values():
            bound = one.case == other.case or (
                one.customer is not None and one.customer == other.customer
            )
            assert not bound or (one.id in going) == (other.id in going)
        holder = holder_of(one)
        if holder is not None and holder in AGENTS[:at_home]:
            assert (one.id in going) == (holder in bundle.agents)
    assert set(state.items) == set(before) - going
    assert set(state.statuses) == set(AGENTS[:at_home]) - set(bundle.agents)
    assert {i.case for i in state.items.values()} <= set(state.cases)
    for agent in bundle.agents:
        assert not state.in_hand(agent)
        assert not state.parked(agent)


@given(st.lists(rows, min_size=1, max_size=12))
def test_what_moves_is_no_more_than_is_bound_together(found: list[Row]) -> None:
    """Whoever names any part of a bundle gets the whole of it, and nothing else."""
    state = a_state(found)
    first = min(state.items)
    bundle = bundle_of(state, first)
    for other in bundle.items:
        if not bundle.agents:
            assert set(bundle_of(state, other).items) == set(bundle.items)
