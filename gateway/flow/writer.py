"""The journal's one writer: one batch in flight, positions committed in order.

While a batch flies the next one fills; above a thousand entries a second it lingers a little,
which costs two milliseconds and saves the database two thirds of its work. An unknown outcome
is resolved by raising our own epoch and looking (design.md 4); nothing has left meanwhile.
"""

import asyncio
import random
from collections.abc import Awaitable, Callable, Sequence

import structlog

from gateway.core.backoff import reconnect_delay
from gateway.core.events import Entry
from gateway.flow.ledger import Ledger
from gateway.store.contract import CommitUnknown, Journal, Term, Unavailable

MOST = 1_000
"""Entries in a commit; encoding more would hold the loop for longer than 50 ms."""
TOLD_AT_ONCE = 100
LINGER_SECONDS = 0.002
LINGER_ABOVE = 1_000.0
"""Entries a second above which the writer lingers."""

Sleep = Callable[[float], Awaitable[None]]
_log = structlog.get_logger("journal")


class Writer:
    """Commits what the ledger holds, until cancelled. Raises ``Fenced``."""

    def __init__(
        self, ledger: Ledger, journal: Journal, term: Term, *, sleep: Sleep = asyncio.sleep
    ) -> None:
        self.term = term
        self.commits = 0
        self.entries = 0
        self._ledger = ledger
        self._journal = journal
        self._sleep = sleep
        self._settled = asyncio.Event()
        self._settled.set()
        self._rate = 0.0
        self._last = ledger.clock.monotonic()

    async def current_term(self) -> Term:
        """The term to write under; waits while it is being renewed after an unknown outcome.

        Who is told ``Fenced`` under an older one was fenced by ourselves and tries again.
        """
        await self._settled.wait()
        return self.term

    async def run(self) -> None:
        while True:
            await self._ledger.next_batch(1)
            if self._rate > LINGER_ABOVE:
                await self._sleep(LINGER_SECONDS)
            batch = await self._ledger.next_batch(MOST)
            await self._write(batch)
            self._measure(len(batch))
            await self._tell(batch)

    async def _tell(self, batch: Sequence[Entry]) -> None:
        """Tell of what has landed, a large batch in parts: between them others get their turn."""
        for start in range(0, len(batch), TOLD_AT_ONCE):
            if start:
                await self._sleep(0)
            self._ledger.landed(batch[start : start + TOLD_AT_ONCE])

    async def _write(self, batch: Sequence[Entry]) -> None:
        failures = 0
        while True:
            try:
                await self._journal.commit(self.term, batch)
            except Unavailable as error:
                self._note_outage(error, failures)
            except CommitUnknown as error:
                self._note_outage(error, failures)
                if await self._resolve(batch):
                    break
            else:
                break
            await self._sleep(reconnect_delay(failures, random.random()))  # noqa: S311 - jitter
            failures += 1
        if not self._ledger.writable:
            _log.info("journal writable again", after_attempts=failures)
        self._ledger.writable = True

    async def _resolve(self, batch: Sequence[Entry]) -> bool:
        """Find out whether the batch landed; raises ``Fenced`` if somebody took over."""
        self._settled.clear()
        failures = 0
        while True:
            try:
                self.term, landed = await self._journal.resolve(self.term, batch[-1].position)
            except (Unavailable, CommitUnknown):
                await self._sleep(reconnect_delay(failures, random.random()))  # noqa: S311
                failures += 1
                continue
            self._ledger.epoch = self.term.epoch
            self._settled.set()
            _log.warning("unknown commit resolved", landed=landed, epoch=self.term.epoch)
            return landed

    def _note_outage(self, error: Exception, failures: int) -> None:
        if failures == 0:
            _log.error("journal cannot be written", reason=str(error))
        self._ledger.writable = False

    def _measure(self, count: int) -> None:
        now = self._ledger.clock.monotonic()
        gap = max(now - self._last, 1e-6)
        self._last = now
        weight = min(gap / 0.25, 1.0)
        self._rate += weight * (count / gap - self._rate)
        self.commits += 1
        self.entries += count
