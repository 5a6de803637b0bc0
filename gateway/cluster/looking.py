"""Looking for what other nodes have written: when the bell rings, and once a second anyway."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Never

import structlog

from gateway.flow.naps import news_within
from gateway.store.contract import Unavailable

LOOK_SECONDS = 1.0

Sleep = Callable[[float], Awaitable[None]]
_log = structlog.get_logger("looking")


class Looking:
    """Calls ``look`` until cancelled, as long as somebody else is there (``needed``).

    ``what`` names it in the log, should the database be away.
    """

    def __init__(
        self,
        what: str,
        look: Callable[[], Awaitable[None]],
        *,
        needed: Callable[[], bool] = lambda: True,
        every: float = LOOK_SECONDS,
        sleep: Sleep = asyncio.sleep,
    ) -> None:
        self._every = every
        self._what = what
        self._look = look
        self._needed = needed
        self._sleep = sleep
        self._rung = asyncio.Event()

    def wake(self) -> None:
        """There is something to be seen."""
        self._rung.set()

    async def run(self) -> Never:
        failed = False
        while True:
            await news_within(self._rung, self._every)
            self._rung.clear()
            if not self._needed():
                continue
            try:
                await self._look()
            except Unavailable as error:
                if not failed:
                    _log.warning(f"{self._what} cannot be followed", reason=str(error))
                failed = True
                await self._sleep(LOOK_SECONDS)
            else:
                failed = False
