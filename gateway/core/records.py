"""What a commit notes beside the values that it changes."""

from datetime import datetime
from typing import Literal

from gateway.core.ids import AgentName, CaseId, CommandId, ItemId, MessageId
from gateway.core.outgoing import Delivery
from gateway.core.value import Value


class CommandRecord(Value, frozen=True, kw_only=True):
    """An agent's command that took effect, and the answer it got; remembered for 24 hours."""

    agent: AgentName
    id: CommandId
    at: datetime
    answer: bytes


class InboundDone(Value, frozen=True, kw_only=True):
    """The inbox row that a decision has dealt with."""

    id: str
    status: Literal["processed", "ignored", "quarantined"]
    case: CaseId | None = None
    item: ItemId | None = None
    number: int | None = None
    message: MessageId | None = None
    seq: int | None = None
    reason: str = ""


class DeliveryUpdate(Value, frozen=True, kw_only=True):
    """How far a stored message has come by now."""

    message: MessageId
    delivery: Delivery
    reason: str = ""
    external_id: str = ""
