"""What was counted today and lately by queue: offered, answered, in time, given up. Pure.

Each count belongs to the moment of its event. *Today* is the calendar day in the zone of the
queue's opening hours, UTC where it has none. *Lately* goes by whole minutes.
"""

from collections import Counter
from collections.abc import Iterable
from datetime import UTC, datetime, time, timedelta, tzinfo

from msgspec import Struct, field

from gateway.core.calendars import zone_of
from gateway.core.errors import Refused
from gateway.core.ids import QueueName
from gateway.core.state import NodeState
from gateway.core.value import ChannelKind

KEPT_MINUTES = 30
FORMULA = "in time / (answered + abandoned - short abandoned)"
"""The service level told live: ``service_level_genesys`` of the reports, which have others too."""


class Counts(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """``offered``: entered a queue, again after a transfer. ``answered``: an agent took it.

    ``abandoned``: the customer gave up waiting. ``timed`` are those answered or abandoned while the
    queue had a service level, but for who left within ``Abandoned.after``; ``in_time`` of these the
    ones answered within it. ``kept`` and ``broken`` are promises.
    """

    offered: int = 0
    answered: int = 0
    abandoned: int = 0
    timed: int = 0
    in_time: int = 0
    kept: int = 0
    broken: int = 0

    def plus(self, more: "Counts") -> "Counts":
        return Counts(
            offered=self.offered + more.offered,
            answered=self.answered + more.answered,
            abandoned=self.abandoned + more.abandoned,
            timed=self.timed + more.timed,
            in_time=self.in_time + more.in_time,
            kept=self.kept + more.kept,
            broken=self.broken + more.broken,
        )

    @property
    def service_level(self) -> float | None:
        """``FORMULA``, from 0 to 1; ``None``: nothing was to be in time."""
        return self.in_time / self.timed if self.timed else None


NONE = Counts()


class QueueDay(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One queue's ``day`` (a date) as one node counted it; ``minutes`` by minutes since 1970."""

    name: QueueName
    day: str
    today: Counts = NONE
    kinds: dict[ChannelKind, int] = field(default_factory=dict)
    minutes: dict[int, Counts] = field(default_factory=dict)

    def lately(self, minutes: int, now: datetime) -> Counts:
        """What was counted in the last so many minutes, the one that has begun included."""
        first = int(now.timestamp() // 60) - minutes + 1
        found = NONE
        for minute, counts in self.minutes.items():
            if minute >= first:
                found = found.plus(counts)
        return found


class _Day:
    """One queue's day while it lasts; it ends at ``ends``, in seconds since 1970."""

    __slots__ = ("date", "ends", "kinds", "lately", "minutes", "today")

    def __init__(self, date: str, ends: float) -> None:
        self.date = date
        self.ends = ends
        self.today = NONE
        self.kinds: Counter[ChannelKind] = Counter()
        self.minutes: dict[int, Counts] = {}
        self.lately: tuple[int, Counts, Counts] | None = None


class DayBook:
    """See the module's docstring."""

    def __init__(self, state: NodeState) -> None:
        self._state = state
        self._days: dict[QueueName, _Day] = {}
        self.changes = 0
        """Rises with each count."""

    def add(
        self, queue: QueueName, what: Counts, at: datetime, kind: ChannelKind | None = None
    ) -> None:
        """Something happened; ``kind`` is given with what was offered."""
        day = self._day(queue, at)
        day.today = day.today.plus(what)
        if kind is not None:
            day.kinds[kind] += 1
        minute = int(at.timestamp() // 60)
        day.minutes[minute] = day.minutes.get(minute, NONE).plus(what)
        day.lately = None
        self.changes += 1

    def restore(self, days: Iterable[QueueDay], now: datetime) -> None:
        """Go on with what an earlier life of the node had counted; of another day: lately only."""
        for one in days:
            day = self._day(one.name, now)
            if one.day == day.date:
                day.today = day.today.plus(one.today)
                day.kinds.update(one.kinds)
            for minute, counts in one.minutes.items():
                day.minutes[minute] = day.minutes.get(minute, NONE).plus(counts)
            day.minutes = dict(sorted(day.minutes.items()))
            day.lately = None

    def of(self, queue: QueueName, now: datetime) -> QueueDay:
        """One queue's day so far."""
        day = self._day(queue, now)
        return QueueDay(
            name=queue,
            day=day.date,
            today=day.today,
            kinds=dict(day.kinds),
            minutes=dict(day.minutes),
        )

    def lately(self, queue: QueueName, now: datetime) -> tuple[Counts, Counts]:
        """What was counted in the last 15 and 30 minutes; added up anew only when it may differ."""
        minute, day = int(now.timestamp() // 60), self._day(queue, now)
        if day.lately is None or day.lately[0] != minute:
            whole = self.of(queue, now)
            day.lately = minute, whole.lately(15, now), whole.lately(30, now)
        return day.lately[1:]

    def whole(self, now: datetime) -> list[QueueDay]:
        """Those of all queues where anything was counted."""
        found = [self.of(name, now) for name in sorted(self._days)]
        return [one for one in found if one.today != NONE or one.minutes]

    def ends(self, queue: QueueName, now: datetime) -> float:
        """When the queue's day ends, in seconds since 1970."""
        return self._day(queue, now).ends

    def _day(self, queue: QueueName, at: datetime) -> _Day:
        seconds = at.timestamp()
        known = self._days.get(queue)
        if known is None or seconds >= known.ends:
            new = _Day(*self._date(queue, at))
            if known is not None:
                new.minutes = known.minutes
            known = self._days[queue] = new
        oldest = int(seconds // 60) - KEPT_MINUTES
        for minute in tuple(known.minutes):
            if minute > oldest:
                break
            del known.minutes[minute]
        return known

    def _date(self, queue: QueueName, at: datetime) -> tuple[str, float]:
        local = at.astimezone(zone := self._zone(queue))
        tomorrow = datetime.combine(local.date() + timedelta(days=1), time(), zone)
        return local.date().isoformat(), tomorrow.timestamp()

    def _zone(self, name: QueueName) -> tzinfo:
        queue = self._state.queues.get(name)
        calendar = self._state.timetable.calendars.get(queue.hours) if queue is not None else None
        if calendar is None:
            return UTC
        try:
            return zone_of(calendar.zone)
        except Refused:
            return UTC  # declared where more zones were known
