"""One connected desktop: what is known of it, and its commands in order.

An idle desktop costs an object with slots and no task of its own: the queue and the worker
that empties it exist only while there are commands.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Coroutine
from contextlib import suppress
from typing import Any

import structlog
from msgspec import Struct

from gateway.core.commands import Command
from gateway.core.errors import Refused
from gateway.core.ids import AgentName
from gateway.ports import Clock, Desk, Principal, Socket, SocketClosed
from push.protocol import (
    VERSION,
    WAITING_CODES,
    AgentCard,
    Close,
    Error,
    Hello,
    ResumeFrom,
    Unwatch,
    Waiting,
    Watch,
    Watching,
    Welcome,
)
from push.session import Job, Session, done, encode, refused
from push.watching import LIVE, Watchers

MOST_WAITING = 64
"""Commands of one tab that may wait for the one before them."""

_log = structlog.get_logger("push")


class Place(Struct, frozen=True, kw_only=True):
    """What a desktop is told about the node."""

    node: str
    region: str
    heartbeat: float
    ice_servers: tuple[dict[str, Any], ...]


class Host(Struct, frozen=True, kw_only=True):
    """What every tab needs of the server; one for all of them.

    ``seq`` gives the number of an agent's newest frame, ``spawn`` runs a coroutine that ends by
    itself.
    """

    desk: Desk
    clock: Clock
    place: Place
    peers: Callable[[], tuple[str, ...]]
    seq: Callable[[AgentName], int]
    watching: Watchers
    spawn: Callable[[Coroutine[Any, Any, None]], None]


class Tab:
    """See the module's docstring. Implements ``hub.Listener``."""

    __slots__ = (
        "_host",
        "_jobs",
        "_live",
        "_principal",
        "_session",
        "_socket",
        "_timer",
        "_working",
        "agent",
        "attached",
        "id",
        "resume",
        "slot",
        "watching",
    )

    def __init__(
        self, host: Host, socket: Socket, session: Session, principal: Principal, hello: Hello
    ) -> None:
        self.id = ""
        self.slot = 0
        self.agent = principal.name
        self.resume: ResumeFrom | None = hello.resume
        self.watching = hello.watching
        self.attached = False
        self._host = host
        self._socket = socket
        self._session = session
        self._principal = principal
        self._jobs: deque[Job] | None = None
        self._live = False
        self._working = False
        self._timer: asyncio.TimerHandle | None = None

    @property
    def token(self) -> str:
        """Which token it came with, as ``Principal.token`` names it."""
        return self._principal.token

    # -- towards the desktop ----------------------------------------------------------------

    def post(self, *frames: str | bytes) -> None:
        """Write without waiting; a socket that is gone takes it and says nothing."""
        try:  # noqa: SIM105 - each frame passes here, and ``suppress`` costs as much as the rest
            self._socket.post(*frames)
        except SocketClosed:
            pass

    def wait(self, seconds: float, code: str) -> None:
        """Say why it takes so long, if it does."""
        loop = asyncio.get_running_loop()
        frame = encode(Waiting(reason=WAITING_CODES[code], code=code))
        self._timer = loop.call_later(seconds, self.post, frame)

    def welcome(self, epoch: int, seq: int) -> None:
        """The claim has committed: greet, and begin with the commands that came meanwhile."""
        self._stop_waiting()
        self._live = True
        self.resume = None
        host, who = self._host, self._principal
        place = host.place
        frame = Welcome(
            version=VERSION,
            session=self.id,
            epoch=epoch,
            seq=seq,
            node=place.node,
            region=place.region,
            peers=host.peers(),
            heartbeat=place.heartbeat,
            server_time=host.clock.now(),
            agent=AgentCard(name=who.name, display_name=who.display_name, role=who.role),
            ice_servers=place.ice_servers,
        )
        self.post(encode(frame))
        self._begin()

    def lose(self, code: int, reason: str) -> None:
        """Close the socket soon; its handler then takes leave."""
        self._live = False
        self._host.spawn(self.shut(code, reason))

    async def shut(self, code: int, reason: str) -> None:
        """Close the socket now."""
        self._live = False
        await close(self._socket, code, reason)

    def end(self) -> None:
        """The connection is gone: what waits is dropped, the client will repeat it."""
        self._stop_waiting()
        self._live = False
        self._jobs = None

    def _stop_waiting(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    # -- from the desktop -------------------------------------------------------------------

    async def read(self) -> None:
        """Take in frames until the socket is gone, which raises ``SocketClosed``."""
        while True:
            text = await self._socket.receive()
            said = self._session.receive(text, self._host.clock.monotonic())
            if isinstance(said, str):
                self.post(said)
            else:
                self._take(said)

    def _take(self, job: Job) -> None:
        if self._jobs is None:
            self._jobs = deque()
        if len(self._jobs) >= MOST_WAITING:
            why = Refused("unavailable", f"{MOST_WAITING} commands are waiting already")
            self.post(refused(job.command.id, why))
            return
        self._jobs.append(job)
        self._begin()

    def _begin(self) -> None:
        if self._live and self._jobs and not self._working:
            self._working = True
            self._host.spawn(self._work())

    async def _work(self) -> None:
        try:
            while self._live and self._jobs:
                self.post(await self._perform(self._jobs.popleft()))
        finally:
            self._working = False
        if not self._jobs:
            self._jobs = None

    async def _perform(self, job: Job) -> str:
        command = job.command
        try:
            if self.watching or isinstance(command, Watch | Unwatch):
                return self._watch(command)
            answer = await self._host.desk.act(
                self.agent, command, maybe_repeated=job.maybe_repeated
            )
            return done(command.id, self._host.seq(self.agent), answer.body)
        except Refused as why:
            return refused(command.id, why)
        except Exception:  # noqa: BLE001 - the command failed, not the connection
            _log.exception("a command failed", agent=self.agent, id=command.id)
            return encode(
                Error(re=command.id, code="internal", detail="a fault of ours; it is logged")
            )

    def _watch(self, command: Command | Watching) -> str:
        """Raises ``Refused``."""
        watchers = self._host.watching
        if not isinstance(command, Watch | Unwatch):
            raise Refused("not_allowed", "nobody works at a connection that only watches")
        if isinstance(command, Unwatch):
            watchers.drop(self)
            return done(command.id, self._host.seq(self.agent), {})
        if not self._principal.may("supervisor"):
            raise Refused("not_allowed", "the live numbers are for supervisors")
        watchers.add(self)
        return done(command.id, self._host.seq(self.agent), {"watch": LIVE})


async def close(socket: Socket, code: int, reason: str) -> None:
    """Close, with as much of the reason as a close frame carries (RFC 6455 §5.5.1: 123 bytes)."""
    short = reason.encode()[:123].decode(errors="ignore")
    with suppress(SocketClosed):
        await socket.close(code, short)


async def reject(socket: Socket, code: Close, reason: str, frame: str = "") -> None:
    """Say why and close."""
    with suppress(SocketClosed):
        if frame:
            socket.post(frame)
    await close(socket, code, reason)
