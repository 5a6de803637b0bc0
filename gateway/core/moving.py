"""What must change hands together, or why it cannot just now. Pure.

One node decides about all that is open of a customer, and about all that an agent has in hand or
put aside. So an item that moves takes the open items of its case and of its customer along, and
whoever works on them; and who moves takes along what is in hand, and so on until nothing is torn
apart. What is merely offered is taken back, and binds nobody.
"""

from collections import deque
from collections.abc import Callable, Collection, Iterable

from msgspec import Struct

from gateway.core import events as e
from gateway.core.errors import Refused
from gateway.core.hands import give_back
from gateway.core.ids import AgentName, CaseId, CustomerId, ItemId, NodeName, OutboundId
from gateway.core.model import Item, ItemState, Outgoing
from gateway.core.state import NodeState

_HOLDING = frozenset({ItemState.ASSIGNED, ItemState.WRAPPING})
_ASIDE = frozenset({ItemState.HELD, ItemState.SCHEDULED})

MayFollow = Callable[[AgentName], bool]


class Bundle(Struct, frozen=True, kw_only=True):
    """What changes hands, all of it or nothing."""

    items: tuple[ItemId, ...] = ()
    agents: tuple[AgentName, ...] = ()
    customers: tuple[CustomerId, ...] = ()
    cases: tuple[CaseId, ...] = ()
    orders: tuple[OutboundId, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.items or self.agents or self.customers or self.orders)


class Sent(Struct, frozen=True, kw_only=True):
    """To whom an item is sent to be assigned, where that agent is at home, by whom and why.

    ``once`` names the request: its answer is written there, with the assignment.
    """

    agent: AgentName
    home: NodeName
    by: AgentName
    reason: str = ""
    once: str = ""


class Hindrance(Struct, frozen=True):
    """Why it cannot be, just now."""

    reason: str


class Bound(Refused):
    """Somebody's work holds it where it is, for as long as that lasts."""

    def __init__(self, detail: str) -> None:
        super().__init__("busy", detail)


class Passing(Refused):
    """It cannot go just now, for a reason that is over in a moment: try again."""

    def __init__(self, detail: str) -> None:
        super().__init__("busy", detail)


def everybody(_agent: AgentName) -> bool:
    """Whoever works on what moves goes along."""
    return True


def nobody(_agent: AgentName) -> bool:
    """Who works for the customer stays, and so does the customer."""
    return False


def together(
    state: NodeState,
    items: Iterable[ItemId] = (),
    agents: Iterable[AgentName] = (),
    customers: Iterable[CustomerId] = (),
    orders: Iterable[OutboundId] = (),
    *,
    may_follow: MayFollow = everybody,
    freed: Collection[ItemId] = (),
) -> Bundle | Hindrance:
    """All that must move with these. ``may_follow``: an agent who was not named may go along.

    ``freed`` counts as nobody's work: whoever has it is about to give it up.
    """
    named = tuple(dict.fromkeys(agents))
    closure = _Closure(state, named, may_follow, freed)
    for agent in named:
        if not state.is_home_of(agent):
            return Hindrance(f"{agent} is not at home here")
    for item in items:
        if item not in state.items:
            return Hindrance("a work item is not open here any more")
        closure.reach_item(item)
    for customer in customers:
        closure.reach_customer(customer)
    for order in orders:
        closure.reach_order(order)
    return closure.complete()


def holder_of(item: Item) -> AgentName | None:
    """Whose work it is, whether in hand or put aside; an offer is nobody's work yet."""
    if item.state in _HOLDING:
        return item.agent
    return item.last_agent if item.state in _ASIDE else None


