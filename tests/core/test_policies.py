"""What a queue's policy does: choice of agent, weights, costs, offers, silent customers."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core import commands as c
from gateway.core import events as e
from gateway.core.capacity import TOTAL, takes, used
from gateway.core.ids import AgentName
from gateway.core.model import ChannelKind, CustomerBrief, Item, ItemState
from gateway.core.policy import Cost, Policy
from gateway.core.routing import available
from gateway.core.routing.need import Need
from gateway.core.routing.rank import LATEST_SECONDS, MOST_POINTS, rank
from tests.support.builders import SITE, START, House, agent, chat, hands_id, item, needs, queue

CHAT, CALL, EMAIL = ChannelKind.WEBCHAT, ChannelKind.VOICE, ChannelKind.EMAIL
ANA = AgentName("ana")


def house_of(*names: str, **policy: object) -> House:
    house = House(*map(agent, names), queues=[queue(policy=Policy(**policy))])  # type: ignore[arg-type]
    house.sign_in(*names)
    return house


# -- choice -----------------------------------------------------------------------------------


def test_the_longest_idle_is_chosen_even_if_worth_more() -> None:
    rich = agent("ana", hu=5, de=5)
    house = House(rich, agent("bob"), queues=[queue(policy=Policy(choice="longest_idle"))])
    house.sign_in("ana", "bob")
    first, second = house.new_item(kind=CALL), house.new_item(kind=CALL)
    assert house.offered() == {first.id: "ana", second.id: "bob"}


def test_the_best_fit_is_whoever_brings_least_for_nothing() -> None:
    house = House(agent("ana", de=5), agent("bob", de=1), agent("cid", de=5))
    house.sign_in("ana", "bob", "cid")
    easy = house.new_item(kind=CALL, requirement=needs(de=1))
    assert house.offered() == {easy.id: "bob"}


def test_the_least_occupied_is_chosen() -> None:
    house = house_of("ana", "bob", choice="least_occupied")
    items = [house.new_item(kind=CHAT, channel=SITE) for _ in range(4)]
    assert [house.offered()[i.id] for i in items] == ["ana", "bob", "ana", "bob"]


def test_by_turns_everybody_has_one_and_who_comes_later_begins_where_the_others_are() -> None:
    house = House(
        *map(agent, ("ana", "bob", "cid")), queues=[queue(policy=Policy(choice="round_robin"))]
    )
    house.sign_in("ana", "bob")
    had = []
    for n in range(9):
        if n == 4:
            house.sign_in("cid")
        one = house.new_item()
        who = house.offered()[one.id]
        had.append(who)
        house.accept(who)
        house.complete(who, one.id)
    assert had[:4] == ["ana", "bob", "ana", "bob"]
    assert sorted(had[4:7]) == ["ana", "bob", "cid"]


# -- score ------------------------------------------------------------------------------------


def test_what_is_due_first_goes_first_across_queues() -> None:
    house = House(
        agent("ana"),
        queues=[
            queue("calls", service_level_seconds=20),
            queue("mails", service_level_seconds=14_400),
        ],
    )
    mail = house.new_item(queue=queue("mails").name)
    house.pass_time(14_000)
    call = house.new_item(kind=CALL, queue=queue("calls").name)
    house.pass_time(390)
    late = house.new_item(kind=CALL, queue=queue("calls").name)
    order = sorted((mail, call, late), key=lambda one: house.engine.pool.rank_of(one.id))
    assert [one.id for one in order] == [call.id, mail.id, late.id], (
        "the mail is due after the first call and before the second"
    )


def test_a_queue_weighs_value_and_priority_as_its_policy_says() -> None:
    kind = Policy(priority_seconds=0, value_seconds=3600)
    house = House(agent("ana"), queues=[queue(policy=kind)])
    urgent = house.new_item(priority=100)
    valued = house.new_item(customer=CustomerBrief(id=hands_id("c1"), value=1))
    house.sign_in("ana")
    assert [m.item for m in house.offers] == [valued.id, urgent.id]


def test_a_policy_that_changes_puts_all_that_waits_in_another_order() -> None:
    house = House(agent("ana"))
    items = [house.new_item(priority=n) for n in range(50)]
    assert house.engine.pool.place_of(house.state.items[items[0].id]) == 50
    changed = queue(policy=Policy(priority_seconds=0))
    house.record([e.Change(e.QueueDefined(queue=changed, by="sue"))])
    places = [house.engine.pool.place_of(house.state.items[i.id]) for i in items]
    assert places == list(range(1, 51))


_DUE = st.one_of(st.none(), st.integers(-(10**7), 10**7))
_POLICY = st.builds(
    Policy,
    priority_seconds=st.floats(0, 86_400),
    value_seconds=st.floats(0, 86_400),
    urgency=st.floats(0, 1),
)


@given(
    st.integers(-(10**6), 10**6), st.integers(-(10**6), 10**6), _DUE, _POLICY,
    st.integers(-100, 100), st.one_of(st.none(), st.floats(0, 10**7)),
)  # fmt: skip
def test_nothing_but_the_age_is_without_bound(
    points: int, value: int, due: int | None, policy: Policy, extra: int, level: float | None
) -> None:
    """So whoever has waited longer than the bound stands before all who come."""
    one: Item = item(
        ItemState.QUEUED,
        priority=points,
        customer=CustomerBrief(id=hands_id("c1"), value=value),
        due_at=None if due is None else START + timedelta(seconds=due),
    )
    at = queue(policy=policy, priority=extra, service_level_seconds=level)
    bound = 2 * MOST_POINTS * 86_400 + LATEST_SECONDS
    assert abs(rank(one, at) - START.timestamp()) <= bound


@given(st.lists(st.integers(-100, 100), min_size=1, max_size=12), st.integers(-100, 100))
def test_nobody_starves_while_somebody_serves(flood: list[int], points: int) -> None:
    """One agent, one old item, and more urgent ones coming for ever: it is served all the same."""
    house = House(agent("ana"))
    old = house.new_item(priority=points)
    house.sign_in("ana", ready=False)
    house.say("ana", c.State(id=house.command(), state="ready"))
    bound = 60 * 2 * MOST_POINTS
    for n in range(2 * len(flood) + 4):
        if old.id not in house.state.items:
            break
        house.clock.seconds += bound / 4
        house.new_item(kind=CALL, priority=flood[n % len(flood)])
        for one in house.offered_to("ana"):
            offer = one.offer
            assert offer is not None
            house.clock.seconds = min(house.clock.seconds, (offer.deadline - START).total_seconds())
            house.say("ana", c.Accept(id=house.command(), offer=offer.id))
            house.complete("ana", one.id)
    assert old.id not in house.state.items


# -- offers -----------------------------------------------------------------------------------


def test_a_kind_that_is_accepted_by_itself_is_in_hand_at_once() -> None:
    house = house_of("ana", auto_accept=(CHAT,))
    one = house.new_item(kind=CHAT, channel=SITE)
    other = house.new_item()
    assert house.state.items[one.id].state is ItemState.ASSIGNED
    assert house.state.items[other.id].state is ItemState.OFFERED


def test_who_declines_too_many_in_a_row_gets_no_more() -> None:
    house = house_of("ana", most_declines=2)
    first = house.new_item(kind=CALL)
    house.decline("ana")
    assert (house.is_ready("ana"), house.status("ana").declines) == (True, 1)
    second = house.new_item(kind=CALL)
    house.decline("ana")
    assert not house.is_ready("ana")
    assert house.status("ana").reason == "declined_offers"
    assert {first.id, second.id} <= house.state.items.keys()
    house.say("ana", c.State(id=house.command(), state="ready"))
    assert house.status("ana").declines == 0


def test_an_accepted_offer_forgives_the_declined() -> None:
    house = house_of("ana", most_declines=2)
    house.new_item(kind=CALL)
    house.decline("ana")
    house.new_item(kind=CALL)
    house.accept("ana")
    assert house.status("ana").declines == 0
    assert house.is_ready("ana")


# -- capacity ---------------------------------------------------------------------------------


@pytest.mark.parametrize(("units", "at_once"), [(10, 10), (50, 2), (100, 1)])
def test_a_queue_says_what_its_items_take(units: int, at_once: int) -> None:
    house = house_of("ana", costs={CHAT: Cost(units=units)})
    items = [house.new_item(kind=CHAT, channel=SITE) for _ in range(at_once + 1)]
    assert [i.id in house.offered() for i in items] == [True] * at_once + [False]
    in_hand = house.state.in_hand(ANA)
    assert used(house.state.profiles[ANA], in_hand) == units * at_once <= TOTAL


def test_a_queue_may_forbid_that_its_mails_are_put_aside() -> None:
    house = house_of("ana", costs={EMAIL: Cost(interruptible=False)})
    house.new_item()
    call = house.new_item(kind=CALL)
    assert call.id not in house.offered()


def test_a_silent_customer_takes_nothing_until_the_next_line() -> None:
    house = House(
        agent("ana"),
        queues=[queue(policy=Policy(inactive_seconds=120, costs={CHAT: Cost(units=100)}))],
    )
    house.sign_in("ana")
    first = house.arrive(chat("k1")).item
    assert first is not None
    house.accept("ana")
    house.say("ana", c.Send(id=house.command(), item=first, body="Which order?"))
    second = house.new_item(kind=CHAT, channel=SITE)
    house.pass_time(119)
    assert house.offered() == {}
    house.pass_time(2)
    assert house.state.items[first].resting
    assert house.offered() == {second.id: "ana"}
    house.accept("ana")
    case = house.tables.cases[house.state.items[first].case]
    house.arrive(chat("k2"), conversation=case)
    assert not house.state.items[first].resting
    assert used(house.state.profiles[ANA], house.state.in_hand(ANA)) == 200
    third = house.new_item(kind=CALL)
    assert third.id not in house.offered()


def test_what_is_handed_on_rests_no_more() -> None:
    house = house_of("ana", "bob", inactive_seconds=10)
    one = house.new_item(kind=CHAT, channel=SITE)
    who = house.offered()[one.id]
    house.accept(who)
    house.say(who, c.Send(id=house.command(), item=one.id, body="Well?"))
    house.pass_time(11)
    assert house.state.items[one.id].resting
    house.say(who, c.Transfer(id=house.command(), item=one.id, queue=queue().name))
    assert not house.state.items[one.id].resting


DAY = st.lists(
    st.tuples(
        st.sampled_from(["mail", "call", "chat", "accept", "answer", "wrap", "done", "silence"]),
        st.integers(0, 5),
    ),
    max_size=40,
)


@given(
    DAY,
    st.dictionaries(st.sampled_from([EMAIL, CHAT, CALL]), st.integers(0, 100), max_size=3),
    st.sets(st.sampled_from([EMAIL, CHAT, CALL])),
    st.sampled_from([None, 30.0]),
)
def test_nobody_is_given_more_than_fits_whatever_rests_wraps_up_or_is_accepted_by_itself(
    day: list[tuple[str, int]],
    units: dict[ChannelKind, int],
    auto: set[ChannelKind],
    inactive: float | None,
) -> None:
    policy = Policy(
        costs={kind: Cost(units=n) for kind, n in units.items()},
        auto_accept=tuple(sorted(auto)),
        inactive_seconds=inactive,
    )
    house = House(agent("ana"), queues=[queue(policy=policy)])

    def watch(entry: e.Entry) -> None:
        if isinstance(entry.event, e.OfferMade):
            made = house.state.items[entry.event.item]
            others = [i for i in house.state.in_hand(ANA) if i.id != made.id]
            known = takes(made.kind, policy.costs.get(made.kind))
            by = made.kind if known.interrupts else None
            assert used(house.state.profiles[ANA], others, by=by) + known.units <= TOTAL

    house.ledger.observe(watch)
    house.sign_in("ana")
    kinds = {"mail": EMAIL, "call": CALL, "chat": CHAT}
    for deed, number in day:
        mine = [i for i in house.state.in_hand(ANA) if i.state is ItemState.ASSIGNED]
        wrapping = [i for i in house.state.in_hand(ANA) if i.state is ItemState.WRAPPING]
        if deed in kinds:
            house.new_item(kind=kinds[deed], **({"channel": SITE} if deed == "chat" else {}))
        elif deed == "accept" and house.offered_to("ana"):
            offer = house.offered_to("ana")[0].offer
            assert offer is not None
            house.say("ana", c.Accept(id=house.command(), offer=offer.id))
        elif deed == "answer" and mine:
            one = mine[number % len(mine)]
            house.say("ana", c.Send(id=house.command(), item=one.id, body="Well?"))
        elif deed == "wrap" and mine:
            one = mine[number % len(mine)]
            started = e.WrapUpStarted(item=one.id, agent=ANA)
            before = used(house.state.profiles[ANA], [one]) if not one.resting else None
            house.record([e.Change(started)])
            again = house.state.items[one.id]
            assert before is None or used(house.state.profiles[ANA], [again]) == before
        elif deed == "done" and (wrapping or mine):
            house.complete("ana", (wrapping or mine)[0].id)
        elif deed == "silence":
            house.pass_time(10.0 * number)
            house.say("ana", c.State(id=house.command(), state="ready"))


def test_who_comes_free_while_a_new_order_is_made_stands_behind_those_who_were(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Thousands enter it step by step; others have their turns between."""
    monkeypatch.setattr(available, "ENTERED", 1)
    house = House(*(agent(f"a{n}") for n in range(4)))
    house.sign_in("a1", "a2", "a3")
    changed = queue(policy=Policy(choice="longest_idle"))
    house.state.queues[changed.name] = changed
    steps = house.engine.pool.agents.prepare("longest_idle")
    next(steps)
    house.sign_in("a0")
    house.drop("a2")
    assert len(list(steps)) == 2
    assert house.new_item().id in house.offered()
    in_order = house.engine.pool.agents.for_need(Need(ChannelKind.TASK, changed.name, ()))
    assert list(in_order) == ["a3", "a0", "a1"], "a1 has been given what came"
