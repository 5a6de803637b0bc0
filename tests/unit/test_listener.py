"""What is written to a websocket leaves together, in order, and whole."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiohttp import web
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed
from websockets.typing import Subprotocol

from gateway.listener import Front, always, is_whole, listen
from gateway.sockets import SLOW_BYTES, WebSocket

Conversation = Callable[[Front], Awaitable[None]]


@asynccontextmanager
async def connected(
    handle: Conversation, may_write: Callable[[], bool] = always
) -> AsyncIterator[ClientConnection]:
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
        may_write=may_write,
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


PING = b"\x89\x00"


class Told(Counted):
    """Keeps what is written, and can hold it back from the peer."""

    def __init__(self, transport: Any) -> None:
        super().__init__(transport)
        self.written: list[bytes] = []
        self.passes = True

    def write(self, data: bytes) -> None:
        self.written.append(data)
        if self.passes:
            super().write(data)


async def test_a_ping_goes_with_the_first_write_after_a_beat_and_with_no_other() -> None:
    seen: list[list[bytes]] = []

    async def handle(connection: Front) -> None:
        told = Told(connection.transport)
        connection.transport = told  # type: ignore[assignment]
        socket = WebSocket(connection)
        for post in ("before any beat", "first", "second"):
            if post == "first":
                connection.beat()
            socket.post(post)
            await asyncio.sleep(0)
        seen.append([data[-2:] for data in told.written])
        await connection.wait_closed()

    async with connected(handle) as client:
        assert [await client.recv() for _ in range(3)] == ["before any beat", "first", "second"]
    (tails,) = seen
    assert [tail == PING for tail in tails] == [False, True, False]


async def test_a_beat_after_one_without_a_write_pings_by_itself() -> None:
    seen: list[list[bytes]] = []

    async def handle(connection: Front) -> None:
        told = Told(connection.transport)
        connection.transport = told  # type: ignore[assignment]
        for _ in range(3):
            connection.beat()
        seen.append(list(told.written))

    async with connected(handle) as client:
        await client.wait_closed()
    assert seen == [[PING, PING]]


async def test_who_answers_pings_is_never_silent_and_who_does_not_is_after_two() -> None:
    seen: list[bool] = []

    async def handle(connection: Front) -> None:
        told = Told(connection.transport)
        connection.transport = told  # type: ignore[assignment]
        socket = WebSocket(connection)
        for _ in range(4):  # the client answers each ping, and its text comes behind the answer
            connection.beat()
            socket.post("tick")
            assert await socket.receive() == "heard"
            seen.append(connection.silent)
        told.passes = False
        for _ in range(2):
            connection.beat()
            socket.post("tick")
            await asyncio.sleep(0)
            seen.append(connection.silent)

    async with connected(handle) as client:
        for _ in range(4):
            assert await client.recv() == "tick"
            # The ping came in the same bytes, and has been answered before this is sent.
            await client.send("heard")
        await client.wait_closed()
    assert seen == [False] * 5 + [True]


async def test_a_pong_is_taken_for_one_and_what_only_looks_like_one_is_not() -> None:
    pong = b"\x8a\x80" + bytes(4)
    said, mask = "seconda0xy\ubc00".encode(), b"xy\xeb\xb0"
    masked = bytes(byte ^ mask[n % 4] for n, byte in enumerate(said))
    assert masked[6:12] == pong
    heard: list[str] = []

    async def handle(connection: Front) -> None:
        socket = WebSocket(connection)
        for data in (
            pong,
            b"\x81\x85" + bytes(4) + b"first",
            pong,
            bytes([0x81, 0x80 | len(said)]) + mask + masked[:6],
            masked[6:12],
            masked[12:],
            pong + b"\x81\x85" + bytes(4) + b"third",
        ):
            connection.data_received(data)
        heard.extend([await socket.receive() for _ in range(3)])

    async with connected(handle) as client:
        await client.wait_closed()
        assert client.close_code == 1000
    assert heard == ["first", said.decode(), "third"]


def test_what_ends_amid_a_frame_is_not_whole() -> None:
    short = b"\x81\x83" + bytes(4) + b"abc"
    long = b"\x81\xfe\x01\x00" + bytes(4) + bytes(256)
    for frames in (short, long, short + long, long + short + short):
        assert is_whole(frames)
        assert not any(is_whole(frames[:cut]) for cut in range(1, len(short)))
        assert not is_whole(frames[:-1])
        assert not is_whole(frames + b"\x8a")


async def test_what_is_written_waits_until_the_node_may_write() -> None:
    may: list[bool] = []
    asked = asyncio.Event()

    def may_write() -> bool:
        asked.set()
        return bool(may)

    async def handle(connection: Front) -> None:
        WebSocket(connection).post("held", "back")
        await connection.wait_closed()

    async with connected(handle, may_write) as client:
        await asked.wait()
        # An answer of the library's own passes, and takes nothing with it.
        await (await client.ping())
        async with asyncio.TaskGroup() as group:
            hearing = group.create_task(client.recv())
            asked.clear()
            await asked.wait()
            assert not hearing.done()
            may.append(True)
        assert hearing.result() == "held"
        assert await client.recv() == "back"


async def test_a_parted_connection_gets_nothing_that_was_written_but_the_reason() -> None:
    async def handle(connection: Front) -> None:
        WebSocket(connection).post("of the old self")
        connection.part(1012, "the node begins anew: " + "ü" * 100)
        await connection.wait_closed()

    async with connected(handle, lambda: False) as client:
        with pytest.raises(ConnectionClosed) as closed:
            await client.recv()
    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == 1012
    assert closed.value.rcvd.reason.startswith("the node begins anew: ü")
