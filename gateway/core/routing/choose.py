"""One item and one agent: who is best for an item, what is best for an agent, and why. Pure."""

from collections.abc import Callable
from datetime import datetime, timedelta

from msgspec import Struct

from gateway.core.ids import AgentName, ItemId
from gateway.core.model import Item
from gateway.core.overflow import Wanted
from gateway.core.routing.fit import (
    NO_CAPACITY,
    busy,
    meets,
    pass_ends,
    passed_lately,
    unavailable,
)
from gateway.core.routing.need import Need
from gateway.core.routing.pool import Pool
from gateway.core.state import NodeState

_CHOSEN = {
    "longest_idle": "available for longest of those who fit",
    "least_occupied": "has least in hand of those who fit",
    "round_robin": "has had the fewest offers of those who fit",
}


class Match(Struct, frozen=True):
    """Offer this item to this agent because of ``reason``."""

    item: ItemId
    agent: AgentName
    reason: str


class Wait(Struct, frozen=True, order=True):
    """Look at this item again at ``at``: something that excluded an agent ends then."""

    at: datetime
    item: ItemId


class Rest(Struct, frozen=True):
    """Much is being looked at afresh: let others have a turn."""


class Chooser:
    """Looks at the state and the pool, and changes neither.

    ``awaited`` hears which item is kept for which agent; ``kept`` which item may not go to the
    agent who is being served and wants a look of its own.
    """

    def __init__(
        self,
        state: NodeState,
        pool: Pool,
        awaited: Callable[[ItemId, AgentName], None],
        kept: Callable[[ItemId], None],
    ) -> None:
        self._state = state
        self._pool = pool
        self._agents = pool.agents
        self._awaited = awaited
        self._kept = kept
        self.sought: set[ItemId] = set()
        """What is kept until it is known whether its last agent, who is elsewhere, can have it."""

    def choose(self, item: Item, need: Need, now: datetime) -> Match | datetime | None:
        """Whom to offer it to, or when to look again; ``None``: when something has changed."""
        kept = self._state.kept_for.get(item.id)
        if kept is not None and busy(self._state, kept, need) is None:
            why = "was kept free for it: nobody was at the node it came from"
            if kept == item.last_agent:
                why = self.why(item, kept, need, now)
            return Match(item.id, kept, why)
        if item.last_agent is not None:
            last = self.last_agent(item, need, now)
            if last is not None:
                return last
        ends: list[datetime] = []
        for agent in self._agents.for_need(need):
            if not item.passed or (passed := passed_lately(item, agent, now)) is None:
                return Match(item.id, agent, self.why(item, agent, need, now))
            ends.append(pass_ends(passed))
        return min(ends, default=None)

    def last_agent(self, item: Item, need: Need, now: datetime) -> Match | datetime | None:
        """The agent who knows the matter: at once if free, awaited a little if at work."""
        agent = self.meant_for(item, need, now)
        if agent is None:
            return None
        blocked = unavailable(self._state, agent, need)
        if blocked is None:
            return Match(item.id, agent, "had this case last")
        until = self.affinity_until(item)
        waits = blocked == NO_CAPACITY or item.promise is not None or item.id in self.sought
        if waits and until > now:
            self._awaited(item.id, agent)
            return until
        return None

    def meant_for(self, item: Item, need: Need, now: datetime) -> AgentName | None:
        """The last agent, wherever at work, who fits and has not just let it go by."""
        agent = item.last_agent
        profile = self._state.profiles.get(agent) if agent else None
        if agent is None or profile is None or not meets(profile, need):
            return None
        return None if passed_lately(item, agent, now) is not None else agent

    def agent_for(self, wanted: Wanted, now: datetime) -> AgentName | None:
        """The best available agent for an item that is not here."""
        for agent in self._agents.for_need(wanted.need):
            if not any(p.agent == agent and now < pass_ends(p) for p in wanted.passed):
                return agent
        return None

    def affinity_until(self, item: Item) -> datetime:
        """The queue's limit, but not past the time by which it is due; a promise's own."""
        if item.promise is not None:
            return item.promise.due_at + timedelta(seconds=item.promise.grace)
        queue = self._state.queues.get(item.queue)
        seconds = queue.affinity_seconds if queue else 0.0
        if item.callback is not None and item.callback.ready_at is not None:
            # The time that was asked for is the one at which it is due: only now may it be kept.
            return item.callback.ready_at + timedelta(seconds=seconds)
        until = (item.queued_at or item.created_at) + timedelta(seconds=seconds)
        return until if item.due_at is None else min(until, item.due_at)

    def _kept_from(self, item: Item, agent: AgentName, now: datetime) -> bool:
        if item.passed and passed_lately(item, agent, now) is not None:
            return True
        if item.last_agent in (None, agent) or self.affinity_until(item) <= now:
            return False
        return self.last_agent(item, self._pool.need_of(item), now) is not None

    def best_item(self, agent: AgentName, free: int, now: datetime) -> Match | None:
        """The most urgent item that this agent can take, who is available and has room for it."""
        items = self._state.items
        kept: list[ItemId] = []

        def may(name: ItemId, need: Need) -> bool:
            if need.cost is not None and busy(self._state, agent, need) is not None:
                return False  # the pool knows what its kind takes at least, in whichever queue
            item = items[name]
            if (item.last_agent is None and not item.passed) or not self._kept_from(
                item, agent, now
            ):
                return True
            kept.append(name)
            return False

        found = self._pool.first_for(agent, free, may)
        for name in kept:
            # Nothing else may happen to it: ``_best_agent`` says until when to wait.
            self._kept(name)
        if found is None:
            return None
        (_, name), need = found
        item = items[name]
        return Match(name, agent, self.why(item, agent, need, now))

    def why(self, item: Item, agent: AgentName, need: Need, now: datetime) -> str:
        if item.last_agent == agent:
            return "had this case last"
        state = self._state
        skills = state.profiles[agent].skills
        has = [f"{skill} {skills.get(skill, 0)}" for skill, _ in need.skills]
        for language in need.languages:
            if language in skills:
                has.append(f"{language} {skills[language]}")
                break
        said = f"has {', '.join(has)}" if has else "needs no particular skill"
        if item.ring:
            said += f" (ring {item.ring})"
        queue = state.queues.get(item.queue)
        choice = queue.policy.choice if queue is not None else "best_fit"
        in_hand = state.count_in_hand(agent)
        if choice != "best_fit":
            return f"{said}; {_CHOSEN[choice]} ({in_hand} in hand)"
        if in_hand:
            return f"{said}; first in line among the best fits ({in_hand} in hand)"
        idle = (now - state.statuses[agent].idle_since).total_seconds()
        return f"{said}; idle longest among the best fits ({idle:.0f} s)"
