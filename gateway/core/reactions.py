"""What follows from an event whoever caused it.

Run right after each event is applied, within the same commit, so that no path can forget it:
a case is solved when its last item is completed, who filed a task is told how it goes, and what
an agent holds who is removed from the directory goes back, and what is offered to one whose site
closes. The clocks of its service level follow whatever happens to an item.
"""

from datetime import timedelta

from gateway.core import events as e
from gateway.core.closing import clear_out
from gateway.core.hands import give_back
from gateway.core.ids import AgentName, Context, OutboundId
from gateway.core.lifecycle import ENDED, MOVING
from gateway.core.model import (
    Attributes,
    CaseStatus,
    ChannelKind,
    Item,
    ItemState,
    OutboundState,
    Outgoing,
)
from gateway.core.service_level import follow
from gateway.core.state import NodeState, Rows
from gateway.core.times import OUTBOUND_EXPIRES_SECONDS

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
        return [*follow(state, event, rows, ctx), *_after_move(state, rows, ctx)]
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
            return []


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
            if row.state in ENDED:
                out += _close_case(state, row)
            if row.kind is ChannelKind.TASK and row.address and row.state in _TOLD:
                out.append(_tell_filer(row, ctx))
    return out


def _close_case(state: NodeState, item: Item) -> list[e.Change]:
    case = state.cases.get(item.case)
    if case is None or state.items_of_case(item.case):
        return []
    done = item.state is ItemState.COMPLETED
    status = CaseStatus.SOLVED if done else CaseStatus.CLOSED
    if case.status is status:
        return []
    reason = f"its last work item was {item.state.value}"
    return [e.Change(e.CaseChanged(case=case.id, by="system", status=status, reason=reason))]


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
