"""A TCP relay that can be told to misbehave: cut, freeze, or cut after so many bytes."""

import asyncio
import contextlib
from types import TracebackType
from typing import Self


class Relay:
    """Forwards to ``port``. ``budget``: bytes that the server may say on each connection."""

    def __init__(self, port: int) -> None:
        self._target = port
        self._writers: set[asyncio.StreamWriter] = set()
        self._thawed = asyncio.Event()
        self._thawed.set()
        self._server: asyncio.Server | None = None
        self.budget: int | None = None
        self.port = 0
        self.connections = 0

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
        self._thawed.set()
        await self._server.wait_closed()

    def cut(self) -> None:
        """Reset every connection."""
        for writer in self._writers:
            writer.transport.abort()

    def freeze(self) -> None:
        """Say nothing more in either direction, as behind a dead link."""
        self._thawed.clear()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            inner, outer = await asyncio.open_connection("127.0.0.1", self._target)
        except OSError:
            writer.transport.abort()
            return
        both = {writer, outer}
        self._writers |= both
        try:
            async with asyncio.TaskGroup() as pumps:
                pumps.create_task(self._pump(reader, outer, None))
                pumps.create_task(self._pump(inner, writer, self.budget))
        finally:
            self._writers -= both
            for one in both:
                one.transport.abort()

    async def _pump(
        self, source: asyncio.StreamReader, sink: asyncio.StreamWriter, budget: int | None
    ) -> None:
        with contextlib.suppress(OSError):
            while data := await source.read(65_536):
                await self._thawed.wait()
                if budget is not None:
                    data, budget = data[:budget], budget - len(data)
                sink.write(data)
                await sink.drain()
                if budget is not None and budget <= 0:
                    self.cut()
                    return
            sink.close()
