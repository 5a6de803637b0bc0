"""REST over a real node of the flow and the store in memory, behind a real HTTP server.

What the store answers to REST alone (tokens, lists, people) is answered here from the same
tables, and from a few dictionaries.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any

import msgspec
from aiohttp.test_utils import TestClient, TestServer
from argon2 import PasswordHasher
from msgspec.structs import replace

from channels.email import TYPE as EMAIL
from channels.task import TYPE as TASK
from channels.task.settings import Settings as TaskSettings
from gateway.api import Api, House
from gateway.api.channel_cards import ChannelCard
from gateway.api.house import Site
from gateway.cluster.asking import Asking
from gateway.cluster.capacity import Publication
from gateway.cluster.evacuation import Evacuation
from gateway.cluster.handover import Handover
from gateway.cluster.sending import Sending
from gateway.core import events as e
from gateway.core.errors import Refused
from gateway.core.facts.measures import Sums
from gateway.core.ids import (
    AgentName,
    CaseId,
    ChannelName,
    CustomerId,
    InboundId,
    ItemId,
    MessageId,
    NodeName,
    OutboundId,
    QueueName,
)
from gateway.core.inbound import Decided
from gateway.core.lifecycle import ENDED
from gateway.core.model import AgentProfile, Case, Item, OutboundState, Outgoing
from gateway.flow.ticketlinks import TicketLinks
from gateway.http import HttpMount
from gateway.insight.board import WallboardNow
from gateway.insight.days import DayKeeping
from gateway.ports import Guess, HttpRoute, Role, Services
from gateway.store.contract import ItemFilter, Page, Received, Unavailable
from gateway.store.intervals import Asked, Behind, Key
from gateway.store.retention import Removed
from gateway.store.views import (
    Begun,
    CustomerCard,
    IdentityCard,
    ItemLine,
    KeyName,
    Misroute,
    Misrouting,
    Named,
    NodeCard,
    OutboxCard,
    QuarantineCard,
    RawInbound,
    TimelineEntry,
    TokenRow,
    Traced,
    Unwritten,
    Withheld,
)
from gateway.supervise import Health
from tests.support.builders import NODE, OFFICE, agent
from tests.support.flownode import Rig, new_tables, running
from tests.support.memory_capacity import MemoryCapacity
from tests.support.memory_colleagues import MemoryColleagues
from tests.support.memory_days import MemoryDays
from tests.support.memory_handover import MemoryHandover
from tests.support.memory_homes import MemoryHomes
from tests.support.memory_relay import MemoryRelay
from tests.support.memory_search import MemorySearch
from tests.support.memory_tables import Tables

ADMIN = "the-bootstrap-token"
SECRET = b"a secret of thirty-two bytes, yes"
QUICK = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
Answer = tuple[int, Any]


def paged(items: Sequence[Any], cursor: str, limit: int) -> Page:
    """The part that begins at the index in ``cursor``."""
    start = int(cursor or 0)
    more = str(start + limit) if len(items) > start + limit else None
    return Page(items=list(items[start : start + limit]), next=more)


class FakeTokens:
    """Tokens and logins; ``asked`` counts look-ups."""

    def __init__(self, tables: Tables) -> None:
        self.rows: dict[bytes, TokenRow] = {}
        self.logins: dict[str, tuple[str, Role]] = {}
        self.asked = 0
        self._tables = tables

    async def holder(self, sha256: bytes) -> TokenRow | None:
        self.asked += 1
        row = self.rows.get(sha256)
        expired = row and row.expires_at and row.expires_at <= self._tables.now()
        return None if expired else row

    async def dead(self, ids: Collection[str]) -> set[str]:
        return set(ids) - {row.id for row in self.rows.values()}

    async def add(self, row: TokenRow, sha256: bytes) -> None:
        self.rows[sha256] = row

    async def revoke(self, token: str) -> TokenRow | None:
        found = next((d for d, row in self.rows.items() if row.id == token), None)
        return self.rows.pop(found) if found is not None else None

    async def revoke_all_of(self, principal: AgentName) -> None:
        self.rows = {d: row for d, row in self.rows.items() if row.principal != principal}

    async def listed(self, principal: str, cursor: str, limit: int) -> Page:
        rows = [r for r in self.rows.values() if not principal or r.principal == principal]
        return paged(rows[::-1], cursor, limit)

    async def login(self, name: str) -> tuple[str, Role] | None:
        return self.logins.get(name)

    async def save_login(self, name: AgentName, password: str, role: Role) -> None:
        self.logins[name] = (password, role)

    async def drop_login(self, name: AgentName) -> None:
        self.logins.pop(name, None)


class FakeListing:
    """Lists over the tables."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables

    async def items(self, wanted: ItemFilter, cursor: str, limit: int) -> Page:
        found = [i for i in self._tables.items.values() if _matches(i, wanted)]
        pairs = [(i, self._tables.cases[i.case]) for i in sorted(found, key=lambda i: i.id)]
        return paged(pairs[::-1], cursor, limit)

    async def item(self, item: ItemId) -> tuple[Item, Case] | None:
        found = self._tables.items.get(item)
        return (found, self._tables.cases[found.case]) if found else None

    async def owner_of(self, item: ItemId) -> NodeName | None:
        found = self._tables.items.get(item)
        return None if found is None or found.state in ENDED else self._tables.owners[item]

    async def carrier_of(self, outbound: OutboundId) -> NodeName | None:
        return self._tables.carriers.get(outbound)

    async def open_elsewhere(self, queue: QueueName, me: NodeName) -> dict[NodeName, int]:
        opened = [i for i in self._tables.items.values() if i.queue == queue]
        owners = [self._tables.owners[i.id] for i in opened if i.state not in ENDED]
        return {node: n for node, n in Counter(owners).items() if node != me}

    async def items_of(self, case: CaseId) -> list[Item]:
        return [i for i in self._tables.items.values() if i.case == case]

    async def trace(self, item: ItemId, case: CaseId, cursor: str, limit: int) -> Page:
        found = []
        for entry in self._tables.journal.values():
            data = msgspec.to_builtins(entry.event)
            if item in (data.get("item"), (data.get("item") or {}) and _id_of(data["item"])):
                found.append(Traced(at=entry.at, kind=data["kind"], data=data))
        return paged(found, cursor, limit)

    async def quarantined(self, cursor: str, limit: int) -> Page:
        rows = [
            QuarantineCard(
                id=row.id, channel=row.inbound.channel, at=row.inbound.at, reason=row.decided.reason
            )
            for row in self._tables.inbox_by_id.values()
            if row.decided is not None and row.decided.status == "quarantined"
        ]
        return paged(rows, cursor, limit)

    async def raw(self, inbound: InboundId) -> RawInbound | None:
        row = self._tables.inbox_by_id.get(inbound)
        if row is None or row.decided is None or row.decided.status != "quarantined":
            return None
        data = b"<script>raw</script>"
        return RawInbound(channel=row.inbound.channel, at=row.inbound.at, data=data)

    async def raw_of(self, message: MessageId) -> RawInbound | None:
        for row in self._tables.inbox_by_id.values():
            if row.decided is not None and row.decided.message == message and row.raw:
                return RawInbound(channel=row.inbound.channel, at=row.inbound.at, data=row.raw)
        return None

    async def retry(self, inbound: InboundId) -> Received | None:
        if await self.raw(inbound) is None:
            return None
        row = self._tables.inbox_by_id[inbound]
        row.decided = None
        self._tables.undecided[row.id] = row
        return Received(stored=self._tables._stored(row, fresh=True), inbound=row.inbound)

    async def drop(self, inbound: InboundId) -> bool:
        if await self.raw(inbound) is None:
            return False
        self._tables.inbox_by_id[inbound].decided = Decided(status="ignored")
        return True

    async def outbound_of(self, message: MessageId, case: CaseId) -> OutboundId | None:
        left = {was for (was, _), one in self._tables.left.items() if one == message}
        orders = [o for o in self._tables.outbox.values() if o.message == message]
        return next((o.id for o in orders if o.case in left | {case}), None)

    async def outgoing(self, outbound: OutboundId) -> Outgoing | None:
        return self._tables.outbox.get(outbound)

    async def outbox(self, state: str, cursor: str, limit: int) -> Page:
        shown = {state} if state else {"pending", "attempting", "failed"}
        rows = [_card(o) for o in self._tables.outbox.values() if o.state.value in shown]
        return paged(rows, cursor, limit)


