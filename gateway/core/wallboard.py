"""One node's share of the wallboard, kept along with the state. Pure.

Counts are taken when something is recorded. For the rest what has changed is noted and counted when
somebody asks, so a change costs little and nobody ever walks over all items or agents; but for a
change of the directory, after which what waits is asked anew what it needs.
"""

from bisect import bisect_left, bisect_right, insort
from collections import Counter
from datetime import datetime
from heapq import nsmallest
from typing import Literal

from msgspec import Struct

from gateway.core import events as e
from gateway.core.ids import AgentName, ItemId, QueueName
from gateway.core.lifecycle import ENDED
from gateway.core.model import AgentProfile, AgentStatus, ChannelKind, Item, ItemState, Presence
from gateway.core.routing.line import Line
from gateway.core.routing.need import Need, need_of
from gateway.core.state import NodeState
from gateway.core.wallboard_days import Counts, DayBook
from gateway.core.wallboard_share import BoardShare, DemandShare, KindShare, QueueShare

DUE_SOON_SECONDS = 1800.0
MOST_WANTED = 60
"""Different needs that are told of: those with most who wait, of these who have waited longest."""
MOST_REASONS = 30
OTHER = "other"
"""All reasons beyond these."""

WAITING = frozenset({ItemState.QUEUED, ItemState.OFFERED})
WORKED = frozenset({ItemState.ASSIGNED, ItemState.WRAPPING})
Owed = Literal["callback", "promise"]
_OTHERS = frozenset(
    {
        e.ItemHandedOver,
        e.AgentHandedOver,
        e.PromiseKept,
        e.PromiseBroken,
        e.CaseChanged,
        e.QueueDefined,
        e.QueueRemoved,
        e.AgentDefined,
        e.AgentRemoved,
    }
)


class Times:
    """Moments in order, as seconds; how many lie before another."""

    __slots__ = ("_moments",)

    def __init__(self) -> None:
        self._moments: list[float] = []

    def __bool__(self) -> bool:
        return bool(self._moments)

    def add(self, moment: float) -> None:
        insort(self._moments, moment)

    def drop(self, moment: float) -> None:
        del self._moments[bisect_left(self._moments, moment)]

    def until(self, moment: float) -> int:
        """How many there are up to then."""
        return bisect_right(self._moments, moment)


class _Place(Struct, frozen=True, gc=False):
    """What one item adds to the figures."""

    queue: QueueName
    kind: ChannelKind
    state: ItemState
    since: float
    due: float | None
    need: Need | None
    owed: tuple[Owed, float] | None
    holder: AgentName | None


def agent_state(state: NodeState, agent: AgentName) -> tuple[str, str] | None:
    """How an agent with a desktop is, and why if not ready; ``None``: no desktop is connected.

    ``ready``; ``busy`` (has something in hand), ``wrap_up`` (nothing else), ``closed`` (ready at a
    site that is closed), ``not_ready``.
    """
    status = state.statuses.get(agent)
    if status is None or status.tabs == 0:
        return None
    if status.presence is not Presence.READY:
        return "not_ready", status.reason
    states = {item.state for item in state.in_hand(agent)}
    if ItemState.ASSIGNED in states:
        return "busy", ""
    if ItemState.WRAPPING in states:
        return "wrap_up", ""
    return ("closed" if agent in state.closed else "ready"), ""


