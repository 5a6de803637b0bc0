"""Opening hours against an oracle that looks at the wall clock of every minute."""

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.core.calendars import WEEKDAYS, Calendar, Holiday, Opening, hours_of, periods
from gateway.core.errors import Refused
from gateway.core.hours import Hours
from tests.support.wallclock import MINUTE, Oracle, calendar, worlds

OFFICE = ("09:00-12:30", "13:30-18:00")


def office(zone: str = "Europe/Berlin", **fields: object) -> Hours:
    week = dict.fromkeys(WEEKDAYS[:5], OFFICE)
    return hours_of(calendar(zone, **{"week": week, **fields}))


def at(*parts: int, zone: str = "Europe/Berlin", fold: int = 0) -> datetime:
    return datetime(*parts, tzinfo=ZoneInfo(zone), fold=fold).astimezone(UTC)  # type: ignore[misc,arg-type]


@settings(max_examples=80, deadline=None)
@given(worlds(), st.data())
def test_hours_equal_an_oracle_that_looks_at_every_minute(
    world: tuple[Calendar, datetime], data: st.DataObject
) -> None:
    days, begin = world
    hours, minutes = hours_of(days), 4 * 1440
    oracle = Oracle(days, begin, minutes)
    for n in range(0, minutes, 11):
        assert hours.is_open(begin + MINUTE * n) == oracle.open[n]
    for _ in range(5):
        a = data.draw(st.integers(0, minutes - 1))
        b = data.draw(st.integers(0, minutes - 1))
        start = begin + MINUTE * a
        assert hours.open_seconds(start, begin + MINUTE * b) == (
            oracle.seconds(a, b) if b > a else 0.0
        )
        wanted = data.draw(st.integers(1, 2000))
        due = oracle.after(a, wanted)
        if due is not None:
            assert hours.add_open_seconds(start, wanted * 60.0) == begin + MINUTE * due
        flips = [n for n in range(a + 1, minutes) if oracle.open[n] != oracle.open[a]]
        change = hours.next_change(start)
        if flips:
            assert change == begin + MINUTE * flips[0]
        else:
            assert change is None or change >= begin + MINUTE * minutes


@settings(max_examples=100, deadline=None)
@given(
    worlds(),
    st.timedeltas(timedelta(0), timedelta(days=5)),
    st.floats(0.000001, 200_000).map(lambda s: round(s, 6)),
)
def test_what_is_added_is_what_is_measured_to_the_microsecond(
    world: tuple[Calendar, datetime], later: timedelta, seconds: float
) -> None:
    days, begin = world
    hours, start = hours_of(days), begin + later
    due = hours.add_open_seconds(start, seconds)
    if due is not None:
        assert hours.open_seconds(start, due) == pytest.approx(seconds, abs=1e-6)
        assert hours.open_seconds(start, due - timedelta(microseconds=1)) < seconds


# -- in words -----------------------------------------------------------------------------------


def test_a_day_has_several_periods() -> None:
    hours = office()
    assert hours.is_open(at(2026, 11, 23, 9, 0))
    assert not hours.is_open(at(2026, 11, 23, 12, 30))
    assert hours.next_change(at(2026, 11, 23, 12, 30)) == at(2026, 11, 23, 13, 30)
    assert hours.next_change(at(2026, 11, 20, 18, 0)) == at(2026, 11, 23, 9, 0)


def test_an_hour_that_begins_before_the_weekend_ends_after_it() -> None:
    friday = at(2026, 11, 20, 17, 30)
    assert office().add_open_seconds(friday, 3600) == at(2026, 11, 23, 9, 30)


def test_a_period_goes_on_over_midnight() -> None:
    hours = hours_of(calendar(week={"sunday": ("22:00-06:00",)}))
    assert hours.is_open(at(2026, 11, 23, 5, 59))
    assert not hours.is_open(at(2026, 11, 23, 6, 0))
    assert hours.open_seconds(at(2026, 11, 22), at(2026, 11, 24)) == 8 * 3600


