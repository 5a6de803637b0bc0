"""Real websockets around chat channels, with the mounter's rules: the first frame selects."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from typing import TypeVar

from websockets.asyncio.client import ClientConnection, connect
from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.exceptions import ConnectionClosed
from websockets.typing import Origin, Subprotocol

from channels.webchat.channel import WebChat
from channels.webchat.protocol import (
    SUBPROTOCOL,
    ClientFrame,
    ServerFrame,
    decode_server,
    encode,
)
from gateway.ports import Channel, SocketClosed, SocketRoute


class WireSocket:
    """The ``Socket`` seam on a connection of the websockets library."""

    def __init__(self, wire: ServerConnection, first: str) -> None:
        self.remote = str(wire.remote_address[0])
        self.origin: str | None = wire.request.headers.get("Origin") if wire.request else None
        self._wire = wire
        self._first: str | None = first
        self._out: asyncio.Queue[str] = asyncio.Queue(maxsize=2_000)

    def post(self, *frames: str | bytes) -> None:
        for frame in frames:
            self._out.put_nowait(frame if isinstance(frame, str) else frame.decode())

    async def receive(self) -> str:
        if self._first is not None:
            first, self._first = self._first, None
            return first
        try:
            return str(await self._wire.recv())
        except ConnectionClosed as closed:
            raise SocketClosed(closed.rcvd.code if closed.rcvd else 1006) from None

    async def close(self, code: int, reason: str = "") -> None:
        await self._out.join()
        await self._wire.close(code, reason)

    async def write(self) -> None:
        """Writes what is posted, in order; what comes after the end goes nowhere."""
        while True:
            frame = await self._out.get()
            with suppress(ConnectionClosed):
                await self._wire.send(frame)
            self._out.task_done()


async def _serve_one(routes: Sequence[SocketRoute], wire: ServerConnection) -> None:
    first = str(await wire.recv())
    for route in routes:
        if len(routes) == 1 or route.select is None or route.select(first):
            socket = WireSocket(wire, first)
            async with asyncio.TaskGroup() as tasks:
                writer = tasks.create_task(socket.write())
                await route.handle(socket)
                writer.cancel()
            return
    await wire.close(4400, "no such channel")


@asynccontextmanager
async def serving(*channels: WebChat, run: bool = True) -> AsyncIterator[str]:
    """The channels at one ephemeral port, running unless the test does that; gives the URL."""
    routes = [r for c in channels for r in c.routes() if isinstance(r, SocketRoute)]

    async def handle(wire: ServerConnection) -> None:
        await _serve_one(routes, wire)

    running: list[Channel] = list(channels) if run else []  # and mypy sees that they are
    async with asyncio.TaskGroup() as tasks:
        up = [asyncio.Event() for _ in running]
        runs = [
            tasks.create_task(channel.run(event.set))
            for channel, event in zip(running, up, strict=True)
        ]
        for event in up:
            await event.wait()
        async with serve(handle, "127.0.0.1", 0, subprotocols=[Subprotocol(SUBPROTOCOL)]) as server:
            yield f"ws://127.0.0.1:{_port(server)}/chat/v1"
            for task in runs:
                task.cancel()


def _port(server: Server) -> int:
    return int(next(iter(server.sockets)).getsockname()[1])


F = TypeVar("F")


class Visitor:
    """A customer's window for tests: sends frames, waits for frames, forgets none."""

    def __init__(self, wire: ClientConnection) -> None:
        self._wire = wire
        self._kept: deque[ServerFrame] = deque()
        self.seen: list[ServerFrame] = []

    async def say(self, frame: ClientFrame | str) -> None:
        await self._wire.send(frame if isinstance(frame, str) else encode(frame))

    async def next(self) -> ServerFrame:
        frame = decode_server(str(await asyncio.wait_for(self._wire.recv(), 10)))
        self.seen.append(frame)
        return frame

    async def until(self, kind: type[F]) -> F:
        """The next frame of this kind; the others are in ``seen``."""
        while True:
            frame = await self.next()
            if isinstance(frame, kind):
                return frame

    async def caught_up(self) -> None:
        """Read all that the server has sent so far: its pong comes after that."""
        await (await self._wire.ping())
        with suppress(TimeoutError):
            async with asyncio.timeout(0.02):
                while True:
                    await self.next()

    async def closed(self) -> int:
        """Read until the end; the close code."""
        try:
            while True:
                await self.next()
        except ConnectionClosed as closed:
            return closed.rcvd.code if closed.rcvd else 1006


@asynccontextmanager
async def visiting(url: str, origin: str | None = None) -> AsyncIterator[Visitor]:
    chosen = Origin(origin) if origin else None
    async with connect(url, subprotocols=[Subprotocol(SUBPROTOCOL)], origin=chosen) as wire:
        yield Visitor(wire)
