"""The choice: who is offered what, with the reason in words.

Event-driven: the router marks items and agents that have changed, ``matches`` settles them and
leaves no waiting item beside an available agent who could take it, but for those who let it go
by a moment ago and for the short wait for the last agent (affinity).
"""

from collections.abc import Iterator
from datetime import datetime, timedelta

from msgspec import Struct

from gateway.core.events import Row
from gateway.core.ids import AgentName, Context, ItemId, OfferId
from gateway.core.lifecycle import ENDED
from gateway.core.model import AgentProfile, AgentStatus, Item, ItemState, Offer, Queue, Site
from gateway.core.overflow import Wanted
from gateway.core.routing.fit import (
    NO_CAPACITY,
    busy,
    how_passed,
    lacks,
    pass_ends,
    passed_lately,
    unavailable,
)
from gateway.core.routing.need import Need, need_of
from gateway.core.routing.pool import Pool
from gateway.core.state import NodeState
from gateway.core.times import offer_seconds


class Match(Struct, frozen=True):
    """Offer this item to this agent because of ``reason``."""

    item: ItemId
    agent: AgentName
    reason: str


class Wait(Struct, frozen=True, order=True):
    """Look at this item again at ``at``: something that excluded an agent ends then."""

    at: datetime
    item: ItemId


