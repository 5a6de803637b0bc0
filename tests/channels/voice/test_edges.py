"""The sockets: TCP, TLS, websockets; who is slow, silent, too many or gone."""

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import uvloop

from channels.voice.exchange import Exchange
from channels.voice.sip.flow import Flow
from channels.voice.sip.leg import Connected, Refused
from channels.voice.sip.message import Message, Response
from channels.voice.sip.reading import read
from channels.voice.transports.edges import Limits
from channels.voice.transports.streams import Connection, Patience
from gateway.core.errors import BadSetup
from gateway.ports import SocketClosed
from tests.support.exchanges import ANSWER, HERE, House, exchange
from tests.support.sip import request
from tests.support.tls import certificate, server_context

OPTIONS = bytes(request("OPTIONS", via="TCP 127.0.0.1:5999"))


@asynccontextmanager
async def line(
    house: House, scheme: str = "tcp", tls: ssl.SSLContext | None = None
) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    reader, writer = await asyncio.open_connection(
        HERE, house.ports[scheme], ssl=tls, server_hostname="localhost" if tls else None
    )
    try:
        yield reader, writer
    finally:
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()


async def message(reader: asyncio.StreamReader) -> Message:
    head = await reader.readuntil(b"\r\n\r\n")
    return read(head)


async def test_a_request_over_tcp_is_answered_on_its_connection() -> None:
    async with exchange("tcp") as house, line(house) as (reader, writer):
        writer.write(b"\r\n\r\n" + OPTIONS[:50])
        assert await reader.readexactly(2) == b"\r\n"
        writer.write(OPTIONS[50:])
        found = await message(reader)
        assert isinstance(found, Response)
        assert found.status == 200
        assert "INVITE" in (found.first("allow") or "")


async def test_tls_between_two_of_us_carries_a_call(tmp_path: Path) -> None:
    files = certificate(tmp_path)
    trust = ssl.create_default_context(cafile=files[0])
    async with (
        exchange("tls", server_tls=server_context(files)) as called,
        exchange("udp", client_tls=trust) as caller,
    ):
        leg, outcome = caller.agent.call(
            target=f"sips:b@{HERE}",
            from_=f"<sips:a@{HERE}>",
            to=f"<sips:b@{HERE}>",
            flow=Flow(transport="TLS", host=HERE, port=called.ports["tls"]),
            body=ANSWER,
            now=caller.exchange.now(),
        )
        caller.exchange.do(outcome)
        await caller.until(lambda: caller.count(Connected) == 1)
        await called.until(lambda: called.count(Connected) == 1)
        caller.hang_up(leg)
        await called.until(lambda: called.ends() == ["hung_up"])


async def test_a_certificate_that_nobody_vouches_for_is_no_way(tmp_path: Path) -> None:
    strict = ssl.create_default_context()
    async with (
        exchange("tls", server_tls=server_context(certificate(tmp_path))) as called,
        exchange("udp", client_tls=strict) as caller,
    ):
        await refused(caller, Flow(transport="TLS", host=HERE, port=called.ports["tls"]))
        assert called.heard == []


async def test_where_nobody_listens_the_call_fails_at_once() -> None:
    async with exchange("udp") as house:
        probe = await asyncio.start_server(lambda _r, _w: None, HERE, 0)
        at = probe.sockets[0].getsockname()[1]
        probe.close()
        await refused(house, Flow(transport="TCP", host=HERE, port=at))


async def refused(house: House, flow: Flow) -> None:
    _, outcome = house.agent.call(
        target=f"sip:b@{HERE}",
        from_=f"<sip:a@{HERE}>",
        to=f"<sip:b@{HERE}>",
        flow=flow,
        body=ANSWER,
        now=house.exchange.now(),
    )
    house.exchange.do(outcome)
    await house.until(lambda: house.count(Refused) == 1)
    (event,) = house.heard
    assert isinstance(event, Refused)
    assert event.status == 503
    assert house.agent.transactions == 0


async def test_who_sends_an_octet_now_and_then_is_cut_off() -> None:
    async with (
        exchange("tcp", patience=Patience(message=0.2)) as house,
        line(house) as (reader, writer),
    ):
        writer.write(OPTIONS[:1])
        for octet in OPTIONS[1:-1] * 20:
            writer.write(bytes([octet]) if octet not in b"\r\n" else b"x")
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(0.02):
                    if await reader.read(1) == b"":
                        break
        assert house.exchange.edges.dropped["a message was not finished"] == 1
        await house.until(lambda: house.exchange.edges.connections == 0)


@pytest.mark.parametrize("sent", [b"", OPTIONS])
async def test_who_is_silent_is_cut_off(sent: bytes) -> None:
    async with (
        exchange("tcp", patience=Patience(silence=0.1)) as house,
        line(house) as (reader, writer),
    ):
        writer.write(sent)
        async with asyncio.timeout(5):
            await reader.read(-1)
        assert house.exchange.edges.dropped["it was silent"] == 1


