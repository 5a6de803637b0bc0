"""Keeps the facts of reports fresh while this node has the duty to.

A process of its own reads and counts, and ends when it has caught up, so neither the node's loop
nor its memory knows of it. Should two do it for a moment, the second finds the first at it.
"""

import asyncio
import sys
from collections.abc import Awaitable, Callable
from typing import Never

import structlog

from gateway.store.contract import StoreError
from gateway.store.pool import Pool
from gateway.store.queries import Queries
from gateway.store.trouble import reading

EVERY_SECONDS = 30.0
"""So old are facts at most, and the time that it takes to count."""

_log = structlog.get_logger("facts")


class Counting:
    """``passes`` counts how often there was something to count; ``failed`` how often in vain."""

    def __init__(
        self,
        pool: Pool,
        sql: Queries,
        dsn: str,
        *,
        every: float = EVERY_SECONDS,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self.passes = self.failed = 0
        self._pool = pool
        self._sql = sql
        self._dsn = dsn
        self._every = every
        self._sleep = sleep

    async def run(self) -> Never:
        """Until cancelled; what fails is done the next time."""
        while True:
            await self._sleep(self._every)
            try:
                with reading():
                    behind = await self._pool.fetchval(self._sql["facts_behind"])
            except StoreError as problem:
                _log.warning("facts cannot be counted", problem=str(problem))
                continue
            if behind:
                await self.catch_up()

    async def catch_up(self) -> None:
        """Count what is new; returns when that is done, or has failed and is logged."""
        self.passes += 1
        try:
            child = await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                "gateway.insight.catchup",
                stdin=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE,
            )
        except OSError as problem:  # no memory, no file descriptors: later perhaps
            self.failed += 1
            _log.warning("facts could not be counted", problem=str(problem))
            return
        try:
            _, said = await child.communicate(self._dsn.encode() + b"\n")
        finally:
            if child.returncode is None:
                child.kill()
                await child.wait()
        if child.returncode:
            self.failed += 1
            last = said.decode(errors="replace").strip().splitlines()[-1:]
            _log.warning("facts could not be counted", problem="".join(last)[:500])
