"""What the front door has asked of a customer, and how that ended."""

from msgspec import field

from gateway.core.asked import Asked
from gateway.core.events.base import Happened
from gateway.core.ids import CaseId, ItemId, QueueName, SkillName
from gateway.core.model import Attributes


class CustomerAsked(Happened, frozen=True, kw_only=True):
    """The front door asks the customer, or gives something to help them on."""

    item: ItemId
    case: CaseId
    queue: QueueName
    asked: Asked
    reason: str = ""


class CustomerAnswered(Happened, frozen=True, kw_only=True):
    """How that ended. ``attributes`` are what the customer chose; the item asks for the rest."""

    item: ItemId
    case: CaseId
    queue: QueueName
    asked: Asked
    attributes: Attributes = field(default_factory=dict)
    skills: dict[SkillName, int] = field(default_factory=dict)
    language: str | None = None
    reason: str = ""


AskedEvent = CustomerAsked | CustomerAnswered
