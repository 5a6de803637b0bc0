"""Keeps the demo's node alive: starts it, says when it serves, starts it again when it dies."""

import asyncio
import os
import random
import signal
import sys
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import structlog

from gateway.core.backoff import reconnect_delay
from gateway.core.errors import GatewayError
from gateway.demo.control import Life

LONGEST_LINE = 4 * 1024 * 1024
"""A traceback is one line of the log, and a line beyond the limit would end the demo."""
STEADY_SECONDS = 60.0
"""A node that lived this long is no invalid: it is started again at once."""
FIRST_SECONDS = 0.5
MOST_SECONDS = 15.0

Sleep = Callable[[float], Awaitable[None]]
_log = structlog.get_logger("demo")


class CannotServe(GatewayError):
    """The node did not come up; its own last words are the message."""


class Keeper:
    """One child process after the other, over the same data.

    The visitor's kill is answered at once. A node that dies by itself, again and again, is started
    more and more seldom. ``mourned`` are seconds for which the one that the visitor killed stays
    away, so that one sees others take its work.
    """

    def __init__(
        self,
        config: Path,
        control_url: str,
        life: Life,
        *,
        mourned: float = 0.0,
        sleep: Sleep = asyncio.sleep,
    ) -> None:
        self.ready = asyncio.Event()
        self.starts = 0
        self._command = [
            sys.executable,
            "-m",
            "gateway.demo.node",
            str(config),
            control_url,
        ]
        self._life = life
        self._process: asyncio.subprocess.Process | None = None
        self._mourned = mourned
        self._sleep = sleep
        self._killed = False
        self._deaths = 0
        life.kill = self.kill

    def kill(self) -> None:
        """As the power would: no farewell."""
        if self._process is not None and self._process.returncode is None:
            # It may be dead already, and the loop not know it yet: visitors press twice.
            with suppress(ProcessLookupError):
                os.kill(self._process.pid, signal.SIGKILL)
                self._killed = True

    async def run(self, on_ready: Callable[[], Awaitable[None]]) -> None:
        """Until cancelled. Raises ``CannotServe`` if the first start fails."""
        loop = asyncio.get_running_loop()
        while True:
            began, self._killed = loop.time(), False
            process = await asyncio.create_subprocess_exec(
                *self._command,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE,
                limit=LONGEST_LINE,
            )
            self._process = process
            try:
                async with asyncio.TaskGroup() as group:
                    words = group.create_task(_pass_on(process))
                    await self._wait_ready(process, on_ready)
                    code = await process.wait()
                self._life.pid = None
                self.ready.clear()
                if self.starts == 0:
                    last = words.result().removeprefix("switchroom: ")
                    raise CannotServe(last or f"the node ended with code {code}")
            finally:
                await self._end(process)
            seconds = self._pause(loop.time() - began)
            _log.info("the node has gone; starting it again", code=code, after_seconds=seconds)
            await self._sleep(seconds)

    def _pause(self, lived: float) -> float:
        """Seconds until the next start."""
        if self._killed or lived > STEADY_SECONDS:
            self._deaths = 0
            return self._mourned if self._killed else 0.0
        self._deaths += 1
        if self._deaths == 1:
            return 0.0
        share = random.random()  # noqa: S311 - jitter
        pause = reconnect_delay(self._deaths - 2, share, first=FIRST_SECONDS, most=MOST_SECONDS)
        return round(pause, 2)

    async def _wait_ready(
        self, process: asyncio.subprocess.Process, on_ready: Callable[[], Awaitable[None]]
    ) -> None:
        assert process.stdout is not None  # noqa: S101 - asked for above
        line = await process.stdout.readline()
        if not line.startswith(b"ready "):
            return
        self._life.pid = process.pid
        self._life.started_at = datetime.now(UTC)
        self.starts += 1
        self.ready.set()
        if self.starts == 1:
            await on_ready()

    async def _end(self, process: asyncio.subprocess.Process) -> None:
        """In good order when the demo ends; the node drains."""
        if process.returncode is None:
            process.terminate()
            try:
                async with asyncio.timeout(15):
                    await process.wait()
            except TimeoutError:
                process.kill()
                await process.wait()


async def _pass_on(process: asyncio.subprocess.Process) -> str:
    """The node's log, to ours; returns its last line."""
    assert process.stderr is not None  # noqa: S101 - asked for above
    last = ""
    async for line in process.stderr:
        last = line.decode(errors="replace").rstrip()
        print(last, file=sys.stderr)  # noqa: T201 - it is a log line already
    return last
