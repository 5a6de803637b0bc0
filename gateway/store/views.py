"""What the store answers to those who look after the work: rows as REST shows them.

Beside the model (``core.model``) because these are about how things are kept: tokens, traces,
lists, lease rows. ``api.needs`` says which questions they answer.
"""

from datetime import datetime
from typing import Any, Literal

from msgspec import UNSET, Struct, UnsetType, field

from gateway.core.ids import (
    AgentName,
    ChannelName,
    CustomerId,
    InboundId,
    ItemId,
    QueueName,
    RuleName,
    SkillName,
)
from gateway.core.misrouted import How
from gateway.core.model import Attributes, Case, OutboundState
from gateway.ports import Role


class TokenRow(Struct, frozen=True, kw_only=True):
    """A token as it is kept: its SHA-256 is the key and never leaves."""

    id: str
    principal: AgentName
    role: Role
    note: str = ""
    created_at: datetime | None = None
    expires_at: datetime | None = None


class IdentityCard(Struct, frozen=True, kw_only=True):
    """``undeliverable``: what is sent there comes back, since then, and why; else left out.

    ``shown`` is a number as people write it; ``stopped`` are the kinds of channels on which nothing
    more is wanted there, with since when.
    """

    kind: str
    value: str
    verified: bool
    shown: str | UnsetType = UNSET
    stopped: dict[str, datetime | None] | UnsetType = UNSET
    undeliverable: str | UnsetType = UNSET
    undeliverable_since: datetime | UnsetType | None = UNSET


class CustomerCard(Struct, frozen=True, kw_only=True):
    """A customer with all identities."""

    id: CustomerId
    name: str = ""
    language: str = ""
    value: int = 0
    verified: bool = False
    identities: list[IdentityCard] = field(default_factory=list)
    attributes: Attributes = field(default_factory=dict)


class ItemLine(Struct, frozen=True, kw_only=True):
    """A work item on a customer's timeline."""

    id: ItemId
    kind: str
    state: str
    agent: AgentName | None = None
    code: str = ""


class TimelineEntry(Struct, frozen=True, kw_only=True):
    """One case of a customer, with its newest moment first in the list."""

    case: Case
    last_at: datetime
    messages: int
    items: list[ItemLine]


class Traced(Struct, frozen=True, kw_only=True):
    """One journal entry as it is kept."""

    at: datetime
    kind: str
    data: dict[str, Any]


class QuarantineCard(Struct, frozen=True, kw_only=True):
    """An inbound that nobody could make sense of; ``size`` is that of its raw bytes."""

    id: InboundId
    channel: ChannelName
    at: datetime
    reason: str = ""
    size: int = 0
    subject: str = ""


class OutboxCard(Struct, frozen=True, kw_only=True):
    """Something on its way to the outside, or given up; ``only``: the other recipients have it."""

    id: str
    channel: ChannelName
    kind: str
    purpose: str
    state: OutboundState
    attempts: int
    next_at: datetime
    created_at: datetime | None = None
    reason: str = ""
    number: int | None = None
    address: str = ""
    message: str | None = None
    only: tuple[str, ...] = ()
    expires_at: datetime | None = None


Use = Literal["wrapup", "misrouted"]


class Named(Struct, frozen=True, kw_only=True):
    """A skill or a code: a name, and how people read it.

    ``uses`` of a code: at wrap-up, or to say why an item was not for who got it; wrap-up unless
    given.
    """

    name: str
    label: str = ""
    uses: tuple[Use, ...] | UnsetType = UNSET


class Misroute(Struct, frozen=True, kw_only=True):
    """An item that came to ``agent``, for whom it was not; ``decision`` is why it did."""

    item: ItemId
    number: int
    at: datetime
    agent: AgentName
    how: How
    decision: str


class Misrouting(Struct, frozen=True, kw_only=True):
    """How often this was said of items that came by ``rule`` into ``queue``; the latest of them."""

    rule: RuleName
    queue: QueueName
    reason: str
    right_queue: QueueName
    right_skill: SkillName
    told: int
    latest: list[Misroute]


class Unwritten(Struct, frozen=True, kw_only=True):
    """A mail that was not written by itself; ``at`` is when it would have been."""

    item: ItemId
    number: int
    at: datetime


class Withheld(Struct, frozen=True, kw_only=True):
    """How many of ``what`` (a reply, an acknowledgement) the budget ``of`` somebody kept back.

    Of the ``sender``: of mails to one address; of the ``mailbox``: of those from it. ``latest``
    names some.
    """

    channel: ChannelName
    of: str
    what: str
    withheld: int
    latest: list[Unwritten]


class KeyName(Struct, frozen=True, kw_only=True):
    """Whose ``Idempotency-Key`` it is, and for what: everybody has keys of their own."""

    principal: str
    route: str
    key: str


class Begun(Struct, frozen=True, kw_only=True):
    """Which attempt has a key, for which body, and what it was answered as soon as it was."""

    attempt: str
    digest: bytes
    answer: bytes | None = None


class NodeCard(Struct, frozen=True, kw_only=True):
    """A node as its lease row shows it; ``alive`` is a guess from its last renewal.

    ``state`` is joining, serving, leaving (it is being evacuated, or stops) or stopped;
    ``edition`` is what it knows of what is stored (docs/decisions/0010).
    """

    name: str
    region: str
    epoch: int
    started_at: datetime
    renewed_at: datetime
    alive: bool
    state: str = ""
    version: str = ""
    edition: int = 1


class RawInbound(Struct, frozen=True, kw_only=True):
    """The bytes of an inbound, as they came."""

    channel: ChannelName
    at: datetime
    data: bytes
