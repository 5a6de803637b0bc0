"""Which of many has something to do next, and when."""

import heapq
from collections.abc import Hashable
from itertools import count
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)


class Alarms(Generic[K]):
    """One time for each key. Setting and looking cost the logarithm of how many there are."""

    def __init__(self) -> None:
        self._set: dict[K, float] = {}
        self._heap: list[tuple[float, int, K]] = []
        self._order = count()

    def set(self, key: K, at: float | None) -> None:
        """``None``: nothing any more."""
        if at is None:
            self._set.pop(key, None)
        elif self._set.get(key) != at:
            self._set[key] = at
            heapq.heappush(self._heap, (at, next(self._order), key))

    def next(self) -> float | None:
        """The earliest time."""
        while self._heap:
            at, _, key = self._heap[0]
            if self._set.get(key) == at:
                return at
            heapq.heappop(self._heap)
        return None

    def due(self, now: float) -> K | None:
        """Who is first due by now, once: its alarm is off then."""
        at = self.next()
        if at is None or at > now:
            return None
        _, _, key = heapq.heappop(self._heap)
        del self._set[key]
        return key
