"""Handing over to a node that lives (docs/decisions/0005).

Two steps. (1) We say in our journal that we decide no more: the state lets go, in one turn of the
loop, and from then on nobody here acts on any of it. (2) When that is on disk one statement makes
the rows the other node's and puts the question that tells it. Dying in between, the rows are still
ours, and our next life or our heir goes on; should the other node be fenced meanwhile, we adopt
back what we let go. So nothing is ever in two hands, and nothing in none for long.
"""

import asyncio
from collections.abc import Callable, Collection, Iterable, Sequence
from contextlib import suppress

import msgspec
import structlog
from msgspec import Struct
from msgspec.structs import replace

from gateway.cluster.asking import Asking
from gateway.cluster.bell import Bell
from gateway.cluster.persistence import Persistence, Sleep
from gateway.core import events as e
from gateway.core.acts import assign
from gateway.core.adoption import adopt_agents, adopt_items, adopt_outbox
from gateway.core.commands import Take
from gateway.core.desk.moves import wished
from gateway.core.edition import EDITION, refuse_unknown
from gateway.core.election import Peer
from gateway.core.errors import Refused
from gateway.core.ids import AgentName, CustomerId, ItemId, NodeName, OutboundId
from gateway.core.model import CommandRecord, Item
from gateway.core.moving import (
    Bound,
    Bundle,
    Hindrance,
    MayFollow,
    Passing,
    everybody,
    letting_go,
    nobody,
    orders_of,
    together,
    withdrawals,
)
from gateway.core.view import item_view
from gateway.flow.node import Node
from gateway.store.handover import KIND, Handed, HandoverRows, Wish
from gateway.store.takeover import Estate

Peers = Callable[[], Sequence[Peer]]
_log = structlog.get_logger("handover")


class Moved(Struct, frozen=True, kw_only=True):
    """What has changed hands."""

    items: tuple[ItemId, ...] = ()
    agents: tuple[AgentName, ...] = ()
    customers: tuple[CustomerId, ...] = ()
    orders: int = 0


class _Going(Struct, frozen=True, kw_only=True):
    """A handover whose first step is done: to whom, what, and as it was when we let go."""

    to: NodeName
    epoch: int
    handed: Handed
    kept: Estate
    ids: tuple[str, ...]
    done: "asyncio.Future[Moved]"


