"""Service-level policies and the clocks that run under them: values. See ``service_level``."""

from datetime import datetime
from typing import Literal

from msgspec import field

from gateway.core.ids import CalendarName, PolicyName, QueueName
from gateway.core.value import Kept

ClockKind = Literal["first_reply", "next_reply", "resolution"]
Act = Literal["raise", "notify", "level"]
HIGHEST_LEVEL = 4


class ServicePolicy(Kept, frozen=True, kw_only=True):
    """How soon a customer is answered and helped, in open seconds of ``calendar``.

    Without ``calendar`` the queue's hours count, and without those every second. A target that is
    left out is not measured. A clock warns at ``warn_share`` of its target; what is overdue gets
    ``raise_points`` of priority at once, then people are told after ``notify_after`` more open
    seconds, and each ``escalate_after`` open seconds after the breach the level rises by one, to
    4 at most; ``level_queues`` says where the work of a level waits.
    """

    name: PolicyName
    calendar: CalendarName = CalendarName("")
    first_reply: float | None = None
    next_reply: float | None = None
    resolution: float | None = None
    warn_share: float = 0.8
    raise_points: int = 20
    notify_after: float | None = 0.0
    escalate_after: float | None = None
    level_queues: dict[str, QueueName] = field(default_factory=dict)
    active: bool = True

    def target(self, kind: ClockKind) -> float | None:
        """Open seconds that a clock may run."""
        if kind == "first_reply":
            return self.first_reply
        return self.next_reply if kind == "next_reply" else self.resolution

    def ladder(self) -> list[tuple[float, Act]]:
        """What follows a breach, and how many open seconds after it."""
        steps: list[tuple[float, Act]] = []
        if self.raise_points:
            steps.append((0.0, "raise"))
        if self.notify_after is not None:
            steps.append((self.notify_after, "notify"))
        if self.escalate_after is not None:
            each = self.escalate_after
            steps += [(each * n, "level") for n in range(1, HIGHEST_LEVEL)]
        return sorted(steps, key=lambda step: step[0])


class Clock(Kept, frozen=True, kw_only=True):
    """One clock of an item. It runs while ``since`` is set, and stands otherwise.

    ``used`` are the open seconds before ``since``. While it runs, ``due_at`` is when it will be
    overdue and ``alarm_at`` when something is to be done next (warn, tell of the breach, go one of
    the ``steps`` after it). ``met_at``: what it measured has happened, and it never runs again.
    """

    kind: ClockKind
    used: float = 0.0
    since: datetime | None = None
    due_at: datetime | None = None
    alarm_at: datetime | None = None
    warned_at: datetime | None = None
    breached_at: datetime | None = None
    steps: int = 0
    met_at: datetime | None = None


class Service(Kept, frozen=True, kw_only=True):
    """The clocks of an item, the policy that they run under and the calendar that they count by.

    ``wanted_at`` is the date that who filed the work set for it.
    """

    policy: PolicyName = PolicyName("")
    calendar: CalendarName = CalendarName("")
    clocks: tuple[Clock, ...] = ()
    wanted_at: datetime | None = None

    def clock(self, kind: ClockKind) -> Clock | None:
        return next((clock for clock in self.clocks if clock.kind == kind), None)

    def nearest(self) -> datetime | None:
        """The first due time of all that run, the wanted date among them."""
        due = [clock.due_at for clock in self.clocks if clock.since and clock.due_at]
        if self.wanted_at is not None:
            due.append(self.wanted_at)
        return min(due, default=None)

    def next_alarm(self) -> datetime | None:
        """When something is to be done next."""
        alarms = [clock.alarm_at for clock in self.clocks if clock.since and clock.alarm_at]
        return min(alarms, default=None)
