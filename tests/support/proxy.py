"""A TCP proxy that misbehaves on command, for links between things under test.

The kernel here has no netem, so what a bad network does is played: a ``Link`` stands for one wire
between a client and one server, with a ``Way`` in each direction that can be slowed, throttled,
stopped or broken while connections run over it.

    async with Link(port) as link:
        connect_to("127.0.0.1", link.port)
        link.down.latency = 0.050      # server to client
        link.blackhole()               # both ways: open, and silent
        link.heal()
"""

import asyncio
import contextlib
import random
import socket
import struct
from pathlib import Path
from types import TracebackType
from typing import Self

from msgspec import Struct

CHUNK = 65_536
QUEUED = 64
"""Chunks on the wire: a stopped way makes its sender stop too, as a full window would."""


class Way(Struct, eq=False):
    """One direction. Read at each chunk, so a change takes effect at once.

    ``latency`` and ``jitter`` (0 … jitter is added, order is kept) in seconds; ``loss`` is the
    share of chunks that reset the connection instead (TCP knows no other loss); ``rate`` bytes a
    second, ``None`` for all at once; ``stopped`` takes nothing and keeps everything open;
    ``deaf`` takes everything and delivers nothing: the other side is gone and nobody says so.
    """

    latency: float = 0.0
    jitter: float = 0.0
    loss: float = 0.0
    rate: float | None = None
    stopped: bool = False
    deaf: bool = False
    carried: int = 0


