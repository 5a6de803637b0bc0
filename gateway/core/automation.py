"""What happens by itself to an item after intake: rules on events and times. Pure.

Nothing is remembered but which rule has fired for what cause, and that stands on the item. Whether
a rule is due follows from how the item is now: so nothing is lost by a crash, whoever takes the
item over goes on with it, and no cause fires a rule twice. One rule fires at a time; the next one
sees what it did.
"""

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, timedelta
from typing import Literal

from msgspec import Struct
from msgspec.structs import replace

from gateway.core import events as e
from gateway.core.effects import Doing, Matter
from gateway.core.ids import RuleName
from gateway.core.model import Item, ItemState
from gateway.core.rules.rule import AUTOMATIC, Event, Rule, Then
from gateway.core.rules.when import asks, check
from gateway.core.scrutiny import SYSTEM, item_facts
from gateway.core.watch import NOTHING, Watch
from gateway.core.watch_folds import MOST_FIRED

LOOK_AGAIN_SECONDS = 60.0
"""A rule that waits for opening hours, which nothing on the item tells of, is asked so often."""
_WAITING = (ItemState.QUEUED, ItemState.OFFERED)
_WITH_CUSTOMER = (ItemState.HELD, ItemState.ASSIGNED)


class Cause(Struct, frozen=True):
    """What has happened to an item, and since when; ``clock``: which one it is about."""

    name: str
    since: datetime
    clock: str = ""


class Due(Struct, frozen=True, kw_only=True):
    """What is to be done now, and when to look again if nothing happens to the item meanwhile."""

    changes: list[e.Change]
    look_at: datetime | None = None


def due(matter: Matter) -> Due:
    """The first rule that is to fire on the item now, and what it does."""
    item, now = matter.item, matter.ctx.now
    watch = item.watch or NOTHING
    if not _concerned(item) or len(watch.fired) >= MOST_FIRED:
        return Due(changes=[])
    look_at: datetime | None = None
    for rule in matter.state.rules.automatic:
        for on, cause in _causes(matter, watch, rule):
            at = _time_of(rule, cause, watch)
            if at is None:
                continue
            if at <= now:
                facts = item_facts(matter, clock=cause.clock)
                verdict = check(rule.when, facts)
                if verdict.holds:
                    return Due(changes=_fire(matter, rule, on, cause, verdict.because))
                if not asks(rule.when, "open"):
                    continue
                at = now + timedelta(seconds=LOOK_AGAIN_SECONDS)
            look_at = at if look_at is None else min(look_at, at)
    return Due(changes=[], look_at=look_at)


def _concerned(item: Item) -> bool:
    """What is being made, or waits for a supervisor, is left alone."""
    if item.state is ItemState.NEW:
        return False
    return item.state is not ItemState.SCHEDULED or item.wake_at is not None


def _causes(matter: Matter, watch: Watch, rule: Rule) -> Iterator[tuple[Event, Cause]]:
    """Those that the rule looks at and has not fired for."""
    for on in AUTOMATIC:
        if on in rule.on:
            for cause in _OF[on](matter, watch, rule):
                if watch.fired_at(rule.name, cause.name) is None:
                    yield on, cause


def _silent(matter: Matter, watch: Watch, _rule: Rule) -> Iterator[Cause]:
    since = watch.silent_since
    if since is not None and matter.item.state in _WITH_CUSTOMER and not watch.holds_reply():
        yield Cause(f"silent {since.isoformat()}", since)


def _waiting(matter: Matter, _watch: Watch, _rule: Rule) -> Iterator[Cause]:
    since = matter.item.queued_at
    if since is not None and matter.item.state in _WAITING:
        yield Cause(f"waiting {since.isoformat()}", since)


def _tagged(matter: Matter, _watch: Watch, rule: Rule) -> Iterator[Cause]:
    for tag in matter.case.tags:
        if tag in rule.when.tags:
            yield Cause(f"tag {tag}", matter.item.created_at)


def _clocks(matter: Matter, on: Literal["warned", "breached"]) -> Iterator[Cause]:
    service = matter.item.service
    for clock in service.clocks if service is not None else ():
        at = clock.warned_at if on == "warned" else clock.breached_at
        if at is not None:
            yield Cause(f"{on} {clock.kind} {at.isoformat()}", at, clock=clock.kind)


def _reopened(matter: Matter, _watch: Watch, _rule: Rule) -> Iterator[Cause]:
    if matter.case.opened_at < matter.item.created_at:
        yield Cause("reopened", matter.item.created_at)


_OF: Mapping[Event, Callable[[Matter, Watch, Rule], Iterator[Cause]]] = {
    "silent": _silent,
    "waiting": _waiting,
    "tagged": _tagged,
    "warned": lambda matter, _watch, _rule: _clocks(matter, "warned"),
    "breached": lambda matter, _watch, _rule: _clocks(matter, "breached"),
    "reopened": _reopened,
}


def _time_of(rule: Rule, cause: Cause, watch: Watch) -> datetime | None:
    """When the rule is to fire; ``None``: not before another one has."""
    since = watch.fired_at(rule.follows, cause.name) if rule.follows else cause.since
    return None if since is None else since + timedelta(seconds=rule.after)


def _fire(matter: Matter, rule: Rule, on: Event, cause: Cause, because: str) -> list[e.Change]:
    doing = Doing(matter, by=f"rule {rule.name!r}", author=SYSTEM)
    fired = e.RuleFired(
        item=matter.item.id,
        case=matter.case.id,
        rule=rule.name,
        on=on,
        because=because,
        cause=cause.name,
    )
    doing.add(fired)
    _say(doing, rule.then, rule.name)
    macro = matter.state.macros.get(rule.then.macro) if rule.then.macro is not None else None
    if macro is not None:
        ran = e.MacroRun(
            item=matter.item.id, case=matter.case.id, macro=macro.name, by=f"rule {rule.name!r}"
        )
        doing.add(ran)
        _say(doing, macro.then, rule.name)
    # What moves the item comes last: it may not be there any more after it.
    for then in (rule.then, *([macro.then] if macro is not None else [])):
        if then.queue is not None:
            doing.move(then.queue, f"rule {rule.name!r}", rule.name)
        if then.complete is not None:
            doing.complete(then.complete, f"rule {rule.name!r}")
    doing.changes[0] = e.Change(replace(fired, did=tuple(doing.did)))
    return doing.changes


def _say(doing: Doing, then: Then, rule: RuleName) -> None:
    doing.header(then)
    if then.reply is not None:
        doing.reply(then.reply)
    if then.tell is not None:
        doing.tell(then.tell, rule)
