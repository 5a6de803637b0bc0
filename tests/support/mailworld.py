"""The node as the e-mail channel sees it: an intake that can fail, a memory, a clock."""

import asyncio
from collections.abc import Coroutine, Sequence
from datetime import UTC, datetime
from pathlib import Path
from time import monotonic
from typing import Any, Self, cast

from channels.email.channel import EmailChannel
from channels.email.parse import MailParser
from channels.email.reading import Pace
from channels.email.settings import Imap, Settings, Smtp
from channels.email.understand import Understanding
from channels.language import LanguageGuess
from gateway.core.errors import ChannelError, Refused
from gateway.core.ids import ChannelName, InboundId, NodeName
from gateway.core.model import Delivery, Message
from gateway.ports import Accepted, Decided, Inbound, Memory, Services

LANGUAGE = LanguageGuess()
UNDERSTANDING = Understanding(MailParser(LANGUAGE))
"""Loaded once for all tests; it takes a second."""
QUICK = Pace(idle=5.0, poll=0.05, hold=0.02)


def mail(
    subject: str, *, body: str = "Hello", sender: str = "ada@example.org", size: int = 0
) -> bytes:
    filler = ("x" * 75 + "\r\n") * (size // 77)
    identity = subject.replace(" ", ".")
    return (
        f"From: Ada <{sender}>\r\nTo: support@example.com\r\nSubject: {subject}\r\n"
        f"Date: Fri, 20 Nov 2026 09:15:00 +0000\r\nMessage-ID: <{identity}@example.org>\r\n\r\n"
        f"{body}\r\n{filler}"
    ).encode()


class WallClock:
    def now(self) -> datetime:
        return datetime.now(UTC)

    def monotonic(self) -> float:
        return monotonic()


class Journal:
    """Intake and memory in one commit, as the node has it; survives the channel's restart."""

    def __init__(self) -> None:
        self.stored: dict[str, Inbound] = {}
        self.calls: list[list[str]] = []
        self.repeats: list[str] = []
        self.memory: dict[str, bytes] = {}
        self.unavailable = False
        self.poison = ""
        self.refusals = 0
        self._changed = asyncio.Condition()

    async def receive(
        self, inbounds: Sequence[Inbound], memory: Memory | None = None
    ) -> list[Accepted]:
        if self.unavailable:
            self.refusals += 1
            await self._tell()
            raise Refused("unavailable", "the database is away")
        for inbound in inbounds:
            if self.poison and self.poison in inbound.subject:
                raise Refused("bad_text", "the database does not take this text")
        self.calls.append([inbound.key for inbound in inbounds])
        answers = []
        for inbound in inbounds:
            fresh = inbound.key not in self.stored
            if not fresh:
                self.repeats.append(inbound.key)
            self.stored.setdefault(inbound.key, inbound)
            answers.append(Accepted(id=InboundId(inbound.key), fresh=fresh))
        if memory is not None:
            self.memory[memory.key] = memory.value
        await self._tell()
        return answers

    async def decided(self, accepted: Accepted) -> Decided:
        return Decided(status="processed")

    async def load(self, channel: ChannelName, key: str) -> bytes | None:
        if self.unavailable:
            self.refusals += 1
            await self._tell()
            raise Refused("unavailable", "the database is away")
        return self.memory.get(key)

    async def save(self, channel: ChannelName, memory: Memory) -> None:
        if self.unavailable:
            raise Refused("unavailable", "the database is away")
        self.memory[memory.key] = memory.value

    async def swap(self, channel: ChannelName, key: str, known: bytes | None, value: bytes) -> bool:
        if self.unavailable:
            raise Refused("unavailable", "the database is away")
        if self.memory.get(key) != known:
            return False
        self.memory[key] = value
        return True

    async def _tell(self) -> None:
        async with self._changed:
            self._changed.notify_all()

    async def has(self, count: int, seconds: float = 60.0) -> list[Inbound]:
        """Wait until so many inbounds are stored."""
        async with asyncio.timeout(seconds), self._changed:
            await self._changed.wait_for(lambda: len(self.stored) >= count)
        return list(self.stored.values())

    async def has_refused(self, count: int) -> None:
        async with asyncio.timeout(60), self._changed:
            await self._changed.wait_for(lambda: self.refusals >= count)

    def subjects(self) -> list[str]:
        return [inbound.subject for inbound in self.stored.values()]


def services(journal: Journal, told: list[tuple[Message, Delivery, str]] | None = None) -> Services:
    """Only what the channel uses; anything else fails loudly."""
    nothing = cast("Any", None)
    deliveries = told if told is not None else []
    return Services(
        clock=WallClock(),
        intake=journal,
        memory=journal,
        conversations=nothing,
        feed=nothing,
        files=nothing,
        signals=nothing,
        delivered=lambda message, state, reason: deliveries.append((message, state, reason)),
        secret=b"secret",
        public_url="http://localhost",
        node=NodeName("n1"),
    )


def settings(imap: dict[str, Any], smtp: dict[str, Any] | None = None, **more: Any) -> Settings:
    reads = {"host": "127.0.0.1", "user": "support", "security": "none", **imap}
    sends = {"host": "127.0.0.1", "port": 1, "security": "none", **(smtp or {})}
    return Settings(
        name=ChannelName("support"),
        address="Support <support@example.com>",
        imap=Imap(**reads),
        smtp=Smtp(**sends),
        **more,
    )


class Running:
    """A channel at work, as the supervisor runs it, but telling instead of retrying."""

    def __init__(self, channel: EmailChannel) -> None:
        self.channel = channel
        self.ready = asyncio.Event()
        self.error: ChannelError | None = None
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        self._task = asyncio.get_running_loop().create_task(self._run())
        return self

    async def _run(self) -> None:
        try:
            await self.channel.run(self.ready.set)
        except ChannelError as error:
            self.error = error

    async def up(self) -> None:
        assert self._task is not None
        waiting = asyncio.get_running_loop().create_task(self.ready.wait())
        async with asyncio.timeout(60):
            await asyncio.wait({waiting, self._task}, return_when=asyncio.FIRST_COMPLETED)
        waiting.cancel()
        assert self.ready.is_set(), self.error

    async def ended(self, seconds: float = 60.0) -> ChannelError:
        assert self._task is not None
        async with asyncio.timeout(seconds):
            await self._task
        assert self.error is not None
        return self.error

    async def ended_or(self, other: Coroutine[Any, Any, object]) -> None:
        """Wait until the channel has ended or the other thing has happened."""
        assert self._task is not None
        waiting = asyncio.get_running_loop().create_task(other)
        await asyncio.wait({waiting, self._task}, return_when=asyncio.FIRST_COMPLETED)
        waiting.cancel()
        await asyncio.wait({waiting})

    async def __aexit__(self, *_: object) -> None:
        assert self._task is not None
        self._task.cancel()
        await asyncio.wait({self._task})
        if not self._task.cancelled() and (fault := self._task.exception()):
            raise fault


def vector(name: str) -> bytes:
    return (Path(__file__).parents[1] / "vectors" / "email" / f"{name}.eml").read_bytes()
