"""What a desktop sees: projections of state onto the frames of ``/agent/v1``."""

from datetime import datetime
from typing import Literal

from msgspec import UNSET, Struct, UnsetType

from gateway.core.clocks import ClockKind, Service
from gateway.core.ids import (
    AgentName,
    CaseId,
    ChannelName,
    ItemId,
    OfferId,
    PolicyName,
    QueueName,
    SkillName,
)
from gateway.core.model import (
    AgentStatus,
    Attributes,
    Case,
    CaseStatus,
    ChannelKind,
    CustomerBrief,
    Item,
    ItemState,
    Offer,
    Presence,
)
from gateway.core.owed import Callback, Promise
from gateway.core.reaching import unwritable
from gateway.core.ties import CaseLink


class CaseView(Struct, frozen=True, kw_only=True):
    """The header of an item's case; ``links`` are cases it was merged with or split from."""

    id: CaseId
    number: int
    subject: str
    type: Literal["request", "incident"]
    status: CaseStatus
    category: str
    stage: str
    level: int
    tags: tuple[str, ...]
    opened_at: datetime
    last_seq: int
    links: tuple[CaseLink, ...] | UnsetType = UNSET


class ClockView(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A clock of an item's service level: whether it runs, and until when.

    ``used`` are the open seconds that it had run when it last stopped, or changed.
    """

    clock: ClockKind
    running: bool = False
    due_at: datetime | None = None
    used: float = 0.0
    warned_at: datetime | None = None
    breached_at: datetime | None = None
    met_at: datetime | None = None


class ServiceView(Struct, frozen=True, kw_only=True):
    """What is promised to the customer, and the clocks that run until it is kept."""

    policy: PolicyName
    clocks: tuple[ClockView, ...]


class ItemView(Struct, frozen=True, kw_only=True):
    """A work item with its case header, as a desktop shows it.

    ``no_reply``: nothing can be written on it, there only is a number to call. ``undeliverable``:
    what is written to its address comes back, and this is why. ``stopped``: whoever is there wants
    no more messages, and since when. Until ``window_ends`` a messenger lets us answer freely.
    """

    id: ItemId
    number: int
    case: CaseView
    channel: ChannelName
    kind: ChannelKind
    queue: QueueName
    state: ItemState
    version: int
    subject: str
    preview: str
    customer: CustomerBrief | None
    language: str
    skills: dict[SkillName, int]
    priority: int
    created_at: datetime
    queued_at: datetime | None
    due_at: datetime | None
    wake_at: datetime | None
    agent: AgentName | None
    assigned_at: datetime | None
    answered_at: datetime | None
    wrapping_at: datetime | None
    ended_at: datetime | None
    address: str
    copies: tuple[str, ...]
    reason: str
    code: str
    categories: tuple[str, ...]
    attributes: Attributes
    service: ServiceView | UnsetType = UNSET
    callback: Callback | UnsetType = UNSET
    promise: Promise | UnsetType = UNSET
    no_reply: bool | UnsetType = UNSET
    undeliverable: str | UnsetType = UNSET
    stopped: str | UnsetType = UNSET
    window_ends: datetime | UnsetType = UNSET


class OfferView(Struct, frozen=True, kw_only=True):
    """An offer as shown: the item, until when, and why this agent.

    ``bundle`` is the offer that it is made with; whoever accepts or declines one, does all.
    """

    offer: OfferId
    item: ItemView
    deadline: datetime
    customer: CustomerBrief | None
    reason: str
    bundle: OfferId | UnsetType = UNSET


class StateView(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An agent's presence as the desktop shows it.

    ``notice`` says why nothing is offered although the agent is ready (the site is closed), and
    which supervisor has set the presence.
    """

    state: Presence
    reason: str
    since: datetime
    notice: str = ""


class CapacityView(Struct, frozen=True, kw_only=True):
    """Units in use out of ``total`` (100)."""

    used: int
    total: int


class SnapshotView(Struct, frozen=True, kw_only=True):
    """All a desktop needs to draw itself afresh."""

    state: StateView
    capacity: CapacityView
    offers: tuple[OfferView, ...]
    items: tuple[ItemView, ...]


def case_view(case: Case) -> CaseView:
    return CaseView(
        id=case.id,
        number=case.number,
        subject=case.subject,
        type=case.type,
        status=case.status,
        category=case.category,
        stage=case.stage,
        level=case.level,
        tags=case.tags,
        opened_at=case.opened_at,
        last_seq=case.last_seq,
        links=case.ties.links if case.ties is not None else UNSET,
    )


def service_view(service: Service | None) -> ServiceView | UnsetType:
    """The clocks as they are shown; left out where nothing is promised."""
    if service is None:
        return UNSET
    clocks = tuple(
        ClockView(
            clock=clock.kind,
            running=clock.since is not None,
            due_at=clock.due_at,
            used=clock.used,
            warned_at=clock.warned_at,
            breached_at=clock.breached_at,
            met_at=clock.met_at,
        )
        for clock in service.clocks
    )
    return ServiceView(policy=service.policy, clocks=clocks)


def item_view(item: Item, case: Case) -> ItemView:
    return ItemView(
        id=item.id,
        number=item.number,
        case=case_view(case),
        channel=item.channel,
        kind=item.kind,
        queue=item.queue,
        state=item.state,
        version=item.version,
        subject=item.subject,
        preview=item.preview,
        customer=item.customer,
        language=item.language,
        skills=item.requirement.skills,
        priority=item.priority,
        created_at=item.created_at,
        queued_at=item.queued_at,
        due_at=item.due_at,
        wake_at=item.wake_at,
        agent=item.agent,
        assigned_at=item.assigned_at,
        answered_at=item.answered_at,
        wrapping_at=item.wrapping_at,
        ended_at=item.ended_at,
        address=item.address,
        copies=item.copies,
        reason=item.reason,
        code=item.code,
        categories=item.categories,
        attributes=item.attributes,
        service=service_view(item.service),
        callback=item.callback or UNSET,
        promise=item.promise or UNSET,
        no_reply=unwritable(item) or UNSET,
        undeliverable=item.undeliverable or UNSET,
        stopped=item.stopped or UNSET,
        window_ends=item.window_ends or UNSET,
    )


def offer_view(offer: Offer, item: Item, case: Case) -> OfferView:
    return OfferView(
        offer=offer.id,
        item=item_view(item, case),
        deadline=offer.deadline,
        customer=item.customer,
        reason=offer.reason,
        bundle=offer.bundle or UNSET,
    )


def state_view(status: AgentStatus, notice: str = "") -> StateView:
    return StateView(state=status.presence, reason=status.reason, since=status.since, notice=notice)
