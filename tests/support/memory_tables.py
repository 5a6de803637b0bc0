"""The disk of the store in memory: plain, synchronous, with the semantics of the SQL.

Survives every crash. Every method is one transaction: all of it happens, or nothing. Stricter
than the SQL in one thing: versions must rise by one within a batch too.
"""

import re
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any, TypeVar
from uuid import UUID

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from gateway.core import events as e
from gateway.core import model as m
from gateway.core.duties import Duty, DutyTerm, Wish
from gateway.core.election import Peer
from gateway.core.errors import Refused
from gateway.core.ids import (
    AgentName,
    AttachmentId,
    CaseId,
    ChannelName,
    CommandId,
    CustomerId,
    InboundId,
    MessageId,
    NewId,
    NodeName,
    Position,
)
from gateway.core.inbound import Decided, File, Inbound
from gateway.core.lifecycle import ENDED
from gateway.ports import Memory
from gateway.store.capacity import Published
from gateway.store.codec import encode
from gateway.store.contacts import Decider
from gateway.store.contract import (
    BadBatch,
    Card,
    DutyLost,
    Fenced,
    Loaded,
    Received,
    Seen,
    Stored,
    Term,
    VersionConflict,
)
from gateway.store.handover import KIND as HANDED_OVER
from gateway.store.relay import Question
from gateway.store.takeover import Estate
from tests.support.memory_wires import MemoryWires

T = TypeVar("T")
Versioned = m.Item | m.Case | m.Outgoing | m.AgentStatus
_OWN_ID = re.compile(r"<?([0-9a-fA-F-]{36})(?:@[^>]*)?>?")
_OPEN = frozenset({m.OutboundState.PENDING, m.OutboundState.ATTEMPTING})
_DAY = timedelta(hours=24)
_CLAIM_HOLDS = timedelta(seconds=15)


class InboxRow(Struct, kw_only=True):
    """One thing that arrived, once for each key of a channel. ``arrival`` numbers the commits."""

    id: InboundId
    arrival: int
    node: NodeName
    inbound: Inbound
    customer: CustomerId | None
    attachments: tuple[m.Attachment, ...]
    decided: Decided | None = None


class Upload(Struct, kw_only=True):
    """A file by name. ``message`` is what it was sent with, ``claimed_by`` for which command."""

    attachment: m.Attachment
    owner: str
    data: bytes
    claimed_by: CommandId | None = None
    claimed_at: datetime | None = None
    message: MessageId | None = None


class Lease(Struct, kw_only=True):
    """A row of ``node_lease``; ``renewed_at`` is in seconds of the database's clock."""

    epoch: int
    counter: int = 0
    card: Card
    stopped: bool = False
    renewed_at: datetime


class RelayRow(Struct, kw_only=True):
    """What a node is asked, and the answer."""

    to: NodeName
    question: Question
    at: datetime
    answer: bytes | None = None


class Move(Struct, frozen=True):
    """Rows that changed hands when the journal had so many entries."""

    at: int
    dead: NodeName
    heir: NodeName
    rows: Estate


