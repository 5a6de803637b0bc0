"""How what customers are told by themselves changes a node's state; see ``folds``."""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

from msgspec.structs import replace

from gateway.core import events as e
from gateway.core.courtesy import Solving
from gateway.core.model import Case, CaseStatus, ChannelKind, Item
from gateway.core.state import NodeState, Rows
from gateway.core.stops import in_words

WINDOW = timedelta(hours=24)
"""So long WhatsApp lets a business write anything after the customer's last message."""


def solved_by(event: e.CaseChanged) -> dict[str, Any]:
    """What a change of a case says of how it was solved: it may be rated anew."""
    return {"solving": Solving(item=event.item)} if event.status is CaseStatus.SOLVED else {}


def rated(case: Case, at: datetime) -> dict[str, Any]:
    """When it was rated first since it was solved."""
    solving = case.solving or Solving()
    return {"solving": replace(solving, rated_at=solving.rated_at or at)}


def nothing_more(item: Item, event: e.MessageAdded) -> dict[str, Any]:
    """A person has answered: when that would be is nothing to be said of any more."""
    answered = event.direction == "out" and not event.automatic
    return {"assured": None} if answered and item.assured is not None else {}


def window(item: Item, event: e.MessageAdded, at: datetime) -> dict[str, Any]:
    """The customer has written: from now on we may answer for a day, where that is bounded."""
    heard = event.direction == "in" and item.kind is ChannelKind.WHATSAPP and not event.automatic
    return {"window_ends": at + WINDOW} if heard else {}


def _score_asked(s: NodeState, ev: e.ScoreAsked, at: datetime) -> Rows:
    case = s.cases[ev.case]
    return (s.edit_case(case, at, solving=replace(case.solving or Solving(), asked_at=at)),)


def _answer_assured(s: NodeState, ev: e.AnswerAssured, at: datetime) -> Rows:
    item = s.items.get(ev.item)
    return () if item is None else (s.edit(item, assured=ev.assured),)


def _address_failed(s: NodeState, ev: e.AddressFailed, at: datetime) -> Rows:
    s.put_entry(ev.address)
    item = s.items.get(ev.item) if ev.item else None
    why = ev.address.reason
    return (ev.address,) if item is None else (ev.address, s.edit(item, undeliverable=why))


def _address_works(s: NodeState, ev: e.AddressWorks, at: datetime) -> Rows:
    known = s.bad_addresses.get(ev.address)
    rows: Rows = ()
    if known is not None:
        good = replace(known, active=False)
        s.put_entry(good)
        rows = (good,)
    item = s.items.get(ev.item) if ev.item else None
    if item is not None and item.undeliverable:
        rows = (*rows, s.edit(item, undeliverable=""))
    return rows


def _contact_stopped(s: NodeState, ev: e.ContactStopped, at: datetime) -> Rows:
    s.put_entry(ev.stop)
    item = s.items.get(ev.item) if ev.item else None
    why = in_words(ev.stop)
    return (ev.stop,) if item is None else (ev.stop, s.edit(item, stopped=why))


def _contact_resumed(s: NodeState, ev: e.ContactResumed, at: datetime) -> Rows:
    known, rows = s.stops.get(ev.stop), list[e.Row]()
    if known is not None:
        gone = replace(known, active=False)
        s.put_entry(gone)
        rows.append(gone)
    item = s.items.get(ev.item) if ev.item else None
    if item is not None and item.stopped:
        rows.append(s.edit(item, stopped=""))
    return tuple(rows)


COURTESY_FOLDS: Mapping[type[Any], Callable[[NodeState, Any, datetime], Rows]] = {
    e.ScoreAsked: _score_asked,
    e.AnswerAssured: _answer_assured,
    e.AddressFailed: _address_failed,
    e.AddressWorks: _address_works,
    e.ContactStopped: _contact_stopped,
    e.ContactResumed: _contact_resumed,
}
