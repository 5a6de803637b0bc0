"""Many at once: the most urgent items that can all be served together. Pure.

Items are taken in the order of their rank; each gets the best free agent. One that finds nobody
may take the place of another that can go to somebody else, over as many steps as it needs (an
augmenting path). So nothing is left waiting that could be served beside all that is more urgent:
as many are served as an optimal assignment would, and the most urgent of them.
"""

from collections import deque
from collections.abc import Iterator

from gateway.core.ids import AgentName
from gateway.core.model import Item
from gateway.core.routing.available import Available
from gateway.core.routing.need import Need

MOST_STEPS = 200_000
"""Agents looked at on behalf of items that found nobody, in one batch."""
MOST_STEPS_AN_ITEM = 3_000
"""The same for one item: some milliseconds."""


class Batch:
    """Who gets what, one item an agent. While it is made, those agents stand apart in the pool."""

    def __init__(self, agents: Available) -> None:
        self._agents = agents
        self._given: dict[AgentName, tuple[Item, Need]] = {}
        self._fixed: set[AgentName] = set()
        self.steps_left = MOST_STEPS

    def __len__(self) -> int:
        return len(self._given)

    def __iter__(self) -> Iterator[tuple[AgentName, Item, Need]]:
        for agent, (item, need) in self._given.items():
            yield agent, item, need

    def keep(self, item: Item, need: Need, agent: AgentName) -> bool:
        """Give it to this agent and to nobody else, whoever comes; not if another is kept so.

        What was planned for the agent goes to somebody else, if there is anybody.
        """
        if agent in self._fixed:
            return False
        before = self._given.get(agent)
        self._fixed.add(agent)
        self._give(item, need, agent)
        if before is not None:
            self.place(*before)
        return True

    def _give(self, item: Item, need: Need, agent: AgentName) -> None:
        self._given[agent] = item, need
        self._agents.set_aside(agent)

    def place(self, item: Item, need: Need) -> bool:
        """Give it to the best free agent, or make room for it. Whether somebody has it now."""
        agent = next(self._agents.for_need(need), None)
        if agent is not None:
            self._give(item, need, agent)
            return True
        return self._agents.count > 0 and self._make_room(item, need)

    def _make_room(self, item: Item, need: Need) -> bool:
        came_by: dict[AgentName, AgentName | None] = {}
        tried: set[Need] = {need}
        least = max(self.steps_left - MOST_STEPS_AN_ITEM, 0)
        asking: deque[tuple[Need, AgentName | None]] = deque([(need, None)])
        while asking and self.steps_left > least:
            asked, by = asking.popleft()
            for agent in self._agents.apart(asked):
                self.steps_left -= 1
                if agent in came_by or agent in self._fixed:
                    continue
                came_by[agent] = by
                held = self._given[agent][1]
                if held in tried:
                    continue
                tried.add(held)
                other = next(self._agents.for_need(held), None)
                if other is not None:
                    self._shift(other, agent, came_by, item, need)
                    return True
                asking.append((held, agent))
        # Whoever was reached from here leads to nobody who is free, and never will in this batch.
        for agent in came_by:
            self._agents.out_of_reach(agent)
        return False

    def _shift(
        self,
        free: AgentName,
        agent: AgentName,
        came_by: dict[AgentName, AgentName | None],
        item: Item,
        need: Need,
    ) -> None:
        """Each on the way hands what it was given to the one after, the last to who is free."""
        self._give(*self._given[agent], free)
        while (by := came_by[agent]) is not None:
            self._given[agent] = self._given[by]
            agent = by
        self._given[agent] = item, need
