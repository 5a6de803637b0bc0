"""Looks again and again for what should be impossible, puts it right, and counts it."""

import asyncio
from collections.abc import Awaitable, Callable

import structlog

from gateway.core.repair import problems
from gateway.flow.ledger import Ledger

EVERY_SECONDS = 10.0
_log = structlog.get_logger("reconcile")


class Reconciler:
    """``repaired`` is 0 in every test, and an alarm anywhere else."""

    def __init__(
        self, ledger: Ledger, *, sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    ) -> None:
        self.repaired = 0
        self._ledger = ledger
        self._sleep = sleep

    async def run(self) -> None:
        while True:
            await self._sleep(EVERY_SECONDS)
            self.look()

    def look(self) -> None:
        for problem in problems(self._ledger.state, self._ledger.context()):
            _log.error("repaired an impossible item", item=problem.item, problem=problem.text)
            self._ledger.record(problem.changes)
            self.repaired += 1