class Full(asyncio.Transport):
    """A transport whose peer reads nothing."""

    def __init__(self) -> None:
        super().__init__({"peername": ("192.0.2.9", 1_234)})
        self.gone = False

    def get_write_buffer_size(self) -> int:
        return 50_001

    def is_closing(self) -> bool:
        return self.gone

    def abort(self) -> None:
        self.gone = True


@pytest.mark.parametrize("asked", [OPTIONS, b"\r\n\r\n"])
async def test_who_does_not_read_is_cut_off(asked: bytes) -> None:
    async with exchange("tcp", patience=Patience(unread=50_000)) as house:
        edges, full = house.exchange.edges, Full()
        connection = Connection(edges, "TCP", Patience(unread=50_000))
        connection.connection_made(full)
        connection.data_received(asked)
        assert full.gone
        assert edges.dropped["it does not read"] == 1
        connection.connection_lost(None)
        assert edges.connections == 0


async def test_one_address_has_so_many_connections_and_no_more() -> None:
    async with exchange("tcp", limits=Limits(per_address=2)) as house:
        async with line(house), line(house), line(house) as (reader, _):
            assert await reader.read(-1) == b""
            assert house.exchange.edges.connections == 2
        await house.until(lambda: house.exchange.edges.connections == 0)
        async with line(house) as (reader, writer):
            writer.write(OPTIONS)
            assert isinstance(await message(reader), Response)


async def test_nonsense_is_answered_where_it_can_be_and_changes_nothing() -> None:
    async with exchange("tcp", "udp") as house, line(house) as (reader, writer):
        writer.write(OPTIONS.replace(b"Max-Forwards: 70", b"Max-Forwards: lots"))
        found = await message(reader)
        assert isinstance(found, Response)
        assert found.status == 400
        assert "Max-Forwards" in found.phrase
        writer.write(b"\xff" * 100 + b"\r\n\r\n")
        assert await reader.read(-1) == b""
        assert house.heard == []
        assert house.exchange.malformed == {"answered": 1}


class Browser:
    """A ``ports.Socket`` as a softphone has it."""

    def __init__(self) -> None:
        self.remote = "198.51.100.4"
        self.origin: str | None = None
        self.given: asyncio.Queue[str | None] = asyncio.Queue()
        self.got: list[str] = []

    def post(self, *frames: str | bytes) -> None:
        self.got += [f if isinstance(f, str) else f.decode() for f in frames]

    async def receive(self) -> str:
        frame = await self.given.get()
        if frame is None:
            raise SocketClosed(1000)
        return frame

    async def close(self, code: int, reason: str = "") -> None:
        self.given.put_nowait(None)


async def test_a_websocket_carries_one_message_a_frame() -> None:
    async with exchange("udp") as house:
        browser = Browser()
        browser.given.put_nowait("\r\n\r\n")
        browser.given.put_nowait(bytes(request("OPTIONS", via="WSS x7.invalid")).decode())
        browser.given.put_nowait(bytes(request("INVITE", via="WSS x7.invalid")).decode() + "x")
        browser.given.put_nowait(None)
        await house.exchange.edges.serve(browser, secure=True)
        ping, answer, refusal = browser.got
        assert ping == "\r\n"
        assert answer.startswith("SIP/2.0 200")
        assert "received=198.51.100.4" in answer
        assert refusal.startswith("SIP/2.0 400")
        assert house.exchange.edges.connections == 0


@pytest.mark.parametrize(
    ("url", "problem"),
    [
        ("http://127.0.0.1:1", "neither udp://"),
        ("tls://127.0.0.1:0", "certificate"),
        ("tcp://203.0.113.77:0", "listen: tcp://203.0.113.77:0"),
    ],
)
async def test_what_cannot_be_listened_on_is_told(url: str, problem: str) -> None:
    async with exchange("udp") as house:
        with pytest.raises(BadSetup, match=problem):
            await house.exchange.edges.listen(url)


class Late:
    """An agent that has something to do which is due already, once."""

    def __init__(self) -> None:
        self.done = 0

    def receive(self, message: Message, flow: Flow, now: float) -> list[object]:
        return []

    def broken(self, flow: Flow, now: float) -> list[object]:
        return []

    def on_time(self, now: float) -> list[object]:
        self.done += 1
        return []

    def deadline(self) -> float | None:
        return None if self.done else 0.0


@pytest.mark.parametrize("run", [asyncio.run, uvloop.run])
def test_what_is_due_already_is_done_in_the_next_turn_of_any_loop(
    run: Callable[[Coroutine[None, None, None]], None],
) -> None:
    agent = Late()

    async def play() -> None:
        late = Exchange(agent, print, lambda work: work.close())
        for _ in range(3):
            late.do([])
        for _ in range(3):
            await asyncio.sleep(0.001)
        await late.close()

    run(play())
    assert agent.done == 1
