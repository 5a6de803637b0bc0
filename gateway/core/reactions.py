"""What follows from an event whoever caused it.

Run right after each event is applied, within the same commit, so that no path can forget it:
a case is solved when its last item is completed, who filed a task is told how it goes, and what
an agent holds who is removed from the directory goes back, and what is offered to one whose site
closes. The clocks of its service level follow whatever happens to an item.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta

from gateway.core import events as e
from gateway.core.abandoned import answer
from gateway.core.bundles import along
from gateway.core.closing import clear_out
from gateway.core.deadlines import withdraw_offers
from gateway.core.farewell import farewell
from gateway.core.hands import give_back
from gateway.core.ids import AgentName, Context, OutboundId
from gateway.core.lifecycle import ENDED, MOVING
from gateway.core.model import (
    AgentStatus,
    Attributes,
    Case,
    CaseStatus,
    ChannelKind,
    Item,
    ItemState,
    OutboundState,
    Outgoing,
    Presence,
)
from gateway.core.promises import ended
from gateway.core.service_level import follow
from gateway.core.state import NodeState, Rows
from gateway.core.times import OUTBOUND_EXPIRES_SECONDS
from gateway.core.values import revalued

_TOLD = frozenset(
    {
        ItemState.ASSIGNED,
        ItemState.HELD,
        ItemState.COMPLETED,
        ItemState.CANCELED,
        ItemState.REJECTED,
    }
)


def reactions(state: NodeState, event: e.Event, rows: Rows, ctx: Context) -> list[e.Change]:
    """The changes that must follow ``event``, which has just changed ``rows``."""
    if type(event) in MOVING:
        more = _after_offer(state, event, ctx)
        return [*follow(state, event, rows, ctx), *_after_move(state, rows, ctx), *more]
    match event:
        case e.MessageAdded():
            return follow(state, event, rows, ctx)
        case e.AgentRemoved(agent=agent):
            return [*_empty_hands(state, agent), *_who_closed(state)]
        case e.AgentDefined(profile=profile):
            gone = [] if profile.active else _empty_hands(state, profile.name)
            return [*gone, *_who_closed(state)]
        case e.SiteChanged(site=site):
            state.take_just_closed()
            return clear_out(state, state.at_site(site.name), hands=True)
        case _:
            return _of_worth(state, event)


def _of_worth(state: NodeState, event: e.Event) -> list[e.Change]:
    if type(event) is not e.CustomerValued:
        return []
    return revalued(state, event.customer, event.value)


def _after_offer(state: NodeState, event: e.Event, ctx: Context) -> list[e.Change]:
    """What the queue's policy has follow: others with it, accepted by itself, one too many."""
    if type(event) is e.OfferMade and event.offer.bundle is None:
        item, offer = state.items[event.item], event.offer
        others = along(state, item, offer, ctx)
        queue = state.queues.get(item.queue)
        if queue is None or item.kind not in queue.policy.auto_accept:
            return others
        made = [event, *(c.event for c in others if type(c.event) is e.OfferMade)]
        return others + [
            e.Change(e.OfferAccepted(item=one.item, offer=one.offer.id, agent=offer.agent))
            for one in made
        ]
    if type(event) is e.OfferAccepted or type(event) is e.ItemAssigned:
        return _measure(state.items[event.item], ctx.now)
    if type(event) is e.OfferDeclined and not event.along:
        queue = state.queues.get(state.items[event.item].queue)
        most = queue.policy.most_declines if queue is not None else None
        status = state.statuses.get(event.agent)
        if most is not None and status is not None and status.declines >= most:
            return _put_out(state, status)
    return []


def _measure(item: Item, now: datetime) -> list[e.Change]:
    """What the customer was told of the wait is compared with what it was."""
    told = item.told
    if told is None:
        return []
    measured = e.WaitMeasured(
        item=item.id,
        queue=item.queue,
        place=told.place,
        told=told.seconds,
        waited=(now - told.at).total_seconds(),
    )
    return [e.Change(measured)]


