"""Keeps the pages of the search: follows all journals behind what happens, at a bounded pace.

One node does it at a time (the duty ``search``). What it has read it notes only after the pages
are written, so whoever goes on after it misses nothing and may write a page again.
"""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Mapping
from typing import Any, Never, Protocol

import structlog

from gateway.core import events as e
from gateway.core.ids import MessageId, NodeName, Position
from gateway.store.contract import BadBatch, StoreError
from gateway.store.tail import Portion

AT_ONCE = 50
PAUSE_SECONDS = 0.5
"""After each part: some 100 messages a second, more than a great day has in its busiest hour. What
comes faster is found later: the time is for those who serve."""
IDLE_SECONDS = 1.0
KINDS = (e.MessageAdded, e.MessageEdited, e.MessageDeleted)
"""What tells of a message whose page is not there yet, or not right any more."""

_log = structlog.get_logger("search")


class Journals(Protocol):
    """All journals (``store.tail`` fits). Raises ``Unavailable``."""

    async def read(
        self, after: Mapping[NodeName, Position], kinds: Collection[type[Any]]
    ) -> Mapping[NodeName, Portion]: ...


class Pages(Protocol):
    """What messages and customers are found by (``store.search`` fits). Raises ``StoreError``."""

    async def places(self) -> dict[NodeName, Position]: ...

    async def read_to(self, node: NodeName, place: Position) -> None: ...

    async def past(self, most: int) -> list[MessageId]: ...

    async def past_to(self, message: MessageId) -> None: ...

    async def keep_messages(self, ids: Collection[MessageId]) -> None: ...

    async def keep_customers(self, most: int) -> int: ...


class Indexing:
    """``written`` counts the pages of messages since the node began."""

    def __init__(
        self,
        journals: Journals,
        pages: Pages,
        *,
        pause: float = PAUSE_SECONDS,
        idle: float = IDLE_SECONDS,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self.written = 0
        self._journals = journals
        self._pages = pages
        self._pause = pause
        self._idle = idle
        self._sleep = sleep

    async def run(self) -> Never:
        """Until cancelled; what cannot be written now is written later."""
        past = True
        while True:
            try:
                busy = await self.follow()
                if past:
                    busy = past = await self.read_past()
            except StoreError as problem:
                _log.warning("the search falls behind", problem=str(problem))
                busy = False
            await self._sleep(self._pause if busy else self._idle)

    async def follow(self) -> bool:
        """The next part of what has happened; whether there is more."""
        more = await self._pages.keep_customers(AT_ONCE) == AT_ONCE
        found = await self._journals.read(await self._pages.places(), KINDS)
        for node, portion in found.items():
            await self._keep([_message(entry.event) for entry in portion.entries])
            await self._pages.read_to(node, portion.end)
            more = more or portion.more
        return more

    async def read_past(self) -> bool:
        """The next part of what was said before there was a search; whether there is more."""
        part = await self._pages.past(AT_ONCE)
        if part:
            await self._keep(part)
            await self._pages.past_to(part[-1])
        return bool(part)

    async def _keep(self, messages: list[MessageId]) -> None:
        for start in range(0, len(messages), AT_ONCE):
            if start:
                await self._sleep(self._pause)
            part = messages[start : start + AT_ONCE]
            try:
                await self._pages.keep_messages(part)
            except BadBatch:
                await self._keep_what_can_be(part)
            self.written += len(part)

    async def _keep_what_can_be(self, messages: list[MessageId]) -> None:
        """One after the other: what the database refuses is not found, and stops nothing else."""
        for message in messages:
            try:
                await self._pages.keep_messages([message])
            except BadBatch as problem:
                _log.error("a message cannot be found", message=message, problem=str(problem))


def _message(event: e.Event) -> MessageId:
    if not isinstance(event, KINDS):
        raise TypeError(f"{type(event).__name__} tells of no message")
    return event.message
