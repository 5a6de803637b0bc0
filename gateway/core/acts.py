"""What a supervisor may do to an item, with a reason: assign, requeue, close, reprioritise."""

from gateway.core import events as e
from gateway.core.errors import Refused
from gateway.core.hands import profile_of
from gateway.core.ids import AgentName, ItemId, QueueName
from gateway.core.lifecycle import allows
from gateway.core.model import Item, ItemState
from gateway.core.replies import refuse_unseen
from gateway.core.state import NodeState
from gateway.core.waking import reopened

PARKED = (ItemState.HELD, ItemState.SCHEDULED)


def _item(state: NodeState, item: ItemId) -> Item:
    found = state.items.get(item)
    if found is None:
        raise Refused("not_found", "there is no such open work item", "id")
    return found


def _withdraw(item: Item, reason: str) -> list[e.Change]:
    if item.offer is None:
        return []
    gone = e.OfferWithdrawn(
        item=item.id, offer=item.offer.id, agent=item.offer.agent, reason=reason
    )
    return [e.Change(gone)]


def assign(
    state: NodeState, item_id: ItemId, agent: AgentName, by: AgentName, reason: str
) -> list[e.Change]:
    """Give the item to this agent, whatever the routing thinks."""
    item = _item(state, item_id)
    profile_of(state, agent)
    why = f"assigned by {by}: {reason}" if reason else f"assigned by {by}"
    given = e.ItemAssigned(item=item.id, agent=agent, by=by, reason=why)
    return [*_withdraw(item, why), e.Change(given), *_reopened(state, item, why)]


def requeue(
    state: NodeState, item_id: ItemId, queue: QueueName | None, by: AgentName, reason: str
) -> list[e.Change]:
    """Back into a queue, with the waiting time it had."""
    item = _item(state, item_id)
    to = queue or item.queue
    if to not in state.queues:
        raise Refused("not_found", f"there is no queue {to!r}", "queue")
    why = f"requeued by {by}: {reason}" if reason else f"requeued by {by}"
    changes = _withdraw(item, why)
    if not changes and not allows(item.state, e.ItemQueued):
        raise Refused("wrong_state", f"the item is {item.state.value}", "id")
    queued = e.ItemQueued(item=item.id, queue=to, reason=why, given_up_by=item.agent)
    return [*changes, e.Change(queued), *_reopened(state, item, why)]


def _reopened(state: NodeState, item: Item, why: str) -> list[e.Change]:
    """What was put aside is work again: the case waits for the customer no more."""
    return reopened(state.cases[item.case], why) if item.state in PARKED else []


def close(
    state: NodeState, item_id: ItemId, by: AgentName, reason: str, code: str = ""
) -> list[e.Change]:
    """End the item as completed."""
    item = _item(state, item_id)
    refuse_unseen(item)
    why = f"closed by {by}: {reason}" if reason else f"closed by {by}"
    changes = _withdraw(item, why)
    done = e.ItemCompleted(item=item.id, agent=item.agent, code=code, reason=why)
    return [*changes, e.Change(done)]


def cancel(state: NodeState, item_id: ItemId, by: str, reason: str) -> list[e.Change]:
    """Take back a task that need not be done any more."""
    item = _item(state, item_id)
    refuse_unseen(item)
    why = reason or f"canceled by {by}"
    changes = _withdraw(item, why)
    if item.state is ItemState.WRAPPING:
        raise Refused("wrong_state", "the item is done and in wrap-up", "id")
    return [*changes, e.Change(e.ItemCanceled(item=item.id, by=by, reason=why))]


def reprioritise(
    state: NodeState, item_id: ItemId, priority: int, by: AgentName, reason: str
) -> list[e.Change]:
    """Change an item's priority (-100 … 100); its place in the queue changes at once."""
    item = _item(state, item_id)
    if not -100 <= priority <= 100:
        raise Refused("bad_field", "priority goes from -100 to 100", "priority")
    changed = e.ItemReprioritised(item=item.id, by=by, priority=priority, reason=reason)
    return [e.Change(changed)]
