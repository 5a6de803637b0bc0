"""Service-level clocks: when they begin, stand, go on and are met."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from gateway.core import acts
from gateway.core import commands as c
from gateway.core import events as e
from gateway.core.calendars import Holiday, hours_of
from gateway.core.clocks import ServicePolicy
from gateway.core.ids import CalendarName, PolicyName, QueueName
from gateway.core.model import CaseStatus, ItemState
from gateway.core.service_level import recounted, urgency
from tests.core.promised import (
    GOLD,
    HOUR,
    OFFICE_HOURS,
    SUE,
    after,
    arrives,
    clock,
    define,
    give,
    house,
    item,
    recount,
    send,
    writes_again,
)
from tests.support.builders import START, House, agent, queue
from tests.support.wallclock import calendar

# -- beginning and meeting ------------------------------------------------------------------------


def test_a_mail_has_a_first_reply_and_a_resolution_to_come() -> None:
    home = house()
    key = arrives(home)
    assert clock(home, key, "first_reply").due_at == after(HOUR)
    assert clock(home, key, "resolution").due_at == after(8 * HOUR)
    assert item(home, key).due_at == after(HOUR)


def test_the_nearest_due_time_is_the_items() -> None:
    home = house()
    key = arrives(home)
    give(home, key)
    send(home, key)
    assert item(home, key).due_at == after(8 * HOUR)
    assert urgency(item(home, key), START) == 8 * HOUR


def test_a_reply_in_time_is_met_and_never_breached() -> None:
    home = house()
    key = arrives(home)
    home.pass_time(1800)
    give(home, key)
    send(home, key)
    home.pass_time(7200)
    first = clock(home, key, "first_reply")
    assert (first.met_at, first.used, first.breached_at) == (after(1800), 1800.0, None)
    assert not home.events(e.ServiceLevelBreached)


def test_each_question_after_a_reply_has_its_own_clock() -> None:
    home = house()
    key = arrives(home)
    give(home, key)
    send(home, key)
    home.pass_time(600)
    assert writes_again(home, key, "and then?") == key
    home.pass_time(300)
    writes_again(home, key, "hello?")
    assert clock(home, key, "next_reply").due_at == after(600 + 2 * HOUR)
    send(home, key)
    assert clock(home, key, "next_reply").used == 300.0
    home.pass_time(600)
    writes_again(home, key, "one more thing")
    assert clock(home, key, "next_reply").used == 0.0


def test_a_machine_waits_for_no_reply() -> None:
    home = house()
    service = item(home, arrives(home, machine=True)).service
    assert service is not None
    assert [one.kind for one in service.clocks] == ["resolution"]


def test_an_automatic_answer_is_no_reply() -> None:
    home = house()
    key = arrives(home)
    one = item(home, key)
    said = e.MessageAdded(
        message=home.new_id(),  # type: ignore[arg-type]
        case=one.case,
        seq=2,
        direction="out",
        item=key,
        automatic=True,
    )
    home.record([e.Change(said)])
    assert clock(home, key, "first_reply").met_at is None
    assert item(home, key).answered_at is None


def test_nothing_is_promised_where_a_queue_has_no_policy() -> None:
    home = House(agent("ana"), settles=False)
    assert item(home, arrives(home)).service is None
    assert not home.events(e.ClocksSet)


# -- standing and going on ------------------------------------------------------------------------


def test_the_clock_stands_while_the_customer_is_awaited() -> None:
    home = house()
    key = arrives(home)
    give(home, key)
    send(home, key, then="wait")
    home.pass_time(50_000)
    assert item(home, key).due_at is None
    writes_again(home, key, "here it is")
    resolution = clock(home, key, "resolution")
    assert resolution.due_at == after(50_000 + 8 * HOUR)


def test_what_is_put_aside_without_an_answer_goes_on_counting() -> None:
    home = house()
    key = arrives(home)
    give(home, key)
    home.pass_time(600)
    home.say("ana", c.Park(id=home.command(), item=key, until=after(50_000)))
    assert home.state.cases[item(home, key).case].status is CaseStatus.OPEN
    assert item(home, key).due_at == after(HOUR)
    home.pass_time(2 * HOUR)
    assert item(home, key).state is ItemState.HELD
    assert [b.clock for b in home.events(e.ServiceLevelBreached)] == ["first_reply"]
    assert clock(home, key, "resolution").since is not None


def test_what_is_put_aside_after_an_answer_waits_for_the_customer_until_its_time() -> None:
    home = house()
    key = arrives(home)
    give(home, key)
    send(home, key)
    home.say("ana", c.Park(id=home.command(), item=key, until=after(20 * HOUR)))
    assert home.state.cases[item(home, key).case].status is CaseStatus.WAITING
    assert item(home, key).due_at is None
    home.pass_time(20 * HOUR)
    assert item(home, key).state is ItemState.QUEUED
    assert item(home, key).due_at == after(28 * HOUR)
    assert home.state.cases[item(home, key).case].status is CaseStatus.OPEN


def test_a_requeue_changes_nothing() -> None:
    home = house()
    key = arrives(home)
    home.pass_time(600)
    before = item(home, key).service
    home.record(acts.requeue(home.state, key, None, SUE, "again"))
    give(home, key)
    home.record(acts.requeue(home.state, key, None, SUE, "and again"))
    assert item(home, key).service == before


def test_a_move_carries_what_was_used() -> None:
    home = house()
    slow = ServicePolicy(name=PolicyName("slow"), first_reply=4 * HOUR)
    define(home, slow)
    home.record([e.Change(e.QueueDefined(queue=queue("back", service_policy="slow"), by="test"))])
    key = arrives(home)
    home.pass_time(1200)
    home.record(acts.requeue(home.state, key, QueueName("back"), SUE, ""))
    assert clock(home, key, "first_reply").due_at == after(4 * HOUR)
    resolution = clock(home, key, "resolution")
    assert (resolution.since, resolution.used) == (None, 1200.0)
    home.pass_time(600)
    home.record(acts.requeue(home.state, key, QueueName("general"), SUE, ""))
    assert clock(home, key, "first_reply").due_at == after(HOUR)
    assert clock(home, key, "resolution").due_at == after(8 * HOUR + 600)


def test_a_clock_that_is_overdue_is_in_time_again_under_a_longer_promise() -> None:
    home = house()
    define(home, ServicePolicy(name=PolicyName("slow"), first_reply=4 * HOUR))
    home.record([e.Change(e.QueueDefined(queue=queue("back", service_policy="slow"), by="test"))])
    key = arrives(home)
    home.pass_time(2 * HOUR)
    assert clock(home, key, "first_reply").breached_at == after(HOUR)
    home.record(acts.requeue(home.state, key, QueueName("back"), SUE, ""))
    assert clock(home, key, "first_reply").breached_at is None
    assert item(home, key).due_at == after(4 * HOUR)


def test_a_case_that_is_opened_again_goes_on_where_its_clock_stood() -> None:
    home = house()
    key = arrives(home)
    give(home, key)
    send(home, key)
    home.pass_time(HOUR)
    home.complete("ana", key)
    assert home.tables.cases[item(home, key).case].status is CaseStatus.SOLVED
    (ended,) = home.events(e.ServiceLevelEnded)
    assert ended.service.clock("resolution").met_at == after(HOUR)
    home.pass_time(20 * HOUR)
    again = writes_again(home, key, "it is broken again")
    assert again != key
    resolution = clock(home, again, "resolution")
    assert (resolution.used, resolution.met_at) == (HOUR, None)
    assert resolution.due_at == after(21 * HOUR + 7 * HOUR)
    assert clock(home, again, "next_reply").due_at == after(21 * HOUR + 2 * HOUR)


def test_a_due_date_that_was_asked_for_stays_beside_the_clocks() -> None:
    home = house()
    early = arrives(home, "early", due_at=after(600))
    late = arrives(home, "late", due_at=after(100 * HOUR))
    assert item(home, early).due_at == after(600)
    assert item(home, late).due_at == after(HOUR)
    give(home, early)
    send(home, early)
    assert item(home, early).due_at == after(600)


def test_a_night_and_a_holiday_are_not_counted() -> None:
    closed = calendar(
        "Europe/Berlin",
        week=OFFICE_HOURS.week,
        holidays=(Holiday(date=(START + timedelta(days=1)).date(), label="Tuesday off"),),
    )
    home = house(GOLD, closed, hours="office")
    home.clock.seconds = 7.5 * HOUR  # half past five in Berlin, on a Monday
    key = arrives(home)
    assert item(home, key).due_at == datetime(2026, 3, 4, 8, 30, tzinfo=UTC)


def test_a_holiday_that_is_entered_late_counts_for_what_runs() -> None:
    home = house(GOLD, OFFICE_HOURS, hours="office")
    home.clock.seconds = 7.5 * HOUR
    key = arrives(home)
    holiday = Holiday(date=(START + timedelta(days=1)).date())
    define(home, calendar("Europe/Berlin", week=OFFICE_HOURS.week, holidays=(holiday,)))
    recount(home, key)
    assert item(home, key).due_at == datetime(2026, 3, 4, 8, 30, tzinfo=UTC)


def test_a_policy_that_changes_counts_from_then_on_for_what_waits() -> None:
    home = house()
    key = arrives(home)
    home.pass_time(600)
    define(home, ServicePolicy(name=GOLD.name, first_reply=900.0))
    recount(home, key)
    assert clock(home, key, "first_reply").due_at == after(900)
    home.pass_time(300)
    assert [b.clock for b in home.events(e.ServiceLevelBreached)] == ["first_reply"]


def test_a_directory_that_says_the_same_changes_nothing() -> None:
    home = house(GOLD, OFFICE_HOURS, hours="office")
    key = arrives(home)
    home.pass_time(1000)
    assert recounted(home.state, item(home, key), home.ledger.context(), "looked") == []


@pytest.mark.parametrize("kind", ["first_reply", "next_reply", "resolution"])
def test_a_target_that_is_left_out_is_not_measured(kind: str) -> None:
    targets: dict[str, Any] = {"first_reply": 60.0, "next_reply": 60.0, "resolution": 60.0}
    policy = ServicePolicy(name=GOLD.name, **(targets | {kind: None}))
    home = house(policy)
    key = arrives(home)
    give(home, key)
    home.pass_time(10)
    send(home, key)
    writes_again(home, key, "more")
    home.pass_time(10_000)
    assert kind not in [breach.clock for breach in home.events(e.ServiceLevelBreached)]


def test_hours_are_made_ready_once() -> None:
    home = house(GOLD, OFFICE_HOURS, hours="office")
    ready = home.state.timetable.hours(CalendarName("office"))
    assert ready is home.state.timetable.hours(CalendarName("office"))
    assert ready.is_open(START) == hours_of(OFFICE_HOURS).is_open(START)
