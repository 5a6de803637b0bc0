"""How it is just now: the wallboard's numbers of the whole installation, and the nodes."""

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from msgspec import UNSET, Struct, UnsetType
from msgspec.structs import replace

from gateway.api.base import Listed, whole
from gateway.api.needs import Figures, Nodes, Wallboard
from gateway.core.ids import NodeName, QueueName
from gateway.core.pool import NodeCapacity
from gateway.core.silence import withheld_lately
from gateway.core.thresholds import Alarm, Measure
from gateway.core.wallboard_sum import Board
from gateway.flow.ledger import Ledger
from gateway.ports import HttpAnswer, HttpRequest, HttpRoute
from gateway.store.views import NodeCard

TAG = "live"


class QueueNow(Struct, frozen=True, kw_only=True):
    """``longest_wait`` in seconds; nobody waits: 0. ``ready``: agents who are, and serve it.

    Of the customers who were ``told`` how long it may take and have been served since the nodes
    began: ``told_bias`` is by how many seconds they waited longer on average (below 0: less),
    ``told_error`` by how many it was wrong either way. ``taken``: how many agents picked
    themselves since then, where the queue allows that; ``missed`` and ``declined`` count offers.
    """

    name: QueueName
    waiting: int
    longest_wait: float
    offered: int
    in_hand: int
    ready: int
    told: int = 0
    told_bias: float | None = None
    told_error: float | None = None
    taken: int = 0
    missed: int = 0
    declined: int = 0


class AgentsNow(Struct, frozen=True, kw_only=True):
    """``closed``: of those connected, who gets nothing because the site is closed."""

    connected: int
    ready: int
    busy: int
    closed: int


class Numbers(Struct, frozen=True, kw_only=True):
    """What is counted, of one node or of several."""

    items: dict[str, int]
    queues: list[QueueNow]
    agents: AgentsNow
    outbox_pending: int


class NodeNow(Numbers, frozen=True, kw_only=True):
    """One node. ``age`` is how many seconds ago its figures were new here; our own: 0."""

    name: NodeName
    region: str
    age: float


class RegionNow(Numbers, frozen=True, kw_only=True):
    """The nodes of one region."""

    name: str
    nodes: int


class AlarmNow(Struct, frozen=True, kw_only=True):
    """A threshold of a queue that is crossed; ``value`` is what it was then."""

    queue: QueueName
    threshold: str
    when: Measure
    value: float
    since: datetime | None


class LiveNow(Numbers, frozen=True, kw_only=True):
    """The whole installation as this node knows it at ``at``, and by node and region.

    ``withheld``: automatic mails that were not sent in the last hour, their budget being used up.
    ``board`` is what the wallboard shows, as supervisors are pushed it.
    """

    at: datetime
    nodes: list[NodeNow]
    regions: list[RegionNow]
    alarms: list[AlarmNow] = []
    withheld: int = 0
    board: Board | UnsetType = UNSET


class LiveNumbers:
    """See the module's docstring. Our own numbers are from memory and wait for their commit."""

    def __init__(self, ledger: Ledger, nodes: Nodes, figures: Figures, board: Wallboard) -> None:
        self._ledger = ledger
        self._nodes = nodes
        self._figures = figures
        self._board = board

    def routes(self) -> list[HttpRoute]:
        return [
            HttpRoute(
                method="GET",
                path="/api/v1/live",
                handle=self._live,
                summary="The numbers of this moment, of all nodes, by node and by region",
                gives=LiveNow,
                tag=TAG,
            ),
            HttpRoute(
                method="GET",
                path="/api/v1/nodes",
                handle=self._list,
                summary="The nodes of the cluster",
                gives=Listed[NodeCard],
                tag=TAG,
            ),
        ]

    async def _live(self, _request: HttpRequest) -> HttpAnswer:
        position = self._ledger.position
        told = self._ledger.state.alarms.values()
        now = self._ledger.clock.now()
        numbers = live(self._figures.whole(), now, told)
        withheld = withheld_lately(self._ledger.state, now)
        numbers = replace(numbers, withheld=withheld, board=self._board.now())
        await self._ledger.committed(position)
        return HttpAnswer(body=numbers)

    async def _list(self, _request: HttpRequest) -> HttpAnswer:
        return whole(await self._nodes.listed())


def live(figures: Sequence[NodeCapacity], now: datetime, alarms: Iterable[Alarm] = ()) -> LiveNow:
    """All figures added up, and each by itself."""
    regions: dict[str, list[NodeCapacity]] = {}
    for one in figures:
        regions.setdefault(one.region, []).append(one)
    return LiveNow(
        at=now,
        nodes=[
            NodeNow(name=f.node, region=f.region, age=round(f.age, 1), **_numbers([f]))
            for f in figures
        ],
        regions=[
            RegionNow(name=name, nodes=len(nodes), **_numbers(nodes))
            for name, nodes in sorted(regions.items())
        ],
        alarms=[
            AlarmNow(
                queue=one.queue,
                threshold=one.threshold,
                when=one.when,
                value=one.value,
                since=one.since,
            )
            for one in sorted(alarms, key=lambda one: one.name)
            if one.alert
        ],
        **_numbers(figures),
    )


class _Sums(Struct):
    waiting: int = 0
    longest_wait: float = 0.0
    offered: int = 0
    in_hand: int = 0
    ready: int = 0
    told: int = 0
    told_error: float = 0.0
    told_absolute: float = 0.0
    taken: int = 0
    missed: int = 0
    declined: int = 0


def _numbers(figures: Iterable[NodeCapacity]) -> dict[str, Any]:
    items: Counter[str] = Counter()
    queues: dict[QueueName, _Sums] = {}
    staff: Counter[str] = Counter()
    outbox = 0
    for one in figures:
        capacity = one.capacity
        items.update(capacity.items)
        outbox += capacity.outbox_pending
        for field in ("connected", "ready", "busy", "closed"):
            staff[field] += getattr(capacity.agents, field)
        for queue in capacity.queues:
            sums = queues.setdefault(queue.name, _Sums())
            sums.waiting += queue.waiting
            sums.offered += queue.offered
            sums.in_hand += queue.in_hand
            sums.ready += capacity.ready_for(queue.name)
            sums.told += queue.told
            sums.told_error += queue.told_error
            sums.told_absolute += queue.told_absolute
            sums.taken += queue.taken
            sums.missed += queue.missed
            sums.declined += queue.declined
            if queue.waiting:
                # They have waited on since their node said so.
                sums.longest_wait = max(sums.longest_wait, queue.longest_wait + one.age)
    return {
        "items": dict(sorted(items.items())),
        "queues": [
            QueueNow(
                name=name,
                waiting=s.waiting,
                longest_wait=s.longest_wait,
                offered=s.offered,
                in_hand=s.in_hand,
                ready=s.ready,
                told=s.told,
                told_bias=round(s.told_error / s.told, 1) if s.told else None,
                told_error=round(s.told_absolute / s.told, 1) if s.told else None,
                taken=s.taken,
                missed=s.missed,
                declined=s.declined,
            )
            for name, s in sorted(queues.items())
        ],
        "agents": AgentsNow(
            connected=staff["connected"],
            ready=staff["ready"],
            busy=staff["busy"],
            closed=staff["closed"],
        ),
        "outbox_pending": outbox,
    }
