"""Who wants no more texts: the list that every way out obeys. Pure.

An address stands there by its hash and its kind, so that it outlives whoever is erased: what they
asked for still holds. It is of the kind of channel, whichever number of ours was written to.
"""

from collections.abc import Iterable
from datetime import datetime

from gateway.core import events as e
from gateway.core.errors import Refused, Undeliverable
from gateway.core.ids import ItemId
from gateway.core.model import TEXTED, ChannelKind, Outgoing
from gateway.core.state import NodeState
from gateway.core.stops import Stop, in_words, key_of_stop

NOTICE = "stop_notice"
"""Marks, in an order's payload, the one message that leaves all the same: the confirmation."""


def stop_of(state: NodeState, kind: ChannelKind, address: str) -> Stop | None:
    """Since when nothing may be written there, if that is so."""
    if kind not in TEXTED or not address or not state.stops:
        return None
    return state.stops.get(key_of_stop(kind, address))


def why_stopped(state: NodeState, kind: ChannelKind, address: str) -> str:
    """Why nothing may be written there, for people; empty: it may."""
    known = stop_of(state, kind, address)
    return "" if known is None else in_words(known)


def refuse_stopped(state: NodeState, kind: ChannelKind, to: Iterable[str]) -> None:
    """Raises ``Refused`` where one of these wants nothing more."""
    for address in to:
        if why := why_stopped(state, kind, address):
            raise Refused("not_allowed", f"{why}, until they write START", "to")


def stop_order(state: NodeState, outgoing: Outgoing) -> None:
    """Raises ``Undeliverable`` for what must not leave any more."""
    if NOTICE in outgoing.payload:
        return
    if why := why_stopped(state, outgoing.kind, outgoing.address):
        raise Undeliverable(why)


def stopped(
    state: NodeState, kind: ChannelKind, address: str, word: str, now: datetime
) -> list[e.Change]:
    """Put on the list, with all open work that would be answered there."""
    stop = Stop(name=key_of_stop(kind, address), since=now, word=word)
    about = _work(state, kind, address) or [None]
    return [e.Change(e.ContactStopped(stop=stop, item=one)) for one in about]


def resumed(
    state: NodeState, kind: ChannelKind, address: str, reason: str, by: str = "system"
) -> list[e.Change]:
    """Taken off the list."""
    name = key_of_stop(kind, address)
    about = _work(state, kind, address) or [None]
    return [e.Change(e.ContactResumed(stop=name, by=by, reason=reason, item=one)) for one in about]


def _work(state: NodeState, kind: ChannelKind, address: str) -> list[ItemId | None]:
    """Looked for among all of it: it is rare."""
    return [one.id for one in state.items.values() if one.kind is kind and one.address == address]
