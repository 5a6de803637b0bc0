"""What happens by itself when a time has come.

``deadlines_of`` says when a changed row must be looked at again; ``expire`` decides then. A
deadline that no longer holds decides nothing, so none ever needs to be taken back.
"""

from datetime import datetime, timedelta
from typing import Literal

from msgspec import Struct

from gateway.core import events as e
from gateway.core.escalation import ring
from gateway.core.hands import grace_deadlines, grace_over
from gateway.core.ids import AgentName, Context, ItemId
from gateway.core.model import AgentStatus, Item, ItemState, Presence
from gateway.core.state import NodeState
from gateway.core.times import wrapup_seconds

Kind = Literal["offer", "wrapup", "wake", "grace", "service", "rest"]


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
    match deadline.kind:
        case "offer":
            return _missed(state, item)
        case "service":
            return ring(state, item, ctx)
        case "wrapup" | "rest" | "wake":
            return [e.Change(_over(item, deadline.kind))]


def _over(item: Item, kind: Literal["wrapup", "rest", "wake"]) -> e.Event:
    """What it is when the time of this is over."""
    match kind:
        case "wrapup":
            return e.ItemCompleted(item=item.id, agent=item.agent, reason="wrap-up time was over")
        case "rest":
            return e.ItemRested(item=item.id, reason="the customer is silent")
        case "wake":
            return e.ItemQueued(
                item=item.id, queue=item.queue, reason="its time has come", restart=True
            )


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