def _put_out(state: NodeState, status: AgentStatus) -> list[e.Change]:
    if status.presence is not Presence.READY:
        return []
    out = e.AgentStateChanged(
        agent=status.name, presence=Presence.NOT_READY, reason="declined_offers", by="system"
    )
    gone = withdraw_offers(state, status.name, f"{status.name} has declined too many others")
    return [e.Change(out), *gone]


def _who_closed(state: NodeState) -> list[e.Change]:
    """Who comes to a partly closed site, or leaves it, may close somebody out."""
    return clear_out(state, state.take_just_closed(), hands=False)


def _empty_hands(state: NodeState, agent: AgentName) -> list[e.Change]:
    """Nobody will ever act on what a removed agent holds."""
    reason = f"{agent} is no longer in the directory"
    return [c for item in state.in_hand(agent) for c in give_back(item, agent, reason)]


def _after_move(state: NodeState, rows: Rows, ctx: Context) -> list[e.Change]:
    out: list[e.Change] = []
    for row in rows:
        if isinstance(row, Item):
            if row.promise is not None:
                out += [*ended(row, ctx), *_due_again(state, row)]
            left = answer(state, row, ctx) if row.state is ItemState.ABANDONED else []
            out += left
            if row.state in ENDED and not any(type(c.event) is e.ItemCreated for c in left):
                out += _close_case(state, row, ctx)
            if row.kind is ChannelKind.TASK and row.address and row.state in _TOLD:
                out.append(_tell_filer(row, ctx))
    return out


def _close_case(state: NodeState, item: Item, ctx: Context) -> list[e.Change]:
    case = state.cases.get(item.case)
    if case is None:
        return []
    if items := state.items_of_case(item.case):
        return _promised(case, items)
    done = item.state is ItemState.COMPLETED
    status = CaseStatus.SOLVED if done else CaseStatus.CLOSED
    if case.status is status:
        return []
    reason = f"its last work item was {item.state.value}"
    changed = e.CaseChanged(
        case=case.id, by="system", status=status, reason=reason, item=item.id if done else None
    )
    return [e.Change(changed), *(farewell(state, ctx, case, item) if done else [])]


def _promised(case: Case, items: Iterable[Item]) -> list[e.Change]:
    """All that is open of it is what we owe by a time."""
    owed = all(i.promise is not None and i.state is ItemState.SCHEDULED for i in items)
    if not owed or case.status is CaseStatus.PROMISED:
        return []
    why = "what is left of it is promised"
    status = CaseStatus.PROMISED
    return [e.Change(e.CaseChanged(case=case.id, by="system", status=status, reason=why))]


def _due_again(state: NodeState, item: Item) -> list[e.Change]:
    """A promise is to be kept now, or a person has taken it up before its time."""
    case = state.cases.get(item.case)
    if item.state is ItemState.SCHEDULED or item.state in ENDED:
        return []
    if case is None or case.status is not CaseStatus.PROMISED:
        return []
    why = "a promise is being kept"
    return [e.Change(e.CaseChanged(case=case.id, by="system", status=CaseStatus.OPEN, reason=why))]


def _tell_filer(item: Item, ctx: Context) -> e.Change:
    payload: Attributes = {
        "event": f"item.{item.state.value}",
        "item": item.id,
        "number": item.number,
        "state": item.state.value,
        "version": item.version,
        "code": item.code,
        "reason": item.reason,
    }
    return e.Change(
        e.OutboundQueued(
            outbound=Outgoing(
                id=OutboundId(ctx.new_id()),
                channel=item.channel,
                kind=item.kind,
                purpose="status",
                state=OutboundState.PENDING,
                version=1,
                created_at=ctx.now,
                next_at=ctx.now,
                expires_at=ctx.now + timedelta(seconds=OUTBOUND_EXPIRES_SECONDS),
                case=item.case,
                number=item.number,
                item=item.id,
                address=item.address,
                payload=payload,
            )
        )
    )
