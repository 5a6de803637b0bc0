"""Opening hours said again in the plainest words: an oracle, and random calendars to try it on."""

import functools
from bisect import bisect_left
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from hypothesis import strategies as st

from gateway.core.calendars import WEEKDAYS, Calendar, Holiday, Opening
from gateway.core.hours import parse_span
from gateway.core.ids import CalendarName

MINUTE = timedelta(minutes=1)


def utc(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)  # type: ignore[misc,arg-type]


# Where the wall clock does something odd, and about when (UTC): gaps and folds of an hour and of
# half an hour, at midnight too; a zone that changes back for a month; zones that skipped a day.
TURNS = {
    "Europe/Berlin": (utc(2026, 3, 29, 1), utc(2026, 10, 25, 1)),
    "America/New_York": (utc(2026, 3, 8, 7), utc(2026, 11, 1, 6)),
    "Australia/Lord_Howe": (utc(2026, 4, 4, 15), utc(2026, 10, 3, 15, 30)),
    "America/Havana": (utc(2026, 3, 8, 5), utc(2026, 11, 1, 5)),
    "Africa/Casablanca": (utc(2026, 2, 15, 2), utc(2026, 3, 22, 2)),
    "Asia/Kolkata": (utc(2026, 6, 1),),
    "Pacific/Apia": (utc(2011, 12, 30, 10),),
    "Pacific/Kwajalein": (utc(1993, 8, 21, 12),),
    "UTC": (utc(2026, 2, 28),),
}


def calendar(zone: str = "Europe/Berlin", **fields: object) -> Calendar:
    return Calendar(name=CalendarName("office"), zone=zone, **fields)  # type: ignore[arg-type]


# -- the oracle -------------------------------------------------------------------------------


parsed = functools.cache(parse_span)


def covers(texts: tuple[str, ...], minute: int, *, day_before: bool) -> bool:
    for text in texts:
        start, end = parsed(text)
        if start <= (minute + 1440 if day_before else minute) < end:
            return True
    return False


def open_by_the_wall_clock(days: Calendar, moment: datetime) -> bool:
    """Said again in the plainest words, from the declaration itself."""
    local = moment.astimezone(ZoneInfo(days.zone))
    minute, today = local.hour * 60 + local.minute, local.date()
    yesterday = today - timedelta(days=1)
    for opening in days.extra:
        if opening.date == today and covers(opening.open, minute, day_before=False):
            return True
        if opening.date == yesterday and covers(opening.open, minute, day_before=True):
            return True
    for holiday in days.holidays:
        if holiday.date == today and not holiday.closed:
            return False
        if holiday.date == today and covers(holiday.closed, minute, day_before=False):
            return False
        if holiday.date == yesterday and covers(holiday.closed, minute, day_before=True):
            return False
    this = days.week.get(WEEKDAYS[today.weekday()], ())
    last = days.week.get(WEEKDAYS[yesterday.weekday()], ())
    return covers(this, minute, day_before=False) or covers(last, minute, day_before=True)


class Oracle:
    """Every minute of a few days."""

    def __init__(self, days: Calendar, begin: datetime, minutes: int) -> None:
        self.begin = begin
        self.open = [open_by_the_wall_clock(days, begin + MINUTE * n) for n in range(minutes)]
        self.before = [0]
        for one in self.open:
            self.before.append(self.before[-1] + one)

    def seconds(self, start: int, end: int) -> float:
        return 60.0 * (self.before[end] - self.before[start])

    def after(self, start: int, minutes: int) -> int | None:
        """The first minute by which so many were open since ``start``."""
        n = bisect_left(self.before, self.before[start] + minutes)
        return n if n < len(self.before) else None


# -- random declarations ------------------------------------------------------------------------


def clock(minute: int) -> str:
    return f"{minute // 60:02d}:{minute % 60:02d}"


@st.composite
def spans(draw: st.DrawFn, least: int = 0) -> tuple[str, ...]:
    grain = st.sampled_from([1, 15, 30, 60])
    out = []
    for _ in range(draw(st.integers(least, 3))):
        step = draw(grain)
        start = draw(st.integers(0, 1439 // step)) * step
        end = draw(st.integers(0, 1440 // step)) * step
        out.append(f"{clock(start)}-{clock(end)}")
    return tuple(out)


@st.composite
def worlds(draw: st.DrawFn) -> tuple[Calendar, datetime]:
    """A calendar, and a time near something odd that its zone does."""
    zone = draw(st.sampled_from(sorted(TURNS)))
    turn = draw(st.sampled_from(TURNS[zone]))
    local = turn.astimezone(ZoneInfo(zone)).date()
    near = st.integers(-4, 4).map(lambda n: local + timedelta(days=n))
    week = draw(st.dictionaries(st.sampled_from(WEEKDAYS), spans(), max_size=7))
    days = calendar(
        zone,
        week=week,
        holidays=tuple(
            Holiday(date=d, closed=c)
            for d, c in draw(st.lists(st.tuples(near, spans()), max_size=3))
        ),
        extra=tuple(
            Opening(date=d, open=o)
            for d, o in draw(st.lists(st.tuples(near, spans(1)), max_size=2))
        ),
    )
    return days, turn - timedelta(days=2)
