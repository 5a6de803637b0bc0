"""A user agent on loopback sockets that answers, refuses or lets wait whoever calls."""

import asyncio
import contextlib
import random
import secrets
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from channels.voice.calls import Calls
from channels.voice.exchange import Exchange
from channels.voice.sip.house import Address
from channels.voice.sip.leg import Called, CallEvent, Ended, Leg
from channels.voice.sip.transaction import Timing
from channels.voice.sip.useragent import UserAgent
from channels.voice.transports.edges import Limits
from channels.voice.transports.streams import Patience
from tests.support.sip import OFFER

HERE = "127.0.0.1"
ANSWER = OFFER.replace(b"192.0.2.1", b"127.0.0.1")


class House:
    """``heard`` has all that happened; ``behave`` says what is done about it."""

    def __init__(self) -> None:
        self.exchange: Exchange
        self.agent: UserAgent
        self.calls: Calls
        self.ports: dict[str, int] = {}
        self.heard: list[Any] = []
        self.behave: Callable[[Any], None] = self.answer
        self._news = asyncio.Event()

    def on(self, event: Any) -> None:
        self.heard.append(event)
        self.behave(event)
        self._news.set()

    def answer(self, event: CallEvent) -> None:
        """Ring, and answer at once."""
        if isinstance(event, Called):
            exchange = self.exchange
            exchange.do(self.agent.ring(event.leg, 180, exchange.now()))
            exchange.do(self.agent.answer(event.leg, ANSWER, exchange.now()))

    def queue(self, event: CallEvent) -> None:
        """Ring and tell the place, and leave it at that."""
        if isinstance(event, Called):
            exchange = self.exchange
            for status in (180, 182):
                exchange.do(self.agent.ring(event.leg, status, exchange.now()))

    async def until(self, true: Callable[[], bool], seconds: float = 10.0) -> None:
        async with asyncio.timeout(seconds):
            while not true():
                self._news.clear()
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._news.wait(), 0.05)

    def count(self, kind: type) -> int:
        return sum(isinstance(e, kind) for e in self.heard)

    def ends(self) -> list[str]:
        return [e.why for e in self.heard if isinstance(e, Ended)]

    def hang_up(self, leg: Leg) -> None:
        self.exchange.do(self.agent.hang_up(leg, self.exchange.now()))


@asynccontextmanager
async def exchange(
    *listen: str,
    limits: Limits | None = None,
    patience: Patience | None = None,
    server_tls: ssl.SSLContext | None = None,
    client_tls: ssl.SSLContext | None = None,
    timing: Timing | None = None,
    joining: bool = False,
) -> AsyncIterator[House]:
    """Listens on ports of its own for each scheme in ``listen``.

    ``joining``: it hears of calls (``channels.voice.calls``), not of legs.
    """
    house = House()
    tasks: set[asyncio.Task[None]] = set()

    def spawn(work: Any) -> None:
        task = asyncio.get_running_loop().create_task(work)
        tasks.add(task)
        task.add_done_callback(tasks.discard)

    agent = UserAgent(
        Address(host=HERE),
        name=lambda: secrets.token_hex(8),
        dice=random.Random(1).random,
        timing=timing,
    )
    house.agent, house.calls = agent, Calls(agent)
    house.exchange = Exchange(
        house.calls if joining else agent,
        house.on,
        spawn,
        limits=limits,
        patience=patience,
        server_tls=server_tls,
        client_tls=client_tls,
    )
    try:
        for scheme in listen or ("udp", "tcp"):
            house.ports[scheme] = await house.exchange.edges.listen(f"{scheme}://{HERE}:0")
        yield house
    finally:
        await house.exchange.close()
        for task in tasks:
            task.cancel()
        await asyncio.sleep(0)
