"""``/agent/v1``: sockets in, frames out.

One handler per connection reads; everything else is shared: one loop ticks for all, one sweeps,
one task group holds what is short-lived (a tab's commands in work, closings). ``run`` must be
running before the first connection comes; when it is cancelled all of that ends with it.
"""

import asyncio
import random
import uuid
from collections.abc import Awaitable, Callable, Collection, Coroutine, Iterable, Sequence
from typing import Any, Never

import structlog
from msgspec import Struct

from gateway.core import events as e
from gateway.core.errors import Refused
from gateway.core.ids import AgentName, CaseId, NodeName
from gateway.core.model import AgentProfile, Case, Item, Site
from gateway.ports import (
    Auth,
    Clock,
    Desk,
    Elsewhere,
    Feed,
    Homes,
    Later,
    Live,
    PeerEntry,
    Signals,
    Socket,
    SocketClosed,
    SocketRoute,
)
from push.hub import Hub
from push.protocol import SUBPROTOCOL, Close, Hello, Moved, Tick, Waiting
from push.session import Rejected, Session, encode, refused
from push.tab import Host, Place, Tab, close, reject
from push.watching import Watchers

PATH = "/agent/v1"
SLOTS = 100
"""Into so many slices a heartbeat is cut, so that no tick holds the loop for long."""

RECHECKED_AT_ONCE = 500
"""Tokens asked about in one go: all of thousands would hold the loop for too long."""

Revoked = Callable[[Collection[str]], Awaitable[Collection[str]]]
_log = structlog.get_logger("push")


class PushSettings(Struct, frozen=True, kw_only=True):
    """What the operator decided.

    ``url`` is this node's ``/agent/v1`` as desktops reach it, ``public_url`` is that of its pages.
    """

    node: str
    region: str = ""
    url: str
    public_url: str
    heartbeat: float = 10.0
    hello_seconds: float = 5.0
    waiting_seconds: float = 0.3
    retry_seconds: float = 1.0
    give_up_seconds: float = 30.0
    recheck_seconds: float = 2.0
    ice_servers: tuple[dict[str, Any], ...] = ()


