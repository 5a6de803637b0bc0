"""Thresholds of a queue: crossed and over with a gap between, and what follows done once."""

from collections.abc import Sequence
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from gateway.core import events as e
from gateway.core.calendars import WEEKDAYS, Calendar
from gateway.core.care import Figures, cared, crossings, standing
from gateway.core.errors import Refused
from gateway.core.folds import apply
from gateway.core.ids import CalendarName, Context, QueueName
from gateway.core.model import ChannelKind, Item, Queue
from gateway.core.owed import OFFERED, Callbacks, CallbackWish
from gateway.core.policy import Ring
from gateway.core.routing.checks import check_thresholds, warnings
from gateway.core.state import NodeState
from gateway.core.thresholds import Threshold
from tests.support.builders import GENERAL, House, chat, mail, queue, task

K = ChannelKind
values = st.floats(min_value=0, max_value=1_000)
thresholds = st.builds(
    lambda when, at, gap: Threshold(
        name="one", when=when, at=at, back=at + gap if when == "agents_free" else at - gap
    ),
    st.sampled_from(["longest_wait", "waiting", "expected_wait", "agents_free"]),
    st.floats(min_value=1, max_value=900),
    st.floats(min_value=0.5, max_value=300),
)


def look(state: NodeState, house: House, value: float) -> list[e.Event]:
    """One look, with every figure at this value; what came of it."""
    every = Figures(longest_wait=value, waiting=value, expected_wait=value, agents_free=value)
    now = house.clock.now()
    found = [change.event for change in crossings(state, {GENERAL: every}, now)]
    for event in found:
        apply(state, event, now)
    return found


@given(thresholds, st.lists(values, max_size=60))
def test_it_is_raised_and_over_in_turns_and_each_only_where_it_is_declared(
    one: Threshold, figures: Sequence[float]
) -> None:
    house = House(queues=[queue(thresholds=(one,))], settles=False)
    raised = False
    for value in figures:
        told = look(house.state, house, value)
        assert len(told) <= 1
        for event in told:
            assert isinstance(event, e.AlarmEnded if raised else e.AlarmRaised)
            assert one.over(value) if raised else one.crossed(value)
            raised = not raised
        assert bool(house.state.alarms) is raised
        # Between the two nothing changes, and the same figure never says anything twice.
        assert look(house.state, house, value) == []
        if one.crossed(value):
            assert raised
        elif one.over(value):
            assert not raised


def test_what_is_not_declared_any_more_is_over_and_so_is_all_in_a_closed_queue() -> None:
    one = Threshold(name="many", when="waiting", at=10)
    house = House(queues=[queue(thresholds=(one,))], settles=False)
    (raised,) = look(house.state, house, 12.0)
    assert isinstance(raised, e.AlarmRaised)
    apply(house.state, e.QueueDefined(queue=queue(), by="test"), house.clock.now())
    (over,) = look(house.state, house, 12.0)
    assert isinstance(over, e.AlarmEnded)
    assert over.reason == "it is not declared any more"
    night = Calendar(name=CalendarName("night"), week=dict.fromkeys(WEEKDAYS, ()))
    apply(house.state, e.CalendarDefined(calendar=night, by="test"), house.clock.now())
    closed = queue(thresholds=(one,), hours=night.name)
    apply(house.state, e.QueueDefined(queue=queue(thresholds=(one,)), by="test"), house.clock.now())
    assert look(house.state, house, 12.0)
    apply(house.state, e.QueueDefined(queue=closed, by="test"), house.clock.now())
    (over,) = look(house.state, house, 12.0)
    assert isinstance(over, e.AlarmEnded)
    assert over.reason == "the queue is closed"
    assert look(house.state, house, 12.0) == []


# -- what is done to what waits -------------------------------------------------------------

OTHER = QueueName("other")
RINGS = (Ring(after=900, lower=1), Ring(after=1800, drop=("*",)))  # type: ignore[arg-type]


