"""Keeps the demo's node alive: starts it, says when it serves, starts it again when it dies."""

import asyncio
import os
import signal
import sys
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path

import structlog

from gateway.core.errors import GatewayError
from gateway.demo.control import Life

LONGEST_LINE = 4 * 1024 * 1024
"""A traceback is one line of the log, and a line beyond the limit would end the demo."""

_log = structlog.get_logger("demo")


class CannotServe(GatewayError):
    """The node did not come up; its own last words are the message."""


class Keeper:
    """One child process after the other, over the same data."""

    def __init__(self, config: Path, control_url: str, life: Life) -> None:
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
        self._stopping = False
        life.kill = self.kill

    def kill(self) -> None:
        """As the power would: no farewell."""
        if self._process is not None and self._process.returncode is None:
            os.kill(self._process.pid, signal.SIGKILL)

    async def run(self, on_ready: Callable[[], Awaitable[None]]) -> None:
        """Until cancelled. Raises ``CannotServe`` if the first start fails."""
        while True:
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
                _log.info("the node has gone; starting it again", code=code)
            finally:
                await self._end(process)

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
