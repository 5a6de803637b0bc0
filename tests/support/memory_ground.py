"""The tables of the store in memory, the rights of nodes to write, and whose contacts are whose."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any

from gateway.core import events as e
from gateway.core import model as m
from gateway.core.duties import Duty, DutyTerm, Wish
from gateway.core.election import Peer
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
from gateway.core.lifecycle import ENDED
from gateway.core.misrouted import HouseWords
from gateway.core.timetable import Entry, Key
from gateway.store.capacity import Published
from gateway.store.contacts import Decider
from gateway.store.contract import (
    Card,
    DutyLost,
    Fenced,
    Seen,
    Term,
)
from tests.support.memory_rows import InboxRow, Lease, Move, RelayRow, Upload
from tests.support.memory_talk import Talk
from tests.support.memory_wires import MemoryWires


class Ground:
    """All tables, who may write, and who decides. ``now`` is the database's clock.

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
        self.merged: dict[CaseId, CaseId] = {}
        self.left: dict[tuple[CaseId, int], MessageId] = {}
        self.profiles: dict[AgentName, m.AgentProfile] = {}
        self.queues: dict[str, m.Queue] = {}
        self.sites: dict[str, m.Site] = {}
        self.timetable: dict[Key, Entry] = {}
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
        self.words = HouseWords()
        self.talk = Talk()
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
