"""How well customers were told how long they would wait. Pure.

An error is what somebody waited from when it was told, less what was told, in seconds.
"""

from bisect import bisect_left

from gateway.core.events import WaitMeasured
from gateway.core.ids import QueueName

LIMITS = (5.0, 15.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1800.0, float("inf"))


class Errors:
    """Of one queue: how many were told, the sum of errors and of their absolute values."""

    __slots__ = ("absolute", "count", "later", "sooner", "total")

    def __init__(self) -> None:
        self.count = 0
        self.total = 0.0
        self.absolute = 0.0
        self.later = [0] * len(LIMITS)
        self.sooner = [0] * len(LIMITS)

    def add(self, error: float) -> None:
        self.count += 1
        self.total += error
        self.absolute += abs(error)
        side = self.later if error >= 0 else self.sooner
        side[bisect_left(LIMITS, abs(error))] += 1


class WaitErrors:
    """By queue, since it was made."""

    def __init__(self) -> None:
        self.queues: dict[QueueName, Errors] = {}

    def note(self, measured: WaitMeasured) -> None:
        errors = self.queues.setdefault(measured.queue, Errors())
        errors.add(measured.waited - measured.told)

    def of(self, queue: QueueName) -> Errors:
        """Those of a queue; of one where nobody was told anything: none."""
        return self.queues.get(queue) or Errors()
