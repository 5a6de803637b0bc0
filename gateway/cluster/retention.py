"""Takes what was said out of cases that have had their time, a few at once.

Not more than a few dozen rows are touched by one statement, with a pause after it, so commits never
wait for it. Whatever goes is told in the journal. One node does it at a time (the duty
``retention``); should two, for a moment, each takes what the other has not.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Protocol

import structlog

from gateway.core import events as e
from gateway.core.ids import QueueName
from gateway.flow.ledger import Ledger
from gateway.store.contract import StoreError
from gateway.store.retention import Looked, Removed

FIRST_SECONDS = 300.0
EVERY_SECONDS = 6 * 3_600.0
AT_ONCE = 25
SAID_AT_ONCE = 200
LOOKED_AT = 500
PAUSE_SECONDS = 0.05

_log = structlog.get_logger("retention")


class Content(Protocol):
    """What is kept (``store.retention`` fits). Raises ``StoreError``."""

    async def look(
        self, after: str, most: int, days: dict[QueueName, int | None], default: int | None
    ) -> Looked: ...

    async def empty(self, cases: list[str]) -> Removed: ...

    async def empty_ignored(self, days: int, most: int) -> Removed: ...

    async def forget_bytes(self) -> bool: ...


class Said(Protocol):
    """What colleagues have said (``store.colleagues`` fits). Raises ``StoreError``."""

    async def forget(self, days: int, most: int) -> int: ...


class Retention:
    """``removed`` counts the cases whose content went, since the node began."""

    def __init__(
        self,
        ledger: Ledger,
        content: Content,
        default_days: int | None,
        *,
        said: Said | None = None,
        said_days: int | None = None,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self.removed = 0
        self._ledger = ledger
        self._content = content
        self._default = default_days
        self._said = said
        self._said_days = said_days
        self._sleep = sleep

    async def run(self) -> None:
        """Several times a day, until cancelled; what fails is done the next time."""
        await self._sleep(FIRST_SECONDS)
        while True:
            try:
                await self.sweep()
                await self.sweep_said()
            except StoreError as problem:
                _log.warning("content could not be removed", problem=str(problem))
            await self._sleep(EVERY_SECONDS)

    async def sweep(self) -> int:
        """All that has had its time; how many cases. Raises ``StoreError``."""
        days = self._days()
        if self._default is None and not any(days.values()):
            return 0
        before, after = self.removed, ""
        while True:
            looked = await self._content.look(after, LOOKED_AT, days, self._default)
            for start in range(0, len(looked.due), AT_ONCE):
                self._tell(await self._content.empty(looked.due[start : start + AT_ONCE]))
                await self._sleep(PAUSE_SECONDS)
            if not looked.next:
                break
            after = looked.next
            await self._sleep(PAUSE_SECONDS)
        while self._default is not None and self._tell(
            await self._content.empty_ignored(self._default, AT_ONCE)
        ):
            await self._sleep(PAUSE_SECONDS)
        while await self._content.forget_bytes():
            await self._sleep(PAUSE_SECONDS)
        return self.removed - before

    async def sweep_said(self) -> int:
        """What colleagues said that has had its time; how many messages. Raises ``StoreError``."""
        if self._said is None or self._said_days is None:
            return 0
        gone = 0
        while part := await self._said.forget(self._said_days, SAID_AT_ONCE):
            gone += part
            # The database's time between two parts is for those who serve.
            await self._sleep(PAUSE_SECONDS)
        if gone:
            told = e.ContentRemoved(cases=(), messages=gone, files=0, size=0, colleagues=gone)
            self._ledger.record([e.Change(told)])
        return gone

    def _days(self) -> dict[QueueName, int | None]:
        """Queues with a rule of their own; 0 there means for ever."""
        queues = self._ledger.state.queues.values()
        return {
            queue.name: queue.retention_days or None
            for queue in queues
            if queue.retention_days is not None
        }

    def _tell(self, gone: Removed) -> bool:
        """In the journal, if anything went."""
        if not gone.cases and not gone.messages:
            return False
        self.removed += len(gone.cases)
        told = e.ContentRemoved(
            cases=tuple(gone.cases), messages=gone.messages, files=gone.files, size=gone.size
        )
        self._ledger.record([e.Change(told)])
        _log.info("removed the content of old cases", cases=len(gone.cases), messages=gone.messages)
        return True
