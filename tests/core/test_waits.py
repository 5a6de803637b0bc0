"""What customers are told of their wait, and how well that was guessed."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core import events as e
from gateway.core.ids import QueueName
from gateway.core.model import ItemState
from gateway.core.routing.expect import Expectation
from gateway.core.routing.pool import Pool
from gateway.core.waits import WaitErrors
from tests.support.builders import GENERAL, House, agent

seconds = st.floats(min_value=0, max_value=86_400)


@given(st.lists(st.tuples(seconds, seconds), max_size=50))
def test_every_error_is_counted_once_and_the_bias_is_never_more_than_the_error(
    measured: list[tuple[float, float]],
) -> None:
    errors = WaitErrors()
    for told, waited in measured:
        errors.note(
            e.WaitMeasured(item=ITEM, queue=QueueName("q"), place=1, told=told, waited=waited)
        )
    one = errors.of(QueueName("q"))
    assert one.count == len(measured) == sum(one.later) + sum(one.sooner)
    assert abs(one.total) <= one.absolute + 1e-6
    assert one.total == pytest.approx(sum(waited - told for told, waited in measured), abs=1e-6)
    assert errors.of(QueueName("another")).count == 0


ITEM = House(agent("ana")).new_item().id


@given(st.floats(min_value=0.2, max_value=15.0), st.integers(min_value=1, max_value=30))
def test_a_guess_that_is_wrong_by_the_same_factor_every_time_is_soon_right(
    factor: float, place: int
) -> None:
    house = House(agent("ana"), settles=False)
    house.sign_in("ana")
    one = house.new_item()
    expectation = Expectation(house.state, Pool(house.state))
    now = house.clock.now()
    _, raw = expectation.of(one, now)
    expectation.forget(one.id)
    for _ in range(300):
        expectation.of(one, now)
        expectation.served(one.id, now + timedelta(seconds=raw * factor))
    assert expectation.of(one, now)[1] == pytest.approx(raw * factor, rel=0.05)
    need = house.engine.pool.need_of(one)
    assert expectation.of_place(place, need, 1) == pytest.approx(place * raw * factor, rel=0.05)


def test_what_was_told_is_compared_with_the_truth_when_somebody_has_it() -> None:
    house = House(agent("ana"))
    one = house.new_item()
    house.record([e.Change(e.WaitTold(item=one.id, place=2, seconds=90.0))])
    house.pass_time(40.0)
    house.sign_in("ana")
    house.decline("ana")  # it waits on, and what was told still stands
    house.pass_time(70.0)
    house.accept("ana")
    (measured,) = house.events(e.WaitMeasured)
    assert (measured.queue, measured.place, measured.told) == (GENERAL, 2, 90.0)
    assert measured.waited == pytest.approx(110.0, abs=2.0)
    assert house.state.items[one.id].told is None
    assert house.state.items[one.id].state is ItemState.ASSIGNED


def test_a_wait_that_begins_anew_knows_nothing_of_what_was_told_before() -> None:
    house = House(agent("ana"))
    one = house.new_item()
    house.record([e.Change(e.WaitTold(item=one.id, place=2, seconds=90.0))])
    again = e.ItemScheduled(item=one.id, until=None, reason="kept")
    queued = e.ItemQueued(item=one.id, queue=GENERAL, reason="given", restart=True)
    house.record([e.Change(again), e.Change(queued)])
    assert house.state.items[one.id].told is None
    house.sign_in("ana")
    house.accept("ana")
    assert house.events(e.WaitMeasured) == []
