"""What is seen to while a work item stays in its state."""

from gateway.core.courtesy import Assured
from gateway.core.events.base import Happened
from gateway.core.ids import CaseId, ChannelName, ItemId, QueueName


class ItemReprioritised(Happened, frozen=True, kw_only=True):
    item: ItemId
    by: str
    priority: int
    reason: str = ""


class ItemCared(Happened, frozen=True, kw_only=True):
    """A threshold of its queue had something done to it, which is not done again."""

    item: ItemId
    act: str
    reason: str = ""


class ItemRevalued(Happened, frozen=True, kw_only=True):
    """Its customer is worth more or less to the house than when it was routed last."""

    item: ItemId
    value: int
    reason: str = ""


class ItemRested(Happened, frozen=True, kw_only=True):
    """The customer has been silent for so long that the item takes nothing of its agent."""

    item: ItemId
    reason: str = ""


class RingOpened(Happened, frozen=True, kw_only=True):
    """From now on the item asks for less: its queue's first ``ring`` rings are open for it."""

    item: ItemId
    ring: int
    reason: str


class WaitTold(Happened, frozen=True, kw_only=True):
    """The customer was told how long it may take, for the first time of this wait."""

    item: ItemId
    place: int
    seconds: float


class WaitMeasured(Happened, frozen=True, kw_only=True):
    """Somebody has it now: what was ``told`` and how long it was from then, in seconds."""

    item: ItemId
    queue: QueueName
    place: int
    told: float
    waited: float


class AnswerAssured(Happened, frozen=True, kw_only=True):
    """What the customer is, or was, told of when a person answers; ``None``: nothing more."""

    item: ItemId
    case: CaseId
    assured: Assured | None
    reason: str = ""


class AutomaticWithheld(Happened, frozen=True, kw_only=True):
    """A budget of automatic mails was used up: ``what`` was not sent.

    ``of`` is whose budget it was: of the sender's address, or of the mailbox.
    """

    item: ItemId
    case: CaseId
    channel: ChannelName
    of: str
    what: str


CareEvent = (
    ItemReprioritised
    | ItemCared
    | ItemRevalued
    | ItemRested
    | RingOpened
    | WaitTold
    | WaitMeasured
    | AnswerAssured
    | AutomaticWithheld
)