def test_the_night_of_the_longer_hour_is_an_hour_longer() -> None:
    hours = hours_of(calendar(week={"saturday": ("22:00-06:00",)}))
    assert hours.open_seconds(at(2026, 10, 24, 12), at(2026, 10, 25, 12)) == 9 * 3600
    assert hours.open_seconds(at(2026, 3, 28, 12), at(2026, 3, 29, 12)) == 7 * 3600


def test_a_time_that_the_clock_shows_twice_is_open_twice() -> None:
    hours = hours_of(calendar(week={"sunday": ("02:15-02:45",)}))
    assert hours.open_seconds(at(2026, 10, 25), at(2026, 10, 26)) == 3600
    assert hours.next_change(at(2026, 10, 25, 2, 50)) == at(2026, 10, 25, 2, 15, fold=1)
    assert hours.open_seconds(at(2026, 3, 29), at(2026, 3, 30)) == 0


def test_a_holiday_closes_the_rest_of_the_night_before() -> None:
    hours = hours_of(
        calendar(
            week={"thursday": ("22:00-06:00",)},
            holidays=(Holiday(date=date(2026, 12, 25), label="Christmas"),),
        )
    )
    assert hours.next_change(at(2026, 12, 24, 23)) == at(2026, 12, 25, 0)


def test_a_part_of_a_day_can_be_a_holiday() -> None:
    hours = office(holidays=(Holiday(date=date(2026, 12, 24), closed=("12:00-24:00",)),))
    assert hours.open_seconds(at(2026, 12, 24), at(2026, 12, 25)) == 3 * 3600


def test_an_extra_opening_wins_over_a_holiday() -> None:
    hours = office(
        holidays=(Holiday(date=date(2026, 12, 25)),),
        extra=(Opening(date=date(2026, 12, 25), open=("10:00-11:00",)),),
    )
    assert hours.open_seconds(at(2026, 12, 25), at(2026, 12, 26)) == 3600


def test_what_never_closes_has_no_next_change() -> None:
    hours = hours_of(calendar(week=dict.fromkeys(WEEKDAYS, ("00:00-24:00",))))
    assert hours.is_open(at(2026, 1, 1))
    assert hours.next_change(at(2026, 1, 1)) is None


@given(worlds())
def test_the_periods_are_all_the_open_time_and_nothing_else(
    world: tuple[Calendar, datetime],
) -> None:
    days, begin = world
    hours, end = hours_of(days), begin + timedelta(days=4)
    found = periods(hours, begin, end, 1_000)
    assert sum((b - a).total_seconds() for a, b in found) == hours.open_seconds(begin, end)
    assert all(begin <= a < b <= end and hours.is_open(a) for a, b in found)
    assert all(first[1] < later[0] for first, later in pairwise(found))
    assert periods(hours, begin, end, 2) == found[:2]


def test_what_never_opens_is_never_due() -> None:
    hours = hours_of(calendar())
    assert hours.next_change(at(2026, 1, 1)) is None
    assert hours.add_open_seconds(at(2026, 1, 1), 1) is None


def test_no_time_at_all_has_passed_at_once_even_while_closed() -> None:
    sunday = at(2026, 11, 22, 12)
    assert office().add_open_seconds(sunday, 0) == sunday


@pytest.mark.parametrize(
    "span", ["9-17", "09:00", "25:00-26:00", "24:00-02:00", "09:60-10:00", "10:00-24:01", ""]
)
def test_a_period_that_is_none_is_refused_with_its_field(span: str) -> None:
    with pytest.raises(Refused) as refused:
        hours_of(calendar(week={"monday": (span,)}))
    assert refused.value.field == "week.monday"


@pytest.mark.parametrize("zone", ["Mars/Base", "Europe", "", "../etc/passwd", "Europe/Berlin\x00"])
def test_a_zone_that_is_none_is_refused(zone: str) -> None:
    with pytest.raises(Refused, match="time zone"):
        hours_of(calendar(zone))
