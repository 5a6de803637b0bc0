"""A customer who leaves a conversation: who waits has gone, who talks goes to wrap-up. Pure."""

from gateway.core import events as e
from gateway.core.ids import CaseId
from gateway.core.model import Item, ItemState
from gateway.core.state import NodeState


def ended(state: NodeState, case: CaseId) -> list[e.Change]:
    """What it means for the open items of the conversation."""
    changes: list[e.Change] = []
    for item in state.items_of_case(case):
        if item.callback is not None or item.promise is not None:
            continue  # that is owed all the same
        if item.watch is not None and item.watch.holds_reply():
            changes += _kept(item)
            continue
        match item.state:
            case ItemState.OFFERED if item.offer is not None:
                gone = e.OfferWithdrawn(
                    item=item.id,
                    offer=item.offer.id,
                    agent=item.offer.agent,
                    reason="the customer left",
                )
                left = e.ItemAbandoned(item=item.id, reason="the customer left while offered")
                changes += [e.Change(gone), e.Change(left)]
            case ItemState.QUEUED:
                left = e.ItemAbandoned(item=item.id, reason="the customer left the queue")
                changes.append(e.Change(left))
            case ItemState.ASSIGNED if item.agent is not None:
                wrap = e.WrapUpStarted(
                    item=item.id, agent=item.agent, reason="the customer ended the chat"
                )
                changes.append(e.Change(wrap))
            case ItemState.HELD | ItemState.SCHEDULED:
                done = e.ItemCompleted(
                    item=item.id, agent=item.last_agent, reason="the customer ended the chat"
                )
                changes.append(e.Change(done))
            case _:
                pass
    return changes


def _kept(item: Item) -> list[e.Change]:
    """A reply of it waits to be looked at, which would be lost if it ended; nobody talks now."""
    if item.state is not ItemState.ASSIGNED:
        return []
    why = "the customer ended the chat; a reply waits to be looked at"
    return [e.Change(e.ItemHeld(item=item.id, reason=why))]
