"""How a work item moves from state to state."""

from datetime import datetime

from gateway.core.events.base import Happened
from gateway.core.ids import AgentName, ItemId, OfferId, QueueName, RuleName
from gateway.core.model import Item, Offer


class ItemCreated(Happened, frozen=True, kw_only=True):
    item: Item
    reason: str = ""


class ItemQueued(Happened, frozen=True, kw_only=True):
    """``restart`` begins the waiting anew (a transfer or a reply after a hold).

    ``given_up_by`` is who passed it on and is not to get it back at once. It waits as if ``since``
    then, if that is given. ``rule`` chose the queue.
    """

    item: ItemId
    queue: QueueName
    reason: str
    restart: bool = False
    given_up_by: AgentName | None = None
    since: datetime | None = None
    rule: RuleName = RuleName("")


class ItemScheduled(Happened, frozen=True, kw_only=True):
    """``until`` ``None``: kept back until a person has looked at it."""

    item: ItemId
    until: datetime | None
    reason: str


class OfferMade(Happened, frozen=True, kw_only=True):
    item: ItemId
    offer: Offer


class OfferAccepted(Happened, frozen=True, kw_only=True):
    item: ItemId
    offer: OfferId
    agent: AgentName


class OfferDeclined(Happened, frozen=True, kw_only=True):
    """``along``: it was declined with the one that it was offered with, and counts with it."""

    item: ItemId
    offer: OfferId
    agent: AgentName
    reason: str = ""
    along: bool = False


class OfferMissed(Happened, frozen=True, kw_only=True):
    item: ItemId
    offer: OfferId
    agent: AgentName


class OfferWithdrawn(Happened, frozen=True, kw_only=True):
    item: ItemId
    offer: OfferId
    agent: AgentName
    reason: str


class ItemAssigned(Happened, frozen=True, kw_only=True):
    """Given to an agent without an offer: resumed, taken, composed, or by a supervisor.

    ``taken``: the agent picked it from those that waited, as its queue allows.
    """

    item: ItemId
    agent: AgentName
    by: str
    reason: str
    taken: bool = False


class ItemHeld(Happened, frozen=True, kw_only=True):
    item: ItemId
    reason: str
    until: datetime | None = None


class WrapUpStarted(Happened, frozen=True, kw_only=True):
    item: ItemId
    agent: AgentName
    reason: str = ""


class ItemCompleted(Happened, frozen=True, kw_only=True):
    item: ItemId
    agent: AgentName | None
    code: str = ""
    categories: tuple[str, ...] = ()
    reason: str = ""


class ItemAbandoned(Happened, frozen=True, kw_only=True):
    item: ItemId
    reason: str


class ItemCanceled(Happened, frozen=True, kw_only=True):
    item: ItemId
    by: str
    reason: str


class ItemRejected(Happened, frozen=True, kw_only=True):
    item: ItemId
    reason: str


ItemMove = (
    ItemQueued
    | ItemScheduled
    | OfferMade
    | OfferAccepted
    | OfferDeclined
    | OfferMissed
    | OfferWithdrawn
    | ItemAssigned
    | ItemHeld
    | WrapUpStarted
    | ItemCompleted
    | ItemAbandoned
    | ItemCanceled
    | ItemRejected
)
