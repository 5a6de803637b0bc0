"""The choice: who is offered what, with the reason in words.

Event-driven: the router marks items and agents that have changed, ``matches`` settles them and
leaves no waiting item beside an available agent who could take it, but for those who let it go
by a moment ago and for the short wait for the last agent (affinity).
"""

from collections.abc import Generator, Iterator
from datetime import datetime, timedelta

from gateway.core.events import Row
from gateway.core.ids import AgentName, Context, ItemId, OfferId, QueueName
from gateway.core.lifecycle import ENDED
from gateway.core.model import (
    AgentProfile,
    AgentStatus,
    Case,
    ChannelKind,
    Item,
    ItemState,
    Offer,
    Queue,
    Site,
)
from gateway.core.overflow import Wanted
from gateway.core.routing.choose import Chooser, Match, Rest, Wait
from gateway.core.routing.expect import Expectation
from gateway.core.routing.many import AT_ONCE, FEW, REST, Many
from gateway.core.routing.pool import Pool
from gateway.core.routing.rings import Widen, widening
from gateway.core.state import NodeState
from gateway.core.times import offer_seconds

Found = Match | Wait | Widen | Rest
_QUEUED = ItemState.QUEUED


class Engine:
    """Routing's memory between decisions: the indexes, and what has changed since."""

    def __init__(self, state: NodeState) -> None:
        self._state = state
        self.pool = Pool(state)
        self.agents = self.pool.agents
        self.expectation = Expectation(state, self.pool)
        self._chooser = Chooser(state, self.pool, self._await, self._mark)
        self._items: dict[ItemId, None] = {}
        self._agents: dict[AgentName, None] = {}
        self._holders: dict[ItemId, AgentName] = {}
        self._awaiting: dict[AgentName, dict[ItemId, None]] = {}
        self._resting: set[ItemId] = set()
        self._stale: dict[ItemId, None] = {}
        self._queues: dict[QueueName, None] = {}
        self._tongues = state.tongues.changes
        self._prepared: set[tuple[QueueName, ChannelKind]] = set()
        self._unprepared: dict[tuple[QueueName, ChannelKind], None] = {}
        for item in state.items.values():
            self.note(item)

    @property
    def pending(self) -> bool:
        """Whether something has changed that ``matches`` has not looked at."""
        if self._items or self._agents:
            return True
        return bool(self._stale or self._queues) or self._tongues != self._state.tongues.changes

    # -- what has changed -------------------------------------------------------------------

    def note(self, row: Row) -> None:
        """A row has changed; remember what it may make possible."""
        if type(row) is Item:
            self._note_item(row)
        elif type(row) is AgentStatus:
            self._agents[row.name] = None
            if self._awaiting:
                for item in self._awaiting.pop(row.name, ()):
                    self.look_again(item)
        elif type(row) is Case:
            self._note_level(row)
        elif type(row) is AgentProfile:
            self.pool.define_agent(row.name)
            self._agents[row.name] = None
            # Who comes to a partly closed site, or leaves it, lets in or closes out somebody else.
            self._agents.update(dict.fromkeys(self._state.just_closed))
        elif type(row) is Queue:
            if self.agents.define_queue():
                self._agents.update(dict.fromkeys(self._state.statuses))
            self._queues[row.name] = None
        elif type(row) is Site:
            self._agents.update(dict.fromkeys(self._state.at_site(row.name)))

    def _note_item(self, item: Item) -> None:
        """Whoever held it until now has room again; whoever has it now, less."""
        name, state, offer = item.id, item.state, item.offer
        holder = offer.agent if offer is not None else item.agent
        if holder is None or state in ENDED:
            holder = None
            before = self._holders.pop(name, None)
        else:
            before = self._holders.get(name)
            if before != holder:
                self._holders[name] = holder
                self.agents.had_turn(holder)
                self.agents.enter(holder)
        if item.resting != (name in self._resting):
            self._note_rest(item, holder)
        if before is not None and before != holder:
            self._agents[before] = None
        if state is _QUEUED:
            self.pool.enter_item(name)
            self._items[name] = None
            if (what := (item.queue, item.kind)) not in self._prepared:
                self._unprepared[what] = None
        else:
            self.pool.leave_item(name)
            self._items.pop(name, None)

    def forget(self, item: ItemId) -> None:
        """Another node decides about it from now on."""
        self.pool.leave_item(item)
        self._items.pop(item, None)
        self._resting.discard(item)
        holder = self._holders.pop(item, None)
        if holder is not None:
            self._agents[holder] = None

    def _note_rest(self, item: Item, holder: AgentName | None) -> None:
        """A silent customer gives the agent room for others, and takes it back by writing."""
        if item.resting:
            self._resting.add(item.id)
        else:
            self._resting.discard(item.id)
        if holder is not None:
            self._agents[holder] = None

    def _note_level(self, case: Case) -> None:
        """What waits of a case that has gone to another level of the help desk asks for that."""
        for item in self._state.items_of_case(case.id):
            if item.state is ItemState.QUEUED and self.pool.need_of(item).desk[:1] != (case.level,):
                self._stale[item.id] = None

    def look_again(self, item: ItemId) -> None:
        """The time of a ``Wait`` has come, or what it waited for has changed."""
        if self._is_waiting(item):
            self._items[item] = None

    def _mark(self, item: ItemId) -> None:
        self._items[item] = None

    def _await(self, item: ItemId, agent: AgentName) -> None:
        self._awaiting.setdefault(agent, {})[item] = None

    def _catch_up(self) -> Iterator[Rest]:
        """Put what waits in its place again, where a queue or who speaks what has changed."""
        state = self._state
        tongues = state.tongues.changes
        if self._queues or self._tongues != tongues:
            languages, self._tongues = self._tongues != tongues, tongues
            queues, self._queues = self._queues, {}
            self._unprepared.update((one, None) for one in self._prepared if one[0] in queues)
            self._stale.update(
                (item.id, None)
                for item in state.items.values()
                if item.state is ItemState.QUEUED
                and (item.queue in queues or (languages and item.language))
            )
        yield from self._prepare()
        done = 0
        while self._stale:
            item = state.items.get(self._stale.popitem()[0])
            if item is not None and item.state is ItemState.QUEUED:
                self.pool.enter_item(item.id)
                self._items[item.id] = None
                done += 1
                if done % AT_ONCE == 0:
                    self.pool.settle()
                    yield REST
        while self.pool.behind > AT_ONCE:
            self.pool.settle(AT_ONCE)
            yield REST

    def _prepare(self) -> Iterator[Rest]:
        """Have agents stand as is asked by what has come that was not here before."""
        while self._unprepared:
            what, _ = self._unprepared.popitem()
            for _ in self.agents.prepare(self.agents.order_for(*what)):
                yield REST
            self._prepared.add(what)

    # -- what follows -----------------------------------------------------------------------

    def matches(self, now: datetime) -> Iterator[Found]:
        """One after the other; the caller applies each match before asking for the next."""
        if (
            self._stale
            or self._queues
            or self._unprepared
            or self.pool.behind > AT_ONCE
            or self._tongues != self._state.tongues.changes
        ):
            yield from self._catch_up()
        served: list[AgentName] = []
        while self._agents or self._items or served:
            if len(self._agents) + len(self._items) + len(served) > 1:
                agents, items = self._take_agents(), self._take_items()
                served = yield from self._serve_many(served, agents, items, now)
            elif self._items:
                item, _ = self._items.popitem()
                if self._is_waiting(item):
                    found = self._best_agent(self._state.items[item], now)
                    if found is not None:
                        yield found
            else:
                agent = served.pop() if served else self._agents.popitem()[0]
                yield from self._serve(agent, now)

    def _serve_many(
        self, served: list[AgentName], agents: list[AgentName], items: list[Item], now: datetime
    ) -> Generator[Found, None, list[AgentName]]:
        """Which of these are still to be served; ``served`` stand there since the last time."""
        for first in range(0, len(agents), AT_ONCE):
            if first:
                yield REST
            self.agents.enter_all(agents[first : first + AT_ONCE])
        both = dict.fromkeys([*served, *agents])
        standing = [agent for agent in both if self.agents.stands(agent)]
        many = Many(self._state, self.pool, self._chooser, now)
        yield from many.matches(standing, items)
        self._agents.update(many.again_agents)
        left = dict.fromkeys([*many.in_turn(items), *many.again_items])
        if many.full:
            self._items.update(left)
            return standing
        for done, item in enumerate(left, start=1):
            if self._is_waiting(item):
                found = self._best_agent(self._state.items[item], now)
                if found is not None:
                    yield found
            if done % AT_ONCE == 0:
                yield REST
        return []

    def _take_agents(self) -> list[AgentName]:
        statuses = self._state.statuses
        found = [a for a in self._agents if a in statuses]
        self._agents.clear()
        if len(found) > 1:
            found.sort(key=lambda a: (statuses[a].idle_since, a))
        return found

    def _take_items(self) -> list[Item]:
        found = [i for i in self._items if self._is_waiting(i)]
        self._items.clear()
        if 1 < len(found) <= FEW:
            # More are looked at in the order of the whole line.
            found.sort(key=lambda i: (self.pool.rank_of(i), i))
        return [self._state.items[i] for i in found]

    def _is_waiting(self, item: ItemId) -> bool:
        found = self._state.items.get(item)
        return found is not None and found.state is _QUEUED

    # -- one agent --------------------------------------------------------------------------

    def _serve(self, agent: AgentName, now: datetime) -> Iterator[Match]:
        """Work for an agent who may have become available, most urgent first."""
        agents = self.agents
        free = agents.room_of(agent)
        if not free:
            agents.leave(agent)
            return
        found = self._chooser.best_item(agent, free, now)
        if found is None:
            agents.enter(agent)
        while found is not None:
            yield found
            # Who has room left stands there since then.
            free = agents.room_of(agent) if agents.stands(agent) else 0
            found = self._chooser.best_item(agent, free, now) if free else None

    # -- one item ---------------------------------------------------------------------------

    def _best_agent(self, item: Item, now: datetime) -> Match | Wait | Widen | None:
        """The best available agent for this item, a ring that opens, or until when to wait."""
        found = self._chooser.choose(item, self.pool.need_of(item), now)
        if isinstance(found, Match):
            return found
        queue = self._state.queues.get(item.queue)
        if queue is None or not queue.rings:
            return Wait(found, item.id) if found is not None else None
        ring = widening(item, queue, now, lambda one: self.expectation.of(one, now)[1])
        if isinstance(ring, Widen):
            return ring
        at = found or ring if found is None or ring is None else min(found, ring)
        return Wait(at, item.id) if at is not None else None

    def awaits_agent(self, item: Item, now: datetime) -> bool:
        """Whether a waiting item is kept a little for its last agent, at work here or sought."""
        return self._chooser.last_agent(item, self.pool.need_of(item), now) is not None

    def meant_for(self, item: Item, now: datetime) -> AgentName | None:
        """Its last agent, while a waiting item is kept for that one if at work; maybe elsewhere."""
        if self._chooser.affinity_until(item) <= now:
            return None
        return self._chooser.meant_for(item, self.pool.need_of(item), now)

    def seek(self, item: ItemId) -> None:
        """Keep it: its last agent, who is not here, is being looked for."""
        self._chooser.sought.add(item)

    def end_search(self, item: ItemId) -> None:
        """Whoever is here may have it."""
        if item in self._chooser.sought:
            self._chooser.sought.discard(item)
            self.look_again(item)

    def agent_for(self, wanted: Wanted, now: datetime) -> AgentName | None:
        """The best available agent for an item that is not here."""
        return self._chooser.agent_for(wanted, now)


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