class FakeIntervals:
    """Hands out what a test puts in, in pages; ``asked`` is what was asked for last."""

    def __init__(self) -> None:
        self.rows: list[tuple[Key, Sums]] = []
        self.items: list[Behind] = []
        self.asked: Asked | None = None
        self.known: datetime | None = None

    async def known_until(self) -> datetime | None:
        return self.known

    async def summed(self, asked: Asked) -> list[tuple[Key, Sums]]:
        self.asked = asked
        rows = [row for row in self.rows if asked.after is None or row[0] > asked.after]
        return rows[: asked.most + 1]

    async def behind(self, asked: Asked, measure: str, most: int) -> list[Behind]:
        self.asked = asked
        return self.items[:most]


class FakeReports:
    """Counts in the journal; each event a line of its own."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables

    async def misrouted(self, since: datetime, until: datetime) -> list[Misrouting]:
        return [
            Misrouting(
                rule=event.rule,
                queue=event.queue,
                reason=event.reason,
                right_queue=event.right_queue,
                right_skill=event.right_skill,
                told=1,
                latest=[
                    Misroute(
                        item=event.item,
                        number=self._tables.cases[event.case].number,
                        at=entry.at,
                        agent=event.agent,
                        how=event.how,
                        decision=event.decision,
                    )
                ],
            )
            for entry in self._tables.journal.values()
            if isinstance(event := entry.event, e.ItemMisrouted) and since <= entry.at < until
        ]

    async def withheld(self, since: datetime, until: datetime) -> list[Withheld]:
        return [
            Withheld(
                channel=event.channel,
                of=event.of,
                what=event.what,
                withheld=1,
                latest=[
                    Unwritten(
                        item=event.item, number=self._tables.cases[event.case].number, at=entry.at
                    )
                ],
            )
            for entry in self._tables.journal.values()
            if isinstance(event := entry.event, e.AutomaticWithheld) and since <= entry.at < until
        ]


def _id_of(item: Any) -> str:
    return str(item["id"] if isinstance(item, dict) else item)


def _matches(item: Item, wanted: ItemFilter) -> bool:
    open_ = wanted.state == "open" and item.state not in ENDED
    return (
        (not wanted.state or open_ or item.state.value == wanted.state)
        and (not wanted.queue or item.queue == wanted.queue)
        and (not wanted.agent or item.agent == wanted.agent)
        and (not wanted.reviewed or (item.watch is not None and bool(item.watch.reviews)))
        and (not wanted.q or wanted.q in item.subject or wanted.q == str(item.number))
    )


def _card(o: Outgoing) -> OutboxCard:
    return OutboxCard(
        id=o.id,
        channel=o.channel,
        kind=o.kind.value,
        purpose=o.purpose,
        state=o.state,
        attempts=o.attempts,
        next_at=o.next_at,
        reason=o.reason,
    )


class FakeErasing:
    """Forgets who a customer was; what was said is the real store's matter."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables

    async def erase(self, customer: CustomerId) -> Removed:
        cases = [c for c in self._tables.cases.values() if c.customer and c.customer.id == customer]
        open_ones = {i.case for i in self._tables.items.values() if i.state not in ENDED}
        if busy := tuple(sorted(c.number for c in cases if c.id in open_ones)):
            return Removed(cases=[], busy=busy)
        del self._tables.customers[customer]
        for identity in [i for i, who in self._tables.identities.items() if who == customer]:
            del self._tables.identities[identity]
        return Removed(cases=[c.number for c in cases])