class Engine:
    """Routing's memory between decisions: the indexes, and what has changed since."""

    def __init__(self, state: NodeState) -> None:
        self._state = state
        self._pool = Pool(state)
        self._items: dict[ItemId, None] = {}
        self._agents: dict[AgentName, None] = {}
        self._holders: dict[ItemId, AgentName] = {}
        self._awaiting: dict[AgentName, dict[ItemId, None]] = {}
        self._directory_changed = False
        for item in state.items.values():
            self.note(item)

    @property
    def pool(self) -> Pool:
        return self._pool

    @property
    def pending(self) -> bool:
        """Whether something has changed that ``matches`` has not looked at."""
        return bool(self._items or self._agents or self._directory_changed)

    def note(self, row: Row) -> None:
        """A row has changed; remember what it may make possible."""
        if type(row) is Item:
            self._note_holder(row)
            if row.state is ItemState.QUEUED:
                self._pool.enter_item(row)
                self._items[row.id] = None
            else:
                self._pool.leave_item(row.id)
                self._items.pop(row.id, None)
        elif type(row) is AgentStatus:
            self._agents[row.name] = None
            for item in self._awaiting.pop(row.name, ()):
                self.look_again(item)
        elif type(row) is AgentProfile or type(row) is Queue:
            self._directory_changed = True
        elif type(row) is Site:
            self._agents.update(dict.fromkeys(self._state.at_site(row.name)))

    def forget(self, item: ItemId) -> None:
        """Another node decides about it from now on."""
        self._pool.leave_item(item)
        self._items.pop(item, None)
        holder = self._holders.pop(item, None)
        if holder is not None:
            self._agents[holder] = None

    def _note_holder(self, item: Item) -> None:
        """Whoever held the item until now has room again."""
        holder = item.offer.agent if item.offer else item.agent
        if item.state in ENDED or holder is None:
            before = self._holders.pop(item.id, None)
        else:
            before = self._holders.get(item.id)
            self._holders[item.id] = holder
        if before is not None and (before != holder or item.state in ENDED):
            self._agents[before] = None

    def look_again(self, item: ItemId) -> None:
        """The time of a ``Wait`` has come, or what it waited for has changed."""
        found = self._state.items.get(item)
        if found is not None and found.state is ItemState.QUEUED:
            self._items[item] = None

    def _relearn(self) -> None:
        self._directory_changed = False
        self._pool.forget()
        for item in self._state.items.values():
            if item.state is ItemState.QUEUED:
                self._pool.enter_item(item)
                self._items[item.id] = None

    def matches(self, now: datetime) -> Iterator[Match | Wait]:
        """One after the other; the caller applies each match before asking for the next."""
        if self._directory_changed:
            self._relearn()
        agents = self._drain_agents()
        for name in agents:
            self._pool.enter_agent(name)
        for name in agents:
            yield from self._serve(name, now)
        marked = [i for i in self._items if self._is_waiting(i)]
        self._items.clear()
        marked.sort(key=self._pool.rank_of)
        for item_id in marked:
            if self._is_waiting(item_id):
                yield from self._best_agent(self._state.items[item_id], now)

    def _drain_agents(self) -> list[AgentName]:
        agents = [a for a in self._agents if a in self._state.statuses]
        self._agents.clear()
        agents.sort(key=lambda a: self._state.statuses[a].idle_since)
        return agents

    def _is_waiting(self, item: ItemId) -> bool:
        found = self._state.items.get(item)
        return found is not None and found.state is ItemState.QUEUED

    def _serve(self, agent: AgentName, now: datetime) -> Iterator[Match | Wait]:
        """Work for an agent who may have become available, most urgent first.

        What waited before waits for want of such an agent. What has just come may have a better
        one, who was free all the time.
        """
        while (found := self._best_item(agent, now)) is not None:
            if found.item in self._items:
                del self._items[found.item]
                yield from self._best_agent(self._state.items[found.item], now)
            else:
                yield found

    def _best_item(self, agent: AgentName, now: datetime) -> Match | None:
        """The most urgent item that this newly available agent can take."""
        best: tuple[float, Item, Need] | None = None
        for need in self._pool.needs_waiting_for(agent):
            if unavailable(self._state, agent, need) is not None:
                continue
            for item in self._pool.waiting_items(need):
                if self._kept_from(item, agent, now):
                    # Nothing else may happen to it: ``_best_agent`` says until when to wait.
                    self._items[item.id] = None
                    continue
                at = self._pool.rank_of(item.id)
                if best is None or at < best[0]:
                    best = (at, item, need)
                break
        if best is None:
            return None
        _, item, need = best
        return Match(item.id, agent, self._why(item, agent, need, now))

    def _best_agent(self, item: Item, now: datetime) -> Iterator[Match | Wait]:
        """The best available agent for this item, or until when to wait."""
        need = need_of(item, self._state.queues.get(item.queue))
        kept = self._state.kept_for.get(item.id)
        if kept is not None and busy(self._state, kept, need) is None:
            yield Match(item.id, kept, "was kept free for it: nobody was at the node it came from")
            return
        last = self._last_agent(item, need, now)
        if isinstance(last, Match | Wait):
            yield last
            if isinstance(last, Match) or last.at > now:
                return
        ends: list[datetime] = []
        for agent in self._pool.free_agents(need):
            if (passed := passed_lately(item, agent, now)) is not None:
                ends.append(pass_ends(passed))
                continue
            yield Match(item.id, agent, self._why(item, agent, need, now))
            return
        if ends:
            yield Wait(min(ends), item.id)

    def _last_agent(self, item: Item, need: Need, now: datetime) -> Match | Wait | None:
        """The agent who knows the matter: at once if free, awaited a little if at work."""
        agent = item.last_agent
        profile = self._state.profiles.get(agent) if agent else None
        if agent is None or profile is None or lacks(profile, need):
            return None
        if passed_lately(item, agent, now) is not None:
            return None
        blocked = unavailable(self._state, agent, need)
        if blocked is None:
            return Match(item.id, agent, "had this case last")
        until = self._affinity_until(item)
        if blocked == NO_CAPACITY and until > now:
            self._awaiting.setdefault(agent, {})[item.id] = None
            return Wait(until, item.id)
        return None

    def awaits_agent(self, item: Item, now: datetime) -> bool:
        """Whether a waiting item is kept a little for its last agent, who is at work here."""
        need = need_of(item, self._state.queues.get(item.queue))
        last = self._last_agent(item, need, now)
        return isinstance(last, Match) or (isinstance(last, Wait) and last.at > now)

    def agent_for(self, wanted: Wanted, now: datetime) -> AgentName | None:
        """The best available agent for an item that is not here."""
        for agent in self._pool.free_for(wanted.need):
            if not any(p.agent == agent and now < pass_ends(p) for p in wanted.passed):
                return agent
        return None

    def _affinity_until(self, item: Item) -> datetime:
        queue = self._state.queues.get(item.queue)
        seconds = queue.affinity_seconds if queue else 0.0
        return (item.queued_at or item.created_at) + timedelta(seconds=seconds)

    def _kept_from(self, item: Item, agent: AgentName, now: datetime) -> bool:
        if passed_lately(item, agent, now) is not None:
            return True
        if item.last_agent in (None, agent) or self._affinity_until(item) <= now:
            return False
        need = need_of(item, self._state.queues.get(item.queue))
        return isinstance(self._last_agent(item, need, now), Match | Wait)

    def _why(self, item: Item, agent: AgentName, need: Need, now: datetime) -> str:
        if item.last_agent == agent:
            return "had this case last"
        profile = self._state.profiles[agent]
        has = ", ".join(f"{s} {profile.skills.get(s, 0)}" for s, _ in need.skills)
        skills = f"has {has}" if has else "needs no particular skill"
        in_hand = len(self._state.in_hand(agent))
        if in_hand:
            return f"{skills}; has least in hand among the best fits ({in_hand})"
        idle = (now - self._state.statuses[agent].idle_since).total_seconds()
        return f"{skills}; idle longest among the best fits ({idle:.0f} s)"


def offer_for(state: NodeState, match: Match, ctx: Context) -> Offer:
    """The offer that a match becomes."""
    item = state.items[match.item]
    seconds = offer_seconds(state.queues.get(item.queue), item.kind)
    return Offer(
        id=OfferId(ctx.new_id()),
        agent=match.agent,
        made_at=ctx.now,
        deadline=ctx.now + timedelta(seconds=seconds),
        reason=match.reason,
    )


def explain(state: NodeState, item: Item, now: datetime, *, named: int = 5) -> str:
    """Why an item still waits: how many agents are excluded, and by what."""
    need = need_of(item, state.queues.get(item.queue))
    counts: dict[str, list[AgentName]] = {}
    for name, profile in state.profiles.items():
        passed = passed_lately(item, name, now)
        why = (
            lacks(profile, need)
            or unavailable(state, name, need)
            or (how_passed(passed, now) if passed else "could take it")
        )
        counts.setdefault(why, []).append(name)
    said = [
        f"{len(names)} {why} ({', '.join(names[:named])}{', …' if len(names) > named else ''})"
        for why, names in sorted(counts.items(), key=lambda kv: -len(kv[1]))
    ]
    return f"needs {need}; " + ("; ".join(said) or "there are no agents")
