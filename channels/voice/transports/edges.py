"""All sockets of one voice channel: listeners, connections by address, and the limits."""

import asyncio
import socket
import ssl
from collections import Counter, deque
from collections.abc import Callable, Coroutine
from itertools import count
from typing import Any
from urllib.parse import urlsplit

from msgspec import Struct, structs

from channels.voice.sip.flow import DEFAULT_PORTS, Flow, Transport
from channels.voice.transports.streams import Connection, Patience, Websocket
from gateway.core.errors import BadSetup
from gateway.ports import Socket, SocketClosed

BUFFER = 4 * 1_048_576
"""Of a UDP socket: the usual one is full after a few hundred messages that come at once."""
PING, PONG = "\r\n\r\n", "\r\n"
SCHEMES: dict[str, Transport] = {"udp": "UDP", "tcp": "TCP", "tls": "TLS"}


class Limits(Struct, frozen=True, kw_only=True):
    """How many connections there are at most, and what waits for one to be opened."""

    connections: int = 5_000
    per_address: int = 200
    waiting: int = 100


class _Datagrams(asyncio.DatagramProtocol):
    def __init__(self, received: Callable[[bytes, Flow], None]) -> None:
        self._received = received

    def datagram_received(self, data: bytes, addr: tuple[Any, ...]) -> None:
        self._received(data, Flow(transport="UDP", host=str(addr[0]), port=int(addr[1])))