class _Closure:
    def __init__(
        self,
        state: NodeState,
        named: tuple[AgentName, ...],
        may_follow: MayFollow,
        freed: Collection[ItemId],
    ) -> None:
        self._state = state
        self._may_follow = may_follow
        self._freed = freed
        self._items: dict[ItemId, None] = {}
        self._agents: dict[AgentName, None] = {}
        self._customers: dict[CustomerId, None] = {}
        self._cases: dict[CaseId, None] = {}
        self._orders: dict[OutboundId, None] = {}
        self._ordered: set[CaseId] = set()
        self._unseen: deque[ItemId] = deque()
        self._hindrance: Hindrance | None = None
        for agent in named:
            self._reach_agent(agent)

    def reach_item(self, item: ItemId) -> None:
        if item not in self._items:
            self._items[item] = None
            self._unseen.append(item)

    def reach_customer(self, customer: CustomerId) -> None:
        if customer not in self._customers:
            self._customers[customer] = None
            for item in self._state.items_of_customer(customer):
                self.reach_item(item.id)

    def reach_order(self, order: OutboundId) -> None:
        """With all others of its case: none may arrive before one that was made before it."""
        if order in self._state.outbox:
            self._orders[order] = None
            case = self._state.outbox[order].case
            if case is not None:
                self._ordered.add(case)
                for item in self._state.items_of_case(case):
                    self.reach_item(item.id)

    def _reach_agent(self, agent: AgentName) -> None:
        if agent not in self._agents:
            self._agents[agent] = None
            for item in (*self._state.in_hand(agent), *self._state.parked(agent)):
                if item.offer is None:
                    self.reach_item(item.id)

    def complete(self) -> Bundle | Hindrance:
        while self._unseen and self._hindrance is None:
            self._follow(self._state.items[self._unseen.popleft()])
        if self._hindrance is not None:
            return self._hindrance
        return Bundle(
            items=tuple(self._items),
            agents=tuple(self._agents),
            customers=tuple(self._customers),
            cases=tuple(self._cases),
            orders=tuple(self._orders | self._of_cases()),
        )

    def _of_cases(self) -> dict[OutboundId, None]:
        cases = self._ordered.union(self._cases)
        if not cases:
            return {}
        return {o.id: None for o in self._state.outbox.values() if o.case in cases}

    def _follow(self, item: Item) -> None:
        if item.case not in self._cases:
            self._cases[item.case] = None
            for sibling in self._state.items_of_case(item.case):
                self.reach_item(sibling.id)
            case = self._state.cases.get(item.case)
            if case is not None and case.customer is not None:
                self.reach_customer(case.customer.id)
        if item.customer is not None:
            self.reach_customer(item.customer.id)
        holder = holder_of(item) if item.id not in self._freed else None
        if holder is None or holder in self._agents or not self._state.is_home_of(holder):
            return
        if not self._may_follow(holder):
            self._hindrance = Hindrance(
                f"{holder} works for the same customer, on #{item.number}, and stays"
            )
            return
        self._reach_agent(holder)


# -- what is said -----------------------------------------------------------------------------


def withdrawals(state: NodeState, bundle: Bundle, reason: str) -> list[e.Change]:
    """Offers that are out for what moves, or to who moves, are taken back first."""
    offered = {
        item.id: item
        for item in (
            *(state.items[i] for i in bundle.items),
            *(item for agent in bundle.agents for item in state.in_hand(agent)),
        )
        if item.offer is not None
    }
    return [
        change
        for item in offered.values()
        if item.offer is not None
        for change in give_back(item, item.offer.agent, reason)
    ]


def letting_go(
    state: NodeState, bundle: Bundle, to: NodeName, url: str, reason: str
) -> list[e.Change]:
    """We decide no more about any of it. Agents first: their desktops are to go after them."""
    return [
        *(
            e.Change(e.AgentHandedOver(agent=agent, to=to, url=url, reason=reason))
            for agent in bundle.agents
        ),
        *(
            e.Change(e.ItemHandedOver(item=item, case=state.items[item].case, to=to, reason=reason))
            for item in bundle.items
        ),
        *(
            e.Change(e.OutboundHandedOver(outbound=order.id, case=order.case, to=to))
            for order in orders_of(state, bundle)
        ),
    ]


def orders_of(state: NodeState, bundle: Bundle) -> list[Outgoing]:
    """The orders that go along."""
    return [state.outbox[order] for order in bundle.orders]
