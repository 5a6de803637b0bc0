"""Adding a message to a case, and queueing it for the outside where it must go there."""

from collections.abc import Iterable
from datetime import timedelta
from typing import Literal

from msgspec import UNSET
from msgspec.structs import replace

from gateway.core import events as e
from gateway.core.following import link_for, linked, unlinked
from gateway.core.ids import ChannelName, Context, MessageId, OutboundId, TicketNumber
from gateway.core.model import (
    ADDRESSED,
    Attachment,
    Author,
    Case,
    ChannelKind,
    Delivery,
    Item,
    Message,
    OutboundState,
    Outgoing,
)
from gateway.core.times import OUTBOUND_EXPIRES_SECONDS

PREVIEW = 140
_BY_OUTBOX = ADDRESSED | {ChannelKind.TASK}


def preview_of(text: str, files: Iterable[Attachment] = ()) -> str:
    """The first words, on one line; without any, the names of the files."""
    line = " ".join(text.split()) or " ".join(f"📎 {file.name}" for file in files)
    return line if len(line) <= PREVIEW else line[: PREVIEW - 1].rstrip() + "…"


def left_behind(message: Message, moved_to: int | None) -> Message:
    """What stands in a case in place of a message that is in another one now."""
    if moved_to is None:
        return message
    return replace(
        message,
        body="",
        html=None,
        subject="",
        to=(),
        cc=(),
        attachments=(),
        delivery=None,
        external_id="",
        fold_from=0,
        quick_replies=UNSET,
        signs=UNSET,
        moved_to=TicketNumber(moved_to),
    )


def add_message(
    ctx: Context,
    case: Case,
    item: Item,
    *,
    direction: Literal["out", "note", "system"],
    author: Author,
    body: str,
    html: str | None = None,
    subject: str = "",
    to: tuple[str, ...] = (),
    cc: tuple[str, ...] = (),
    copies: tuple[str, ...] | None = None,
    attachments: tuple[Attachment, ...] = (),
    client_id: str = "",
    automatic: bool = False,
    quick_replies: tuple[str, ...] = (),
    fold_from: int = 0,
) -> tuple[Message, list[e.Change]]:
    """Something said from our side; an outgoing one is queued for its channel.

    A chat needs no outbox: its visitors follow the journal by ``seq``, so the message is
    theirs once committed. So is the answer to a task whose filer named no callback.
    ``client_id`` is the command's: a desktop knows its own words by it when they come back.
    ``{ticket_url}`` in what goes out is the address of the customer's own page, if nobody else
    reads it.
    ``automatic``: no person wrote it, so it is no reply to anybody. ``quick_replies`` are shown
    where there is something to press; elsewhere they must stand in ``body``. ``copies`` are
    whom answers on the item are copied to from now on.
    """
    if direction == "out":
        link = link_for(ctx, case, item, to, cc)
        body, html = linked(body, link), html and linked(html, link, html=True)
        if not link and (to or cc):
            body, html = unlinked(ctx, case, body), html and unlinked(ctx, case, html)
    by_outbox = direction == "out" and item.kind in _BY_OUTBOX and bool(to)
    delivery = None
    if direction == "out":
        delivery = Delivery.QUEUED if by_outbox else Delivery.SENT
    message = Message(
        id=MessageId(ctx.new_id()),
        case=case.id,
        seq=case.last_seq + 1,
        direction=direction,
        author=author,
        at=ctx.now,
        channel=item.channel,
        kind=item.kind,
        item=item.id,
        body=body,
        html=html,
        subject=subject,
        to=to,
        cc=cc,
        attachments=attachments,
        delivery=delivery,
        client_id=client_id,
        fold_from=fold_from,
        quick_replies=quick_replies or UNSET,
    )
    added = e.MessageAdded(
        message=message.id,
        case=case.id,
        seq=message.seq,
        direction=direction,
        item=item.id,
        customer=case.customer.id if case.customer else None,
        preview=preview_of(body),
        automatic=automatic,
        copies=copies,
    )
    changes = [e.Change(added, (message,))]
    if by_outbox:
        changes.append(e.Change(e.OutboundQueued(outbound=_outgoing(ctx, case, item, message))))
    return message, changes


def outgoing_of(ctx: Context, channel: ChannelName, kind: ChannelKind, address: str) -> Outgoing:
    """An order for the outbox that is about no message of a case."""
    return Outgoing(
        id=OutboundId(ctx.new_id()),
        channel=channel,
        kind=kind,
        purpose="message",
        state=OutboundState.PENDING,
        version=1,
        created_at=ctx.now,
        next_at=ctx.now,
        expires_at=ctx.now + timedelta(seconds=OUTBOUND_EXPIRES_SECONDS),
        address=address,
    )


def _outgoing(ctx: Context, case: Case, item: Item, message: Message) -> Outgoing:
    return replace(
        outgoing_of(ctx, item.channel, item.kind, message.to[0]),
        case=case.id,
        number=case.number,
        item=item.id,
        message=message.id,
        thread=item.thread,
    )
