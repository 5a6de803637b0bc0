"""The fault proxy itself: what a test blames on the network must be the network."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest

from tests.support.proxy import Link

Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class Echo:
    """Says back what it hears, and remembers how each connection ended."""

    def __init__(self) -> None:
        self.ends: asyncio.Queue[str] = asyncio.Queue()
        self.heard = b""
        self.port = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        end = "in order"
        try:
            while data := await reader.read(1000):
                self.heard += data
                writer.write(data)
                await writer.drain()
        except ConnectionError:
            end = "reset"
        writer.close()
        self.ends.put_nowait(end)


@pytest.fixture
async def echo() -> AsyncIterator[Echo]:
    echo = Echo()
    server = await asyncio.start_server(echo.serve, "127.0.0.1", 0)
    echo.port = server.sockets[0].getsockname()[1]
    yield echo
    server.close()


@pytest.fixture
async def link(echo: Echo) -> AsyncIterator[Link]:
    async with Link(echo.port) as link:
        yield link


@pytest.fixture
async def client(link: Link) -> AsyncIterator[Streams]:
    reader, writer = await asyncio.open_connection("127.0.0.1", link.port)
    writer.write(b"hello")
    assert await within(reader.readexactly(5)) == b"hello"
    yield reader, writer
    writer.transport.abort()
    with contextlib.suppress(OSError):
        await writer.wait_closed()


async def within(work: Awaitable[bytes], seconds: float = 5.0) -> bytes:
    async with asyncio.timeout(seconds):
        return await work


async def until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(5):
        while not holds():  # noqa: ASYNC110 - nobody tells us
            await asyncio.sleep(0.005)


async def hears_nothing(reader: asyncio.StreamReader, seconds: float = 0.1) -> bool:
    try:
        await within(reader.read(1), seconds)
    except TimeoutError:
        return True
    return False


async def test_a_healthy_link_carries_everything_both_ways(client: Streams, link: Link) -> None:
    reader, writer = client
    payload = bytes(range(256)) * 4000
    writer.write(payload)
    assert await within(reader.readexactly(len(payload))) == payload
    assert link.up.carried == link.down.carried == len(payload) + 5


async def test_latency_is_that_of_its_direction(client: Streams, link: Link) -> None:
    reader, writer = client
    link.up.latency, link.down.latency = 0.05, 0.1
    began = time.monotonic()
    writer.write(b"ping")
    await within(reader.readexactly(4))
    assert 0.15 <= time.monotonic() - began < 2.0


async def test_latency_delays_but_does_not_hold_up_what_follows(
    client: Streams, link: Link
) -> None:
    reader, writer = client
    link.down.latency = 0.2
    began = time.monotonic()
    for _ in range(10):
        writer.write(b"x")
        await asyncio.sleep(0.01)
    await within(reader.readexactly(10))
    assert time.monotonic() - began < 1.0  # ten on the wire at once, not one after the other


async def test_jitter_keeps_the_order(client: Streams, link: Link) -> None:
    reader, writer = client
    link.up.jitter = 0.02
    sent = [b"%04d" % n for n in range(50)]
    for one in sent:
        writer.write(one)
        await asyncio.sleep(0)
    assert await within(reader.readexactly(200)) == b"".join(sent)


async def test_loss_is_a_reset(client: Streams, link: Link, echo: Echo) -> None:
    reader, writer = client
    link.up.loss = 1.0
    writer.write(b"lost")
    with pytest.raises(ConnectionError):
        await within(reader.readexactly(4))
    assert echo.heard == b"hello"


async def test_a_black_hole_keeps_connections_open_and_silent_until_it_heals(
    client: Streams, link: Link, echo: Echo
) -> None:
    reader, writer = client
    link.blackhole()
    writer.write(b"anyone?")
    assert await hears_nothing(reader)
    assert echo.heard == b"hello"
    late_reader, late_writer = await asyncio.open_connection("127.0.0.1", link.port)
    late_writer.write(b"late")
    assert await hears_nothing(late_reader)
    link.heal()
    assert await within(reader.readexactly(7)) == b"anyone?"
    assert await within(late_reader.readexactly(4)) == b"late"
    late_writer.close()


async def test_one_direction_alone_can_be_stopped(client: Streams, link: Link, echo: Echo) -> None:
    reader, writer = client
    link.down.stopped = True
    writer.write(b"question")
    await until(lambda: echo.heard == b"helloquestion")
    assert await hears_nothing(reader)
    link.heal()
    assert await within(reader.readexactly(8)) == b"question"


async def test_a_half_open_connection_is_gone_at_the_server_and_the_client_does_not_know(
    client: Streams, link: Link, echo: Echo
) -> None:
    reader, writer = client
    link.half_open()
    async with asyncio.timeout(5):
        await echo.ends.get()
    writer.write(b"are you there?")
    assert await hears_nothing(reader)
    assert not reader.at_eof()
    link.cut()
    with pytest.raises(ConnectionError):
        await within(reader.readexactly(1))


async def test_a_half_open_connection_that_the_client_gives_up_is_over(
    client: Streams, link: Link
) -> None:
    _, writer = client
    link.half_open()
    writer.transport.abort()
    await until(lambda: link.open == 0)


async def test_half_closed_by_the_server_the_client_sees_its_end_and_may_still_speak(
    client: Streams, link: Link, echo: Echo
) -> None:
    reader, writer = client
    link.half_close()
    assert await within(reader.read()) == b""
    writer.write(b"more")
    await until(lambda: echo.heard == b"hellomore")


async def test_half_closed_by_the_client_the_server_sees_its_end(
    client: Streams, link: Link, echo: Echo
) -> None:
    link.half_close(server=False)
    async with asyncio.timeout(5):
        assert await echo.ends.get() == "in order"


async def test_a_throttled_link_carries_byte_by_byte(client: Streams, link: Link) -> None:
    reader, writer = client
    link.slow(20.0)
    began = time.monotonic()
    writer.write(b"12345")
    await within(reader.readexactly(5))
    assert time.monotonic() - began >= 4 / 20  # the last byte's own pause comes after it


async def test_a_throttle_that_is_lifted_does_not_linger(client: Streams, link: Link) -> None:
    reader, writer = client
    link.slow(10.0)
    writer.write(b"x" * 1000)
    await within(reader.readexactly(1))
    link.heal()
    await within(reader.readexactly(999))


async def test_a_refusing_link_resets_what_is_open_and_what_comes(
    client: Streams, link: Link
) -> None:
    reader, _ = client
    link.refuse()
    with pytest.raises(ConnectionError):
        await within(reader.readexactly(1))
    with contextlib.suppress(ConnectionError):
        late_reader, late_writer = await asyncio.open_connection("127.0.0.1", link.port)
        assert await within(late_reader.read()) == b""
        late_writer.close()
    link.heal()
    reader, writer = await asyncio.open_connection("127.0.0.1", link.port)
    writer.write(b"back")
    assert await within(reader.readexactly(4)) == b"back"
    writer.close()


async def test_a_server_that_refuses_is_a_reset(link: Link) -> None:
    link._target = 1  # nobody listens there
    reader, writer = await asyncio.open_connection("127.0.0.1", link.port)
    with contextlib.suppress(ConnectionError):
        assert await within(reader.read()) == b""
    writer.close()
