"""Virtual time: an event loop that never waits and never touches the operating system.

When nothing can run, time jumps to the next timer. Callbacks run in the order in which they
became due, so a run depends on its input and its seed alone. Why not `looptime`:
docs/decisions/0003-virtual-time.md.
"""

import asyncio
import itertools
from collections import deque
from collections.abc import Callable, Coroutine
from contextvars import Context
from datetime import UTC, datetime, timedelta
from heapq import heappop, heappush
from typing import Any, TypeVar

from msgspec import Struct

T = TypeVar("T")
START = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
GRAIN = 1e-9
"""Seconds. Timers less than this apart are due together."""


class Stuck(RuntimeError):
    """Everybody waits for somebody else: nothing is due, now or ever."""


class NumberedTask(asyncio.Task[Any]):
    """A task whose hash is its number: a group cancels its tasks in the order of a set of them.

    The hash that an object has by itself is its address, which another process does not repeat.
    """

    number = 0

    def __hash__(self) -> int:
        return self.number


class Call(Struct, eq=False):
    """What asyncio calls a handle: something to run, now or later, unless it is cancelled."""

    callback: Callable[..., Any] | None
    args: tuple[Any, ...]
    context: Context | None

    def cancel(self) -> None:
        self.callback = None

    def cancelled(self) -> bool:
        return self.callback is None


class VirtualLoop(asyncio.BaseEventLoop):
    """See the module's docstring.

    Turning is what a simulation does most, so this loop turns by itself: it has nothing to
    select from, no other thread to look after and no debug mode; and what is called without a
    context of its own gets no copy of one.
    """

    def __init__(self) -> None:
        super().__init__()
        self._numbers = itertools.count(1)
        self.set_task_factory(self._number)
        self._now = 0.0
        self._soon: deque[Call] = deque()
        self._later: list[tuple[float, int, Call]] = []
        self._asked = 0

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

    def call_soon(  # type: ignore[override]
        self, callback: Callable[..., Any], *args: Any, context: Context | None = None
    ) -> Call:
        call = Call(callback, args, context)
        self._soon.append(call)
        return call

    def call_later(  # type: ignore[override]
        self, delay: float, callback: Callable[..., Any], *args: Any, context: Context | None = None
    ) -> Call:
        return self.call_at(self._now + delay, callback, *args, context=context)

    def call_at(  # type: ignore[override]
        self, when: float, callback: Callable[..., Any], *args: Any, context: Context | None = None
    ) -> Call:
        call = Call(callback, args, context)
        self._asked += 1
        heappush(self._later, (when, self._asked, call))
        return call

    def _run_once(self) -> None:
        """Turn until somebody stops the loop; time goes on only when nothing else does."""
        soon, later = self._soon, self._later
        while True:
            until = self._now + GRAIN
            while later and (later[0][0] < until or later[0][2].callback is None):
                soon.append(heappop(later)[2])
            for _ in range(len(soon)):
                call = soon.popleft()
                callback, context = call.callback, call.context
                if callback is None:
                    continue
                try:
                    if context is None:
                        callback(*call.args)
                    else:
                        context.run(callback, *call.args)
                except (SystemExit, KeyboardInterrupt):
                    raise
                except BaseException as error:  # noqa: BLE001 - as every loop does
                    self.call_exception_handler({"message": f"in {callback}", "exception": error})
            if self._stopping:  # type: ignore[attr-defined]
                return
            if not soon:
                self._jump()

    def _jump(self) -> None:
        """To the next timer."""
        while self._later and self._later[0][2].callback is None:
            heappop(self._later)
        if not self._later:
            raise Stuck("no timer is set and no callback is ready")
        self._now = max(self._now, self._later[0][0])

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
