"""What the flow asks of the store. PostgreSQL answers in the house, a fake one in the simulation.

Three ways to write, each one statement in autocommit that checks the node's fence itself:

``commit``   a run of journal entries with the rows they changed (the journal's only writer)
``receive``  inbounds and a channel's memory (the acknowledgement of intake)
``save_*``   what no event describes: files, tokens

``Fenced`` means that another incarnation or node has taken over: stop at once. ``Unavailable``
means that nothing was written. ``CommitUnknown`` means that nobody knows; ``resolve`` finds out.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Literal, Protocol

from msgspec import Struct, field

from gateway.core.duties import DutyTerm
from gateway.core.edition import EDITION
from gateway.core.election import Peer
from gateway.core.errors import GatewayError
from gateway.core.events import Entry
from gateway.core.ids import (
    AgentName,
    AttachmentId,
    CaseId,
    ChannelName,
    CommandId,
    CustomerId,
    InboundId,
    ItemId,
    MessageId,
    NodeName,
    Position,
)
from gateway.core.inbound import Decided, File, Inbound
from gateway.core.misrouted import HouseWords
from gateway.core.model import (
    AgentProfile,
    AgentStatus,
    Attachment,
    Case,
    CustomerBrief,
    Item,
    Message,
    Outgoing,
    Queue,
    Site,
)
from gateway.core.timetable import Entry as DirectoryEntry
from gateway.ports import Memory
from gateway.store.said import Said


class StoreError(GatewayError):
    """Base of the store's errors."""


class Fenced(StoreError):
    """This node's epoch is no longer the current one: nothing was written, and never will be."""


class Unavailable(StoreError):
    """The database cannot be reached; nothing was written."""


class CommitUnknown(StoreError):
    """The connection was lost, or a standby did not confirm, after the statement was sent."""


class VersionConflict(StoreError):
    """A row was not at the version or with the owner that this node believed: an alarm."""


class DutyLost(StoreError):
    """Some duties are not held under these epochs (any more): nothing was written."""

    def __init__(self, detail: str, duties: frozenset[DutyTerm] = frozenset()) -> None:
        super().__init__(detail)
        self.duties = duties


class BadBatch(StoreError):
    """The database refused a value: nothing was written, and sending it again will not help."""


class Term(Struct, frozen=True, kw_only=True):
    """A node's right to write: its name and the epoch of its fence row."""

    node: NodeName
    epoch: int


class Card(Struct, frozen=True, kw_only=True):
    """What a node shows of itself with every renewal; see ``election.Peer``."""

    state: Literal["joining", "serving", "leaving"] = "serving"
    region: str = ""
    urls: Mapping[str, str] = field(default_factory=dict)
    version: str = ""
    place: str = ""
    edition: int = EDITION


class Seen(Struct, frozen=True, kw_only=True):
    """What a renewal showed: every node, ourselves too, on one timeline of the database.

    ``written`` is the edition that may be written.
    """

    timeline: int
    peers: tuple[Peer, ...]
    written: int = EDITION


class Stored(Struct, frozen=True, kw_only=True):
    """One inbound as the inbox has it.

    ``decided`` is what became of it if it was dealt with before (only when not ``fresh``).
    ``node`` is who decides about it: the node that it came to first, or its heir.
    """

    id: InboundId
    fresh: bool
    customer: CustomerBrief | None
    attachments: tuple[Attachment, ...] = ()
    decided: Decided | None = None
    node: NodeName | None = None


class Received(Struct, frozen=True, kw_only=True):
    """An inbox row that waits for its decision, as loaded after a restart."""

    stored: Stored
    inbound: Inbound


class Loaded(Struct, frozen=True, kw_only=True):
    """All a node keeps in memory, as the database has it.

    ``ends`` is how far each node's journal went at that moment: who follows it from there misses
    nothing of what was loaded.
    """

    profiles: tuple[AgentProfile, ...]
    statuses: tuple[AgentStatus, ...]
    queues: tuple[Queue, ...]
    cases: tuple[Case, ...]
    items: tuple[Item, ...]
    outbox: tuple[Outgoing, ...]
    received: tuple[Received, ...]
    ends: Mapping[NodeName, Position] = field(default_factory=dict)
    sites: tuple[Site, ...] = ()
    entries: tuple[DirectoryEntry, ...] = ()
    handed: tuple[str, ...] = ()
    """Questions that tell of what is among these rows already (``store.handover``)."""


