"""How fast is too fast: token buckets with time as an argument."""

from collections import OrderedDict


class Bucket:
    """``burst`` at once, then ``per_second``. A bucket not used for long is full again."""

    __slots__ = ("_at", "_burst", "_left", "_rate")

    def __init__(self, burst: float, per_second: float, now: float) -> None:
        self._burst = burst
        self._rate = per_second
        self._left = burst
        self._at = now

    def take(self, now: float) -> float:
        """Take one, or say in how many seconds there will be one (0: taken)."""
        self._left = min(self._burst, self._left + (now - self._at) * self._rate)
        self._at = now
        if self._left >= 1.0:
            self._left -= 1.0
            return 0.0
        return (1.0 - self._left) / self._rate


class Buckets:
    """One bucket per key, the ``most`` recently used; a forgotten one starts full."""

    def __init__(self, burst: float, per_second: float, most: int = 20_000) -> None:
        self._burst = burst
        self._rate = per_second
        self._most = most
        self._known: OrderedDict[str, Bucket] = OrderedDict()

    def take(self, key: str, now: float) -> float:
        """As ``Bucket.take``."""
        bucket = self._known.get(key)
        if bucket is None:
            bucket = self._known[key] = Bucket(self._burst, self._rate, now)
            if len(self._known) > self._most:
                self._known.popitem(last=False)
        self._known.move_to_end(key)
        return bucket.take(now)
