"""Which node to connect to next, and after how long. Pure: the dice are passed in."""

from collections.abc import Callable, Sequence

LONGEST_DELAY_SECONDS = 15.0


class Addresses:
    """The nodes that are known, the one in use, and those that did not answer.

    ``dice(a, b)`` gives a number between the two, as ``random.uniform`` does.
    """

    __slots__ = ("_dice", "_failures", "_first", "_peers", "_seeds", "unreachable", "url")

    def __init__(
        self, seeds: Sequence[str], first_delay: float, dice: Callable[[float, float], float]
    ) -> None:
        self.url = seeds[0]
        self.unreachable: dict[str, None] = {}
        self._seeds = tuple(seeds)
        self._peers: tuple[str, ...] = ()
        self._first = first_delay
        self._dice = dice
        self._failures = 0

    def welcomed(self, peers: Sequence[str]) -> None:
        """The node in use serves us, and names the others."""
        self._peers = tuple(peers)
        self._failures = 0
        self.unreachable.clear()

    def moved(self, url: str) -> float:
        """Told to go there. Returns the seconds to wait, so that not all arrive at once."""
        self.url = url
        return self._dice(0, 2 * self._first)

    def lost(self, *, was_welcome: bool, silent: bool = False) -> float:
        """The socket is gone. Returns the seconds to wait.

        Where we were welcome we try again first: a dead node refuses at once, and then others
        can be told that it is not to be had. One that did not let us in, or fell ``silent``, is
        left for the next in turn.
        """
        if silent or not was_welcome:
            self.unreachable[self.url] = None
            known = list(dict.fromkeys((*self._peers, *self._seeds)))
            here = known.index(self.url) if self.url in known else -1
            self.url = known[(here + 1) % len(known)]
        most = min(LONGEST_DELAY_SECONDS, self._first * 2.0 ** min(self._failures, 10))
        self._failures += 1
        return self._dice(0, most)
