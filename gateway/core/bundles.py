"""What waits of one customer is offered together, as far as the agent has room. Pure.

Each item has an offer of its own, so that it is in one place and in one agent's hands at any time;
the first one is the bundle's, and whoever accepts or declines one of them does so with all.
"""

from collections.abc import Iterable

from msgspec.structs import replace

from gateway.core import events as e
from gateway.core.capacity import cost_here, has_room
from gateway.core.ids import AgentName, Context, OfferId
from gateway.core.model import AgentProfile, Item, ItemState, Offer
from gateway.core.routing.fit import meets, passed_lately
from gateway.core.routing.need import need_of
from gateway.core.state import NodeState

MOST = 20


def along(state: NodeState, item: Item, offer: Offer, ctx: Context) -> list[e.Change]:
    """The offers to make with one that has just been made."""
    profile = state.profiles.get(offer.agent)
    if offer.bundle is not None or profile is None:
        return []
    changes: list[e.Change] = []
    in_hand: list[Item] = []
    for other in _waiting_with(state, item):
        if not in_hand:
            in_hand = state.in_hand(offer.agent)
        if len(changes) >= MOST or not _may_have(state, profile, other, in_hand, ctx):
            continue
        cost = cost_here(state.queues, other)
        in_hand.append(replace(other, state=ItemState.OFFERED, cost=cost))
        with_it = Offer(
            id=OfferId(ctx.new_id()),
            agent=offer.agent,
            made_at=ctx.now,
            deadline=offer.deadline,
            reason=f"of the same customer as #{item.number}, which you are offered",
            bundle=offer.id,
        )
        changes.append(e.Change(e.OfferMade(item=other.id, offer=with_it)))
    return changes


def _waiting_with(state: NodeState, item: Item) -> Iterable[Item]:
    rule = _rule(state, item)
    if rule == "off":
        return ()
    found = state.items_of_case(item.case)
    if rule == "customer" and item.customer is not None:
        found = state.items_of_customer(item.customer.id)
    if len(found) < 2:
        return ()
    others = [
        other
        for other in found
        if other.id != item.id
        and other.state is ItemState.QUEUED
        and (
            _rule(state, other) == "customer"
            or (_rule(state, other), other.case) == ("case", item.case)
        )
    ]
    return sorted(others, key=lambda other: (other.queued_at or other.created_at, other.id))


def _rule(state: NodeState, item: Item) -> str:
    queue = state.queues.get(item.queue)
    return "off" if queue is None else queue.bundle


def _may_have(
    state: NodeState, profile: AgentProfile, item: Item, in_hand: list[Item], ctx: Context
) -> bool:
    need = need_of(state, item)
    if not meets(profile, need) or passed_lately(item, profile.name, ctx.now) is not None:
        return False
    if state.kept_for.get(item.id, profile.name) != profile.name:
        return False
    if item.promise is not None and item.promise.agent != profile.name:
        return False
    return has_room(profile, in_hand, need.kind, need.cost)


def together(state: NodeState, agent: AgentName, item: Item) -> list[Item]:
    """What is offered to the agent with this one, without it."""
    offer = item.offer
    if offer is None:
        return []
    first = offer.bundle or offer.id
    return [
        other
        for other in state.in_hand(agent)
        if other.offer is not None
        and other.id != item.id
        and first in (other.offer.id, other.offer.bundle)
    ]
