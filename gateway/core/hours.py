"""When a place is open, on the wall clock of its time zone, and how much open time passes.

An instant is open if the wall clock then shows an open time of that local date: a week's periods,
less what is closed on that date, and whatever is opened in addition. So an hour that the clock
skips was never open, and one that it shows twice counts twice; a date that a zone skipped never
came. Everything is counted in whole microseconds, so that adding and measuring agree exactly.
"""

import re
from bisect import bisect_right
from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime, timedelta, tzinfo
from itertools import pairwise

Span = tuple[int, int]
"""Minutes of a day, the second one not included; up to 1440."""
Stretch = tuple[int, int]
"""Microseconds since 1970, UTC; the second one not included."""

MINUTES = 1_440
SECOND = 1_000_000
DAY = 86_400 * SECOND
NEAR_DAYS = 800
"""How far ``next_change`` looks."""
FAR_DAYS = 1_500
"""How far ``add_open_seconds`` looks: about four years."""
REMEMBERED_DAYS = 6_000

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_EPOCH_DATE = date(1970, 1, 1)
_MICROSECOND = timedelta(microseconds=1)
_SPAN = re.compile(r"\s*(\d{1,2}):(\d{2})\s*[-–]\s*(\d{1,2}):(\d{2})\s*")
_QUARTERS = tuple(DAY // 4 * n for n in range(5))


def parse_span(text: str) -> Span:
    """``09:00-17:30`` in minutes; an end not after the start is on the next day (beyond 1440).

    Raises ``ValueError``.
    """
    found = _SPAN.fullmatch(text)
    if found is None:
        raise ValueError(f'{text!r}: write it like "09:00-17:30"')
    from_hour, from_minute, to_hour, to_minute = map(int, found.groups())
    start, end = from_hour * 60 + from_minute, to_hour * 60 + to_minute
    if from_minute > 59 or to_minute > 59 or start >= MINUTES or end > MINUTES:
        raise ValueError(f"{text!r}: a day goes from 00:00 to 24:00")
    return (start, end) if end > start else (start, end + MINUTES)


def us(at: datetime) -> int:
    """Microseconds since 1970."""
    return (at - _EPOCH) // _MICROSECOND


def instant(microseconds: int) -> datetime:
    """The UTC time of so many microseconds since 1970."""
    return _EPOCH + timedelta(microseconds=microseconds)


class Hours:
    """Opening hours in one time zone; see the module's docstring.

    ``week`` has the spans of Monday (0) to Sunday; a span beyond 1440 goes on the next day.
    ``closed`` and ``extra`` are by local date; what is opened in addition wins.
    """

    def __init__(
        self,
        zone: tzinfo,
        week: Mapping[int, Iterable[Span]],
        closed: Mapping[date, Iterable[Span]] | None = None,
        extra: Mapping[date, Iterable[Span]] | None = None,
    ) -> None:
        self._zone = zone
        self._week = _weekly(week)
        self._closed = _dated(closed or {})
        self._extra = _dated(extra or {})
        whole = [_EVERY_MINUTE] * 7
        self._always = not self._closed and [self._week.get(n) for n in range(7)] == whole
        self._days: dict[int, tuple[tuple[Stretch, ...], int]] = {}

    # -- questions --------------------------------------------------------------------------

    def is_open(self, at: datetime) -> bool:
        moment = us(at)
        return self._always or any(a <= moment < b for a, b in self._day(moment // DAY)[0])

    def next_change(self, at: datetime) -> datetime | None:
        """When it opens, if it is closed, or closes, if it is open; ``None``: not for two years."""
        if self._always:
            return None
        moment = us(at)
        first = moment // DAY
        was_open = self.is_open(at)
        edge = moment
        for day in range(first, first + NEAR_DAYS):
            for a, b in self._day(day)[0]:
                if b <= moment:
                    continue
                if not was_open:
                    return instant(a)
                if a > edge:
                    return instant(edge)
                edge = b
            if was_open and edge < (day + 1) * DAY:
                return instant(edge)
        return None

    def open_seconds(self, start: datetime, end: datetime) -> float:
        """How much of the time between the two is open; 0 if ``end`` is not after ``start``."""
        return self.open_us(us(start), us(end)) / SECOND

    def open_us(self, start: int, end: int) -> int:
        """The same in microseconds."""
        if end <= start:
            return 0
        if self._always:
            return end - start
        first, last = start // DAY, end // DAY
        if first == last:
            return _overlap(self._day(first)[0], start, end)
        between = sum(self._day(day)[1] for day in range(first + 1, last))
        return (
            _overlap(self._day(first)[0], start, end)
            + between
            + _overlap(self._day(last)[0], start, end)
        )

    def add_open_seconds(self, start: datetime, seconds: float) -> datetime | None:
        """The first instant by which so much open time has passed since ``start``.

        ``None``: not within four years.
        """
        left = round(seconds * SECOND)
        moment = us(start)
        if left <= 0:
            return start
        if self._always:
            return instant(moment + left)
        first = moment // DAY
        for day in range(first, first + FAR_DAYS):
            stretches, total = self._day(day)
            if day != first and total < left:
                left -= total
                continue
            for a, b in stretches:
                opens = max(a, moment)
                if b <= opens:
                    continue
                if b - opens >= left:
                    return instant(opens + left)
                left -= b - opens
        return None

    # -- days -------------------------------------------------------------------------------

    def _day(self, day: int) -> tuple[tuple[Stretch, ...], int]:
        """The open stretches of a day of UTC, in order and apart, and how long they are."""
        known = self._days.get(day)
        if known is None:
            if len(self._days) >= REMEMBERED_DAYS:
                self._days.clear()
            stretches = _joined(self._stretches(day))
            known = self._days[day] = stretches, sum(b - a for a, b in stretches)
        return known

    def _stretches(self, day: int) -> list[Stretch]:
        found: list[Stretch] = []
        for begin, end, offset in self._offsets(day * DAY):
            local, last = begin + offset, end + offset
            for n in range(local // DAY, (last - 1) // DAY + 1):
                for a, b in self._spans(_EPOCH_DATE + timedelta(days=n)):
                    opens = max(n * DAY + a * 60 * SECOND, local)
                    closes = min(n * DAY + b * 60 * SECOND, last)
                    if opens < closes:
                        found.append((opens - offset, closes - offset))
        return found

    def _offsets(self, begin: int) -> list[tuple[int, int, int]]:
        """The day from ``begin`` on in parts that have one offset each."""
        marks = [begin + quarter for quarter in _QUARTERS]
        cuts = [begin]
        for a, b in pairwise(marks):
            if self._offset(a) != self._offset(b):
                cuts.append(self._transition(a, b))
        cuts.append(begin + DAY)
        return [(a, b, self._offset(a)) for a, b in pairwise(cuts) if a < b]

    def _transition(self, a: int, b: int) -> int:
        """When between the two the offset changes, to the second."""
        before = self._offset(a)
        while b - a > SECOND:
            middle = (a + b) // 2 // SECOND * SECOND
            if self._offset(middle) == before:
                a = middle
            else:
                b = middle
        return b

    def _offset(self, moment: int) -> int:
        offset = instant(moment).astimezone(self._zone).utcoffset()
        return 0 if offset is None else offset // _MICROSECOND

    def _spans(self, day: date) -> tuple[Span, ...]:
        """What is open on a local date."""
        spans = self._week.get(day.weekday(), ())
        for span in self._closed.get(day, ()):
            spans = _without(spans, span)
        return _joined((*spans, *self._extra.get(day, ())))


_EVERY_MINUTE = ((0, MINUTES),)


def _weekly(week: Mapping[int, Iterable[Span]]) -> dict[int, tuple[Span, ...]]:
    parts: dict[int, list[Span]] = {}
    for day, spans in week.items():
        for start, end in spans:
            parts.setdefault(day, []).append((start, min(end, MINUTES)))
            if end > MINUTES:
                parts.setdefault((day + 1) % 7, []).append((0, end - MINUTES))
    return {day: _joined(spans) for day, spans in parts.items()}


def _dated(dates: Mapping[date, Iterable[Span]]) -> dict[date, tuple[Span, ...]]:
    parts: dict[date, list[Span]] = {}
    for day, spans in dates.items():
        for start, end in spans:
            parts.setdefault(day, []).append((start, min(end, MINUTES)))
            if end > MINUTES:
                parts.setdefault(day + timedelta(days=1), []).append((0, end - MINUTES))
    return {day: _joined(spans) for day, spans in parts.items()}


def _joined(spans: Iterable[tuple[int, int]]) -> tuple[tuple[int, int], ...]:
    """In order; those that touch or overlap as one."""
    out: list[tuple[int, int]] = []
    for a, b in sorted(spans):
        if out and a <= out[-1][1]:
            out[-1] = out[-1][0], max(b, out[-1][1])
        elif a < b:
            out.append((a, b))
    return tuple(out)


def _without(spans: Iterable[Span], hole: Span) -> tuple[Span, ...]:
    out: list[Span] = []
    for a, b in spans:
        out += [part for part in ((a, min(b, hole[0])), (max(a, hole[1]), b)) if part[0] < part[1]]
    return tuple(out)


def _overlap(stretches: tuple[Stretch, ...], start: int, end: int) -> int:
    """``stretches`` are in order: those before ``start`` are skipped."""
    n = max(bisect_right(stretches, (start, start)) - 1, 0)
    total = 0
    for a, b in stretches[n:]:
        if a >= end:
            break
        total += max(min(b, end) - max(a, start), 0)
    return total
