"""How soon a customer is answered and helped: clocks that run in open hours. Pure.

A clock runs while the customer waits for what it measures, in a queue that promises it; it stands
while we wait for the customer (the item is put aside, and we have spoken last; the front door has
asked something) and in wrap-up. What an agent puts aside without an answer goes on counting: to the
customer nothing has happened.

What a clock has used goes with the item through every requeue, move and change of policy, and with
the case into an item that reopens it. A clock for which the present queue promises nothing stands
and keeps what it has used.

The time in which a clock runs is counted by the calendar as it is known now: a holiday that is
entered late counts for what runs. What was used before a stop or a move stays as it was counted.
"""

from collections.abc import Iterable
from datetime import datetime

from msgspec import Struct
from msgspec.structs import replace

from gateway.core import events as e
from gateway.core.clocks import Clock, ClockKind, Service, ServicePolicy
from gateway.core.hours import Hours
from gateway.core.ids import CalendarName, Context, PolicyName, QueueName
from gateway.core.lifecycle import ENDED
from gateway.core.model import Case, Item, ItemState
from gateway.core.pending import pending
from gateway.core.state import NodeState, Rows

NAMES: dict[ClockKind, str] = {
    "first_reply": "first reply",
    "next_reply": "next reply",
    "resolution": "resolution",
}
KINDS = tuple(NAMES)
_REPLIES: tuple[ClockKind, ...] = ("first_reply", "next_reply")
_RUNNING = frozenset(
    {
        ItemState.NEW,
        ItemState.SCHEDULED,
        ItemState.QUEUED,
        ItemState.OFFERED,
        ItemState.ASSIGNED,
    }
)
_GRAIN = 1e-6


class Terms(Struct, frozen=True):
    """What is promised in a queue, and the hours that it is counted in."""

    policy: ServicePolicy | None
    calendar: CalendarName
    hours: Hours

    @property
    def name(self) -> PolicyName:
        return PolicyName("") if self.policy is None else self.policy.name

    def target(self, kind: ClockKind) -> float | None:
        return None if self.policy is None else self.policy.target(kind)


def terms_of(state: NodeState, name: QueueName) -> Terms:
    """Those of a queue; one that is not known promises nothing."""
    queue = state.queues.get(name)
    policy = state.timetable.policy_of(queue)
    calendar = policy.calendar if policy is not None else CalendarName("")
    if not calendar and queue is not None:
        calendar = queue.hours
    return Terms(policy, calendar, state.timetable.hours(calendar))


def urgency(item: Item, now: datetime) -> float | None:
    """Seconds on the wall clock until the item is overdue, below 0 if it is; ``None``: never."""
    return None if item.due_at is None else (item.due_at - now).total_seconds()


def awaits_customer(item: Item) -> bool:
    """A person of ours has spoken last, as far as is known: it is the customer's turn."""
    clocks = item.service.clocks if item.service is not None else ()
    asked = any(clock.kind in _REPLIES and clock.met_at is None for clock in clocks)
    return item.answered_at is not None and not asked


def _runs(item: Item) -> bool:
    """Whether it is our turn."""
    aside = item.state is ItemState.HELD and not awaits_customer(item)
    return aside or (item.state in _RUNNING and pending(item) is None)


# -- one clock ----------------------------------------------------------------------------------


def used(clock: Clock, hours: Hours, now: datetime) -> float:
    """Open seconds that it has run in all."""
    if clock.since is None:
        return clock.used
    return round(clock.used + hours.open_seconds(clock.since, now), 6)


def _stopped(clock: Clock, hours: Hours, now: datetime) -> Clock:
    """It stands. One that was overdue without anybody having said so is marked."""
    if clock.since is None:
        return clock
    late = clock.due_at if clock.due_at is not None and clock.due_at < now else None
    return replace(
        clock,
        used=used(clock, hours, now),
        since=None,
        due_at=None,
        alarm_at=None,
        breached_at=clock.breached_at or late,
    )


def started(clock: Clock, since: datetime, policy: ServicePolicy, hours: Hours) -> Clock:
    """It runs; when it will be due and when it rings follows from what it has used."""
    target = policy.target(clock.kind)
    if target is None:
        return clock
    due_at = clock.breached_at or hours.add_open_seconds(since, target - clock.used)
    ring = _ring_at(clock, policy, target)
    alarm_at = None if ring is None else hours.add_open_seconds(since, ring - clock.used)
    return replace(clock, since=since, due_at=due_at, alarm_at=alarm_at)


