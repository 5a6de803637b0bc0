"""What the outcome of an attempt means, and when the next one is."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core import commands as c
from gateway.core import outbox
from gateway.core.backoff import outbound_delay, reconnect_delay
from gateway.core.errors import Deferred, OutcomeUnknown, SendError, TryAgain, Undeliverable
from gateway.core.ids import CommandId
from gateway.core.model import Delivery, ItemState, OutboundState, Outgoing
from gateway.core.times import OUTBOUND_EXPIRES_SECONDS
from tests.support.builders import House, agent, mail

OUTCOMES: list[Exception] = [TryAgain("busy"), OutcomeUnknown("cut"), ConnectionError("bug")]


@pytest.fixture
def house() -> House:
    return _house()


def _house(then: str | None = None) -> House:
    made = House(agent("ana"))
    made.sign_in("ana")
    made.arrive(mail("m1"))
    item = made.accept("ana")
    send = c.Send(id=CommandId("command-x"), item=item.id, body="Hello", then=then)  # type: ignore[arg-type]
    made.say("ana", send)
    return made


def order(house: House) -> Outgoing:
    (outgoing,) = house.tables.outbox.values()
    return outgoing


def attempt(house: House) -> Outgoing:
    house.record([outbox.attempt(order(house))])
    return order(house)


def fail(house: House, error: Exception) -> Outgoing:
    context = house.ledger.context()
    house.record(outbox.failed(house.state, attempt(house), error, context))
    return order(house)


def delivery(house: House) -> tuple[Delivery | None, str]:
    message = order(house).message
    assert message is not None
    said = house.tables.messages[message]
    return said.delivery, said.delivery_reason


def test_an_attempt_is_said_before_it_is_made(house: House) -> None:
    outgoing = attempt(house)
    assert (outgoing.state, outgoing.attempts, outgoing.repeats) == (
        OutboundState.ATTEMPTING,
        1,
        0,
    )


def test_what_was_taken_is_sent(house: House) -> None:
    outgoing = attempt(house)
    house.record(outbox.sent(outgoing, "<id@there>", Delivery.SENT))
    assert order(house).state is OutboundState.SENT
    assert order(house).receipt == "<id@there>"
    assert delivery(house) == (Delivery.SENT, "")
    assert house.state.outbox == {}


def test_an_attempt_found_open_after_a_restart_is_repeated_as_such(house: House) -> None:
    attempt(house)
    again = attempt(house)
    assert (again.attempts, again.repeats, again.unsettled) == (2, 1, True)


def test_a_failure_without_effect_is_no_repeat(house: House) -> None:
    fail(house, TryAgain("busy"))
    assert attempt(house).repeats == 0


@pytest.mark.parametrize("error", [OutcomeUnknown("cut"), ConnectionError("reset")])
def test_an_unknown_outcome_makes_the_next_attempt_a_repeat(house: House, error: Exception) -> None:
    assert fail(house, error).unsettled
    assert attempt(house).repeats == 1


def test_a_failure_without_effect_does_not_settle_an_earlier_unknown(house: House) -> None:
    fail(house, OutcomeUnknown("cut"))
    assert fail(house, TryAgain("busy")).unsettled
    assert attempt(house).unsettled, "the first attempt may have arrived all the same"


def test_what_can_never_be_delivered_is_given_up_at_once(house: House) -> None:
    outgoing = fail(house, Undeliverable("no such mailbox"))
    assert (outgoing.state, outgoing.attempts) == (OutboundState.FAILED, 1)
    assert delivery(house) == (Delivery.FAILED, "no such mailbox")


def test_after_three_days_it_is_given_up(house: House) -> None:
    outgoing = order(house)
    while outgoing.state is not OutboundState.FAILED:
        house.clock.seconds = (outgoing.next_at - outgoing.created_at).total_seconds()
        outgoing = fail(house, TryAgain("busy"))
        assert outgoing.attempts < 200
    assert house.clock.seconds <= OUTBOUND_EXPIRES_SECONDS
    assert outgoing.attempts > 50
    assert delivery(house)[1].startswith(f"given up after 3 days, tried {outgoing.attempts} times")


def test_who_waits_for_an_answer_to_what_never_left_waits_no_more() -> None:
    house = _house(then="wait")
    (item,) = house.state.items.values()
    assert item.state is ItemState.HELD
    fail(house, Undeliverable("no such mailbox"))
    assert house.offered() == {item.id: "ana"}
    queued = house.state.items[item.id]
    assert queued.queued_at == house.clock.now()


@given(st.lists(st.sampled_from(OUTCOMES), max_size=8))
def test_repeats_are_counted_from_the_first_unknown_on(errors: list[Exception]) -> None:
    house = _house()
    for error in errors:
        fail(house, error)
    last = attempt(house)
    unknown = [not isinstance(x, TryAgain) for x in errors]
    expected = len(errors) - unknown.index(True) if any(unknown) else 0
    assert (last.repeats, last.attempts) == (expected, len(errors) + 1)
    assert all(isinstance(x, SendError | ConnectionError) for x in errors)


def test_whoever_wrote_it_sees_that_it_waits_and_why(house: House) -> None:
    fail(house, Deferred("451 greylisted"))
    assert delivery(house) == (Delivery.QUEUED, "451 greylisted")
    fail(house, OutcomeUnknown("cut"))
    assert delivery(house) == (Delivery.SENDING, "cut")
    fail(house, TryAgain("refused"))
    assert delivery(house) == (Delivery.SENDING, "refused"), "it may have arrived all the same"
    house.record(outbox.sent(attempt(house), "<id@there>", Delivery.SENT))
    assert delivery(house) == (Delivery.SENT, "")


def test_a_server_that_asks_for_patience_gets_it(house: House) -> None:
    waits = []
    for _ in range(7):
        outgoing = fail(house, Deferred("451"))
        waits.append((outgoing.next_at - house.clock.now()) / timedelta(seconds=1))
    assert waits == [300.0, 900.0, 1800.0, 3600.0, 7200.0, 14400.0, 14400.0]


def test_who_was_refused_for_now_is_tried_again_alone(house: House) -> None:
    later = ("grey@example.org",)
    taken = outbox.sent(
        attempt(house),
        "<id@there>",
        Delivery.SENT,
        house.ledger.context(),
        reason="not taken for grey@example.org: 451",
        later=later,
    )
    house.record(taken)
    outgoing = order(house)
    assert (outgoing.state, outgoing.only) == (OutboundState.PENDING, later)
    assert delivery(house) == (Delivery.SENT, "not taken for grey@example.org: 451")
    outgoing = fail(house, Undeliverable("550 no"))
    assert (outgoing.state, outgoing.only) == (OutboundState.FAILED, later)
    state, why = delivery(house)
    assert (state, why) == (Delivery.SENT, "not delivered to grey@example.org: 550 no")


def test_what_is_dropped_when_some_have_it_has_not_failed_for_them(house: House) -> None:
    later = ("grey@example.org",)
    context = house.ledger.context()
    house.record(outbox.sent(attempt(house), "", Delivery.SENT, context, reason="451", later=later))
    house.record(outbox.drop(order(house), context, "dropped by sue"))
    assert order(house).state is OutboundState.DROPPED
    assert delivery(house) == (Delivery.SENT, "not delivered to grey@example.org: dropped by sue")


def test_the_next_attempt_is_put_off_further_each_time(house: House) -> None:
    waits = []
    for _ in range(7):
        outgoing = fail(house, TryAgain("busy"))
        waits.append((outgoing.next_at - house.clock.now()) / timedelta(seconds=1))
    assert waits == [2.0, 10.0, 60.0, 300.0, 1800.0, 3600.0, 3600.0]


@given(st.integers(1, 10_000))
def test_delays_never_shrink(attempt_number: int) -> None:
    assert outbound_delay(attempt_number) <= outbound_delay(attempt_number + 1) <= 3600


@given(st.integers(0, 10_000), st.floats(0, 1))
def test_reconnecting_waits_between_half_and_all_of_its_ceiling(
    failures: int, share: float
) -> None:
    assert 0.025 <= reconnect_delay(failures, share) <= 2.0
    if failures >= 6:
        assert reconnect_delay(failures, share) >= 1.0
