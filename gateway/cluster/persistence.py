"""Doing what the database must do, whatever becomes of the connection or of our own epoch."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from typing import TypeVar

import structlog

from gateway.core.backoff import reconnect_delay
from gateway.flow.writer import Writer
from gateway.store.contract import CommitUnknown, Fenced, Term, Unavailable

T = TypeVar("T")
Sleep = Callable[[float], Awaitable[None]]
Work = Callable[[Term], Awaitable[T]]

_log = structlog.get_logger("cluster")


class Persistence:
    """``what`` names, in the log, what waits while the database is away."""

    def __init__(self, writer: Writer, what: str, *, sleep: Sleep = asyncio.sleep) -> None:
        self._writer = writer
        self._what = what
        self._sleep = sleep

    async def as_ourselves(self, work: Work[T]) -> T:
        """Under our newest epoch: who raised it may have been we. Raises ``Fenced`` if not."""
        while True:
            term = await self._writer.current_term()
            try:
                return await work(term)
            except Fenced:
                if term == await self._writer.current_term():
                    raise

    async def surely(self, work: Work[T]) -> T:
        """Repeated until the database has answered, so it must be repeatable. Raises ``Fenced``."""
        failures = 0
        while True:
            try:
                return await self.as_ourselves(work)
            except (Unavailable, CommitUnknown) as error:
                if failures == 0:
                    _log.warning(f"{self._what} waits for the database", reason=str(error))
                await self._sleep(reconnect_delay(failures, random.random()))  # noqa: S311 - jitter
                failures += 1
