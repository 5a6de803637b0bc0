"""A client of ``/agent/v1`` for bots, played agents, load and chaos tests.

    async with AgentClient(["ws://node/agent/v1"], token) as client:
        await client.ready()
        async for frame in client.events():
            if isinstance(frame, OfferFrame):
                await client.accept(frame.offer)

One task reads; whatever ends a socket (a close, silence, a gap, an unanswered command, ``moved``)
leads to the next one, at the same node or a peer, with resume, and the unanswered commands are
repeated under their ids. Only a rejected hello, token or version ends the client (``SignedOut``).
Cancelling a command stops waiting for it; whether it takes effect is then not known.
"""

import asyncio
import random
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Any, Never, Self, TypeVar

import msgspec
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake
from websockets.typing import Subprotocol

from gateway.core.commands import Command
from gateway.core.errors import GatewayError, Refused
from gateway.core.ids import CommandId
from push.addresses import Addresses, loss
from push.following import Following
from push.orders import Orders
from push.protocol import (
    SUBPROTOCOL,
    VERSION,
    Close,
    Error,
    Hello,
    Moved,
    Ok,
    ServerFrame,
    Snapshot,
    Waiting,
    Welcome,
    decode_server,
    encoder,
)
from push.reducer import Desktop, Verdict

COMMAND_SECONDS = 10.0
HEARTBEAT_SECONDS = 10.0
SILENT_BEATS = 2.5
FIRST_DELAY_SECONDS = 0.5
PAUSE_SECONDS = 2.0
_FINAL = frozenset({Close.BAD_HELLO, Close.BAD_TOKEN, Close.BAD_ORIGIN, Close.BAD_VERSION})
_AGAIN = frozenset({"unavailable", "too_many"})

T = TypeVar("T")


class Stopped(GatewayError):
    """The client was closed before the answer came."""


