"""The days on which a calendar is closed: the holidays of its country and those of its iCal file.

Pure, as far as the libraries are; a thread of its own is advised, for a file may take seconds.
"""

from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from itertools import islice
from time import thread_time
from typing import Any
from zoneinfo import ZoneInfo

import holidays
from dateutil.rrule import rrule, rrulestr
from icalendar import Calendar as Ical

from gateway.core.calendars import Calendar, Holiday, zone_of
from gateway.core.errors import Refused

MONTHS = frozenset(range(1, 13))
MOST = 3_000
"""Days that one calendar may be closed on within these years."""
MOST_DAYS = 400
"""Days that one event may last."""
OFTEN = frozenset({"YEARLY", "MONTHLY", "WEEKLY", "DAILY"})
SELDOM = frozenset({"BYMONTHDAY", "BYYEARDAY", "BYWEEKNO", "BYSETPOS", "BYEASTER"})
"""What a daily or weekly rule must not ask: it could look at every day until the year 9999."""
LONGEST_SECONDS = 5.0
"""Computing time that a file may take."""
Found = dict[tuple[date, tuple[str, ...]], Holiday]


def closed_days(calendar: Calendar, years: range, where: str = "") -> Found:
    """By date and, of a day that is closed in part, the spans.

    Raises ``Refused`` with the field that cannot be read; ``where`` stands before its name.
    """
    found = {**_of_country(calendar, years, where), **_of_file(calendar, years, where)}
    if len(found) > MOST:
        raise Refused("bad_field", f"more than {MOST} closed days", f"{where}ical")
    return found


def _of_country(calendar: Calendar, years: range, where: str) -> Found:
    if not calendar.country:
        return {}
    try:
        days = holidays.country_holidays(
            calendar.country, subdiv=calendar.subdivision or None, years=years
        )
    except NotImplementedError:
        known = holidays.list_supported_countries(include_aliases=False)
        if calendar.country in known:
            parts = ", ".join(known[calendar.country]) or "none"
            raise Refused(
                "bad_field",
                f"{calendar.country} has no {calendar.subdivision!r}; there are: {parts}",
                f"{where}subdivision",
            ) from None
        raise Refused(
            "bad_field",
            f"no holidays are known of {calendar.country!r}; write the code of ISO 3166-1, like DE",
            f"{where}country",
        ) from None
    return {(day, ()): Holiday(date=day, label=label) for day, label in days.items()}


# -- iCal, RFC 5545 -----------------------------------------------------------------------------


def _of_file(calendar: Calendar, years: range, where: str) -> Found:
    if not calendar.ical:
        return {}
    zone = zone_of(calendar.zone, f"{where}zone")
    first, last = datetime(years[0], 1, 1), datetime(years[-1], 12, 31, 23, 59)  # noqa: DTZ001 - of the calendar's wall clock
    found: Found = {}
    until = thread_time() + LONGEST_SECONDS
    try:
        for event, moved in _events(calendar.ical):
            if thread_time() > until:
                raise ValueError("too much in it recurs")  # noqa: TRY301 - refused below, like what the libraries raise
            for start, length in _times(event, moved, zone, first, last):
                found |= _closed(str(event.get("SUMMARY", "")), start, length)
    except (ValueError, TypeError, KeyError, IndexError, AttributeError, OverflowError) as problem:
        # The libraries raise any of these for a file that is none.
        raise Refused("bad_field", f"cannot be read as iCal: {problem}", f"{where}ical") from None
    return found


def _events(text: str) -> Iterator[tuple[Any, list[date]]]:
    """Its events, and of a series the occurrences that others stand for."""
    events: list[Any] = [
        event
        for one in Ical.from_ical(text, multiple=True)
        for event in one.walk("VEVENT")
        if "DTSTART" in event
    ]
    for event in events:
        moved = [
            other["RECURRENCE-ID"].dt
            for other in events
            if "RECURRENCE-ID" in other
            and "RECURRENCE-ID" not in event
            and other.get("UID") == event.get("UID")
        ]
        if str(event.get("STATUS", "")).upper() != "CANCELLED":
            yield event, moved


