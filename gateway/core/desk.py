"""What an agent's command does: pure decisions, one small function per command.

``decide`` answers with the changes to record and the body of the ``ok`` frame, or raises
``Refused``. Nothing is half done: a refused command changes nothing.
"""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from msgspec import Struct, field

from gateway.core import commands as c
from gateway.core import events as e
from gateway.core.capacity import has_room
from gateway.core.deadlines import withdraw_offers
from gateway.core.errors import Refused
from gateway.core.hands import profile_of
from gateway.core.ids import AgentName, Context, ItemId, OfferId, TicketNumber
from gateway.core.lifecycle import allows
from gateway.core.messages import add_message
from gateway.core.model import (
    AgentProfile,
    Attachment,
    Author,
    Case,
    CaseStatus,
    ChannelKind,
    CustomerBrief,
    Delivery,
    DeliveryUpdate,
    Item,
    ItemState,
    Offer,
    Presence,
)
from gateway.core.opening import open_case
from gateway.core.state import NodeState
from gateway.core.times import offer_seconds

Body = dict[str, Any]
Decision = tuple[list[e.Change], Body]


class Resolved(Struct, frozen=True, kw_only=True):
    """What the desk had to look up before deciding."""

    attachments: tuple[Attachment, ...] = ()
    case: Case | None = None
    last_item: Item | None = None
    customer: CustomerBrief | None = None
    address: str = ""
    number: TicketNumber = TicketNumber(0)


class Desk(Struct, frozen=True, kw_only=True):
    """Who acts, on what, with what at hand."""

    state: NodeState
    agent: AgentProfile
    ctx: Context
    resolved: Resolved = field(default_factory=Resolved)

    def item(self, item: ItemId) -> Item:
        found = self.state.items.get(item)
        if found is None:
            raise Refused("not_found", "there is no such open work item", "item")
        return found

    def mine(self, item: ItemId, *states: ItemState) -> Item:
        """The item, if it is in this agent's hands in one of these states."""
        found = self.item(item)
        holder = found.last_agent if found.state in _PARKED else found.agent
        if holder != self.agent.name:
            raise Refused("not_yours", "this work item is not in your hands", "item")
        if found.state not in states:
            wanted = " or ".join(s.value for s in states)
            raise Refused(
                "wrong_state", f"the item is {found.state.value}; it must be {wanted}", "item"
            )
        return found

    @property
    def author(self) -> Author:
        return Author(
            kind="agent",
            name=self.agent.display_name or self.agent.name,
            id=self.agent.name,
            verified=True,
        )


_COMPOSABLE = frozenset({ChannelKind.EMAIL, ChannelKind.SMS, ChannelKind.WHATSAPP})
_PARKED = (ItemState.HELD, ItemState.SCHEDULED)


def decide(desk: Desk, command: c.Command) -> Decision:
    """What ``command`` does and what it answers. Raises ``Refused``."""
    return _ACTS[type(command)](desk, command)


# -- the agent's own state ------------------------------------------------------------------


def _state(d: Desk, cmd: c.State) -> Decision:
    presence = Presence(cmd.state)
    reason = "" if presence is Presence.READY else cmd.reason or "break"
    changed = e.AgentStateChanged(
        agent=d.agent.name, presence=presence, reason=reason, by=d.agent.name
    )
    changes = [e.Change(changed)]
    if presence is Presence.NOT_READY:
        changes += withdraw_offers(d.state, d.agent.name, "the agent is not ready")
    return changes, {"state": presence.value, "reason": reason}


# -- offers ---------------------------------------------------------------------------------


def _offered(d: Desk, offer: OfferId) -> Item:
    for item in d.state.in_hand(d.agent.name):
        if item.offer is not None and item.offer.id == offer:
            return item
    raise Refused(
        "offer_gone", "this offer was answered, withdrawn or has passed its deadline", "offer"
    )


def _accept(d: Desk, cmd: c.Accept) -> Decision:
    item = _offered(d, cmd.offer)
    if item.offer is not None and d.ctx.now > item.offer.deadline:
        raise Refused("offer_gone", "the offer's deadline has passed", "offer")
    accepted = e.OfferAccepted(item=item.id, offer=cmd.offer, agent=d.agent.name)
    return [e.Change(accepted)], {"item": item.id}


def _decline(d: Desk, cmd: c.Decline) -> Decision:
    item = _offered(d, cmd.offer)
    declined = e.OfferDeclined(
        item=item.id, offer=cmd.offer, agent=d.agent.name, reason=cmd.reason
    )
    return [e.Change(declined)], {"item": item.id}


