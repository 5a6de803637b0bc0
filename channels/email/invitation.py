"""Invitations in calendar files (RFC 5545, 5546) as people read them. Pure; never raises.

``icalendar`` reads the file, but for the time zones that a file describes: it would remember them
for every file to come. Those whose names nobody knows are made by ``dateutil``, if they change by
the year as real ones do: others could take long to work out.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, date, datetime, timedelta, tzinfo
from io import StringIO
from typing import Any, Literal, cast

from dateutil.tz import tzical
from icalendar import Calendar, Component

from channels.email.addresses import valid
from channels.email.text import clean, decode, one_line
from gateway.core.shown import Guest, Invitation, Recurs

MAX_BYTES = 500_000
MAX_EVENTS = 20
MAX_GUESTS = 50
MAX_TEXT = 4_000
_FOLDED = re.compile(r"\n+[ \t]")
_BY_YEAR = re.compile(
    r"(?:(?:FREQ=YEARLY|INTERVAL=1|WKST=[A-Z]{2}|BYDAY=[-+1-5A-Z,]{2,20}|BYMONTH=\d{1,2}"
    r"|BYMONTHDAY=[0-9,]{1,30}|UNTIL=[0-9TZ]{8,16})(?:;|$))+"
)
_DAY_OF_ZONE = re.compile(r"(?:[-+]?[1-5])?(?:MO|TU|WE|TH|FR|SA|SU)")
_BEGUN = re.compile(r"(?:1[6-9]|20)\d{6}T\d{6}")
_OF_ZONES = {"BEGIN", "END", "TZID", "TZNAME", "DTSTART", "RDATE", "TZOFFSETFROM", "TZOFFSETTO"}
_NOT_OF_ZONES = {"EXRULE", "EXDATE"}
_TZID = re.compile(r"^TZID(?:;[^:\n]*)?:(.+)$", re.MULTILINE)
_MOST_RULES = 10
"""In all the zones of a file."""
_MOST_ZONES = 5
_LINK = re.compile(r"https?://[^\s<>\"]{3,500}", re.IGNORECASE)
_MEETINGS = ("conference", "x-microsoft-skypeteamsmeetingurl", "x-google-conference", "url")
_DAY = re.compile(r"(?:[+-]?\d{1,2})?(?:MO|TU|WE|TH|FR|SA|SU)")
_PLAIN = {"FREQ", "INTERVAL", "COUNT", "UNTIL", "BYDAY", "BYMONTHDAY", "BYMONTH", "WKST"}
_EVERY = {"daily", "weekly", "monthly", "yearly"}


def invitations(data: bytes) -> tuple[Invitation, ...]:
    """The events of a calendar file; none where nobody can make sense of it."""
    if len(data) > MAX_BYTES:
        return ()
    try:
        text, described = _parted(clean(decode(data, "")[0]))
        calendars = cast("list[Component]", Calendar.from_ical(text, multiple=True))
        return tuple(_events(calendars, _zones(described)))
    except Exception:  # noqa: BLE001 - a foreign reader on foreign bytes: the file itself is left
        return ()


def _parted(text: str) -> tuple[str, list[str]]:
    """The file without its descriptions of time zones, and those."""
    rest: list[str] = []
    zones: list[list[str]] = []
    inside = False
    for line in _FOLDED.sub("", text).split("\n"):
        word = line.strip().upper()
        if word == "BEGIN:VTIMEZONE":
            inside = True
            zones.append([])
        elif not inside and word.startswith("BEGIN") and "VTIMEZONE" in word:
            raise ValueError("a zone that is described oddly would be remembered")
        (zones[-1] if inside else rest).append(line)
        inside = inside and word != "END:VTIMEZONE"
    return "\n".join(rest), ["\n".join([*lines, ""]) for lines in zones]


def _zones(descriptions: Sequence[str]) -> dict[str, tzinfo]:
    """The time zones that the file describes, by the name they have in it."""
    found: dict[str, tzinfo] = {}
    left = _MOST_RULES
    for described in descriptions[:_MOST_ZONES]:
        with suppress(ValueError, TypeError, IndexError, OverflowError):
            lines = list(_tame(described))
            left -= sum(line.startswith("RRULE") for line in lines)
            name = _TZID.search("\n".join(lines))
            if name is None or left < 0:
                continue
            zone = tzical(StringIO("\n".join([*lines, ""]))).get()
            if zone is not None:
                found[name[1].strip()] = zone
    return found


def _tame(described: str) -> Iterator[str]:
    """The lines that count, as ``dateutil`` will read them. ``ValueError``: they take too long."""
    for line in described.splitlines():
        head, _, value = line.strip().partition(":")
        name = head.partition(";")[0].upper()
        if name in _NOT_OF_ZONES:
            raise ValueError(name)
        if name == "RRULE":
            rule = value.strip().upper().rstrip(";")
            if name != head.upper() or not _comes_true(rule):
                raise ValueError(rule)
            yield f"RRULE:{rule}"
        elif name == "DTSTART" and not _BEGUN.fullmatch(value.strip()):
            raise ValueError(value)
        elif name in _OF_ZONES:
            yield line.strip()


def _comes_true(rule: str) -> bool:
    """Whether it is by the year, and does not name a day that there never is: that is long sought.

    Each of the first 28 days is each day of the week in some year.
    """
    if not _BY_YEAR.fullmatch(rule):
        return False
    said = dict(part.split("=") for part in rule.split(";"))
    days = said.get("BYDAY", "")
    month_days = [int(day) for day in said.get("BYMONTHDAY", "").split(",") if day]
    if month_days and (min(month_days) not in range(1, 29) or re.search(r"\d", days)):
        return False
    return all(map(_DAY_OF_ZONE.fullmatch, filter(None, days.split(",")))) and (
        int(said.get("BYMONTH", 1)) in range(1, 13)
    )


def _events(calendars: list[Component], zones: Mapping[str, tzinfo]) -> Iterator[Invitation]:
    left = MAX_EVENTS
    for calendar in calendars:
        method = _word(calendar.get("method"))
        for event in calendar.walk("VEVENT"):
            if left == 0:
                return
            left -= 1
            yield _event(event, method, zones)


def _event(event: Component, method: str, zones: Mapping[str, tzinfo]) -> Invitation:
    begins, ends = _moments(event, zones)
    guests = _listed(event.get("attendee"))
    day = begins is not None and not isinstance(begins, datetime)
    text = _text(event.get("description"))
    start = event.get("dtstart")
    zone = one_line(str(start.params.get("TZID", "")), 80) if start is not None else ""
    if not zone and isinstance(begins, datetime) and begins.tzinfo is not None:
        zone = "UTC"
    return Invitation(
        title=one_line(_text(event.get("summary")), 300),
        method=method,
        status=_word(event.get("status")),
        begins=_utc(begins),
        ends=_utc(ends),
        local_begins=_local(begins),
        local_ends=_local(ends - timedelta(days=1) if day and ends is not None else ends),
        zone=zone,
        all_day=day,
        where=one_line(_text(event.get("location")), 500),
        link=_link(event, text),
        text=text,
        organiser=_guest(event.get("organizer")),
        guests=tuple(filter(None, map(_guest, guests[:MAX_GUESTS]))),
        more_guests=max(0, len(guests) - MAX_GUESTS),
        recurs=_recurs(event.get("rrule")),
        revision=_number(event.get("sequence")),
        occurrence=_local(_when(event, "recurrence-id", zones)),
    )


def _when(event: Component, name: str, zones: Mapping[str, tzinfo]) -> date | None:
    found = event.get(name)
    when = getattr(found, "dt", None)
    if isinstance(when, datetime) and when.tzinfo is None and found is not None:
        when = when.replace(tzinfo=zones.get(str(found.params.get("TZID", "")).strip()))
    return when if isinstance(when, date) else None


def _moments(event: Component, zones: Mapping[str, tzinfo]) -> tuple[date | None, date | None]:
    """When it begins and ends; of whole days the end is the first day after it."""
    begins, ends = _when(event, "dtstart", zones), _when(event, "dtend", zones)
    if begins is None:
        return None, None
    lasts = getattr(event.get("duration"), "dt", None)
    whole = not isinstance(begins, datetime)
    if ends is None and isinstance(lasts, timedelta):
        ends = begins + lasts
    elif ends is None and whole:
        ends = begins + timedelta(days=1)
    if ends is None or isinstance(ends, datetime) is whole:
        return begins, None
    return begins, max(ends, begins + timedelta(days=1)) if whole else ends


def _utc(when: date | None) -> datetime | None:
    if isinstance(when, datetime) and when.tzinfo is not None:
        return when.astimezone(UTC)
    return None


def _local(when: date | None) -> str:
    if isinstance(when, datetime):
        return when.replace(tzinfo=None, microsecond=0).isoformat()
    return when.isoformat() if when is not None else ""


def _text(value: Any) -> str:
    if isinstance(value, list):
        value = value[0] if value else ""
    return clean(str(value or ""))[:MAX_TEXT].strip()


def _word(value: Any) -> str:
    return one_line(_text(value), 30).lower()


def _number(value: Any) -> int:
    try:
        return max(0, min(int(_text(value) or 0), 1_000_000))
    except ValueError:
        return 0


def _listed(value: Any) -> list[Any]:
    if value is None:
        return []
    return value if isinstance(value, list) else [value]


def _guest(value: Any) -> Guest | None:
    found = next(iter(_listed(value)), None)
    if found is None:
        return None
    params = getattr(found, "params", {})
    address = one_line(str(found), 254)
    if address.lower().startswith("mailto:"):
        address = address[7:].lower()
    name = one_line(str(params.get("CN", "")), 120)
    return Guest(
        address=address if valid(address) else "",
        name="" if name.lower() == address else name,
        role=one_line(str(params.get("ROLE", "")), 30).lower(),
        answer=one_line(str(params.get("PARTSTAT", "")), 30).lower(),
    )


def _link(event: Component, text: str) -> str:
    """Where it takes place on the net, if it says so."""
    for name in _MEETINGS:
        for value in _listed(event.get(name)):
            if (found := _LINK.search(str(value))) is not None:
                return found[0]
    found = _LINK.search(str(event.get("location") or "")) or _LINK.search(text)
    return found[0] if found is not None else ""


def _recurs(value: Any) -> Recurs | None:
    rule = next(iter(_listed(value)), None)
    if rule is None:
        return None
    said = {str(name).upper(): _listed(of) for name, of in rule.items()}
    every = str(next(iter(said.get("FREQ", [])), "")).lower()
    days = tuple(str(day).upper() for day in said.get("BYDAY", []))
    until = next(iter(said.get("UNTIL", [])), None)
    plain = said.keys() <= _PLAIN and every in _EVERY and all(map(_DAY.fullmatch, days))
    count = said.get("COUNT", [])
    return Recurs(
        rule=one_line(rule.to_ical().decode("utf-8", "replace"), 300),
        plain=plain,
        every=cast("Literal['daily', 'weekly', 'monthly', 'yearly']", every if plain else "daily"),
        interval=int(next(iter(said.get("INTERVAL", [])), 1)),
        days=days if plain else (),
        month_days=tuple(int(day) for day in said.get("BYMONTHDAY", [])),
        months=tuple(int(str(month).rstrip("L")) for month in said.get("BYMONTH", [])),
        count=int(count[0]) if count else None,
        until=_local(until) if isinstance(until, date) else "",
    )
