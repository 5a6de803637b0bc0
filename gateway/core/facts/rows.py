"""What happened in an interval to an item, as one row or a few: what reports add up."""

from collections.abc import Iterable
from datetime import datetime
from math import ceil, exp, log

from msgspec import Struct

from gateway.core.facts.values import Cell, Moment, interval_of
from gateway.core.ids import ItemId

GROWTH = 1.02
"""A bucket of waits is so much wider than the one before: no wait is off by more than 1 %."""
_LEAST = 0.05
_LOG = log(GROWTH)


class Counted(Struct, frozen=True, kw_only=True, gc=False):
    """What happened to an item in the interval that began ``at``, about ``cell``.

    A row has one ``wait`` at most, so that it can be compared with a target.
    """

    at: datetime
    cell: Cell
    sums: dict[str, float]
    item: ItemId | None = None


def counted(moments: Iterable[Moment]) -> list[Counted]:
    """Moments of one interval, item and cell together, but each wait by itself."""
    rows: dict[tuple[object, ...], Counted] = {}
    ordered = sorted(moments, key=lambda one: (one.at, one.item or "", repr(one.cell)))
    for moment in ordered:
        start = interval_of(moment.at)
        nth = 0
        while (row := rows.get((start, moment.item, moment.cell, nth))) is not None:
            if not ("wait" in moment.sums and "wait" in row.sums):
                break
            nth += 1
        sums = dict(row.sums) if row is not None else {}
        for name, value in moment.sums.items():
            sums[name] = sums.get(name, 0.0) + value
        rows[start, moment.item, moment.cell, nth] = Counted(
            at=start, cell=moment.cell, sums=sums, item=moment.item
        )
    return list(rows.values())


def bucket(seconds: float) -> int:
    """Which bucket of the histogram a wait is in; 0 are those of no time at all.

    The borders are fixed, so histograms of any intervals, queues or nodes can be added.
    """
    return 0 if seconds <= _LEAST else ceil(log(seconds / _LEAST) / _LOG)


def middle(number: int) -> float:
    """The wait that stands for a bucket, in seconds: 1 % from each of its borders at most."""
    return 0.0 if number == 0 else _LEAST * exp(_LOG * (number - 0.5))


def percentile(buckets: Iterable[tuple[int, int]], share: float) -> float | None:
    """The wait that a ``share`` of all did not exceed; ``None``: nobody waited for an answer."""
    ordered = sorted(buckets)
    total = sum(many for _, many in ordered)
    if not total:
        return None
    wanted, passed = max(1, ceil(share * total)), 0
    for number, many in ordered:
        passed += many
        if passed >= wanted:
            return middle(number)
    return middle(ordered[-1][0])