def _ring_at(clock: Clock, policy: ServicePolicy, target: float) -> float | None:
    """With how many open seconds used something is to be done next."""
    if clock.breached_at is None:
        warns = clock.warned_at is None and 0 < policy.warn_share < 1
        return policy.warn_share * target if warns else target
    ladder = policy.ladder()
    return target + ladder[clock.steps][0] if clock.steps < len(ladder) else None


def _forgiven(clock: Clock, spent: float, policy: ServicePolicy) -> Clock:
    """Under another policy, or other hours, it may be in time again."""
    target = policy.target(clock.kind) or 0.0
    if clock.breached_at is not None and spent + _GRAIN < target:
        clock = replace(clock, breached_at=None, steps=0)
    if clock.warned_at is not None and spent + _GRAIN < policy.warn_share * target:
        clock = replace(clock, warned_at=None)
    return clock


# -- all clocks of an item ------------------------------------------------------------------------


def timed(
    service: Service, before: Hours, terms: Terms, now: datetime, *, running: bool
) -> Service:
    """The clocks under these terms from now on; ``before`` is what they were counted by."""
    same = service.policy == terms.name and service.calendar == terms.calendar
    clocks = []
    for clock in service.clocks:
        runs = running and clock.met_at is None and terms.target(clock.kind) is not None
        if same and runs == (clock.since is not None):
            clocks.append(clock)
            continue
        new = _stopped(clock, before, now)
        if runs and terms.policy is not None:
            if not same:
                new = _forgiven(new, new.used, terms.policy)
            new = started(new, now, terms.policy, terms.hours)
        clocks.append(new)
    return replace(service, policy=terms.name, calendar=terms.calendar, clocks=tuple(clocks))


def begun(
    terms: Terms,
    now: datetime,
    *,
    asked: bool,
    carried: Service | None = None,
    wanted_at: datetime | None = None,
) -> Service | None:
    """The clocks of an item that begins; ``carried`` are those of its case, which go on.

    ``asked``: the customer waits for a reply. ``None``: nothing is promised.
    """
    if terms.policy is None and carried is None:
        return None
    clocks = {clock.kind: clock for clock in carried.clocks} if carried is not None else {}
    if asked:
        _ask(clocks, "next_reply" if carried is not None and clocks else "first_reply")
    clocks["resolution"] = replace(clocks.get("resolution", Clock(kind="resolution")), met_at=None)
    service = Service(clocks=_in_order(clocks.values()), wanted_at=wanted_at)
    return timed(service, terms.hours, terms, now, running=True)


def _ask(clocks: dict[ClockKind, Clock], kind: ClockKind) -> bool:
    """Whether a reply clock had to be begun: one that waits already goes on."""
    if any(kind in clocks and clocks[kind].met_at is None for kind in _REPLIES):
        return False
    clocks[kind] = Clock(kind=kind)
    return True


def _in_order(clocks: Iterable[Clock]) -> tuple[Clock, ...]:
    return tuple(sorted(clocks, key=lambda clock: KINDS.index(clock.kind)))


def begin(
    state: NodeState,
    queue: QueueName,
    now: datetime,
    *,
    asked: bool,
    case: Case | None = None,
    due_at: datetime | None = None,
) -> Service | None:
    """The clocks of an item that is about to be made."""
    carried = case.service if case is not None else None
    return begun(terms_of(state, queue), now, asked=asked, carried=carried, wanted_at=due_at)


# -- what follows from what happens -----------------------------------------------------------


def follow(state: NodeState, event: e.Event, rows: Rows, ctx: Context) -> list[e.Change]:
    """What an event that moved an item, or a message on it, does to the clocks."""
    for row in rows:
        if type(row) is Item:
            if row.service is None and not state.timetable.policies:
                return []
            return _follow(state, event, row, ctx)
    if type(event) is e.MessageAdded and event.item is not None and event.item in state.items:
        return _follow(state, event, state.items[event.item], ctx)
    return []


def _follow(state: NodeState, event: e.Event, item: Item, ctx: Context) -> list[e.Change]:
    if item.service is None:
        if type(event) is e.MessageAdded or item.state in ENDED:
            return []
        return recounted(state, item, ctx, "the queue promises something")
    if item.state in ENDED:
        return [_ended(state, item, item.service, ctx)]
    before = state.timetable.hours(item.service.calendar)
    service = item.service
    if type(event) is e.MessageAdded:
        service = _spoken(service, event, before, ctx.now)
        reason = "answered" if event.direction == "out" else "the customer wrote"
    else:
        reason = item.reason or item.state.value
    terms = terms_of(state, item.queue)
    runs = _runs(replace(item, service=service))
    service = timed(service, before, terms, ctx.now, running=runs)
    if service == item.service:
        return []
    return [
        *_late(item, item.service, service),
        e.Change(e.ClocksSet(item=item.id, service=service, reason=reason)),
    ]


