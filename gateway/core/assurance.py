"""The acknowledgement of a mail that opens a case, and what follows from the time that it names.

What is told is honest: the target of the service level in the queue's hours or, if that is later,
when the line will have come so far. Who will be answered later still is told before the time has
passed, at most ``MOST_NOTICES`` times. All of it stands on the item, so it survives restarts and
moves with it; when a person has answered, or the item has ended, there is nothing of it. Pure.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

from msgspec.structs import replace

from gateway.core import events as e
from gateway.core.courtesy import MOST_NOTICES, Assured, Courtesy
from gateway.core.effects import Doing, Matter
from gateway.core.following import link_of
from gateway.core.house_mail import Part, letter, speaks
from gateway.core.ids import CaseId, Context
from gateway.core.inbound import Inbound
from gateway.core.model import ChannelKind, Item, ItemState
from gateway.core.open_matters import zone_name
from gateway.core.returning import speaks_for_itself
from gateway.core.rules.texts import nearest
from gateway.core.scrutiny import SYSTEM
from gateway.core.service_level import terms_of
from gateway.core.silence import withheld
from gateway.core.state import NodeState

FAR = timedelta(days=60)
"""A time beyond this is no news to anybody."""
_WAITS = frozenset({ItemState.QUEUED, ItemState.OFFERED, ItemState.ASSIGNED, ItemState.HELD})
_MINUTE = timedelta(minutes=1)
_WHEN = "{when}"
_LEAST_AHEAD, _MOST_AHEAD = _MINUTE, timedelta(minutes=30)


def courtesy_of(state: NodeState, item: Item) -> Courtesy:
    """What the queue of an item writes by itself."""
    queue = state.queues.get(item.queue)
    return Courtesy() if queue is None else queue.courtesy


def assure(matter: Matter, inbound: Inbound, now: Sequence[e.Change]) -> list[e.Change]:
    """A mail has opened a case, and ``now`` happens: its acknowledgement is planned.

    Not for machines, nor where something is said by itself already.
    """
    item, courtesy = matter.item, courtesy_of(matter.state, matter.item)
    if not courtesy.acknowledge or item.kind is not ChannelKind.EMAIL:
        return []
    if speaks_for_itself(inbound) or any(_speaks(change.event) for change in now):
        return []
    if why_not := Doing(matter, by="system", author=SYSTEM).why_silent():
        return withheld(item, "acknowledgement", why_not)
    at = matter.ctx.now + timedelta(seconds=courtesy.grace_seconds)
    assured = Assured(case=item.case, send_at=at)
    why = "to be acknowledged, unless somebody answers before"
    planned = e.AnswerAssured(item=item.id, case=item.case, assured=assured, reason=why)
    return [e.Change(planned)]


def _speaks(event: e.Event) -> bool:
    """Whether it tells the customer something, or keeps people from it."""
    if type(event) is e.MessageAdded:
        return event.direction == "out"
    return type(event) is e.ItemScheduled


def time_has_come(state: NodeState, item: Item, ctx: Context) -> list[e.Change]:
    """To acknowledge, or to see whether what was said will be kept."""
    assured = item.assured
    if assured is None:
        return []
    if assured.case != item.case and assured.send_at is not None:
        return _dropped(item, "it has come to another case, which was acknowledged itself")
    # What was told stays told, whatever case it has come to.
    assured = replace(assured, case=item.case)
    matter = Matter(state, ctx, state.cases[item.case], item)
    if assured.send_at is not None:
        return _acknowledge(matter)
    return _look(matter, assured)


def kept_by(stays: Item, ends: Item, case: CaseId) -> list[e.Change]:
    """One item goes on for two, in ``case``: what the customer was told of the other is meant."""
    told, known = ends.assured, stays.assured
    if told is None or told.send_at is not None or told.by is None:
        return []
    if known is not None and known.by is not None and known.by <= told.by:
        return []
    why = "told of what ended here: answered in time, or told again"
    assured = replace(told, case=case)
    return [e.Change(e.AnswerAssured(item=stays.id, case=case, assured=assured, reason=why))]


def _dropped(item: Item, why: str) -> list[e.Change]:
    event = e.AnswerAssured(item=item.id, case=item.case, assured=None, reason=why)
    return [e.Change(event)]


# -- the acknowledgement ------------------------------------------------------------------------


def _acknowledge(matter: Matter) -> list[e.Change]:
    item, case, courtesy = matter.item, matter.case, courtesy_of(matter.state, matter.item)
    if not courtesy.acknowledge:
        return _dropped(item, "the queue acknowledges nothing")
    if item.state not in _WAITS or item.state is ItemState.HELD:
        return _dropped(item, f"not acknowledged: it is {item.state.value}")
    if case.automatic:
        return _dropped(item, "not acknowledged: they were told something already")
    by = answer_by(matter.state, item, matter.ctx)
    parts: tuple[Part, ...] = ("answer_by" if by is not None else "answer_soon",)
    own = nearest(courtesy.acknowledged, item.language)
    if own and _WHEN not in own:
        by = None  # it names no time, so there is none to be kept
    elif by is None:
        own = ""  # it would name a time, and there is none
    text = own or letter(item.language, "received", *parts, *_page(matter), "automatic")
    said = _said(matter, text, by, "an acknowledgement")
    if type(said) is str:
        return [*withheld(item, "acknowledgement", said), *_dropped(item, f"silent: {said}")]
    told = Assured(case=case.id, told_at=matter.ctx.now, by=by)
    if by is not None and courtesy.late:
        told = replace(told, look_at=_look_at(by, matter.ctx.now))
    why = "acknowledged" if by is None else f"acknowledged: answered by {by.isoformat()}"
    done = e.AnswerAssured(item=item.id, case=case.id, assured=told, reason=why)
    return [*said, e.Change(done)]


def _page(matter: Matter) -> tuple[Part, ...]:
    """The line with the address of the customer's own page, where there is one."""
    return ("page",) if link_of(matter.ctx, matter.case, matter.item) else ()


