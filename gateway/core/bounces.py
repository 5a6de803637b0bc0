"""Delivery reports (RFC 3464) about a message of ours: what they say of it, and who is told.

A report is a machine's word about our message, no word of the customer's: it joins the case as a
note, leaves alone where answers go, and is never answered. A message that came back marks itself
as failed, with the reason. Whoever wrote it believes that the customer has it, so the case goes
back to work: its open item is woken, or a new one made for the last agent. That is done once for
a message, however many reports come, and never for a message that no person wrote.
"""

import re
from collections.abc import Sequence

from msgspec import Struct

from gateway.core import events as e
from gateway.core.bad_addresses import BadAddress, is_hard, key_of_address, why
from gateway.core.ids import Context, MessageId, QueueName
from gateway.core.inbound import Inbound
from gateway.core.messages import preview_of
from gateway.core.model import (
    TEXTED,
    Attachment,
    Author,
    Case,
    CaseStatus,
    ChannelKind,
    Delivery,
    DeliveryUpdate,
    Item,
    Message,
    OutboundState,
)
from gateway.core.opening import open_case
from gateway.core.parties import party
from gateway.core.silence import bare
from gateway.core.state import NodeState
from gateway.core.stopping import stopped
from gateway.core.waking import wake

MAX_REASON = 1_000
_OURS = re.compile(r"<?([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})@[^>]*>?", re.IGNORECASE)
_WAY = (Delivery.QUEUED, Delivery.SENDING, Delivery.SENT)
"""A message that has not arrived yet, as far as we know."""


class Report(Struct, frozen=True, kw_only=True):
    """A delivery report on ``message``, in ``case``; ``last`` is the newest item of that case."""

    message: Message
    case: Case
    last: Item | None = None


def reported_id(inbound: Inbound) -> MessageId | None:
    """Our message that an inbound reports on; ``None`` if it is no report, or on something else."""
    if not inbound.attributes.get("bounce_action") or not inbound.references:
        return None
    found = _OURS.fullmatch(inbound.references[0])
    return MessageId(found[1].lower()) if found else None


def heed(
    state: NodeState,
    ctx: Context,
    inbound: Inbound,
    report: Report,
    attachments: Sequence[Attachment],
    default_queue: QueueName,
) -> tuple[list[e.Change], Message | None, Item | None, str]:
    """The changes, the note and the item back at work, if there are any, and the reason."""
    if report.message.kind in TEXTED:
        return _of_text(state, ctx, inbound, report, default_queue)
    message, said = report.message, str(inbound.attributes.get("bounce_reason") or "")
    match inbound.attributes["bounce_action"]:
        case "failed":
            return _failed(state, ctx, inbound, report, tuple(attachments), default_queue)
        case "delayed" if message.delivery in _WAY:
            late = f"not delivered yet: {said}"[:MAX_REASON]
            return _changed(message, Delivery.SENT, late), None, None, "a report of delay"
        case "delivered" if message.delivery in _WAY:
            works = addresses_work(state, _whom(inbound, message), "a report of delivery")
            changes = [*_changed(message, Delivery.DELIVERED, ""), *works]
            return changes, None, None, "a report of delivery"
        case other:
            return [], None, None, f"a report that changes nothing: {other}"


def _of_text(
    state: NodeState, ctx: Context, inbound: Inbound, report: Report, default_queue: QueueName
) -> tuple[list[e.Change], Message | None, Item | None, str]:
    """What a provider says of a text: it has it, whatever became of our attempt.

    Reports may come in any order, and before the answer to the attempt.
    """
    message, action = report.message, inbound.attributes["bounce_action"]
    settled = _settled(state, message, inbound.external_id)
    if action == "delivered" and message.delivery in _WAY:
        return [*settled, *_changed(message, Delivery.DELIVERED, "")], None, None, "it arrived"
    if action == "read" and message.delivery in (*_WAY, Delivery.DELIVERED):
        return [*settled, *_changed(message, Delivery.READ, "")], None, None, "it was read"
    if action == "failed" and message.delivery in _WAY:
        changes, note, item, why = _failed(state, ctx, inbound, report, (), default_queue)
        if inbound.attributes.get("opted_out") and message.to:
            changes += stopped(state, message.kind, message.to[0], "STOP", ctx.now)
        return [*settled, *changes], note, item, why
    if settled:
        settled += _changed(message, Delivery.SENT, "")
    return settled, None, None, f"a report that changes nothing: {action}"


def _settled(state: NodeState, message: Message, external_id: str) -> list[e.Change]:
    """The order, where we did not know yet whether it had gone out."""
    return [
        e.Change(e.OutboundSettled(outbound=one.id, state=OutboundState.SENT, receipt=external_id))
        for one in state.outbox.values()
        if one.message == message.id and (one.unsettled or one.state is OutboundState.ATTEMPTING)
    ]


def _failed(
    state: NodeState,
    ctx: Context,
    inbound: Inbound,
    report: Report,
    attachments: tuple[Attachment, ...],
    default_queue: QueueName,
) -> tuple[list[e.Change], Message | None, Item | None, str]:
    message, case = report.message, report.case
    said = str(inbound.attributes.get("bounce_reason") or "no reason given")
    again = message.delivery is Delivery.FAILED
    if again and said in message.delivery_reason:
        return [], None, None, "a report that is known already"
    told = f"{message.delivery_reason}; {said}" if again else said
    changes = _changed(message, Delivery.FAILED, told[:MAX_REASON])
    item = _open_item(state, report)
    woken: list[e.Change] = []
    if not again and message.author.kind == "agent":
        if item is None:
            item, made = _new_item(state, ctx, report, default_queue)
            changes += made
        woken = _wake(item, case, f"the answer could not be delivered: {said}")
    note, noted = _note(ctx, inbound, report, item, said, attachments)
    mail = message.kind is ChannelKind.EMAIL
    marked = failed_for_good(_whom(inbound, message), said, item, ctx) if mail else []
    return (
        [*changes, noted, *woken, *marked],
        note,
        item if woken else None,
        "our message came back",
    )


