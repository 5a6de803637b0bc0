"""How long a waiting item may expect to wait. Pure.

A first guess from the place in the line and from who is there, times what such guesses were wrong
by lately, by queue and kind: so what the guess does not know (how long the work takes, who is
shared with other queues, how many chats at once) is in it as soon as some have been served.
"""

from collections import OrderedDict
from collections.abc import Callable
from datetime import datetime

from msgspec import Struct

from gateway.core.ids import ItemId, QueueName
from gateway.core.model import ChannelKind, Item
from gateway.core.routing.fit import meets
from gateway.core.routing.need import Need
from gateway.core.routing.pool import Pool
from gateway.core.state import NodeState

HANDLING_SECONDS = 240.0
"""Handling time that the first guess goes by."""
COUNTED_SECONDS = 1.0
"""How long a count of agents is good for: thousands may ask between two changes."""
MOST_COUNTS = 1_000
MOST_ASKED = 20_000
"""Items whose first guess is remembered until they are served."""
LASTS = 0.98
"""The weight of what was learnt, each time something is: about the last fifty count."""
PRIOR_SECONDS = 60.0
"""Before anything is learnt a guess counts as if one of so many seconds had been right."""
LEAST, MOST = 0.1, 20.0
"""By how much a guess is corrected."""
Expected = Callable[[Item], float]


class _Guess(Struct, frozen=True):
    """What was guessed of an item when somebody first asked, before any correction."""

    at: datetime
    seconds: float
    queue: QueueName
    kind: ChannelKind


class _Learnt(Struct):
    """Seconds waited and seconds guessed, of those served lately."""

    waited: float = PRIOR_SECONDS
    guessed: float = PRIOR_SECONDS

    @property
    def factor(self) -> float:
        return min(max(self.waited / self.guessed, LEAST), MOST)


class Expectation:
    """Place in the line and expected wait; counts of agents are remembered for a second."""

    def __init__(self, state: NodeState, pool: Pool) -> None:
        self._state = state
        self._pool = pool
        self._staff: dict[Need, tuple[datetime, int]] = {}
        self._asked: OrderedDict[ItemId, _Guess] = OrderedDict()
        self._learnt: dict[tuple[QueueName, ChannelKind], _Learnt] = {}

    def of(self, item: Item, now: datetime) -> tuple[int, float]:
        """The place (the first is 1) and the seconds."""
        place = self._pool.place_of(item)
        guess = _guess(place, self.staff(self._pool.need_of(item), now))
        if item.id not in self._asked:
            if len(self._asked) >= MOST_ASKED:
                self._asked.popitem(last=False)
            self._asked[item.id] = _Guess(now, guess, item.queue, item.kind)
        return place, guess * self._factor(item.queue, item.kind)

    def known_of(self, item: Item, now: datetime) -> float | None:
        """The seconds, if anybody is there who could serve it; ``None``: nobody can know."""
        if not self.staff(self._pool.need_of(item), now):
            return None
        return self.of(item, now)[1]

    def of_place(self, place: int, need: Need, staff: int) -> float:
        """What somebody would wait who stood there, with so many who could serve it."""
        return _guess(place, staff) * self._factor(need.queue, need.kind)

    def _factor(self, queue: QueueName, kind: ChannelKind) -> float:
        learnt = self._learnt.get((queue, kind))
        return 1.0 if learnt is None else learnt.factor

    # -- learning ---------------------------------------------------------------------------

    def served(self, item: ItemId, now: datetime) -> None:
        """It waits no more because somebody has it: so long it was, and so long was guessed."""
        guess = self._asked.pop(item, None)
        if guess is None:
            return
        learnt = self._learnt.setdefault((guess.queue, guess.kind), _Learnt())
        waited = max((now - guess.at).total_seconds(), 0.0)
        learnt.waited = learnt.waited * LASTS + waited
        learnt.guessed = learnt.guessed * LASTS + guess.seconds

    def forget(self, item: ItemId) -> None:
        """It waits no more, or anew, and nothing is to be learnt from that."""
        self._asked.pop(item, None)

    # -- agents -----------------------------------------------------------------------------

    def staff(self, need: Need, now: datetime) -> int:
        """How many who are connected could serve this need, at most a second ago."""
        known = self._staff.get(need)
        if known is not None and 0 <= (now - known[0]).total_seconds() < COUNTED_SECONDS:
            return known[1]
        state = self._state
        pools = [state.skill_holders.get(skill, {}) for skill, _ in need.skills]
        count = sum(
            1
            for name in min(pools, key=len, default=state.profiles)
            if (status := state.statuses.get(name)) is not None
            and status.tabs
            and meets(state.profiles[name], need)
        )
        if len(self._staff) >= MOST_COUNTS:
            self._staff.clear()
        self._staff[need] = (now, count)
        return count


def _guess(place: int, staff: int) -> float:
    return place * HANDLING_SECONDS / max(staff, 1)