class Edges:
    """``received`` and ``lost`` are called in the loop's turn in which it happened.

    ``spawn`` runs what has to wait (opening a connection) in a group of its owner's.
    """

    def __init__(
        self,
        *,
        received: Callable[[bytes, Flow], None],
        lost: Callable[[Flow], None],
        spawn: Callable[[Coroutine[Any, Any, None]], None],
        limits: Limits | None = None,
        patience: Patience | None = None,
        server_tls: ssl.SSLContext | None = None,
        client_tls: ssl.SSLContext | None = None,
    ) -> None:
        self.dropped: Counter[str] = Counter()
        self._received = received
        self._lost = lost
        self._spawn = spawn
        self._limits = limits or Limits()
        self._patience = patience or Patience()
        self._server_tls = server_tls
        self._client_tls = client_tls
        self._numbers = count(1)
        self._open: dict[int, Connection | Websocket] = {}
        self._by_address: dict[tuple[str, str, int], int] = {}
        self._from: Counter[str] = Counter()
        self._waiting: dict[Flow, deque[bytes]] = {}
        self._udp: list[tuple[asyncio.DatagramTransport, bool]] = []
        self._servers: list[asyncio.Server] = []

    @property
    def connections(self) -> int:
        return len(self._open)

    # -- opening ----------------------------------------------------------------------------

    async def listen(self, url: str) -> int:
        """``udp://host:port``, ``tcp://`` or ``tls://``; returns the port. Raises ``BadSetup``."""
        parts = urlsplit(url)
        kind = SCHEMES.get(parts.scheme)
        if kind is None or parts.hostname is None:
            raise BadSetup(f"listen: {url!r} is neither udp://, tcp:// nor tls:// and an address")
        if kind == "TLS" and self._server_tls is None:
            raise BadSetup(f"listen: {url} needs a certificate: set tls")
        port = DEFAULT_PORTS[kind] if parts.port is None else parts.port
        try:
            if kind == "UDP":
                return await self._listen_udp(parts.hostname, port)
            return await self._listen_stream(kind, parts.hostname, port)
        except OSError as error:
            raise BadSetup(f"listen: {url}: {error.strerror or error}") from None

    async def _listen_udp(self, host: str, port: int) -> int:
        inner = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_DGRAM)
        try:
            for option in (socket.SO_RCVBUF, socket.SO_SNDBUF):
                inner.setsockopt(socket.SOL_SOCKET, option, BUFFER)
            inner.bind((host, port))
            inner.settimeout(0)
            transport, _ = await asyncio.get_running_loop().create_datagram_endpoint(
                lambda: _Datagrams(self._received), sock=inner
            )
        except OSError:
            inner.close()
            raise
        self._udp.append((transport, ":" in host))
        return int(transport.get_extra_info("sockname")[1])

    async def _listen_stream(self, kind: Transport, host: str, port: int) -> int:
        server = await asyncio.get_running_loop().create_server(
            lambda: Connection(self, kind, self._patience),
            host,
            port,
            ssl=self._server_tls if kind == "TLS" else None,
        )
        self._servers.append(server)
        return int(server.sockets[0].getsockname()[1])

    async def serve(self, peer: Socket, *, secure: bool) -> None:
        """A websocket, until it closes."""
        kind: Transport = "WSS" if secure else "WS"
        number = next(self._numbers)
        flow = Flow(transport=kind, host=peer.remote, port=0, connection=number)
        self._open[number] = Websocket(peer.post, kind, flow)
        try:
            while True:
                frame = await peer.receive()
                if frame == PING:
                    peer.post(PONG)
                elif frame != PONG:
                    self._received(frame.encode("utf-8", "surrogateescape"), flow)
        except SocketClosed:
            return
        finally:
            del self._open[number]
            self._lost(flow)

    async def close(self) -> None:
        """Everything, at once."""
        for transport, _ in self._udp:
            transport.close()
        for server in self._servers:
            server.close()
        for connection in list(self._open.values()):
            connection.close()
        self._udp, self._servers = [], []

    # -- sending ----------------------------------------------------------------------------

    def send(self, data: bytes, flow: Flow) -> None:
        """Without waiting. What cannot be sent is told as ``lost``, never before this returns."""
        if flow.transport == "UDP":
            self._send_datagram(data, flow)
            return
        number = flow.connection or self._by_address.get((flow.transport, flow.host, flow.port), 0)
        connection = self._open.get(number)
        if connection is not None:
            if not connection.send(data):
                self._lose_soon(flow)
        elif flow.connection or flow.transport in {"WS", "WSS"}:
            self._lose_soon(flow)
        else:
            self._send_when_open(data, flow)

    def _send_datagram(self, data: bytes, flow: Flow) -> None:
        six = ":" in flow.host
        for transport, serves_six in self._udp:
            if serves_six is six:
                transport.sendto(data, (flow.host, flow.port))
                return
        self._lose_soon(flow)

    def _send_when_open(self, data: bytes, flow: Flow) -> None:
        waiting = self._waiting.get(flow)
        if waiting is None:
            self._waiting[flow] = deque([data])
            self._spawn(self._connect(flow))
        elif len(waiting) < self._limits.waiting:
            waiting.append(data)
        else:
            self.counted("too much waits for a connection")

    async def _connect(self, flow: Flow) -> None:
        loop = asyncio.get_running_loop()
        tls = self._client_tls if flow.transport == "TLS" else None
        try:
            async with asyncio.timeout(self._patience.connect):
                _, connection = await loop.create_connection(
                    lambda: Connection(self, flow.transport, self._patience, flow),
                    flow.host,
                    flow.port,
                    ssl=tls,
                )
        except (OSError, TimeoutError):
            self.counted("a connection was refused")
            self._waiting.pop(flow, None)
            self._lost(flow)
            return
        for data in self._waiting.pop(flow, ()):
            connection.send(data)

    def _lose_soon(self, flow: Flow) -> None:
        asyncio.get_running_loop().call_soon(self._lost, flow)

    # -- what connections tell --------------------------------------------------------------

    def opened(self, connection: Connection) -> Flow | None:
        host, port = connection.peer
        ours = connection.wanted is not None
        if not ours and (
            len(self._open) >= self._limits.connections
            or self._from[host] >= self._limits.per_address
        ):
            self.counted("too many connections")
            return None
        number = next(self._numbers)
        flow = Flow(transport=connection.kind, host=host, port=port, connection=number)
        self._open[number] = connection
        self._from[host] += 1
        self._by_address[flow.transport, host, port] = number
        return flow

    def received(self, data: bytes, flow: Flow) -> None:
        self._received(data, flow)

    def closed(self, connection: Connection) -> None:
        flow = connection.flow
        if flow is None or self._open.pop(flow.connection, None) is None:
            return
        address = (flow.transport, flow.host, flow.port)
        if self._by_address.get(address) == flow.connection:
            del self._by_address[address]
        self._from[flow.host] -= 1
        if not self._from[flow.host]:
            del self._from[flow.host]
        self._lost(flow)
        # What was to go to that address by whatever connection there is went by this one.
        self._lost(structs.replace(flow, connection=0))

    def counted(self, reason: str) -> None:
        self.dropped[reason] += 1
