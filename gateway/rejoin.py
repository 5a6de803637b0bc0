"""What a node mends by forgetting everything and beginning again, and how often it may.

``Fenced`` is the ordinary case: the node was frozen or cut off, others took its work over. After a
``VersionConflict`` or an ``Unstorable`` what the node believes is not what is on disk.
"""

import asyncio
import random
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import AbstractAsyncContextManager, suppress
from typing import Protocol

import structlog

from gateway.core.backoff import reconnect_delay
from gateway.door import Door
from gateway.failures import Failed
from gateway.flow.ledger import Unstorable
from gateway.store.contract import CommitUnknown, Fenced, Unavailable, VersionConflict

MOST = 5
WITHIN_SECONDS = 60.0
FIRST_SECONDS = 0.5
MOST_SECONDS = 8.0

_log = structlog.get_logger("app")


def leaves(error: BaseException) -> Iterator[BaseException]:
    """The errors in nested groups."""
    if isinstance(error, BaseExceptionGroup):
        for one in error.exceptions:
            yield from leaves(one)
    else:
        yield error


def reason_of(error: BaseException) -> str | None:
    """Why the node must begin anew, in words; ``None`` where that would mend nothing."""
    for one in leaves(error):
        match one:
            case Fenced():
                return f"others have taken over: {one}"
            case VersionConflict():
                return f"the database is not as this node believed: {one}"
            case Unstorable():
                return str(one)
            case _:
                pass
    return None


def is_fenced(error: BaseException) -> bool:
    """At the very start that means: another process has our name."""
    return any(isinstance(one, Fenced) for one in leaves(error))


def is_away(error: BaseException) -> bool:
    """The database, that is."""
    return any(isinstance(one, Unavailable | CommitUnknown) for one in leaves(error))


class Comebacks:
    """Counts them. The first is at once, more of them wait longer each, too many are the last."""

    def __init__(
        self, monotonic: Callable[[], float], dice: Callable[[], float] = random.random
    ) -> None:
        self._monotonic = monotonic
        self._dice = dice
        self._at: deque[float] = deque()

    def delay(self, reason: str) -> float:
        """Seconds to wait before this one. Raises ``Failed`` if that makes too many."""
        now = self._monotonic()
        while self._at and now - self._at[0] > WITHIN_SECONDS:
            self._at.popleft()
        before = len(self._at)
        if before == MOST:
            raise Failed(
                f"the node had to begin anew {MOST + 1} times within a minute, which mends nothing;"
                f" docs/operations.md says what to look for. The last time: {reason}"
            )
        self._at.append(now)
        if before == 0:
            return 0.0
        return reconnect_delay(before - 1, self._dice(), first=FIRST_SECONDS, most=MOST_SECONDS)


class Serving(Protocol):
    """A node that serves."""

    def ready_line(self) -> str: ...


class Lives:
    """One life of the node after the other in one process, until ``stop`` is set.

    ``begin`` gives an incarnation, whose leaving drains it or, after a failure, clears it away.
    """

    def __init__(
        self,
        begin: Callable[[], AbstractAsyncContextManager[Serving]],
        door: Door,
        stop: asyncio.Event,
        *,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._begin = begin
        self._door = door
        self._stop = stop
        self._monotonic = monotonic
        self._comebacks = Comebacks(monotonic)
        self._lives = 0
        self._failures = 0
        self._ended = 0.0

    async def run(self) -> None:
        """Raises what ends a node for good, and ``Failed`` when it had to begin anew too often."""
        while (delay := await self._live()) is not None:
            with suppress(TimeoutError):
                async with asyncio.timeout(delay):
                    await self._stop.wait()
            if self._stop.is_set():
                return

    async def _live(self) -> float | None:
        """Serve; seconds to wait before the next life, ``None`` if this was the last."""
        lives = self._lives
        try:
            async with self._begin() as served:
                self._served(served)
                await self._stop.wait()
        except Exception as error:
            if (task := asyncio.current_task()) is not None and task.cancelling():
                raise asyncio.CancelledError from error
            began = self._lives > lives
            reason = reason_of(error)
            if reason is not None and (self._lives or not is_fenced(error)):
                return self._come_back(error, reason)
            if lives and not began and is_away(error):
                return self._wait(error)
            raise
        return None

    def _served(self, served: Serving) -> None:
        self._lives += 1
        self._failures = 0
        if self._lives == 1:
            print(served.ready_line(), flush=True)  # noqa: T201 - the contract's line on stdout
        else:
            self._door.rejoins += 1
            took = round(self._monotonic() - self._ended, 3)
            _log.info("the node serves again", after_seconds=took)

    def _come_back(self, error: Exception, reason: str) -> float:
        self._ended = self._monotonic()
        for other in leaves(error):
            if reason_of(other) is None:
                _log.error("failed while the node ended", exc_info=other)
        self._door.reason = f"the node begins anew: {reason}"
        _log.error("the node begins anew", reason=reason)
        return self._comebacks.delay(reason)

    def _wait(self, error: Exception) -> float:
        if self._failures == 0:
            _log.error("the node cannot begin anew yet", reason=str(next(leaves(error))))
        self._failures += 1
        return reconnect_delay(self._failures, random.random())  # noqa: S311 - jitter
