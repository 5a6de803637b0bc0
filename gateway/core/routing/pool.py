"""Indexes for routing: waiting items by need, available agents by need.

An agent is entered, while available, under every known need that the profile meets; which needs
those can be is found through one key skill a need, so neither side is ever scanned. Agents are
checked against the state when they come up; whoever has become better placed must be entered
again. Needs that nobody has any more are forgotten when there are many.
"""

from collections.abc import Iterator

from gateway.core.ids import AgentName, ItemId, SkillName
from gateway.core.model import Item
from gateway.core.routing.fit import lacks, unavailable, waste
from gateway.core.routing.line import Line
from gateway.core.routing.need import Need, need_of
from gateway.core.routing.rank import rank
from gateway.core.state import NodeState

_Rank = tuple[int, int, float]
_ANY = SkillName("")
MANY_NEEDS = 512


class Pool:
    """Who waits and who is free, by need."""

    def __init__(self, state: NodeState) -> None:
        self._state = state
        self._waiting: dict[Need, Line[ItemId, float]] = {}
        self._need_of: dict[ItemId, Need] = {}
        self._free: dict[Need, Line[AgentName, _Rank]] = {}
        self._by_skill: dict[SkillName, dict[Need, None]] = {}
        self._many = MANY_NEEDS

    @property
    def entries(self) -> int:
        """What the lines hold in memory, void entries included."""
        waiting = sum(line.entries for line in self._waiting.values())
        return waiting + sum(line.entries for line in self._free.values())

    @property
    def needs(self) -> int:
        """Needs that are known."""
        return len(self._free)

    # -- entering ---------------------------------------------------------------------------

    def enter_item(self, item: Item) -> Need:
        """Put a queued item in its place, which may have changed."""
        queue = self._state.queues.get(item.queue)
        need = need_of(item, queue)
        if self._need_of.get(item.id) != need:
            self.leave_item(item.id)
            self._need_of[item.id] = need
        self._waiting.setdefault(need, Line()).put(item.id, rank(item, queue))
        self._learn(need)
        return need

    def leave_item(self, item: ItemId) -> None:
        """The item waits no more."""
        need = self._need_of.pop(item, None)
        if need is not None:
            line = self._waiting[need]
            line.drop(item)
            if not line:
                del self._waiting[need]

    def enter_agent(self, agent: AgentName) -> None:
        """The agent may have become available, or better placed: enter it wherever it fits."""
        status = self._state.statuses.get(agent)
        if status is None or status.tabs == 0:
            return
        for need in self._needs_of(agent):
            if unavailable(self._state, agent, need) is None:
                self._free[need].put(agent, self._rank(agent, need))

    def forget(self) -> None:
        """The directory has changed: learn the agents' side afresh."""
        self._free.clear()
        self._by_skill.clear()
        for need in self._waiting:
            self._learn(need)

    def _learn(self, need: Need) -> None:
        if need in self._free:
            return
        if len(self._free) >= self._many:
            self._forget_unused()
        state = self._state
        holders = state.skill_holders
        key = min((s for s, _ in need.skills), key=lambda s: len(holders.get(s, ())), default=_ANY)
        self._by_skill.setdefault(key, {})[need] = None
        candidates = state.profiles if key == _ANY else holders.get(key, {})
        free: Line[AgentName, _Rank] = Line()
        self._free[need] = free
        for name in candidates:
            fits = lacks(state.profiles[name], need) is None
            if fits and unavailable(state, name, need) is None:
                free.put(name, self._rank(name, need))

    def _forget_unused(self) -> None:
        self._free = {n: line for n, line in self._free.items() if n in self._waiting}
        used = {s: {n: None for n in ns if n in self._free} for s, ns in self._by_skill.items()}
        self._by_skill = {s: ns for s, ns in used.items() if ns}
        self._many = max(MANY_NEEDS, 2 * len(self._free))

    def _rank(self, agent: AgentName, need: Need) -> _Rank:
        """Who wastes least of what is scarce, then who has least in hand, then longest idle."""
        state = self._state
        spare = waste(state.profiles[agent], need, state.skill_holders)
        idle_since = state.statuses[agent].idle_since.timestamp()
        return (spare, len(state.in_hand(agent)), idle_since)

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
        """Available agents for this need, best first."""
        line = self._free.get(need)
        if line is None:
            return
        for agent in line.in_order():
            if unavailable(self._state, agent, need) is not None:
                line.drop(agent)
                continue
            rank_now = self._rank(agent, need)
            if rank_now != line.rank_of(agent):
                line.put(agent, rank_now)  # it comes up again in its place
                continue
            yield agent

    def free_for(self, need: Need) -> Iterator[AgentName]:
        """The same for a need that nobody here need have."""
        self._learn(need)
        return self.free_agents(need)

    def waiting_needs(self) -> list[Need]:
        """What is asked of agents by whatever waits."""
        return list(self._waiting)

    def waiting_items(self, need: Need) -> Iterator[Item]:
        """Items waiting with this need, most urgent first."""
        line = self._waiting.get(need)
        if line is not None:
            for item in line.in_order():
                yield self._state.items[item]

    def needs_waiting_for(self, agent: AgentName) -> list[Need]:
        """Needs that this agent meets and that have somebody waiting."""
        return [need for need in self._needs_of(agent) if need in self._waiting]

    def rank_of(self, item: ItemId) -> float:
        """The waiting item's place in the one line of all channels."""
        return self._waiting[self._need_of[item]].rank_of(item)

    def place_of(self, item: Item) -> int:
        """How many with the same need stand before it, plus one."""
        need = self._need_of.get(item.id)
        return 1 if need is None else self._waiting[need].ahead_of(item.id) + 1
