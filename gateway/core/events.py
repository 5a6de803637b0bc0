"""Everything that can happen, as closed types.

An event says what happened, in the past tense, with ids and small values; message bodies and
other large or personal content are rows written by the same commit (``Change.rows``), never
part of an event. Field and type names are stored for years: add, never rename.
"""

from datetime import datetime
from typing import Literal

from msgspec import Struct

from gateway.core.calendars import Calendar
from gateway.core.clocks import Act, ClockKind, Service, ServicePolicy
from gateway.core.ids import (
    AgentName,
    AlarmName,
    CalendarName,
    CaseId,
    CustomerId,
    ItemId,
    MacroName,
    MessageId,
    NodeName,
    OfferId,
    OutboundId,
    PolicyName,
    Position,
    QueueName,
    RuleName,
)
from gateway.core.macros import Macro
from gateway.core.model import (
    AgentProfile,
    AgentStatus,
    Case,
    CaseStatus,
    CommandRecord,
    Delivery,
    DeliveryUpdate,
    InboundDone,
    Item,
    Message,
    Offer,
    OutboundState,
    Outgoing,
    Presence,
    Queue,
    Site,
)
from gateway.core.owed import Answered, Callback, Outcome
from gateway.core.reservation import Reservation
from gateway.core.rules.rule import Rule
from gateway.core.thresholds import Alarm
from gateway.core.watch import Review, Verdict
from gateway.core.wire import snake


class _Event(
    Struct,
    frozen=True,
    kw_only=True,
    tag_field="kind",
    tag=snake,
    gc=False,
    omit_defaults=True,
):
    """Base of all events; ``kind`` in stored JSON is the class name in snake case.

    Fields that are as by default are left out there.
    """


# -- cases and messages ---------------------------------------------------------------------


class CaseOpened(_Event, frozen=True, kw_only=True):
    case: Case


class CaseChanged(_Event, frozen=True, kw_only=True):
    """Fields left ``None`` stay as they are."""

    case: CaseId
    by: str
    reason: str = ""
    status: CaseStatus | None = None
    tags: tuple[str, ...] | None = None
    category: str | None = None
    stage: str | None = None
    type: Literal["request", "incident"] | None = None
    level: int | None = None
    subject: str | None = None


class MessageAdded(_Event, frozen=True, kw_only=True):
    """``thread`` and ``address`` update where an answer on the item goes (inbound only).

    ``automatic``: a machine wrote it, ours or the customer's; it answers nothing, asks nothing.
    """

    message: MessageId
    case: CaseId
    seq: int
    direction: Literal["in", "out", "note", "system"]
    item: ItemId | None = None
    customer: CustomerId | None = None
    thread: tuple[str, ...] | None = None
    address: str | None = None
    copies: tuple[str, ...] | None = None
    preview: str = ""
    reason: str = ""
    automatic: bool = False


class DeliveryChanged(_Event, frozen=True, kw_only=True):
    message: MessageId
    case: CaseId
    state: Delivery
    item: ItemId | None = None
    reason: str = ""


# -- work items -----------------------------------------------------------------------------


class ItemCreated(_Event, frozen=True, kw_only=True):
    item: Item
    reason: str = ""


class ItemQueued(_Event, frozen=True, kw_only=True):
    """``restart`` begins the waiting anew (a transfer or a reply after a hold).

    ``given_up_by`` is who passed it on and is not to get it back at once. It waits as if ``since``
    then, if that is given.
    """

    item: ItemId
    queue: QueueName
    reason: str
    restart: bool = False
    given_up_by: AgentName | None = None
    since: datetime | None = None


class ItemScheduled(_Event, frozen=True, kw_only=True):
    """``until`` ``None``: kept back until a person has looked at it."""

    item: ItemId
    until: datetime | None
    reason: str


class OfferMade(_Event, frozen=True, kw_only=True):
    item: ItemId
    offer: Offer


class OfferAccepted(_Event, frozen=True, kw_only=True):
    item: ItemId
    offer: OfferId
    agent: AgentName


class OfferDeclined(_Event, frozen=True, kw_only=True):
    """``along``: it was declined with the one that it was offered with, and counts with it."""

    item: ItemId
    offer: OfferId
    agent: AgentName
    reason: str = ""
    along: bool = False


class OfferMissed(_Event, frozen=True, kw_only=True):
    item: ItemId
    offer: OfferId
    agent: AgentName


