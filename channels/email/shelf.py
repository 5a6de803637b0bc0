"""What the reader of a mailbox writes: mails with the cursor, and pages of fingerprints."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from channels.email import cursor as cursors
from channels.email.cursor import Cursor, Halfway
from channels.email.mailbox import Mailbox
from channels.email.parse import unreadable
from channels.email.reading import Source
from gateway.core.errors import Refused
from gateway.ports import ChannelMemory, Inbound, Intake, Memory

T = TypeVar("T")


class Shelf:
    """Keeps one mailbox's mails and memory; waits while the node cannot write."""

    def __init__(
        self, source: Source, *, intake: Intake, memory: ChannelMemory, hold: float
    ) -> None:
        self._source, self._intake, self._memory = source, intake, memory
        self._hold_seconds = hold

    def _key(self, page: int | None = None) -> str:
        name = f"imap:{self._source.folder}"
        return name if page is None else f"{name}:{page}"

    async def cursor(self) -> Cursor | None:
        stored = await self._recall(self._key())
        return cursors.decode(stored) if stored else None

    async def save_cursor(self, cursor: Cursor) -> None:
        await self._remember(self._noted(cursor))

    def _noted(self, cursor: Cursor) -> Memory:
        """What was ever stored only grows, also when the server numbers its mails anew."""
        return Memory(key=self._key(), value=cursors.encode(cursor), progress=cursor.stored)

    async def page(self, number: int) -> bytes | None:
        return await self._recall(self._key(number))

    async def save_page(self, number: int, value: bytes) -> None:
        await self._remember(Memory(key=self._key(number), value=value))

    async def halfway(self) -> Halfway | None:
        """How far a new numbering was followed before the line broke."""
        return Halfway.decoded(await self._recall(f"{self._key()}:renumbering"))

    async def save_halfway(self, so_far: Halfway | None) -> None:
        value = b"" if so_far is None else so_far.encoded()
        await self._remember(Memory(key=f"{self._key()}:renumbering", value=value))

    async def store(self, box: Mailbox, inbounds: list[Inbound], cursor: Cursor) -> None:
        """Mails and the cursor behind them, in one commit."""
        await self._store(box, inbounds, self._noted(cursor))

    async def _store(self, box: Mailbox, inbounds: list[Inbound], memory: Memory | None) -> None:
        """Bring them to the intake; one that the intake refuses is quarantined alone."""
        try:
            await self._hold(box, lambda: self._intake.receive(inbounds, memory))
        except Refused as refused:
            if len(inbounds) == 1 and inbounds[0].problem:
                raise
            why = f"it could not be stored: {refused.detail}"
        else:
            return
        for at, inbound in enumerate(inbounds):
            kept = inbound
            if len(inbounds) == 1:
                bare = self._source.envelope(inbound.key, inbound.at, len(inbound.raw or b""))
                kept = unreadable(inbound.raw, bare, why)
            await self._store(box, [kept], memory if at == len(inbounds) - 1 else None)

    async def _recall(self, key: str) -> bytes | None:
        return await self._hold(None, lambda: self._memory.load(self._source.channel, key))

    async def _remember(self, memory: Memory) -> None:
        await self._hold(None, lambda: self._memory.save(self._source.channel, memory))

    async def _hold(self, box: Mailbox | None, act: Callable[[], Awaitable[T]]) -> T:
        """Do it as soon as the node can write again, keeping the connection alive meanwhile."""
        while True:
            try:
                return await act()
            except Refused as refused:
                if refused.code != "unavailable":
                    raise
            await asyncio.sleep(self._hold_seconds)
            if box is not None:
                await box.noop()
