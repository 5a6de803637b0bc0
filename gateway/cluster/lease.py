"""A node's lease: a counter it raises each second, and a check after any gap of the loop.

The counter tells other nodes that this one lives; the fence (its epoch) is what commits check.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable

import structlog

from gateway.flow.writer import Writer
from gateway.store.contract import CommitUnknown, Fenced, Journal, Unavailable

EVERY_SECONDS = 1.0
LEASE_SECONDS = 5.0
_log = structlog.get_logger("lease")


class Lease:
    """Renews until cancelled. Raises ``Fenced`` when another incarnation has taken over."""

    def __init__(
        self,
        journal: Journal,
        writer: Writer,
        monotonic: Callable[[], float] = lambda: time.clock_gettime(time.CLOCK_BOOTTIME),
        *,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._journal = journal
        self._writer = writer
        self._monotonic = monotonic
        self._sleep = sleep
        self._renewed = monotonic()

    @property
    def held(self) -> bool:
        """Whether the last renewal is younger than the lease."""
        return self._monotonic() - self._renewed < LEASE_SECONDS

    async def run(self) -> None:
        while True:
            began = self._monotonic()
            term = await self._writer.current_term()
            try:
                await self._journal.renew(term)
            except (Unavailable, CommitUnknown) as error:
                _log.warning("lease not renewed", reason=str(error))
            except Fenced:
                if term == await self._writer.current_term():
                    raise
                # The writer has raised our own epoch meanwhile: renew under the new one.
                continue
            else:
                self._renewed = began
            await self._sleep(EVERY_SECONDS)