class OfferWithdrawn(_Event, frozen=True, kw_only=True):
    item: ItemId
    offer: OfferId
    agent: AgentName
    reason: str


class ItemAssigned(_Event, frozen=True, kw_only=True):
    """Given to an agent without an offer: resumed, taken, composed, or by a supervisor.

    ``taken``: the agent picked it from those that waited, as its queue allows.
    """

    item: ItemId
    agent: AgentName
    by: str
    reason: str
    taken: bool = False


class ItemHeld(_Event, frozen=True, kw_only=True):
    item: ItemId
    reason: str
    until: datetime | None = None


class WrapUpStarted(_Event, frozen=True, kw_only=True):
    item: ItemId
    agent: AgentName
    reason: str = ""


class ItemCompleted(_Event, frozen=True, kw_only=True):
    item: ItemId
    agent: AgentName | None
    code: str = ""
    categories: tuple[str, ...] = ()
    reason: str = ""


class ItemAbandoned(_Event, frozen=True, kw_only=True):
    item: ItemId
    reason: str


class ItemCanceled(_Event, frozen=True, kw_only=True):
    item: ItemId
    by: str
    reason: str


class ItemRejected(_Event, frozen=True, kw_only=True):
    item: ItemId
    reason: str


class ItemReprioritised(_Event, frozen=True, kw_only=True):
    item: ItemId
    by: str
    priority: int
    reason: str = ""


class ItemCared(_Event, frozen=True, kw_only=True):
    """A threshold of its queue had something done to it, which is not done again."""

    item: ItemId
    act: str
    reason: str = ""


class WaitTold(_Event, frozen=True, kw_only=True):
    """The customer was told how long it may take, for the first time of this wait."""

    item: ItemId
    place: int
    seconds: float


class WaitMeasured(_Event, frozen=True, kw_only=True):
    """Somebody has it now: what was ``told`` and how long it was from then, in seconds."""

    item: ItemId
    queue: QueueName
    place: int
    told: float
    waited: float


class ItemRevalued(_Event, frozen=True, kw_only=True):
    """Its customer is worth more or less to the house than when it was routed last."""

    item: ItemId
    value: int
    reason: str = ""


class CustomerValued(_Event, frozen=True, kw_only=True):
    """Somebody has said what a customer is worth; what waits of theirs is ranked anew."""

    customer: CustomerId
    value: int
    by: str


# -- service levels -------------------------------------------------------------------------


class ClocksSet(_Event, frozen=True, kw_only=True):
    """The clocks of an item as they are from now on: begun, stopped, going on, another policy."""

    item: ItemId
    service: Service
    reason: str


class ServiceLevelWarned(_Event, frozen=True, kw_only=True):
    """So much of the time is used up that somebody should see to it."""

    item: ItemId
    clock: ClockKind
    service: Service


class ServiceLevelBreached(_Event, frozen=True, kw_only=True):
    """The time is over, since ``due_at``, and what was promised has not happened."""

    item: ItemId
    clock: ClockKind
    due_at: datetime
    service: Service


class ServiceLevelEscalated(_Event, frozen=True, kw_only=True):
    """A step after a breach; what it did are the events that follow.

    ``number`` and ``queue`` are for supervisors who are told of it, at whichever node.
    """

    item: ItemId
    clock: ClockKind
    act: Act
    service: Service
    number: int = 0
    queue: QueueName = QueueName("")


class ServiceLevelEnded(_Event, frozen=True, kw_only=True):
    """The item has ended, and these are its clocks; the next one of the case goes on with them."""

    item: ItemId
    case: CaseId
    service: Service


class ItemRested(_Event, frozen=True, kw_only=True):
    """The customer has been silent for so long that the item takes nothing of its agent."""

    item: ItemId
    reason: str = ""


class RuleFired(_Event, frozen=True, kw_only=True):
    """A rule of the house held for something that was said or done; what it did, in words.

    With ``cause`` it is what happened to the item, and it fires for that no second time.
    """

    item: ItemId
    case: CaseId
    rule: RuleName
    on: str
    because: str
    did: tuple[str, ...] = ()
    cause: str = ""


class MacroRun(_Event, frozen=True, kw_only=True):
    """Somebody, or a rule, has had done what the macro says; that are the events that follow."""

    item: ItemId
    case: CaseId
    macro: MacroName
    by: str


class ReviewAsked(_Event, frozen=True, kw_only=True):
    """A supervisor is to look at the item, or at a reply before it leaves."""

    item: ItemId
    case: CaseId
    review: Review


