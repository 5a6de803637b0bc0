"""A channel for benchmarks only: contacts come and answers go through a local socket, line by line.

It stands where an outside protocol would, so that the rest of the path (intake, journal, routing,
push, outbox) is the product's own. In: ``{"key", "kind", "name", "address", "subject", "body"}``;
out: ``{"stored": [key, …]}`` once they are on disk, ``{"sent": outbound, "address", "repeat",
"final"}`` for each attempt; ``final`` tells an answer, or that a task is done. An attempt counts
as delivered when it has been written to the socket of whoever is connected.
"""

import asyncio
import json
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import ClassVar, Never

import msgspec
from msgspec import Struct

from gateway.core.errors import Refused, TryAgain
from gateway.core.ids import ChannelName
from gateway.core.model import ChannelKind
from gateway.ports import (
    ChannelSettings,
    ChannelType,
    Claim,
    Inbound,
    Limits,
    Outbound,
    Receipt,
    Route,
    Services,
)

NAME = "feed"
CHUNK = 256 * 1024


class FeedSettings(ChannelSettings, frozen=True, kw_only=True):
    kind: ClassVar[str] = NAME
    port: int


class Contact(Struct, frozen=True):
    """One contact, as a generator writes it."""

    key: str
    kind: ChannelKind
    name: str
    address: str
    subject: str
    body: str


_contact = msgspec.json.Decoder(Contact)


class FeedChannel:
    """See the module's docstring."""

    kind = ChannelKind.SMS
    limits = Limits()

    def __init__(self, settings: FeedSettings, services: Services) -> None:
        self.name: ChannelName = settings.name
        self._port = settings.port
        self._intake = services.intake
        self._writers: list[asyncio.StreamWriter] = []
        self._turn = 0

    def routes(self) -> Sequence[Route]:
        return ()

    async def run(self, ready: Callable[[], None]) -> Never:
        server = await asyncio.start_server(self._serve, "127.0.0.1", self._port)
        ready()
        try:
            await asyncio.get_running_loop().create_future()
        finally:
            server.close()
        raise AssertionError("a future that nobody resolves")

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.append(writer)
        rest = b""
        try:
            while data := await reader.read(CHUNK):
                *lines, rest = (rest + data).split(b"\n")
                if lines:
                    await self._take(lines, writer)
        finally:
            self._writers.remove(writer)
            writer.close()

    async def _take(self, lines: Sequence[bytes], writer: asyncio.StreamWriter) -> None:
        inbounds = [self._inbound(_contact.decode(line)) for line in lines]
        while True:
            try:
                await self._intake.receive(inbounds)
            except Refused:
                await asyncio.sleep(0.05)
            else:
                break
        stored = json.dumps({"stored": [inbound.key for inbound in inbounds]})
        writer.write(stored.encode() + b"\n")

    def _inbound(self, contact: Contact) -> Inbound:
        return Inbound(
            channel=self.name,
            kind=contact.kind,
            key=contact.key,
            at=datetime.now(UTC),
            identity=Claim(kind="phone", value=contact.address, name=contact.name),
            subject=contact.subject,
            body=contact.body,
            address=contact.address,
        )

    async def send(self, out: Outbound) -> Receipt:
        if not self._writers:
            raise TryAgain("nobody is connected to the feed")
        self._turn = (self._turn + 1) % len(self._writers)
        final = out.purpose == "message" or out.payload.get("state") == "completed"
        line = {"sent": out.id, "repeat": out.repeat, "address": out.address, "final": final}
        self._writers[self._turn].write(json.dumps(line).encode() + b"\n")
        return Receipt(external_id=out.id)

    async def check(self) -> list[tuple[str, str | None]]:
        return [(f"listens on port {self._port}", None)]


FEED = ChannelType(kind=ChannelKind.SMS, settings=FeedSettings, open=FeedChannel)
