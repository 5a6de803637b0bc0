"""Leaving in an orderly way: everything this node has goes to the others, and it takes nothing new.

First the agents with all that they hold, each desktop told where to go; then whatever else is
open, in parts, to nodes that serve, those of the same region first and each as much as the others.
What still comes in, because a customer's home is here or somebody files a task, is decided about
here and handed over like the rest. So it goes on until the node is told to return, or ends.
"""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from typing import TypeVar

import msgspec
import structlog
from msgspec import Struct

from gateway.cluster.asking import Asking
from gateway.cluster.handover import Handover, Peers
from gateway.cluster.persistence import Persistence, Sleep
from gateway.core.election import Peer
from gateway.core.errors import Refused
from gateway.core.ids import AgentName, ItemId, NodeName, OutboundId
from gateway.flow.node import Node
from gateway.store.handover import HandoverRows

KIND = "evacuate"
AGENTS_AT_ONCE = 20
ITEMS_AT_ONCE = 200
QUIET_AT_ONCE = 5_000
SEEN_SECONDS = 2.5
"""A node that has just come, or returned, is seen by the others so soon."""
MOVING_SECONDS = 0.05
"""Between two rounds while there is something to hand over."""
EMPTY_SECONDS = 0.5
"""The same when nothing was left."""

T = TypeVar("T")
Act = Callable[[], Awaitable[None]]
_log = structlog.get_logger("evacuation")


class Evacuate(Struct, frozen=True, kw_only=True):
    """Evacuate, or return."""

    leave: bool
    by: str


class Progress(Struct, frozen=True, kw_only=True):
    """How far a node has come: what is still there. ``empty``: nothing, and it takes nothing."""

    name: NodeName
    leaving: bool
    empty: bool
    agents: int
    items: int
    orders: int
    hindrance: str = ""


async def _nothing() -> None:
    return


