"""Keeping what was counted today: over a restart of this node, and for nodes that are gone.

What a node counted since it last wrote (``EVERY_SECONDS``) is missing from the wallboard's day
after a kill -9; the journal has it, and with it the reports.
"""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Mapping
from typing import Never

import structlog

from gateway.core.errors import Refused
from gateway.core.ids import NodeName
from gateway.core.wallboard_days import DayBook, QueueDay
from gateway.flow.ledger import Ledger
from gateway.store.contract import CommitUnknown, Term, Unavailable
from gateway.store.wallboard import DayRows, Days

EVERY_SECONDS = 2.0

Sleep = Callable[[float], Awaitable[None]]
_log = structlog.get_logger("wallboard")


class DayKeeping:
    """See the module's docstring. ``book`` is what this node counts."""

    def __init__(
        self,
        ledger: Ledger,
        rows: DayRows,
        book: DayBook,
        term: Callable[[], Awaitable[Term]],
        *,
        every: float = EVERY_SECONDS,
        sleep: Sleep = asyncio.sleep,
    ) -> None:
        self._ledger = ledger
        self._rows = rows
        self._book = book
        self._term = term
        self._every = every
        self._sleep = sleep
        self._restored = False
        self._kept = 0
        self._known: Mapping[NodeName, Days] = {}

    async def run(self) -> Never:
        """Until cancelled; what cannot be done now is done the next time."""
        failing = False
        while True:
            try:
                await self.keep()
                failing = False
            except (Unavailable, CommitUnknown, Refused) as error:
                if not failing:
                    _log.warning("the wallboard's day is not kept", reason=str(error))
                failing = True
            await self._sleep(self._every)

    async def keep(self) -> None:
        """Write what was counted, if anything, once it is on disk; see what the others wrote.

        Raises ``Unavailable``, ``CommitUnknown``, ``Refused``.
        """
        self._known = await self._rows.all()
        me = self._ledger.state.node
        if not self._restored:
            self._book.restore(self._known.get(me, ()), self._ledger.clock.now())
            self._restored = True
        if self._book.changes == self._kept:
            return
        position, changes = self._ledger.position, self._book.changes
        days = self._book.whole(self._ledger.clock.now())
        await self._ledger.committed(position)
        await self._rows.keep(await self._term(), days)
        self._kept = changes

    def gone(self, here: Collection[NodeName]) -> list[QueueDay]:
        """What the nodes that are not ``here`` counted, as they last wrote."""
        return [day for node, days in self._known.items() if node not in here for day in days]
