"""How long a waiting item may expect to wait. Pure."""

from collections.abc import Callable
from datetime import datetime

from gateway.core.model import Item
from gateway.core.routing.fit import meets
from gateway.core.routing.need import Need
from gateway.core.routing.pool import Pool
from gateway.core.state import NodeState

HANDLING_SECONDS = 240.0
"""Handling time assumed for the expected wait until it is measured."""
COUNTED_SECONDS = 1.0
"""How long a count of agents is good for: thousands may ask between two changes."""
MOST_COUNTS = 1_000
Expected = Callable[[Item], float]


class Expectation:
    """Place in the line and expected wait; counts of agents are remembered for a second."""

    def __init__(self, state: NodeState, pool: Pool) -> None:
        self._state = state
        self._pool = pool
        self._staff: dict[Need, tuple[datetime, int]] = {}

    def of(self, item: Item, now: datetime) -> tuple[int, float]:
        """The place (the first is 1) and the seconds."""
        place = self._pool.place_of(item)
        staff = self.staff(self._pool.need_of(item), now)
        return place, place * HANDLING_SECONDS / max(staff, 1)

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
