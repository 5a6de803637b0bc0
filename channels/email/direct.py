"""Mail that a mail server hands to us: what it is called here, and its way into the journal."""

import asyncio
import re
from collections.abc import Callable, Mapping
from datetime import datetime
from email.utils import format_datetime
from hashlib import blake2b
from typing import Never
from uuid import uuid4

from msgspec import Struct
from msgspec.structs import asdict

from channels.email.door import Delivered, Doors, NotNow, listening, tls_of
from channels.email.parse import Envelope, unreadable
from channels.email.settings import Receive
from channels.email.text import one_line
from channels.email.understand import Understanding
from gateway.core.errors import ChannelError, Refused, Unreachable
from gateway.ports import Clock, Inbound, Intake

_MAX_HEAD = 262_144
_FIELDS = re.compile(rb"^(received|message-id|date)[ \t]*:", re.IGNORECASE | re.MULTILINE)
_AT_DELIVERY = re.compile(rb"^delivery-date:.*(?:\r?\n[ \t].*)*\r?\n", re.IGNORECASE | re.MULTILINE)
GREETING_SECONDS = 5.0


class DirectCounts(Struct):
    """What mail servers brought since the start of the process.

    ``stored``: brought to the journal, of which ``quarantined`` could not be read. ``repeated``: by
    a server that had not heard our answer. ``put_off``: sent away with 451.
    """

    stored: int = 0
    quarantined: int = 0
    repeated: int = 0
    put_off: int = 0


def identity(raw: bytes) -> str:
    """What a mail is called here: the same for a mail that is brought again, for no other.

    A server that missed our 250 brings the same bytes again. Another mail with the same words has
    another ``Received`` from the server that took it, with its number and time, or else another
    Message-ID or Date. A mail with none of these cannot be told from its twin: each is a mail.
    (Exim dates the delivery itself, attempt by attempt; that field is left out.)
    """
    end = raw.find(b"\r\n\r\n")
    head = raw[: end + 2 if 0 <= end < _MAX_HEAD else _MAX_HEAD]
    there = {name.lower() for name in _FIELDS.findall(head)}
    if b"received" not in there and not {b"message-id", b"date"} <= there:
        return uuid4().hex
    digest = blake2b(_AT_DELIVERY.sub(b"", head), digest_size=16)
    digest.update(memoryview(raw)[len(head) :])
    return digest.hexdigest()


def trace(mail: Delivered, name: str, at: datetime) -> bytes:
    """What the last server writes above a mail (RFC 5321 section 4.4)."""
    said = [f"Return-Path: <{_word(mail.sender)}>"]
    said += [f"Delivered-To: {_word(recipient)}" for recipient in mail.recipients]
    said += [
        f"Received: from {_word(mail.helo)} ([{_word(mail.peer)}])",
        f"\tby {mail.by} with {mail.protocol} id {name};",
        f"\t{format_datetime(at)}",
    ]
    return "".join(f"{line}\r\n" for line in said).encode("utf-8", "replace")


def _word(text: str) -> str:
    return one_line(text, 320).replace("<", "").replace(">", "")


class Direct:
    """A channel's side of the door: satisfies ``door.Taker``."""

    def __init__(
        self,
        said: Receive,
        addresses: frozenset[str],
        doors: Doors,
        *,
        envelope: Callable[[str, datetime, int], Envelope],
        clock: Clock,
        intake: Intake,
        understanding: Understanding,
    ) -> None:
        self.addresses = addresses
        self._said, self._doors, self._envelope = said, doors, envelope
        self._clock, self._intake, self._understanding = clock, intake, understanding
        self._counts = DirectCounts()
        self._stored_at: datetime | None = None
        doors.expect(said, addresses)

    def counts(self) -> Mapping[str, int]:
        return asdict(self._counts)

    def last_success(self) -> datetime | None:
        """When a mail that was brought was last stored."""
        return self._stored_at

    async def run(self, ready: Callable[[], None]) -> Never:
        """Take mail until cancelled. Raises ``ChannelError``."""
        async with self._doors.through(self._said, self):
            ready()
            while True:
                await asyncio.Event().wait()

    async def take(self, mail: Delivered) -> str:
        """Into the journal; returns its name here. Raises ``NotNow``."""
        at, name = self._clock.now(), identity(mail.raw)
        raw = trace(mail, name, at) + mail.raw
        envelope = self._envelope(f"direct:{name}", at, len(raw))
        try:
            underway = await self._understanding.begin([(raw, envelope)])
            ((inbound, _),) = await underway.done()
            fresh = await self._store(inbound, envelope)
        except Unreachable as fault:
            raise NotNow(str(fault)) from fault
        except Refused as refused:
            self._counts.put_off += 1
            raise NotNow(refused.detail) from refused
        self._counts.repeated += not fresh
        self._stored_at = at
        return name

    async def _store(self, inbound: Inbound, envelope: Envelope) -> bool:
        """Whether it is new here; what the journal refuses is kept for a person."""
        try:
            (accepted,) = await self._intake.receive([inbound])
        except Refused as refused:
            if refused.code == "unavailable" or inbound.problem:
                raise
            why = f"it could not be stored: {refused.detail}"
            return await self._store(unreadable(inbound.raw, envelope, why), envelope)
        if accepted.fresh:
            self._counts.stored += 1
            self._counts.quarantined += bool(inbound.problem)
        return accepted.fresh

    async def check(self) -> list[tuple[str, str | None]]:
        """Whether we can listen there; where a node does already, whether it is one of ours."""
        said = self._said
        what = f"{said.protocol.upper()} at {said.listen} for {', '.join(sorted(self.addresses))}"
        try:
            tls_of(said)
            (await listening(said, asyncio.Protocol)).close()
        except Unreachable as fault:
            greeting = await _greeting(said)
            if greeting.endswith("Switchroom"):
                return [(f"{what}: a running node takes it", None)]
            told = f", where something says {greeting!r}" if greeting else ""
            return [(what, f"{fault}{told}; take another port or stop what has it")]
        except ChannelError as fault:
            return [(what, str(fault))]
        return [(f"{what}, from {', '.join(said.allow)}", None)]


async def _greeting(said: Receive) -> str:
    host, port = said.where()
    try:
        async with asyncio.timeout(GREETING_SECONDS):
            reader, writer = await asyncio.open_connection(host, port)
            try:
                return one_line((await reader.readline()).decode("utf-8", "replace"), 200)
            finally:
                writer.close()
    except (OSError, TimeoutError, ValueError):
        return ""
