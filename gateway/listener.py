"""The one port: a websocket upgrade goes to ``websockets``, anything else to aiohttp.

``websockets`` owns the listener. Each new connection is a ``Front`` that reads the request's
head and then either becomes the websocket connection it is, or hands its transport to aiohttp:
one port, one certificate, one tunnel, no extra hop, task or descriptor per connection.
"""

import asyncio
import re
import ssl
import struct
from collections.abc import Awaitable, Callable, Iterable
from contextlib import suppress
from typing import Any, Protocol, cast

from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.datastructures import Headers
from websockets.frames import Frame, Opcode
from websockets.http11 import Request, Response
from websockets.protocol import State

MAX_HEAD = 32_768
HEAD_SECONDS = 10.0
WRITE_LIMIT = 65_536
UNREAD_PONGS = 262_144
"""Unsent bytes at which a peer that goes on pinging is dropped: it does not read the answers."""
WANTS_WEBSOCKET = re.compile(rb"\r\nupgrade:[ \t]*websocket")
"""In a lower-cased head; the space after a header's colon is optional (RFC 9112 section 5)."""

HttpProtocol = Callable[[], asyncio.Protocol]
Handler = Callable[["Front"], Awaitable[None]]
HELD_SECONDS = 0.02
"""How soon it is asked again whether what is written may leave."""


class HttpSide(Protocol):
    """Who takes the connections that are no websocket; an ``AppRunner`` that is set up, say."""

    @property
    def server(self) -> HttpProtocol | None: ...


_TEXT = 0x80 | Opcode.TEXT
_PING = bytes([0x80 | Opcode.PING, 0])
_PONG = bytes([0x80 | Opcode.PONG, 0x80])
_PONG_SIZE = 6
"""A client's answer to an empty PING: two bytes and the four of the mask."""
_SHORT, _MIDDLE, _LONG = struct.Struct("!BB"), struct.Struct("!BBH"), struct.Struct("!BBQ")


def text_head(size: int) -> bytes:
    """What precedes a server's text of so many bytes: one frame, not masked (RFC 6455 §5.2)."""
    if size < 126:
        return _SHORT.pack(_TEXT, size)
    if size < 65_536:
        return _MIDDLE.pack(_TEXT, 126, size)
    return _LONG.pack(_TEXT, 127, size)


def is_whole(data: bytes) -> bool:
    """Whether a client's bytes, which begin with a frame, also end with one.

    It may say no where the answer is yes.
    """
    at, end = 0, len(data)
    while at + 4 <= end:
        size = data[at + 1] & 0x7F
        if size == 127:
            return False
        at += 6 + size if size < 126 else 8 + int.from_bytes(data[at + 2 : at + 4], "big")
    return at == end


def always() -> bool:
    """Whatever is written may leave."""
    return True


class Turn:
    """The connections that have something to send at the end of this turn of the loop.

    ``may_write`` is asked once for all of them; while it says no their texts are held.
    """

    __slots__ = ("_loop", "_may_write", "_waiting", "held")

    def __init__(
        self, loop: asyncio.AbstractEventLoop, may_write: Callable[[], bool] = always
    ) -> None:
        self.held = False
        self._loop = loop
        self._may_write = may_write
        self._waiting: list[Front] = []

    def add(self, connection: "Front") -> None:
        """Have it flushed: one callback of the loop for all of them."""
        if not self._waiting:
            self._loop.call_soon(self._flush)
        self._waiting.append(connection)

    def _flush(self) -> None:
        self.held = not self._may_write()
        if self.held:
            self._loop.call_later(HELD_SECONDS, self._flush)
            return
        waiting, self._waiting = self._waiting, []
        for connection in waiting:
            try:
                connection.flush()
            except Exception as problem:  # noqa: BLE001 - of one connection, not of the others
                self._loop.call_exception_handler(
                    {"message": "a connection could not be written to", "exception": problem}
                )


