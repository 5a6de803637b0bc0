"""How a conversation stands, as its customer would say it: a work item's state in four words."""

import math
from collections.abc import Callable

from msgspec import UNSET
from msgspec.structs import replace

from channels.webchat.cards import callback_card
from channels.webchat.effects import Waiting
from channels.webchat.protocol import State
from gateway.core.calendars import Closed
from gateway.core.ids import AgentName
from gateway.core.model import Item, ItemState
from gateway.core.owed import OFFERED, Callbacks
from gateway.core.pending import pending

ESTIMATE_STEP = 15
"""Seconds; an expected wait is not known better, and a finer one would only flicker."""

WAITING = frozenset({ItemState.NEW, ItemState.SCHEDULED, ItemState.QUEUED, ItemState.OFFERED})
WITH_SOMEONE = frozenset({ItemState.ASSIGNED, ItemState.HELD})


def standing_of(
    item: Item | None,
    waiting: Waiting,
    agent_name: Callable[[AgentName], str],
    closed: Closed | None = None,
) -> State:
    """``closed`` also means: nothing was said yet. Whoever is with an agent stays there.

    Who is to be called waits, whether the house is open or not; who is asked something is in a
    conversation, with nobody yet.
    """
    called = item.callback if item is not None and item.state in WAITING else None
    if called is not None:
        state = _waiting(waiting) if closed is None else State(state="queued")
        return replace(state, callback=callback_card(called))
    talks = item is not None and (item.state in WITH_SOMEONE or pending(item) is not None)
    if closed is not None and not talks:
        return State(state="offline", opens_at=closed.opens_at or UNSET)
    if item is None or item.state not in WAITING | WITH_SOMEONE:
        return State(state="closed")
    if talks:
        name = agent_name(item.agent) if item.agent else ""
        return State(state="active", agent=name or UNSET)
    return _waiting(waiting)


def may_be_called(item: Item | None, waiting: Waiting, state: State, rules: Callbacks) -> bool:
    """Whether the window is to offer a call-back: the wait is long, or the house is closed.

    Not to who is called anyway, nor before a person has looked at what has been said. What a
    threshold of the queue has offered once stays offered.
    """
    if not rules.offered or (item is not None and item.callback is not None):
        return False
    if item is not None and item.state is ItemState.SCHEDULED and item.wake_at is None:
        return False
    if state.state == "offline":
        return True
    if state.state != "queued" or item is None:
        return False
    return OFFERED in item.cared or (waiting is not None and waiting[1] >= rules.offer_wait)


def _waiting(waiting: Waiting) -> State:
    if waiting is None:
        return State(state="queued")
    place, seconds = waiting
    steps = math.ceil(max(0.0, seconds) / ESTIMATE_STEP) if math.isfinite(seconds) else 0
    return State(state="queued", position=place, estimate=steps * ESTIMATE_STEP or UNSET)
