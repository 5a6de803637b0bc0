"""The wallboard of the whole installation: what each node adds, added up. Pure.

A ``Board`` is told as a JSON document that holds no null, so that its changes can be told as a
merge patch (``merge_patch``): what is not known is left out. Moments stand in it, not ages: an age
would change each second.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import msgspec
from msgspec import UNSET, Struct, UnsetType

from gateway.core.ids import QueueName
from gateway.core.model import ChannelKind, Queue
from gateway.core.pool import NodeCapacity
from gateway.core.routing.need import Need
from gateway.core.thresholds import Alarm, Measure
from gateway.core.wallboard_days import FORMULA, NONE, Counts, QueueDay
from gateway.core.wallboard_share import BoardShare, QueueShare

FRESH_SECONDS = 4.0
"""A node whose figures are older is marked as late."""

Expects = Callable[[Queue, ChannelKind, int, Sequence[NodeCapacity]], float | None]
"""How many seconds who came now would wait in a queue where so many do; ``None``: for ever."""


class Level(Struct, frozen=True, kw_only=True):
    """Counts of a while, and the service level from 0 to 1 (``Board.formula``), if there is one."""

    offered: int
    answered: int
    abandoned: int
    service_level: float | UnsetType = UNSET


class QueueBoard(Struct, frozen=True, kw_only=True):
    """A queue, or all of them. ``expected`` in seconds: of who came now; left out: nobody knows.

    ``target`` is the service level's time. ``ready`` are agents who are and serve it. ``overdue``
    and ``due_soon`` (within 30 minutes) are open items. ``callbacks`` and ``promises`` are open
    ones for today, ``…_late`` of these those whose time has passed; ``kept`` and ``broken`` are
    promises of today.
    """

    name: str
    waiting: int
    oldest_at: datetime | UnsetType = UNSET
    expected: int | UnsetType = UNSET
    target: float | UnsetType = UNSET
    offered: int
    in_hand: int
    wrapping: int
    ready: int
    last_15: Level
    last_30: Level
    today: Level
    overdue: int
    due_soon: int
    callbacks: int
    callbacks_late: int
    promises: int
    promises_late: int
    kept: int
    broken: int


class Staff(Struct, frozen=True, kw_only=True):
    """Agents by state; ``reasons``: why those who are not ready are not. ``offline``: by role."""

    ready: int
    busy: int
    wrap_up: int
    closed: int
    not_ready: int
    offline: int
    reasons: dict[str, int]


class Mix(Struct, frozen=True, kw_only=True):
    """One kind of contact; ``today``: how many were offered."""

    waiting: int
    in_hand: int
    today: int


class Cover(Struct, frozen=True, kw_only=True):
    """So many wait who ask for the same. ``ready`` and ``signed_in`` are who may take one, at most.

    ``signed_in`` 0: nobody can. Of ``languages`` one will do.
    """

    queue: QueueName
    kind: ChannelKind
    skills: dict[str, int]
    languages: tuple[str, ...]
    waiting: int
    oldest_at: datetime
    ready: int
    signed_in: int


class AlarmBoard(Struct, frozen=True, kw_only=True):
    """A threshold that is crossed."""

    queue: QueueName
    threshold: str
    when: Measure
    value: float
    since: datetime | UnsetType = UNSET


class NodeBoard(Struct, frozen=True, kw_only=True):
    """One node; ``late``: its figures are more than four seconds old."""

    region: str
    waiting: int
    in_hand: int
    ready: int
    connected: int
    late: bool


class Board(Struct, frozen=True, kw_only=True):
    """See the module's docstring. ``trend``: who waited, each minute of the last hour.

    ``withheld``: automatic mails that a budget kept back in the last hour.
    """

    formula: str = FORMULA
    total: QueueBoard
    queues: dict[QueueName, QueueBoard]
    agents: Staff
    kinds: dict[ChannelKind, Mix]
    coverage: dict[str, Cover]
    alarms: dict[str, AlarmBoard]
    nodes: dict[str, NodeBoard]
    trend: tuple[int, ...] = ()
    withheld: int = 0


class Known(Struct, frozen=True, kw_only=True):
    """What each node knows besides the shares."""

    queues: Mapping[QueueName, Queue]
    alarms: Sequence[Alarm] = ()
    trend: tuple[int, ...] = ()
    withheld: int = 0


def _nobody_knows(*_: object) -> None:
    return None


def together(
    nodes: Sequence[NodeCapacity],
    known: Known,
    now: datetime,
    *,
    gone: Iterable[QueueDay] = (),
    expects: Expects = _nobody_knows,
) -> Board:
    """All nodes' shares added up; ``gone`` is what nodes that are not there counted today."""
    lines: dict[QueueName, _Sum] = {}
    for one in nodes:
        for share in one.capacity.board.queues:
            lines.setdefault(share.name, _Sum()).add(share)
        for waiting in one.capacity.queues:
            if waiting.name in lines:
                line = lines[waiting.name]
                line.waiting += waiting.waiting
                line.offered += waiting.offered
                line.in_hand += waiting.in_hand
                line.ready += one.capacity.ready_for(waiting.name)
    for day in gone:
        if (found := lines.get(day.name)) is not None:
            found.add_day(day, now)
    kinds = _first_kinds(nodes)
    total = _Sum()
    queues = {}
    for name in sorted(lines):
        line, queue = lines[name], known.queues.get(name)
        total.join(line)
        expected, target, shown = None, None, str(name)
        if queue is not None:
            kind = kinds.get(name, ChannelKind.WEBCHAT)
            expected = expects(queue, kind, line.waiting, nodes)
            target, shown = queue.service_level_seconds, queue.display_name or shown
        queues[name] = line.told(shown, expected, target)
    longest = [q.expected for q in queues.values() if q.waiting and q.expected is not UNSET]
    ready = sum(one.capacity.agents.ready for one in nodes)
    total.ready = ready
    return Board(
        total=total.told("", max(longest, default=None), None),
        queues=queues,
        agents=_staff([one.capacity.board for one in nodes]),
        kinds=_kinds(nodes, lines.values()),
        coverage=_coverage(nodes),
        alarms={a.name: _alarm(a) for a in sorted(known.alarms, key=lambda a: a.name) if a.alert},
        nodes={one.node: _node(one) for one in nodes},
        trend=known.trend,
        withheld=known.withheld,
    )


