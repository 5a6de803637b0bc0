"""Passwords that are tried out on many names, or on one name from many addresses."""

from collections import OrderedDict
from collections.abc import Iterable

from msgspec import Struct

from gateway.ports import Clock

SPRAYED = 20
"""Failed logins of one name from wherever, or of any names from one address, before those who have
not signed in like that before are slowed: one after the other, each a little later."""
FORGIVEN_SECONDS = 300.0
SLOWEST_SECONDS = 8.0
WATCHED = 20_000


class _Tries(Struct):
    since: float
    failed: int = 0
    right: int = 0


class Sprays:
    """How many tries went wrong, and right, by name and by address.

    Where more go right than wrong, behind a proxy say, people mistype: nobody is slowed.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._tries: OrderedDict[str, _Tries] = OrderedDict()

    def note(self, keys: Iterable[str], *, failed: bool) -> None:
        now = self._clock.monotonic()
        for key in keys:
            tries = self._tries.get(key)
            if tries is None or now - tries.since >= FORGIVEN_SECONDS:
                tries = self._tries[key] = _Tries(now)
            tries.failed += failed
            tries.right += not failed
            self._tries.move_to_end(key)
        while len(self._tries) > WATCHED:
            self._tries.popitem(last=False)

    def delay(self, key: str) -> float:
        """Seconds that who comes next has to wait; 0: nothing is odd."""
        tries = self._tries.get(key)
        if tries is None or self._clock.monotonic() - tries.since >= FORGIVEN_SECONDS:
            return 0.0
        if tries.failed < SPRAYED or tries.failed <= tries.right:
            return 0.0
        return min(SLOWEST_SECONDS, tries.failed / SPRAYED)
