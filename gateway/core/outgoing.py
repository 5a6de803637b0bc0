"""What must reach the outside, and how far it has come. ``core.model`` names these again."""

from datetime import datetime
from typing import Literal

from msgspec import field

from gateway.core.ids import CaseId, ChannelName, ItemId, MessageId, OutboundId, TicketNumber
from gateway.core.value import Attributes, ChannelKind, Kept, Word


class OutboundState(Word):
    """How far one outgoing delivery has come.

    ``attempting`` is journaled before the outside is touched; found after a restart it means
    that the outcome of that attempt is unknown (unsettled). ``dropped``: a person gave it up.
    """

    PENDING = "pending"
    ATTEMPTING = "attempting"
    SENT = "sent"
    FAILED = "failed"
    DROPPED = "dropped"


class Delivery(Word):
    """How far an outgoing message has come."""

    QUEUED = "queued"
    SENDING = "sending"
    SENT = "sent"
    DELIVERED = "delivered"
    READ = "read"
    FAILED = "failed"


class Outgoing(Kept, frozen=True, kw_only=True):
    """One row of the outbox: what must reach the outside, and how far it has come.

    ``only``: others have it already, these are to have it yet.
    """

    id: OutboundId
    channel: ChannelName
    kind: ChannelKind
    purpose: Literal["message", "status"]
    state: OutboundState
    version: int
    created_at: datetime
    next_at: datetime
    expires_at: datetime
    attempts: int = 0
    repeats: int = 0
    unsettled: bool = False
    case: CaseId | None = None
    number: TicketNumber | None = None
    item: ItemId | None = None
    message: MessageId | None = None
    address: str = ""
    thread: tuple[str, ...] = ()
    reason: str = ""
    receipt: str = ""
    payload: Attributes = field(default_factory=dict)
    only: tuple[str, ...] = ()