def document(board: Board) -> dict[str, Any]:
    """As JSON has it; what is not known is left out."""
    found: dict[str, Any] = msgspec.to_builtins(board)
    return found


class _Sum:
    """One queue over all nodes."""

    def __init__(self) -> None:
        self.waiting = self.offered = self.in_hand = self.ready = self.wrapping = 0
        self.oldest: float | None = None
        self.day = ""
        self.today = self.last_15 = self.last_30 = NONE
        self.kinds: Counter[ChannelKind] = Counter()
        self.owed: Counter[str] = Counter()

    def add(self, share: QueueShare) -> None:
        self.wrapping += share.wrapping
        self.last_15 = self.last_15.plus(share.last_15)
        self.last_30 = self.last_30.plus(share.last_30)
        self._older(share.oldest)
        self._counted(share.day, share.today, share.kinds_today)
        for name in _OWED:
            self.owed[name] += getattr(share, name)

    def add_day(self, day: QueueDay, now: datetime) -> None:
        self.last_15 = self.last_15.plus(day.lately(15, now))
        self.last_30 = self.last_30.plus(day.lately(30, now))
        self._counted(day.day, day.today, day.kinds)

    def _counted(self, day: str, today: Counts, kinds: Mapping[ChannelKind, int]) -> None:
        """What a node counted on the same day; the first one says which that is."""
        self.day = self.day or day
        if day == self.day:
            self.today = self.today.plus(today)
            self.kinds.update(kinds)

    def _older(self, since: float | None) -> None:
        if since is not None:
            self.oldest = since if self.oldest is None else min(self.oldest, since)

    def join(self, other: "_Sum") -> None:
        self.waiting += other.waiting
        self.offered += other.offered
        self.in_hand += other.in_hand
        self.wrapping += other.wrapping
        self._older(other.oldest)
        self.today = self.today.plus(other.today)
        self.last_15 = self.last_15.plus(other.last_15)
        self.last_30 = self.last_30.plus(other.last_30)
        self.owed.update(other.owed)

    def told(self, name: str, expected: float | None, target: float | None) -> QueueBoard:
        return QueueBoard(
            name=name,
            waiting=self.waiting,
            oldest_at=_moment(self.oldest) if self.oldest is not None else UNSET,
            expected=_rounded(expected) if expected is not None else UNSET,
            target=target if target is not None else UNSET,
            offered=self.offered,
            in_hand=self.in_hand,
            wrapping=self.wrapping,
            ready=self.ready,
            last_15=_level(self.last_15),
            last_30=_level(self.last_30),
            today=_level(self.today),
            kept=self.today.kept,
            broken=self.today.broken,
            **{name: self.owed[name] for name in _OWED},
        )


