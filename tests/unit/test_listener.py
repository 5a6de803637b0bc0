"""What is written to a websocket leaves together, in order, and whole."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import web
from websockets.asyncio.client import ClientConnection, connect
from websockets.typing import Subprotocol

from gateway.listener import Front, listen
from gateway.sockets import SLOW_BYTES, WebSocket

Conversation = Callable[[Front], Awaitable[None]]


@asynccontextmanager
async def connected(handle: Conversation) -> AsyncIterator[ClientConnection]:
    """A client at a listener that serves websockets with ``handle``."""
    runner = web.AppRunner(web.Application())
    await runner.setup()
    server = await listen(
        host="127.0.0.1",
        port=0,
        tls=None,
        http=runner,
        paths=lambda path: path == "/here",
        subprotocols=["test"],
        handle=handle,
        max_frame=2**20,
    )
    port = next(iter(server.sockets)).getsockname()[1]
    try:
        async with connect(
            f"ws://127.0.0.1:{port}/here",
            subprotocols=[Subprotocol("test")],
            compression=None,
            proxy=None,
        ) as client:
            yield client
    finally:
        server.close()
        await server.wait_closed()
        await runner.cleanup()


class Counted:
    """A transport that counts what is written to it."""

    def __init__(self, transport: Any) -> None:
        self._transport = transport
        self.writes = 0

    def write(self, data: bytes) -> None:
        self.writes += 1
        self._transport.write(data)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)


async def test_frames_of_one_turn_leave_in_one_write_and_in_order() -> None:
    seen: list[int] = []

    async def handle(connection: Front) -> None:
        counted = Counted(connection.transport)
        connection.transport = counted  # type: ignore[assignment]
        socket = WebSocket(connection)
        for n in range(3):
            socket.post(f"frame {n}")
        await asyncio.sleep(0)
        seen.append(counted.writes)
        socket.post("frame 3")
        await asyncio.sleep(0)
        seen.append(counted.writes)
        await connection.wait_closed()

    async with connected(handle) as client:
        assert [await client.recv() for _ in range(4)] == [f"frame {n}" for n in range(4)]
    assert seen == [1, 2]


async def test_what_was_posted_before_a_close_still_arrives() -> None:
    async def handle(connection: Front) -> None:
        socket = WebSocket(connection)
        socket.post("the last words")
        await socket.close(4401, "the token has been revoked")

    async with connected(handle) as client:
        assert await client.recv() == "the last words"
        await client.wait_closed()
        assert (client.close_code, client.close_reason) == (4401, "the token has been revoked")


async def test_a_frame_posted_in_the_turn_of_an_abort_harms_nobody() -> None:
    problems: list[dict[str, Any]] = []

    async def handle(connection: Front) -> None:
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(lambda _, context: problems.append(context))
        WebSocket(connection).post("never seen")
        connection.transport.abort()
        await connection.wait_closed()

    async with connected(handle) as client:
        await client.wait_closed()
    assert not problems


async def test_what_has_not_left_yet_counts_for_a_peer_that_is_too_slow() -> None:
    states: list[bool] = []

    async def handle(connection: Front) -> None:
        socket = WebSocket(connection)
        text = "x" * 100_000
        for _ in range(SLOW_BYTES // len(text) + 3):
            socket.post(text)
        states.append(connection.transport.is_closing())
        await connection.wait_closed()

    async with connected(handle) as client:
        await client.wait_closed()
    assert states == [True]
