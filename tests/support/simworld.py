"""The ground a simulation stands on: steps, lives of a process, wires between us and outside.

A *step* is a touch of the world outside the process: a call to the store begins or ends, a frame
is posted, an acknowledgement given, a delivery begun or ended. A *life* is one incarnation of
the process. It ends as by kill -9, between two steps: from then on none of its effects happens,
whatever its code still does. What the store was already given may land all the same.
"""

import asyncio
import random
from collections import Counter, deque
from collections.abc import Callable, Coroutine
from typing import Any, Never

from msgspec import Struct

from gateway.ports import SocketClosed

ABNORMAL = 1006
LONG = 500
"""After so many steps a life ends where it is, though its target has not come up."""
Pair = tuple[str, str]


class Promise(AssertionError):
    """One of the promises of design.md section 2 has been broken."""


class Target(Struct, frozen=True):
    """Where to end a life: before its step number ``at``, or before the ``at``-th so named.

    ``fresh`` counts only steps that follow one another for the first time in the run.
    """

    at: int
    name: str = ""
    fresh: bool = False


class Cut(Struct, frozen=True):
    """End life number ``life`` before its step number ``at``, whatever else was planned for it.

    A run is the same up to its first difference, so what was seen there once is met again.
    """

    life: int
    at: int


class Steps:
    """All steps of one run, in order, and where lives end."""

    def __init__(
        self, targets: list[Target], now: Callable[[], float], cut: Cut | None = None
    ) -> None:
        self.first_seen: dict[Pair, Cut] = {}
        self.observed: Counter[Pair] = Counter()
        self.crashed: Counter[Pair] = Counter()
        self.trace: list[tuple[float, str]] = []
        self.label = ""
        self._targets = deque(targets)
        self._now = now
        self._cut = cut
        self._spared = False
        self._life = 0
        self._last = "start"
        self._count = self._fresh = 0
        self._named: Counter[str] = Counter()

    def begin_life(self) -> None:
        self._life += 1
        self._last = "start"
        self._count = self._fresh = 0
        self._named.clear()

    def spare(self) -> None:
        """No life ends from now on."""
        self._targets.clear()
        self._cut = None
        self._spared = True

    def note(self, what: str) -> None:
        """For the trace alone."""
        self.trace.append((self._now(), self.label + what))

    def passes(self, name: str) -> bool:
        """Go past a boundary; false when the life ends there."""
        pair = (self._last, name)
        self._last = name
        self._count += 1
        if self._spared:
            self.trace.append((self._now(), self.label + name))
            return True
        is_fresh = pair not in self.first_seen
        if is_fresh:
            self.first_seen[pair] = Cut(self._life, self._count)
            self._fresh += 1
        self.observed[pair] += 1
        self._named[name] += 1
        if (self._targets or self._cut is not None) and self._hit(name, is_fresh=is_fresh):
            self.crashed[pair] += 1
            self.note(f"CRASH before {name}")
            return False
        self.trace.append((self._now(), self.label + name))
        return True

    def _hit(self, name: str, *, is_fresh: bool) -> bool:
        if self._cut is not None and self._life >= self._cut.life:
            if self._life == self._cut.life and self._count == self._cut.at:
                self._targets.clear()
                return True
            return False
        if self._targets and self._is_due(self._targets[0], name, is_fresh=is_fresh):
            self._targets.popleft()
            return True
        return False

    def _is_due(self, target: Target, name: str, *, is_fresh: bool) -> bool:
        if self._count >= LONG:
            return True
        if target.fresh:
            return is_fresh and self._fresh >= target.at
        if target.name:
            return target.name == name and self._named[name] >= target.at
        return self._count >= target.at


