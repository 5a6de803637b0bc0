"""The journal's one writer: one batch in flight, positions committed in order.

While a batch flies the next one fills, and those who follow the journal are told of the one
before. When much is written it lingers a little, which saves the database work. An unknown outcome
is resolved by raising our own epoch and looking (design.md 4); nothing has left meanwhile.

What the database refuses is halved until the one record is found that it refuses; what stood
before that is written. Whatever the node believes now rests on the record, so it begins anew; for
the inbound or the command that it came from it leaves a verdict, else it would come again.
"""

import asyncio
import random
from collections.abc import Awaitable, Callable, Iterator
from itertools import count
from typing import Never

import structlog
from msgspec.structs import replace

from gateway.core import events as e
from gateway.core.backoff import reconnect_delay
from gateway.core.events import Entry
from gateway.core.ids import Position
from gateway.core.model import CommandRecord, InboundDone
from gateway.flow.desk import remembered_fault
from gateway.flow.ledger import Ledger, Unstorable
from gateway.store.contract import BadBatch, Batch, CommitUnknown, Journal, Term, Unavailable

TOLD_AT_ONCE = 100
MOST_UNTOLD = 2
"""Batches on disk that the subscribers may be behind before the writer waits for them."""
LINGER_SECONDS = 0.001
LINGER_ABOVE = 6_000.0
"""Entries a second above which the writer lingers."""
ENOUGH = 20
"""Entries that make a commit worth its price: with so many it does not linger."""
LONGEST_REASON = 500

Sleep = Callable[[float], Awaitable[None]]
_log = structlog.get_logger("journal")


class Writer:
    """Commits what the ledger holds, until cancelled.

    Raises ``Fenced``, ``VersionConflict``, ``Unstorable``: after each the node must begin anew.
    """

    def __init__(
        self, ledger: Ledger, journal: Journal, term: Term, *, sleep: Sleep = asyncio.sleep
    ) -> None:
        self.term = term
        self.commits = 0
        self.entries = 0
        self._ledger = ledger
        self._journal = journal
        self._sleep = sleep
        self._landed: asyncio.Queue[list[Entry]] = asyncio.Queue(MOST_UNTOLD)
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
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._commit_all(), name="journal:commit")
                group.create_task(self._tell_all(), name="journal:tell")
        except ExceptionGroup as several:
            raise several.exceptions[0] from None

    async def _commit_all(self) -> Never:
        while True:
            await self._ledger.ready()
            if self._rate > LINGER_ABOVE and self._ledger.waiting < ENOUGH:
                await self._sleep(LINGER_SECONDS)
            try:
                await self._store(self._ledger.take())
            except Unstorable as poison:
                await self._set_aside(poison)
                await self._landed.join()
                raise

    async def _store(self, batch: Batch) -> None:
        """Write it, in parts if not all of it can be. Raises ``Unstorable``."""
        parts = [batch]
        while parts:
            part = parts.pop()
            try:
                await self._write(part)
            except BadBatch as problem:
                halves = self._ledger.halves(part)
                if halves is None:
                    raise Unstorable(part.entries, problem) from problem
                parts += reversed(halves)
            else:
                self._measure(len(part.entries))
                await self._landed.put(part.entries)

    async def _set_aside(self, poison: Unstorable) -> None:
        """Put a verdict into the journal in place of the record, so that it does not come again."""
        _log.error("a record cannot be stored", reason=str(poison))
        batch = self._journal.batch()
        for entry in verdicts(poison):
            batch.add(entry)
        if batch.entries:
            try:
                await self._write(batch)
            except BadBatch as problem:
                _log.error("nor can the verdict on it", reason=str(problem))

    async def _tell_all(self) -> Never:
        """Tell of what has landed, a large batch in parts: between them others get their turn."""
        gate = self._ledger.gate
        while True:
            entries = await self._landed.get()
            for start in range(0, len(entries), TOLD_AT_ONCE):
                if start:
                    await self._sleep(0)
                if not gate.open:
                    await gate.passed()
                self._ledger.landed(entries[start : start + TOLD_AT_ONCE])
            self._landed.task_done()

    async def _write(self, batch: Batch) -> None:
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

    async def _resolve(self, batch: Batch) -> bool:
        """Find out whether the batch landed; raises ``Fenced`` if somebody took over."""
        self._settled.clear()
        failures = 0
        while True:
            try:
                self.term, landed = await self._journal.resolve(
                    self.term, batch.entries[-1].position
                )
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


def verdicts(poison: Unstorable) -> Iterator[Entry]:
    """What is recorded in place of a record that cannot be.

    The inbound that it came from waits for a person, the command has its answer.
    """
    first = poison.record[0]
    offset = count(first.position.offset)
    for row in (row for entry in poison.record for row in entry.rows):
        verdict = _verdict(row, str(poison)[:LONGEST_REASON])
        if verdict is not None:
            position = Position(first.position.epoch, next(offset))
            yield Entry(position, first.at, verdict.event, verdict.rows)


def _verdict(row: object, reason: str) -> e.Change | None:
    match row:
        case InboundDone(id=inbound):
            event = e.InboundDecided(inbound=inbound, status="quarantined", reason=reason)
            done = InboundDone(id=inbound, status="quarantined", reason=reason)
            return e.Change(event, (done,))
        case CommandRecord(agent=agent):
            answer = remembered_fault("a fault of ours: it could not be stored")
            answered = e.CommandAnswered(agent=agent, command="", refused="internal")
            return e.Change(answered, (replace(row, answer=answer),))
        case _:
            return None
