"""Whether this node may write to anyone just now (promise 5).

A process that stood still (SIGSTOP, a paused virtual machine) wakes in the middle of whatever it
did, and does not know that its work may have been taken over meanwhile. So whoever is about to
tell something to the outside asks the gate, which reads a clock that goes on while the process
does not: after a gap of the loop over a second it is shut, until the fence row has been read again.
The order in which the callbacks of a woken loop run plays no part.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Never

import structlog

from gateway.core.errors import Refused

LONGEST_SECONDS = 1.0
"""What the loop may take for one turn before nobody believes it any more."""
EVERY_SECONDS = 0.2

Check = Callable[[], Awaitable[None]]
_log = structlog.get_logger("gate")


def _no_time() -> float:
    return 0.0


class Gate:
    """Open or shut. ``clock`` gives seconds, those of a standstill too (CLOCK_BOOTTIME).

    Without a clock it never shuts; with one, ``watch`` must run.
    """

    def __init__(self, clock: Callable[[], float] = _no_time) -> None:
        self._clock = clock
        self._seen = clock()
        self._gaps = 0
        self._answered_for = 0
        self._ended: str | None = None
        self._gap = asyncio.Event()
        self._opened = asyncio.Event()

    @property
    def open(self) -> bool:
        """Whether one may write; to be asked in the turn of the loop in which one writes."""
        now = self._clock()
        gap = now - self._seen
        self._seen = now
        if gap > LONGEST_SECONDS:
            self._gaps += 1
            self._opened.clear()
            self._gap.set()
            _log.warning("the process stood still; the fence is read again", seconds=round(gap, 1))
        return self._gaps == self._answered_for and self._ended is None

    async def passed(self) -> None:
        """Return once it is open. Raises ``Refused`` if it never will be."""
        while not self.open:
            if self._ended is not None:
                raise Refused("unavailable", self._ended)
            await self._opened.wait()

    @property
    def ended(self) -> bool:
        """Whether it will never open again."""
        return self._ended is not None

    def end(self, reason: str) -> None:
        """Never open again: whoever waits, or comes, is refused."""
        self._ended = reason
        self._opened.set()

    async def watch(self, check: Check) -> None:
        """Keep the gate until cancelled.

        ``check`` returns when the fence row says that it is ours, and raises when it is not.
        """
        async with asyncio.TaskGroup() as group:
            group.create_task(self._beat(), name="gate:beat")
            await self._answer(check)

    async def _beat(self) -> Never:
        while True:
            _ = self.open
            await asyncio.sleep(EVERY_SECONDS)

    async def _answer(self, check: Check) -> Never:
        while True:
            if self.open:
                await self._gap.wait()
            self._gap.clear()
            gaps = self._gaps
            await check()
            if self._gaps == gaps:  # else it stood still again, perhaps with the answer in hand
                self._answered_for = gaps
                if self.open:
                    self._opened.set()