class Front(ServerConnection):
    """A connection that does not know yet what it is."""

    def __init__(self, http: HttpProtocol, turn: "Turn", *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.unsent = 0
        self._turn = turn
        self._ready: list[bytes] = []
        self._silent_beats = 0
        self._unanswered_pings = 0
        self._pinged = True
        self._between_frames = False
        self._http: HttpProtocol | None = http
        self._head = b""
        self._timeout: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)
        self._timeout = self.loop.call_later(HEAD_SECONDS, self.transport.abort)

    def data_received(self, data: bytes) -> None:
        if self._http is None:
            if self._between_frames:
                if len(data) == _PONG_SIZE and data[:2] == _PONG:
                    self._lives()
                    return
                self._between_frames = is_whole(data)
            super().data_received(data)
            return
        self._head += data
        head, complete, _ = self._head.partition(b"\r\n\r\n")
        if not complete and len(self._head) < MAX_HEAD:
            return
        self._decide(head.lower())

    def _decide(self, head: bytes) -> None:
        http, self._http = self._http, None
        if self._timeout is not None:
            self._timeout.cancel()
            self._timeout = None
        data, self._head = self._head, b""
        if WANTS_WEBSOCKET.search(head):
            self._between_frames = data.endswith(b"\r\n\r\n")
            super().connection_made(self.transport)
            super().data_received(data)
        elif http is not None:
            protocol = http()
            self.transport.set_protocol(protocol)
            protocol.connection_made(self.transport)
            protocol.data_received(data)

    def eof_received(self) -> None:
        if self._http is None:
            super().eof_received()
        else:
            self.transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        if self._timeout is not None:
            self._timeout.cancel()
        if self._http is None:
            super().connection_lost(exc)

    def process_event(self, event: Any) -> None:
        if isinstance(event, Frame):
            self._lives()
            if event.opcode is Opcode.PONG:
                return
            unread = self.transport.get_write_buffer_size()
            if event.opcode is Opcode.PING and unread > UNREAD_PONGS:
                self.transport.abort()
        super().process_event(event)

    @property
    def silent(self) -> bool:
        """Whether the peer has sent nothing for two heartbeats, two PINGs notwithstanding."""
        return self._silent_beats >= 2 and self._unanswered_pings >= 2

    def beat(self) -> None:
        """To be called once a heartbeat, in each of which a PING goes out.

        It goes with the first that is written, a tick as a rule, and so costs no system call of
        its own; alone only when nothing was written since the last beat.
        """
        self._silent_beats += 1
        if self._pinged:
            self._pinged = False
        elif not self._ready and not self.transport.is_closing():
            self._unanswered_pings += 1
            self.transport.write(_PING)

    def _lives(self) -> None:
        """Anything the peer sends proves that it lives; the heartbeat counts silence."""
        self._silent_beats = 0
        self._unanswered_pings = 0

    def write_texts(self, frames: Iterable[str | bytes]) -> None:
        """Write text frames without waiting; the connection must be open.

        They leave at the end of this turn of the loop, with whatever else is written here in it:
        one system call for all of them, which is most of what a frame costs. ``unsent`` counts
        the bytes until then.
        """
        ready = self._ready
        if not ready:
            self._turn.add(self)
        for frame in frames:
            data = frame.encode() if isinstance(frame, str) else frame
            size = len(data)
            ready.append(text_head(size))
            ready.append(data)
            self.unsent += size

    def flush(self) -> None:
        """Send what is ready, if that can still be sent."""
        if self._ready and not self.transport.is_closing():
            self.send_data()

    def send_data(self) -> None:
        """As the library's, with all that is ready in one write.

        Our texts go first: the library's own frames are a PING, a PONG or the last, a CLOSE,
        and after that one no text is taken.
        """
        ready = [] if self._turn.held else self._ready
        if ready and not self._pinged:
            self._pinged = True
            self._unanswered_pings += 1
            ready.append(_PING)
        pieces = self.protocol.data_to_send()
        ends = bool(pieces) and not pieces[-1]  # an empty piece stands for the end of the stream
        data = b"".join((*ready, *pieces)) if pieces else b"".join(ready)
        if ready:
            ready.clear()
            self.unsent = 0
        if data:
            self.transport.write(data)
        if ends:
            self._half_close()

    def part(self, code: int, reason: str) -> None:
        """Begin to close, without what has not left yet and without waiting for the peer.

        ``reason`` is cut to what a close frame carries (RFC 6455 §5.5.1: 123 bytes).
        """
        self._ready.clear()
        self.unsent = 0
        if self.protocol.state is State.OPEN:
            self.protocol.send_close(code, reason.encode()[:123].decode(errors="ignore"))
            self.send_data()

    def _half_close(self) -> None:
        if self.transport.can_write_eof():
            # The peer may be gone already, which uvloop reports in its own way.
            with suppress(OSError, RuntimeError):
                self.transport.write_eof()
        else:
            self.transport.close()


async def listen(
    *,
    host: str,
    port: int,
    tls: ssl.SSLContext | None,
    http: HttpSide,
    paths: Callable[[str], bool],
    subprotocols: list[str],
    handle: Handler,
    max_frame: int,
    may_write: Callable[[], bool] = always,
) -> Server:
    """Open the port. ``paths`` says which websocket paths exist, ``may_write`` see ``Turn``.

    Raises ``OSError`` when the port is taken.
    """
    server = http.server
    if server is None:
        raise RuntimeError("the HTTP side must be set up before the port opens")

    turn = Turn(asyncio.get_running_loop(), may_write)

    def create(*args: Any, **options: Any) -> Front:
        return Front(server, turn, *args, **options)

    def check(_: ServerConnection, request: Request) -> Response | None:
        if paths(request.path.partition("?")[0]):
            return None
        return Response(404, "Not Found", Headers({"Content-Length": "0"}), b"")

    return await serve(
        cast("Callable[[ServerConnection], Awaitable[None]]", handle),
        host,
        port,
        ssl=tls,
        create_connection=cast("type[ServerConnection]", create),
        process_request=check,
        subprotocols=cast("Any", subprotocols),
        select_subprotocol=None,
        compression=None,
        ping_interval=None,
        open_timeout=10,
        close_timeout=2,
        max_size=max_frame,
        max_queue=16,
        write_limit=WRITE_LIMIT,
        server_header=None,
        backlog=4096,
    )
