"""Peers of the push benchmarks: the usual servers, bare, each in a process of its own.

``websockets``: the library that we use too, with nothing behind it: the floor.
``socketio``: python-socketio on uvicorn's place taken by aiohttp, its usual companion here.
"""

import asyncio
import random
import time
from typing import Any

from bench.load.control import Answer, serve
from bench.work import body

FRAME = '{{"t":"message","epoch":1,"seq":1,"message":{{"body":"@t={mark};{text}"}}}}'
SLICE = 50


class Server:
    """One server, and the connections it holds."""

    def __init__(self) -> None:
        self._send: list[Any] = []
        self._group = asyncio.TaskGroup()
        self._stop = asyncio.Event()
        self._keep: Any = None
        self._dice = random.Random(5)
        self._text = body(self._dice)

    async def perform(self, said: dict[str, Any]) -> Answer:
        match said.pop("do"):
            case "websockets":
                return await self._websockets()
            case "socketio":
                return await self._socketio()
            case "push":
                return await self._push(**said)
            case other:
                raise ValueError(f"a server cannot {other!r}")

    async def _websockets(self) -> Answer:
        from websockets.asyncio.server import ServerConnection
        from websockets.asyncio.server import serve as listen

        async def handle(connection: ServerConnection) -> None:
            def post(text: str) -> None:
                connection.protocol.send_text(text.encode())
                connection.send_data()

            post("{}")
            self._send.append(post)
            await connection.wait_closed()

        server = await listen(
            handle, "127.0.0.1", 0, compression=None, ping_interval=None, backlog=4096
        )
        self._keep = server
        return {"port": next(iter(server.sockets)).getsockname()[1]}

    async def _socketio(self) -> Answer:
        import socketio
        from aiohttp import web

        sio: Any = socketio.AsyncServer(async_mode="aiohttp", cors_allowed_origins="*")
        app = web.Application()
        sio.attach(app)
        tasks: set[asyncio.Future[Any]] = set()

        def sender(sid: str) -> Any:
            def post(text: str) -> Any:
                return sio.emit("message", text, to=sid)

            return post

        @sio.event  # type: ignore[untyped-decorator,unused-ignore]
        async def connect(sid: str, _environ: Any) -> None:
            self._send.append(sender(sid))

        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0, backlog=4096)
        await site.start()
        self._keep = (runner, tasks)
        return {"port": runner.addresses[0][1]}

    async def _push(self, seconds: float, rate: float = 0.0) -> Answer:
        """Send to one after another at random, as fast as they go out or at a rate."""
        times: list[tuple[int, float]] = []
        began = due = time.monotonic()
        count = 0
        while (now := time.monotonic()) - began < seconds:
            if rate:
                if due > now:
                    await asyncio.sleep(due - now)
                times.append((count, due))
                await self._one(count)
                count, due = count + 1, due + 1 / rate
                continue
            for _ in range(SLICE):
                await self._one(count)
                count += 1
            await asyncio.sleep(0)
        return {"frames": count, "began": began, "ended": time.monotonic(), "times": times}

    async def _one(self, mark: int) -> None:
        post = self._send[self._dice.randrange(len(self._send))]
        work = post(FRAME.format(mark=mark, text=self._text))
        if work is not None:
            await work


if __name__ == "__main__":
    serve(lambda: Server().perform)