class Handover:
    """See the module's docstring. ``run`` must be running. ``handed`` and ``taken`` count rows.

    ``arriving`` says that more may come of what we decide about already (a takeover is under way):
    until all of it is known, nobody knows what must go together.
    """

    def __init__(
        self,
        node: Node,
        rows: HandoverRows,
        asking: Asking,
        peers: Peers,
        *,
        bell: Bell | None = None,
        sleep: Sleep = asyncio.sleep,
    ) -> None:
        self.arriving: Callable[[], bool] = lambda: False
        self.handed = self.taken = self.returned = 0
        self._node = node
        self._me = node.ledger.state.node
        self._rows = rows
        self._peers = peers
        self._bell = bell
        self._persistence = Persistence(node.writer, "a handover", sleep=sleep)
        self._told = set(node.handed)
        self._group: asyncio.TaskGroup | None = None
        self._under_way: set[str] = set()
        asking.serve(KIND, self._adopt)

    async def run(self) -> None:
        """Until cancelled. Raises ``Fenced``, ``VersionConflict``: the node must begin anew."""
        async with asyncio.TaskGroup() as group:
            self._group = group
            try:
                await asyncio.get_running_loop().create_future()
            finally:
                self._group = None

    @property
    def under_way(self) -> int:
        """Handovers between their two steps."""
        return len(self._under_way)

    async def hand_over(
        self,
        items: Iterable[ItemId] = (),
        agents: Iterable[AgentName] = (),
        *,
        to: NodeName,
        to_epoch: int,
        reason: str,
        customers: Iterable[CustomerId] = (),
        orders: Iterable[OutboundId] = (),
        may_follow: MayFollow = everybody,
        wish: Wish | None = None,
        overflow: bool = False,
    ) -> Moved:
        """Hand these over, and all that must move with them (``core.moving``).

        ``to_epoch`` is what ``to`` had when it agreed. ``may_follow`` says who may be taken along
        that was not named. Raises ``Refused``: ``Bound`` or ``Passing`` (``busy``) when it cannot
        be just now, and ``unavailable`` when ``to`` is not what it was; then everything is here as
        before. What it does to the state it does in the turn of the loop in which it is awaited.
        """
        if self._group is None:
            raise Refused("unavailable", "this node is not ready to hand anything over")
        self._node.ledger.check_open()
        bundle = self._bundle(items, agents, customers, orders, may_follow=may_follow)
        if not bundle:
            return Moved()
        going = self._let_go(bundle, to, to_epoch, reason, wish, overflow=overflow)
        # Whoever asked may go; what has been let go must not stay half way.
        self._group.create_task(self._finish(going), name=f"handover:{to}")
        return await asyncio.shield(going.done)

    def check(self, item: ItemId) -> None:
        """Whether an item could go alone if nobody held it. Raises as ``hand_over``."""
        self._node.ledger.check_open()
        self._bundle([item], may_follow=nobody, freed=[item])

    def _bundle(
        self,
        items: Iterable[ItemId] = (),
        agents: Iterable[AgentName] = (),
        customers: Iterable[CustomerId] = (),
        orders: Iterable[OutboundId] = (),
        *,
        may_follow: MayFollow,
        freed: Collection[ItemId] = (),
    ) -> Bundle:
        """All that must go together. Raises ``Bound``, ``Passing``."""
        if self.arriving():
            raise Passing("what another node had, whose heir this one is, is still being taken in")
        state = self._node.ledger.state
        found = together(
            state, items, agents, customers, orders, may_follow=may_follow, freed=freed
        )
        if isinstance(found, Hindrance):
            raise Bound(found.reason)
        bundle = self._without_what_is_being_brought(found)
        if self._node.intake.decides_about(bundle.customers):
            # It would come after what the customer says next, to the other node.
            raise Passing("something that the customer wrote is just being taken in")
        return bundle

    def _without_what_is_being_brought(self, bundle: Bundle) -> Bundle:
        """An attempt is ended where it was begun.

        News of a task's state stand for themselves and stay behind. What is said in a case does
        not: its end may change the case. Raises ``Refused``.
        """
        outbox, dispatch = self._node.ledger.state.outbox, self._node.dispatch
        under_way = [order for order in bundle.orders if dispatch.brings([order])]
        if any(outbox[order].purpose == "message" for order in under_way):
            raise Passing("something of it is being delivered just now")
        return replace(bundle, orders=tuple(o for o in bundle.orders if o not in under_way))

    @property
    def others(self) -> bool:
        """Whether another node serves, as last seen."""
        return any(self.peer(one.node) for one in self._peers() if one.node != self._me)

    def peer(self, node: NodeName) -> Peer | None:
        """A node that serves, as it was last seen; ``None``: it does not."""
        for peer in self._peers():
            if peer.node == node and peer.state == "serving" and not peer.fenced:
                return peer
        return None

    # -- step one: letting go ---------------------------------------------------------------

    def _let_go(
        self,
        bundle: Bundle,
        to: NodeName,
        epoch: int,
        reason: str,
        wish: Wish | None,
        *,
        overflow: bool,
    ) -> _Going:
        """In one turn of the loop, so that nobody decides about any of it in between."""
        ledger = self._node.ledger
        state = ledger.state
        peer = self.peer(to)
        url = peer.urls.get("agent", "") if peer is not None else ""
        handed = Handed(
            id=ledger.new_id(),
            reason=reason,
            agents=bundle.agents,
            items=bundle.items,
            orders=bundle.orders,
            customers=bundle.customers,
            cases=bundle.cases,
            wish=wish,
            overflow=overflow,
        )
        if ledger.written < EDITION:
            refuse_unknown(handed, ledger.written)
        if taken_back := withdrawals(state, bundle, reason):
            ledger.record(taken_back)
        kept = Estate(
            statuses=tuple(state.statuses[agent] for agent in bundle.agents),
            items=tuple(
                (item, state.cases[item.case]) for item in (state.items[i] for i in bundle.items)
            ),
            outbox=tuple(orders_of(state, bundle)),
        )
        going = _Going(
            to=to,
            epoch=epoch,
            handed=handed,
            kept=kept,
            ids=(*bundle.agents, *bundle.customers, *bundle.cases),
            done=asyncio.get_running_loop().create_future(),
        )
        if changes := letting_go(state, bundle, to, url, reason):
            ledger.record(changes)
        self._node.departures.begin(going.ids)
        self._under_way.add(handed.id)
        return going

    # -- step two: the statement ------------------------------------------------------------

    async def _finish(self, going: _Going) -> None:
        """Raises ``Fenced``, ``VersionConflict``."""
        ledger, handed = self._node.ledger, going.handed
        why = f"{going.to} is not there any more as it was when it agreed"
        problem = Refused("unavailable", why)
        try:
            await ledger.committed(ledger.position)
            whole = await self._is_whole(handed)
            took = whole and await self._persistence.surely(
                lambda term: self._rows.hand_over(term, going.to, going.epoch, handed)
            )
            if not whole:
                problem = Passing("something of the customer is just coming here")
        except BaseException as error:
            _answer(going.done, Refused("unavailable", "this node begins anew; try again"))
            if isinstance(error, Refused):
                return  # it ends already, and its next life has what is ours
            raise
        if not took:
            self._take_back(going, problem)
        self._node.departures.end(going.ids)
        self._under_way.discard(handed.id)
        if not took:
            _answer(going.done, problem)
            return
        self.handed += going.kept.count
        if self._bell is not None:
            self._bell.ring("relay", going.to)
        if not going.done.done():
            going.done.set_result(
                Moved(
                    items=handed.items,
                    agents=handed.agents,
                    customers=handed.customers,
                    orders=len(handed.orders),
                )
            )

    async def _is_whole(self, handed: Handed) -> bool:
        """Nothing of these customers is ours on disk that we have not been told of yet.

        Their home was ours from the moment in which another node handed them over; what was handed
        over with them comes a moment later, and would be left behind.
        """
        if not handed.customers:
            return True
        left = await self._persistence.surely(lambda _: self._rows.left_behind(self._me, handed))
        return not left

    def _take_back(self, going: _Going, problem: Refused) -> None:
        _log.warning("not handed over", to=going.to, rows=going.kept.count, reason=problem.detail)
        self.returned += going.kept.count
        self._tell(self._me, f"not handed over: {problem.detail}", going.kept)

    # -- the other side ---------------------------------------------------------------------

    async def _adopt(self, source: NodeName, said: bytes) -> bytes:
        """We have been handed something: record that it is ours, and go on with it."""
        handed = msgspec.json.decode(said, type=Handed)
        ledger = self._node.ledger
        if handed.id not in self._told:
            part = await self._rows.handed(self._me, handed)
            self._told.add(handed.id)
            self.taken += part.count
            self._tell(
                source,
                f"handed over by {source}: {handed.reason}",
                part,
                overflow=handed.overflow,
            )
            if handed.wish is not None:
                self._heed(handed.wish)
            self._node.intake.adopt(part.received)
        await ledger.committed(ledger.position)
        return b"{}"

    def _heed(self, wish: Wish) -> None:
        """What it was sent here for; if that cannot be, it waits in its queue like any other."""
        ledger = self._node.ledger
        state = ledger.state
        if wish.how == "take":
            self._node.desk.take_arrived(wish.agent, Take(id=wish.command, item=wish.item))
        elif wish.how == "offer":
            if changes := wished(state, ledger.context(), wish.item, wish.agent, wish.by):
                ledger.record(changes)
        elif wish.item in state.items and state.is_home_of(wish.agent):
            with suppress(Refused):
                given = assign(state, wish.item, wish.agent, wish.by, wish.reason)
                ledger.record(given, lambda entries: self._answer_to(wish, entries))

    def _answer_to(self, wish: Wish, entries: Sequence[e.Entry]) -> list[e.Row]:
        """What whoever asked for it is told (``api.once``): the item, as this leaves it."""
        if not wish.command:
            return []
        rows = [row for entry in entries for row in entry.rows]
        item = next(r for r in reversed(rows) if type(r) is Item and r.id == wish.item)
        said = msgspec.json.encode(item_view(item, self._node.ledger.state.cases[item.case]))
        now = self._node.ledger.clock.now()
        return [CommandRecord(agent=wish.by, id=wish.command, at=now, answer=said)]

    def _tell(self, source: NodeName, reason: str, part: Estate, *, overflow: bool = False) -> None:
        """Agents first: what they hold stays with whom is at home here."""
        ledger = self._node.ledger
        state = ledger.state
        if agents := adopt_agents(state, part.statuses, reason):
            ledger.record(agents)
        rest = [
            *adopt_items(state, part.items, reason, overflow=overflow),
            *adopt_outbox(state, part.outbox, source),
        ]
        if rest:
            ledger.record(rest)


def _answer(future: "asyncio.Future[Moved]", problem: Refused) -> None:
    if not future.done():
        future.set_exception(problem)
        future.exception()  # nobody need wait for it