class Wallboard:
    """See the module's docstring.

    ``note`` takes what was recorded, ``settle`` counts it, ``share`` tells.
    """

    def __init__(self, state: NodeState) -> None:
        self.days = DayBook(state)
        self._state = state
        self._where = {item.id: (item.queue, item.state) for item in state.items.values()}
        self._items: dict[ItemId, None] = dict.fromkeys(state.items)
        self._agents: dict[AgentName, None] = dict.fromkeys((*state.statuses, *state.profiles))
        self._anew = False
        self._places: dict[ItemId, _Place] = {}
        self._lines: dict[QueueName, Line[ItemId, float]] = {}
        self._wrapping: Counter[QueueName] = Counter()
        self._kinds: Counter[tuple[ChannelKind, bool]] = Counter()
        self._due: dict[QueueName, Times] = {}
        self._owed: dict[tuple[Owed, QueueName], Times] = {}
        self._needs: dict[Need, Line[ItemId, float]] = {}
        self._states: dict[AgentName, tuple[str, str]] = {}
        self._crew: set[AgentName] = set()
        self._listed: set[AgentName] = set()
        self._staff: Counter[tuple[str, str]] = Counter()

    # -- noting -----------------------------------------------------------------------------

    def note(self, entry: e.Entry) -> None:
        """Something was recorded; cheap, and called for everything."""
        for row in entry.rows:
            if type(row) is Item:
                self._moved(row, entry)
            elif type(row) is AgentStatus or type(row) is AgentProfile:
                self._agents[row.name] = None
        if self._state.just_closed:
            self._agents.update(dict.fromkeys(self._state.just_closed))
        if type(entry.event) in _OTHERS:
            self._heed(entry.event, entry.at)

    def _heed(self, event: e.Event, at: datetime) -> None:
        """What no row of an item or an agent says."""
        match event:
            case e.ItemHandedOver(item=item):
                self._where.pop(item, None)
                self._items[item] = None
            case e.AgentHandedOver(agent=agent):
                self._agents[agent] = None
            case e.PromiseKept(queue=queue):
                self.days.add(queue, Counts(kept=1), at)
            case e.PromiseBroken(queue=queue):
                self.days.add(queue, Counts(broken=1), at)
            case e.CaseChanged(case=case, level=level):
                if level is not None:
                    items = self._state.items_of_case(case)
                    self._items.update((item.id, None) for item in items)
            case _:
                self._anew = True  # the directory: what is asked for may be another from now on

    def _moved(self, item: Item, entry: e.Entry) -> None:
        self._items[item.id] = None
        new = item.queue, item.state
        old = self._where.get(item.id)
        if old == new:
            return
        if item.state in ENDED:
            self._where.pop(item.id, None)
        else:
            self._where[item.id] = new
        if type(entry.event) is e.ItemAdopted:
            return  # counted where it came from
        waited = old is not None and old[1] in WAITING
        if item.state is ItemState.QUEUED:
            if not waited or (old is not None and old[0] != item.queue):
                self.days.add(item.queue, _OFFERED, entry.at, item.kind)
        elif waited and item.state in WORKED:
            self.days.add(item.queue, self._answered(item, entry.at), entry.at)
        elif waited and item.state is ItemState.ABANDONED:
            self.days.add(item.queue, self._abandoned(item, entry.at), entry.at)

    def _answered(self, item: Item, at: datetime) -> Counts:
        queue = self._state.queues.get(item.queue)
        if queue is None or queue.service_level_seconds is None:
            return Counts(answered=1)
        in_time = _waited(item, at) <= queue.service_level_seconds
        return Counts(answered=1, timed=1, in_time=int(in_time))

    def _abandoned(self, item: Item, at: datetime) -> Counts:
        queue = self._state.queues.get(item.queue)
        if queue is None or queue.service_level_seconds is None:
            return Counts(abandoned=1)
        return Counts(abandoned=1, timed=int(_waited(item, at) >= queue.abandoned.after))

    # -- counting ---------------------------------------------------------------------------

    def settle(self, most: int | None = None) -> bool:
        """Count what has changed, at most so many changes; whether nothing is left."""
        if self._anew:
            self._anew = False
            self._items.update((i, None) for i, p in self._places.items() if p.need is not None)
        left = float("inf") if most is None else most
        # Items first: who holds one is in another state afterwards.
        while self._items and left > 0:
            left -= 1
            self._count_item(self._items.popitem()[0])
        while self._agents and left > 0:
            left -= 1
            self._count_agent(self._agents.popitem()[0])
        return not self._items and not self._agents

    def _count_item(self, item_id: ItemId) -> None:
        item = self._state.items.get(item_id)
        new = self._place(item) if item is not None else None
        old = self._places.pop(item_id, None)
        if new is not None:
            self._places[item_id] = new
        for place in (old, new):
            if place is not None and place.holder is not None:
                self._agents[place.holder] = None
        if old == new:
            return
        if old is not None:
            self._take_away(item_id, old)
        if new is not None:
            self._put(item_id, new)

    def _place(self, item: Item) -> _Place:
        waits = item.state in WAITING
        return _Place(
            queue=item.queue,
            kind=item.kind,
            state=item.state,
            since=(item.queued_at or item.created_at).timestamp(),
            due=item.due_at.timestamp() if item.due_at is not None else None,
            need=need_of(self._state, item) if waits else None,
            owed=_owed(item),
            holder=item.offer.agent if item.offer is not None else item.agent,
        )

    def _put(self, item: ItemId, place: _Place) -> None:
        queue = place.queue
        if place.need is not None:
            self._lines.setdefault(queue, Line()).put(item, place.since)
            self._needs.setdefault(place.need, Line()).put(item, place.since)
            self._kinds[place.kind, True] += 1
        elif place.state in WORKED:
            self._kinds[place.kind, False] += 1
            self._wrapping[queue] += place.state is ItemState.WRAPPING
        if place.due is not None:
            self._due.setdefault(queue, Times()).add(place.due)
        if place.owed is not None:
            what, at = place.owed
            self._owed.setdefault((what, queue), Times()).add(at)

    def _take_away(self, item: ItemId, place: _Place) -> None:
        queue = place.queue
        if place.need is not None:
            self._lines[queue].drop(item)
            line = self._needs[place.need]
            line.drop(item)
            if not line:
                del self._needs[place.need]
            self._kinds[place.kind, True] -= 1
        elif place.state in WORKED:
            self._kinds[place.kind, False] -= 1
            self._wrapping[queue] -= place.state is ItemState.WRAPPING
        if place.due is not None:
            self._due[queue].drop(place.due)
        if place.owed is not None:
            what, at = place.owed
            self._owed[what, queue].drop(at)

    def _count_agent(self, agent: AgentName) -> None:
        new = agent_state(self._state, agent)
        profile = self._state.profiles.get(agent)
        listed = profile is not None and profile.role == "agent"
        for members, belongs in ((self._listed, listed), (self._crew, listed and new is not None)):
            if belongs:
                members.add(agent)
            else:
                members.discard(agent)
        old = self._states.pop(agent, None)
        if old is not None:
            self._staff[old] -= 1
            if not self._staff[old]:
                del self._staff[old]
        if new is not None:
            self._states[agent] = new
            self._staff[new] += 1

    # -- telling ----------------------------------------------------------------------------

    def share(self, now: datetime) -> BoardShare:
        """The figures as they were settled last."""
        agents: Counter[str] = Counter()
        reasons: Counter[str] = Counter()
        for (state, reason), count in self._staff.items():
            agents[state] += count
            if state == "not_ready":
                reasons[reason] += count
        return BoardShare(
            queues=tuple(self._queue(name, now) for name in sorted(self._names())),
            kinds=self._mix(),
            agents=dict(sorted(agents.items())),
            reasons=_most(reasons),
            crew=len(self._crew),
            listed=len(self._listed),
            wanted=self._wanted(),
        )

    def _names(self) -> set[QueueName]:
        return {*self._state.queues, *(name for name, line in self._lines.items() if line)}

    def _queue(self, name: QueueName, now: datetime) -> QueueShare:
        day, ends, seconds = self.days.of(name, now), self.days.ends(name, now), now.timestamp()
        lately = self.days.lately(name, now)
        line = self._lines.get(name)
        oldest = line.first() if line is not None else None
        due = self._due.get(name) or Times()
        callbacks = self._owed.get(("callback", name)) or Times()
        promises = self._owed.get(("promise", name)) or Times()
        overdue = due.until(seconds)
        return QueueShare(
            name=name,
            day=day.day,
            today=day.today,
            last_15=lately[0],
            last_30=lately[1],
            kinds_today=day.kinds,
            oldest=oldest[0] if oldest is not None else None,
            wrapping=self._wrapping[name],
            overdue=overdue,
            due_soon=due.until(seconds + DUE_SOON_SECONDS) - overdue,
            callbacks=callbacks.until(ends),
            callbacks_late=callbacks.until(seconds),
            promises=promises.until(ends),
            promises_late=promises.until(seconds),
        )

    def _mix(self) -> dict[ChannelKind, KindShare]:
        counts = self._kinds
        kinds = [k for k in ChannelKind if counts[k, True] or counts[k, False]]
        return {k: KindShare(waiting=counts[k, True], in_hand=counts[k, False]) for k in kinds}

    def _wanted(self) -> tuple[DemandShare, ...]:
        most = nsmallest(MOST_WANTED, self._needs.items(), key=_gravity)
        wanted = [
            DemandShare(need=need, waiting=len(line), oldest=first[0])
            for need, line in most
            if (first := line.first()) is not None
        ]
        return tuple(sorted(wanted, key=lambda one: (-one.waiting, one.oldest, _order(one.need))))


_OFFERED = Counts(offered=1)


def _waited(item: Item, at: datetime) -> float:
    return (at - (item.queued_at or item.created_at)).total_seconds()


def _owed(item: Item) -> tuple[Owed, float] | None:
    """What is owed to the customer besides an answer, and when."""
    if item.promise is not None:
        return "promise", item.promise.due_at.timestamp()
    if item.callback is not None:
        at = item.wake_at if item.state is ItemState.SCHEDULED else item.callback.ready_at
        return "callback", (at or item.callback.at or item.callback.since).timestamp()
    return None


def _gravity(one: tuple[Need, Line[ItemId, float]]) -> tuple[int, float]:
    line = one[1]
    first = line.first()
    return -len(line), first[0] if first is not None else 0.0


def _order(need: Need) -> tuple[object, ...]:
    return need.queue, need.kind, need.skills, need.languages, need.queues, need.groups, need.desk


def _most(reasons: Counter[str]) -> dict[str, int]:
    told = sorted(reasons.items(), key=lambda one: (-one[1], one[0]))
    found = dict(told[:MOST_REASONS])
    if rest := sum(count for _, count in told[MOST_REASONS:]):
        found[OTHER] = found.get(OTHER, 0) + rest
    return dict(sorted(found.items()))
