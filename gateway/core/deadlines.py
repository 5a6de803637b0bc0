"""What happens by itself when a time has come.

``deadlines_of`` says when a changed row must be looked at again; ``expire`` decides then. A
deadline that no longer holds decides nothing, so none ever needs to be taken back.
"""

from datetime import datetime, timedelta
from typing import Literal

from msgspec import Struct

from gateway.core import events as e
from gateway.core.asking import silent
from gateway.core.assurance import time_has_come as assurance_due
from gateway.core.callbacks import time_has_come
from gateway.core.effects import Matter
from gateway.core.escalation import ring
from gateway.core.hands import grace_deadlines, grace_over
from gateway.core.ids import AgentName, Context, ItemId
from gateway.core.leaving import stayed_away, waits
from gateway.core.lifecycle import ENDED
from gateway.core.model import AgentStatus, Item, ItemState, Presence
from gateway.core.pending import pending
from gateway.core.promises import due
from gateway.core.promises import grace_over as promise_over
from gateway.core.state import NodeState
from gateway.core.times import wrapup_seconds
from gateway.core.waking import wake

Kind = Literal["offer", "wrapup", "wake", "grace", "service", "rest", "promise", "gone", "assured"]


class Deadline(Struct, frozen=True, order=True):
    """At ``at``, ask ``expire`` about this."""

    at: datetime
    kind: Kind
    key: str


def deadlines_of(row: e.Row) -> tuple[Deadline, ...]:
    """When this row, as it is now, must be looked at again."""
    # Asked for every row of every entry: types and states are compared by identity.
    if type(row) is Item:
        return _of_item(row)
    if type(row) is AgentStatus and row.tabs == 0 and row.dropped_at is not None:
        began = row.dropped_at
        return tuple(Deadline(began + after, "grace", row.name) for after in grace_deadlines())
    return ()


def _of_item(item: Item) -> tuple[Deadline, ...]:
    own = _of_its_state(item)
    if item.promise is not None and item.promise.broken_at is None:
        over = item.promise.due_at + timedelta(seconds=item.promise.grace)
        own = (*own, Deadline(over, "promise", item.id))
    if item.gone is not None and waits(item):
        own = (*own, Deadline(item.gone.until, "gone", item.id))
    if (assured := item.assured) is not None and item.state not in ENDED:
        at = assured.send_at or assured.look_at
        own = own if at is None else (*own, Deadline(at, "assured", item.id))
    if item.service is None or (alarm := item.service.next_alarm()) is None:
        return own
    return (*own, Deadline(alarm, "service", item.id))


def _of_its_state(item: Item) -> tuple[Deadline, ...]:
    state = item.state
    if state is ItemState.OFFERED and item.offer is not None:
        return (Deadline(item.offer.deadline, "offer", item.id),)
    if state is ItemState.WRAPPING and item.wrapping_at is not None:
        limit = wrapup_seconds(item.kind)
        if limit is None:
            return ()
        return (Deadline(item.wrapping_at + timedelta(seconds=limit), "wrapup", item.id),)
    if state is ItemState.ASSIGNED and item.rests_at is not None:
        return (Deadline(item.rests_at, "rest", item.id),)
    if (state is ItemState.HELD or state is ItemState.SCHEDULED) and item.wake_at is not None:
        return (Deadline(item.wake_at, "wake", item.id),)
    return ()


def expire(state: NodeState, deadline: Deadline, ctx: Context) -> list[e.Change]:
    """What follows now that the deadline has come; nothing if it no longer holds."""
    if deadline.kind == "grace":
        return grace_over(state, AgentName(deadline.key), ctx)
    item = state.items.get(ItemId(deadline.key))
    if item is None or deadline not in deadlines_of(item):
        return []
    return _expire_item(state, item, deadline.kind, ctx)


def _expire_item(state: NodeState, item: Item, kind: Kind, ctx: Context) -> list[e.Change]:
    match kind:
        case "offer":
            return _missed(state, item)
        case "service":
            return ring(state, item, ctx)
        case "promise" | "gone" | "assured":
            return _about_the_customer(state, item, kind, ctx)
        case "wake":
            return _woken(state, item, ctx)
        case "grace":
            return []
        case "wrapup" | "rest":
            return [e.Change(_over(item, kind))]


def _about_the_customer(
    state: NodeState, item: Item, kind: Literal["promise", "gone", "assured"], ctx: Context
) -> list[e.Change]:
    if kind == "promise":
        return promise_over(item)
    if kind == "gone":
        return stayed_away(state, item, ctx)
    return assurance_due(state, item, ctx)


def _woken(state: NodeState, item: Item, ctx: Context) -> list[e.Change]:
    if item.promise is not None:
        return [due(item)]
    if item.callback is not None:
        return [time_has_come(state, ctx, item)]
    if pending(item) is not None:
        return silent(Matter(state, ctx, state.cases[item.case], item))
    return wake(item, state.cases[item.case], "its time has come")


def _over(item: Item, kind: Literal["wrapup", "rest"]) -> e.Event:
    """What it is when the time of this is over."""
    if kind == "wrapup":
        return e.ItemCompleted(item=item.id, agent=item.agent, reason="wrap-up time was over")
    return e.ItemRested(item=item.id, reason="the customer is silent")


def _missed(state: NodeState, item: Item) -> list[e.Change]:
    offer = item.offer
    if offer is None:
        return []
    missed = e.OfferMissed(item=item.id, offer=offer.id, agent=offer.agent)
    changes = [e.Change(missed)]
    status = state.statuses.get(offer.agent)
    if status is not None and status.presence is Presence.READY:
        changes.append(
            e.Change(
                e.AgentStateChanged(
                    agent=offer.agent,
                    presence=Presence.NOT_READY,
                    reason="missed_offer",
                    by="system",
                )
            )
        )
        changes += withdraw_offers(state, offer.agent, "missed another offer", but=item.id)
    return changes


def withdraw_offers(
    state: NodeState, agent: AgentName, reason: str, *, but: ItemId | None = None
) -> list[e.Change]:
    """Take back what is offered to an agent who takes no offers now."""
    return [
        e.Change(e.OfferWithdrawn(item=item.id, offer=item.offer.id, agent=agent, reason=reason))
        for item in state.in_hand(agent)
        if item.offer is not None and item.id != but
    ]