class ReviewEnded(_Event, frozen=True, kw_only=True):
    """A person has looked; a reply that was ``released`` is said by the events that follow."""

    item: ItemId
    case: CaseId
    review: str
    verdict: Verdict
    by: str
    reason: str = ""


# -- what a customer is owed besides ----------------------------------------------------------


class CallbackChanged(_Event, frozen=True, kw_only=True):
    """There was one for this matter already: now for another time, or under another number."""

    item: ItemId
    callback: Callback
    by: str
    reason: str = ""


class CallbackTried(_Event, frozen=True, kw_only=True):
    """An attempt to reach the customer has ended; ``attempt`` counts from 1."""

    item: ItemId
    case: CaseId
    queue: QueueName
    agent: AgentName
    outcome: Outcome
    attempt: int
    reason: str = ""


class PromiseKept(_Event, frozen=True, kw_only=True):
    """It was done; ``late`` is how many seconds after its time."""

    item: ItemId
    case: CaseId
    queue: QueueName
    agent: AgentName
    due_at: datetime
    late: float = 0.0


class PromiseBroken(_Event, frozen=True, kw_only=True):
    """Its time and the grace after it are over, and nobody had it in hand; or it will not be."""

    item: ItemId
    case: CaseId
    queue: QueueName
    agent: AgentName
    due_at: datetime
    reason: str = ""


class AbandonmentAnswered(_Event, frozen=True, kw_only=True):
    """What the queue's rule has made of a customer's leaving after ``waited`` seconds.

    What it did are the events that follow.
    """

    item: ItemId
    case: CaseId
    queue: QueueName
    then: Answered
    waited: float
    reason: str = ""


class RingOpened(_Event, frozen=True, kw_only=True):
    """From now on the item asks for less: its queue's first ``ring`` rings are open for it."""

    item: ItemId
    ring: int
    reason: str


# -- agents and directory -------------------------------------------------------------------


class AgentAttached(_Event, frozen=True, kw_only=True):
    """A desktop is connected. ``claims`` says that this begins a new epoch of the agent."""

    agent: AgentName
    node: NodeName
    epoch: int
    tab: str
    claims: bool


class AgentDetached(_Event, frozen=True, kw_only=True):
    agent: AgentName
    tab: str
    reason: str


class AgentClaimed(_Event, frozen=True, kw_only=True):
    """An agent who had no home has it here from now on; the status as the row had it."""

    status: AgentStatus


class AgentReleased(_Event, frozen=True, kw_only=True):
    """The agent has no home any more: whichever node the next desktop comes to will be it."""

    agent: AgentName
    reason: str


class AgentStateChanged(_Event, frozen=True, kw_only=True):
    agent: AgentName
    presence: Presence
    reason: str = ""
    by: str = ""


class AgentReserved(_Event, frozen=True, kw_only=True):
    """The agent is kept free for an item that ``asker`` is about to hand over."""

    reservation: Reservation
    reason: str = ""


class ReservationEnded(_Event, frozen=True, kw_only=True):
    """The item did not come in time, or need not come: the agent is there for others again."""

    agent: AgentName
    item: ItemId
    reason: str


class CommandAnswered(_Event, frozen=True, kw_only=True):
    """A command was answered without changing anything; the answer is remembered all the same."""

    agent: AgentName
    command: str
    refused: str = ""


class AgentDefined(_Event, frozen=True, kw_only=True):
    profile: AgentProfile
    by: str


class AgentRemoved(_Event, frozen=True, kw_only=True):
    agent: AgentName
    by: str


class QueueDefined(_Event, frozen=True, kw_only=True):
    queue: Queue
    by: str


class QueueRemoved(_Event, frozen=True, kw_only=True):
    """Nothing waits in it and nobody works in it any more."""

    queue: QueueName
    by: str


class CalendarDefined(_Event, frozen=True, kw_only=True):
    calendar: Calendar
    by: str


class CalendarRemoved(_Event, frozen=True, kw_only=True):
    """No queue and no policy goes by it any more."""

    calendar: CalendarName
    by: str


class ServicePolicyDefined(_Event, frozen=True, kw_only=True):
    policy: ServicePolicy
    by: str


class ServicePolicyRemoved(_Event, frozen=True, kw_only=True):
    """No queue promises it any more."""

    policy: PolicyName
    by: str