def _whom(inbound: Inbound, message: Message) -> str:
    """The address that the report is about, if we wrote there; empty: nobody knows."""
    said = bare(str(inbound.attributes.get("bounce_recipient") or ""))
    known = {bare(one) for one in (*message.to, *message.cc)}
    if said in known:
        return said
    return known.pop() if len(known) == 1 else ""


def failed_for_good(address: str, said: str, item: Item | None, ctx: Context) -> list[e.Change]:
    """The address is marked, if that is what the server says."""
    if not address or not is_hard(said):
        return []
    bad = BadAddress(name=key_of_address(address), since=ctx.now, reason=why(said))
    own = item is not None and bare(item.address) == bare(address)
    failed = e.AddressFailed(address=bad, item=item.id if item is not None and own else None)
    return [e.Change(failed)]


def addresses_work(
    state: NodeState, address: str, reason: str, item: Item | None = None, by: str = "system"
) -> list[e.Change]:
    """It is marked no more, if it was; nor is the work that is to be answered there, ``item`` too.

    Looked for among all of it: it is rare that an address comes back to life.
    """
    name, whose = key_of_address(address), bare(address)
    if not address or name not in state.bad_addresses:
        return []
    marked = [one.id for one in state.items.values() if one.undeliverable]
    marked = [one for one in marked if bare(state.items[one].address) == whose]
    about = dict.fromkeys([*marked, *([item.id] if item is not None else [])]) or [None]
    return [e.Change(e.AddressWorks(address=name, by=by, reason=reason, item=one)) for one in about]


def written_from(state: NodeState, inbound: Inbound, item: Item) -> list[e.Change]:
    """A person's mail came from an address: it works."""
    if inbound.kind is not ChannelKind.EMAIL or inbound.machine:
        return []
    return addresses_work(state, inbound.address, "a mail came from there", item)


def _changed(message: Message, delivery: Delivery, why: str) -> list[e.Change]:
    changed = e.DeliveryChanged(
        message=message.id, case=message.case, item=message.item, state=delivery, reason=why
    )
    update = DeliveryUpdate(message=message.id, delivery=delivery, reason=why)
    return [e.Change(changed, (update,))]


def _open_item(state: NodeState, report: Report) -> Item | None:
    """The item that the message was written on, if it is still open, else the case's newest.

    The message may be of a case that is part of ``report.case`` by now.
    """
    items = state.items_of_case(report.case.id)
    same = [item for item in items if item.id == report.message.item]
    found = same or state.talks_of_case(report.case.id)
    return found[-1] if found else None


def _new_item(
    state: NodeState, ctx: Context, report: Report, default_queue: QueueName
) -> tuple[Item, list[e.Change]]:
    """Work in a case that has none: as the last item was, addressed as the message was."""
    message, case, last = report.message, report.case, report.last
    queue = last.queue if last is not None and last.queue in state.queues else default_queue
    _, item, changes = open_case(
        state,
        ctx,
        number=case.number,
        case=case,
        channel=message.channel,
        kind=message.kind,
        queue=queue,
        customer=party(case, last.customer if last is not None else None),
        subject=(last.subject if last else "") or case.subject,
        address=message.to[0] if message.to else "",
        copies=message.cc,
        thread=last.thread if last else (),
        language=last.language if last else "",
        skills=dict(last.requirement.skills) if last else None,
        priority=last.priority if last else 0,
        preview=preview_of(message.body),
        reason="our answer came back",
    )
    return item, changes


def _wake(item: Item, case: Case, why: str) -> list[e.Change]:
    changes = wake(item, case, why)
    if case.status is CaseStatus.CLOSED:
        opened = e.CaseChanged(case=case.id, by="system", status=CaseStatus.OPEN, reason=why)
        changes.append(e.Change(opened))
    return changes


def _note(
    ctx: Context,
    inbound: Inbound,
    report: Report,
    item: Item | None,
    said: str,
    attachments: tuple[Attachment, ...],
) -> tuple[Message, e.Change]:
    """The report itself, where the agents of the case read it and customers do not."""
    message, case = report.message, report.case
    note = Message(
        id=MessageId(ctx.new_id()),
        case=case.id,
        seq=case.last_seq + 1,
        direction="note",
        author=Author(kind="system"),
        at=inbound.at,
        channel=message.channel,
        kind=message.kind,
        item=item.id if item else message.item,
        body=f"Not delivered: {said}\n\n{inbound.body}".strip(),
        subject=inbound.subject,
        attachments=attachments,
        external_id=inbound.external_id,
    )
    added = e.MessageAdded(
        message=note.id,
        case=case.id,
        seq=note.seq,
        direction="note",
        item=note.item,
        customer=case.customer.id if case.customer else None,
        preview=preview_of(note.body),
        reason=f"a delivery report about {message.id}",
    )
    return note, e.Change(added, (note,))
