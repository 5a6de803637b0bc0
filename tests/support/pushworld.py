"""A node small enough for a test of push: real state and folds, a journal that commits on call.

``World`` is desk and feed at once. What happens is applied to the state at once and shown to
subscribers only by ``commit``, as in the real node; so a test decides where the journal stands.
"""

import asyncio
import itertools
from collections import deque
from collections.abc import Awaitable, Callable, Collection, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Self, TypeVar

from aiohttp import web
from websockets.asyncio.server import Server

from gateway.core import commands as c
from gateway.core import desk, hands
from gateway.core import events as e
from gateway.core.errors import Refused
from gateway.core.folds import apply
from gateway.core.ids import (
    AgentName,
    CaseId,
    ChannelName,
    Context,
    CustomerId,
    MessageId,
    NodeName,
    OfferId,
    Position,
    QueueName,
    TicketNumber,
)
from gateway.core.model import (
    AgentProfile,
    Author,
    ChannelKind,
    CustomerBrief,
    Item,
    ItemState,
    Message,
    Offer,
    Queue,
)
from gateway.core.opening import open_case
from gateway.core.reactions import reactions
from gateway.core.state import NodeState
from gateway.listener import listen
from gateway.ports import (
    Answer,
    Attached,
    Elsewhere,
    Here,
    Later,
    LiveFigures,
    Principal,
    Role,
    SocketClosed,
)
from gateway.sockets import Sockets
from push.protocol import ServerFrame, decode_server
from push.reducer import Desktop
from push.server import AgentPush, PushSettings
from tests.support.ports import free_port

START = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
QUEUE = QueueName("general")
T = TypeVar("T")
MAIL, CHAT = ChannelName("support"), ChannelName("site")