class RuleDefined(_Event, frozen=True, kw_only=True):
    rule: Rule
    by: str


class RuleRemoved(_Event, frozen=True, kw_only=True):
    """The front door does not look at it any more."""

    rule: RuleName
    by: str


class MacroDefined(_Event, frozen=True, kw_only=True):
    macro: Macro
    by: str


class MacroRemoved(_Event, frozen=True, kw_only=True):
    """Nobody runs it any more."""

    macro: MacroName
    by: str


class AlarmRaised(_Event, frozen=True, kw_only=True):
    """A threshold of a queue is crossed."""

    alarm: Alarm


class AlarmEnded(_Event, frozen=True, kw_only=True):
    """It is over: the figure has come back, or nobody asks for it any more."""

    alarm: AlarmName
    queue: QueueName
    threshold: str
    value: float
    reason: str


class SiteChanged(_Event, frozen=True, kw_only=True):
    """A site was closed, wholly or in part, or opened; ``site`` has the reason and who it was."""

    site: Site


# -- outbox, channels, the node itself ------------------------------------------------------


class OutboundQueued(_Event, frozen=True, kw_only=True):
    outbound: Outgoing


class OutboundAttempted(_Event, frozen=True, kw_only=True):
    """Journaled before the outside is touched; ``repeat`` follows an unknown outcome."""

    outbound: OutboundId
    attempt: int
    repeat: bool = False


class OutboundSettled(_Event, frozen=True, kw_only=True):
    """``state`` pending means: failed for now, tried again at ``next_at``.

    ``unsettled`` says that the attempt may have had its effect all the same.
    """

    outbound: OutboundId
    state: OutboundState
    unsettled: bool = False
    reason: str = ""
    receipt: str = ""
    next_at: datetime | None = None


class ChannelHealthChanged(_Event, frozen=True, kw_only=True):
    channel: str
    health: Literal["up", "down", "parked", "paused", "standby"]
    reason: str = ""


class InboundDecided(_Event, frozen=True, kw_only=True):
    """Intake dealt with one inbox row."""

    inbound: str
    status: Literal["processed", "ignored", "quarantined"]
    case: CaseId | None = None
    reason: str = ""


class NodeStarted(_Event, frozen=True, kw_only=True):
    node: NodeName
    region: str
    items: int
    repaired: int = 0


class NodeTakenOver(_Event, frozen=True, kw_only=True):
    """``node``, whose epoch is ``epoch`` from now on, has lapsed; ``by`` acts in its place."""

    node: NodeName
    epoch: int
    by: NodeName
    reason: str


class DutyTaken(_Event, frozen=True, kw_only=True):
    """From now on ``node`` alone does it, and writes under ``epoch``."""

    duty: str
    node: NodeName
    epoch: int
    reason: str


class DutyGivenUp(_Event, frozen=True, kw_only=True):
    """What was done under it has ended; ``to`` is who should have it, if that is known."""

    duty: str
    node: NodeName
    epoch: int
    to: NodeName | None
    reason: str


class ItemAdopted(_Event, frozen=True, kw_only=True):
    """An item that ``from_node`` decided about is ours; as it was, with its case's header.

    ``overflow``: it was given to us because somebody is free here; not because we had to.
    """

    item: Item
    case: Case
    from_node: NodeName
    reason: str
    overflow: bool = False


class AgentAdopted(_Event, frozen=True, kw_only=True):
    """An agent whose home was ``from_node`` has it here; nobody is connected, so grace runs."""

    status: AgentStatus
    from_node: NodeName
    reason: str


class OutboundAdopted(_Event, frozen=True, kw_only=True):
    """An order of ``from_node`` is ours to bring; of an attempt under way nobody knows the end."""

    outbound: Outgoing
    from_node: NodeName


class ItemHandedOver(_Event, frozen=True, kw_only=True):
    """We decide no more about this item; the rows become ``to``'s when this is on disk.

    Should that fail, we adopt it back. Nobody has it in between.
    """

    item: ItemId
    case: CaseId
    to: NodeName
    reason: str


class AgentHandedOver(_Event, frozen=True, kw_only=True):
    """The agent's home is ``to`` when this is on disk; desktops connect to ``url`` there."""

    agent: AgentName
    to: NodeName
    url: str
    reason: str


class OutboundHandedOver(_Event, frozen=True, kw_only=True):
    """An order that goes with its case; ``to`` brings it."""

    outbound: OutboundId
    case: CaseId | None
    to: NodeName