def _said(matter: Matter, text: str, by: datetime | None, what: str) -> list[e.Change] | str:
    """The message; or why it is not sent."""
    doing = Doing(matter, by="system", author=SYSTEM)
    if why := doing.why_silent():
        return why
    if by is not None:
        zone = zone_name(matter.state, matter.item.queue)
        when = matter.ctx.spell(by, zone, speaks(matter.item.language))
        text = text.replace(_WHEN, when)
    doing.say(doing.filled(text))
    return doing.changes


def answer_by(state: NodeState, item: Item, ctx: Context) -> datetime | None:
    """When a person will have answered; ``None``: nothing is promised, or nobody can know."""
    clocks = item.service.clocks if item.service is not None else ()
    running = [c.due_at for c in clocks if c.kind != "resolution" and c.since and c.due_at]
    if not running:
        return None
    return _rounded(max(min(running), _expected(state, item, ctx) or ctx.now), ctx.now)


def _expected(state: NodeState, item: Item, ctx: Context) -> datetime | None:
    """When the line will have come to it, in the queue's hours; ``None``: nobody knows."""
    seconds = ctx.expect(item.id) if item.state is ItemState.QUEUED else None
    if seconds is None:
        return None
    return terms_of(state, item.queue).hours.add_open_seconds(ctx.now, seconds)


def _rounded(at: datetime, now: datetime) -> datetime | None:
    """To minutes as people name them, never earlier."""
    if at <= now or at - now > FAR:
        return None
    grain = timedelta(minutes=5 if at - now < timedelta(hours=2) else 15)
    over = (at - datetime.fromtimestamp(0, at.tzinfo)) % grain
    return at + (grain - over if over else over)


def _look_at(by: datetime, now: datetime) -> datetime:
    """Before the time has passed, so that what is told then is news."""
    ahead = min(max((by - now) / 10, _LEAST_AHEAD), _MOST_AHEAD)
    return max(by - ahead, now + (by - now) / 2)


# -- when it will be later ----------------------------------------------------------------------


def _look(matter: Matter, assured: Assured) -> list[e.Change]:
    item, ctx, by = matter.item, matter.ctx, assured.by
    if by is None or assured.notices >= MOST_NOTICES or item.state not in _WAITS:
        return _dropped(item, f"nothing more is said: it is {item.state.value}")
    expected = _expected(matter.state, item, ctx)
    last = by - _LEAST_AHEAD
    in_time = item.state is ItemState.ASSIGNED or (expected is not None and expected <= last)
    if in_time and ctx.now < last:
        later = replace(assured, look_at=last)
        why = "somebody has it, or will have it in time"
        event = e.AnswerAssured(item=item.id, case=item.case, assured=later, reason=why)
        return [e.Change(event)]
    return _told_later(matter, assured, by, expected)


def _told_later(
    matter: Matter, assured: Assured, by: datetime, expected: datetime | None
) -> list[e.Change]:
    """The new time, if there is one worth naming, else as soon as possible."""
    item, ctx = matter.item, matter.ctx
    first = assured.notices == 0
    anew = _rounded(expected, ctx.now) if expected is not None and first else None
    if anew is not None and anew <= by:
        anew = None
    part: Part = "later_by" if anew is not None else "later_soon"
    text = letter(item.language, part, *_page(matter), "automatic")
    said = _said(matter, text, anew, "a late notice")
    if type(said) is str:
        return [*withheld(item, "late notice", said), *_dropped(item, f"silent: {said}")]
    told = replace(
        assured,
        by=anew,
        notices=assured.notices + 1,
        look_at=_look_at(anew, ctx.now) if anew is not None else None,
    )
    why = "told that it will be later"
    done = e.AnswerAssured(item=item.id, case=item.case, assured=told, reason=why)
    return [*said, e.Change(done)]
