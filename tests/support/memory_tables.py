"""The disk of the store in memory: plain, synchronous, with the semantics of the SQL.

Survives every crash. Every method is one transaction: all of it happens, or nothing. Stricter
than the SQL in one thing: versions must rise by one within a batch too.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

from msgspec.structs import replace

from gateway.core import events as e
from gateway.core import model as m
from gateway.core.bad_addresses import BadAddress
from gateway.core.calendars import Calendar
from gateway.core.clocks import ServicePolicy
from gateway.core.colleagues import ColleagueMark, ColleagueMessage
from gateway.core.duties import DutyTerm
from gateway.core.ids import (
    AttachmentId,
    CaseId,
    ChannelName,
    CustomerId,
    InboundId,
    MessageId,
    NodeName,
)
from gateway.core.inbound import Decided, Inbound, owner_of
from gateway.core.lifecycle import ENDED
from gateway.core.macros import Macro
from gateway.core.rules.rule import Rule
from gateway.core.stops import Stop
from gateway.core.thresholds import Alarm
from gateway.core.ties import CasePlace, ItemPlace, MessagePlace
from gateway.core.timetable import key_of
from gateway.core.wordings import Canned, Letter
from gateway.ports import Memory
from gateway.store.contract import (
    BadBatch,
    Loaded,
    Received,
    Stored,
    Term,
    VersionConflict,
)
from gateway.store.handover import KIND as HANDED_OVER
from tests.support.memory_rows import InboxRow, copied, is_uuid
from tests.support.memory_shelf import Shelf
from tests.support.memory_ties import place

Versioned = m.Item | m.Case | m.Outgoing | m.AgentStatus
_OPEN = frozenset({m.OutboundState.PENDING, m.OutboundState.ATTEMPTING})


class Tables(Shelf):
    """See the module's docstring: the journal and the inbox, on top of the rest."""

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
                elif isinstance(row, m.DeliveryUpdate) and not is_uuid(row.message):
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
            case m.DeliveryUpdate() | m.Amended():
                self._patch(row)
            case m.AgentProfile() | m.Queue() | m.Site():
                self._put_named(row)
            case (
                Calendar()
                | ServicePolicy()
                | Rule()
                | Macro()
                | Alarm()
                | BadAddress()
                | Stop()
                | Canned()
                | Letter()
            ):
                self.timetable[key_of(row)] = row
            case m.CommandRecord():
                self.commands.setdefault((row.agent, row.id), row)
            case ColleagueMessage() | ColleagueMark():
                self.talk.take(row)
            case CasePlace() | MessagePlace() | ItemPlace():
                place(self, row)
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

    def _put_named(self, row: m.AgentProfile | m.Queue | m.Site) -> None:
        match row:
            case m.AgentProfile():
                self.profiles[row.name] = row
            case m.Queue():
                self.queues[row.name] = row
            case m.Site():
                self.sites[row.name] = row

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

    def _patch(self, row: m.DeliveryUpdate | m.Amended) -> None:
        if isinstance(row, m.Amended):
            self._amend(row.message)
        else:
            self._deliver(row)

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

    def _amend(self, said: m.Message) -> None:
        self.messages[said.id] = replace(
            self.messages[said.id],
            body=said.body,
            html=said.html,
            edited_at=said.edited_at,
            deleted_at=said.deleted_at,
        )

    def load(self, term: Term) -> Loaded:
        self.require(term)
        node = term.node
        items = self.open_items(node)
        cases = [self.cases[c] for c in dict.fromkeys(i.case for i in items)]
        statuses = [s for s in self.statuses.values() if self.homes[s.name] == node]
        return Loaded(
            profiles=tuple(copied(p) for p in self.profiles.values() if p.active),
            statuses=tuple(map(copied, statuses)),
            queues=tuple(copied(q) for q in self.queues.values() if q.active),
            sites=tuple(map(copied, self.sites.values())),
            entries=tuple(copied(one) for _, one in sorted(self.timetable.items()) if one.active),
            cases=tuple(map(copied, cases)),
            items=tuple(map(copied, items)),
            outbox=tuple(map(copied, self.open_orders(node))),
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
            Received(stored=self._stored(row, fresh=True), inbound=copied(row.inbound))
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

    def wrote(self, customer: CustomerId, since: datetime, but: InboundId) -> tuple[datetime, ...]:
        """When the customer's inbounds came, newest first."""
        aside = ("quarantined", "ignored")
        rows = (row for row in self.inbox_by_id.values() if row.customer == customer)
        rows = (row for row in rows if row.decided is None or row.decided.status not in aside)
        times = (row.received_at for row in rows if row.id != but and row.received_at >= since)
        return tuple(sorted(times, reverse=True))

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
            received_at=self.now(),
            raw=inbound.raw,
            attachments=(
                *(self._keep(file, "").attachment for file in inbound.files),
                *self._named(inbound),
            ),
        )

    def file_of_identity(
        self, attachment: AttachmentId, kind: str, value: str, channel: ChannelName
    ) -> tuple[m.Attachment, bytes] | None:
        customer = self.identities.get((kind, value, True))
        upload = self.files.get(attachment)
        said = self.messages.get(upload.message) if upload and upload.message else None
        if upload is None or said is None or customer is None or said.channel != channel:
            return None
        whose = self.cases[said.case].customer
        theirs = whose is not None and whose.id == customer
        shown = theirs and said.direction != "note" and not said.deleted_at
        return (upload.attachment, upload.data) if shown else None

    def _named(self, inbound: Inbound) -> Iterator[m.Attachment]:
        """Uploads of the sender, which are this inbound's from now on."""
        for name in dict.fromkeys(inbound.attachments):
            upload = self.files.get(name)
            claim = inbound.identity
            if upload is None or upload.named or claim is None or upload.message is not None:
                continue
            if upload.owner == owner_of(inbound.channel, claim):
                upload.named = True
                yield upload.attachment

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
