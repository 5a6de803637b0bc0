"""Virtual time: an event loop that never waits and never touches the operating system.

When nothing can run, time jumps to the next timer. Callbacks run in the order in which they
became due, so a run depends on its input and its seed alone. Why not `looptime`:
docs/decisions/0003-virtual-time.md.
"""

import asyncio
import itertools
from collections.abc import Coroutine
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

T = TypeVar("T")
START = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


class Stuck(RuntimeError):
    """Everybody waits for somebody else: nothing is due, now or ever."""


class NumberedTask(asyncio.Task[Any]):
    """A task whose hash is its number: a group cancels its tasks in the order of a set of them.

    The hash that an object has by itself is its address, which another process does not repeat.
    """

    number = 0

    def __hash__(self) -> int:
        return self.number


class VirtualLoop(asyncio.BaseEventLoop):
    """See the module's docstring. It is its own selector: there is nothing to select from."""

    def __init__(self) -> None:
        super().__init__()
        self._numbers = itertools.count(1)
        self.set_task_factory(self._number)
        self._now = 0.0
        self._selector = self
        # Timers less than this apart are due together; the default is the real clock's grain.
        self._clock_resolution = 1e-9

    def _number(
        self, loop: asyncio.AbstractEventLoop, work: Any, **context: Any
    ) -> asyncio.Task[Any]:
        # Known to the set of all tasks as soon as it is made, so numbered before it is.
        task = NumberedTask.__new__(NumberedTask)
        task.number = next(self._numbers)
        task.__init__(work, loop=loop, **context)  # type: ignore[misc]
        return task

    def time(self) -> float:
        return self._now

    def select(self, timeout: float | None) -> list[Any]:
        if timeout is None:
            raise Stuck("no timer is set and no callback is ready")
        self._now += timeout
        return []

    def _process_events(self, event_list: list[Any]) -> None:
        pass

    def _write_to_self(self) -> None:
        """There is no other thread that would have to wake this one."""


class VirtualClock:
    """Implements ``ports.Clock`` on the running virtual loop."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop

    def now(self) -> datetime:
        return START + timedelta(seconds=self._loop.time())

    def monotonic(self) -> float:
        return self._loop.time()


def run(main: Coroutine[Any, Any, T]) -> T:
    """Run to the end, in no time; what is left over is cancelled. Raises ``Stuck``."""
    loop = VirtualLoop()
    try:
        return loop.run_until_complete(main)
    finally:
        rest = asyncio.all_tasks(loop)
        for task in rest:
            task.cancel()
        if rest:
            loop.run_until_complete(asyncio.gather(*rest, return_exceptions=True))
        loop.run_until_complete(loop.shutdown_asyncgens())
        loop.close()
