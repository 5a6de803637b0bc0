"""One virtual pool: what a node can take and what waits there, for the other nodes. Pure.

``Tally`` counts it along with the state: what has changed is noted and counted when somebody asks,
so a change costs little and nobody ever walks over all agents or items. Others see a ``Capacity``:
agents who are ready, in groups of those who serve the same queues and have room for the same
kinds, with how many of each group have a skill at which level. So whether somebody there fits a
need is known but for the combination of several skills, and for groups, sites and levels of the
help desk; a grant decides.
"""

from collections import Counter
from datetime import datetime

from msgspec import Struct, field

from gateway.core import events as e
from gateway.core.capacity import kinds_of, room
from gateway.core.ids import AgentName, ItemId, NodeName, QueueName, SkillName
from gateway.core.lifecycle import ENDED
from gateway.core.model import AgentProfile, AgentStatus, ChannelKind, Item, ItemState, Presence
from gateway.core.outcomes import Outcomes
from gateway.core.policy import ALL
from gateway.core.routing.line import Line
from gateway.core.routing.need import Need
from gateway.core.state import NodeState
from gateway.core.waits import WaitErrors
from gateway.core.wallboard_share import BoardShare

LEVELS = 5
_WAITING = frozenset({ItemState.QUEUED, ItemState.OFFERED})
_WORKED = frozenset({ItemState.ASSIGNED, ItemState.WRAPPING})


