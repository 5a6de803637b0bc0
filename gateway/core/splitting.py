"""Messages that are about something else become a case of their own. Pure.

They go there for good, with their ids, so that an answer to one of them finds the new case; where
they stood is kept, with the number of the case that has them now. The new case is that of whoever
wrote the first of them: so a mail that was taken for somebody else's finds its customer.
"""

from collections.abc import Sequence

from msgspec import Struct

from gateway.core import events as e
from gateway.core.errors import Refused
from gateway.core.ids import Context, MessageId, QueueName, TicketNumber
from gateway.core.merging import refuse_empty_handed
from gateway.core.messages import preview_of
from gateway.core.model import (
    ADDRESSED,
    AgentProfile,
    Case,
    ChannelKind,
    CustomerBrief,
    Delivery,
    Item,
    Message,
)
from gateway.core.opening import open_case
from gateway.core.state import NodeState
from gateway.core.ties import CaseLink, MessagePlace

MOST_MESSAGES = 200
MOST_THREAD = 50
_ON_ITS_WAY = (Delivery.QUEUED, Delivery.SENDING)


class Split(Struct, frozen=True, kw_only=True):
    """Who takes ``messages``, in their order, out of ``case``, and why; ``wanted`` were named.

    ``stays``: how many messages are left there. ``last`` is the last work item of the case;
    ``customer`` is who wrote the first of them; ``number`` is for the new case.
    """

    case: Case
    messages: Sequence[Message]
    stays: int
    by: AgentProfile
    reason: str
    number: TicketNumber
    customer: CustomerBrief | None
    last: Item
    queue: QueueName | None = None
    subject: str = ""
    wanted: Sequence[MessageId] = ()


def refuse_split(case: Case, wanted: Sequence[str], found: Sequence[Message], stays: int) -> None:
    """Raises ``Refused`` for messages that cannot make a case."""
    if not wanted:
        raise Refused("bad_field", "say which messages", "messages")
    if {message.id for message in found} != set(wanted):
        raise Refused("not_found", "not all of these messages are in this case", "messages")
    if case.emptied_at is not None:
        raise Refused("wrong_state", "what was said here was removed", "number")
    if case.ties is not None and case.ties.into is not None:
        raise Refused("wrong_state", "the case is part of another one: take that", "number")
    _refuse_kinds(found)
    if stays < 1:
        raise Refused("bad_field", "one message has to stay: else there is no case", "messages")


def _refuse_kinds(found: Sequence[Message]) -> None:
    for message in found:
        if message.direction == "system":
            raise Refused("bad_field", "what the system said stays where it is", "messages")
        if message.kind is ChannelKind.WEBCHAT:
            detail = "a chat stays whole: its customer's window shows it"
            raise Refused("not_allowed", detail, "messages")
        if message.delivery in _ON_ITS_WAY:
            raise Refused("busy", "one of them is just being sent: try again then", "messages")
    if all(message.direction == "note" for message in found):
        raise Refused("bad_field", "choose a message of the customer, or to them", "messages")


def split(state: NodeState, ctx: Context, wish: Split) -> tuple[list[e.Change], Case, Item]:
    """The changes, and the new case and its work item. Raises ``Refused``."""
    case, by = wish.case, wish.by.name
    refuse_empty_handed(wish.by, state.items_of_case(case.id))
    refuse_split(case, wish.wanted, wish.messages, wish.stays)
    queue = wish.queue or wish.last.queue
    if queue not in state.queues:
        raise Refused("not_found", f"there is no queue {queue!r}", "queue")
    words = f"split from #{case.number} by {by}"
    words = f"{words}: {wish.reason}" if wish.reason else words
    first = next((m for m in wish.messages if m.direction == "in"), None)
    head = first or next(m for m in wish.messages if m.direction == "out")
    heard = first is not None
    language = wish.customer.language if wish.customer is not None else ""
    new, item, opened = open_case(
        state,
        ctx,
        number=wish.number,
        channel=head.channel,
        kind=head.kind,
        queue=queue,
        customer=wish.customer,
        subject=wish.subject or head.subject or preview_of(head.body)[:80],
        address=_address(head, wish.last),
        copies=head.cc if heard else (),
        thread=tuple(m.external_id for m in wish.messages if m.external_id)[-MOST_THREAD:],
        language=language or wish.last.language,
        priority=wish.last.priority,
        preview=preview_of(wish.messages[-1].body),
        tags=case.tags,
        reason=words,
        asked=heard,
        last_agent=None,
    )
    places = [
        MessagePlace(message=m.id, case=m.case, seq=m.seq, to=new.id, to_seq=place)
        for place, m in enumerate(wish.messages, 1)
    ]
    taken = e.MessagesSplit(
        case=case.id,
        into=new.id,
        into_number=new.number,
        messages=tuple(m.id for m in wish.messages),
        by=by,
        reason=wish.reason,
    )
    link = CaseLink(
        case=case.id,
        number=case.number,
        how="split_from",
        at=ctx.now,
        by=by,
        reason=wish.reason,
        messages=len(places),
    )
    changes = [
        *opened,
        e.Change(taken, tuple(places)),
        e.Change(e.CaseLinked(case=new.id, number=case.number, link=link)),
        e.Change(e.ItemQueued(item=item.id, queue=queue, reason=words)),
    ]
    return changes, new, item


def _address(head: Message, last: Item) -> str:
    """Where an answer goes: to who wrote it, or to whom it was written."""
    if head.kind not in ADDRESSED:
        return last.address
    if head.direction == "in":
        return head.author.id or last.address
    return head.to[0] if head.to else last.address
