"""What an agent has in hand, and for how long it was anything at all.

Work that may be interrupted (a mail) stands still while the agent has something in hand that
interrupts (a call, a chat), and goes on afterwards: it is put aside, not done meanwhile.
"""

from collections.abc import Callable

from msgspec import Struct

Act = Callable[[], None]
Plan = Callable[[float, Act], None]
"""Have this happen at that second of the day."""


class _Job(Struct):
    """Interruptible work; ``turn`` tells whether what was planned for it still holds."""

    left: float
    then: Act
    since: float = 0.0
    turn: int = 0


class Hands:
    """One agent's."""

    __slots__ = (
        "_aside",
        "_busy",
        "_count",
        "_plan",
        "_ready",
        "_ready_since",
        "_since",
        "_strict",
    )

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._count = 0
        self._since = 0.0
        self._busy = 0.0
        self._ready_since: float | None = None
        self._ready = 0.0
        self._strict = 0
        self._aside: dict[int, _Job] = {}

    # -- ready ------------------------------------------------------------------------------

    def begin(self, at: float) -> None:
        """Ready from now on."""
        self._ready_since = at

    def end(self, at: float) -> None:
        """Not ready any more."""
        if self._ready_since is not None:
            self._ready += at - self._ready_since
            self._ready_since = None

    # -- work -------------------------------------------------------------------------------

    def take(self, at: float) -> None:
        """One thing more in hand."""
        if self._count == 0:
            self._since = at
        self._count += 1

    def put_down(self, at: float, *, interrupts: bool) -> None:
        """One thing less. What was put aside goes on after the last that interrupted it."""
        self._count -= 1
        if self._count == 0:
            self._busy += at - self._since
        if interrupts:
            self._strict -= 1
            if not self._strict:
                for job in self._aside.values():
                    self._go_on(job, at)

    def interrupt(self, at: float) -> None:
        """Something has begun for which all that may be put aside is."""
        self._strict += 1
        if self._strict == 1:
            for job in self._aside.values():
                job.left -= at - job.since
                job.turn += 1

    def work(self, at: float, seconds: float, then: Act) -> None:
        """``seconds`` of work that may be put aside; ``then`` when it is done."""
        key = id(then)

        def done() -> None:
            del self._aside[key]
            then()

        job = self._aside[key] = _Job(seconds, done)
        if not self._strict:
            self._go_on(job, at)

    def _go_on(self, job: _Job, at: float) -> None:
        job.since = at
        job.turn += 1
        turn = job.turn

        def finish() -> None:
            if job.turn == turn:
                job.then()

        self._plan(at + job.left, finish)

    # -- how it went ------------------------------------------------------------------------

    def occupancy(self, at: float) -> float | None:
        """The share of the ready time with something in hand; ``None``: was never ready."""
        busy = self._busy + (at - self._since if self._count else 0.0)
        now = at - self._ready_since if self._ready_since is not None else 0.0
        ready = self._ready + now
        return min(busy / ready, 1.0) if ready > 0 else None
