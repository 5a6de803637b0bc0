"""A node in memory, as far as the web chat can see one: it commits, tells the feed, answers.

Commits are instant unless a test holds them (``hold``/``release``), so that a test can cut a
connection between any two steps.
"""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta
from itertools import count

from msgspec.structs import replace

from gateway.core.errors import Refused
from gateway.core.events import (
    DeliveryChanged,
    Entry,
    Event,
    ItemAssigned,
    ItemCompleted,
    ItemCreated,
    MessageAdded,
    Row,
)
from gateway.core.ids import (
    AgentName,
    AttachmentId,
    CaseId,
    ChannelName,
    CustomerId,
    InboundId,
    ItemId,
    MessageId,
    NodeName,
    Position,
)
from gateway.core.model import (
    Attachment,
    Author,
    Case,
    CaseStatus,
    Delivery,
    Item,
    ItemState,
    Message,
)
from gateway.ports import Accepted, Decided, File, Inbound, Memory, Services
from tests.support.chatvalues import START, case_of, item_of, message


class StillClock:
    """Time moves only when a test says so."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def now(self) -> datetime:
        return START + timedelta(seconds=self.seconds)

    def monotonic(self) -> float:
        return self.seconds


class ChatWorld:
    """Intake, conversations, feed, signals, memory and files of one small node."""

    def __init__(self) -> None:
        self.clock = StillClock()
        self.cases: dict[CaseId, Case] = {}
        self.said: dict[CaseId, list[Message]] = defaultdict(list)
        self.items: dict[CaseId, Item] = {}
        self.promised: dict[CaseId, list[Item]] = {}
        self.places: dict[CaseId, tuple[int, float]] = {}
        self.owners: dict[tuple[str, str], CaseId] = {}
        self.received: list[Inbound] = []
        self.arrived = asyncio.Event()
        self.marked: list[tuple[MessageId, Delivery]] = []
        self.typed: list[tuple[CaseId, str, bool, bool]] = []
        self.uploads: dict[AttachmentId, tuple[str, str, bytes]] = {}
        self.cards: dict[AttachmentId, Attachment] = {}
        self.shelf: dict[str, tuple[str, str, str, str, bytes]] = {}
        """Files that were sent: of which identity, called what, of which type, with what in."""
        self.outage = False
        self.knocked = 0
        self._decided: dict[str, Decided] = {}
        self._inbox: dict[str, Inbound] = {}
        self._consumers: list[Callable[[Sequence[Entry]], None]] = []
        self._listeners: list[Callable[[CaseId, str, bool, bool], None]] = []
        self._offsets = count(1)
        self._numbers = count(1001)
        self._open = asyncio.Event()
        self._open.set()

    def services(self, public_url: str = "http://localhost:8080") -> Services:
        return Services(
            clock=self.clock,
            intake=self,
            memory=self,
            conversations=self,
            feed=self,
            files=self,
            signals=_Signals(self),
            delivered=lambda message, state, _reason: self._delivered(message, state),
            secret=b"a secret of thirty-two bytes, yes",
            public_url=public_url,
            node=NodeName("test-1"),
            agent_name=lambda agent: agent.title(),
        )

    # -- what a test does -------------------------------------------------------------------

    def hold(self) -> None:
        """Nothing commits until ``release``."""
        self._open.clear()

    def release(self) -> None:
        self._open.set()

    def answer(self, case: CaseId, body: str, direction: str = "out") -> Message:
        """An agent writes (or notes)."""
        said = message(self._next_seq(case), body, case=case, direction=direction)
        self._add(said)
        return said

    def assign(self, case: CaseId, agent: str) -> None:
        item = replace(
            self.items[case],
            state=ItemState.ASSIGNED,
            agent=AgentName(agent),
            version=self.items[case].version + 1,
        )
        self._move(ItemAssigned(item=item.id, agent=AgentName(agent), by="", reason=""), item)

    def complete(self, case: CaseId) -> None:
        """The agent closes; the next message opens another case."""
        known = self.items[case]
        item = replace(known, state=ItemState.COMPLETED, version=known.version + 1)
        self.cases[case] = replace(self.cases[case], status=CaseStatus.CLOSED)
        self._move(ItemCompleted(item=item.id, agent=item.agent), item)
        del self.items[case]

    def read_by_agent(self, said: Message) -> None:
        self._set_delivery(said, Delivery.READ)

    def place(self, case: CaseId, place: int, seconds: float) -> None:
        """Someone else leaves the queue, and this one moves up."""
        self.places[case] = (place, seconds)
        self._tell(ItemCompleted(item=ItemId("other"), agent=None), ())

    def typing_agent(self, case: CaseId, who: str, *, on: bool) -> None:
        for listener in tuple(self._listeners):
            listener(case, who, on, False)

    # -- intake -----------------------------------------------------------------------------

    async def receive(
        self, inbounds: Sequence[Inbound], memory: Memory | None = None
    ) -> list[Accepted]:
        if self.outage:
            raise Refused("unavailable", "the database cannot be written")
        self.knocked += 1
        await self._open.wait()
        accepted = []
        for inbound in inbounds:
            fresh = inbound.key not in self._inbox
            self.received.append(inbound)
            self.arrived.set()
            self._inbox.setdefault(inbound.key, inbound)
            accepted.append(Accepted(id=InboundId(inbound.key), fresh=fresh))
        return accepted

    async def decided(self, accepted: Accepted) -> Decided:
        await self._open.wait()
        known = self._decided.get(accepted.id)
        if known is None:
            known = self._decided[accepted.id] = self._decide(self._inbox[accepted.id])
        return known

    def _decide(self, inbound: Inbound) -> Decided:
        if inbound.attributes.get("chat") == "ended":
            if inbound.conversation is not None:
                self.complete(inbound.conversation)
            return Decided(status="processed", case=inbound.conversation)
        if inbound.body == "poison":
            return Decided(status="quarantined", reason="it could not be understood")
        case = inbound.conversation
        if case is None or self.cases[case].status is CaseStatus.CLOSED:
            case = self._open_case(inbound)
        said = replace(
            message(self._next_seq(case), inbound.body, case=case, client_id=inbound.client_id),
            author=Author(kind="customer", name=inbound.identity.name if inbound.identity else ""),
            attachments=tuple(self.cards[one] for one in inbound.attachments),
        )
        self._add(said)
        return Decided(
            status="processed",
            case=case,
            item=self.items[case].id,
            number=self.cases[case].number,
            message=said.id,
            seq=said.seq,
        )

    def _open_case(self, inbound: Inbound) -> CaseId:
        number = next(self._numbers)
        case = case_of(f"case-{number}", number)
        self.cases[case.id] = case
        if (identity := inbound.identity) is not None:
            self.owners[identity.kind, identity.value] = case.id
        item = item_of(case=case.id, name=f"item-{number}")
        self.places[case.id] = (1, 40.0)
        self._move(ItemCreated(item=item), item)
        return case.id

    # -- conversations ----------------------------------------------------------------------

    async def case(self, case: CaseId) -> Case | None:
        return self.cases.get(case)

    async def promises_of(self, case: CaseId) -> list[Item]:
        return [i for i in self.promised.get(case, []) if i.promise is not None]

    async def item_of(self, case: CaseId) -> Item | None:
        return self.items.get(case)

    async def messages(
        self, case: CaseId, after_seq: int, *, customer_view: bool, limit: int = 200
    ) -> list[Message]:
        await self._open.wait()
        seen = [m for m in self.said[case] if m.seq > after_seq]
        return [m for m in seen if not (customer_view and m.direction == "note")][:limit]

    async def known_as(self, customer: CustomerId) -> frozenset[str]:
        return frozenset()

    async def open_case_of(self, kind: str, value: str, channel: ChannelName) -> Case | None:
        case = self.owners.get((kind, value))
        if case is None or self.cases[case].status is CaseStatus.CLOSED:
            return None
        return self.cases[case]

    async def waiting(self, cases: Iterable[CaseId]) -> dict[CaseId, tuple[int, float]]:
        queued = [c for c in cases if c in self.items and self.items[c].state is ItemState.QUEUED]
        return {case: self.places[case] for case in queued if case in self.places}

    # -- feed, memory, files ----------------------------------------------------------------

    def subscribe(self, consumer: Callable[[Sequence[Entry]], None]) -> Callable[[], None]:
        self._consumers.append(consumer)
        return lambda: self._consumers.remove(consumer)

    async def load(self, channel: ChannelName, key: str) -> bytes | None:
        return None

    async def save(self, channel: ChannelName, memory: Memory) -> None:
        return None

    async def swap(self, channel: ChannelName, key: str, known: bytes | None, value: bytes) -> bool:
        return False

    async def put(self, file: File, owner: str) -> Attachment:
        name = AttachmentId(f"upload-{len(self.uploads) + 1}")
        self.uploads[name] = (owner, file.name, file.data)
        kept = Attachment(id=name, name=file.name, type=file.type, size=len(file.data), sha256="")
        self.cards[name] = kept
        return kept

    async def file(
        self, attachment: AttachmentId, kind: str, value: str, channel: ChannelName
    ) -> tuple[Attachment, bytes] | None:
        found = self.shelf.get(attachment)
        if found is None or found[:2] != (kind, value):
            return None
        _, _, name, type_, data = found
        return Attachment(id=attachment, name=name, type=type_, size=len(data), sha256=""), data

    async def get(self, attachment: str) -> tuple[Attachment, bytes] | None:
        return None

    # -- inside -----------------------------------------------------------------------------

    def _next_seq(self, case: CaseId) -> int:
        return self.cases[case].last_seq + 1

    def _add(self, said: Message) -> None:
        self.said[said.case].append(said)
        self.cases[said.case] = replace(self.cases[said.case], last_seq=said.seq)
        event = MessageAdded(
            message=said.id,
            case=said.case,
            seq=said.seq,
            direction=said.direction,
            customer=CustomerId("customer-1"),
        )
        self._tell(event, (said, self.cases[said.case]))

    def _move(self, event: Event, item: Item) -> None:
        self.items[item.case] = item
        self._tell(event, (item,))

    def _delivered(self, said: Message, state: Delivery) -> None:
        self.marked.append((said.id, state))
        self._set_delivery(said, state)

    def _set_delivery(self, said: Message, state: Delivery) -> None:
        kept = self.said[said.case]
        kept[:] = [replace(m, delivery=state) if m.id == said.id else m for m in kept]
        self._tell(DeliveryChanged(message=said.id, case=said.case, state=state), ())

    def _tell(self, event: Event, rows: tuple[Row, ...]) -> None:
        position = Position(epoch=1, offset=next(self._offsets))
        entry = Entry(position=position, at=self.clock.now(), event=event, rows=rows)
        for consumer in tuple(self._consumers):
            consumer([entry])


class _Signals:
    def __init__(self, world: ChatWorld) -> None:
        self._world = world

    def typing(self, case: CaseId, who: str, *, on: bool, by_customer: bool) -> None:
        self._world.typed.append((case, who, on, by_customer))

    def subscribe(self, listener: Callable[[CaseId, str, bool, bool], None]) -> Callable[[], None]:
        self._world._listeners.append(listener)
        return lambda: self._world._listeners.remove(listener)