class SignedOut(GatewayError):
    """The node will not have us: token, version or hello. ``code`` is the close code."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(f"closed with {code}: {reason or 'no reason given'}")
        self.code = code


class _Leave(Exception):
    """This socket is done with; ``url`` is where to go, if that was said."""

    def __init__(self, why: str, url: str | None = None) -> None:
        super().__init__(why)
        self.url = url


class _Pending:
    """A command that has not been answered."""

    __slots__ = ("answer", "sent", "text", "timer")

    def __init__(self, text: str) -> None:
        self.text = text
        self.timer: asyncio.TimerHandle | None = None
        self.renew()

    def renew(self) -> None:
        self.sent = False
        self.answer: asyncio.Future[Ok | Error] = asyncio.get_running_loop().create_future()
        self.disarm()

    def disarm(self) -> None:
        if self.timer is not None:
            self.timer.cancel()
            self.timer = None


class AgentClient(Orders):
    """See the module's docstring.

    ``desktop`` is what the agent sees, ``why`` why the last socket was left, ``connects`` how
    often one was tried. ``on_frame`` is called with each frame once applied; it must not block.
    """

    def __init__(
        self,
        urls: Sequence[str],
        token: str,
        *,
        name: str = "python",
        on_frame: Callable[[ServerFrame], None] | None = None,
        command_seconds: float = COMMAND_SECONDS,
        first_delay: float = FIRST_DELAY_SECONDS,
    ) -> None:
        self.desktop = Desktop()
        self.connects = 0
        self.why = ""
        self._addresses = Addresses(urls, first_delay, random.random)
        self._token = token
        self._name = name
        self._on_frame = on_frame
        self._command_seconds = command_seconds
        self._socket: ClientConnection | None = None
        self._welcomed = False
        self._waited = False
        self._gaps = 0
        self._heard = 0.0
        self._silence: asyncio.TimerHandle | None = None
        self._book: dict[CommandId, _Pending] = {}
        self._hopes: list[tuple[Callable[[Desktop], object], asyncio.Future[None]]] = []
        self._followers: list[Following] = []
        self._reader: asyncio.Task[Never] | None = None
        self._ended: GatewayError | None = None

    # -- for the caller ---------------------------------------------------------------------

    @property
    def online(self) -> bool:
        """Connected, welcomed and in sync."""
        return self._welcomed and self.desktop.seq >= 0

    async def act(self, command: Command) -> Ok:
        """Do it once, however many connections that takes. Raises ``Refused``."""
        self._check()
        pending = self._book[command.id] = _Pending(encoder.encode(command).decode())
        try:
            while True:
                if self._welcomed and not pending.sent:
                    await self._send(pending)
                answer = await pending.answer
                if isinstance(answer, Ok):
                    return answer
                if answer.code not in _AGAIN:
                    field = answer.field if isinstance(answer.field, str) else None
                    raise Refused(answer.code, answer.detail, field)
                pending.renew()
                await asyncio.sleep(PAUSE_SECONDS * random.uniform(0.5, 1.5))  # noqa: S311
        finally:
            pending.disarm()
            self._book.pop(command.id, None)

    def events(self) -> Following:
        """Every frame from now on, after it has been applied to ``desktop``."""
        self._check()
        following = Following()
        self._followers.append(following)
        return following

    async def until(self, fact: Callable[[Desktop], T]) -> T:
        """Wait until ``fact(desktop)`` is true, and return it; asked again after each frame."""
        while not (found := fact(self.desktop)):
            self._check()
            hope: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            entry = (fact, hope)
            self._hopes.append(entry)
            try:
                await hope
            finally:
                if entry in self._hopes:
                    self._hopes.remove(entry)
        return found

    async def in_sync(self) -> None:
        """Wait until online."""
        await self.until(lambda _: self.online)

    def _check(self) -> None:
        if self._ended is not None:
            raise self._ended

    # -- life -------------------------------------------------------------------------------

    async def __aenter__(self) -> Self:
        loop = asyncio.get_running_loop()
        self._reader = loop.create_task(self.run(), name="agent-client")
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        reader, self._reader = self._reader, None
        if reader is None:
            return
        reader.cancel()
        await asyncio.wait([reader])
        fault = None if reader.cancelled() else reader.exception()
        if fault is not None and error is None:
            raise fault

    async def run(self) -> Never:
        """Stay connected until cancelled. Raises ``SignedOut``.

        ``async with`` runs it by itself; call it where a task group of yours should own it.
        """
        end = GatewayError("the client failed")
        try:
            while True:
                delay = await self._one_socket()
                await asyncio.sleep(delay)
        except SignedOut as signed_out:
            end = signed_out
            raise
        except asyncio.CancelledError:
            end = Stopped("the client was closed")
            raise
        finally:
            self._end(end)

    async def _one_socket(self) -> float:
        """From connecting to the end of that socket; returns the pause before the next."""
        self.connects += 1
        moved_to: str | None = None
        code: int | None = None
        self.why = ""
        try:
            async with connect(
                self._addresses.url,
                subprotocols=[Subprotocol(SUBPROTOCOL)],
                compression=None,
                ping_interval=None,  # the server pings; its ticks tell us that it is there
                close_timeout=1,
                max_size=2**24,
                proxy=None,
            ) as socket:
                await self._converse(socket)
        except ConnectionClosed as closed:
            code = self._closed(closed)
        except _Leave as leave:
            self.why, moved_to = str(leave), leave.url
        except (OSError, InvalidHandshake, TimeoutError) as failure:
            self.why = str(failure) or type(failure).__name__
        silent = self.why == "silent"
        how = loss(code, welcomed=self._welcomed, waited=self._waited, silent=silent)
        self._drop_socket()
        if moved_to is not None:
            return self._addresses.moved(moved_to)
        return self._addresses.lost(how)

    def _closed(self, closed: ConnectionClosed) -> int | None:
        frame = closed.rcvd
        if frame is not None and frame.code in _FINAL:
            raise SignedOut(frame.code, frame.reason) from None
        self.why = self.why or f"closed with {frame.code if frame is not None else 1006}"
        return frame.code if frame is not None else None

    def _drop_socket(self) -> None:
        self._welcomed = self._waited = False
        self._socket = None
        if self._silence is not None:
            self._silence.cancel()
            self._silence = None
        for pending in self._book.values():
            pending.sent = False
            pending.disarm()

    def _end(self, error: GatewayError) -> None:
        self._ended = error
        self._drop_socket()
        for pending in self._book.values():
            _fail(pending.answer, error)
        for _, hope in self._hopes:
            _fail(hope, error)
        for following in self._followers:
            following.end(error)

    # -- one socket -------------------------------------------------------------------------

    async def _converse(self, socket: ClientConnection) -> Never:
        loop = asyncio.get_running_loop()
        self._socket = socket
        self._heard = loop.time()
        self._watch()
        await socket.send(encoder.encode(self._hello()), text=True)
        while True:
            data = await socket.recv(decode=False)
            self._heard = loop.time()
            try:
                frame = decode_server.decode(data)
            except msgspec.ValidationError:
                continue  # of a later protocol: nothing we could act on
            await self._hear(frame)

    def _hello(self) -> Hello:
        # After two gaps in a row the replay itself is not to be trusted: ask for a snapshot.
        resume = self.desktop.resume_from if self._gaps < 2 else None
        return Hello(
            token=self._token,
            versions=(VERSION,),
            resume=resume,
            unreachable=tuple(self._addresses.unreachable),
            client=self._name,
            pending=tuple(self._book),
        )

    async def _hear(self, frame: ServerFrame) -> None:
        verdict = self.desktop.apply(frame)
        if verdict is Verdict.STALE:
            raise _Leave("fenced")
        if verdict is Verdict.GAP:
            self._gaps += 1
            raise _Leave("gap")
        match frame:
            case Ok() | Error():
                self._answered(frame)
            case Welcome():
                self._addresses.welcomed(frame.peers)
                await self._begin()
            case Snapshot():
                self._gaps = 0
            case Waiting():
                self._waited = True
            case Moved():
                raise _Leave("moved", frame.url)
            case _:
                pass
        self._tell(frame)

    async def _begin(self) -> None:
        self._welcomed, self._waited = True, False
        for pending in [p for p in self._book.values() if not p.sent]:
            await self._send(pending)

    def _tell(self, frame: ServerFrame) -> None:
        if self._on_frame is not None:
            self._on_frame(frame)
        if self._followers:
            self._followers = [f for f in self._followers if f.put(frame)]
        for fact, hope in self._hopes:
            try:
                if not hope.done() and fact(self.desktop):
                    hope.set_result(None)
            except Exception as fault:  # noqa: BLE001 - the asker's own mistake goes to the asker
                _fail(hope, fault)

    # -- commands ---------------------------------------------------------------------------

    async def _send(self, pending: _Pending) -> None:
        if self._socket is None or pending.answer.done():
            return
        pending.sent = True
        loop = asyncio.get_running_loop()
        pending.timer = loop.call_later(self._command_seconds, self._abandon, "unanswered")
        try:
            await self._socket.send(pending.text)
        except ConnectionClosed:
            return  # the reader notices too, and the next socket gets it again

    def _answered(self, frame: Ok | Error) -> None:
        pending = self._book.get(frame.re) if frame.re is not None else None
        if pending is not None and not pending.answer.done():
            pending.disarm()
            pending.answer.set_result(frame)

    def _watch(self) -> None:
        """Leave a node that has been silent for too long."""
        welcome = self.desktop.welcome
        limit = SILENT_BEATS * (welcome.heartbeat if welcome else HEARTBEAT_SECONDS)
        loop = asyncio.get_running_loop()
        left = self._heard + limit - loop.time()
        if left <= 0:
            self._abandon("silent")
        else:
            self._silence = loop.call_later(left, self._watch)

    def _abandon(self, why: str) -> None:
        if self._socket is not None:
            self.why = why
            self._socket.transport.abort()


def _fail(future: asyncio.Future[Any], error: Exception) -> None:
    if not future.done():
        future.set_exception(error)