class ManualClock:
    """Time that moves when told."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def now(self) -> datetime:
        return START + timedelta(seconds=self.seconds)

    def monotonic(self) -> float:
        return self.seconds


class World:
    """State, desk and feed of one node. Implements ``ports.Desk`` and ``ports.Feed``."""

    def __init__(self, *agents: str, clock: ManualClock | None = None) -> None:
        self.clock = clock or ManualClock()
        self.state = NodeState(NodeName("here"))
        self.pending: deque[e.Entry] = deque()
        self.acted: list[tuple[AgentName, c.Command, bool]] = []
        self.closed = False
        self.autocommit = False
        self.before_act: Callable[[], Awaitable[None]] | None = None
        self._ids = itertools.count(1)
        self._offset = itertools.count(1)
        self._consumers: list[Callable[[Sequence[e.Entry]], None]] = []
        self._answers: dict[tuple[AgentName, str], asyncio.Future[Answer | Refused]] = {}
        self._committed = 0
        self._waiters: list[tuple[int, asyncio.Future[None]]] = []
        self.state.channels.update({MAIL: ChannelKind.EMAIL, CHAT: ChannelKind.WEBCHAT})
        self.state.load(
            profiles=[AgentProfile(name=AgentName(a), display_name=a.title()) for a in agents],
            queues=[Queue(name=QUEUE)],
        )

    # -- the journal ------------------------------------------------------------------------

    @property
    def context(self) -> Context:
        return Context(self.clock.now(), self.new_id)

    def new_id(self) -> str:
        return f"0190a000-0000-7000-8000-{next(self._ids):012x}"

    def record(self, changes: Sequence[e.Change]) -> Position:
        """Apply the changes and what follows; they wait for ``commit``."""
        queue = deque(changes)
        position = Position(1, 0)
        while queue:
            change = queue.popleft()
            ctx = self.context
            rows = apply(self.state, change.event, ctx.now)
            position = Position(1, next(self._offset))
            entry = e.Entry(position, ctx.now, change.event, (*rows, *change.rows))
            self.pending.append(entry)
            queue.extendleft(reversed(reactions(self.state, change.event, rows, ctx)))
        if self.autocommit:
            asyncio.get_running_loop().call_soon(self.commit)
        return position

    def happen(self, event: e.Event, *rows: e.Row) -> Position:
        return self.record([e.Change(event, rows)])

    def commit(self, count: int | None = None) -> int:
        """Commit the oldest ``count`` entries (all of them by default) and tell subscribers."""
        most = len(self.pending) if count is None else min(count, len(self.pending))
        batch = [self.pending.popleft() for _ in range(most)]
        if batch:
            self._committed = batch[-1].position.offset
            for consumer in list(self._consumers):
                consumer(batch)
        done = [f for offset, f in self._waiters if offset <= self._committed]
        self._waiters = [w for w in self._waiters if w[0] > self._committed]
        for future in done:
            if not future.done():
                future.set_result(None)
        return len(batch)

    def subscribe(self, consumer: Callable[[Sequence[e.Entry]], None]) -> Callable[[], None]:
        self._consumers.append(consumer)
        return lambda: self._consumers.remove(consumer)

    # -- the desk ---------------------------------------------------------------------------

    def attach(self, agent: AgentName, tab: str) -> Attached:
        if self.closed:
            raise Refused("unavailable", "the journal cannot be written just now; try again")
        ctx = self.context
        position = self.record(hands.attach(self.state, agent, tab, ctx))
        return Attached(
            position=position,
            epoch=self.state.statuses[agent].epoch,
            snapshot=hands.snapshot(self.state, agent, ctx),
        )

    def detach(self, agent: AgentName, tab: str, reason: str) -> None:
        self.record(hands.detach(self.state, agent, tab, reason))

    async def act(self, agent: AgentName, command: c.Command, *, maybe_repeated: bool) -> Answer:
        self.acted.append((agent, command, maybe_repeated))
        key = (agent, command.id)
        known = self._answers.get(key)
        if known is None:
            known = self._answers[key] = asyncio.get_running_loop().create_future()
            if self.before_act is not None:
                await self.before_act()
            known.set_result(await self._first_time(agent, command))
        answer = await asyncio.shield(known)
        if isinstance(answer, Refused):
            raise answer
        return answer

    async def _first_time(self, agent: AgentName, command: c.Command) -> Answer | Refused:
        if isinstance(command, c.Typing):
            return Answer()
        try:
            changes, body = self.decide(agent, command)
        except Refused as refused:
            return refused
        position = self.record(changes)
        if self._committed < position.offset:
            landed: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._waiters.append((position.offset, landed))
            await landed
        return Answer(body=body)

    def decide(self, agent: AgentName, command: c.Command) -> desk.Decision:
        who = hands.profile_of(self.state, agent)
        return desk.decide(desk.Desk(state=self.state, agent=who, ctx=self.context), command)

    # -- what may happen --------------------------------------------------------------------

    def arrive(self, kind: ChannelKind = ChannelKind.EMAIL, subject: str = "Invoice") -> Item:
        """A contact comes and is queued."""
        channel = MAIL if kind is ChannelKind.EMAIL else CHAT
        customer = CustomerBrief(id=CustomerId(self.new_id()), name="Ana", language="es")
        _, item, changes = open_case(
            self.state,
            self.context,
            number=TicketNumber(next(self._ids)),
            channel=channel,
            kind=kind,
            queue=QUEUE,
            customer=customer,
            subject=subject,
            address="ana@example.com",
            reason="new matter",
        )
        self.record(changes)
        self.hear(item, "Where is my invoice?")
        self.happen(e.ItemQueued(item=item.id, queue=QUEUE, reason="arrived"))
        return self.state.items[item.id]

    def hear(self, item: Item, body: str) -> Message:
        """The customer says something in the item's case."""
        case = self.state.cases[item.case]
        message = Message(
            id=MessageId(self.new_id()),
            case=case.id,
            seq=case.last_seq + 1,
            direction="in",
            author=Author(kind="customer", name="Ana"),
            at=self.clock.now(),
            channel=item.channel,
            kind=item.kind,
            item=item.id,
            body=body,
        )
        added = e.MessageAdded(
            message=message.id,
            case=case.id,
            seq=message.seq,
            direction="in",
            item=item.id,
            preview=body,
        )
        self.happen(added, message)
        return message

    def offer(self, item: Item, agent: str) -> OfferId:
        offer = Offer(
            id=OfferId(self.new_id()),
            agent=AgentName(agent),
            made_at=self.clock.now(),
            deadline=self.clock.now() + timedelta(seconds=120),
            reason="longest idle",
        )
        self.happen(e.OfferMade(item=item.id, offer=offer))
        return offer.id

    def give(self, agent: str, kind: ChannelKind = ChannelKind.EMAIL) -> Item:
        """A new item, in the agent's hands."""
        item = self.arrive(kind)
        self.happen(e.ItemAssigned(item=item.id, agent=AgentName(agent), by="test", reason="given"))
        return self.state.items[item.id]

    def queued(self) -> list[Item]:
        return [i for i in self.state.items.values() if i.state is ItemState.QUEUED]


class FakeSignals:
    """Typing signs, delivered at once."""

    def __init__(self) -> None:
        self.listeners: list[Callable[[CaseId, str, bool, bool], None]] = []

    def typing(self, case: CaseId, who: str, *, on: bool, by_customer: bool) -> None:
        for listener in self.listeners:
            listener(case, who, on, by_customer)

    def subscribe(self, listener: Callable[[CaseId, str, bool, bool], None]) -> Callable[[], None]:
        self.listeners.append(listener)
        return lambda: self.listeners.remove(listener)


class FakeAuth:
    """The token ``agent-NAME`` is NAME's, until it is revoked."""

    def __init__(self) -> None:
        self.revoked: set[str] = set()

    async def principal(self, token: str) -> Principal | None:
        kind, _, name = token.partition("-")
        if kind != "agent" or token in self.revoked:
            return None
        role: Role = "supervisor" if name == "sue" else "agent"
        return Principal(name=AgentName(name), role=role, token=token, display_name=name.title())