def _spoken(service: Service, event: e.MessageAdded, hours: Hours, now: datetime) -> Service:
    """What was said, by whom, decides whether somebody waits for a reply."""
    if event.automatic or event.direction not in ("in", "out"):
        return service
    clocks = {clock.kind: clock for clock in service.clocks}
    if event.direction == "out":
        for kind in _REPLIES:
            if kind in clocks and clocks[kind].met_at is None:
                clocks[kind] = replace(_stopped(clocks[kind], hours, now), met_at=now)
    elif not _ask(clocks, "next_reply"):
        return service
    return replace(service, clocks=_in_order(clocks.values()))


def _late(item: Item, before: Service, after: Service) -> list[e.Change]:
    """Clocks that stop overdue before their timer has said so: it is said now."""
    changes = []
    for clock in after.clocks:
        was = before.clock(clock.kind)
        if was is None or was.breached_at is not None or clock.breached_at is None:
            continue
        if was.met_at is None:
            breached = e.ServiceLevelBreached(
                item=item.id, clock=clock.kind, due_at=clock.breached_at, service=after
            )
            changes.append(e.Change(breached))
    return changes


def _ended(state: NodeState, item: Item, service: Service, ctx: Context) -> e.Change:
    hours = state.timetable.hours(service.calendar)
    done = ctx.now if item.state is ItemState.COMPLETED else None
    clocks = [_stopped(clock, hours, ctx.now) for clock in service.clocks]
    clocks = [
        replace(clock, met_at=done) if clock.kind == "resolution" else clock for clock in clocks
    ]
    final = replace(service, clocks=tuple(clocks))
    return e.Change(e.ServiceLevelEnded(item=item.id, case=item.case, service=final))


def recounted(state: NodeState, item: Item, ctx: Context, reason: str) -> list[e.Change]:
    """The directory has changed, or the item comes from elsewhere: what holds now."""
    terms = terms_of(state, item.queue)
    running, service = _runs(item), item.service
    if service is None:
        asked = item.answered_at is None and item.state is not ItemState.WRAPPING
        service = begun(terms, ctx.now, asked=asked, wanted_at=item.due_at)
        if service is not None and not running:
            service = timed(service, terms.hours, terms, ctx.now, running=False)
    else:
        before = state.timetable.hours(service.calendar)
        service = timed(service, before, terms, ctx.now, running=running)
        if terms.policy is not None:
            clocks = tuple(_retimed(clock, terms, ctx.now) for clock in service.clocks)
            service = replace(service, clocks=clocks)
    if service is None or service == item.service:
        return []
    return [e.Change(e.ClocksSet(item=item.id, service=service, reason=reason))]


def _retimed(clock: Clock, terms: Terms, now: datetime) -> Clock:
    if clock.since is None or terms.policy is None:
        return clock
    clock = _forgiven(clock, used(clock, terms.hours, now), terms.policy)
    return started(clock, clock.since, terms.policy, terms.hours) if clock.since else clock


def joined(state: NodeState, stays: Item, ends: Item, ctx: Context, why: str) -> list[e.Change]:
    """One item goes on for two: by the ``sooner`` clocks, which run while it is our turn."""
    both = sooner(stays.service, ends.service)
    if both is None or both == stays.service:
        return []
    before, terms = state.timetable.hours(both.calendar), terms_of(state, stays.queue)
    running = _runs(replace(stays, service=both))
    service = timed(both, before, terms, ctx.now, running=running)
    told = e.Change(e.ClocksSet(item=stays.id, service=service, reason=why))
    return [*_late(stays, both, service), told]


def sooner(stays: Service | None, ends: Service | None) -> Service | None:
    """Clocks that promise what either did, by the sooner time."""
    if stays is None or ends is None:
        return stays or ends
    clocks: dict[str, Clock] = {clock.kind: clock for clock in stays.clocks}
    for clock in ends.clocks:
        due = clock.due_at
        if due is None:
            continue
        known = clocks.get(clock.kind)
        if clock.kind == "first_reply" and known is not None and known.met_at is not None:
            # Here they were answered once: what is owed there is the next reply.
            clock, known = replace(clock, kind="next_reply"), clocks.get("next_reply")  # noqa: PLW2901
        if known is None or known.due_at is None or due < known.due_at:
            clocks[clock.kind] = clock
    wanted = min((at for at in (stays.wanted_at, ends.wanted_at) if at is not None), default=None)
    kept = tuple(clocks[kind] for kind in KINDS if kind in clocks)
    return replace(stays, clocks=kept, wanted_at=wanted)
