"""Promises: what an agent said that we do by a time comes back to that agent then. Pure."""

from datetime import timedelta
from typing import Literal

from gateway.core import events as e
from gateway.core.errors import Refused
from gateway.core.ids import AgentName, Context
from gateway.core.model import Case, Item, ItemState
from gateway.core.opening import open_case
from gateway.core.owed import PROMISE_GRACE_SECONDS, Promise
from gateway.core.reaching import talk_kind
from gateway.core.state import NodeState

MOST_AHEAD = timedelta(days=365)
MOST_OPEN = 50
BROKEN = "broken"
"""The code with which an agent ends a promise that will not be kept."""
Standing = Literal["open", "kept", "broken", "dropped"]
_IN_HAND = frozenset({ItemState.ASSIGNED, ItemState.WRAPPING})


def make(
    state: NodeState, ctx: Context, case: Case, item: Item, promise: Promise
) -> tuple[Item, list[e.Change]]:
    """A work item that sleeps until the promise is due. Raises ``Refused``."""
    if promise.due_at <= ctx.now:
        raise Refused("bad_frame", "the time of a promise lies ahead", "due_at")
    if promise.due_at - ctx.now > MOST_AHEAD:
        raise Refused("bad_frame", f"at most {MOST_AHEAD.days} days ahead", "due_at")
    if sum(i.promise is not None for i in state.items_of_case(case.id)) >= MOST_OPEN:
        raise Refused("wrong_state", f"there are {MOST_OPEN} promises in this case", "item")
    _, made, changes = open_case(
        state,
        ctx,
        number=case.number,
        case=case,
        channel=item.channel,
        kind=talk_kind(item),
        queue=item.queue,
        customer=item.customer,
        subject=item.subject,
        address=item.address,
        copies=item.copies,
        thread=item.thread,
        language=item.language,
        skills=item.requirement.skills,
        due_at=promise.due_at,
        preview=promise.text,
        attributes=item.attributes,
        last_agent=promise.agent,
        promise=promise,
        reason=f"promised by {promise.agent}",
    )
    sleeps = e.ItemScheduled(
        item=made.id, until=promise.due_at, reason=f"promised by {promise.agent}"
    )
    return made, [*changes, e.Change(sleeps)]


def standing(item: Item) -> Standing:
    """How a promise stands; ``dropped``: it was taken back before its time."""
    if item.promise is None or item.state in (ItemState.CANCELED, ItemState.REJECTED):
        return "dropped"
    ended = item.state is ItemState.COMPLETED
    if item.promise.broken_at is not None or (ended and item.code == BROKEN):
        return "broken"
    return "kept" if ended else "open"


def grace_of(state: NodeState, item: Item) -> float:
    """Seconds that a promise made on this item waits for its agent alone."""
    queue = state.queues.get(item.queue)
    return PROMISE_GRACE_SECONDS if queue is None else queue.promise_grace_seconds


def grace_over(item: Item) -> list[e.Change]:
    """Its time is over: somebody has it in hand, or it is broken."""
    if item.promise is None or item.state in _IN_HAND:
        return []
    return [_broken(item, item.promise, "nobody had taken it up in time")]


def ended(item: Item, ctx: Context) -> list[e.Change]:
    """It is done: kept, unless it was broken before or its agent says that it is not."""
    promise = item.promise
    if promise is None or promise.broken_at is not None or item.state is not ItemState.COMPLETED:
        return []
    if item.code == BROKEN:
        return [_broken(item, promise, "it was not kept")]
    late = max(0.0, (ctx.now - promise.due_at).total_seconds())
    kept = e.PromiseKept(
        item=item.id,
        case=item.case,
        queue=item.queue,
        agent=promise.agent,
        due_at=promise.due_at,
        late=late,
    )
    return [e.Change(kept)]


def _broken(item: Item, promise: Promise, reason: str) -> e.Change:
    return e.Change(
        e.PromiseBroken(
            item=item.id,
            case=item.case,
            queue=item.queue,
            agent=promise.agent,
            due_at=promise.due_at,
            reason=reason,
        )
    )


def due(item: Item) -> e.Change:
    """Its time has come: it waits for who made it."""
    who: AgentName | str = item.promise.agent if item.promise is not None else ""
    why = f"what {who} has promised is due"
    queued = e.ItemQueued(item=item.id, queue=item.queue, reason=why, restart=True)
    return e.Change(queued)