_OWED = ("overdue", "due_soon", "callbacks", "callbacks_late", "promises", "promises_late")


def _level(counts: Counts) -> Level:
    level = counts.service_level
    return Level(
        offered=counts.offered,
        answered=counts.answered,
        abandoned=counts.abandoned,
        service_level=round(level, 3) if level is not None else UNSET,
    )


def _rounded(seconds: float) -> int:
    """To five seconds, above two minutes to a minute: nobody knows it better."""
    step = 5 if seconds <= 120 else 60
    return int(round(seconds / step) * step)


def _moment(seconds: float) -> datetime:
    return datetime.fromtimestamp(round(seconds, 3), UTC)


def _first_kinds(nodes: Iterable[NodeCapacity]) -> dict[QueueName, ChannelKind]:
    """The kind of which most wait in each queue."""
    counts: dict[QueueName, Counter[ChannelKind]] = {}
    for one in nodes:
        for wanted in one.capacity.board.wanted:
            counter = counts.setdefault(wanted.need.queue, Counter())
            counter[wanted.need.kind] += wanted.waiting
    return {name: counter.most_common(1)[0][0] for name, counter in counts.items()}


def _staff(shares: Sequence[BoardShare]) -> Staff:
    states: Counter[str] = Counter()
    reasons: Counter[str] = Counter()
    here = 0
    for share in shares:
        states.update(share.agents)
        reasons.update(share.reasons)
        here += share.crew
    return Staff(
        ready=states["ready"],
        busy=states["busy"],
        wrap_up=states["wrap_up"],
        closed=states["closed"],
        not_ready=states["not_ready"],
        offline=max(max((share.listed for share in shares), default=0) - here, 0),
        reasons=dict(sorted(reasons.items())),
    )


def _kinds(nodes: Iterable[NodeCapacity], lines: Iterable[_Sum]) -> dict[ChannelKind, Mix]:
    waiting: Counter[ChannelKind] = Counter()
    in_hand: Counter[ChannelKind] = Counter()
    today: Counter[ChannelKind] = Counter()
    for one in nodes:
        for kind, share in one.capacity.board.kinds.items():
            waiting[kind] += share.waiting
            in_hand[kind] += share.in_hand
    for line in lines:
        today.update(line.kinds)
    return {
        kind: Mix(waiting=waiting[kind], in_hand=in_hand[kind], today=today[kind])
        for kind in ChannelKind
        if waiting[kind] or in_hand[kind] or today[kind]
    }


def _coverage(nodes: Sequence[NodeCapacity]) -> dict[str, Cover]:
    sums: dict[Need, tuple[int, float]] = {}
    for one in nodes:
        for wanted in one.capacity.board.wanted:
            waiting, oldest = sums.get(wanted.need, (0, wanted.oldest))
            sums[wanted.need] = waiting + wanted.waiting, min(oldest, wanted.oldest)
    found = {}
    for need, (waiting, oldest) in sums.items():
        found[_name(need)] = Cover(
            queue=need.queue,
            kind=need.kind,
            skills=dict(need.skills),
            languages=need.languages,
            waiting=waiting,
            oldest_at=_moment(oldest),
            ready=sum(one.capacity.fit(need) for one in nodes),
            signed_in=sum(one.capacity.serves(need) for one in nodes),
        )
    return dict(sorted(found.items()))


def _name(need: Need) -> str:
    """The same for the same need, on whatever node."""
    skills = "+".join(f"{skill}:{level}" for skill, level in need.skills)
    also = ",".join((*need.queues, *need.groups, *need.sites, *map(str, need.desk)))
    return "|".join((need.queue, need.kind, skills, "/".join(need.languages), also))


def _alarm(alarm: Alarm) -> AlarmBoard:
    return AlarmBoard(
        queue=alarm.queue,
        threshold=alarm.threshold,
        when=alarm.when,
        value=alarm.value,
        since=alarm.since if alarm.since is not None else UNSET,
    )


def _node(one: NodeCapacity) -> NodeBoard:
    queues = one.capacity.queues
    return NodeBoard(
        region=one.region,
        waiting=sum(queue.waiting for queue in queues),
        in_hand=sum(queue.in_hand for queue in queues),
        ready=one.capacity.agents.ready,
        connected=one.capacity.agents.connected,
        late=one.age > FRESH_SECONDS,
    )