def _times(
    event: Any, moved: list[date], zone: ZoneInfo, first: datetime, last: datetime
) -> Iterator[tuple[datetime, timedelta]]:
    """When it begins, on the wall clock of ``zone``, each time between the two, and how long."""
    start = _local(event["DTSTART"].dt, zone)
    length = _length(event, start, zone)
    if start.year < 1970:
        raise ValueError("an event before 1970")
    never = {_local(at, zone) for at in (*_dates(event, "EXDATE"), *moved)}
    times = {start, *(_local(at, zone) for at in _dates(event, "RDATE"))}
    if "RRULE" in event:
        rule = _rule(event["RRULE"], start, zone)
        times |= set(islice(rule.xafter(first - length, inc=True), MOST))
    for at in sorted(times - never):
        if at + length > first and at <= last:
            yield at, length


def _rule(recur: Any, start: datetime, zone: ZoneInfo) -> rrule:
    if isinstance(recur, list) or {str(f).upper() for f in recur["FREQ"]} - OFTEN:
        raise ValueError("an event recurs daily, weekly, monthly or yearly, by one rule")
    if {"BYHOUR", "BYMINUTE", "BYSECOND"} & {key.upper() for key in recur}:
        raise ValueError("an event recurs once a day at most")
    often = {str(f).upper() for f in recur["FREQ"]} <= {"DAILY", "WEEKLY"}
    if often and SELDOM & {key.upper() for key in recur}:
        raise ValueError("what recurs on days of a month or a year is a monthly or yearly event")
    if min(recur.get("INTERVAL", [1])) < 1:
        raise ValueError("an event recurs at an interval of 1 at least")
    if not {1, *map(int, recur.get("BYMONTH", []))} <= MONTHS:
        raise ValueError("a month is one of 1-12")
    if "UNTIL" in recur:
        recur["UNTIL"] = [_local(at, zone) for at in recur["UNTIL"]]
    rule = rrulestr(recur.to_ical().decode(), dtstart=start)
    if not isinstance(rule, rrule):
        raise TypeError("an event recurs by one rule")
    return rule


def _dates(event: Any, name: str) -> Iterator[date]:
    known = event.get(name, [])
    for one in known if isinstance(known, list) else [known]:
        for value in one.dts:
            yield value.dt[0] if isinstance(value.dt, tuple) else value.dt


def _length(event: Any, start: datetime, zone: ZoneInfo) -> timedelta:
    if "DTEND" in event:
        length = _local(event["DTEND"].dt, zone) - start
    elif "DURATION" in event:
        length = event["DURATION"].dt
    else:
        whole_day = not isinstance(event["DTSTART"].dt, datetime)
        length = timedelta(days=1 if whole_day else 0)
    if length > timedelta(days=MOST_DAYS):
        raise ValueError(f"an event of more than {MOST_DAYS} days")
    return max(length, timedelta(0))


def _local(at: date, zone: ZoneInfo) -> datetime:
    """On the wall clock of ``zone``, without it; a date begins at midnight everywhere."""
    if not isinstance(at, datetime):
        return datetime.combine(at, time())
    return at if at.tzinfo is None else at.astimezone(zone).replace(tzinfo=None)


def _closed(label: str, start: datetime, length: timedelta) -> Found:
    """A holiday for each date, whole or in part."""
    found: Found = {}
    end = start + length
    day = start.date()
    while datetime.combine(day, time()) < end:
        opens, closes = datetime.combine(day, time()), datetime.combine(day, time(), None)
        opens, closes = max(start, opens), min(end, closes + timedelta(days=1))
        until = "24:00" if closes.date() > day else f"{closes:%H:%M}"
        spans = () if (opens.time(), until) == (time(), "24:00") else (f"{opens:%H:%M}-{until}",)
        if closes - opens >= timedelta(minutes=1):
            found[day, spans] = Holiday(date=day, label=label[:200], closed=spans)
        day += timedelta(days=1)
    return found
