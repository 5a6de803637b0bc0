"""Whether this node still is who it thinks: what a gate asks after the process stood still."""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable

import structlog

from gateway.core.backoff import reconnect_delay
from gateway.flow.writer import Writer
from gateway.store.contract import CommitUnknown, Fenced, Journal, Unavailable

_log = structlog.get_logger("gate")


def boottime() -> float:
    """Seconds on a clock that goes on while the process or the machine is stopped."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


async def still_ours(
    journal: Journal, writer: Writer, sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
) -> None:
    """Return once the fence row has said that our epoch is the current one.

    It asks by a renewal of the lease, which writes: no former primary can answer it. While the
    database is away it asks again. Raises ``Fenced`` when another incarnation has taken over.
    """
    failures = 0
    while True:
        term = await writer.current_term()
        try:
            await journal.renew(term)
        except Fenced:
            if term == await writer.current_term():
                raise
        except (Unavailable, CommitUnknown) as error:
            if failures == 0:
                _log.warning("the fence cannot be read", reason=str(error))
            await sleep(reconnect_delay(failures, random.random()))  # noqa: S311 - jitter
            failures += 1
        else:
            return