class FakeLive:
    """The wallboard as a test sets it."""

    def __init__(self) -> None:
        self.board: dict[str, Any] = {"total": {"waiting": 0}}
        self.asked = 0

    async def figures(self) -> LiveFigures:
        self.asked += 1
        return LiveFigures(at=START, board=self.board)


class FakeHomes:
    """Everybody is at home here but who is in ``answers``, which are given in turn, the last for
    ever."""

    def __init__(self) -> None:
        self.answers: dict[AgentName, list[Here | Elsewhere | Later]] = {}
        self.asked: list[tuple[AgentName, tuple[str, ...]]] = []

    async def claim(
        self, agent: AgentName, unreachable: Collection[str]
    ) -> Here | Elsewhere | Later:
        self.asked.append((agent, tuple(unreachable)))
        answers = self.answers.get(agent, [Here()])
        return answers.pop(0) if len(answers) > 1 else answers[0]


class FakeSocket:
    """A socket in memory: what is said is put in, what is answered is kept."""

    def __init__(self, origin: str | None = None) -> None:
        self.remote = "192.0.2.1"
        self.origin = origin
        self.frames: list[ServerFrame] = []
        self.closed: tuple[int, str] | None = None
        self._inbox: asyncio.Queue[str | int] = asyncio.Queue()

    def say(self, text: str) -> None:
        self._inbox.put_nowait(text)

    def hang_up(self, code: int = 1006) -> None:
        self._inbox.put_nowait(code)

    def post(self, *frames: str | bytes) -> None:
        if self.closed is None:
            self.frames += map(decode_server.decode, frames)

    async def receive(self) -> str:
        said = await self._inbox.get()
        if isinstance(said, int):
            raise SocketClosed(said)
        return said

    async def close(self, code: int, reason: str = "") -> None:
        if self.closed is None:
            self.closed = (code, reason)
            self._inbox.put_nowait(code)

    def of(self, kind: type[T]) -> list[T]:
        return [f for f in self.frames if isinstance(f, kind)]


def agrees(desktop: Desktop, world: World, agent: str) -> bool:
    """The reducer law: what was replayed is what a fresh snapshot would say."""
    fresh = hands.snapshot(world.state, AgentName(agent), world.context)
    assert desktop.state == fresh.state
    assert desktop.capacity == fresh.capacity
    assert desktop.offers == {o.offer: o for o in fresh.offers}
    assert desktop.items == {i.id: i for i in fresh.items}
    return True


async def until(fact: Callable[[], Any], what: str = "the fact", seconds: float = 30.0) -> None:
    """Wait until ``fact`` holds."""
    async with asyncio.timeout(seconds):
        while not fact():  # noqa: ASYNC110 - facts of a fake world have no event of their own
            await asyncio.sleep(0.001)
    assert fact(), what


class Loopback:
    """A node's agent endpoint on a port of this machine, over a ``World`` that commits at once."""

    def __init__(self, world: World, **settings: Any) -> None:
        self.world = world
        self.auth = FakeAuth()
        self.signals = FakeSignals()
        self.homes = FakeHomes()
        self.peers: tuple[str, ...] = ()
        self.push: AgentPush
        self.url = ""
        self._settings = settings
        self._server: Server | None = None
        self._runner = web.AppRunner(web.Application())

    async def __aenter__(self) -> Self:
        self.world.autocommit = True
        await self._runner.setup()
        self.port = free_port()
        self.url = f"ws://127.0.0.1:{self.port}/agent/v1"
        await self.open()
        return self

    async def open(self) -> None:
        """Begin to serve; after ``close`` as a node that has just restarted."""
        defaults: dict[str, Any] = {"node": "here", "url": self.url, "public_url": "http://x.test"}
        self.push = AgentPush(
            self.world,
            self.world,
            self.auth,
            self.world.clock,
            self.signals,
            PushSettings(**{**defaults, **self._settings}),
            homes=self.homes,
            live=FakeLive(),
            peers=lambda: self.peers,
        )
        state = self.world.state
        self.push.load(state.items.values(), state.cases.values(), state.profiles.values())
        self.sockets = Sockets([self.push.route()], heartbeat=10)
        started = asyncio.Event()
        self._loops = asyncio.get_running_loop().create_task(self.push.run(started.set))
        await started.wait()
        self._server = await listen(
            host="127.0.0.1",
            port=self.port,
            tls=None,
            http=self._runner,
            paths=self.sockets.has,
            subprotocols=self.sockets.subprotocols,
            handle=self.sockets.handle,
            max_frame=self.sockets.max_frame,
        )

    async def close(self) -> None:
        """Stop serving, as a process that ends: connections break."""
        if self._server is not None:
            self._server.close()
            await self._server.wait_closed()
            self._server = None
        self._loops.cancel()
        await asyncio.wait([self._loops])

    def cut(self) -> None:
        """Break every connection without a word."""
        for connection in list(self.sockets._open):
            connection.transport.abort()

    async def __aexit__(self, *exc: object) -> None:
        await self.close()
        await self._runner.cleanup()