class AgentPush:
    """See the module's docstring.

    ``homes`` says whether an agent's desktops are attached here; ``live`` tells supervisors who
    watch how it is; ``peers`` gives the other nodes'
    URLs. ``own_page`` tells whose pages may connect, besides programs, which name no origin.
    ``revoked`` is asked every ``recheck_seconds`` which of the tokens in use
    (``Principal.token``) are no longer valid; ``drop_tokens`` acts at once.
    """

    def __init__(
        self,
        desk: Desk,
        feed: Feed,
        auth: Auth,
        clock: Clock,
        signals: Signals,
        settings: PushSettings,
        *,
        homes: Homes,
        live: Live,
        own_page: Callable[[str], bool] | None = None,
        peers: Callable[[], tuple[str, ...]] = tuple,
        revoked: Revoked | None = None,
    ) -> None:
        self.hub = Hub(clock.monotonic)
        self.watchers = Watchers(live, clock.monotonic)
        self._desk = desk
        self._feed = feed
        self._auth = auth
        self._homes = homes
        self._clock = clock
        self._signals = signals
        self._settings = settings
        self._peers = peers
        self._revoked = revoked
        self._own_page = own_page or settings.public_url.__eq__
        self._host = self._make_host()
        self._group: asyncio.TaskGroup | None = None
        self._wheel: list[set[Tab]] = [set() for _ in range(SLOTS)]
        self._turn = 0
        self._draining = ""

    def _make_host(self) -> Host:
        s = self._settings
        place = Place(
            node=s.node, region=s.region, heartbeat=s.heartbeat, ice_servers=s.ice_servers
        )
        return Host(
            desk=self._desk,
            clock=self._clock,
            place=place,
            peers=self._peers,
            seq=self.hub.seq,
            watching=self.watchers,
            spawn=self._spawn,
        )

    def load(
        self,
        items: Iterable[Item],
        cases: Iterable[Case],
        profiles: Iterable[AgentProfile],
        sites: Iterable[Site] = (),
    ) -> None:
        """Begin with the node's loaded state, before it commits anything."""
        self.hub.load(items, cases, profiles, sites)

    def route(self) -> SocketRoute:
        """What it wants served."""
        return SocketRoute(path=PATH, subprotocol=SUBPROTOCOL, handle=self.handle)

    @property
    def connected(self) -> int:
        """Signed-in desktops, welcomed or waiting."""
        return sum(map(len, self._wheel))

    # -- the loops --------------------------------------------------------------------------

    async def run(self, ready: Callable[[], None] = lambda: None) -> Never:
        """Follow the feed, tick and sweep until cancelled."""
        leave_feed = self._feed.subscribe(self.hub.consume)
        leave_signals = self._signals.subscribe(self._typed)
        try:
            async with asyncio.TaskGroup() as group:
                self._group = group
                try:
                    group.create_task(self._sweep(), name="push:sweep")
                    group.create_task(self.watchers.run(), name="push:live")
                    ready()
                    await self._tick()
                finally:
                    self._group = None  # on 3.11 an ending group would take new tasks and wait
        finally:
            leave_signals()
            leave_feed()

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        if self._group is None:
            work.close()
        else:
            self._group.create_task(work)

    async def _tick(self) -> Never:
        loop = asyncio.get_running_loop()
        step = self._settings.heartbeat / SLOTS
        due = loop.time()
        while True:
            for slot in self._wheel:
                # After a pause of the whole process the beats that were missed are not made up.
                due = max(due + step, loop.time() - self._settings.heartbeat)
                await asyncio.sleep(max(due - loop.time(), 0))
                if slot:
                    text = encode(Tick(server_time=self._clock.now())).encode()
                    for tab in tuple(slot):
                        tab.post(text)

    async def _sweep(self) -> Never:
        while True:
            await asyncio.sleep(self._settings.recheck_seconds)
            self.hub.sweep()
            if self._revoked is not None:
                await self._recheck(self._revoked)

    async def _recheck(self, revoked: Revoked) -> None:
        tokens = list({tab.token for tab in self._all()})
        for start in range(0, len(tokens), RECHECKED_AT_ONCE):
            try:
                gone = await revoked(tokens[start : start + RECHECKED_AT_ONCE])
            except Refused as why:
                _log.warning("tokens could not be checked again", reason=why.detail)
                return
            self.drop_tokens(gone)

    def _typed(self, case: CaseId, who: str, on: bool, by_customer: bool) -> None:  # noqa: FBT001 - the seam's
        if by_customer:
            self.hub.typing(case, who, on=on)

    def follow(self, _node: NodeName, entries: Sequence[PeerEntry]) -> None:
        """What other nodes have committed that supervisors here are told of."""
        for entry in entries:
            if isinstance(entry.event, e.ServiceLevelEscalated):
                self.hub.alert(entry.event)

    # -- one connection ---------------------------------------------------------------------

    async def handle(self, socket: Socket) -> None:
        """A connection, from hello to its end."""
        if socket.origin is not None and not self._own_page(socket.origin):
            await close(socket, Close.BAD_ORIGIN, f"{socket.origin} may not connect here")
            return
        try:
            signed_in = await self._sign_in(socket)
        except SocketClosed:
            return
        except Refused as why:
            await reject(socket, Close.DRAIN, why.detail, refused(None, why))
            return
        if signed_in is None:
            return
        tab, hello = signed_in
        self._enter(tab)
        reason = "the node stops"
        try:
            if await self._admit(tab, hello):
                await tab.read()
        except SocketClosed as closed:
            reason = f"closed with {closed.code}"
        finally:
            self._leave(tab, reason)

    async def _sign_in(self, socket: Socket) -> tuple[Tab, Hello] | None:
        if self._draining or self._group is None:
            await reject(socket, Close.DRAIN, self._draining or "not ready", self._moved(0))
            return None
        session = Session(self._clock.monotonic())
        try:
            async with asyncio.timeout(self._settings.hello_seconds):
                hello = session.greet(await socket.receive())
        except TimeoutError:
            await close(socket, Close.BAD_HELLO, "no hello within five seconds")
            return None
        if isinstance(hello, Rejected):
            await reject(socket, hello.code, hello.reason, hello.frame)
            return None
        principal = await self._auth.principal(hello.token)
        if principal is None:
            await close(socket, Close.BAD_TOKEN, "the token is not valid, or not any more")
            return None
        return Tab(self._host, socket, session, principal, hello), hello

    async def _admit(self, tab: Tab, hello: Hello) -> bool:
        """Whoever only watches is no desktop: any node will do, and nothing is recorded."""
        if not tab.watching:
            return await self._attach(tab, hello)
        tab.welcome(0, 0)
        return True

    async def _attach(self, tab: Tab, hello: Hello) -> bool:
        """Have the attachment recorded once this node is the agent's home; until then it waits.

        Also while the journal cannot be written. False: the tab has been sent away.
        """
        s = self._settings
        give_up = self._clock.monotonic() + s.give_up_seconds
        while True:
            if self._draining:
                tab.post(self._moved(0))
                await tab.shut(Close.DRAIN, self._draining)
                return False
            match await self._homes.claim(tab.agent, hello.unreachable):
                case Elsewhere(url=url):
                    tab.post(encode(Moved(url=url, reason="your work is there")))
                    await tab.shut(Close.DRAIN, "the agent is at home at another node")
                    return False
                case Later(reason=reason, code=code):
                    pass
                case _:
                    try:
                        self._join(tab)
                    except Refused as why:
                        reason, code = why.detail, "database"
                        if why.code != "unavailable":
                            tab.post(refused(None, why))
                            await tab.shut(Close.BAD_TOKEN, reason)
                            return False
                    else:
                        return True
            if self._clock.monotonic() >= give_up:
                await tab.shut(Close.DRAIN, reason)
                return False
            tab.post(encode(Waiting(reason=reason, code=code)))
            try:
                async with asyncio.timeout(s.retry_seconds * random.uniform(0.5, 1.5)):  # noqa: S311
                    await tab.read()
            except TimeoutError:
                continue

    def _join(self, tab: Tab) -> None:
        """Attach it; it is welcomed when that is on disk. Raises ``Refused``."""
        tab.id = uuid.uuid4().hex
        attached = self._desk.attach(tab.agent, tab.id)
        tab.attached = True
        tab.wait(self._settings.waiting_seconds, "recording")
        self.hub.arrive(tab, attached)

    def _enter(self, tab: Tab) -> None:
        self._turn = (self._turn + 1) % SLOTS
        tab.slot = self._turn
        self._wheel[tab.slot].add(tab)

    def _leave(self, tab: Tab, reason: str) -> None:
        tab.end()
        self.watchers.drop(tab)
        self._wheel[tab.slot].discard(tab)
        self.hub.leave(tab)
        if tab.attached:
            try:
                self._desk.detach(tab.agent, tab.id, reason)
            except Refused as why:
                _log.warning("a desktop's leave was not recorded", reason=why.detail)

    def _all(self) -> list[Tab]:
        return [tab for slot in self._wheel for tab in slot]

    # -- ending connections -----------------------------------------------------------------

    def drop_tokens(self, tokens: Collection[str]) -> None:
        """These tokens have been revoked: close what came with them."""
        gone = set(tokens)
        for tab in self._all() if gone else ():
            if tab.token in gone:
                tab.lose(Close.BAD_TOKEN, "the token has been revoked")

    def drop_token(self, token: str) -> None:
        """This token has been revoked."""
        self.drop_tokens((token,))

    def _moved(self, turn: int) -> str:
        peers = self._peers() or (self._settings.url,)
        url = peers[turn % len(peers)]
        return encode(Moved(url=url, reason=self._draining or "starting"))

    def turn_away(self, reason: str) -> None:
        """Send whoever comes to a peer, until ``reason`` is empty; who is here stays."""
        self._draining = reason

    async def drain(self, reason: str, *, seconds: float = 5.0) -> None:
        """Send everybody elsewhere, spread over ``seconds``, so that peers are not stormed."""
        self._draining = reason
        tabs = self._all()
        random.shuffle(tabs)
        agents: dict[AgentName, int] = {}
        size = max(len(tabs) // SLOTS, 1)
        for start in range(0, len(tabs), size):
            async with asyncio.TaskGroup() as group:
                for tab in tabs[start : start + size]:
                    tab.post(self._moved(agents.setdefault(tab.agent, len(agents))))
                    group.create_task(tab.shut(Close.DRAIN, reason))
            if len(tabs) > size:
                await asyncio.sleep(seconds / SLOTS * random.uniform(0.5, 1.5))  # noqa: S311
