"""The floor in virtual time: the routing's own engine and the core's own folds, played agents.

Nothing here decides: contacts come, agents accept what they are offered, work, wrap up and go
home; customers lose patience. Who gets what is the engine's doing, as on a live node.
"""

import heapq
import itertools
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial

from msgspec import Struct

from gateway.core import events as e
from gateway.core.folds import apply
from gateway.core.ids import (
    AgentName,
    CaseId,
    ChannelName,
    Context,
    CustomerId,
    ItemId,
    NodeName,
    OfferId,
    TicketNumber,
)
from gateway.core.model import (
    Case,
    CustomerBrief,
    Item,
    ItemState,
    Presence,
    Queue,
    Requirement,
)
from gateway.core.routing.choose import Match, Wait
from gateway.core.routing.engine import Engine, offer_for
from gateway.core.routing.rings import Widen
from gateway.core.state import NodeState
from gateway.sim.day import Contact, Day, Shift
from gateway.sim.figures import Load, Result, Served, load, waits
from gateway.sim.scenario import Flow

MIDNIGHT = datetime(2026, 1, 5, tzinfo=UTC)
"""When a simulated day begins: a Monday."""
NODE = NodeName("sim")

Act = Callable[[], None]


class _Hands(Struct):
    """What one agent has in hand, and for how long it was anything at all."""

    count: int = 0
    since: float = 0.0
    busy: float = 0.0
    ready_since: float = -1.0
    ready: float = 0.0


