"""Being ready, and answering offers."""

from gateway.core import commands as c
from gateway.core import events as e
from gateway.core.bundles import together
from gateway.core.capacity import cost_here, has_room, takes
from gateway.core.desk.hand import Decision, Desk
from gateway.core.desk.misrouted import told
from gateway.core.errors import Refused
from gateway.core.hands import set_presence, told_closed
from gateway.core.ids import OfferId
from gateway.core.model import ChannelKind, Item, ItemState, Presence
from gateway.core.policy import Cost
from gateway.core.state import NodeState


def state(d: Desk, cmd: c.State) -> Decision:
    if not d.state.is_home_of(d.agent.name):
        # A command that outlasted its desktop's grace: the row may be another node's by now.
        raise Refused("unavailable", "you are not at home at this node any more")
    presence = Presence(cmd.state)
    reason = "" if presence is Presence.READY else cmd.reason or "break"
    changes = set_presence(d.state, d.agent.name, presence, reason, d.agent.name)
    return changes, {"state": presence.value, "reason": reason}


def _offered(d: Desk, offer: OfferId) -> Item:
    for item in d.state.in_hand(d.agent.name):
        if item.offer is not None and item.offer.id == offer:
            return item
    raise Refused(
        "offer_gone", "this offer was answered, withdrawn or has passed its deadline", "offer"
    )


def accept(d: Desk, cmd: c.Accept) -> Decision:
    item = _offered(d, cmd.offer)
    if item.offer is not None and d.ctx.now > item.offer.deadline:
        raise Refused("offer_gone", "the offer's deadline has passed", "offer")
    accepted = e.OfferAccepted(item=item.id, offer=cmd.offer, agent=d.agent.name)
    others = [
        e.OfferAccepted(item=other.id, offer=other.offer.id, agent=d.agent.name)
        for other in together(d.state, d.agent.name, item)
        if other.offer is not None
    ]
    if not others:
        return [e.Change(accepted)], {"item": item.id}
    body = {"item": item.id, "with": [other.item for other in others]}
    return [e.Change(event) for event in (accepted, *others)], body


def decline(d: Desk, cmd: c.Decline) -> Decision:
    item = _offered(d, cmd.offer)
    declined = e.OfferDeclined(item=item.id, offer=cmd.offer, agent=d.agent.name, reason=cmd.reason)
    # The one that counts comes last: what follows from it may take the others back.
    others = [
        e.OfferDeclined(
            item=other.id, offer=other.offer.id, agent=d.agent.name, reason=cmd.reason, along=True
        )
        for other in together(d.state, d.agent.name, item)
        if other.offer is not None
    ]
    changes = told(d, item, cmd.misrouted, "declined")
    changes += [e.Change(event) for event in (*others, declined)]
    return changes, {"item": item.id}


def takeable(state: NodeState, item: Item) -> None:
    """Raises ``Refused`` unless agents may take it from its queue."""
    queue = state.queues.get(item.queue)
    if queue is None or not queue.take_allowed:
        raise Refused("not_allowed", f"queue {item.queue!r} hands out its items itself", "item")
    if item.state is not ItemState.QUEUED:
        raise Refused("wrong_state", f"the item is {item.state.value}, not queued", "item")


def take(d: Desk, cmd: c.Take) -> Decision:
    item = d.item(cmd.item)
    takeable(d.state, item)
    may_take(d, item.kind, cost_here(d.state.queues, item))
    if d.agent.queues and item.queue not in d.agent.queues:
        raise Refused("not_allowed", f"you do not work in queue {item.queue!r}", "item")
    taken = e.ItemAssigned(
        item=item.id,
        agent=d.agent.name,
        by=d.agent.name,
        reason=f"taken by {d.agent.name}",
        taken=True,
    )
    return [e.Change(taken)], {"item": item.id}


def may_take(d: Desk, kind: ChannelKind, own: Cost | None = None) -> None:
    """Raises ``Refused`` unless this agent may have one more of this kind."""
    if (closed := d.state.closed.get(d.agent.name)) is not None:
        raise Refused("not_allowed", told_closed(closed), "item")
    if not has_room(d.agent, d.state.in_hand(d.agent.name), kind, takes(kind, own)):
        raise Refused("busy", "you have no capacity left for this kind of item", "item")