class Evacuation:
    """See the module's docstring. ``run`` must be running.

    ``stop_taking`` and ``take_again`` shut and open the doors: duties, desktops, widgets.
    """

    def __init__(
        self,
        node: Node,
        rows: HandoverRows,
        handover: Handover,
        asking: Asking,
        peers: Peers,
        region: str,
        *,
        stop_taking: Act = _nothing,
        take_again: Act = _nothing,
        sleep: Sleep = asyncio.sleep,
    ) -> None:
        self.leaving = False
        self.begun = 0
        self._node = node
        self._me = node.ledger.state.node
        self._rows = rows
        self._handover = handover
        self._asking = asking
        self._peers = peers
        self._region = region
        self._stop_taking = stop_taking
        self._take_again = take_again
        self._sleep = sleep
        self._persistence = Persistence(node.writer, "an evacuation", sleep=sleep)
        self._wanted = asyncio.Event()
        self._given: Counter[NodeName] = Counter()
        self._hindrance = ""
        self._one_at_a_time = asyncio.Lock()
        asking.serve(KIND, self._asked)

    # -- what is wanted ---------------------------------------------------------------------

    async def evacuate(self, node: NodeName, by: str) -> Progress:
        """Have a node leave; again: how far it is. Raises ``Refused``."""
        return await self._ask(node, Evacuate(leave=True, by=by))

    async def give_back(self, node: NodeName, by: str) -> Progress:
        """Have it serve again, with what comes from now on. Raises ``Refused``."""
        return await self._ask(node, Evacuate(leave=False, by=by))

    async def _ask(self, node: NodeName, wish: Evacuate) -> Progress:
        if all(peer.node != node for peer in self._peers()) and node != self._me:
            raise Refused("not_found", f"there is no node {node!r}", "node")
        return await self._asking.ask(node, KIND, wish, Progress)

    async def _asked(self, _asker: NodeName, said: bytes) -> bytes:
        wish = msgspec.json.decode(said, type=Evacuate)
        async with self._one_at_a_time:
            if wish.leave:
                await self.leave(wish.by, patience=SEEN_SECONDS)
            else:
                await self.come_back(wish.by)
        return msgspec.json.encode(self.progress())

    async def leave(self, by: str, *, patience: float = 0.0) -> None:
        """Take nothing more and hand everything over.

        Raises ``Refused`` if nobody is there, nor is seen within ``patience``, in seconds.
        """
        if self.leaving:
            return
        until = self._node.ledger.clock.monotonic() + patience
        while not self._others() and self._node.ledger.clock.monotonic() < until:
            await self._sleep(MOVING_SECONDS)
        if not self._others():
            raise Refused("wrong_state", "no other node serves, so nothing can be moved", "node")
        _log.warning("evacuating", by=by)
        self.leaving = True
        self.begun += 1
        self._given.clear()
        self._wanted.set()
        await self._stop_taking()

    async def come_back(self, by: str) -> None:
        """Serve again."""
        if not self.leaving:
            return
        _log.warning("taking again", by=by)
        self.leaving = False
        self._wanted.clear()
        await self._take_again()

    # -- how far it is ----------------------------------------------------------------------

    def progress(self) -> Progress:
        """What is still here."""
        state = self._node.ledger.state
        agents = sum(status.home == self._me for status in state.statuses.values())
        return Progress(
            name=self._me,
            leaving=self.leaving,
            empty=self.leaving and self._is_empty(),
            agents=agents,
            items=len(state.items),
            orders=len(state.outbox),
            hindrance=self._hindrance,
        )

    def said(self) -> str:
        """How it stands, for people; empty: it is not leaving."""
        if not self.leaving:
            return ""
        now = self.progress()
        if now.empty:
            return "the node has been evacuated"
        left = f"{now.agents} agents, {now.items} items and {now.orders} orders are still here"
        return f"the node is being evacuated: {left}"

    def _is_empty(self) -> bool:
        state = self._node.ledger.state
        # As long as the others take this node for one that serves, more may come.
        shown = any(p.node == self._me and p.state == "leaving" for p in self._peers())
        return shown and not (
            state.statuses
            or state.items
            or state.outbox
            or self._handover.under_way
            or self._node.intake.undecided
        )

    async def emptied(self) -> None:
        """Return once nothing is left."""
        while not self._is_empty():
            await self._sleep(MOVING_SECONDS)

    # -- moving -----------------------------------------------------------------------------

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            await self._wanted.wait()
            moved = await self._round()
            await self._sleep(MOVING_SECONDS if moved else EMPTY_SECONDS)

    def _others(self) -> list[Peer]:
        """Where things may go: this region's nodes, or, if there are none, all."""
        found = [
            peer
            for peer in self._peers()
            if peer.node != self._me and peer.state == "serving" and not peer.fenced
        ]
        return [peer for peer in found if peer.region == self._region] or found

    def _next(self) -> Peer | None:
        """Who has been given least so far."""
        return min(self._others(), key=lambda one: (self._given[one.node], one.node), default=None)

    async def _round(self) -> bool:
        """Hand over a part of everything; whether anything was."""
        self._hindrance = ""
        state = self._node.ledger.state
        parts = [
            *(_Part(agents=part) for part in _parts([*state.statuses], AGENTS_AT_ONCE)),
            *(_Part(items=part) for part in _parts([*state.items], ITEMS_AT_ONCE)),
            *(_Part(orders=part) for part in _parts([*state.outbox], ITEMS_AT_ONCE)),
        ]
        done = [await self._hand(part) for part in parts]
        return any(done)

    async def _hand(self, part: "_Part") -> bool:
        """One part to one node, as far as it is still here. False: not now."""
        state = self._node.ledger.state
        peer = self._next()
        if peer is None:
            self._hindrance = "no other node serves"
        if peer is None or not self._wanted.is_set():
            return False
        try:
            moved = await self._handover.hand_over(
                [item for item in part.items if item in state.items],
                [agent for agent in part.agents if state.is_home_of(agent)],
                orders=[order for order in part.orders if order in state.outbox],
                to=peer.node,
                to_epoch=peer.fence,
                reason=f"{self._me} is being evacuated",
            )
        except Refused as refused:
            # What cannot move just now must not hold up the others.
            if refused.code == "busy" and len(part) > 1:
                return any([await self._hand(one) for one in part.each()])
            self._hindrance = refused.detail
            return False
        self._given[peer.node] += len(moved.agents) + len(moved.items)
        return True

    async def leave_nothing(self) -> None:
        """What no node keeps in memory, too, once nobody can bring anything any more."""
        peer = self._next() if self.leaving and self._is_empty() else None
        while peer is not None:
            to, epoch = peer.node, peer.fence
            done = await self._persistence.surely(
                lambda term: self._rows.hand_over_quiet(term, to, epoch, QUIET_AT_ONCE)  # noqa: B023 - awaited here
            )
            if not done:
                return

    async def before_the_end(self, by: str) -> None:
        """For a node that ends: if others serve, hand everything over. Whoever waits bounds it."""
        with suppress(Refused):
            await self.leave(by)
            await self.emptied()


class _Part(Struct, frozen=True, kw_only=True):
    """Some of one kind."""

    agents: Sequence[AgentName] = ()
    items: Sequence[ItemId] = ()
    orders: Sequence[OutboundId] = ()

    def __len__(self) -> int:
        return len(self.agents) + len(self.items) + len(self.orders)

    def each(self) -> "list[_Part]":
        return [
            *(_Part(agents=[agent]) for agent in self.agents),
            *(_Part(items=[item]) for item in self.items),
            *(_Part(orders=[order]) for order in self.orders),
        ]


def _parts(ids: Sequence[T], most: int) -> list[Sequence[T]]:
    return [ids[start : start + most] for start in range(0, len(ids), most)]
