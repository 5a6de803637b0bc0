"""Saying something: answers, notes, and cases that an agent begins."""

from typing import Any

from msgspec.structs import replace

from gateway.core import commands as c
from gateway.core import events as e
from gateway.core.desk.hand import PARKED, Decision, Desk
from gateway.core.desk.moves import noted, park_changes
from gateway.core.effects import Matter
from gateway.core.errors import Refused
from gateway.core.ids import ChannelName
from gateway.core.inline import placed
from gateway.core.messages import add_message
from gateway.core.model import (
    ADDRESSED,
    TEXTED,
    ChannelKind,
    Delivery,
    DeliveryUpdate,
    Item,
    ItemState,
    Message,
)
from gateway.core.opening import open_case
from gateway.core.quoting import quotable
from gateway.core.reaching import answering, unwritable
from gateway.core.recipients import ours
from gateway.core.replies import Reply, Spoken, refuse_unseen, speak
from gateway.core.state import NodeState
from gateway.core.stopping import refuse_stopped
from gateway.core.texts import number_of

_COMPOSABLE = ADDRESSED - {ChannelKind.TELEGRAM}
"""Where somebody can be written to who has not written to us."""


def send(d: Desk, cmd: c.Send) -> Decision:
    item = answering(d.mine(cmd.item, ItemState.ASSIGNED, ItemState.WRAPPING))
    if cmd.via is not None and cmd.via != item.channel:
        item = _elsewhere(d, item, cmd.via, cmd.to)
    if unwritable(item):
        raise Refused("not_allowed", "nothing can be written here: call the number", "item")
    to = cmd.to if cmd.to is not None else tuple(filter(None, (item.address,)))
    if item.kind in ADDRESSED and not (to and all(to)):
        raise Refused("bad_address", "there is no address to answer to; give one", "to")
    refuse_stopped(d.state, item.kind, to)
    # Who takes part stays copied, unless the agent says otherwise.
    cc = cmd.cc if cmd.cc is not None else item.copies if cmd.to is None else ()
    cc = tuple(address for address in cc if ours(d.state, address) is None)
    reply = Reply(
        body=cmd.body,
        html=d.resolved.html,
        subject=cmd.subject if cmd.subject is not None else item.subject,
        to=to,
        cc=cc,
        copies=cc if cmd.cc is not None else None,
        attachments=placed(d.resolved.html, d.resolved.attachments),
        client_id=cmd.id,
        quoted=_quoted(d, cmd),
    )
    spoken = speak(d.matter(item), reply, d.author, cmd.then)
    changes, message = spoken.changes, spoken.message
    if not spoken.held and cmd.then == "wait" and item.state is ItemState.ASSIGNED:
        changes += park_changes(d, item, None)
    elif not spoken.held and cmd.then == "close":
        refuse_unseen(item)
        changes += _close_changes(d, item)
    return changes, _answer(spoken, message=message.id, seq=message.seq)


def _elsewhere(d: Desk, item: Item, via: ChannelName, to: tuple[str, ...] | None) -> Item:
    """The item as this one answer leaves: by another channel of the same customer."""
    kind = d.state.channels.get(via)
    if kind is None:
        raise Refused("not_found", f"there is no channel {via!r}", "via")
    if kind not in ADDRESSED:
        raise Refused("not_allowed", f"nothing can be begun in a {kind.value}", "via")
    address = to[0] if to else d.resolved.address
    if not address:
        raise Refused("bad_address", "the customer has no address there; give one", "via")
    return replace(item, channel=via, kind=kind, address=address, thread=(), copies=())


def _quoted(d: Desk, cmd: c.Send) -> Message | None:
    """What was looked up is a message that the case shows, whichever it was written to."""
    if cmd.quote is None:
        return None
    message = d.resolved.message
    if message is None or not quotable(message):
        raise Refused("not_found", "there is no such mail in this case", "quote")
    return message


def _answer(spoken: Spoken, **body: Any) -> dict[str, Any]:
    return body | ({"held": spoken.held} if spoken.held else {})


def _close_changes(d: Desk, item: Item) -> list[e.Change]:
    queue = d.state.queues.get(item.queue)
    if queue is not None and not queue.wrapup_required and item.callback is None:
        done = e.ItemCompleted(item=item.id, agent=d.agent.name, reason="answered and closed")
        return [e.Change(done)]
    if item.state is ItemState.WRAPPING:
        return []
    return [e.Change(e.WrapUpStarted(item=item.id, agent=d.agent.name, reason="answered"))]


def note(d: Desk, cmd: c.Note) -> Decision:
    item = d.mine(cmd.item, ItemState.ASSIGNED, ItemState.WRAPPING, *PARKED)
    message, changes = add_message(
        d.ctx,
        d.state.cases[item.case],
        item,
        direction="note",
        author=d.author,
        body=cmd.body,
        client_id=cmd.id,
    )
    changes += noted(d, item, message, changes)
    return changes, {"message": message.id, "seq": message.seq}


def read(d: Desk, cmd: c.Read) -> Decision:
    item = d.mine(cmd.item, ItemState.ASSIGNED, ItemState.WRAPPING, *PARKED)
    message = d.resolved.message
    if message is None or message.case != item.case:
        raise Refused("not_found", "there is no such message in this case", "message")
    if message.direction != "in" or message.delivery is Delivery.READ:
        return [], {}
    changed = e.DeliveryChanged(
        message=message.id, case=item.case, item=item.id, state=Delivery.READ
    )
    return [e.Change(changed, (DeliveryUpdate(message=message.id, delivery=Delivery.READ),))], {}


def composable(state: NodeState, cmd: c.Compose) -> ChannelKind:
    """What kind of message it would be. Raises ``Refused`` if none can be begun so."""
    kind = state.channels.get(cmd.channel)
    if kind is None:
        raise Refused("not_found", f"there is no channel {cmd.channel!r}", "channel")
    if kind not in _COMPOSABLE:
        raise Refused("not_allowed", f"a {kind.value} cannot be started from here", "channel")
    if cmd.queue is not None and cmd.queue not in state.queues:
        raise Refused("not_found", f"there is no queue {cmd.queue!r}", "queue")
    return kind


def compose(d: Desk, cmd: c.Compose) -> Decision:
    kind = composable(d.state, cmd)
    address = cmd.to or d.resolved.address
    if not address:
        raise Refused("bad_address", "say to whom: `to`, or a customer with an address", "to")
    if kind in TEXTED:
        address = number_of(address)
        refuse_stopped(d.state, kind, (address,))
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
    item = replace(item, state=ItemState.ASSIGNED, agent=d.agent.name, last_agent=d.agent.name)
    reply = Reply(body=cmd.body, subject=cmd.subject, to=(address,), client_id=cmd.id)
    spoken = speak(Matter(d.state, d.ctx, case, item), reply, d.author)
    body = {"case": case.id, "item": item.id, "number": case.number, "message": spoken.message.id}
    return changes + spoken.changes, _answer(spoken, **body)
