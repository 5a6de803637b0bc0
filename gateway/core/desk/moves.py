"""Moving work: put aside, taken up again, handed on, ended."""

from datetime import datetime, timedelta

from msgspec.structs import replace

from gateway.core import commands as c
from gateway.core import events as e
from gateway.core.callbacks import concluded
from gateway.core.capacity import cost_here, has_room, takes
from gateway.core.desk.hand import PARKED, Decision, Desk
from gateway.core.desk.misrouted import told
from gateway.core.errors import Refused
from gateway.core.hands import profile_of
from gateway.core.ids import AgentName, Context, ItemId, OfferId
from gateway.core.lifecycle import allows
from gateway.core.messages import add_message
from gateway.core.model import CaseStatus, ChannelKind, Item, ItemState, Message, Offer, Presence
from gateway.core.opening import open_case
from gateway.core.parties import party
from gateway.core.policy import Cost
from gateway.core.reaching import talk_kind
from gateway.core.replies import refuse_kept_back, refuse_unseen
from gateway.core.scrutiny import heed, of_ours
from gateway.core.service_level import awaits_customer
from gateway.core.sites import why
from gateway.core.state import NodeState
from gateway.core.times import offer_seconds


def park_changes(d: Desk, item: Item, until: datetime | None) -> list[e.Change]:
    if until is not None and not awaits_customer(item):
        # The customer waits for us, and is not told otherwise.
        return [e.Change(e.ItemHeld(item=item.id, reason="put aside for a while", until=until))]
    changes = [e.Change(e.ItemHeld(item=item.id, reason="waiting for the customer", until=until))]
    if d.state.cases[item.case].status is CaseStatus.OPEN:
        waits = e.CaseChanged(case=item.case, by=d.agent.name, status=CaseStatus.WAITING)
        changes.append(e.Change(waits))
    return changes


def park(d: Desk, cmd: c.Park) -> Decision:
    item = d.mine(cmd.item, ItemState.ASSIGNED)
    if cmd.until is not None and cmd.until.tzinfo is None:
        raise Refused("bad_frame", "say the time with its offset from UTC", "until")
    if cmd.until is not None and cmd.until <= d.ctx.now:
        raise Refused("bad_frame", "the time to wake up lies in the past", "until")
    return park_changes(d, item, cmd.until), {}


def resume(d: Desk, cmd: c.Resume) -> Decision:
    item = d.mine(cmd.item, *PARKED, ItemState.WRAPPING)
    refuse_kept_back(item)
    resumed = e.ItemAssigned(
        item=item.id, agent=d.agent.name, by=d.agent.name, reason="resumed by its agent"
    )
    changes = [e.Change(resumed)]
    if d.state.cases[item.case].status is not CaseStatus.OPEN:
        opened = e.CaseChanged(case=item.case, by=d.agent.name, status=CaseStatus.OPEN)
        changes.append(e.Change(opened))
    return changes, {"item": item.id}


def reopen(d: Desk, cmd: c.Reopen) -> Decision:
    case, last = d.resolved.case, d.resolved.last_item
    if case is None or last is None:
        raise Refused("not_found", "there is no such case", "case")
    if case.ties is not None and case.ties.into is not None:
        raise Refused("wrong_state", "the case is part of another one: reopen that", "case")
    if d.state.talks_of_case(case.id):
        raise Refused("wrong_state", "the case has an open work item already", "case")
    opened = e.CaseChanged(case=case.id, by=d.agent.name, status=CaseStatus.OPEN, reason="reopened")
    _, item, changes = open_case(
        d.state,
        d.ctx,
        number=case.number,
        case=case,
        channel=last.channel,
        kind=talk_kind(last),
        queue=last.queue if last.queue in d.state.queues else next(iter(d.state.queues)),
        customer=party(case, last.customer),
        subject=last.subject,
        address=last.address,
        thread=last.thread,
        reason=f"reopened by {d.agent.name}",
    )
    assigned = e.ItemAssigned(
        item=item.id, agent=d.agent.name, by=d.agent.name, reason=f"reopened by {d.agent.name}"
    )
    changes += [e.Change(opened), e.Change(assigned)]
    return changes, {"item": item.id, "number": case.number}


def tag(d: Desk, cmd: c.TagCase) -> Decision:
    case = d.resolved.case
    if case is None:
        raise Refused("not_found", "there is no such case", "case")
    kept = [t for t in case.tags if t not in cmd.remove]
    tags = tuple(dict.fromkeys((*kept, *cmd.add)))
    if len(tags) > 50:
        raise Refused("bad_frame", "a case can have 50 tags at most", "add")
    if tags == case.tags:
        return [], {"tags": tags}
    changed = e.CaseChanged(case=case.id, by=d.agent.name, tags=tags)
    return [e.Change(changed)], {"tags": tags}


def noted(d: Desk, item: Item, note: Message, before: list[e.Change]) -> list[e.Change]:
    """What the house's rules have follow from a note among ourselves."""
    matter = d.matter(item)
    return heed(matter, of_ours(matter, "note", note), "note", before)