class Tables:
    """See the module's docstring. ``now`` is the database's clock.

    ``owners``, ``homes`` and ``carriers`` are the columns that say whose a row is; they change
    with a takeover, when the documents do not.
    """

    def __init__(self, new_id: NewId, now: Callable[[], datetime] | None = None) -> None:
        self.new_id = new_id
        self.now = now or (lambda: datetime.now(UTC))
        self.timeline = 1
        self.fences: dict[NodeName, int] = {}
        self.leases: dict[NodeName, Lease] = {}
        self.heirs: dict[NodeName, NodeName] = {}
        self.marks: dict[NodeName, str] = {}
        self.duties: dict[str, Duty] = {}
        self.wishes: dict[tuple[str, NodeName], Wish] = {}
        self.owners: dict[str, NodeName] = {}
        self.moves: list[Move] = []
        self.relay: dict[str, RelayRow] = {}
        self.homes: dict[str, NodeName | None] = {}
        self.case_homes: dict[CaseId, NodeName] = {}
        self.carriers: dict[str, NodeName] = {}
        self.journal: dict[tuple[NodeName, Position], e.Entry] = {}
        self.journals: dict[NodeName, list[e.Entry]] = {}
        self.wires = MemoryWires()
        self.cases: dict[str, m.Case] = {}
        self.items: dict[str, m.Item] = {}
        self.outbox: dict[str, m.Outgoing] = {}
        self.statuses: dict[str, m.AgentStatus] = {}
        self.messages: dict[MessageId, m.Message] = {}
        self.said: dict[CaseId, dict[int, MessageId]] = {}
        self.external: dict[str, MessageId] = {}
        self.profiles: dict[AgentName, m.AgentProfile] = {}
        self.queues: dict[str, m.Queue] = {}
        self.sites: dict[str, m.Site] = {}
        self.capacities: dict[NodeName, Published] = {}
        self.commands: dict[tuple[AgentName, CommandId], m.CommandRecord] = {}
        self.inbox: dict[tuple[ChannelName, str], InboxRow] = {}
        self.inbox_by_id: dict[InboundId, InboxRow] = {}
        self.undecided: dict[InboundId, InboxRow] = {}
        self.identities: dict[tuple[str, str, bool], CustomerId] = {}
        self.customers: dict[CustomerId, m.CustomerBrief] = {}
        self.customer_homes: dict[CustomerId, NodeName] = {}
        self.files: dict[AttachmentId, Upload] = {}
        self.memories: dict[tuple[ChannelName, str], bytes] = {}
        self.progress: dict[tuple[ChannelName, str], int] = {}
        self._number = 1
        self._arrival = 0
        self._tables: dict[type[Any], dict[str, Any]] = {
            m.Case: self.cases,
            m.Item: self.items,
            m.Outgoing: self.outbox,
            m.AgentStatus: self.statuses,
        }

    # -- fence ------------------------------------------------------------------------------

    def begin(self, node: NodeName, region: str = "") -> Term:
        epoch = self.fences[node] = self.fences.get(node, 0) + 1
        self.marks[node] = f"{node}/{epoch}"
        counter = self.leases[node].counter + 1 if node in self.leases else 0
        card = Card(state="joining", region=region)
        self.leases[node] = Lease(epoch=epoch, counter=counter, card=card, renewed_at=self.now())
        return Term(node=node, epoch=epoch)

    def renew(self, term: Term, card: Card | None) -> Seen:
        self.require(term)
        lease = self.leases[term.node]
        lease.counter += 1
        lease.card, lease.renewed_at = card or lease.card, self.now()
        return Seen(timeline=self.timeline, peers=tuple(map(self.peer, sorted(self.leases))))

    def peer(self, node: NodeName) -> Peer:
        lease = self.leases[node]
        return Peer(
            node=node,
            epoch=lease.epoch,
            counter=lease.counter,
            fence=self.fences[node],
            heir=self.heirs.get(node),
            state="stopped" if lease.stopped else lease.card.state,
            region=lease.card.region,
            urls=lease.card.urls,
            version=lease.card.version,
            place=lease.card.place,
        )

    def require(self, term: Term) -> None:
        if self.fences.get(term.node) != term.epoch:
            raise Fenced(f"{term.node} no longer holds epoch {term.epoch}")

    def require_duties(self, term: Term, duties: Sequence[DutyTerm]) -> None:
        self.require(term)
        rows = [self.duties.get(duty.name) for duty in duties]
        lost = [
            duty
            for duty, row in zip(duties, rows, strict=True)
            if row is None or (row.node, row.epoch) != (term.node, duty.epoch)
        ]
        if lost:
            raise DutyLost(f"{term.node} does not hold {lost}", frozenset(lost))

    def resolve(self, term: Term, last: Position) -> tuple[Term, bool]:
        self.require(term)
        lease, epoch = self.leases[term.node], term.epoch + 1
        self.fences[term.node] = lease.epoch = epoch
        lease.counter += 1
        return Term(node=term.node, epoch=epoch), (term.node, last) in self.journal

    # -- the journal ------------------------------------------------------------------------

    def commit(self, term: Term, entries: Sequence[e.Entry]) -> None:
        self.require(term)
        self._check(term, entries)
        for entry in entries:
            self.journal[term.node, entry.position] = entry
            self.journals.setdefault(term.node, []).append(entry)
            for row in entry.rows:
                self._put(row, term.node)

    def _check(self, term: Term, entries: Sequence[e.Entry]) -> None:
        """Everything that could make the transaction fail, before anything is written."""
        seen: dict[tuple[type[Any], str], int] = {}
        said: dict[tuple[CaseId, int], MessageId] = {}
        for entry in entries:
            if (term.node, entry.position) in self.journal:
                raise BadBatch(f"position {entry.position} is taken")
            for row in entry.rows:
                if isinstance(row, Versioned):
                    self._check_version(term, row, seen)
                elif isinstance(row, m.Message):
                    self._check_message(row, said)
                elif isinstance(row, m.DeliveryUpdate) and not _is_uuid(row.message):
                    raise BadBatch(f"{row.message!r} is no UUID")
                elif isinstance(row, m.InboundDone):
                    self._check_inbound(row)

    def _check_inbound(self, done: m.InboundDone) -> None:
        known = self.inbox_by_id.get(InboundId(done.id))
        if known is None:
            raise VersionConflict(f"inbox: {done.id} is not there")
        if known.decided is not None:
            raise VersionConflict(f"inbound {done.id} has been decided about")

    def _check_version(
        self, term: Term, row: Versioned, seen: dict[tuple[type[Any], str], int]
    ) -> None:
        name = row.name if isinstance(row, m.AgentStatus) else row.id
        key = (type(row), name)
        known = self._tables[type(row)].get(name)
        owner = self.owners.get(name) or self.carriers.get(name)
        if isinstance(known, m.Item | m.Outgoing) and owner != term.node:
            raise VersionConflict(f"{type(row).__name__} {name} belongs to {owner}")
        before = seen.get(key, known.version if known is not None else 0)
        if row.version != before + 1:
            raise VersionConflict(f"{type(row).__name__} {name}: {row.version} after {before}")
        seen[key] = row.version

    def _check_message(self, message: m.Message, said: dict[tuple[CaseId, int], MessageId]) -> None:
        there = said.get((message.case, message.seq)) or self.said.get(message.case, {}).get(
            message.seq
        )
        if there not in (None, message.id):
            raise BadBatch(f"case {message.case} has a message {message.seq} already")
        said[message.case, message.seq] = message.id

    def _put(self, row: e.Row, node: NodeName) -> None:
        match row:
            case m.Item() | m.Case() | m.Outgoing() | m.AgentStatus():
                self._put_versioned(row, node)
            case m.Message():
                self._put_message(row)
            case m.DeliveryUpdate():
                self._deliver(row)
            case m.AgentProfile():
                self.profiles[row.name] = row
            case m.Queue():
                self.queues[row.name] = row
            case m.Site():
                self.sites[row.name] = row
            case m.CommandRecord():
                self.commands.setdefault((row.agent, row.id), row)
            case m.InboundDone():
                self.undecided.pop(InboundId(row.id), None)
                self.inbox_by_id[InboundId(row.id)].decided = Decided(
                    status=row.status,
                    case=row.case,
                    item=row.item,
                    number=row.number,
                    message=row.message,
                    seq=row.seq,
                    reason=row.reason,
                )

    def _put_versioned(self, row: Versioned, node: NodeName) -> None:
        match row:
            case m.Item():
                self.items[row.id] = row
                self.owners[row.id] = row.owner
            case m.Outgoing():
                self.outbox[row.id] = row
                self.carriers[row.id] = node
            case m.Case():
                self.cases[row.id] = row
            case m.AgentStatus():
                self.statuses[row.name] = row
                self.homes[row.name] = row.home

    def _put_message(self, message: m.Message) -> None:
        self.messages[message.id] = message
        self.said.setdefault(message.case, {})[message.seq] = message.id
        if message.external_id:
            self.external.setdefault(message.external_id, message.id)
        for attachment in message.attachments:
            if attachment.id in self.files:
                self.files[attachment.id].message = message.id

    def _deliver(self, update: m.DeliveryUpdate) -> None:
        message = self.messages.get(update.message)
        if message is None:
            return
        external_id = update.external_id or message.external_id
        self.messages[message.id] = replace(
            message,
            delivery=update.delivery,
            delivery_reason=update.reason,
            external_id=external_id,
        )
        if external_id:
            self.external.setdefault(external_id, message.id)

    def load(self, term: Term) -> Loaded:
        self.require(term)
        node = term.node
        items = self.open_items(node)
        cases = [self.cases[c] for c in dict.fromkeys(i.case for i in items)]
        statuses = [s for s in self.statuses.values() if self.homes[s.name] == node]
        return Loaded(
            profiles=tuple(_copy(p) for p in self.profiles.values() if p.active),
            statuses=tuple(map(_copy, statuses)),
            queues=tuple(_copy(q) for q in self.queues.values() if q.active),
            sites=tuple(map(_copy, self.sites.values())),
            cases=tuple(map(_copy, cases)),
            items=tuple(map(_copy, items)),
            outbox=tuple(map(_copy, self.open_orders(node))),
            received=tuple(self.waiting(node)),
            ends={name: entries[-1].position for name, entries in self.journals.items()},
            handed=tuple(
                id_
                for id_, row in self.relay.items()
                if row.to == node and row.answer is None and row.question.kind == HANDED_OVER
            ),
        )

    def open_items(self, node: NodeName) -> list[m.Item]:
        mine = [i for i in self.items.values() if self.owners[i.id] == node]
        return [i for i in mine if i.state not in ENDED]

    def open_orders(self, node: NodeName) -> list[m.Outgoing]:
        mine = [o for o in self.outbox.values() if self.carriers[o.id] == node]
        return [o for o in mine if o.state in _OPEN]

    def waiting(self, node: NodeName) -> list[Received]:
        """Inbounds that nobody has decided about, in the order of their arrival."""
        return [
            Received(stored=self._stored(row, fresh=True), inbound=_copy(row.inbound))
            for row in sorted(self.undecided.values(), key=lambda r: (r.arrival, r.id))
            if row.node == node
        ]

    # -- the inbox --------------------------------------------------------------------------

    def receive(
        self,
        term: Term,
        inbounds: Sequence[Inbound],
        memories: Sequence[tuple[ChannelName, Memory]],
        duties: Sequence[DutyTerm] = (),
    ) -> list[Stored]:
        """Rows go in by their keys, as with locks; ids are made in the order of arrival."""
        self.require_duties(term, duties)
        self._arrival += 1
        new: dict[tuple[ChannelName, str], InboxRow] = {}
        for inbound in inbounds:
            key = inbound.channel, inbound.key
            if key not in self.inbox and key not in new:
                new[key] = self._receive(term, inbound)
        for key, row in sorted(new.items(), key=lambda known: known[0]):
            self.inbox[key] = self.inbox_by_id[row.id] = self.undecided[row.id] = row
        stored = []
        for inbound in inbounds:
            key = inbound.channel, inbound.key
            stored.append(self._stored(self.inbox[key], fresh=new.pop(key, None) is not None))
        for channel, memory in memories:
            self.remember(channel, memory)
        return stored

    def remember(self, channel: ChannelName, memory: Memory) -> None:
        """What a channel remembers never goes back."""
        key = channel, memory.key
        if memory.progress >= self.progress.get(key, 0):
            self.memories[key], self.progress[key] = memory.value, memory.progress

    def _receive(self, term: Term, inbound: Inbound) -> InboxRow:
        customer = self._who(inbound)
        return InboxRow(
            id=InboundId(self.new_id()),
            arrival=self._arrival,
            node=self.home_of(customer, term.node) if customer else term.node,
            inbound=replace(inbound, raw=None, files=()),
            customer=customer,
            attachments=tuple(self._keep(file, "").attachment for file in inbound.files),
        )

    def _who(self, inbound: Inbound) -> CustomerId | None:
        """A claimed identity and a verified one are different persons."""
        claim = inbound.identity
        if claim is None:
            return None
        key = (claim.kind, claim.value, claim.verified)
        customer = self.identities.get(key)
        if customer is None:
            customer = self.identities[key] = CustomerId(self.new_id())
            self.customers[customer] = m.CustomerBrief(
                id=customer, name=claim.name, language=inbound.language, verified=claim.verified
            )
        elif claim.name and not self.customers[customer].name:
            self.customers[customer] = replace(self.customers[customer], name=claim.name)
        return customer

    def _stored(self, row: InboxRow, *, fresh: bool) -> Stored:
        return Stored(
            id=row.id,
            fresh=fresh,
            customer=self.customers[row.customer] if row.customer else None,
            attachments=row.attachments,
            decided=None if fresh else row.decided,
            node=row.node,
        )

    # -- who decides ------------------------------------------------------------------------

    def acting(self, wanted: NodeName | None) -> NodeName | None:
        """The node, or its heir while it is taken over; none once nothing of it is left."""
        asked = wanted
        for _ in range(8):
            if asked is None or asked not in self.leases:
                return None
            heir = self.heirs.get(asked)
            if heir is None:
                return asked if self.leases[asked].epoch == self.fences[asked] else None
            asked = heir
        return wanted

    def home_of(self, customer: CustomerId, me: NodeName) -> NodeName:
        """Who decides about a customer; the node that asks, from now on, if nobody does."""
        home = self.acting(self.customer_homes.get(customer))
        if home is None:
            theirs = {c.id for c in self.cases.values() if c.customer and c.customer.id == customer}
            owners = (
                self.acting(self.owners[item.id])
                for item in self.items.values()
                if item.case in theirs and item.state not in ENDED
            )
            home = next(owners, None) or me
            self.customer_homes[customer] = home
        return home

    def end_homes(self, dead: NodeName) -> None:
        """A home is good until its node has been taken over."""
        self.customer_homes = {c: n for c, n in self.customer_homes.items() if n != dead}
        self.case_homes = {c: n for c, n in self.case_homes.items() if n != dead}

    def decider(self, me: NodeName, case: CaseId) -> Decider:
        """See ``decider_of_case`` in migration 0008."""
        for item in reversed(self.items.values()):
            if item.case == case and item.state not in ENDED:
                owner = self.owners[item.id]
                return Decider(self.acting(owner) or owner, True)
        customer = self.cases[case].customer
        if customer is not None:
            return Decider(self.home_of(customer.id, me), False)
        home = self.case_homes[case] = self.acting(self.case_homes.get(case)) or me
        return Decider(home, False)

    def reserve_numbers(self, count: int) -> range:
        first, self._number = self._number, self._number + count
        return range(first, self._number)

    # -- files ------------------------------------------------------------------------------

    def _keep(self, file: File, owner: str) -> Upload:
        attachment = m.Attachment(
            id=AttachmentId(self.new_id()),
            name=file.name,
            type=file.type,
            size=len(file.data),
            sha256=sha256(file.data).hexdigest(),
            inline_id=file.inline_id,
        )
        upload = Upload(attachment=attachment, owner=owner, data=file.data)
        self.files[attachment.id] = upload
        return upload

    def save_file(self, file: File, owner: str) -> m.Attachment:
        return self._keep(file, owner).attachment

    def claim_files(
        self, ids: Sequence[AttachmentId], owner: str, command: CommandId
    ) -> tuple[m.Attachment, ...]:
        found = [self.files.get(i) for i in dict.fromkeys(ids)]
        free = [f for f in found if f and self._is_free(f, owner, command)]
        if len(free) != len(found):
            raise Refused("not_found", "an attachment is unknown or used", "attachments")
        for upload in free:
            upload.claimed_by, upload.claimed_at = command, self.now()
        return tuple(f.attachment for f in free)

    def _is_free(self, upload: Upload, owner: str, command: CommandId) -> bool:
        claimed_at = upload.claimed_at
        return (upload.owner, upload.message) == (owner, None) and (
            claimed_at is None
            or upload.claimed_by == command
            or (owner, upload.claimed_by) in self.commands
            or self.now() - claimed_at > _CLAIM_HOLDS
        )

    # -- looking up -------------------------------------------------------------------------

    def answers(self, agent: AgentName, ids: Sequence[CommandId]) -> dict[CommandId, bytes]:
        since = self.now() - _DAY
        found = [self.commands.get((agent, i)) for i in ids]
        return {r.id: r.answer for r in found if r is not None and r.at > since}

    def newest_case(self, customer: CustomerId | None, channel: ChannelName) -> m.Case | None:
        found = [
            c
            for c in self.cases.values()
            if c.customer is not None
            and c.customer.id == customer
            and c.channel == channel
            and c.status is not m.CaseStatus.CLOSED
        ]
        return max(found, key=lambda c: c.id, default=None)

    def case_of_reference(self, references: Sequence[str]) -> tuple[m.Case, str] | None:
        for reference in references:
            own = _OWN_ID.fullmatch(reference)
            message = self.messages.get(MessageId(own[1].lower())) if own else None
            message_id = message.id if message else self.external.get(reference)
            if message_id is not None:
                return self.cases[self.messages[message_id].case], reference
        return None


def _is_uuid(value: str) -> bool:
    try:
        return bool(UUID(value))
    except ValueError:
        return False


def _copy(value: T) -> T:
    """As it comes back from a document in the database."""
    return msgspec.json.decode(encode(value), type=type(value))
