"""Holidays by country and from iCal files."""

from datetime import UTC, date, datetime
from time import thread_time
from typing import Any

import pytest
from msgspec.structs import replace

from gateway.core import events as e
from gateway.core.calendars import Calendar, hours_of
from gateway.core.errors import Refused
from gateway.flow import closed_days
from gateway.flow.feasts import Feasts, with_holidays
from tests.support.builders import House
from tests.support.wallclock import calendar

NOW = datetime(2026, 11, 22, tzinfo=UTC)


def found(**fields: Any) -> dict[date, tuple[str, ...]]:
    days = with_holidays(calendar("Europe/Berlin", **fields), NOW)
    return {day.date: day.closed for day in days.found}


def ical(*lines: str) -> str:
    body = "\r\n".join(lines)
    return f"BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//x//y//EN\r\n{body}\r\nEND:VCALENDAR\r\n"


def event(*lines: str, uid: str = "1") -> str:
    return "\r\n".join(["BEGIN:VEVENT", f"UID:{uid}", "SUMMARY:Closed", *lines, "END:VEVENT"])


def test_a_country_has_its_holidays_and_a_part_of_it_its_own() -> None:
    germany, bavaria = found(country="DE"), found(country="DE", subdivision="BY")
    assert date(2026, 12, 25) in germany
    assert date(2027, 1, 6) not in germany
    assert date(2027, 1, 6) in bavaria
    assert max(bavaria).year == 2029


@pytest.mark.parametrize(
    ("fields", "at"),
    [
        ({"country": "XX"}, "country"),
        ({"country": "Germany "}, "country"),
        ({"country": "DE", "subdivision": "ZZ"}, "subdivision"),
        ({"ical": "hello"}, "ical"),
        ({"ical": ical(event("DTSTART:yesterday"))}, "ical"),
        ({"ical": ical(event("DTSTART;VALUE=DATE:20260101", "RRULE:FREQ=SECONDLY"))}, "ical"),
        ({"ical": ical(event("DTSTART;VALUE=DATE:20260101", "RRULE:FREQ=DAILY;BYHOUR=1"))}, "ical"),
        ({"ical": ical(event("DTSTART;VALUE=DATE:00010101", "RRULE:FREQ=DAILY"))}, "ical"),
        (
            {"ical": ical(event("DTSTART;VALUE=DATE:20260101", "DTEND;VALUE=DATE:20990101"))},
            "ical",
        ),
    ],
)
def test_what_cannot_be_read_is_refused_with_its_field(fields: dict[str, str], at: str) -> None:
    with pytest.raises(Refused) as refused:
        with_holidays(calendar("Europe/Berlin", **fields), NOW, "hours[0].")
    assert refused.value.field == f"hours[0].{at}"


@pytest.mark.parametrize(
    "rule",
    [
        "FREQ=DAILY;INTERVAL=0",
        "FREQ=YEARLY;INTERVAL=0",
        "FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30",
        "FREQ=WEEKLY;BYYEARDAY=366;BYMONTH=1",
        "FREQ=DAILY;BYMONTH=13",
    ],
)
def test_a_rule_that_would_be_followed_for_ever_is_refused_at_once(rule: str) -> None:
    text = ical(event("DTSTART;VALUE=DATE:20260101", f"RRULE:{rule}"))
    began = thread_time()
    with pytest.raises(Refused):
        found(ical=text)
    assert thread_time() - began < 1.0


def test_a_file_with_more_than_can_be_followed_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(closed_days, "LONGEST_SECONDS", 0.5)
    never = "RRULE:FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30"
    many = [event("DTSTART;VALUE=DATE:20260101", never, uid=str(n)) for n in range(1_000)]
    began = thread_time()
    with pytest.raises(Refused, match="recurs"):
        found(ical=ical(*many))
    assert thread_time() - began < 4.0


def test_every_day_of_a_month_recurs() -> None:
    days = found(ical=ical(event("DTSTART;VALUE=DATE:20260101", "RRULE:FREQ=DAILY;BYMONTH=1")))
    assert len(days) == 4 * 31