def _with_note(d: Desk, item: Item, text: str) -> list[e.Change]:
    if not text:
        return []
    message, changes = add_message(
        d.ctx,
        d.state.cases[item.case],
        item,
        direction="note",
        author=d.author,
        body=text,
    )
    return changes + noted(d, item, message, changes)


def transferable(d: Desk, cmd: c.Transfer) -> Item:
    """The item, if this agent may pass it on. Raises ``Refused``."""
    item = d.mine(cmd.item, ItemState.ASSIGNED)
    if (cmd.queue is None) == (cmd.agent is None):
        raise Refused("bad_frame", "name either a queue or an agent", "queue")
    queue = cmd.queue or item.queue
    if queue not in d.state.queues:
        raise Refused("not_found", f"there is no queue {queue!r}", "queue")
    return item


def transfer(d: Desk, cmd: c.Transfer) -> Decision:
    item = transferable(d, cmd)
    changes = told(d, item, cmd.misrouted, "transferred") + _with_note(d, item, cmd.note)
    to = cmd.queue or cmd.agent
    queued = e.ItemQueued(
        item=item.id,
        queue=cmd.queue or item.queue,
        reason=f"transferred to {to} by {d.agent.name}",
        restart=cmd.queue is not None,
        given_up_by=d.agent.name,
    )
    changes.append(e.Change(queued))
    if cmd.agent is not None and not d.resolved.away:
        by = d.agent.display_name or d.agent.name
        changes.append(e.Change(direct_offer(d.state, d.ctx, item, cmd.agent, by)))
    return changes, {}


def takes_offer(
    state: NodeState, agent: AgentName, kind: ChannelKind, item: ItemId, own: Cost | None = None
) -> None:
    """Raises ``Refused`` if the agent cannot be offered this item, of that kind, now."""
    profile = profile_of(state, agent)
    status = state.statuses.get(agent)
    if status is None or not status.tabs or status.presence is not Presence.READY:
        raise Refused("busy", f"{agent} takes no work just now; choose a queue", "agent")
    if (closed := state.closed.get(agent)) is not None:
        raise Refused("busy", f"{agent} gets nothing: {why(closed)}; choose a queue", "agent")
    if (kept := state.reserved.get(agent)) is not None and kept.item != item:
        raise Refused("busy", f"{agent} is just being given something; choose a queue", "agent")
    if not has_room(profile, state.in_hand(agent), kind, takes(kind, own)):
        raise Refused("busy", f"{agent} has no capacity left for this; choose a queue", "agent")


def direct_offer(
    state: NodeState, ctx: Context, item: Item, agent: AgentName, by: str
) -> e.OfferMade:
    """An offer that passes the routing by. Raises ``Refused`` as ``takes_offer``."""
    takes_offer(state, agent, item.kind, item.id, cost_here(state.queues, item))
    seconds = offer_seconds(state.queues.get(item.queue), item.kind)
    return e.OfferMade(
        item=item.id,
        offer=Offer(
            id=OfferId(ctx.new_id()),
            agent=agent,
            made_at=ctx.now,
            deadline=ctx.now + timedelta(seconds=seconds),
            reason=f"transferred to you by {by}",
        ),
    )


def wished(
    state: NodeState, ctx: Context, item_id: ItemId, agent: AgentName, by: AgentName
) -> list[e.Change]:
    """An item has come from another node because it is meant for this agent.

    Who takes nothing just now is not offered it: then it waits in its queue like any other.
    """
    item = state.items.get(item_id)
    if item is None or item.state is not ItemState.QUEUED:
        return []
    profile = state.profiles.get(by)
    try:
        name = (profile.display_name if profile else "") or by
        return [e.Change(direct_offer(state, ctx, item, agent, name))]
    except Refused:
        return []


def wrapup(d: Desk, cmd: c.Wrapup) -> Decision:
    item = d.mine(cmd.item, ItemState.WRAPPING, ItemState.ASSIGNED, *PARKED)
    if not allows(item.state, e.ItemCompleted):
        raise Refused("wrong_state", f"an item that is {item.state.value} cannot end", "item")
    refuse_unseen(item)
    refuse_kept_back(item)
    changes = told(d, item, cmd.misrouted, "completed") + _with_note(d, item, cmd.note)
    if item.callback is not None:
        case = d.state.cases[item.case]
        said = [c.event.seq for c in changes if isinstance(c.event, e.MessageAdded)]
        case = replace(case, last_seq=max(said, default=case.last_seq))
        return [*changes, *concluded(d.state, d.ctx, case, item, cmd.code, d.agent.name)], {}
    done = e.ItemCompleted(
        item=item.id,
        agent=d.agent.name,
        code=cmd.code,
        categories=cmd.categories,
        reason=f"closed by {d.agent.name}",
    )
    changes.append(e.Change(done))
    return changes, {}
