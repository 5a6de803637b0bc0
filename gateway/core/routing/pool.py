"""Indexes for routing: waiting items by need, available agents by need.

Both are heaps with lazy deletion. An agent is entered, while available, under every known need
that the profile meets; which needs those can be is found through one key skill a need, so
neither side is ever scanned. Entries are checked against the state when they come up.
"""

import heapq
from collections.abc import Iterator

from gateway.core.ids import AgentName, ItemId, SkillName
from gateway.core.model import Item, ItemState
from gateway.core.routing.fit import lacks, unavailable, waste
from gateway.core.routing.need import Need, need_of
from gateway.core.routing.rank import rank
from gateway.core.state import NodeState

_Waiting = tuple[float, ItemId]
_Free = tuple[int, float, AgentName]
_ANY = SkillName("")


class Pool:
    """Who waits and who is free, by need."""

    def __init__(self, state: NodeState) -> None:
        self._state = state
        self._waiting: dict[Need, list[_Waiting]] = {}
        self._free: dict[Need, list[_Free]] = {}
        self._by_skill: dict[SkillName, set[Need]] = {}
        self._ranks: dict[ItemId, float] = {}
        self._entered: dict[Need, set[AgentName]] = {}

    # -- entering ---------------------------------------------------------------------------

    def enter_item(self, item: Item) -> Need:
        """Put a queued item in its place; a changed rank makes the old entry void."""
        queue = self._state.queues.get(item.queue)
        need = need_of(item, queue)
        self._learn(need)
        at = rank(item, queue)
        if self._ranks.get(item.id) != at:
            self._ranks[item.id] = at
            heapq.heappush(self._waiting.setdefault(need, []), (at, item.id))
        return need

    def leave_item(self, item: ItemId) -> None:
        """The item waits no more."""
        self._ranks.pop(item, None)

    def enter_agent(self, agent: AgentName) -> None:
        """The agent may have become available: enter it under all needs it meets."""
        status = self._state.statuses.get(agent)
        if status is None or status.tabs == 0:
            return
        for need in self._needs_of(agent):
            # An entry that is still there has an idle time no later than now's, so it comes up
            # no later than it should and is put right then: one entry an agent is enough.
            entered = self._entered[need]
            if agent not in entered and unavailable(self._state, agent, need) is None:
                entered.add(agent)
                heapq.heappush(self._free[need], self._entry(agent, need))

    def forget(self) -> None:
        """The directory has changed: learn the agents' side afresh."""
        needs = list(self._free)
        self._free.clear()
        self._by_skill.clear()
        self._entered.clear()
        for need in needs:
            self._learn(need)

    def _learn(self, need: Need) -> None:
        if need in self._free:
            return
        state = self._state
        holders = state.skill_holders
        key = min((s for s, _ in need.skills), key=lambda s: len(holders.get(s, ())), default=_ANY)
        self._by_skill.setdefault(key, set()).add(need)
        candidates = state.profiles if key == _ANY else holders.get(key, {})
        free = [
            self._entry(name, need)
            for name in candidates
            if lacks(state.profiles[name], need) is None and unavailable(state, name, need) is None
        ]
        heapq.heapify(free)
        self._free[need] = free
        self._entered[need] = {name for _, _, name in free}

    def _entry(self, agent: AgentName, need: Need) -> _Free:
        state = self._state
        spare = waste(state.profiles[agent], need, state.skill_holders)
        return (spare, state.statuses[agent].idle_since.timestamp(), agent)

    def _needs_of(self, agent: AgentName) -> Iterator[Need]:
        profile = self._state.profiles.get(agent)
        if profile is None:
            return
        for skill in (_ANY, *profile.skills):
            for need in self._by_skill.get(skill, ()):
                if lacks(profile, need) is None:
                    yield need

    # -- taking -----------------------------------------------------------------------------

    def free_agents(self, need: Need) -> Iterator[AgentName]:
        """Available agents for this need, best first. Valid ones stay entered."""
        heap = self._free.get(need, [])
        entered = self._entered.get(need, set())
        kept: list[_Free] = []
        try:
            while heap:
                entry = heapq.heappop(heap)
                agent = entry[2]
                if unavailable(self._state, agent, need) is not None:
                    entered.discard(agent)
                    continue
                current = self._entry(agent, need)
                if current != entry:
                    heapq.heappush(heap, current)
                    continue
                kept.append(entry)
                yield agent
        finally:
            for entry in kept:
                heapq.heappush(heap, entry)

    def waiting_items(self, need: Need) -> Iterator[Item]:
        """Items waiting with this need, most urgent first. Valid ones stay entered."""
        heap = self._waiting.get(need, [])
        kept: list[_Waiting] = []
        seen: set[ItemId] = set()
        try:
            while heap:
                entry = heapq.heappop(heap)
                at, item_id = entry
                item = self._state.items.get(item_id)
                if item is None or item.state is not ItemState.QUEUED or item_id in seen:
                    continue
                if self._ranks.get(item_id) != at:
                    continue
                if need_of(item, self._state.queues.get(item.queue)) != need:
                    continue
                seen.add(item_id)
                kept.append(entry)
                yield item
        finally:
            for entry in kept:
                heapq.heappush(heap, entry)

    def needs_waiting_for(self, agent: AgentName) -> list[Need]:
        """Needs that this agent meets and that have somebody waiting."""
        return [need for need in self._needs_of(agent) if self._waiting.get(need)]

    def rank_of(self, item: ItemId) -> float:
        """The item's place in the one line of all channels."""
        return self._ranks[item]

    def place_of(self, item: Item) -> int:
        """How many with the same need stand before it, plus one."""
        need = need_of(item, self._state.queues.get(item.queue))
        own = self._ranks.get(item.id)
        if own is None:
            return 1
        ahead = {
            i for at, i in self._waiting.get(need, []) if at < own and self._ranks.get(i) == at
        }
        return len(ahead) + 1