class Batch(Protocol):
    """A run of entries for one commit. Each is made ready as it is added, not when it flies."""

    entries: list[Entry]

    def add(self, entry: Entry) -> None: ...


class Entries:
    """A ``Batch`` that needs nothing made ready."""

    def __init__(self, entries: Iterable[Entry] = ()) -> None:
        self.entries = list(entries)

    def add(self, entry: Entry) -> None:
        self.entries.append(entry)


class Journal(Protocol):
    """The durable path."""

    def batch(self) -> Batch:
        """An empty batch, as ``commit`` wants it."""
        ...

    async def begin(self, node: NodeName, region: str) -> Term:
        """Raise this node's fence epoch and so end every earlier incarnation of it."""
        ...

    async def renew(self, term: Term, card: Card | None = None) -> Seen:
        """Raise the lease counter, show ``card`` (else the last one), and see everybody.

        Raises ``Fenced``, ``Unavailable``.
        """
        ...

    async def load(self, term: Term) -> Loaded:
        """Everything open that this node owns, and the directory."""
        ...

    async def commit(self, term: Term, batch: Batch) -> None:
        """Write a run of entries, in one statement.

        Raises ``Fenced``, ``Unavailable``, ``CommitUnknown``, and ``TypeError`` for a batch that
        ``batch`` has not made.
        """
        ...

    async def resolve(self, term: Term, last: Position) -> tuple[Term, bool]:
        """After ``CommitUnknown``: raise our own epoch, then look whether ``last`` is there.

        Returns the new term and whether the batch had landed. Raises ``Fenced``,
        ``Unavailable`` (ask again).
        """
        ...

    async def receive(
        self,
        term: Term,
        inbounds: Sequence[Inbound],
        memories: Sequence[tuple[ChannelName, Memory]],
        duties: Sequence[DutyTerm] = (),
    ) -> list[Stored]:
        """The inbox commit. Repeating it is harmless, so an unknown outcome is simply repeated.

        ``duties`` are what the sources were read under. Raises ``DutyLost`` with those that are
        not held, and stores nothing then.
        """
        ...

    async def reserve_numbers(self, count: int) -> range:
        """A block of ticket numbers that nobody else gets; gaps are allowed."""
        ...


