"""How it is just now: the wallboard's numbers, and the nodes."""

from collections import Counter
from datetime import datetime

from msgspec import Struct

from gateway.api.base import Listed, whole
from gateway.api.needs import Nodes
from gateway.core.ids import QueueName
from gateway.core.lifecycle import IN_HAND
from gateway.core.model import ItemState, Presence
from gateway.core.state import NodeState
from gateway.flow.ledger import Ledger
from gateway.ports import HttpAnswer, HttpRequest, HttpRoute
from gateway.store.views import NodeCard

TAG = "live"


class QueueNow(Struct, frozen=True, kw_only=True):
    """``longest_wait`` in seconds; nobody waits: 0."""

    name: QueueName
    waiting: int
    longest_wait: float
    offered: int
    in_hand: int


class AgentsNow(Struct, frozen=True, kw_only=True):
    connected: int
    ready: int
    busy: int


class LiveNow(Struct, frozen=True, kw_only=True):
    """This node's picture at ``at``."""

    at: datetime
    items: dict[str, int]
    queues: list[QueueNow]
    agents: AgentsNow
    outbox_pending: int


class LiveNumbers:
    """See the module's docstring. Numbers from memory wait for their commit."""

    def __init__(self, ledger: Ledger, nodes: Nodes) -> None:
        self._ledger = ledger
        self._nodes = nodes

    def routes(self) -> list[HttpRoute]:
        return [
            HttpRoute(
                method="GET",
                path="/api/v1/live",
                handle=self._live,
                summary="The numbers of this moment",
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
        numbers = count(self._ledger.state, self._ledger.clock.now())
        await self._ledger.committed(position)
        return HttpAnswer(body=numbers)

    async def _list(self, _request: HttpRequest) -> HttpAnswer:
        return whole(await self._nodes.listed())


def count(state: NodeState, now: datetime) -> LiveNow:
    """One walk over the open items."""
    states: Counter[str] = Counter()
    waiting: Counter[str] = Counter()
    offered: Counter[str] = Counter()
    in_hand: Counter[str] = Counter()
    oldest: dict[str, datetime] = {}
    for item in state.items.values():
        states[item.state.value] += 1
        if item.state in (ItemState.QUEUED, ItemState.OFFERED):
            waiting[item.queue] += 1
            since = item.queued_at or item.created_at
            oldest[item.queue] = min(since, oldest.get(item.queue, since))
        offered[item.queue] += item.state is ItemState.OFFERED
        in_hand[item.queue] += item.state in IN_HAND and item.state is not ItemState.OFFERED
    queues = [
        QueueNow(
            name=name,
            waiting=waiting[name],
            longest_wait=(now - oldest[name]).total_seconds() if name in oldest else 0.0,
            offered=offered[name],
            in_hand=in_hand[name],
        )
        for name in sorted(state.queues)
    ]
    return LiveNow(
        at=now,
        items=dict(sorted(states.items())),
        queues=queues,
        agents=_agents(state),
        outbox_pending=len(state.outbox),
    )


def _agents(state: NodeState) -> AgentsNow:
    here = [s for s in state.statuses.values() if s.tabs > 0]
    ready = sum(1 for s in here if s.presence is Presence.READY)
    busy = sum(1 for s in here if state.in_hand(s.name))
    return AgentsNow(connected=len(here), ready=ready, busy=busy)
