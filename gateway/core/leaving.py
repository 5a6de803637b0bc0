"""A customer who leaves a conversation: who waits has gone, who talks goes to wrap-up. Pure.

Whoever closes the window without a word may come back: who waits is ``gone`` for a while first.
"""

from datetime import timedelta

from msgspec.structs import replace

from gateway.core import events as e
from gateway.core.asking import left as asked_and_left
from gateway.core.ids import CaseId, Context
from gateway.core.model import ChannelKind, Item, ItemState
from gateway.core.owed import Abandoned, Gone
from gateway.core.state import NodeState

NEVER_OPENS = timedelta(days=1)
"""Until it is looked at again, where no hours say when."""


def ended(state: NodeState, case: CaseId) -> list[e.Change]:
    """What it means for the open items of the conversation."""
    changes: list[e.Change] = []
    for item in state.items_of_case(case):
        if item.callback is not None or item.promise is not None:
            continue  # that is owed all the same
        if item.kind is not ChannelKind.WEBCHAT:
            continue  # the matter goes on by mail, say
        if item.watch is not None and item.watch.holds_reply():
            changes += _kept(item)
            continue
        if gone_asked := asked_and_left(item):
            changes += gone_asked
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


def waits(item: Item) -> bool:
    """Whether it is a chat that nobody of us has answered or has in hand."""
    return (
        item.kind is ChannelKind.WEBCHAT
        and item.answered_at is None
        and item.callback is None
        and item.promise is None
        and not (item.watch is not None and item.watch.holds_reply())
        and (item.state is ItemState.QUEUED or item.state is ItemState.OFFERED)
    )


def left(state: NodeState, item: Item, ctx: Context) -> list[e.Change]:
    """No window of the customer's is open; nothing while the house is closed, when nobody stays."""
    queue = state.queues.get(item.queue)
    after = (queue.abandoned if queue is not None else Abandoned()).gone_after
    if after is None or item.gone is not None or not waits(item) or not _is_open(state, item, ctx):
        return []
    gone = Gone(since=ctx.now, until=ctx.now + timedelta(seconds=after))
    return [e.Change(e.CustomerLeft(item=item.id, case=item.case, gone=gone))]


def back(item: Item) -> list[e.Change]:
    """There is a window again."""
    if item.gone is None:
        return []
    return [e.Change(e.CustomerBack(item=item.id, case=item.case))]


def stayed_away(state: NodeState, item: Item, ctx: Context) -> list[e.Change]:
    """No window has opened for so long that the customer has given up."""
    if item.gone is None or not waits(item):
        return []
    if not _is_open(state, item, ctx):
        return [_later(state, item, item.gone, ctx)]
    why = "the customer's window has gone and not come back"
    changes: list[e.Change] = []
    if item.state is ItemState.OFFERED and item.offer is not None:
        taken = e.OfferWithdrawn(
            item=item.id, offer=item.offer.id, agent=item.offer.agent, reason="the customer left"
        )
        changes.append(e.Change(taken))
    return [*changes, e.Change(e.ItemAbandoned(item=item.id, reason=why))]


def _later(state: NodeState, item: Item, gone: Gone, ctx: Context) -> e.Change:
    """The house has closed meanwhile: whoever is not there by the morning has given up."""
    opens = state.timetable.hours(state.queues[item.queue].hours).next_change(ctx.now)
    until = (opens or ctx.now + NEVER_OPENS) + (gone.until - gone.since)
    put_off = replace(gone, until=until)
    return e.Change(e.CustomerLeft(item=item.id, case=item.case, gone=put_off))


def _is_open(state: NodeState, item: Item, ctx: Context) -> bool:
    queue = state.queues.get(item.queue)
    if queue is None or not queue.hours:
        return True
    return state.timetable.hours(queue.hours).is_open(ctx.now)
