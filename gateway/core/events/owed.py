"""What became of what a customer is owed besides: call-backs, promises, an answer to leaving."""

from datetime import datetime

from gateway.core.events.base import Happened
from gateway.core.ids import AgentName, CaseId, ItemId, QueueName
from gateway.core.owed import Answered, Callback, Gone, Outcome


class CallbackChanged(Happened, frozen=True, kw_only=True):
    """There was one for this matter already: now for another time, or under another number."""

    item: ItemId
    callback: Callback
    by: str
    reason: str = ""


class CallbackTried(Happened, frozen=True, kw_only=True):
    """An attempt to reach the customer has ended; ``attempt`` counts from 1."""

    item: ItemId
    case: CaseId
    queue: QueueName
    agent: AgentName
    outcome: Outcome
    attempt: int
    reason: str = ""


class PromiseKept(Happened, frozen=True, kw_only=True):
    """It was done; ``late`` is how many seconds after its time."""

    item: ItemId
    case: CaseId
    queue: QueueName
    agent: AgentName
    due_at: datetime
    late: float = 0.0


class PromiseBroken(Happened, frozen=True, kw_only=True):
    """Its time and the grace after it are over, and nobody had it in hand; or it will not be."""

    item: ItemId
    case: CaseId
    queue: QueueName
    agent: AgentName
    due_at: datetime
    reason: str = ""


class AbandonmentAnswered(Happened, frozen=True, kw_only=True):
    """What the queue's rule has made of a customer's leaving after ``waited`` seconds.

    What it did are the events that follow.
    """

    item: ItemId
    case: CaseId
    queue: QueueName
    then: Answered
    waited: float
    reason: str = ""


class CustomerLeft(Happened, frozen=True, kw_only=True):
    """No window of the customer's is open any more, or nobody knows of one; it may come back."""

    item: ItemId
    case: CaseId
    gone: Gone


class CustomerBack(Happened, frozen=True, kw_only=True):
    """There is a window again, in time."""

    item: ItemId
    case: CaseId


OwedEvent = (
    CallbackChanged
    | CallbackTried
    | PromiseKept
    | PromiseBroken
    | AbandonmentAnswered
    | CustomerLeft
    | CustomerBack
)