class ItemRepaired(_Event, frozen=True, kw_only=True):
    """The reconciler found an item in an impossible place and put it right."""

    item: ItemId
    problem: str


class ContentRemoved(_Event, frozen=True, kw_only=True):
    """What was said in these tickets has had its time; messages, files and their bytes counted.

    Without tickets: what arrived and became none.
    """

    cases: tuple[int, ...]
    messages: int
    files: int
    size: int


class ErasureOrdered(_Event, frozen=True, kw_only=True):
    """A customer wants to be forgotten; what became of it is ``CustomerErased``."""

    customer: CustomerId
    by: str


class CustomerErased(_Event, frozen=True, kw_only=True):
    """Identities and content are gone everywhere; what was counted stays."""

    customer: CustomerId
    by: str
    cases: int
    messages: int
    files: int


class JournalDropped(_Event, frozen=True, kw_only=True):
    """Entries before ``before`` are here no more; ``archive`` names the file that has them."""

    before: datetime
    weeks: tuple[str, ...]
    rows: int
    archive: str = ""


class BackupRestored(_Event, frozen=True, kw_only=True):
    """What came after ``made_at`` is not here. Said by the command line, under its own name."""

    made_at: datetime
    program: str
    rows: int


class DatabaseMoved(_Event, frozen=True, kw_only=True):
    """Everything came here from another database."""

    moved_at: datetime
    program: str
    rows: int


CaseEvent = CaseOpened | CaseChanged | MessageAdded | DeliveryChanged
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
ServiceEvent = (
    ClocksSet
    | ServiceLevelWarned
    | ServiceLevelBreached
    | ServiceLevelEscalated
    | ServiceLevelEnded
)
WatchEvent = RuleFired | MacroRun | ReviewAsked | ReviewEnded
OwedEvent = CallbackChanged | CallbackTried | PromiseKept | PromiseBroken | AbandonmentAnswered
ItemEvent = (
    ItemCreated
    | ItemMove
    | ItemReprioritised
    | ItemRevalued
    | ItemCared
    | WaitTold
    | WaitMeasured
    | RingOpened
    | ItemRested
    | WatchEvent
    | ItemAdopted
    | ItemHandedOver
    | ItemRepaired
    | ServiceEvent
    | OwedEvent
)
AgentEvent = (
    AgentAttached
    | AgentDetached
    | AgentClaimed
    | AgentReleased
    | AgentAdopted
    | AgentHandedOver
    | AgentStateChanged
    | AgentReserved
    | ReservationEnded
    | CommandAnswered
)
TimetableEvent = CalendarDefined | CalendarRemoved | ServicePolicyDefined | ServicePolicyRemoved
RuleEvent = RuleDefined | RuleRemoved | MacroDefined | MacroRemoved
AlarmEvent = AlarmRaised | AlarmEnded
DirectoryEvent = (
    AgentDefined
    | AgentRemoved
    | QueueDefined
    | QueueRemoved
    | SiteChanged
    | TimetableEvent
    | RuleEvent
    | AlarmEvent
)
OutboundEvent = (
    OutboundQueued | OutboundAttempted | OutboundSettled | OutboundAdopted | OutboundHandedOver
)
Event = (
    CaseEvent
    | ItemEvent
    | AgentEvent
    | DirectoryEvent
    | OutboundEvent
    | ChannelHealthChanged
    | InboundDecided
    | NodeStarted
    | NodeTakenOver
    | ContentRemoved
    | CustomerValued
    | ErasureOrdered
    | CustomerErased
    | JournalDropped
    | BackupRestored
    | DatabaseMoved
    | DutyTaken
    | DutyGivenUp
)

Row = (
    Item
    | Case
    | Message
    | Outgoing
    | AgentStatus
    | AgentProfile
    | Queue
    | Site
    | Calendar
    | ServicePolicy
    | Rule
    | Macro
    | Alarm
    | CommandRecord
    | InboundDone
    | DeliveryUpdate
)
"""A value that the commit of an event also writes into a table of current state."""


class Change(Struct, frozen=True, gc=False):
    """What a decision asks for: an event, and content that the same commit must write."""

    event: Event
    rows: tuple[Row, ...] = ()


class Entry(Struct, frozen=True, gc=False):
    """An event at its place in the journal, with every row as it was right after it."""

    position: Position
    at: datetime
    event: Event
    rows: tuple[Row, ...]
