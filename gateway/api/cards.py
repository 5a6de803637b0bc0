"""Cases as REST shows them: whole, however sparingly the store writes them."""

from datetime import datetime
from typing import Literal

from msgspec import UNSET, Struct
from msgspec.structs import asdict

from gateway.core.ids import AgentName, CaseId, ChannelName, TicketNumber
from gateway.core.model import Case, CaseStatus, ChannelKind, CustomerBrief
from gateway.core.ties import CaseLink, Ties
from gateway.core.view import ServiceView, service_view
from gateway.store.views import ItemLine, TimelineEntry


class CaseCard(Struct, frozen=True, kw_only=True):
    """A case's header; ``service`` are the clocks of its last work item that has ended.

    ``rating`` is what the customer gave it last, 1-5 (0: nothing yet). ``ticket_url`` is the
    customer's own page (only where one case is asked for): who has it reads and writes as the
    customer. ``links`` are cases that it was merged with or split from; it is part of
    ``merged_into``.
    """

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
    rating: int
    ticket_url: str = ""
    links: tuple[CaseLink, ...] = ()
    merged_into: TicketNumber | None = None


class TimelineCard(Struct, frozen=True, kw_only=True):
    """One case on a customer's timeline, and the work done in it."""

    case: CaseCard
    last_at: datetime
    messages: int
    items: list[ItemLine]


_OWN = ("automatic", "link", "ties", "solving")


def case_card(case: Case, ticket_url: str = "") -> CaseCard:
    service = service_view(case.service)
    told = {name: value for name, value in asdict(case).items() if name not in _OWN}
    shown = None if service is UNSET else service
    ties = case.ties or Ties()
    into = next((one.number for one in ties.links if one.case == ties.into), None)
    return CaseCard(
        **{**told, "service": shown},
        ticket_url=ticket_url,
        links=ties.links,
        merged_into=into if ties.into is not None else None,
    )


def timeline_card(entry: TimelineEntry) -> TimelineCard:
    return TimelineCard(
        case=case_card(entry.case),
        last_at=entry.last_at,
        messages=entry.messages,
        items=entry.items,
    )
