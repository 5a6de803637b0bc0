"""What the clocks of service levels bring."""

from datetime import datetime

from gateway.core.clocks import Act, ClockKind, Service
from gateway.core.events.base import Happened
from gateway.core.ids import CaseId, ItemId, QueueName


class ClocksSet(Happened, frozen=True, kw_only=True):
    """The clocks of an item as they are from now on: begun, stopped, going on, another policy."""

    item: ItemId
    service: Service
    reason: str


class ServiceLevelWarned(Happened, frozen=True, kw_only=True):
    """So much of the time is used up that somebody should see to it."""

    item: ItemId
    clock: ClockKind
    service: Service


class ServiceLevelBreached(Happened, frozen=True, kw_only=True):
    """The time is over, since ``due_at``, and what was promised has not happened."""

    item: ItemId
    clock: ClockKind
    due_at: datetime
    service: Service


class ServiceLevelEscalated(Happened, frozen=True, kw_only=True):
    """A step after a breach; what it did are the events that follow.

    ``number`` and ``queue`` are for supervisors who are told of it, at whichever node.
    """

    item: ItemId
    clock: ClockKind
    act: Act
    service: Service
    number: int = 0
    queue: QueueName = QueueName("")


class ServiceLevelEnded(Happened, frozen=True, kw_only=True):
    """The item has ended, and these are its clocks; the next one of the case goes on with them."""

    item: ItemId
    case: CaseId
    service: Service


ServiceEvent = (
    ClocksSet
    | ServiceLevelWarned
    | ServiceLevelBreached
    | ServiceLevelEscalated
    | ServiceLevelEnded
)
