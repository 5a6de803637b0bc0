"""What was looked up for an inbound, and how the decision about it ends. See ``core.intake``."""

from msgspec import Struct, field

from gateway.core import events as e
from gateway.core.arrival import Past
from gateway.core.bounces import Report
from gateway.core.correlate import Candidates
from gateway.core.ids import QueueName, TicketNumber
from gateway.core.inbound import Decided
from gateway.core.model import Attachment, CustomerBrief, InboundDone, Item, Message


class Known(Struct, frozen=True, kw_only=True):
    """What was looked up for an inbound; ``last`` is the newest item of the case it may join.

    ``amended`` is the message that the sender has second thoughts about.
    """

    inbound_id: str
    number: TicketNumber
    default_queue: QueueName
    customer: CustomerBrief | None = None
    found: Candidates = field(default_factory=Candidates)
    attachments: tuple[Attachment, ...] = ()
    report: Report | None = None
    past: Past = Past()
    last: Item | None = None
    amended: Message | None = None


Outcome = tuple[list[e.Change], Decided]


def finish(known: Known, decided: Decided, changes: list[e.Change] | None = None) -> Outcome:
    """With the inbox row's end."""
    done = InboundDone(
        id=known.inbound_id,
        status=decided.status,
        case=decided.case,
        item=decided.item,
        number=decided.number,
        message=decided.message,
        seq=decided.seq,
        reason=decided.reason,
    )
    event = e.InboundDecided(
        inbound=known.inbound_id,
        status=decided.status,
        case=decided.case,
        reason=decided.reason,
    )
    return [*(changes or []), e.Change(event, (done,))], decided
