"""Acting in the place of a node that has lapsed: fence it, adopt what it had open, tell of it.

What is to be adopted is not kept in mind but read from the fence rows: every node whose heir we
are. So a takeover that stopped half way, because we crashed or because the heir did whose rows
we took over, goes on at the next look; nobody need remember it (docs/decisions/0005).
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence

import structlog

from gateway.cluster.persistence import Persistence, Sleep
from gateway.core import events as e
from gateway.core.adoption import adopt_agents, adopt_items, adopt_outbox
from gateway.core.election import Look, Verdict
from gateway.core.ids import AgentName, NodeName
from gateway.core.model import Item
from gateway.flow.node import Node
from gateway.store.contract import CommitUnknown, Unavailable
from gateway.store.takeover import Cluster, Estate

MOST_UNTOLD = 5_000
"""Entries that may wait for the journal before the next part is adopted."""
HALF_WAY = "a takeover that had stopped half way goes on"

Learn = Callable[[Sequence[Item], Sequence[AgentName]], Awaitable[None]]
_log = structlog.get_logger("takeover")


async def _know_all(_items: Sequence[Item], _agents: Sequence[AgentName]) -> None:
    return


class Takeover:
    """Works until cancelled on what ``note`` brings. Raises ``Fenced``.

    ``taken`` counts nodes that this one has fenced, ``resumed`` takeovers that somebody else had
    begun, ``adopted`` the rows. ``learn`` has us know the queues of what comes to us and the
    agents, should the dead node have made them in its last moments.
    """

    def __init__(
        self,
        node: Node,
        cluster: Cluster,
        *,
        learn: Learn = _know_all,
        sleep: Sleep = asyncio.sleep,
    ) -> None:
        self._learn = learn
        self.taken = self.resumed = self.adopted = 0
        self._node = node
        self._cluster = cluster
        self._persistence = Persistence(node.writer, "a takeover", sleep=sleep)
        self._me = node.ledger.state.node
        self._look: Look | None = None
        self._verdicts: dict[NodeName, Verdict] = {}
        self._estates: set[NodeName] = set()
        self._at_work: NodeName | None = None
        self._news = asyncio.Event()

    @property
    def under_way(self) -> bool:
        """Whether more may come of nodes whose heir we are, or nobody has looked yet.

        We decide about their customers already, and do not know all that is open of them.
        """
        return self._look is None or self._at_work is not None or bool(self._estates)

    def note(self, look: Look, verdicts: Sequence[Verdict]) -> None:
        """What the membership has just seen."""
        self._look = look
        self._verdicts = {verdict.peer.node: verdict for verdict in verdicts}
        self._estates = {peer.node for peer in look.peers if peer.heir == self._me}
        if verdicts or self._estates:
            self._news.set()

    async def run(self) -> None:
        while True:
            await self._news.wait()
            self._news.clear()
            verdicts, self._verdicts = self._verdicts, {}
            look = self._look
            for verdict in verdicts.values():
                await self._take(verdict)
            for peer in look.peers if look is not None else ():
                if peer.heir == self._me and peer.node not in verdicts:
                    await self._settle(peer.node, peer.fence, HALF_WAY)

    async def _take(self, verdict: Verdict) -> None:
        dead, reason = verdict.peer, verdict.reason
        self._at_work = dead.node
        try:
            won = await self._persistence.as_ourselves(lambda term: self._cluster.fence(term, dead))
        except (Unavailable, CommitUnknown) as error:
            # Done or not: the next look shows whose heir it has.
            self._estates.add(dead.node)
            _log.warning("not fenced", node=dead.node, reason=str(error))
        else:
            if won:
                self.taken += 1
                _log.warning("taken over", node=dead.node, reason=reason)
                await self._settle(dead.node, dead.epoch + 1, reason, fenced_now=True)
        self._at_work = None

    async def _settle(
        self, dead: NodeName, epoch: int, reason: str, *, fenced_now: bool = False
    ) -> None:
        """Adopt all that is left of a node whose heir we are."""
        if not await self._is_heir_of(dead):
            self._estates.discard(dead)
            return
        if not fenced_now:
            self.resumed += 1
            _log.warning("a takeover goes on", node=dead)
        ledger = self._node.ledger
        taken = e.NodeTakenOver(node=dead, epoch=epoch, by=self._me, reason=reason)
        ledger.record([e.Change(taken)])
        await self._persistence.surely(lambda term: self._cluster.inherit(term, dead))
        while (part := await self._persistence.surely(lambda _: self._cluster.estate(dead))).count:
            await self._adopt(dead, part)
        while await self._persistence.surely(lambda term: self._cluster.adopt_quiet(term, dead)):
            pass
        await ledger.committed(ledger.position)
        await self._persistence.surely(lambda term: self._cluster.end(term, dead))
        self._estates.discard(dead)
        _log.info("everything adopted", node=dead, rows=self.adopted)

    async def _adopt(self, dead: NodeName, part: Estate) -> None:
        await self._persistence.surely(lambda term: self._cluster.adopt(term, dead, part))
        items, agents = [item for item, _ in part.items], [each.name for each in part.statuses]
        await self._persistence.surely(lambda _: self._learn(items, agents))
        self.adopted += part.count
        ledger, reason = self._node.ledger, f"taken over from {dead}"
        state = ledger.state
        changes = [
            *adopt_agents(state, part.statuses, reason),
            *adopt_outbox(state, part.outbox, dead),
            *adopt_items(state, part.items, reason),
        ]
        if changes:
            ledger.record(changes)
        self._node.intake.adopt(part.received)
        if ledger.uncommitted > MOST_UNTOLD:
            await ledger.committed(ledger.position)

    async def _is_heir_of(self, dead: NodeName) -> bool:
        """As of now: a look may be older than the takeover that it shows."""
        row = await self._persistence.surely(lambda _: self._cluster.row_of(dead))
        return row is not None and row.heir == self._me