class FakePeople:
    """Customers by identity."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables

    async def customer(self, customer: CustomerId) -> CustomerCard | None:
        brief = self._tables.customers.get(customer)
        if brief is None:
            return None
        identities = [
            IdentityCard(kind=kind, value=value, verified=verified)
            for (kind, value, verified), who in self._tables.identities.items()
            if who == customer
        ]
        return CustomerCard(id=brief.id, name=brief.name, value=brief.value, identities=identities)

    async def of_identity(self, kind: str, value: str) -> list[CustomerCard]:
        ids = [self._tables.identities.get((kind, value, known)) for known in (True, False)]
        return [card for i in ids if i and (card := await self.customer(i)) is not None]

    async def timeline(self, customer: CustomerId, cursor: str, limit: int) -> Page:
        entries = [
            TimelineEntry(case=case, last_at=case.opened_at, messages=1, items=[_line(i)])
            for i in self._tables.items.values()
            if (case := self._tables.cases[i.case]).customer is not None
            and case.customer.id == customer
        ]
        return paged(entries[::-1], cursor, limit)

    async def put(
        self,
        kind: str,
        value: str,
        *,
        name: str | None,
        language: str | None,
        worth: int | None,
        attributes: Mapping[str, Any] | None,
    ) -> CustomerCard:
        return CustomerCard(id=CustomerId(f"{kind}:{value}"), name=name or "", value=worth or 0)


def _line(item: Item) -> ItemLine:
    return ItemLine(id=item.id, kind=item.kind.value, state=item.state.value)


class FakeLabels:
    """A table of names."""

    def __init__(self) -> None:
        self.rows: dict[str, Named] = {}

    async def listed(self) -> list[Named]:
        return sorted(self.rows.values(), key=lambda row: row.name)

    async def put(self, entries: Sequence[Named]) -> None:
        self.rows.update((entry.name, entry) for entry in entries)

    async def drop(self, name: str) -> bool:
        return self.rows.pop(name, None) is not None


class FakeNotes:
    """Named values."""

    def __init__(self) -> None:
        self.values: dict[str, bytes] = {}

    async def load(self, name: str) -> bytes | None:
        return self.values.get(name)

    async def save(self, name: str, value: bytes) -> None:
        self.values[name] = value

    async def drop(self, name: str) -> None:
        self.values.pop(name, None)


class FakeKeys:
    """Keyed requests as they are on disk; ``away`` is a database that does not answer."""

    def __init__(self) -> None:
        self.rows: dict[KeyName, Begun] = {}
        self.away = False

    async def begin(self, name: KeyName, digest: bytes, attempt: str) -> Begun:
        self._there()
        return self.rows.setdefault(name, Begun(attempt=attempt, digest=digest))

    async def settle(self, name: KeyName, attempt: str, answer: bytes) -> None:
        self._there()
        if self.rows[name].attempt == attempt:
            self.rows[name] = replace(self.rows[name], answer=answer)

    async def free(self, name: KeyName, attempt: str) -> None:
        self._there()
        if self.rows[name].attempt == attempt:
            del self.rows[name]

    def _there(self) -> None:
        if self.away:
            raise Unavailable("no connection")


class FakeProcess:
    """What is around the API in the process: channels, nodes, vitals."""

    def __init__(self, tables: Tables) -> None:
        self.states: dict[ChannelName, Health] = {}
        self.cards_of: dict[ChannelName, ChannelCard] = {}
        self.reason = ""
        self.desktops = 0
        self.removed = 0
        self.objects: dict[ChannelName, object] = {}
        self._tables = tables
        self.set("office", "up", declared_in="switchroom.toml")

    def set(
        self,
        name: str,
        state: Any,
        reason: str = "",
        declared_in: str = "",
        code: str = "",
        **counts: int,
    ) -> None:
        channel = ChannelName(name)
        now = self._tables.now()
        self.states[channel] = Health(state=state, since=now, reason=reason, code=code)
        self.cards_of[channel] = ChannelCard(
            name=channel,
            kind="task",
            queue="general",
            health=state,
            reason=reason,
            code=code,
            declared_in=declared_in,
            counts=counts,
        )

    def channel(self, name: ChannelName) -> object | None:
        return self.objects.get(name)

    def cards(self) -> list[ChannelCard]:
        return list(self.cards_of.values())

    def settings_of(self, name: ChannelName) -> tuple[dict[str, Any], list[str]]:
        if name not in self.cards_of:
            raise Refused("not_found", f"there is no channel {name!r}", "name")
        return {"kind": self.cards_of[name].kind}, ["password"]

    def trial(self, name: ChannelName, settings: Mapping[str, Any]) -> Any:
        if "colour" not in settings:
            raise Refused("bad_field", "colour: missing", "colour")
        return self.objects[name]

    def guesses(self, kind: str) -> Callable[[str], Awaitable[Guess]] | None:
        async def guess(address: str) -> Guess:
            return Guess(settings={"imap": {"user": address}}, because=("it is theirs",))

        return guess if kind == "email" else None

    def health(self) -> Mapping[ChannelName, Health]:
        return self.states

    async def pause(self, name: ChannelName) -> None:
        if name not in self.cards_of:
            raise Refused("not_found", f"there is no channel {name!r}", "name")
        self.set(name, "paused")

    async def resume(self, name: ChannelName) -> None:
        self.set(name, "up")

    async def put(self, name: ChannelName, settings: Mapping[str, Any]) -> ChannelCard:
        if self.cards_of.get(name) is not None and self.cards_of[name].declared_in:
            raise Refused("conflict", f"{name!r} is declared in a file; change it there")
        self.set(name, "starting")
        return self.cards_of[name]

    async def remove(self, name: ChannelName) -> None:
        del self.cards_of[name]

    async def listed(self) -> list[NodeCard]:
        now = self._tables.now()
        return [NodeCard(name=NODE, region="", epoch=1, started_at=now, renewed_at=now, alive=True)]

    def trouble(self) -> str:
        return self.reason

    def connected(self) -> int:
        return self.desktops


class Nowhere:
    """The node is alone."""

    def why(self, item: Item) -> str:
        return f"there is no other node for #{item.number}"


class ApiWorld:
    """A client of the API, and everything behind it."""

    def __init__(self, rig: Rig, tokens: FakeTokens, process: FakeProcess) -> None:
        self.rig = rig
        self.tokens = tokens
        self.process = process
        self.links = TicketLinks([SECRET], "http://localhost:8080")
        self.intervals = FakeIntervals()
        rig.node.ledger.link = self.links.url
        if EMAIL.shows is not None:
            rig.node.desk.clean_with(EMAIL.shows.clean)
        self.api: Api
        self.house: House
        self.client: TestClient[Any, Any]

    async def raw(self, method: str, path: str, *, token: str = ADMIN, **options: Any) -> Any:
        """The response itself, read."""
        headers = {**options.pop("headers", {})}
        if token:
            headers["Authorization"] = f"Bearer {token}"
        response = await self.client.request(method, path, headers=headers, **options)
        await response.read()
        return response

    async def call(
        self, method: str, path: str, body: Any = None, *, token: str = ADMIN, **headers: str
    ) -> Answer:
        """Status and decoded body."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        response = await self.raw(method, path, token=token, json=body, headers=named)
        return response.status, await response.json(content_type=None)

    async def until(self, fact: Callable[[], object]) -> None:
        """Wait until ``fact()`` holds; looks after each commit."""
        moved = asyncio.Event()
        leave = self.rig.node.ledger.subscribe(lambda _: moved.set())
        try:
            async with asyncio.timeout(90):
                while not fact():
                    await moved.wait()
                    moved.clear()
        finally:
            leave()

    async def token_for(self, name: str, role: Role = "agent") -> str:
        issued = await self.api.auth.issue(AgentName(name), role, hours=1, note="test")
        return issued.token

    async def file_task(self, **fields: Any) -> dict[str, Any]:
        """A task filed by the real channel."""
        status, filed = await self.call("POST", "/api/v1/tasks", {"title": "Check it", **fields})
        assert status == 201, filed
        return dict(filed)


