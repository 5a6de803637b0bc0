"""What a customer is answered who comes while a queue is closed. Pure."""

from datetime import datetime

from gateway.core import events as e
from gateway.core.calendars import Calendar, zone_of
from gateway.core.errors import Refused
from gateway.core.ids import Context, QueueName
from gateway.core.messages import add_message
from gateway.core.model import Author, Case, ChannelKind, Item
from gateway.core.reaching import nearest as nearest
from gateway.core.silence import why_silent, withheld
from gateway.core.state import NodeState

OPENS = "{opens}"
"""Where the text says when it opens again, as date and time there."""


def closed_reply(
    state: NodeState, queue: QueueName, kind: ChannelKind, language: str, now: datetime
) -> str:
    """The text in the nearest language there is (RFC 4647 §3.4 lookup); empty: open, or none."""
    known = state.queues.get(queue)
    calendar = state.timetable.calendars.get(known.hours) if known and known.hours else None
    if calendar is None or not (texts := calendar.closed_replies.get(kind.value)):
        return ""
    hours = state.timetable.hours(calendar.name)
    if hours.is_open(now):
        return ""
    text = nearest(texts, language)
    return text.replace(OPENS, _opens(calendar, hours.next_change(now))) if text else ""


def _opens(calendar: Calendar, at: datetime | None) -> str:
    if at is None:
        return "–"
    try:
        local = at.astimezone(zone_of(calendar.zone))
    except Refused:
        local = at
    return f"{local:%Y-%m-%d %H:%M}"


def reply_while_closed(
    state: NodeState, ctx: Context, case: Case, item: Item, *, language: str
) -> list[e.Change]:
    """The answer to a contact that has just begun: once, and not to who waits here already."""
    text = closed_reply(state, item.queue, item.kind, language, ctx.now)
    if not text:
        return []
    if item.customer is not None and any(
        other.channel == item.channel and other.id != item.id
        for other in state.items_of_customer(item.customer.id)
    ):
        return []
    if why := why_silent(state, case, item, ctx.now):
        return withheld(item, "closed reply", why)
    _, changes = add_message(
        ctx,
        case,
        item,
        direction="out",
        author=Author(kind="system"),
        body=text,
        subject=item.subject,
        to=(item.address,) if item.address else (),
        automatic=True,
    )
    return changes