class Link:
    """A listener on a port of its own that forwards to a port on loopback or a Unix socket."""

    def __init__(self, target: int | Path, *, seed: int = 0) -> None:
        self.up, self.down = Way(), Way()
        self.port = 0
        self.accepted = 0
        self.refusing = False
        self._target = target
        self._dice = random.Random(seed)
        self._server: asyncio.Server | None = None
        self._pairs: set[_Pair] = set()
        self._mark = float("inf")
        self._cuts = False
        self._reached = asyncio.Event()
        self._changed = asyncio.Event()

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        assert self._server is not None
        self._server.close()
        self.cut()
        await self._server.wait_closed()
        while self._pairs:  # noqa: ASYNC110 - they leave by themselves, in a moment
            await asyncio.sleep(0.001)

    @property
    def open(self) -> int:
        """Connections that run over it now."""
        return len(self._pairs)

    # -- what a network does ----------------------------------------------------------------

    def heal(self) -> None:
        """A good network again; what was stopped goes on, what was swallowed is lost."""
        for way in (self.up, self.down):
            way.latency = way.jitter = way.loss = 0.0
            way.rate = None
            way.stopped = way.deaf = False
        self.refusing = False
        self._wake()

    def blackhole(self) -> None:
        """Nothing passes in either direction; connections stay, new ones open and hear nothing."""
        self.up.stopped = self.down.stopped = True

    def half_open(self) -> None:
        """The server's side goes away unseen: it is dropped there, the client hears nothing."""
        self.up.deaf = self.down.deaf = True
        for pair in self._pairs:
            pair.drop_server()

    def half_close(self, *, server: bool = True) -> None:
        """End one direction in order (FIN): the server's to the client, or the client's."""
        for pair in self._pairs:
            pair.end(pair.client if server else pair.server)

    def cut(self) -> None:
        """Reset every connection."""
        for pair in list(self._pairs):
            pair.reset()

    async def after(self, bytes_down: int, *, cut: bool) -> None:
        """Wait until so many more bytes have reached the client, amid whatever that is.

        ``cut`` then resets every connection: not one byte more arrives.
        """
        self._reached.clear()
        self._mark, self._cuts = self.down.carried + bytes_down, cut
        await self._reached.wait()

    def refuse(self) -> None:
        """Reset every connection, and each new one too."""
        self.refusing = True
        self.cut()

    def slow(self, bytes_a_second: float = 1.0) -> None:
        """Throttle both directions."""
        self.up.rate = self.down.rate = bytes_a_second

    def _wake(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()

    # -- carrying ---------------------------------------------------------------------------

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.accepted += 1
        if self.refusing:
            writer.transport.abort()
            return
        try:
            inner, outer = await self._reach()
        except OSError:
            writer.transport.abort()
            return
        pair = _Pair(writer, outer)
        self._pairs.add(pair)
        try:
            async with asyncio.TaskGroup() as pumps:
                pumps.create_task(self._carry(reader, pair.server, self.up, pair))
                pumps.create_task(self._carry(inner, pair.client, self.down, pair))
        finally:
            self._pairs.discard(pair)
            pair.close()

    async def _reach(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        if isinstance(self._target, Path):
            return await asyncio.open_unix_connection(self._target)
        return await asyncio.open_connection("127.0.0.1", self._target)

    async def _carry(
        self, source: asyncio.StreamReader, sink: asyncio.StreamWriter, way: Way, pair: "_Pair"
    ) -> None:
        """One direction of one connection: a reader and, behind the latency, a sender."""
        wire: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue(QUEUED)
        async with asyncio.TaskGroup() as group:
            group.create_task(self._read(source, wire, way, pair))
            group.create_task(self._send(sink, wire, way, pair))

    async def _read(
        self,
        source: asyncio.StreamReader,
        wire: "asyncio.Queue[tuple[float, bytes]]",
        way: Way,
        pair: "_Pair",
    ) -> None:
        clock = asyncio.get_running_loop().time
        data = b"."
        while data:
            try:
                data = await source.read(CHUNK)
            except OSError:
                pair.reset()
                data = b""
            if data and way.loss and self._dice.random() < way.loss:
                pair.reset()
                data = b""
            delay = way.latency + way.jitter * self._dice.random()
            await wire.put((clock() + delay, data))

    async def _send(
        self,
        sink: asyncio.StreamWriter,
        wire: "asyncio.Queue[tuple[float, bytes]]",
        way: Way,
        pair: "_Pair",
    ) -> None:
        clock = asyncio.get_running_loop().time
        while True:
            due, data = await wire.get()
            await asyncio.sleep(max(0.0, due - clock()))
            for part in _parts(data, way):
                while way.stopped and not pair.gone:
                    await self._news(pair)
                if not (way.deaf or pair.gone):
                    await self._put(sink, self._up_to_the_cut(part, way), way)
                if way is self.down and way.carried >= self._mark:
                    self._mark = float("inf")
                    if self._cuts:
                        self.cut()
                    self._reached.set()
            if not data:
                await self._end(sink, way, pair)
                return

    def _up_to_the_cut(self, part: bytes, way: Way) -> bytes:
        left = self._mark - way.carried
        return part[: int(left)] if self._cuts and way is self.down and left < len(part) else part

    async def _end(self, sink: asyncio.StreamWriter, way: Way, pair: "_Pair") -> None:
        """Pass on that a side has ended, unless that is swallowed like all the rest."""
        if not way.deaf:
            pair.end(sink)
        elif way is self.up and pair.server.is_closing():
            pair.reset()  # both sides have gone by now
        else:
            await pair.over.wait()

    async def _put(self, sink: asyncio.StreamWriter, part: bytes, way: Way) -> None:
        if not part or sink.is_closing():
            return
        with contextlib.suppress(OSError, RuntimeError):  # it has gone, or we have ended it
            sink.write(part)
            await sink.drain()
        way.carried += len(part)
        if way.rate is not None:
            await asyncio.sleep(len(part) / way.rate)

    async def _news(self, pair: "_Pair") -> None:
        """Until the link is healed or the connection is over."""
        changed = self._changed
        async with asyncio.TaskGroup() as group:
            waiting = [group.create_task(changed.wait()), group.create_task(pair.over.wait())]
            await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
            for one in waiting:
                one.cancel()


class _Pair:
    """One connection: the client's side and the server's."""

    def __init__(self, client: asyncio.StreamWriter, server: asyncio.StreamWriter) -> None:
        self.client, self.server = client, server
        self.over = asyncio.Event()

    @property
    def gone(self) -> bool:
        return self.over.is_set()

    def reset(self) -> None:
        for writer in (self.client, self.server):
            wire = writer.get_extra_info("socket")
            if not writer.transport.is_closing():
                # To go without a farewell is to be reset; else the kernel says goodbye for us.
                wire.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            writer.transport.abort()
        self.over.set()

    def close(self) -> None:
        """Both directions have ended: let what is still to be sent be sent."""
        for writer in (self.client, self.server):
            writer.close()
        self.over.set()

    def drop_server(self) -> None:
        self.server.transport.abort()

    def end(self, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, RuntimeError):
            if writer.can_write_eof() and not writer.is_closing():
                writer.write_eof()


def _parts(data: bytes, way: Way) -> list[bytes]:
    """A throttled way carries little at a time, so that a change is felt at once."""
    if way.rate is None:
        return [data]
    size = max(1, int(way.rate / 20))
    return [data[start : start + size] for start in range(0, len(data), size)]
