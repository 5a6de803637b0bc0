"""The values Switchroom is about: items, cases, messages, agents, queues.

All are frozen. A change makes a new value, so whoever holds one (a commit in flight, a frame
being encoded) sees it exactly as it was at its place in the journal. Times are UTC, durations
are seconds.
"""

from datetime import datetime
from typing import Literal

from msgspec import UNSET, UnsetType, field

from gateway.core.asked import Asked
from gateway.core.clocks import Service
from gateway.core.courtesy import Assured, Courtesy, Solving
from gateway.core.ids import (
    AgentName,
    AttachmentId,
    CalendarName,
    CaseId,
    ChannelName,
    CustomerId,
    ItemId,
    MessageId,
    NodeName,
    OfferId,
    PolicyName,
    QueueName,
    RuleName,
    SiteName,
    SkillName,
    TicketNumber,
)
from gateway.core.outgoing import Delivery as Delivery
from gateway.core.outgoing import OutboundState as OutboundState
from gateway.core.outgoing import Outgoing as Outgoing
from gateway.core.owed import (
    PROMISE_GRACE_SECONDS,
    Abandoned,
    Bundling,
    Callback,
    Callbacks,
    Gone,
    Promise,
)
from gateway.core.policy import Cost, Policy, Ring
from gateway.core.records import CommandRecord as CommandRecord
from gateway.core.records import DeliveryUpdate as DeliveryUpdate
from gateway.core.records import InboundDone as InboundDone
from gateway.core.routed import Forecast as Forecast
from gateway.core.routed import Passed as Passed
from gateway.core.signs import Signs
from gateway.core.thresholds import Threshold
from gateway.core.ties import Ties
from gateway.core.value import ADDRESSED as ADDRESSED
from gateway.core.value import TEXTED as TEXTED
from gateway.core.value import Attributes as Attributes
from gateway.core.value import ChannelKind as ChannelKind
from gateway.core.value import Kept as Kept
from gateway.core.value import Value as Value
from gateway.core.value import Word as Word
from gateway.core.watch import Watch


class ItemState(Word):
    """Where a work item is; the moves between states are ``lifecycle.MOVES``."""

    NEW = "new"
    SCHEDULED = "scheduled"
    QUEUED = "queued"
    OFFERED = "offered"
    ASSIGNED = "assigned"
    HELD = "held"
    WRAPPING = "wrapping"
    COMPLETED = "completed"
    ABANDONED = "abandoned"
    CANCELED = "canceled"
    REJECTED = "rejected"


class CaseStatus(Word):
    """How a matter stands, as the customer would say it."""

    OPEN = "open"
    WAITING = "waiting"
    PROMISED = "promised"
    SOLVED = "solved"
    CLOSED = "closed"


class Presence(Word):
    """What the agent says about taking work; connection and routability are separate facts."""

    READY = "ready"
    NOT_READY = "not_ready"


class Offer(Value, frozen=True, kw_only=True):
    """One item shown to one agent until ``deadline``; ``bundle``: the offer it is made with."""

    id: OfferId
    agent: AgentName
    made_at: datetime
    deadline: datetime
    reason: str
    bundle: OfferId | None = None


class Requirement(Value, frozen=True, kw_only=True):
    """The skills an agent must have, with minimum levels (1-5).

    The item's ``language`` is required besides, by whatever skill meets it when it is routed.
    """

    skills: dict[SkillName, int] = field(default_factory=dict)


class CustomerBrief(Value, frozen=True, kw_only=True):
    """What an item needs to know of its customer without asking the database."""

    id: CustomerId
    name: str = ""
    language: str = ""
    verified: bool = False
    value: int = 0


