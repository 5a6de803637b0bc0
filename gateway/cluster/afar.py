"""Commands about what another node decides about (``flow.afar``).

What only changes the thing itself (a tag) is done there, by its owner, under the id of the command:
whoever is asked twice answers what was done. What goes into the agent's own hands (an item taken, a
case reopened or begun) is brought here first, with all that is open of its customer, and then the
command is one like any other. If somebody there works for the same customer it cannot come: then
the agent goes there, with all that is in hand, and the desktop repeats the command there.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Protocol, TypeVar

import msgspec
import structlog
from msgspec import Struct

from gateway.cluster.asking import NOTHING, Asking
from gateway.cluster.handover import Handover
from gateway.cluster.persistence import Persistence, Sleep
from gateway.cluster.sending import Presences, home_of
from gateway.core import commands as c
from gateway.core.capacity import kinds_of, room
from gateway.core.desk.moves import takes_offer
from gateway.core.desk.offers import takeable
from gateway.core.errors import Refused
from gateway.core.hands import told_closed
from gateway.core.ids import AgentName, CaseId, CommandId, CustomerId, ItemId, NodeName
from gateway.core.model import ChannelKind
from gateway.core.moving import Bound, Passing, nobody
from gateway.flow.node import Node
from gateway.flow.whose import Elsewhere
from gateway.store.contacts import Contacts
from gateway.store.contract import Unavailable
from gateway.store.handover import Wish

DO, BRING, SPARE = "command", "bring", "spare"
ASK_SECONDS = 6.0
"""Less than a desktop waits for its answer."""
PASSING_SECONDS = 4.0
AGAIN_SECONDS = 0.25
ARRIVAL_SECONDS = 3.0
LOOK_SECONDS = 0.02

T = TypeVar("T")
_log = structlog.get_logger("afar")


class Do(Struct, frozen=True, kw_only=True):
    """A command to be done there."""

    agent: AgentName
    command: c.Command


class Bring(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Hand this over to who asks, whose epoch is ``epoch``; one of the three is named.

    An item is to be taken by ``agent``, who has room for these ``kinds``. ``whole``: the case with
    all that is open of it, to be merged.
    """

    epoch: int
    agent: AgentName
    command: CommandId
    item: ItemId | None = None
    case: CaseId | None = None
    customer: CustomerId | None = None
    kinds: tuple[ChannelKind, ...] = ()
    whole: bool = False


class SpareAgent(Struct, frozen=True, kw_only=True):
    """Keep this agent free for an item of that kind."""

    item: ItemId
    kind: ChannelKind
    agent: AgentName