def a_house(*declared: Threshold) -> House:
    queues: list[Queue] = [queue(thresholds=declared, rings=RINGS), queue(OTHER, rings=RINGS)]
    return House(queues=queues, settles=False)


def tend(house: House, item: Item) -> list[e.Event]:
    ctx = Context(house.clock.now(), house.new_id)
    alarms = standing(house.state)
    now = house.state.items[item.id]
    changes = cared(house.state, now, alarms.get(now.queue, []), ctx)
    house.record(changes)
    return [change.event for change in changes]


def test_who_waits_is_written_to_once_in_the_nearest_language_and_the_rings_open() -> None:
    texts = {K.WEBCHAT: {"": "It takes longer today.", "de": "Heute dauert es länger."}}
    one = Threshold(name="long", when="longest_wait", at=60, message=texts, rings=1)
    house = a_house(one)
    talk, other = house.new_item(kind=K.WEBCHAT, language="de-AT"), house.new_item()
    assert tend(house, talk) == []
    look(house.state, house, 61.0)
    kinds = [type(event) for event in tend(house, talk)]
    assert kinds == [e.RingOpened, e.MessageAdded, e.ItemCared]
    assert house.events(e.MessageAdded)[-1].preview == "Heute dauert es länger."
    assert house.state.items[talk.id].answered_at is None
    assert [type(event) for event in tend(house, other)] == [e.RingOpened]
    assert tend(house, talk) == tend(house, other) == []
    look(house.state, house, 0.0)
    look(house.state, house, 99.0)  # crossed again: it has been said
    assert tend(house, talk) == []


@pytest.mark.parametrize("kind", ["chat", "mail"])
def test_who_waits_is_offered_a_call_once_by_whatever_threshold(kind: str) -> None:
    one = Threshold(name="one", when="waiting", at=1, offer_callback=True)
    two = replace(one, name="two", message={K.WEBCHAT: {"": "Busy"}, K.EMAIL: {"": "Busy"}})
    rules = Callbacks(offer={"de": "Sollen wir anrufen?", "": "Shall we call?"})
    house = House(queues=[queue(thresholds=(one, two), callbacks=rules)], settles=False)
    decided = house.arrive(chat("c", language="de") if kind == "chat" else mail("m"))
    assert decided.item is not None
    look(house.state, house, 5.0)
    for _ in range(5):
        tend(house, house.state.items[decided.item])
    said = [m.body for m in house.tables.messages.values() if m.direction == "out"]
    first = "Sollen wir anrufen?" if kind == "chat" else "Shall we call?"
    assert said == [first, "Busy"]
    assert OFFERED in house.state.items[decided.item].cared


@pytest.mark.parametrize("machine", [False, True])
def test_a_machine_that_waits_is_written_to_by_no_threshold(*, machine: bool) -> None:
    one = Threshold(
        name="one", when="waiting", at=1, offer_callback=True, message={K.EMAIL: {"": "Busy"}}
    )
    rules = Callbacks(offer={"": "Shall we call?"})
    house = House(queues=[queue(thresholds=(one,), callbacks=rules)], settles=False)
    decided = house.arrive(mail("m", machine=machine))
    assert decided.item is not None
    look(house.state, house, 5.0)
    for _ in range(3):
        tend(house, house.state.items[decided.item])
    said = [m.body for m in house.tables.messages.values() if m.direction == "out"]
    assert said == ([] if machine else ["Shall we call?", "Busy"])


def test_nobody_is_offered_a_call_who_cannot_have_one_or_has_one() -> None:
    one = Threshold(name="one", when="waiting", at=1, offer_callback=True)
    none = House(queues=[queue(thresholds=(one,), callbacks=Callbacks(offered=False))])
    many = House(queues=[queue(thresholds=(one,))])
    for house, what in ((none, chat("c")), (many, task("t"))):
        decided = house.arrive(what)
        assert decided.item is not None
        look(house.state, house, 5.0)
        tend(house, house.state.items[decided.item])
        assert not house.state.items[decided.item].cared
    asked = many.arrive(chat("call", callback=CallbackWish(number="+49 30 1234567")))
    assert asked.item is not None
    tend(many, many.state.items[asked.item])
    assert not many.state.items[asked.item].cared


