"""Several agents have become free, or several items have come, at once. Pure."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from heapq import heapify, heappop, heapreplace
from itertools import islice

from gateway.core.ids import AgentName, ItemId
from gateway.core.model import Item, ItemState
from gateway.core.routing.batch import Batch
from gateway.core.routing.choose import Chooser, Match, Rest
from gateway.core.routing.fit import busy
from gateway.core.routing.need import Need
from gateway.core.routing.pool import Place, Pool
from gateway.core.state import NodeState

AT_ONCE = 200
"""After so many looks others have a turn: some five milliseconds."""
STEPS_AT_ONCE = 3_000
"""The same for agents looked at on behalf of items that found nobody."""
MOST_IN_BATCH = 5_000
"""And up to ``AT_ONCE`` more."""
FEW = 24
"""So few agents are asked for what each could take; for more all that waits is looked through."""
REST = Rest()
_Head = tuple[float, ItemId]
_QUEUED = ItemState.QUEUED


class Many:
    """One item an agent, the most urgent first, and as many as can be. Used once.

    ``full``: there was more than it could hold. ``again`` are agents who may take more, and items
    that want a look of their own.
    """

    def __init__(self, state: NodeState, pool: Pool, chooser: Chooser, now: datetime) -> None:
        self.again_agents: dict[AgentName, None] = {}
        self.again_items: dict[ItemId, None] = {}
        self._state = state
        self._pool = pool
        self._chooser = chooser
        self._now = now
        self._batch = Batch(pool.agents)
        self._reasons: dict[AgentName, str] = {}
        self._done: set[Need] = set()
        self._line: list[Place] = []

    @property
    def full(self) -> bool:
        return len(self._batch) >= MOST_IN_BATCH

    def matches(self, agents: Sequence[AgentName], items: Sequence[Item]) -> Iterator[Match | Rest]:
        """For these, who stand in the pool, and these, which wait there."""
        free = self._pool.agents
        if not free.count:
            return
        try:
            if len(agents) + len(items) > FEW:
                self._line = yield from self._pool.line_up(REST)
                ahead = self._of_all()
            else:
                ahead = self._of_few(agents, items)
            looked, steps_left = 0, self._batch.steps_left
            for item, need in ahead:
                if not self._plan(item, need):
                    self._done.add(need)
                looked += 1
                if looked >= AT_ONCE or steps_left - self._batch.steps_left > STEPS_AT_ONCE:
                    if self.full:
                        break
                    yield REST
                    looked, steps_left = 0, self._batch.steps_left
            yield from self._give()
        finally:
            free.bring_back()

    def _give(self) -> Iterator[Match]:
        """What was planned, as far as it still holds: others had their turns meanwhile."""
        for agent, item, need in self._batch:
            if self._waits(item.id):
                if busy(self._state, agent, need) is None:
                    why = self._reasons.get(agent)
                    why = why or self._chooser.why(item, agent, need, self._now)
                    yield Match(item.id, agent, why)
                else:
                    self.again_items[item.id] = None
            if self._pool.agents.come_back(agent):
                self.again_agents[agent] = None

    def _plan(self, item: Item, need: Need) -> bool:
        """Find an agent for the item; whether the next with the same need may find one too."""
        if not item.passed and item.last_agent is None and item.id not in self._state.kept_for:
            return self._batch.place(item, need)
        found = self._chooser.choose(item, need, self._now)
        if isinstance(found, Match) and self._batch.keep(item, need, found.agent):
            self._reasons[found.agent] = found.reason
        elif found is not None:
            self.again_items[item.id] = None
        return True

    def in_turn(self, items: Sequence[Item]) -> list[ItemId]:
        """These, the most urgent first, if anybody was free."""
        names = [item.id for item in items]
        if not self._line:
            return names
        wanted = set(names)
        return [name for _, name, _ in self._line if name in wanted]

    def _of_all(self) -> Iterator[tuple[Item, Need]]:
        """Whatever waits, the most urgent first, until nobody is free.

        Needs that have come to be done are left out.
        """
        items, done, free = self._state.items, self._done, self._pool.agents
        # A list, for others have their turn while it is gone through.
        for _, found, need in self._line:
            if not free.count:
                return
            if need not in done:
                item = items.get(found)
                if item is not None and item.state is _QUEUED:
                    yield item, need

    def _of_few(
        self, agents: Sequence[AgentName], items: Sequence[Item]
    ) -> Iterator[tuple[Item, Need]]:
        """The same of whatever these agents could take, and these items."""
        heads = self._heads(agents, items)
        ahead = [(head, n, need) for n, (need, head) in enumerate(heads.items())]
        heapify(ahead)
        lines: dict[Need, Iterator[Item]] = {}
        while ahead and self._pool.agents.count:
            head, n, need = ahead[0]
            if need in self._done:
                heappop(ahead)
                continue
            if self._waits(head[1]):
                yield self._state.items[head[1]], need
            line = lines.get(need)
            if line is None:
                line = lines[need] = self._pool.waiting_items(need)
            # Others have had their turns: whoever has come in front since is looked at then.
            behind = (one for item in line if (one := self._head(item)) > head)
            following = next(behind, None)
            if following is None:
                heappop(ahead)
            else:
                heapreplace(ahead, (following, n, need))

    def _head(self, item: Item) -> _Head:
        return self._pool.rank_of(item.id), item.id

    def _heads(self, agents: Sequence[AgentName], items: Sequence[Item]) -> dict[Need, _Head]:
        """The needs, each with who is to be looked at first."""
        heads: dict[Need, _Head] = {}
        for item in items:
            need, head = self._pool.need_of(item), self._head(item)
            heads[need] = min(heads.get(need, head), head)
        most = len(agents) + len(items)
        for agent in agents:
            # Of the first so many the others can take all but one.
            heads.update((need, head) for head, need in islice(self._pool.waiting_for(agent), most))
        return heads

    def _waits(self, item: ItemId) -> bool:
        found = self._state.items.get(item)
        return found is not None and found.state is _QUEUED
