"""How what rules do, and what is to be looked at, changes a node's state; see ``folds``."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from msgspec.structs import replace

from gateway.core import events as e
from gateway.core.model import Case, Item
from gateway.core.state import NodeState, Rows
from gateway.core.watch import NOTHING, Fired, Watch

MOST_FIRED = 100
"""Causes remembered on an item; see ``automation``, where no rule fires once they are full."""


def automatic_since(case: Case, event: e.MessageAdded) -> dict[str, Any]:
    """How much machines of ours have said since one of us has, if that changes."""
    if event.direction != "out":
        return {}
    count = case.automatic + 1 if event.automatic else 0
    return {} if count == case.automatic else {"automatic": count}


def silent_since(item: Item, event: e.MessageAdded, at: datetime) -> dict[str, Any]:
    """Since when the customer owes us an answer, if what was said changes that.

    What a machine says, ours or the customer's, is no answer.
    """
    if event.direction not in ("in", "out"):
        return {}
    known = item.watch or NOTHING
    watch = known
    if event.direction == "in":
        guest = known.guest if event.address is None else event.guest
        watch = replace(known, machine=event.automatic, hush=event.hush, guest=guest)
    if not event.automatic:
        watch = replace(watch, silent_since=at if event.direction == "out" else None)
    return {} if watch == known else {"watch": _kept(watch)}


def put_aside(item: Item, at: datetime) -> Watch | None:
    """Who waits for the customer without having written has begun to wait now."""
    watch = item.watch or NOTHING
    return replace(watch, silent_since=at) if watch.silent_since is None else watch


def _kept(watch: Watch) -> Watch | None:
    return None if watch == NOTHING else watch


def _rule_fired(s: NodeState, ev: e.RuleFired, at: datetime) -> Rows:
    if not ev.cause:
        return ()
    item = s.items[ev.item]
    watch = item.watch or NOTHING
    fired = Fired(rule=ev.rule, cause=ev.cause, at=at)
    return (s.edit(item, watch=replace(watch, fired=(*watch.fired, fired)[-MOST_FIRED:])),)


def _review_asked(s: NodeState, ev: e.ReviewAsked, at: datetime) -> Rows:
    item = s.items[ev.item]
    watch = item.watch or NOTHING
    return (s.edit(item, watch=replace(watch, reviews=(*watch.reviews, ev.review))),)


def _review_ended(s: NodeState, ev: e.ReviewEnded, at: datetime) -> Rows:
    item = s.items[ev.item]
    watch = item.watch or NOTHING
    left = tuple(one for one in watch.reviews if one.id != ev.review)
    return (s.edit(item, watch=_kept(replace(watch, reviews=left))),)


def _customer_asked(s: NodeState, ev: e.CustomerAsked, at: datetime) -> Rows:
    item = s.items[ev.item]
    ruled_by = item.ruled_by if ev.queue == item.queue else ev.asked.rule
    return (s.edit(item, asked=ev.asked, queue=ev.queue, ruled_by=ruled_by),)


def _customer_answered(s: NodeState, ev: e.CustomerAnswered, at: datetime) -> Rows:
    item = s.items[ev.item]
    skills = dict(item.requirement.skills)
    for skill, level in ev.skills.items():
        skills[skill] = max(level, skills.get(skill, 0))
    now = s.edit(
        item,
        asked=ev.asked,
        attributes=item.attributes | ev.attributes,
        requirement=replace(item.requirement, skills=skills),
        language=item.language if ev.language is None else ev.language,
    )
    return (now,)


def _macro_defined(s: NodeState, ev: e.MacroDefined, at: datetime) -> Rows:
    s.put_entry(ev.macro)
    return (ev.macro,)


def _macro_removed(s: NodeState, ev: e.MacroRemoved, at: datetime) -> Rows:
    gone = replace(s.macros[ev.macro], active=False)
    s.put_entry(gone)
    return (gone,)


def _words_defined(s: NodeState, ev: e.WordsDefined, at: datetime) -> Rows:
    s.wordings.put(ev.words)
    return (ev.words,)


def _words_removed(s: NodeState, ev: e.WordsRemoved, at: datetime) -> Rows:
    words = s.wordings.get(ev.words, ev.name)
    if words is None:
        return ()
    gone = replace(words, active=False)
    s.wordings.put(gone)
    return (gone,)


WATCH_FOLDS: Mapping[type[Any], Callable[[NodeState, Any, datetime], Rows]] = {
    e.RuleFired: _rule_fired,
    e.ReviewAsked: _review_asked,
    e.ReviewEnded: _review_ended,
    e.CustomerAsked: _customer_asked,
    e.CustomerAnswered: _customer_answered,
    e.MacroDefined: _macro_defined,
    e.MacroRemoved: _macro_removed,
    e.WordsDefined: _words_defined,
    e.WordsRemoved: _words_removed,
}