class Waiting(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One queue at one node; ``longest_wait`` in seconds, 0 if nobody waits.

    Of so many who were ``told`` how long it may take, the sum of errors and of their sizes, in
    seconds, since the node began; and how many were ``taken`` by agents who picked them,
    how many offers ``missed`` and ``declined``.
    """

    name: QueueName
    waiting: int = 0
    longest_wait: float = 0.0
    offered: int = 0
    in_hand: int = 0
    told: int = 0
    told_error: float = 0.0
    told_absolute: float = 0.0
    taken: int = 0
    missed: int = 0
    declined: int = 0


class Staff(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Agents with a desktop; ``closed``: of these, who gets nothing because the site is closed."""

    connected: int = 0
    ready: int = 0
    busy: int = 0
    closed: int = 0


class Spare(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Agents who are ready, serve the same ``queues`` (none named: all) and may get ``kinds``.

    ``skills`` says how many of them have a skill at level 1, 2, … 5 or above.
    """

    agents: int
    queues: tuple[QueueName, ...] = ()
    kinds: tuple[ChannelKind, ...] = ()
    skills: dict[SkillName, tuple[int, ...]] = field(default_factory=dict)

    def fit(self, need: Need) -> int:
        """How many of them may fit, at most."""
        if need.kind not in self.kinds or not self._serve(need):
            return 0
        least = self.agents
        for skill, level in need.skills:
            least = min(least, self._having(skill, level))
        if need.languages:
            least = min(least, sum(self._having(skill, 1) for skill in need.languages))
        return least

    def _serve(self, need: Need) -> bool:
        if not self.queues or need.queue in self.queues:
            return True
        serving = (need.queue, *need.queues)
        return ALL in serving or any(q in self.queues for q in serving)

    def _having(self, skill: SkillName, level: int) -> int:
        having = self.skills.get(skill)
        return having[min(level, LEVELS) - 1] if having and level <= LEVELS else 0


class Capacity(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What one node publishes of itself.

    ``spare`` are agents who are ready and have room; ``crew`` all who have a desktop connected and
    an open site: whoever could ever get such an item there. ``board`` is what the node adds to the
    wallboard; a node of the version before says nothing.
    """

    items: dict[str, int] = field(default_factory=dict)
    queues: tuple[Waiting, ...] = ()
    agents: Staff = Staff()
    spare: tuple[Spare, ...] = ()
    crew: tuple[Spare, ...] = ()
    outbox_pending: int = 0
    board: BoardShare = BoardShare()

    def fit(self, need: Need) -> int:
        """How many agents there may fit the need just now, at most."""
        return sum(group.fit(need) for group in self.spare)

    def serves(self, need: Need) -> int:
        """How many agents are signed in there who could ever get such an item, at most."""
        return sum(group.fit(need) for group in self.crew)

    def ready_for(self, queue: QueueName) -> int:
        """Agents who are ready and serve the queue, with room or without."""
        return sum(g.agents for g in self.spare if not g.queues or queue in g.queues)


class NodeCapacity(Struct, frozen=True, kw_only=True):
    """What is known of one node's figures; ``age`` in seconds since they were new."""

    node: NodeName
    region: str
    age: float
    capacity: Capacity


_Group = tuple[tuple[QueueName, ...], int]
"""Queues, and the kinds there is room for as a number (``capacity.room``)."""


class _Share(Struct, frozen=True):
    """What one agent adds to the figures.

    ``group`` is ``None`` for one who is not ready, ``crew`` for one whose site is closed.
    """

    ready: bool
    busy: bool
    closed: bool
    group: _Group | None
    crew: _Group | None
    skills: dict[SkillName, int]


class _Crowd:
    """One group's figures: agents, and by skill how many have it at exactly which level."""

    __slots__ = ("agents", "skills")

    def __init__(self) -> None:
        self.agents = 0
        self.skills: dict[SkillName, list[int]] = {}

    def add(self, skills: dict[SkillName, int], by: int) -> None:
        self.agents += by
        for skill, level in skills.items():
            if level > 0:
                self.skills.setdefault(skill, [0] * LEVELS)[min(level, LEVELS) - 1] += by

    def levels(self) -> dict[SkillName, tuple[int, ...]]:
        """By skill, how many have it at each level or above."""
        out = {}
        for skill, exact in self.skills.items():
            if any(exact):
                out[skill] = tuple(sum(exact[level:]) for level in range(LEVELS))
        return out


class Tally:
    """The figures of one node; see the module's docstring.

    ``note`` remembers what has changed, ``settle`` counts it, ``capacity`` tells.
    """

    def __init__(self, state: NodeState) -> None:
        self._state = state
        self._items: dict[ItemId, None] = dict.fromkeys(state.items)
        self._agents: dict[AgentName, None] = dict.fromkeys(state.statuses)
        self._shares: dict[AgentName, _Share] = {}
        self._groups: dict[_Group, _Crowd] = {}
        self._crews: dict[_Group, _Crowd] = {}
        self._placed: dict[ItemId, tuple[QueueName, ItemState]] = {}
        self._places: Counter[tuple[QueueName, ItemState]] = Counter()
        self._lines: dict[QueueName, Line[ItemId, float]] = {}
        self._holders: dict[ItemId, AgentName] = {}
        self._staff: Counter[str] = Counter()
        self._errors = WaitErrors()
        self._outcomes = Outcomes()

    # -- noting -----------------------------------------------------------------------------

    def note(self, entry: e.Entry) -> None:
        """Something was recorded; cheap, and called for everything."""
        for row in entry.rows:
            if type(row) is Item:
                self._items[row.id] = None
            elif type(row) is AgentStatus or type(row) is AgentProfile:
                self._agents[row.name] = None
        if self._state.just_closed:
            self._agents.update(dict.fromkeys(self._state.just_closed))
        event = entry.event
        self._note_event(event)
        if not entry.rows:
            # It left this node, or is kept for somebody: no row says so.
            if (item := getattr(event, "item", None)) is not None:
                self._items[item] = None
            if (agent := getattr(event, "agent", None)) is not None:
                self._agents[agent] = None
            elif type(event) is e.AgentReserved:
                self._agents[event.reservation.agent] = None

    def _note_event(self, event: e.Event) -> None:
        if type(event) is e.WaitMeasured:
            self._errors.note(event)
        else:
            self._outcomes.note(self._state, event)

    def settle(self, most: int | None = None) -> bool:
        """Count what has changed, at most so many changes; whether nothing is left."""
        left = float("inf") if most is None else most
        # Items first: who holds one has other figures afterwards.
        while self._items and left > 0:
            left -= 1
            self._count_item(self._items.popitem()[0])
        while self._agents and left > 0:
            left -= 1
            self._count_agent(self._agents.popitem()[0])
        return not self._items and not self._agents

    def _count_item(self, item_id: ItemId) -> None:
        item = self._state.items.get(item_id)
        if item is not None and item.state in ENDED:
            item = None
        self._place_item(item_id, item)
        holder = None
        if item is not None:
            holder = item.offer.agent if item.offer is not None else item.agent
        before = self._holders.get(item_id)
        if holder is None:
            self._holders.pop(item_id, None)
        else:
            self._holders[item_id] = holder
        for agent in (before, holder):
            if agent is not None:
                self._agents[agent] = None

    def _place_item(self, item_id: ItemId, item: Item | None) -> None:
        old = self._placed.pop(item_id, None)
        new = (item.queue, item.state) if item is not None else None
        if old is not None:
            self._places[old] -= 1
            if new is None or old[0] != new[0] or new[1] not in _WAITING:
                self._leave(old[0], item_id)
        if item is not None and new is not None:
            self._placed[item_id] = new
            self._places[new] += 1
            if item.state in _WAITING:
                since = item.queued_at or item.created_at
                line = self._lines.setdefault(item.queue, Line())
                line.put(item_id, since.timestamp())

    def _leave(self, queue: QueueName, item: ItemId) -> None:
        line = self._lines.get(queue)
        if line is not None:
            line.drop(item)
            if not line:
                del self._lines[queue]

    def _count_agent(self, agent: AgentName) -> None:
        new = self._share_of(agent)
        if new == self._shares.get(agent):
            return
        old = self._shares.pop(agent, None)
        if old is not None:
            self._add(old, -1)
        if new is not None:
            self._shares[agent] = new
            self._add(new, 1)

    def _share_of(self, agent: AgentName) -> _Share | None:
        state = self._state
        status = state.statuses.get(agent)
        if status is None or status.tabs == 0:
            return None
        profile, in_hand = state.profiles.get(agent), state.in_hand(agent)
        closed = agent in state.closed
        kept = agent in state.reserved
        ready = status.presence is Presence.READY
        group: _Group | None = None
        crew: _Group | None = None
        if not closed and profile is not None:
            crew = profile.queues, room(profile, ())
            if ready and not kept:
                group = profile.queues, room(profile, in_hand)
        skills = profile.skills if profile else {}
        return _Share(ready, bool(in_hand), closed, group, crew, skills)

    def _add(self, share: _Share, by: int) -> None:
        staff = self._staff
        staff["connected"] += by
        staff["ready"] += by * share.ready
        staff["busy"] += by * share.busy
        staff["closed"] += by * share.closed
        _count(self._groups, share.group, share.skills, by)
        _count(self._crews, share.crew, share.skills, by)

    def serves(self, need: Need) -> int:
        """As ``Capacity.serves``, of this node as it was settled last."""
        return sum(spare.fit(need) for spare in _told(self._crews))

    # -- telling ----------------------------------------------------------------------------

    def capacity(self, now: datetime) -> Capacity:
        """The figures as they were settled last."""
        states: Counter[str] = Counter()
        for (_, state), count in self._places.items():
            if count:
                states[state.value] += count
        return Capacity(
            items=dict(sorted(states.items())),
            queues=tuple(self._queue(name, now) for name in sorted(self._state.queues)),
            agents=Staff(**self._staff),
            spare=_told(self._groups),
            crew=_told(self._crews),
            outbox_pending=len(self._state.outbox),
        )

    def _queue(self, name: QueueName, now: datetime) -> Waiting:
        line = self._lines.get(name)
        oldest = line.first() if line is not None else None
        places, errors = self._places, self._errors.of(name)
        return Waiting(
            name=name,
            waiting=sum(places[name, state] for state in _WAITING),
            longest_wait=0.0 if oldest is None else max(now.timestamp() - oldest[0], 0.0),
            offered=places[name, ItemState.OFFERED],
            in_hand=sum(places[name, state] for state in _WORKED),
            told=errors.count,
            told_error=round(errors.total, 3),
            told_absolute=round(errors.absolute, 3),
            taken=self._outcomes.counts[name, "taken"],
            missed=self._outcomes.counts[name, "missed"],
            declined=self._outcomes.counts[name, "declined"],
        )


def _count(
    crowds: dict[_Group, _Crowd], group: _Group | None, skills: dict[SkillName, int], by: int
) -> None:
    if group is None:
        return
    crowd = crowds.get(group)
    if crowd is None:
        crowd = crowds[group] = _Crowd()
    crowd.add(skills, by)
    if crowd.agents == 0:
        del crowds[group]


def _told(crowds: dict[_Group, _Crowd]) -> tuple[Spare, ...]:
    return tuple(
        Spare(agents=c.agents, queues=queues, kinds=kinds_of(free), skills=c.levels())
        for (queues, free), c in sorted(crowds.items())
    )
