"""Publishing what this node can take and what waits here, and knowing it of the others.

Once a second, by a write that nobody waits for; what is published has been committed, as all that
leaves the node. A figure's age is counted on our own clock from when its counter moved.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Never

import structlog
from msgspec import Struct
from msgspec.structs import replace

from gateway.cluster.gate import boottime
from gateway.core.election import Peer
from gateway.core.errors import Refused
from gateway.core.ids import NodeName
from gateway.core.pool import Capacity, NodeCapacity, Tally
from gateway.core.wallboard import Wallboard
from gateway.flow.ledger import Ledger
from gateway.store.capacity import CapacityRows, Published
from gateway.store.contract import CommitUnknown, Term, Unavailable

EVERY_SECONDS = 1.0
SLICE = 500
"""Changes that are counted before other work gets a turn."""

Sleep = Callable[[float], Awaitable[None]]
_log = structlog.get_logger("capacity")


class _Known(Struct, frozen=True):
    """What a node said last, and when on our clock that was new."""

    said: Published
    since: float


class Publication:
    """See the module's docstring. ``published`` counts; ``peers`` gives who is there."""

    def __init__(
        self,
        ledger: Ledger,
        rows: CapacityRows,
        term: Callable[[], Awaitable[Term]],
        peers: Callable[[], Sequence[Peer]],
        region: str,
        *,
        monotonic: Callable[[], float] = boottime,
        every: float = EVERY_SECONDS,
        sleep: Sleep = asyncio.sleep,
    ) -> None:
        self._every = every
        self.published = 0
        self.tally = Tally(ledger.state)
        self.board = Wallboard(ledger.state)
        self._me = ledger.state.node
        self._ledger = ledger
        self._rows = rows
        self._term = term
        self._peers = peers
        self._region = region
        self._monotonic = monotonic
        self._sleep = sleep
        self._counter = 0
        self._known: dict[NodeName, _Known] = {}
        ledger.observe(self.tally.note)
        ledger.observe(self.board.note)

    async def run(self) -> Never:
        failing = False
        while True:
            try:
                await self.publish()
                failing = False
            except (Unavailable, CommitUnknown, Refused) as error:
                if not failing:
                    _log.warning("capacity not published", reason=str(error))
                failing = True
            await self._sleep(self._every)

    async def publish(self) -> None:
        """Count, wait until that is on disk, write it, and see the others.

        Raises ``Unavailable``, ``CommitUnknown``, ``Refused``.
        """
        while not (self.tally.settle(SLICE) and self.board.settle(SLICE)):
            await self._sleep(0)
        if not self._others():
            self._known.clear()
            return
        position = self._ledger.position
        capacity = self._capacity()
        await self._ledger.committed(position)
        self._counter += 1
        rows = await self._rows.publish(await self._term(), self._counter, capacity)
        self.published += 1
        now = self._monotonic()
        self._known = {row.node: self._seen(row, now) for row in rows}

    def _seen(self, row: Published, now: float) -> _Known:
        known = self._known.get(row.node)
        if known is not None and (known.said.epoch, known.said.counter) == (row.epoch, row.counter):
            return known
        return _Known(row, now)

    def _others(self) -> list[Peer]:
        return [p for p in self._peers() if p.node != self._me and p.state != "stopped"]

    # -- for those who ask ------------------------------------------------------------------

    def whole(self) -> list[NodeCapacity]:
        """This node as of this moment, then the others that serve as they last said.

        Our own figures are not on disk yet: whoever tells them waits for the ledger's position.
        """
        self.tally.settle()
        self.board.settle()
        own = NodeCapacity(node=self._me, region=self._region, age=0.0, capacity=self._capacity())
        return [own, *self.others()]

    def _capacity(self) -> Capacity:
        """The figures as they were settled last."""
        now = self._ledger.clock.now()
        return replace(self.tally.capacity(now), board=self.board.share(now))

    def others(self) -> list[NodeCapacity]:
        """What the other nodes that serve said last, under the epoch that they have."""
        now = self._monotonic()
        found = []
        for peer in self._others():
            known = self._known.get(peer.node)
            if known is None or peer.fenced or known.said.epoch != peer.epoch:
                continue
            found.append(
                NodeCapacity(
                    node=peer.node,
                    region=peer.region,
                    age=max(now - known.since, 0.0),
                    capacity=known.said.capacity,
                )
            )
        return found
