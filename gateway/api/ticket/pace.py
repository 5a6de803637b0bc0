"""How often the page may be asked for something: a bucket for each ticket, or each address."""

from collections import OrderedDict

KEPT = 20_000


class Pace:
    """Each key may do ``most`` at once and one more every ``every`` seconds."""

    def __init__(self, most: int, every: float) -> None:
        self._most = float(most)
        self._every = every
        self._left: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def take(self, key: str, now: float) -> bool:
        """Whether it may be done once more; ``now`` is monotonic."""
        left = self._now(key, now)
        may = left >= 1.0
        self._left[key] = (left - 1.0 if may else left, now)
        self._left.move_to_end(key)
        while len(self._left) > KEPT:
            self._left.popitem(last=False)
        return may

    def _now(self, key: str, now: float) -> float:
        left, since = self._left.get(key, (self._most, now))
        return min(self._most, left + (now - since) / self._every)