def _take(d: Desk, cmd: c.Take) -> Decision:
    item = d.item(cmd.item)
    queue = d.state.queues.get(item.queue)
    if queue is None or not queue.take_allowed:
        raise Refused("not_allowed", f"queue {item.queue!r} hands out its items itself", "item")
    if item.state is not ItemState.QUEUED:
        raise Refused("wrong_state", f"the item is {item.state.value}, not queued", "item")
    if not has_room(d.agent, d.state.in_hand(d.agent.name), item.kind):
        raise Refused("busy", "you have no capacity left for this kind of item", "item")
    taken = e.ItemAssigned(
        item=item.id, agent=d.agent.name, by=d.agent.name, reason=f"taken by {d.agent.name}"
    )
    return [e.Change(taken)], {"item": item.id}


# -- saying something -----------------------------------------------------------------------


def _send(d: Desk, cmd: c.Send) -> Decision:
    item = d.mine(cmd.item, ItemState.ASSIGNED, ItemState.WRAPPING)
    if item.kind is ChannelKind.EMAIL and not (cmd.to or item.address):
        raise Refused("bad_address", "there is no address to answer to; give one", "to")
    case = d.state.cases[item.case]
    message, changes = add_message(
        d.ctx,
        case,
        item,
        direction="out",
        author=d.author,
        body=cmd.body,
        html=cmd.html,
        subject=cmd.subject if cmd.subject is not None else item.subject,
        to=cmd.to if cmd.to is not None else tuple(filter(None, (item.address,))),
        cc=cmd.cc if cmd.cc is not None else (),
        attachments=d.resolved.attachments,
    )
    if cmd.then == "wait" and item.state is ItemState.ASSIGNED:
        changes += _park_changes(d, item, None)
    elif cmd.then == "close":
        changes += _close_changes(d, item)
    return changes, {"message": message.id, "seq": message.seq}


def _close_changes(d: Desk, item: Item) -> list[e.Change]:
    queue = d.state.queues.get(item.queue)
    if queue is not None and not queue.wrapup_required:
        done = e.ItemCompleted(item=item.id, agent=d.agent.name, reason="answered and closed")
        return [e.Change(done)]
    if item.state is ItemState.WRAPPING:
        return []
    return [e.Change(e.WrapUpStarted(item=item.id, agent=d.agent.name, reason="answered"))]


def _note(d: Desk, cmd: c.Note) -> Decision:
    item = d.mine(cmd.item, ItemState.ASSIGNED, ItemState.WRAPPING, *_PARKED)
    message, changes = add_message(
        d.ctx,
        d.state.cases[item.case],
        item,
        direction="note",
        author=d.author,
        body=cmd.body,
    )
    return changes, {"message": message.id, "seq": message.seq}


def _read(d: Desk, cmd: c.Read) -> Decision:
    item = d.mine(cmd.item, ItemState.ASSIGNED, ItemState.WRAPPING, *_PARKED)
    return [
        e.Change(
            e.DeliveryChanged(
                message=cmd.message, case=item.case, item=item.id, state=Delivery.READ
            ),
            (DeliveryUpdate(message=cmd.message, delivery=Delivery.READ),),
        )
    ], {}


def _compose(d: Desk, cmd: c.Compose) -> Decision:
    kind = d.state.channels.get(cmd.channel)
    if kind is None:
        raise Refused("not_found", f"there is no channel {cmd.channel!r}", "channel")
    if kind not in _COMPOSABLE:
        raise Refused("not_allowed", f"a {kind.value} cannot be started from here", "channel")
    address = cmd.to or d.resolved.address
    if not address:
        raise Refused("bad_address", "say to whom: `to`, or a customer with an address", "to")
    if cmd.queue is not None and cmd.queue not in d.state.queues:
        raise Refused("not_found", f"there is no queue {cmd.queue!r}", "queue")
    case, item, changes = open_case(
        d.state,
        d.ctx,
        number=d.resolved.number,
        channel=cmd.channel,
        kind=kind,
        queue=cmd.queue or next(iter(d.state.queues)),
        customer=d.resolved.customer,
        subject=cmd.subject,
        address=address,
        reason=f"composed by {d.agent.name}",
    )
    assigned = e.ItemAssigned(
        item=item.id, agent=d.agent.name, by=d.agent.name, reason=f"composed by {d.agent.name}"
    )
    changes.append(e.Change(assigned))
    message, added = add_message(
        d.ctx,
        case,
        item,
        direction="out",
        author=d.author,
        body=cmd.body,
        subject=cmd.subject,
        to=(address,),
    )
    body = {"case": case.id, "item": item.id, "number": case.number, "message": message.id}
    return changes + added, body


# -- moving work ----------------------------------------------------------------------------


def _park_changes(d: Desk, item: Item, until: Any) -> list[e.Change]:
    changes = [
        e.Change(e.ItemHeld(item=item.id, reason="waiting for the customer", until=until))
    ]
    if d.state.cases[item.case].status is CaseStatus.OPEN:
        waits = e.CaseChanged(case=item.case, by=d.agent.name, status=CaseStatus.WAITING)
        changes.append(e.Change(waits))
    return changes