class Lookup(Said, Protocol):
    """What decisions need from the database: committed facts, by indexed keys only."""

    async def case(self, case: CaseId) -> Case | None: ...

    async def case_by_number(self, number: int) -> Case | None: ...

    async def case_of_reference(self, references: Sequence[str]) -> tuple[Case, str] | None:
        """The case of the first reference known, as our own message id or an outside id.

        References are bare ids as channels give them; ``<uuid@anything>`` and ``uuid`` are looked
        up as our message ids, everything as ``external_id``.
        """
        ...

    async def participants(self, case: CaseId) -> frozenset[str]:
        """Who wrote in a case, was written to or copied, as plain addresses; of its newest mails.

        Our own addresses may be among them.
        """
        ...

    async def alike(self, external_id: str, mark: str) -> list[Message]:
        """What came in with this outside id and this ``mark``, the oldest first; a few at most."""
        ...

    async def brought(
        self, customer: CustomerId, channel: ChannelName, messages: Sequence[MessageId]
    ) -> frozenset[MessageId]:
        """Those of the messages that something of this customer lately, by this channel, was."""
        ...

    async def recent_cases(self, customer: CustomerId, channel: ChannelName) -> list[Case]:
        """The customer's cases in this channel that are not closed, newest first; a few at most."""
        ...

    async def written_case(self, customer: CustomerId, channel: ChannelName) -> Case | None:
        """The newest of the customer's cases, not closed, in which we wrote in this channel."""
        ...

    async def recent_case(self, customer: CustomerId, channel: ChannelName) -> Case | None:
        """The first of those."""
        ...

    async def opened_since(self, customer: CustomerId, since: datetime) -> tuple[datetime, ...]:
        """When the customer's cases were opened that are newer than that, newest first."""
        ...

    async def wrote_since(
        self, customer: CustomerId, since: datetime, but: InboundId
    ) -> tuple[datetime, ...]:
        """When something of theirs came in since then, newest first, ``but`` one left out."""
        ...

    async def open_case_of(self, kind: str, value: str, channel: ChannelName) -> Case | None:
        """The newest case, not closed, of a verified identity in one channel."""
        ...

    async def promises_of(self, case: CaseId) -> list[Item]:
        """Items of the case that are a promise and open, oldest first."""
        ...

    async def last_item(self, case: CaseId) -> Item | None:
        """The newest item of a case, open or ended."""
        ...

    async def customer(self, customer: CustomerId) -> CustomerBrief | None: ...

    async def customer_of(
        self, kind: str, value: str, *, verified: bool = True
    ) -> CustomerBrief | None:
        """Whose identity this is; a claimed one and a verified one are different persons."""
        ...

    async def values(self, customers: Sequence[CustomerId]) -> dict[CustomerId, int]:
        """What these customers are worth, as it is now; who is not known is left out."""
        ...

    async def known_as(self, customer: CustomerId) -> frozenset[str]:
        """The customer's identities, as ``core.ticket.plain`` has them."""
        ...

    async def address_of(self, customer: CustomerId, kind: str) -> str | None:
        """The customer's newest identity of this kind (``email``, ``phone``)."""
        ...

    async def house_words(self) -> HouseWords:
        """The reasons why an item was not for who got it, and the skills."""
        ...

    async def answers(self, agent: AgentName, ids: Sequence[CommandId]) -> dict[CommandId, bytes]:
        """Answers of commands that took effect within 24 hours."""
        ...

    async def talked_about(self, item: ItemId, chat: str) -> tuple[Item, bool] | None:
        """An item, and whether it was talked about in this chat of colleagues before."""
        ...

    async def message(self, message: MessageId) -> Message | None: ...

    async def file(self, attachment: AttachmentId) -> tuple[Attachment, bytes] | None: ...

    async def file_of_identity(
        self, attachment: AttachmentId, kind: str, value: str, channel: ChannelName
    ) -> tuple[Attachment, bytes] | None: ...

    async def save_file(self, file: File, owner: str) -> Attachment: ...

    async def claim_files(
        self, ids: Sequence[AttachmentId], owner: str, command: CommandId
    ) -> tuple[Attachment, ...]:
        """For the one message that ``command`` makes. Raises ``Refused('not_found')``."""

    async def load_memory(self, channel: ChannelName, key: str) -> bytes | None: ...

    async def save_memory(
        self, channel: ChannelName, memory: Memory, under: tuple[Term, DutyTerm] | None = None
    ) -> None:
        """``under``: raises ``Fenced`` or ``DutyLost`` unless both are held."""

    async def swap_memory(self, name: ChannelName, key: str, old: bytes | None, new: bytes) -> bool:
        """Store ``new`` if what is stored is ``old`` (``None``: nothing); whether it was."""

    async def decided(self, inbound: InboundId) -> Decided | None: ...

    async def decides(self, inbound: InboundId) -> NodeName | None:
        """The node that decides about an inbound, or has."""
        ...


class Page(Struct, frozen=True, kw_only=True):
    """A part of a list and where the next part begins."""

    items: list[Any]
    next: str | None


class ItemFilter(Struct, frozen=True, kw_only=True):
    """What ``GET /api/v1/items`` filters by; empty means any.

    ``reviewed``: only open ones that a supervisor is to look at.
    """

    state: str = ""
    queue: str = ""
    channel: str = ""
    agent: str = ""
    customer: str = ""
    since: datetime | None = None
    q: str = ""
    reviewed: bool = False


Sort = Literal["newest", "oldest"]
