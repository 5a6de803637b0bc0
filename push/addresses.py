"""Which node to connect to next, and after how long. Pure: the dice are passed in.

First to where we were, then to its peers, in any order, so that those who lost one node do not all
go to the same next one. The browser's clients do the same (``push/web/src/net/addresses.ts``);
``tests/vectors/addresses/`` states it for both.
"""

from collections.abc import Callable, Sequence
from enum import StrEnum

LONGEST_DELAY_SECONDS = 5.0
SOON_SECONDS = 1.5
SOON_TRIES = 6
"""So often a node that says "come again soon" is believed before another one is asked."""


class Loss(StrEnum):
    """How a socket was lost."""

    CUT = "cut"
    """It had let us in: perhaps a blip."""
    SOON = "soon"
    """It closed with 1012: it drains or begins again, and is back in a moment."""
    AWAY = "away"
    """It answered and did not let us in."""
    GONE = "gone"
    """It did not answer, or fell silent."""


DRAIN = 1012


def loss(code: int | None, *, welcomed: bool, waited: bool, silent: bool = False) -> Loss:
    """What the end of a socket means. ``code`` is that of the node's close frame, if it sent one.

    ``waited``: it had us wait and has not let us in, so 1012 means that it gave up waiting.
    """
    if silent:
        return Loss.GONE
    if code == DRAIN and not waited:
        return Loss.SOON
    if welcomed:
        return Loss.CUT
    return Loss.GONE if code is None else Loss.AWAY


class Addresses:
    """The nodes that are known, the one in use, and those that did not answer.

    ``share()`` is a number from 0 to 1, as ``random.random`` gives it. Delays are spread evenly
    between nothing and a ceiling that doubles with each failure from ``first`` to ``longest``
    seconds: whoever lost a node together with thousands comes back in no step with them.
    """

    __slots__ = (
        "_failures",
        "_first",
        "_home",
        "_longest",
        "_moves",
        "_peers",
        "_seeds",
        "_share",
        "_soon",
        "_tried",
        "unreachable",
        "url",
    )

    def __init__(
        self,
        seeds: Sequence[str],
        first: float,
        share: Callable[[], float],
        longest: float = LONGEST_DELAY_SECONDS,
    ) -> None:
        self.url = seeds[0]
        self.unreachable: dict[str, None] = {}
        self._seeds = tuple(seeds)
        self._home = seeds[0]
        self._peers: tuple[str, ...] = ()
        self._tried: set[str] = set()
        self._first = first
        self._longest = longest
        self._share = share
        self._failures = 0
        self._soon = 0
        self._moves = 0

    @property
    def known(self) -> tuple[str, ...]:
        """All of them: where we are at home first."""
        return tuple(dict.fromkeys((self._home, *self._peers, *self._seeds)))

    def welcomed(self, peers: Sequence[str]) -> None:
        """The node in use serves us, and names the others."""
        self._home = self.url
        self._peers = tuple(peers)
        self._failures = self._soon = self._moves = 0
        self._tried.clear()
        self.unreachable.clear()

    def moved(self, url: str) -> float:
        """Told to go there. Returns the seconds to wait, so that not all arrive at once.

        Two nodes that send us to and fro wait longer each time.
        """
        self._tried.discard(url)
        self.url = url
        self._moves += 1
        return self._delay(self._moves, self._longest)

    def lost(self, how: Loss) -> float:
        """The socket is gone. Returns the seconds to wait before the next, at ``url``.

        Where we were welcome we try again first: a dead node refuses at once, and then others
        can be told that it is not to be had.
        """
        if how is Loss.SOON and self._soon < SOON_TRIES:
            self._soon += 1
            return self._delay((self._soon - 1) // 2, SOON_SECONDS)
        if how is Loss.GONE:
            self.unreachable[self.url] = None
        if how is not Loss.CUT:
            self._soon = 0
            self.url = self._next()
        self._failures += 1
        return self._delay(self._failures - 1, self._longest)

    def _next(self) -> str:
        """One that has not been tried since we were last welcome; then all over again."""
        self._tried.add(self.url)
        others = [url for url in self.known if url not in self._tried]
        if not others:
            self._tried.clear()
            return self._home
        return others[min(int(self._share() * len(others)), len(others) - 1)]

    def _delay(self, doublings: int, most: float) -> float:
        return self._share() * min(most, self._first * 2.0 ** min(doublings, 20))
