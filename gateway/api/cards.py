"""Cases as REST shows them: whole, however sparingly the store writes them."""

from datetime import datetime
from typing import Literal

from msgspec import UNSET, Struct
from msgspec.structs import asdict

from gateway.core.ids import AgentName, CaseId, ChannelName, TicketNumber
from gateway.core.model import Case, CaseStatus, ChannelKind, CustomerBrief
from gateway.core.view import ServiceView, service_view
from gateway.store.views import ItemLine, TimelineEntry


class CaseCard(Struct, frozen=True, kw_only=True):
    """A case's header; ``service`` are the clocks of its last work item that has ended."""

    id: CaseId
    number: TicketNumber
    version: int
    opened_at: datetime
    channel: ChannelName
    kind: ChannelKind
    customer: CustomerBrief | None
    subject: str
    type: Literal["request", "incident"]
    status: CaseStatus
    category: str
    stage: str
    level: int
    tags: tuple[str, ...]
    last_agent: AgentName | None
    last_seq: int
    joined_because: str
    follows: CaseId | None
    changed_at: datetime | None
    emptied_at: datetime | None
    service: ServiceView | None


class TimelineCard(Struct, frozen=True, kw_only=True):
    """One case on a customer's timeline, and the work done in it."""

    case: CaseCard
    last_at: datetime
    messages: int
    items: list[ItemLine]


def case_card(case: Case) -> CaseCard:
    service = service_view(case.service)
    told = {name: value for name, value in asdict(case).items() if name != "automatic"}
    return CaseCard(**{**told, "service": None if service is UNSET else service})


def timeline_card(entry: TimelineEntry) -> TimelineCard:
    return TimelineCard(
        case=case_card(entry.case),
        last_at=entry.last_at,
        messages=entry.messages,
        items=entry.items,
    )
