"""Customers and agents for the chaos test: each remembers what was acknowledged to them.

Every contact carries a mark of its own in its text, so that at the end it can be counted in the
database and in the customers' mailboxes. They repeat what was not acknowledged, with the same
identity, as real clients do.
"""

import asyncio
import random
import re
import uuid
from collections import Counter
from email.message import EmailMessage
from email.parser import BytesParser
from email.policy import default
from typing import Any, Never

import aiohttp
import aiosmtplib
import msgspec
from aiosmtpd.smtp import SMTP, Envelope, Session
from websockets.asyncio.client import connect
from websockets.exceptions import WebSocketException

from gateway.core.errors import Refused
from gateway.core.ids import ItemId, OfferId
from gateway.demo.mailserver import DemoMail, Ports
from push.client import AgentClient, SignedOut, Stopped
from push.protocol import MessageFrame, OfferFrame, ServerFrame, Snapshot
from tests.support.process import NodeProcess

MARK = re.compile(r"mark-[0-9a-f]{12}")
SUPPORT = "support@company.test"
_AWAY = (OSError, aiohttp.ClientError, WebSocketException, TimeoutError)


def mark() -> str:
    return f"mark-{uuid.uuid4().hex[:12]}"


class Slow:
    """An SMTP server that takes its time to say 250, so that a kill finds open attempts."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self.mails: list[tuple[str, str]] = []
        """(Message-ID, mark) of every mail taken, in order, repeats and all."""
        self.open = 0
        self.attempt = asyncio.Event()
        self._server: asyncio.Server | None = None

    async def start(self) -> int:
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(
            lambda: SMTP(self, hostname="slow.test"), "127.0.0.1", 0
        )
        return int(self._server.sockets[0].getsockname()[1])

    async def stop(self) -> None:
        if self._server is not None:
            self._server.close()
            await self._server.wait_closed()

    async def handle_DATA(  # noqa: N802 - the name is aiosmtpd's
        self, server: SMTP, session: Session, envelope: Envelope
    ) -> str:
        assert isinstance(envelope.content, bytes)
        mail = BytesParser(policy=default).parsebytes(envelope.content)
        body = mail.get_body(("plain",))
        found = MARK.search(body.get_content() if body is not None else "")
        self.mails.append((str(mail["Message-ID"]), found[0] if found else ""))
        self.open += 1
        self.attempt.set()
        try:
            await asyncio.sleep(self.seconds)
        finally:
            self.open -= 1
        return "250 taken"

    @property
    def repeated(self) -> int:
        """Mails that came again under a Message-ID that was known."""
        return self.repeats.total()

    @property
    def repeats(self) -> Counter[str]:
        """How often each mail, by its Message-ID, came again."""
        return Counter(i for i, _ in self.mails) - Counter({i for i, _ in self.mails})

    @property
    def duplicated(self) -> int:
        """Answers that came under more than one Message-ID."""
        ids: dict[str, set[str]] = {}
        for message_id, text in self.mails:
            ids.setdefault(text, set()).add(message_id)
        return sum(len(found) - 1 for found in ids.values())


class Customers:
    """Three kinds at once; ``acknowledged`` holds the marks that the node has said yes to."""

    def __init__(self, node: NodeProcess, mail: DemoMail, ports: Ports) -> None:
        self.node = node
        self.mail = mail
        self.ports = ports
        self.tasks: dict[str, str] = {}
        self.chats: set[str] = set()
        self.mails: set[str] = set()
        self.stopping = asyncio.Event()
        self._dice = random.Random(7)

    async def run(self) -> None:
        """Until ``stopping``; what was begun is carried through."""
        async with asyncio.TaskGroup() as group:
            for work in (self._file_tasks, self._file_tasks, self._chat, self._chat, self._write):
                group.create_task(work())

    async def _file_tasks(self) -> None:
        while not self.stopping.is_set():
            said = mark()
            while True:
                try:
                    item = await self.node.call(
                        "POST",
                        "/api/v1/tasks",
                        {"title": f"task {said}", "body": said},
                        **{"Idempotency-Key": said},
                    )
                except _AWAY:
                    await asyncio.sleep(self._dice.uniform(0.05, 0.2))
                else:
                    self.tasks[said] = item["id"]
                    break
            await asyncio.sleep(self._dice.uniform(0.02, 0.1))

    async def _write(self) -> None:
        while not self.stopping.is_set():
            said = mark()
            mail = EmailMessage()
            mail["From"] = f"{said}@customer.test"
            mail["To"] = SUPPORT
            mail["Subject"] = f"mail {said}"
            mail["Message-ID"] = f"<{said}@customer.test>"
            mail.set_content(said)
            await aiosmtplib.send(mail, hostname="127.0.0.1", port=self.ports.smtp)
            self.mails.add(said)
            await asyncio.sleep(self._dice.uniform(0.05, 0.2))

    async def _chat(self) -> None:
        while not self.stopping.is_set():
            visitor, seq = None, 0
            for _ in range(3):
                visitor, seq = await self._say(mark(), visitor, seq)
                await asyncio.sleep(self._dice.uniform(0.05, 0.3))

    async def _say(self, said: str, visitor: str | None, seq: int) -> tuple[str | None, int]:
        """One message, until it is acknowledged, over as many connections as it takes."""
        while True:
            try:
                async with (
                    asyncio.timeout(5),
                    connect(f"{self.node.ws}/chat/v1", subprotocols=["switchroom.chat.v1"]) as ws,  # type: ignore[list-item]
                ):
                    hello: dict[str, Any] = {"t": "hello", "channel": "site"}
                    if visitor is not None:
                        hello |= {"visitor": visitor, "resume": {"seq": seq}}
                    await ws.send(msgspec.json.encode(hello).decode())
                    async for text in ws:
                        frame = msgspec.json.decode(text)
                        if frame["t"] == "welcome":
                            visitor = frame["visitor"]
                            body = {"t": "send", "id": said, "body": said}
                            await ws.send(msgspec.json.encode(body).decode())
                        elif frame["t"] == "ok" and frame["re"] == said:
                            self.chats.add(said)
                            return visitor, frame["seq"]
                        elif frame["t"] == "error":
                            await asyncio.sleep(0.2)
                            break
            except _AWAY:
                await asyncio.sleep(self._dice.uniform(0.05, 0.2))


class Staff:
    """One agent who takes everything, answers with a mark, and wraps up."""

    def __init__(self, client: AgentClient, seed: int) -> None:
        self.answered: dict[str, ItemId] = {}
        self.wrapped: set[ItemId] = set()
        self.refused: Counter[str] = Counter()
        self._client = client
        self._dice = random.Random(seed)
        self._begun: set[ItemId] = set()

    async def run(self) -> Never:
        async with asyncio.TaskGroup() as hands:
            await self._client.ready()
            async for frame in self._client.events():
                self._see(frame, hands)
        raise AssertionError("events never end by themselves")

    def _see(self, frame: ServerFrame, hands: asyncio.TaskGroup) -> None:
        match frame:
            case OfferFrame():
                hands.create_task(self._take(frame.offer, frame.item.id))
            case Snapshot():
                for offer in frame.offers:
                    hands.create_task(self._take(offer.offer, offer.item.id))
                for item in frame.items:
                    hands.create_task(self._finish(item.id))
            case MessageFrame():
                hands.create_task(self._finish(frame.item))
            case _:
                pass
        state = self._client.desktop.state
        if state is not None and state.state == "not_ready":
            hands.create_task(self._back())

    async def _back(self) -> None:
        try:
            await self._client.ready()
        except (Refused, Stopped, SignedOut) as error:
            self.refused[str(error)] += 1

    async def _take(self, offer: OfferId, item: ItemId) -> None:
        try:
            await asyncio.sleep(self._dice.uniform(0, 0.05))
            await self._client.accept(offer)
        except Refused as refused:
            self.refused[refused.code] += 1
            return
        await self._finish(item)

    async def _finish(self, item: ItemId) -> None:
        if item in self._begun:
            return
        self._begun.add(item)
        try:
            said = mark()
            await asyncio.sleep(self._dice.uniform(0, 0.05))
            await self._client.send(item, f"answer {said}")
            self.answered[said] = item
            await asyncio.sleep(self._dice.uniform(0.05, 0.3))
            await self._client.wrapup(item, "done")
            self.wrapped.add(item)
        except Refused as refused:
            self.refused[refused.code] += 1
        finally:
            self._begun.discard(item)