@asynccontextmanager
async def api_world(*profiles: AgentProfile, ready: bool = False) -> AsyncIterator[ApiWorld]:
    """A running node with one task channel, served over HTTP; ``ana`` works there."""
    tables = new_tables()
    async with running(tables, *(profiles or (agent("ana"),)), ready=ready) as rig:
        world = ApiWorld(rig, FakeTokens(tables), FakeProcess(tables))
        office = TASK.open(TaskSettings(name=OFFICE, callback_private=True), services_of(rig))
        own = [r for r in office.routes() if isinstance(r, HttpRoute)]
        world.house = _house(world, tables, tuple(own))
        world.api = Api(world.house)
        mount = HttpMount([*world.api.routes(), *own], world.api.auth, None)
        async with TestClient(TestServer(mount.app)) as client:
            world.client = client
            yield world


def services_of(rig: Rig) -> Services:
    node = rig.node
    return Services(
        clock=node.ledger.clock,
        intake=node.intake,
        memory=node.memory,
        conversations=node.conversations,
        feed=node.ledger,
        files=node.files,
        signals=node.signals,
        delivered=node.note_delivery,
        secret=SECRET,
        public_url="http://localhost:8080",
        node=NODE,
        knows_queue=lambda name: name in node.ledger.state.queues,
    )


