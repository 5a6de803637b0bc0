"""One port for two protocols, against clients that spell, stall or shout."""

import asyncio
import json
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from aiohttp import web
from msgspec import Struct
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed
from websockets.typing import Subprotocol

from gateway import listener
from gateway.http import HttpMount
from gateway.ports import Principal, Socket, SocketRoute
from gateway.sockets import Sockets

HANDSHAKE = (
    b"GET /lasting HTTP/1.1\r\nHost: x\r\n%b\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
    b"Sec-WebSocket-Protocol: test.v1\r\n\r\n"
)


class Nobody:
    async def principal(self, token: str) -> Principal | None:
        return None


class Port(Struct):
    number: int
    sockets: Sockets

    @asynccontextmanager
    async def open(self) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
        reader, writer = await asyncio.open_connection("127.0.0.1", self.number, limit=2**22)
        try:
            yield reader, writer
        finally:
            writer.transport.abort()


async def listening(socket: Socket) -> None:
    while True:
        await socket.receive()


def endpoint(path: str, name: str = "", protocol: str = "test.v1") -> SocketRoute:
    async def tell(socket: Socket) -> None:
        await socket.receive()
        socket.post(name)
        await listening(socket)

    def wants(first: str) -> bool:
        return bool(json.loads(first)["channel"] == name)

    return SocketRoute(path=path, subprotocol=protocol, handle=tell, select=wants)


@pytest.fixture
async def port() -> AsyncIterator[Port]:
    runner = web.AppRunner(HttpMount([], Nobody(), None).app)
    await runner.setup()
    lasting = SocketRoute(path="/lasting", subprotocol="test.v1", handle=listening)
    sockets = Sockets([lasting], heartbeat=10)
    server = await listener.listen(
        host="127.0.0.1",
        port=0,
        tls=None,
        http=runner,
        paths=sockets.has,
        subprotocols=sockets.subprotocols,
        handle=sockets.handle,
        max_frame=1_000_000,
    )
    yield Port(next(iter(server.sockets)).getsockname()[1], sockets)
    server.close()
    await server.wait_closed()
    await runner.cleanup()


@pytest.mark.parametrize(
    "line",
    [
        b"Upgrade: websocket",
        b"Upgrade: WebSocket",
        b"upgrade:websocket",
        b"UPGRADE:  WEBSOCKET",
        b"Upgrade:\twebsocket",
    ],
)
async def test_an_upgrade_is_known_however_it_is_spelt(port: Port, line: bytes) -> None:
    async with port.open() as (reader, writer):
        writer.write(HANDSHAKE % line)
        assert b" 101 " in await reader.readline()


async def test_an_upgrade_in_the_body_is_no_upgrade(port: Port) -> None:
    async with port.open() as (reader, writer):
        body = b"\r\nUpgrade: websocket\r\n\r\n"
        writer.write(b"POST /lasting HTTP/1.1\r\nHost: x\r\nContent-Length: 24\r\n\r\n" + body)
        assert b" 404 " in await reader.readline()


async def _shout(writer: asyncio.StreamWriter, data: bytes) -> None:
    while True:
        writer.write(data)
        await writer.drain()


async def test_one_who_pings_and_never_reads_is_dropped(port: Port) -> None:
    pings = (b"\x89\xfd" + bytes(4) + bytes(125)) * 1_000
    async with port.open() as (reader, writer):
        writer.write(HANDSHAKE % b"Upgrade: websocket")
        await reader.readuntil(b"\r\n\r\n")
        writer.transport.pause_reading()  # type: ignore[attr-defined]
        async with asyncio.timeout(20):
            with pytest.raises(ConnectionError):
                await _shout(writer, pings)


async def test_endpoints_are_replaced_while_others_stay_connected(port: Port) -> None:
    url = f"ws://127.0.0.1:{port.number}"
    old, new = Subprotocol("test.v1"), Subprotocol("added.v1")
    async with connect(f"{url}/lasting", subprotocols=[old]) as stays:
        port.sockets.replace([endpoint("/added", "a", new), endpoint("/added", "b", new)])
        async with connect(f"{url}/added", subprotocols=[new]) as socket:
            await socket.send('{"channel": "b"}')
            assert await socket.recv() == "b"
        port.sockets.replace([endpoint("/added", "a", new), endpoint("/added", "c", new)])
        async with connect(f"{url}/added", subprotocols=[new]) as socket:
            await socket.send('{"channel": "b"}')
            with pytest.raises(ConnectionClosed):
                await socket.recv()
        pong = await stays.ping(struct.pack("!I", 1))
        await pong


async def test_two_endpoints_that_cannot_share_a_path_change_nothing(port: Port) -> None:
    with pytest.raises(ValueError, match="/lasting"):
        port.sockets.replace([endpoint("/added"), endpoint("/lasting")])
    assert port.sockets.has("/lasting")
    assert not port.sockets.has("/added")