def test_whole_days_are_closed_the_last_one_excluded() -> None:
    days = found(ical=ical(event("DTSTART;VALUE=DATE:20261224", "DTEND;VALUE=DATE:20261227")))
    assert days == {date(2026, 12, d): () for d in (24, 25, 26)}


def test_a_yearly_event_recurs_until_the_horizon_but_where_it_is_left_out() -> None:
    text = ical(
        event(
            "DTSTART;VALUE=DATE:20200501",
            "RRULE:FREQ=YEARLY;UNTIL=20281231",
            "EXDATE;VALUE=DATE:20270501",
            "RDATE;VALUE=DATE:20270503",
        )
    )
    assert sorted(found(ical=text)) == [
        date(2025, 5, 1),
        date(2026, 5, 1),
        date(2027, 5, 3),
        date(2028, 5, 1),
    ]


def test_an_occurrence_that_was_moved_or_cancelled_is_not_where_it_was() -> None:
    series = event("DTSTART;VALUE=DATE:20260101", "RRULE:FREQ=YEARLY;COUNT=3")
    moved = event("DTSTART;VALUE=DATE:20270104", "RECURRENCE-ID;VALUE=DATE:20270101")
    off = event(
        "DTSTART;VALUE=DATE:20280101", "RECURRENCE-ID;VALUE=DATE:20280101", "STATUS:CANCELLED"
    )
    days = found(ical=ical(series, moved, off))
    assert sorted(days) == [date(2026, 1, 1), date(2027, 1, 4)]


def test_hours_of_another_zone_close_a_part_of_the_day_here() -> None:
    text = ical(event("DTSTART:20261201T200000Z", "DTEND:20261202T100000Z"))
    assert found(ical=text) == {
        date(2026, 12, 1): ("21:00-24:00",),
        date(2026, 12, 2): ("00:00-11:00",),
    }


def test_a_file_and_a_country_close_the_hours() -> None:
    text = ical(event("DTSTART;VALUE=DATE:20261204"))
    days = with_holidays(
        calendar(
            "Europe/Berlin",
            week={"friday": ("09:00-17:00",)},
            country="DE",
            ical=text,
        ),
        NOW,
    )
    hours = hours_of(days)
    assert not hours.is_open(datetime(2026, 12, 4, 12, tzinfo=UTC))
    assert not hours.is_open(datetime(2026, 12, 25, 12, tzinfo=UTC))
    assert hours.is_open(datetime(2026, 12, 11, 12, tzinfo=UTC))


def test_what_names_no_source_has_nothing_found() -> None:
    old = calendar("UTC", found=with_holidays(calendar("UTC", country="DE"), NOW).found)
    assert with_holidays(old, NOW).found == ()


# -- kept fresh ---------------------------------------------------------------------------------


def house(one: Calendar) -> House:
    home = House(settles=False)
    home.record([e.Change(e.CalendarDefined(calendar=one, by="test"))])
    return home


async def test_holidays_are_found_anew_when_the_year_has_changed_and_then_left_alone() -> None:
    home = house(with_holidays(calendar("UTC", country="DE"), datetime(2024, 5, 1, tzinfo=UTC)))
    feasts = Feasts(home.ledger)
    assert await feasts.look() == 1
    home.flush()
    (known,) = home.state.timetable.calendars.values()
    assert known.found_until == date(2029, 12, 31)
    assert await feasts.look() == 0


async def test_holidays_are_found_anew_by_another_version_of_the_library() -> None:
    fresh = with_holidays(calendar("UTC", country="DE"), datetime(2026, 5, 1, tzinfo=UTC))
    home = house(replace(fresh, found_by="holidays 0.1", found=()))
    assert await Feasts(home.ledger).look() == 1
    assert home.state.timetable.calendars[fresh.name].found


async def test_a_calendar_without_sources_is_left_alone() -> None:
    home = house(calendar("UTC"))
    assert await Feasts(home.ledger).look() == 0