def test_what_has_waited_so_long_overflows_and_keeps_its_wait_but_not_its_rings() -> None:
    one = Threshold(name="long", when="longest_wait", at=60, rings=1, overflow_to=OTHER)
    house = a_house(one)
    old = house.new_item()
    house.pass_time(61.0)
    young = house.new_item()
    look(house.state, house, 61.0)
    tend(house, old)
    tend(house, young)
    moved, stayed = house.state.items[old.id], house.state.items[young.id]
    assert (moved.queue, moved.queued_at, moved.ring) == (OTHER, old.queued_at, 0)
    assert (stayed.queue, stayed.ring) == (GENERAL, 1)
    # Given back by somebody, it is not sent away a second time.
    back = e.ItemQueued(item=old.id, queue=GENERAL, reason="it belongs here")
    house.record([e.Change(back)])
    tend(house, old)
    assert house.state.items[old.id].queue == GENERAL


def test_of_other_measures_what_comes_meanwhile_overflows() -> None:
    one = Threshold(name="many", when="waiting", at=1, overflow_to=OTHER)
    house = a_house(one)
    before = house.new_item()
    house.pass_time(5.0)
    look(house.state, house, 1.0)
    house.pass_time(5.0)
    after = house.new_item()
    tend(house, before)
    tend(house, after)
    assert house.state.items[before.id].queue == GENERAL
    assert house.state.items[after.id].queue == OTHER


# -- what is refused ------------------------------------------------------------------------

GOOD = Threshold(name="long", when="longest_wait", at=60)


@pytest.mark.parametrize(
    ("bad", "field"),
    [
        ((GOOD, GOOD), "thresholds[1].name"),
        ((replace(GOOD, back=60.0),), "thresholds[0].back"),
        ((replace(GOOD, when="agents_free", back=50.0),), "thresholds[0].back"),
        ((replace(GOOD, at=0.0),), "thresholds[0].at"),
        ((replace(GOOD, rings=3),), "thresholds[0].rings"),
        ((replace(GOOD, overflow_to=GENERAL),), "thresholds[0].overflow_to"),
        ((replace(GOOD, overflow_to=QueueName("none")),), "thresholds[0].overflow_to"),
        ((replace(GOOD, message={K.EMAIL: {"": "Wait"}}),), "thresholds[0].message"),
    ],
)
def test_a_threshold_that_cannot_be_is_refused_with_the_fields_name(
    bad: tuple[Threshold, ...], field: str
) -> None:
    with pytest.raises(Refused) as refused:
        check_thresholds(queue(thresholds=bad, rings=RINGS), {GENERAL, OTHER})
    assert refused.value.field == field
    fine = replace(GOOD, rings=2, overflow_to=OTHER, message={K.SMS: {"": "Wait"}})
    check_thresholds(queue(thresholds=(fine,), rings=RINGS), {GENERAL, OTHER})


def test_a_threshold_that_does_nothing_is_warned_about() -> None:
    idle = queue(thresholds=(replace(GOOD, alert=False),))
    assert "queue 'general': threshold 'long' does nothing" in warnings(idle, {})
    assert not any("does nothing" in one for one in warnings(queue(thresholds=(GOOD,)), {}))


def test_ending_at_a_share_of_where_it_begins_is_the_default() -> None:
    assert GOOD.ends_at == 48.0
    assert replace(GOOD, when="agents_free", at=2.0).ends_at == 3.0
    assert timedelta(seconds=GOOD.ends_at) < timedelta(seconds=GOOD.at)