class Floor:
    """One day under one policy. ``run`` plays it to its end and says how it went."""

    def __init__(self, day: Day, queues: Sequence[Queue]) -> None:
        self._day = day
        self._flows: dict[str, Flow] = {flow.name: flow for flow in day.scenario.flows}
        self._state = NodeState(NODE)
        self._state.load(profiles=[shift.profile for shift in day.shifts], queues=queues)
        self._engine = Engine(self._state)
        self._ids = itertools.count(1)
        self._order = itertools.count()
        self._due: list[tuple[float, int, Act]] = []
        self._at = 0.0
        self._hands = {shift.profile.name: _Hands() for shift in day.shifts}
        self._served: list[Served] = []
        self._contacts: dict[ItemId, Contact] = {}
        self._offers = 0

    def run(self, policy: str) -> Result:
        began = time.perf_counter()
        for shift in self._day.shifts:
            self._plan(shift.begins, partial(self._come, shift))
            self._plan(shift.ends, partial(self._go, shift))
        arrivals = iter(self._day.contacts)
        self._plan_arrival(arrivals)
        end = self._day.scenario.hours * 3600
        while self._due and self._due[0][0] <= end:
            self._at, _, act = heapq.heappop(self._due)
            act()
            if self._engine.pending:
                self._settle()
        self._at = end
        return self._result(policy, time.perf_counter() - began)

    # -- time -------------------------------------------------------------------------------

    @property
    def _now(self) -> datetime:
        return MIDNIGHT + timedelta(seconds=self._at)

    def _plan(self, at: float, act: Act) -> None:
        heapq.heappush(self._due, (at, next(self._order), act))

    def _plan_arrival(self, arrivals: Iterator[Contact]) -> None:
        contact = next(arrivals, None)
        if contact is not None:

            def arrive() -> None:
                self._arrive(contact)
                self._plan_arrival(arrivals)

            self._plan(contact.at, arrive)

    def _record(self, event: e.Event) -> None:
        for row in apply(self._state, event, self._now):
            self._engine.note(row)

    # -- agents -----------------------------------------------------------------------------

    def _come(self, shift: Shift) -> None:
        name = shift.profile.name
        self._record(e.AgentAttached(agent=name, node=NODE, epoch=1, tab="t", claims=True))
        self._record(e.AgentStateChanged(agent=name, presence=Presence.READY))
        self._hands[name].ready_since = self._at

    def _go(self, shift: Shift) -> None:
        """Home: what is in hand is finished, nothing new comes."""
        name = shift.profile.name
        self._record(
            e.AgentStateChanged(agent=name, presence=Presence.NOT_READY, reason="shift_over")
        )
        hands = self._hands[name]
        hands.ready += self._at - hands.ready_since
        hands.ready_since = -1.0

    def _take(self, agent: AgentName) -> None:
        hands = self._hands[agent]
        if hands.count == 0:
            hands.since = self._at
        hands.count += 1

    def _put_down(self, agent: AgentName) -> None:
        hands = self._hands[agent]
        hands.count -= 1
        if hands.count == 0:
            hands.busy += self._at - hands.since

    # -- contacts ---------------------------------------------------------------------------

    def _arrive(self, contact: Contact) -> None:
        flow = self._flows[contact.flow]
        number = next(self._ids)
        case, item = CaseId(f"case-{number}"), ItemId(f"item-{number}")
        customer = CustomerBrief(id=CustomerId(f"customer-{number}"), value=contact.value)
        self._state.cases[case] = Case(
            id=case,
            number=TicketNumber(number),
            version=1,
            opened_at=self._now,
            channel=ChannelName(flow.kind.value),
            kind=flow.kind,
        )
        self._contacts[item] = contact
        new = Item(
            id=item,
            case=case,
            number=TicketNumber(number),
            channel=ChannelName(flow.kind.value),
            kind=flow.kind,
            queue=flow.queue,
            state=ItemState.NEW,
            version=1,
            owner=NODE,
            created_at=self._now,
            customer=customer,
            requirement=Requirement(skills=contact.skills),
            priority=flow.priority,
        )
        self._record(e.ItemCreated(item=new, reason=""))
        self._record(e.ItemQueued(item=item, queue=flow.queue, reason=""))
        if flow.patience is not None:
            self._plan(self._at + contact.patience, lambda: self._lose_patience(item))

    def _lose_patience(self, item: ItemId) -> None:
        known = self._state.items.get(item)
        if known is None or known.state is not ItemState.QUEUED:
            return  # being answered, or about to be
        self._note(self._contacts.pop(item), answered=False)
        self._record(e.ItemAbandoned(item=item, reason="lost patience"))
        del self._state.cases[known.case]

    def _note(self, contact: Contact, *, answered: bool) -> None:
        self._served.append(
            Served(
                flow=contact.flow,
                wait=self._at - contact.at,
                within=self._flows[contact.flow].within,
                answered=answered,
            )
        )

    # -- offers -----------------------------------------------------------------------------

    def _settle(self) -> None:
        ctx = Context(self._now, lambda: f"id-{next(self._ids)}")
        for found in self._engine.matches(ctx.now):
            match found:
                case Match():
                    self._offer(found, ctx)
                case Wait():
                    self._look_again(found)
                case Widen():
                    opened = e.RingOpened(item=found.item, ring=found.ring, reason=found.reason)
                    self._record(opened)
                case _:
                    pass  # nobody else waits for a turn here

    def _look_again(self, wait: Wait) -> None:
        at = (wait.at - MIDNIGHT).total_seconds()
        self._plan(at, lambda: self._engine.look_again(wait.item))

    def _offer(self, match: Match, ctx: Context) -> None:
        offer = offer_for(self._state, match, ctx)
        self._offers += 1
        self._record(e.OfferMade(item=match.item, offer=offer))
        self._take(match.agent)
        reaction = self._contacts[match.item].reaction
        self._plan(self._at + reaction, lambda: self._accept(match.item, offer.id, match.agent))

    def _accept(self, item: ItemId, offer: OfferId, agent: AgentName) -> None:
        contact = self._contacts[item]
        self._note(contact, answered=True)
        self._record(e.OfferAccepted(item=item, offer=offer, agent=agent))
        self._plan(self._at + contact.handle, lambda: self._wrap_up(item, agent))

    def _wrap_up(self, item: ItemId, agent: AgentName) -> None:
        self._record(e.WrapUpStarted(item=item, agent=agent))
        wrapup = self._contacts[item].wrapup
        self._plan(self._at + wrapup, lambda: self._complete(item, agent))

    def _complete(self, item: ItemId, agent: AgentName) -> None:
        case = self._state.items[item].case
        self._record(e.ItemCompleted(item=item, agent=agent))
        self._put_down(agent)
        del self._contacts[item]
        del self._state.cases[case]

    # -- how it went ------------------------------------------------------------------------

    def _result(self, policy: str, seconds: float) -> Result:
        queued = [i for i in self._state.items.values() if i.state is ItemState.QUEUED]
        waiting = [(self._contacts[i.id].flow, self._at - self._contacts[i.id].at) for i in queued]
        flows = {
            name: waits(
                [one for one in self._served if one.flow == name],
                [wait for flow, wait in waiting if flow == name],
            )
            for name in self._flows
        }
        return Result(
            policy=policy,
            waits=waits(self._served, [wait for _, wait in waiting]),
            flows=flows,
            load=self._load(),
            offers=self._offers,
            seconds=seconds,
        )

    def _load(self) -> Load:
        shares = []
        for hands in self._hands.values():
            busy = hands.busy + (self._at - hands.since if hands.count else 0.0)
            ready = hands.ready + (self._at - hands.ready_since if hands.ready_since >= 0 else 0.0)
            if ready > 0:
                shares.append(min(busy / ready, 1.0))
        return load(shares)