def _sending(rig: Rig) -> Sending:
    asking = Asking(rig.node.ledger, rig.node.writer, MemoryRelay(rig.store))
    handover = Handover(rig.node, MemoryHandover(rig.store), asking, lambda: ())
    return Sending(rig.node, handover, MemoryHomes(rig.store))


def _evacuation(rig: Rig) -> Evacuation:
    """Of a node that is alone."""
    rows = MemoryHandover(rig.store)
    asking = Asking(rig.node.ledger, rig.node.writer, MemoryRelay(rig.store))
    handover = Handover(rig.node, rows, asking, lambda: ())
    return Evacuation(rig.node, rows, handover, asking, lambda: (), "here")


def _house(world: ApiWorld, tables: Tables, others: tuple[HttpRoute, ...]) -> House:
    figures = Publication(
        world.rig.node.ledger,
        MemoryCapacity(world.rig.store),
        world.rig.node.writer.current_term,
        lambda: (),
        "here",
    )
    return House(
        site=Site(
            node=NODE,
            region="here",
            version="1.2.3",
            public_url="http://localhost:8080",
            agent_ws="ws://localhost:8080/agent/v1",
            chat_ws="ws://localhost:8080/chat/v1",
        ),
        peers=lambda purpose: (f"ws://elsewhere:8080/{purpose}/v1",),
        clock=world.rig.node.ledger.clock,
        node=world.rig.node,
        tokens=world.tokens,
        people=FakePeople(tables),
        erasing=FakeErasing(tables),
        retention=world.process,
        presence=MemoryHomes(world.rig.store),
        listing=FakeListing(tables),
        skills=FakeLabels(),
        codes=FakeLabels(),
        reports=FakeReports(tables),
        intervals=world.intervals,
        search=MemorySearch(tables),
        keys=FakeKeys(),
        notes=FakeNotes(),
        colleagues=MemoryColleagues(world.rig.store),
        nodes=world.process,
        overflow=Nowhere(),
        links=world.links,
        evacuation=_evacuation(world.rig),
        asks=Asking(world.rig.node.ledger, world.rig.node.writer, MemoryRelay(world.rig.store)),
        sends=_sending(world.rig),
        figures=figures,
        board=WallboardNow(
            world.rig.node.ledger,
            figures.whole,
            DayKeeping(
                world.rig.node.ledger,
                MemoryDays(),
                figures.board.days,
                world.rig.node.writer.current_term,
            ),
            world.rig.node.router.engine.expectation,
        ),
        channels=world.process,
        vitals=world.process,
        shows=EMAIL.shows,
        bootstrap_token=ADMIN,
        asyncapi={"asyncapi": "3.0.0"},
        other_routes=others,
        hasher=QUICK,
    )


def failed(rig: Rig) -> list[Outgoing]:
    """What the outbox has given up."""
    return [o for o in rig.tables.outbox.values() if o.state is OutboundState.FAILED]