class Item(Kept, frozen=True, kw_only=True):
    """One routable unit of work inside a case.

    ``queued_at`` is when the waiting began and survives every requeue; ``address`` is where an
    answer goes on this channel; ``thread`` holds the outside ids an answer refers to, oldest
    first. ``moved_at`` is when another node gave it to this one because somebody was free here.
    ``version`` rises by one with each change and guards the row in the database. ``due_at`` is the
    nearest due time of the clocks in ``service`` that run, or of who filed it. ``ring`` is how many
    of its queue's rings have opened for it since its waiting began. ``cost`` is what it takes of an
    agent, if not the usual; while ``resting`` (the customer is silent) nothing. ``watch`` is what
    rules have done, and what a supervisor is to look at; ``callback`` and ``promise`` are what
    makes it one: the customer's own messages are about other items. ``ruled_by`` is the rule that
    chose its queue, ``asked`` what the front door asked its customer; ``assured`` what machines of
    ours have said of when a person answers. ``undeliverable``: what we send to its address comes
    back, and this is why. ``stopped``: whoever is there wants no more messages, and since when.
    Until ``window_ends`` a messenger lets us answer freely.
    """

    id: ItemId
    case: CaseId
    number: TicketNumber
    channel: ChannelName
    kind: ChannelKind
    queue: QueueName
    state: ItemState
    version: int
    owner: NodeName
    created_at: datetime
    subject: str = ""
    preview: str = ""
    customer: CustomerBrief | None = None
    requirement: Requirement = field(default_factory=Requirement)
    language: str = ""
    priority: int = 0
    due_at: datetime | None = None
    queued_at: datetime | None = None
    wake_at: datetime | None = None
    offer: Offer | None = None
    agent: AgentName | None = None
    last_agent: AgentName | None = None
    assigned_at: datetime | None = None
    answered_at: datetime | None = None
    wrapping_at: datetime | None = None
    ended_at: datetime | None = None
    passed: tuple[Passed, ...] = ()
    address: str = ""
    copies: tuple[str, ...] = ()
    thread: tuple[str, ...] = ()
    reason: str = ""
    code: str = ""
    categories: tuple[str, ...] = ()
    attributes: Attributes = field(default_factory=dict)
    moved_at: datetime | None = None
    service: Service | None = None
    ring: int = 0
    cost: Cost | None = None
    resting: bool = False
    rests_at: datetime | None = None
    told: Forecast | None = None
    watch: Watch | None = None
    cared: tuple[str, ...] = ()
    callback: Callback | None = None
    promise: Promise | None = None
    gone: Gone | None = None
    ruled_by: RuleName = RuleName("")
    asked: Asked | None = None
    assured: Assured | None = None
    undeliverable: str = ""
    stopped: str = ""
    window_ends: datetime | None = None


class Case(Kept, frozen=True, kw_only=True):
    """A matter with a ticket number that both sides can follow; its header only, no bodies.

    ``emptied_at`` is when what had been said until then was removed (retention); ``service`` has
    the clocks of its last item that ended, as they stood then. ``automatic`` counts what machines
    of ours have said since one of us has. ``rating`` is what the customer gave it last, 1-5;
    ``link`` counts how often the address of the customer's own page was replaced; ``ties`` are the
    cases that it was merged with or split from; ``solving`` is how it was solved last.
    """

    id: CaseId
    number: TicketNumber
    version: int
    opened_at: datetime
    channel: ChannelName
    kind: ChannelKind
    customer: CustomerBrief | None = None
    subject: str = ""
    type: Literal["request", "incident"] = "request"
    status: CaseStatus = CaseStatus.OPEN
    category: str = ""
    stage: str = ""
    level: int = 1
    tags: tuple[str, ...] = ()
    last_agent: AgentName | None = None
    last_seq: int = 0
    joined_because: str = ""
    follows: CaseId | None = None
    changed_at: datetime | None = None
    emptied_at: datetime | None = None
    service: Service | None = None
    automatic: int = 0
    rating: int = 0
    link: int = 0
    ties: Ties | None = None
    solving: Solving | None = None


class Author(Value, frozen=True, kw_only=True):
    """Who said a message."""

    kind: Literal["customer", "agent", "system"]
    name: str = ""
    id: str = ""
    verified: bool = False


class Attachment(Value, frozen=True, kw_only=True):
    """A file of a message; its bytes are stored under their SHA-256."""

    id: AttachmentId
    name: str
    type: str
    size: int
    sha256: str
    inline_id: str = ""


class Message(Value, frozen=True, kw_only=True):
    """One thing said in a case. ``seq`` orders a case's messages and is never reused.

    ``html`` is sanitised. ``external_id`` is the outside id (RFC 5322 Message-ID, provider's); our
    own mail has it before the first attempt. From line ``fold_from`` of ``body`` on (0: nowhere) it
    may be folded away. ``quick_replies`` are answers that the customer may choose from.
    ``moved_to``, never stored: only its place is here, that ticket has it now. ``mark``: a mail's,
    equal in its copies. ``signs``: what a mail that came shows of its sender.
    """

    id: MessageId
    case: CaseId
    seq: int
    direction: Literal["in", "out", "note", "system"]
    author: Author
    at: datetime
    channel: ChannelName
    kind: ChannelKind
    item: ItemId | None = None
    body: str = ""
    html: str | None = None
    subject: str = ""
    to: tuple[str, ...] = ()
    cc: tuple[str, ...] = ()
    attachments: tuple[Attachment, ...] = ()
    delivery: Delivery | None = None
    delivery_reason: str = ""
    external_id: str = ""
    client_id: str = ""
    fold_from: int = 0
    quick_replies: tuple[str, ...] | UnsetType = UNSET
    moved_to: TicketNumber | UnsetType = UNSET
    mark: str | UnsetType = UNSET
    signs: Signs | UnsetType = UNSET
    edited_at: datetime | UnsetType = UNSET
    deleted_at: datetime | UnsetType = UNSET