def _park(d: Desk, cmd: c.Park) -> Decision:
    item = d.mine(cmd.item, ItemState.ASSIGNED)
    if cmd.until is not None and cmd.until <= d.ctx.now:
        raise Refused("bad_frame", "the time to wake up lies in the past", "until")
    return _park_changes(d, item, cmd.until), {}


def _resume(d: Desk, cmd: c.Resume) -> Decision:
    item = d.mine(cmd.item, *_PARKED, ItemState.WRAPPING)
    resumed = e.ItemAssigned(
        item=item.id, agent=d.agent.name, by=d.agent.name, reason="resumed by its agent"
    )
    changes = [e.Change(resumed)]
    if d.state.cases[item.case].status is not CaseStatus.OPEN:
        opened = e.CaseChanged(case=item.case, by=d.agent.name, status=CaseStatus.OPEN)
        changes.append(e.Change(opened))
    return changes, {"item": item.id}


def _reopen(d: Desk, cmd: c.Reopen) -> Decision:
    case, last = d.resolved.case, d.resolved.last_item
    if case is None or last is None:
        raise Refused("not_found", "there is no such case", "case")
    if d.state.items_of_case(case.id):
        raise Refused("wrong_state", "the case has an open work item already", "case")
    opened = e.CaseChanged(
        case=case.id, by=d.agent.name, status=CaseStatus.OPEN, reason="reopened"
    )
    _, item, changes = open_case(
        d.state,
        d.ctx,
        number=case.number,
        case=case,
        channel=last.channel,
        kind=last.kind,
        queue=last.queue,
        customer=case.customer,
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


def _tag(d: Desk, cmd: c.TagCase) -> Decision:
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


def _transfer(d: Desk, cmd: c.Transfer) -> Decision:
    item = d.mine(cmd.item, ItemState.ASSIGNED)
    if (cmd.queue is None) == (cmd.agent is None):
        raise Refused("bad_frame", "name either a queue or an agent", "queue")
    changes: list[e.Change] = []
    if cmd.note:
        _, changes = add_message(
            d.ctx,
            d.state.cases[item.case],
            item,
            direction="note",
            author=d.author,
            body=cmd.note,
        )
    queue = cmd.queue or item.queue
    if queue not in d.state.queues:
        raise Refused("not_found", f"there is no queue {queue!r}", "queue")
    to = cmd.queue or cmd.agent
    queued = e.ItemQueued(
        item=item.id,
        queue=queue,
        reason=f"transferred to {to} by {d.agent.name}",
        restart=cmd.queue is not None,
    )
    changes.append(e.Change(queued))
    if cmd.agent is not None:
        changes.append(e.Change(_direct_offer(d, item, cmd.agent)))
    return changes, {}


def _direct_offer(d: Desk, item: Item, agent: AgentName) -> e.OfferMade:
    profile = profile_of(d.state, agent)
    status = d.state.statuses.get(agent)
    if status is None or not status.tabs or status.presence is not Presence.READY:
        raise Refused("busy", f"{agent} takes no work just now; choose a queue", "agent")
    if not has_room(profile, d.state.in_hand(agent), item.kind):
        raise Refused("busy", f"{agent} has no capacity left for this; choose a queue", "agent")
    seconds = offer_seconds(d.state.queues.get(item.queue), item.kind)
    return e.OfferMade(
        item=item.id,
        offer=Offer(
            id=OfferId(d.ctx.new_id()),
            agent=agent,
            made_at=d.ctx.now,
            deadline=d.ctx.now + timedelta(seconds=seconds),
            reason=f"transferred to you by {d.agent.display_name or d.agent.name}",
        ),
    )


def _wrapup(d: Desk, cmd: c.Wrapup) -> Decision:
    item = d.mine(cmd.item, ItemState.WRAPPING, ItemState.ASSIGNED, *_PARKED)
    if not allows(item.state, e.ItemCompleted):
        raise Refused("wrong_state", f"an item that is {item.state.value} cannot end", "item")
    changes: list[e.Change] = []
    if cmd.note:
        _, changes = add_message(
            d.ctx,
            d.state.cases[item.case],
            item,
            direction="note",
            author=d.author,
            body=cmd.note,
        )
    done = e.ItemCompleted(
        item=item.id,
        agent=d.agent.name,
        code=cmd.code,
        categories=cmd.categories,
        reason=f"closed by {d.agent.name}",
    )
    changes.append(e.Change(done))
    return changes, {}


_ACTS: dict[type[Any], Callable[[Desk, Any], Decision]] = {
    c.State: _state,
    c.Accept: _accept,
    c.Decline: _decline,
    c.Take: _take,
    c.Send: _send,
    c.Note: _note,
    c.Read: _read,
    c.Compose: _compose,
    c.Park: _park,
    c.Resume: _resume,
    c.Reopen: _reopen,
    c.TagCase: _tag,
    c.Transfer: _transfer,
    c.Wrapup: _wrapup,
}
