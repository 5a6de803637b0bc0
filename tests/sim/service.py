"""What the simulated house promises its customers, and whether its clocks kept count."""

from collections import Counter, defaultdict

from gateway.core import events as e
from gateway.core.calendars import WEEKDAYS, Calendar, hours_of
from gateway.core.clocks import Clock, ServicePolicy
from gateway.core.hours import Hours
from gateway.core.ids import CalendarName, PolicyName
from gateway.core.lifecycle import ENDED
from gateway.core.model import Item, ItemState
from gateway.core.pending import pending
from tests.sim.promises import need
from tests.support.memory_tables import Tables

HOURS = CalendarName("busy")
PROMISE = PolicyName("quick")
CALENDAR = Calendar(
    name=HOURS, week=dict.fromkeys(WEEKDAYS, ("00:00-09:01", "09:02-09:04", "09:05-24:00"))
)
POLICY = ServicePolicy(
    name=PROMISE,
    calendar=HOURS,
    first_reply=20.0,
    next_reply=15.0,
    resolution=90.0,
    warn_share=0.5,
    notify_after=4.0,
    escalate_after=15.0,
)


def clocks_kept_count(tables: Tables) -> None:
    """Each clock ran when its item did, from where it stood, and rang once for each step."""
    rows: dict[str, list[tuple[e.Entry, Item]]] = defaultdict(list)
    rung: Counter[tuple[str, str, str]] = Counter()
    ended: set[str] = set()
    for entry in tables.journal.values():
        for row in entry.rows:
            if type(row) is Item:
                rows[row.id].append((entry, row))
        match entry.event:
            case e.ServiceLevelBreached(item=item, clock=kind, due_at=due_at):
                rung[item, kind, due_at.isoformat()] += 1
                need(due_at <= entry.at, f"{item}: {kind} breached before its time")
            case e.ServiceLevelEnded(item=item):
                need(item not in ended, f"{item}: its clocks ended twice")
                ended.add(item)
            case _:
                pass
    twice = [key for key, times in rung.items() if times > 1]
    need(not twice, f"breached twice: {twice[:3]}")
    hours = hours_of(CALENDAR)
    for key, known in rows.items():
        known.sort(key=lambda one: one[1].version)
        last = known[-1][1]
        if last.state in ENDED and last.service is not None:
            need(key in ended, f"{key}: its clocks never ended")
        for before, after in zip([None, *known[:-1]], known, strict=True):
            _one_step(hours, before[1] if before else None, *after)
        _has_come_to_rest(known)


def _has_come_to_rest(known: list[tuple[e.Entry, Item]]) -> None:
    """What follows for the clocks from what has happened has been recorded with it."""
    for (entry, item), later in zip(known, [*known[1:], None], strict=True):
        if item.service is None or item.state in ENDED or (later and later[0].at == entry.at):
            continue
        for clock in item.service.clocks:
            stands = clock.since is None
            where = f"{item.id} {clock.kind} at {entry.at}"
            need(clock.met_at or stands == _stands(item), f"{where}: {item.state} and {clock}")


def _one_step(hours: Hours, before: Item | None, entry: e.Entry, item: Item) -> None:
    if item.service is None:
        return
    if item.due_at != item.service.nearest():
        need(isinstance(entry.event, e.ItemAdopted), f"{item.id}: due {item.due_at}")
    for clock in item.service.clocks:
        was = before.service.clock(clock.kind) if before and before.service else None
        _one_clock(hours, item, clock, was, entry)


def _sooner(entry: e.Entry, clock: Clock, was: Clock | None) -> bool:
    """The item of a case that was merged was promised an earlier time: that is what counts now.

    Or a time at all, where nothing ran here.
    """
    merged = isinstance(entry.event, e.ClocksSet) and "was merged into" in entry.event.reason
    if not merged or clock.due_at is None:
        return False
    return was is None or was.due_at is None or clock.due_at < was.due_at


def _one_clock(hours: Hours, item: Item, clock: Clock, was: Clock | None, entry: e.Entry) -> None:
    where = f"{item.id} {clock.kind} at {entry.at}"
    if clock.since is not None:
        need(clock.met_at is None, f"{where}: runs though it is met")
    if was is not None and was.since is not None and clock.since is None:
        counted = was.used + hours.open_seconds(was.since, entry.at)
        need(abs(clock.used - counted) < 0.001, f"{where}: {clock.used}, not {counted}")
    if was is not None and was.since is not None and clock.since is not None:
        same = (clock.since, clock.used) == (was.since, was.used)
        need(same or _sooner(entry, clock, was), f"{where}: began anew")
    if clock.since is not None and (was is None or was.since is None):
        new = clock.since == entry.at
        need(new or _sooner(entry, clock, was), f"{where}: runs since {clock.since}")
    settled = isinstance(entry.event, e.ClocksSet)
    if settled and clock.met_at is None:
        stands = _stands(item)
        need((clock.since is None) == stands, f"{where}: {item.state} and since {clock.since}")


def _stands(item: Item) -> bool:
    """In wrap-up, and while the customer is asked, or awaited and we have spoken last."""
    replies = (
        [one for one in item.service.clocks if one.kind != "resolution"] if item.service else []
    )
    answered = item.answered_at is not None and all(one.met_at for one in replies)
    aside = item.state is ItemState.HELD and answered
    return item.state is ItemState.WRAPPING or aside or pending(item) is not None