class Told(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What came of it.

    ``said``: the command's answer. ``items`` are on their way. ``gone``: that node decides about it
    now. ``bound``: why it cannot leave. ``epoch``: what the node that answers writes under.
    """

    said: msgspec.Raw = NOTHING
    items: tuple[ItemId, ...] = ()
    gone: NodeName | None = None
    bound: str = ""
    epoch: int = 0


class Keeps(Protocol):
    """Keeping agents free (``cluster.overflow`` fits)."""

    def keep(self, agent: AgentName, item: ItemId, asker: NodeName) -> None: ...


class Afar:
    """Implements ``flow.afar.Afar``, and answers what other nodes ask by it."""

    def __init__(
        self,
        node: Node,
        asking: Asking,
        handover: Handover,
        keeps: Keeps,
        presences: Presences,
        contacts: Contacts,
        *,
        sleep: Sleep = asyncio.sleep,
    ) -> None:
        self.done = self.brought = self.followed = 0
        self._node = node
        self._ledger = node.ledger
        self._state = node.ledger.state
        self._asking = asking
        self._handover = handover
        self._keeps = keeps
        self._presences = presences
        self._contacts = contacts
        self._sleep = sleep
        self._persistence = Persistence(node.writer, "a case's move", sleep=sleep)
        asking.serve(DO, self._do)
        asking.serve(BRING, self._bring)
        asking.serve(SPARE, self._spare)

    # -- asking -----------------------------------------------------------------------------

    async def go(self, node: NodeName, agent: AgentName, command: c.Command) -> bytes | None:
        if isinstance(command, c.TagCase):
            told = await self._ask(node, DO, Do(agent=agent, command=command))
            self.done += 1
            return bytes(told.said) or None
        term = await self._node.writer.current_term()
        wish = Bring(epoch=term.epoch, agent=agent, command=command.id)
        match command:
            case c.Take(item=item):
                profile = self._state.profiles.get(agent)
                hand = self._state.in_hand(agent)
                kinds = kinds_of(room(profile, hand)) if profile is not None else ()
                wish = msgspec.structs.replace(wish, item=item, kinds=kinds)
            case c.Reopen(case=case):
                wish = msgspec.structs.replace(wish, case=case)
            case c.Compose(customer=customer) | c.AskCallback(customer=customer):
                wish = msgspec.structs.replace(wish, customer=customer)
            case _:
                raise Refused("unavailable", f"{node} decides about it; try again")
        told = await self._ask(node, BRING, wish)
        if told.bound:
            await self._follow(node, agent, told.bound)
        if told.gone is None:
            self.brought += 1
            await self._arrived(told.items)
        return None

    async def fetch(
        self,
        node: NodeName,
        by: AgentName,
        *,
        case: CaseId | None = None,
        customer: CustomerId | None = None,
    ) -> None:
        term = await self._node.writer.current_term()
        command = CommandId(self._ledger.new_id())
        wish = Bring(
            epoch=term.epoch, agent=by, command=command, case=case, customer=customer, whole=True
        )
        told = await self._ask(node, BRING, wish)
        if told.bound:
            raise Refused("busy", f"{told.bound}, at {node}: try again when that is done")
        if told.gone is None:
            self.brought += 1
            await self._arrived(told.items)

    async def _ask(self, node: NodeName, kind: str, doc: Struct) -> Told:
        return await self._asking.ask(node, kind, doc, Told, seconds=ASK_SECONDS)

    async def _arrived(self, items: tuple[ItemId, ...]) -> None:
        """What has been handed over is told of in a moment."""
        until = self._now() + ARRIVAL_SECONDS
        while not all(item in self._state.items for item in items):
            if self._now() >= until:
                raise Refused("unavailable", "it is on its way to this node; try again")
            self._asking.look()
            await self._sleep(LOOK_SECONDS)

    async def _follow(self, node: NodeName, agent: AgentName, bound: str) -> None:
        """It cannot come: the agent goes there. Raises ``Refused`` in any case."""
        peer = self._handover.peer(node)
        if peer is None:
            raise Refused("busy", f"{bound}, at {node}, which takes nobody just now")
        try:
            await self._passing(
                lambda: self._handover.hand_over(
                    agents=[agent],
                    to=node,
                    to_epoch=peer.fence,
                    reason=f"{agent} goes on at {node}: {bound}",
                    may_follow=nobody,
                )
            )
        except Bound as here:
            raise Refused("busy", f"{bound}, at {node}; and {here.detail}") from here
        self.followed += 1
        raise Refused("unavailable", f"you go on at {node}, where {bound}; it is repeated there")

    async def home(self, agent: AgentName) -> NodeName | None:
        node = await home_of(self._presences, agent)
        if node is None or node == self._state.node or self._handover.peer(node) is None:
            return None
        return node

    def check(self, item: ItemId) -> None:
        self._handover.check(item)

    async def spare(self, node: NodeName, item: ItemId, agent: AgentName) -> int:
        found = self._state.items.get(item)
        if found is None:
            raise Refused("unavailable", "the item changes hands just now; try again")
        told = await self._ask(node, SPARE, SpareAgent(item=item, kind=found.kind, agent=agent))
        return told.epoch

    async def offer(
        self, node: NodeName, epoch: int, item: ItemId, agent: AgentName, by: AgentName
    ) -> None:
        try:
            await self._handover.hand_over(
                [item],
                to=node,
                to_epoch=epoch,
                reason=f"transferred to {agent} by {by}",
                may_follow=nobody,
                wish=Wish(item=item, agent=agent, by=by),
            )
        except Refused as refused:
            _log.warning("a transfer did not arrive", item=item, to=agent, reason=refused.detail)

    # -- being asked ------------------------------------------------------------------------

    async def _do(self, _asker: NodeName, said: bytes) -> bytes:
        wish = msgspec.json.decode(said, type=Do)
        if not isinstance(wish.command, c.TagCase):
            raise Refused("unavailable", "this node is of another version")
        try:
            answer = await self._node.desk.act_for(wish.agent, wish.command)
        except Elsewhere as elsewhere:
            return msgspec.json.encode(Told(gone=elsewhere.node))
        return msgspec.json.encode(Told(said=msgspec.Raw(answer)))

    async def _bring(self, asker: NodeName, said: bytes) -> bytes:
        wish = msgspec.json.decode(said, type=Bring)
        try:
            items = await self._passing(lambda: self._brought(asker, wish))
        except Bound as bound:
            return msgspec.json.encode(Told(bound=bound.detail))
        except Elsewhere as elsewhere:
            return msgspec.json.encode(Told(gone=elsewhere.node))
        return msgspec.json.encode(Told(items=items))

    async def _brought(self, asker: NodeName, wish: Bring) -> tuple[ItemId, ...]:
        if wish.item is not None:
            return await self._give_item(asker, wish, wish.item)
        customer = wish.customer
        if wish.case is not None:
            licence = await self._node.whose.license(wish.case)
            if licence.open and wish.whole:
                return await self._give_whole(asker, wish, wish.case)
            if licence.open:
                raise Refused("wrong_state", "the case has an open work item already", "case")
            case = await self._node.lookup.case(wish.case)
            if case is None:
                raise Refused("not_found", "there is no such case", "case")
            customer = case.customer.id if case.customer is not None else None
            if customer is None:
                await self._give_case(asker, wish.epoch, wish.case)
                return ()
        if customer is None:
            raise Refused("not_found", "there is no such customer", "customer")
        await self._node.whose.license_customer(customer)
        moved = await self._handover.hand_over(
            customers=[customer],
            to=asker,
            to_epoch=wish.epoch,
            reason=f"{wish.agent} turns to this customer there",
            may_follow=nobody,
        )
        return moved.items

    async def _give_whole(self, asker: NodeName, wish: Bring, case: CaseId) -> tuple[ItemId, ...]:
        moved = await self._handover.hand_over(
            [item.id for item in self._state.items_of_case(case)],
            to=asker,
            to_epoch=wish.epoch,
            reason=f"{wish.agent} merges cases there",
            may_follow=nobody,
        )
        return moved.items

    async def _give_item(self, asker: NodeName, wish: Bring, item: ItemId) -> tuple[ItemId, ...]:
        found = self._state.items.get(item)
        if found is None:
            owner = await self._node.whose.owner(item)
            if owner is None:
                raise Refused("not_found", "there is no such open work item", "item")
            if owner == self._state.node:
                raise Passing("the item changes hands just now")
            raise Elsewhere(owner)
        takeable(self._state, found)
        if (closed := self._state.closed.get(wish.agent)) is not None:
            raise Refused("not_allowed", told_closed(closed), "item")
        if found.kind not in wish.kinds:
            raise Refused("busy", "you have no capacity left for this kind of item", "item")
        moved = await self._handover.hand_over(
            [item],
            to=asker,
            to_epoch=wish.epoch,
            reason=f"taken by {wish.agent}",
            may_follow=nobody,
            wish=Wish(item=item, agent=wish.agent, by=wish.agent, how="take", command=wish.command),
        )
        return moved.items

    async def _give_case(self, to: NodeName, epoch: int, case: CaseId) -> None:
        """A case of nobody, with nothing open; what we have said of it is on disk first."""
        departures = self._node.departures
        departures.begin([case])
        try:
            await self._ledger.committed(self._ledger.position)
            gave = await self._persistence.surely(
                lambda term: self._contacts.give_case(term, case, to, epoch)
            )
        finally:
            departures.end([case])
        if not gave:
            raise Refused("unavailable", f"{to} is not there any more as it was when it asked")

    async def _spare(self, asker: NodeName, said: bytes) -> bytes:
        wish = msgspec.json.decode(said, type=SpareAgent)
        self._ledger.check_open()
        takes_offer(self._state, wish.agent, wish.kind, wish.item)
        if wish.agent not in self._state.reserved:
            self._keeps.keep(wish.agent, wish.item, asker)
        position = self._ledger.position
        term = await self._node.writer.current_term()
        await self._ledger.committed(position)
        return msgspec.json.encode(Told(epoch=term.epoch))

    # -- both -------------------------------------------------------------------------------

    async def _passing(self, work: Callable[[], Awaitable[T]]) -> T:
        """Again, while what is in the way is over in a moment."""
        until = self._now() + PASSING_SECONDS
        while True:
            try:
                return await work()
            except (Passing, Unavailable):
                if self._now() >= until:
                    raise
                await self._sleep(AGAIN_SECONDS)

    def _now(self) -> float:
        return self._ledger.clock.monotonic()