class Amended(Value, frozen=True, kw_only=True):
    """A stored message as it is from now on: said otherwise, or taken back."""

    message: Message


class AgentProfile(Value, frozen=True, kw_only=True):
    """What the directory says of an agent. No queues named means: member of every queue.

    ``site`` is where the agent sits; empty: at none, so that no closing concerns this agent.
    ``level`` of the help desk, 1-4; 0: every level.
    """

    name: AgentName
    display_name: str = ""
    role: Literal["agent", "supervisor", "admin"] = "agent"
    skills: dict[SkillName, int] = field(default_factory=dict)
    queues: tuple[QueueName, ...] = ()
    groups: tuple[str, ...] = ()
    capacity: dict[ChannelKind, int] = field(default_factory=dict)
    site: SiteName = SiteName("")
    level: int = 0
    active: bool = True


class Site(Value, frozen=True, kw_only=True):
    """How far a place where agents sit is open, in per cent of its agents, and why.

    ``in_hand`` says what becomes of what the agents of the closed share have in hand: they may
    finish it, or it has gone back to the queues.
    """

    name: SiteName
    open_percent: int = 100
    reason: str = ""
    in_hand: Literal["keep", "return"] = "keep"
    by: str = ""
    since: datetime | None = None


class AgentStatus(Kept, frozen=True, kw_only=True):
    """An agent at work: presence, connection and home.

    ``epoch`` numbers the claims of this agent by a node; ``tabs`` counts attached desktops;
    ``dropped_at`` starts the grace period when the last one is gone. ``set_by``: who set the
    presence, if others; ``declines`` counts offers declined since one was accepted.
    """

    name: AgentName
    presence: Presence = Presence.NOT_READY
    reason: str = "signed_out"
    since: datetime
    idle_since: datetime
    home: NodeName | None = None
    epoch: int = 0
    version: int = 0
    tabs: int = 0
    dropped_at: datetime | None = None
    set_by: str = ""
    declines: int = 0


class Queue(Value, frozen=True, kw_only=True):
    """Where items wait, and the queue's policy. One that was removed is not ``active``.

    ``overflow_after`` is how many seconds an item waits at its node before another node may have
    it whose agent is free; 0: all nodes are one pool; ``None``: never, while somebody works here.
    ``retention_days`` after its end a case loses what was said in it; 0: never; ``None``: as
    ``[retention]`` says. ``hours`` names the calendar of its opening hours, ``service_policy`` what
    is promised here. ``groups`` and ``sites`` are whose agents serve it (none named: all);
    ``rings`` relax what is asked as the wait grows; ``languages`` names by language which others
    will do, best first. ``callbacks`` and ``abandoned`` say what is done for who
    asks to be called or gives up waiting, ``bundle`` what is offered together; a promise waits
    ``promise_grace_seconds`` for who made it. ``courtesy`` is what it writes by itself.
    """

    name: QueueName
    display_name: str = ""
    skills: dict[SkillName, int] = field(default_factory=dict)
    priority: int = 0
    affinity_seconds: float = 30.0
    offer_seconds: dict[ChannelKind, float] = field(default_factory=dict)
    service_level_seconds: float | None = None
    take_allowed: bool = False
    wrapup_required: bool = True
    overflow_after: float | None = None
    retention_days: int | None = None
    hours: CalendarName = CalendarName("")
    service_policy: PolicyName = PolicyName("")
    groups: tuple[str, ...] = ()
    sites: tuple[SiteName, ...] = ()
    languages: dict[str, tuple[str, ...]] = field(default_factory=dict)
    rings: tuple[Ring, ...] = ()
    policy: Policy = Policy()
    thresholds: tuple[Threshold, ...] = ()
    callbacks: Callbacks = Callbacks()
    abandoned: Abandoned = Abandoned()
    promise_grace_seconds: float = PROMISE_GRACE_SECONDS
    bundle: Bundling = "case"
    courtesy: Courtesy = Courtesy()
    active: bool = True
