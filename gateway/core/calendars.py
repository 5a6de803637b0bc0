"""Calendars: opening hours, holidays and extra days as an operator declares them. Pure.

Holidays of a country and those of an iCal file are found outside the core and stored as plain
dates (``Calendar.found``), so that every node counts with the same ones.
"""

from collections.abc import Iterable
from datetime import date, datetime
from typing import Literal
from zoneinfo import ZoneInfo

from msgspec import Struct, field

from gateway.core.errors import Refused
from gateway.core.hours import MINUTES, Hours, Span, parse_span
from gateway.core.ids import CalendarName
from gateway.core.value import Kept

Weekday = Literal["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]
WEEKDAYS: tuple[Weekday, ...] = (
    "monday",
    "tuesday",
    "wednesday",
    "thursday",
    "friday",
    "saturday",
    "sunday",
)
Spans = tuple[str, ...]


class Holiday(Kept, frozen=True, kw_only=True):
    """A date that is closed, whole or (``closed``) in part, by the wall clock."""

    date: date
    label: str = ""
    closed: Spans = ()


class Opening(Kept, frozen=True, kw_only=True):
    """A date that is open in addition, holiday or not."""

    date: date
    label: str = ""
    open: Spans


class Calendar(Kept, frozen=True, kw_only=True):
    """When a place is open.

    ``week`` has several periods a day; one whose end is not after its start goes on until the next
    morning. ``country`` (ISO 3166-1, with ``subdivision`` ISO 3166-2) and ``ical`` (the text of a
    file, RFC 5545) are where ``found`` comes from; ``found_until`` is how far it reaches and
    ``found_by`` with what. ``closed_replies`` says by kind of channel and language what a customer
    is answered while it is closed. One that was removed is not ``active``.
    """

    name: CalendarName
    zone: str = "UTC"
    week: dict[Weekday, Spans] = field(default_factory=dict)
    holidays: tuple[Holiday, ...] = ()
    extra: tuple[Opening, ...] = ()
    country: str = ""
    subdivision: str = ""
    ical: str = ""
    found: tuple[Holiday, ...] = ()
    found_until: date | None = None
    found_by: str = ""
    closed_replies: dict[str, dict[str, str]] = field(default_factory=dict)
    active: bool = True


class Closed(Struct, frozen=True):
    """It is closed, until then; ``None``: for as long as anybody can tell."""

    opens_at: datetime | None


Period = tuple[datetime, datetime]
"""From when until when, UTC; the second one not included."""


def periods(hours: Hours, start: datetime, end: datetime, most: int) -> tuple[Period, ...]:
    """When it is open between the two; at most so many, the first ones."""
    found: list[Period] = []
    at: datetime | None = start
    while at is not None and at < end and len(found) < most:
        change = hours.next_change(at)
        if hours.is_open(at):
            found.append((at, end if change is None else min(change, end)))
        at = change
    return tuple(found)


def hours_of(calendar: Calendar, where: str = "") -> Hours:
    """What it says, ready to be asked. Raises ``Refused`` with the field that cannot be read.

    ``where`` is put before the names of fields.
    """
    week = {
        WEEKDAYS.index(day): _spans(spans, f"{where}week.{day}")
        for day, spans in calendar.week.items()
    }
    closed: dict[date, list[Span]] = {}
    for n, holiday in enumerate((*calendar.holidays, *calendar.found)):
        spans = _spans(holiday.closed, f"{where}holidays[{n}].closed") or [(0, MINUTES)]
        closed.setdefault(holiday.date, []).extend(spans)
    extra: dict[date, list[Span]] = {}
    for n, opening in enumerate(calendar.extra):
        spans = _spans(opening.open, f"{where}extra[{n}].open")
        extra.setdefault(opening.date, []).extend(spans)
    return Hours(zone_of(calendar.zone, f"{where}zone"), week, closed, extra)


def zone_of(name: str, field: str = "zone") -> ZoneInfo:
    """A zone of the IANA database. Raises ``Refused``."""
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        raise Refused(
            "bad_field", f"there is no time zone {name!r}; write it like Europe/Berlin", field
        ) from None


def _spans(texts: Iterable[str], field: str) -> list[Span]:
    try:
        return [parse_span(text) for text in texts]
    except ValueError as problem:
        raise Refused("bad_field", str(problem), field) from None