class Life:
    """One incarnation of the process, as the world outside sees it."""

    def __init__(
        self, number: int, steps: Steps, dice: random.Random, fault: Callable[[str], None]
    ) -> None:
        self.number = number
        self.alive = True
        self.ended = asyncio.Event()
        self.wires: list[Wire] = []
        self.frozen_until = 0.0
        self._tasks: list[asyncio.Task[None]] = []
        self._steps = steps
        self._dice = dice
        self._fault = fault
        self._group: asyncio.TaskGroup | None = None

    def passes(self, name: str) -> bool:
        """Whether the effect that follows happens."""
        if not self.alive:
            return False
        if self._steps.passes(name):
            return True
        self._fault("crash")
        self.alive = False
        self.ended.set()
        return False

    def do(self, name: str, effect: Callable[[], None]) -> None:
        """A touch of the outside that is either done or not."""
        if self.passes(name):
            effect()

    async def step(self, name: str) -> None:
        """A boundary of something that takes time. Of a life that has ended, nothing returns.

        Of one that is frozen nothing returns until it thaws.
        """
        if self.frozen_until:
            await self._thaw()
        was_alive = self.alive
        if self.passes(name):
            return
        if not was_alive and name.endswith(".begin") and self._dice.random() < 0.5:
            # It was on its way when the process ended; the fence decides whether it counts.
            self._fault("late after a crash")
            self._steps.note(f"(late) {name}")
            return
        await self.never()

    async def _thaw(self) -> None:
        left = self.frozen_until - asyncio.get_running_loop().time()
        if left > 0:
            await asyncio.sleep(left)

    async def never(self) -> Never:
        while True:
            await asyncio.get_running_loop().create_future()

    async def run(self, serve: Coroutine[Any, Any, None]) -> None:
        """Live until the end; whatever ``serve`` raises before it is a fault."""
        async with asyncio.TaskGroup() as group:
            self._group = group
            self.spawn(serve)
            await self.ended.wait()
            self._group = None
            for wire in self.wires:
                wire.close(ABNORMAL)
            for task in self._tasks:
                task.cancel()

    def spawn(self, work: Coroutine[Any, Any, None]) -> None:
        """Run ``work`` as long as the life lasts."""
        if self._group is None or not self.alive:
            work.close()
        else:
            self._tasks.append(self._group.create_task(self._guarded(work)))

    async def _guarded(self, work: Coroutine[Any, Any, None]) -> None:
        try:
            await work
        except Exception:
            # A fence that falls, say, is nobody's fault any more.
            if self.alive:
                raise

    def end(self) -> None:
        """An orderly end of the story: nothing has an effect any more."""
        self.alive = False
        self.ended.set()


class Wire:
    """A connection with two ends: frames in order, until it is closed."""

    def __init__(self) -> None:
        self.to_client = _Lane()
        self.to_server = _Lane()

    @property
    def closed(self) -> bool:
        return self.to_client.code is not None

    def close(self, code: int) -> None:
        self.to_client.close(code)
        self.to_server.close(code)


class _Lane:
    def __init__(self) -> None:
        self.code: int | None = None
        self._frames: deque[str] = deque()
        self._news = asyncio.Event()

    def put(self, frame: str) -> None:
        if self.code is None:
            self._frames.append(frame)
            self._news.set()

    def close(self, code: int) -> None:
        if self.code is None:
            self.code = code
            self._news.set()

    async def get(self) -> str:
        """The next frame; raises ``SocketClosed`` after the last one."""
        while not self._frames:
            if self.code is not None:
                raise SocketClosed(self.code)
            self._news.clear()
            await self._news.wait()
        return self._frames.popleft()

    async def get_before(self, when: float) -> str | None:
        """The same; ``None`` when there is none at ``when``, in the loop's time."""
        loop = asyncio.get_running_loop()
        if not self._frames and self.code is None and loop.time() < when:
            self._news.clear()
            alarm = loop.call_at(when, self._news.set)
            await self._news.wait()
            alarm.cancel()
        return await self.get() if self._frames or self.code is not None else None


class ServerSocket:
    """The server's end of a wire. Implements ``ports.Socket``."""

    remote = "127.0.0.1"
    origin: str | None = None

    def __init__(self, life: Life, wire: Wire, sees: Callable[[str], None]) -> None:
        self._life = life
        self._wire = wire
        self._sees = sees
        life.wires.append(wire)

    def post(self, *frames: str | bytes) -> None:
        for frame in frames:
            if self._wire.closed:
                raise SocketClosed(ABNORMAL)
            text = frame if isinstance(frame, str) else frame.decode()
            if self._life.passes(f"frame.{kind_of(text)}"):
                self._sees(text)
                self._wire.to_client.put(text)

    async def receive(self) -> str:
        return await self._wire.to_server.get()

    async def close(self, code: int, reason: str = "") -> None:
        if self._life.passes("frame.close"):
            self._wire.close(code)


def kind_of(frame: str) -> str:
    """``{"t":"offer",…`` → ``offer``."""
    return frame.split('"', 4)[3]
