"""The one port: a websocket upgrade goes to ``websockets``, anything else to aiohttp.

``websockets`` owns the listener. Each new connection is a ``Front`` that reads the request's
head and then either becomes the websocket connection it is, or hands its transport to aiohttp:
one port, one certificate, one tunnel, no extra hop, task or descriptor per connection.
"""

import asyncio
import re
import ssl
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any, cast

from aiohttp import web
from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.datastructures import Headers
from websockets.frames import Frame, Opcode
from websockets.http11 import Request, Response

MAX_HEAD = 32_768
HEAD_SECONDS = 10.0
WRITE_LIMIT = 65_536
UNREAD_PONGS = 262_144
"""Unsent bytes at which a peer that goes on pinging is dropped: it does not read the answers."""
WANTS_WEBSOCKET = re.compile(rb"\r\nupgrade:[ \t]*websocket")
"""In a lower-cased head; the space after a header's colon is optional (RFC 9112 section 5)."""

HttpProtocol = Callable[[], asyncio.Protocol]
Handler = Callable[["Front"], Awaitable[None]]


class Front(ServerConnection):
    """A connection that does not know yet what it is."""

    def __init__(self, http: HttpProtocol, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.unanswered_pings = 0
        self.unsent = 0
        self._flushing = False
        self._http: HttpProtocol | None = http
        self._head = b""
        self._timeout: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)
        self._timeout = self.loop.call_later(HEAD_SECONDS, self.transport.abort)

    def data_received(self, data: bytes) -> None:
        if self._http is None:
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
            # Anything the peer sends proves that it lives; the heartbeat counts silence.
            self.unanswered_pings = 0
            if event.opcode is Opcode.PONG:
                return
            unread = self.transport.get_write_buffer_size()
            if event.opcode is Opcode.PING and unread > UNREAD_PONGS:
                self.transport.abort()
        super().process_event(event)

    def beat(self) -> None:
        """Send a PING without waiting for its answer."""
        self.unanswered_pings += 1
        self.protocol.send_ping(b"")
        self.send_data()

    def write_text(self, frame: bytes) -> None:
        """Write a text frame without waiting.

        It leaves at the end of this turn of the loop, with whatever else is written here in it:
        one system call for all of them, which is most of what a frame costs. ``unsent`` counts
        the bytes until then.
        """
        self.protocol.send_text(frame)
        self.unsent += len(frame)
        if not self._flushing:
            self._flushing = True
            self.loop.call_soon(self._flush)

    def _flush(self) -> None:
        self._flushing = False
        if not self.transport.is_closing():
            self.send_data()

    def send_data(self) -> None:
        """As the library's, with all that is ready in one write."""
        self.unsent = 0
        pieces = self.protocol.data_to_send()
        ends = bool(pieces) and not pieces[-1]  # an empty piece stands for the end of the stream
        data = pieces[0] if len(pieces) == 1 else b"".join(pieces)
        if data:
            self.transport.write(data)
        if ends:
            self._half_close()

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
    http: web.AppRunner,
    paths: Callable[[str], bool],
    subprotocols: list[str],
    handle: Handler,
    max_frame: int,
) -> Server:
    """Open the port. ``paths`` says which websocket paths exist.

    Raises ``OSError`` when the port is taken.
    """
    server = http.server
    if server is None:
        raise RuntimeError("the HTTP side must be set up before the port opens")

    def create(*args: Any, **options: Any) -> Front:
        return Front(server, *args, **options)

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
