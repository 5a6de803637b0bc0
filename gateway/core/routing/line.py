"""A priority queue whose members may change their rank or leave: a heap with lazy deletion.

Void entries are dropped when they come up, and all at once when they outnumber the members, so
the heap is never more than twice as large as what it holds.
"""

import heapq
from collections.abc import Iterable, Iterator
from typing import Any, Generic, TypeVar

K = TypeVar("K")
R = TypeVar("R", bound=Any)
SPARE = 32
"""Void entries that are not worth a sweep."""


class Line(Generic[K, R]):
    """Members in order of rank, lowest first; ties go by member."""

    __slots__ = ("_heap", "_ranks")

    def __init__(self) -> None:
        self._heap: list[tuple[R, K]] = []
        self._ranks: dict[K, R] = {}

    def __len__(self) -> int:
        return len(self._ranks)

    def __contains__(self, member: K) -> bool:
        return member in self._ranks

    @property
    def entries(self) -> int:
        """What it holds in memory, void entries included."""
        return len(self._heap)

    def rank_of(self, member: K) -> R:
        """Raises ``KeyError`` for a stranger."""
        return self._ranks[member]

    def ranks(self) -> Iterable[tuple[K, R]]:
        """Every member with its rank, in no order."""
        return self._ranks.items()

    def put(self, member: K, rank: R) -> None:
        """Enter, or move to another place."""
        if self._ranks.get(member) == rank:
            return
        self._ranks[member] = rank
        heapq.heappush(self._heap, (rank, member))
        self._sweep()

    def drop(self, member: K) -> None:
        """Leave; a stranger may."""
        if self._ranks.pop(member, None) is not None:
            self._sweep()

    def first(self) -> tuple[R, K] | None:
        """The lowest rank and whose it is; ``None``: nobody is there."""
        heap = self._heap
        while heap:
            rank, member = heap[0]
            if self._ranks.get(member) == rank:
                return heap[0]
            heapq.heappop(heap)
        return None

    def ahead_of(self, member: K) -> int:
        """How many members stand before this one."""
        own = self._ranks.get(member)
        if own is None:
            return 0
        return sum(1 for other, rank in self._ranks.items() if (rank, other) < (own, member))

    def in_order(self) -> Iterator[K]:
        """The members as they stand now, lowest rank first; all of them stay.

        Members may be put and dropped meanwhile: who has gone or moved by then does not come up.
        """
        heap = self._heap.copy()
        last: tuple[R, K] | None = None
        while heap:
            entry = heapq.heappop(heap)
            rank, member = entry
            if entry != last and self._ranks.get(member) == rank:
                last = entry
                yield member

    def _sweep(self) -> None:
        if len(self._heap) > 2 * len(self._ranks) + SPARE:
            self._heap[:] = [(rank, member) for member, rank in self._ranks.items()]
            heapq.heapify(self._heap)
