"""The floor in virtual time: the routing's own engine and the core's own folds, played agents.

Nothing here decides: contacts come, agents accept what they are offered, work, wrap up and go
home; customers lose patience. Who gets what is the engine's doing, as on a live node.
"""

import heapq
import itertools
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta
from functools import partial

from gateway.core import events as e
from gateway.core.capacity import cost_here, takes
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
    ChannelKind,
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
from gateway.sim.figures import Result, Served, load, waits
from gateway.sim.hands import Hands

NODE = NodeName("sim")
ANSWERED_BY_WORK = frozenset({ChannelKind.EMAIL, ChannelKind.TASK})
"""Here the answer is what the work ends with; elsewhere it is that somebody is there."""

Act = Callable[[], None]


class Floor:
    """One day under one policy. ``run`` plays it to its end and says how it went."""

    def __init__(self, day: Day, queues: Sequence[Queue]) -> None:
        self._day = day
        self._state = NodeState(NODE)
        self._state.load(profiles=[shift.profile for shift in day.shifts], queues=queues)
        self._engine = Engine(self._state)
        self._ids = itertools.count(1)
        self._order = itertools.count()
        self._due: list[tuple[float, int, Act]] = []
        self._at = 0.0
        self._hands = {shift.profile.name: Hands(self._plan) for shift in day.shifts}
        self._served: list[Served] = []
        self._contacts: dict[ItemId, Contact] = {}
        self._unanswered: dict[ItemId, None] = {}
        self._offers = 0

    def run(self, policy: str) -> Result:
        began, cpu = time.perf_counter(), time.process_time()
        for shift in self._day.shifts:
            self._plan_shift(shift)
        self._plan_arrival(iter(self._day.contacts))
        end = self._day.seconds
        while self._due and self._due[0][0] <= end:
            self._at, _, act = heapq.heappop(self._due)
            act()
            if self._engine.pending:
                self._settle()
        self._at = end
        return self._result(policy, time.perf_counter() - began, time.process_time() - cpu)

    # -- time -------------------------------------------------------------------------------

    @property
    def _now(self) -> datetime:
        return self._day.begins + timedelta(seconds=self._at)

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

    def _plan_shift(self, shift: Shift) -> None:
        for begins, ends in shift.ready:
            self._plan(begins, partial(self._come, shift.profile.name))
            self._plan(ends, partial(self._go, shift.profile.name))

    def _come(self, name: AgentName) -> None:
        if name not in self._state.statuses:
            self._record(e.AgentAttached(agent=name, node=NODE, epoch=1, tab="t", claims=True))
        self._record(e.AgentStateChanged(agent=name, presence=Presence.READY))
        self._hands[name].begin(self._at)

    def _go(self, name: AgentName) -> None:
        """Home, or to a break: what is in hand is finished, nothing new comes."""
        away = e.AgentStateChanged(agent=name, presence=Presence.NOT_READY, reason="away")
        self._record(away)
        self._hands[name].end(self._at)

    # -- contacts ---------------------------------------------------------------------------

    def _arrive(self, contact: Contact) -> None:
        number, now = next(self._ids), self._now
        case, item = CaseId(f"case-{number}"), ItemId(f"item-{number}")
        channel = ChannelName(contact.kind.value)
        self._state.cases[case] = Case(
            id=case,
            number=TicketNumber(number),
            version=1,
            opened_at=now,
            channel=channel,
            kind=contact.kind,
            level=contact.level,
        )
        self._contacts[item] = contact
        self._unanswered[item] = None
        new = Item(
            id=item,
            case=case,
            number=TicketNumber(number),
            channel=channel,
            kind=contact.kind,
            queue=contact.queue,
            state=ItemState.NEW,
            version=1,
            owner=NODE,
            created_at=now,
            customer=CustomerBrief(id=CustomerId(f"customer-{number}"), value=contact.value),
            requirement=Requirement(skills=contact.skills),
            language=contact.language,
            priority=contact.priority,
            due_at=None if contact.due is None else now + timedelta(seconds=contact.due),
            last_agent=contact.last_agent,
        )
        self._record(e.ItemCreated(item=new, reason=""))
        self._record(e.ItemQueued(item=item, queue=contact.queue, reason=""))
        if contact.patience <= self._day.seconds:
            self._plan(self._at + contact.patience, partial(self._lose_patience, item))

    def _lose_patience(self, item: ItemId) -> None:
        known = self._state.items.get(item)
        if known is None or known.state is not ItemState.QUEUED:
            return  # being answered, or about to be
        self._note(item, answered=False)
        del self._contacts[item]
        self._record(e.ItemAbandoned(item=item, reason="lost patience"))
        del self._state.cases[known.case]

    def _note(self, item: ItemId, *, answered: bool) -> None:
        contact = self._contacts[item]
        del self._unanswered[item]
        self._served.append(
            Served(
                flow=contact.flow,
                wait=self._at - contact.at,
                within=contact.within,
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
        at = (wait.at - self._day.begins).total_seconds()
        self._plan(at, lambda: self._engine.look_again(wait.item))

    def _offer(self, match: Match, ctx: Context) -> None:
        offer = offer_for(self._state, match, ctx)
        self._offers += 1
        self._record(e.OfferMade(item=match.item, offer=offer))
        self._hands[match.agent].take(self._at)
        reaction = self._contacts[match.item].reaction
        self._plan(self._at + reaction, partial(self._accept, match.item, offer.id, match.agent))

    def _accept(self, item: ItemId, offer: OfferId, agent: AgentName) -> None:
        contact = self._contacts[item]
        if contact.kind not in ANSWERED_BY_WORK:
            self._note(item, answered=True)
        self._record(e.OfferAccepted(item=item, offer=offer, agent=agent))
        if self._interrupts(item):
            self._hands[agent].interrupt(self._at)
        self._work(item, agent, contact.handle, partial(self._wrap_up, item, agent))

    def _work(self, item: ItemId, agent: AgentName, seconds: float, then: Act) -> None:
        known = self._state.items[item]
        if takes(known.kind, cost_here(self._state.queues, known)).interruptible:
            self._hands[agent].work(self._at, seconds, then)
        else:
            self._plan(self._at + seconds, then)

    def _interrupts(self, item: ItemId) -> bool:
        known = self._state.items[item]
        return bool(takes(known.kind, cost_here(self._state.queues, known)).interrupts)

    def _wrap_up(self, item: ItemId, agent: AgentName) -> None:
        contact = self._contacts[item]
        if contact.kind in ANSWERED_BY_WORK:
            self._note(item, answered=True)
        self._record(e.WrapUpStarted(item=item, agent=agent))
        self._work(item, agent, contact.wrapup, partial(self._complete, item, agent))

    def _complete(self, item: ItemId, agent: AgentName) -> None:
        case, interrupts = self._state.items[item].case, self._interrupts(item)
        self._record(e.ItemCompleted(item=item, agent=agent))
        self._hands[agent].put_down(self._at, interrupts=interrupts)
        del self._contacts[item]
        del self._state.cases[case]

    # -- how it went ------------------------------------------------------------------------

    def _result(self, policy: str, seconds: float, cpu: float) -> Result:
        waiting: dict[str, list[float]] = {}
        for item in self._unanswered:
            contact = self._contacts[item]
            waiting.setdefault(contact.flow, []).append(self._at - contact.at)
        served: dict[str, list[Served]] = {}
        for one in self._served:
            served.setdefault(one.flow, []).append(one)
        shares = [hands.occupancy(self._at) for hands in self._hands.values()]
        return Result(
            policy=policy,
            waits=waits(self._served, [wait for some in waiting.values() for wait in some]),
            flows={
                name: waits(served.get(name, []), waiting.get(name, [])) for name in self._day.flows
            },
            load=load(share for share in shares if share is not None),
            offers=self._offers,
            seconds=seconds,
            cpu_seconds=cpu,
        )
