"""Mounts the websocket endpoints that push and channels declare, and keeps their heartbeat.

One loop pings all connections and closes those that have been silent for two beats (4408);
no task per connection but its handler.
"""

import asyncio
from collections.abc import Iterable, Sequence

import structlog
from websockets.exceptions import ConnectionClosed
from websockets.protocol import State

from gateway.listener import Front
from gateway.ports import SocketClosed, SocketRoute

FIRST_FRAME_SECONDS = 5.0
SLOW_BYTES = 512 * 1024
"""Unsent bytes at which a peer counts as too slow to read."""
SLICE = 200
"""Connections served in one go by a loop over all of them."""

BAD_HELLO, SILENT, SLOW, DRAIN = 4400, 4408, 1013, 1012
_OPEN = State.OPEN
_log = structlog.get_logger("sockets")


class WebSocket:
    """Implements ``ports.Socket`` over one connection."""

    __slots__ = ("_connection", "_first", "_slow", "origin", "remote")

    def __init__(self, connection: Front) -> None:
        self._connection = connection
        self._first: str | None = None
        self._slow = False
        peer = connection.remote_address
        self.remote = str(peer[0]) if peer else ""
        request = connection.request
        self.origin = request.headers.get("Origin") if request else None

    def post(self, *frames: str | bytes) -> None:
        connection = self._connection
        if self._slow or connection.protocol.state is not _OPEN:
            return
        if connection.transport.get_write_buffer_size() + connection.unsent > SLOW_BYTES:
            # It does not read, so a close frame would only queue behind what it does not read.
            self._slow = True
            connection.protocol.send_close(SLOW, "too slow")
            connection.transport.abort()
            return
        connection.write_texts(frames)

    def push_back(self, frame: str) -> None:
        """Make ``frame`` the next one to be received."""
        self._first = frame

    async def receive(self) -> str:
        if self._first is not None:
            frame, self._first = self._first, None
            return frame
        try:
            return await self._connection.recv(decode=True)
        except ConnectionClosed as closed:
            raise SocketClosed(closed.rcvd.code if closed.rcvd else 1006) from None

    async def close(self, code: int, reason: str = "") -> None:
        await self._connection.close(code, reason[:100])


class Sockets:
    """The endpoints by path, the open connections, and their heartbeat."""

    def __init__(self, routes: Iterable[SocketRoute], *, heartbeat: float) -> None:
        self._lasting = tuple(routes)
        self._routes: dict[str, list[SocketRoute]] = {}
        self.subprotocols: list[str] = []
        """Those of all endpoints; the list stays the same one, so that a listener may keep it."""
        self.replace(())
        self._heartbeat = heartbeat
        self._open: dict[Front, None] = {}

    def replace(self, routes: Iterable[SocketRoute]) -> None:
        """Serve exactly these besides the lasting ones; who is connected stays connected.

        Raises ``ValueError``, and changes nothing, where two cannot share a path.
        """
        mounted: dict[str, list[SocketRoute]] = {}
        for route in (*self._lasting, *routes):
            shared = mounted.setdefault(route.path, [])
            shared.append(route)
            if len(shared) > 1 and any(r.select is None for r in shared):
                raise ValueError(f"two websocket endpoints want {route.path} and cannot share it")
        self._routes = mounted
        self.subprotocols[:] = sorted({r.subprotocol for s in mounted.values() for r in s})

    @property
    def connected(self) -> int:
        return len(self._open)

    @property
    def max_frame(self) -> int:
        return max((r.max_frame for s in self._routes.values() for r in s), default=1_048_576)

    def has(self, path: str) -> bool:
        return path in self._routes

    async def handle(self, connection: Front) -> None:
        """Serve one connection until it closes."""
        request = connection.request
        shared = self._routes.get(request.path.partition("?")[0], []) if request else []
        socket = WebSocket(connection)
        self._open[connection] = None
        try:
            route = await self._choose(socket, shared)
            if route is not None:
                await route.handle(socket)
        except SocketClosed:
            pass
        except Exception:  # noqa: BLE001 - logged, and closed
            # A fault in one conversation closes that one (1011) and nobody else's.
            _log.exception("connection failed", path=request.path if request else "")
            await connection.close(1011)
        finally:
            self._open.pop(connection, None)

    async def _choose(self, socket: WebSocket, shared: Sequence[SocketRoute]) -> SocketRoute | None:
        if len(shared) == 1:
            return shared[0]
        try:
            async with asyncio.timeout(FIRST_FRAME_SECONDS):
                first = await socket.receive()
        except TimeoutError:
            await socket.close(BAD_HELLO, "say hello within five seconds")
            return None
        for route in shared:
            if route.select is not None and route.select(first):
                socket.push_back(first)
                return route
        await socket.close(BAD_HELLO, "no such channel")
        return None

    async def run(self) -> None:
        """The heartbeat of all connections, spread over its interval; until cancelled."""
        loop = asyncio.get_running_loop()
        while True:
            began = loop.time()
            connections = list(self._open)
            slices = max(1, -(-len(connections) // SLICE))
            for n in range(slices):
                self._beat(connections[n * SLICE : (n + 1) * SLICE])
                await asyncio.sleep(self._heartbeat / slices * 0.9)
            await asyncio.sleep(max(0.0, began + self._heartbeat - loop.time()))

    def _beat(self, connections: Sequence[Front]) -> None:
        for connection in connections:
            if connection.protocol.state is not State.OPEN:
                continue
            if connection.silent:
                connection.protocol.send_close(SILENT, "silent")
                connection.send_data()
                connection.transport.abort()
            else:
                connection.beat()
