"""A node's memory at work: the real state, the real engine and what goes on between the two.

No journal and no sockets. ``rate`` says how many decisions a second of processor time that makes.
"""

import gc
import time
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime, timedelta

from bench.crew import START, case_of, house
from gateway.core import events as e
from gateway.core import folds
from gateway.core.ids import AgentName, ItemId, OfferId
from gateway.core.model import AgentProfile, Item, Offer
from gateway.core.routing.choose import Match, Rest
from gateway.core.routing.engine import Engine
from gateway.core.state import NodeState

SLICE = 100
"""Matches in one go before other work gets a turn, as the router has it."""
AGAIN = 3
"""The state's own changes happen so many times without an engine; the quickest counts."""
_OFFER = timedelta(seconds=15)
_TICK = timedelta(microseconds=1)


class Floor:
    """What the router does around the engine."""

    def __init__(self, profiles: Iterable[AgentProfile], *, ready: int | None = None) -> None:
        self.state = house(list(profiles), ready=ready)
        self.engine = Engine(self.state)
        self.now: datetime = START + timedelta(hours=6)
        self.matched: dict[ItemId, AgentName] = {}
        self.past: list[Item | tuple[e.Event, datetime]] = []
        for status in list(self.state.statuses.values()):
            self.engine.note(status)

    def arrive(self, item: Item) -> int:
        """The item comes in and waits; how many decisions follow."""
        self.past.append(item)
        self.state.cases[item.case] = case_of(item)
        self.state.put(item)
        return self._hear((item,))

    def bare(self) -> NodeState:
        """The state as it is now, once more."""
        state = house(list(self.state.profiles.values()))
        state.statuses.update(self.state.statuses)
        state.cases.update(self.state.cases)
        for item in self.state.items.values():
            state.put(item)
        return state

    def finish(self, item: ItemId) -> int:
        """Whoever has it is done with it."""
        agent = self.matched.pop(item)
        accepted = e.OfferAccepted(item=item, offer=OfferId(item), agent=agent)
        done = e.ItemCompleted(item=item, agent=agent)
        heard = [row for event in (accepted, done) for row in self._fold(event)]
        return self._hear(heard)

    def change(self, events: Iterable[e.Event]) -> None:
        """These happen at once; ``settle`` has what follows."""
        for event in events:
            for row in self._fold(event):
                self.engine.note(row)

    def _hear(self, rows: Iterable[e.Row]) -> int:
        for row in rows:
            self.engine.note(row)
        made = 0
        while self.engine.pending:
            for found in self.engine.matches(self.now):
                if isinstance(found, Match):
                    self._apply(found)
                    made += 1
        return made

    def settle(self) -> Iterator[int]:
        """Decisions made; others would get a turn after each number."""
        made = 0
        while self.engine.pending:
            for done, found in enumerate(self.engine.matches(self.now), start=1):
                if isinstance(found, Match):
                    self._apply(found)
                    made += 1
                if done % SLICE == 0 or isinstance(found, Rest):
                    yield made
                    made = 0
        yield made

    def _apply(self, match: Match) -> None:
        offer = Offer(
            id=OfferId(match.item),
            agent=match.agent,
            made_at=self.now,
            deadline=self.now + _OFFER,
            reason=match.reason,
        )
        for row in self._fold(e.OfferMade(item=match.item, offer=offer)):
            self.engine.note(row)
        self.matched[match.item] = match.agent

    def _fold(self, event: e.Event) -> tuple[e.Row, ...]:
        self.now += _TICK
        self.past.append((event, self.now))
        return folds.apply(self.state, event, self.now)


def rate(floor: Floor, run: Callable[[], int]) -> tuple[float, float]:
    """Decisions by second of processor time: of routing alone, and with the state's own changes.

    What those take is measured apart, by having them happen once more without an engine, in the
    same order and on a state of the same size. The quickest of some times is what is taken off, so
    that a disturbance there does not flatter; making the offer and the clock counts as routing. The
    clock is read but twice each time: on some machines a reading costs more than a decision.
    """
    # The states first: a run that pays for the collection of another's rubbish tells nothing.
    spares = [floor.bare() for _ in range(AGAIN)]
    gc.collect()
    gc.freeze()
    floor.past.clear()
    began = time.process_time()
    made = run()
    whole = time.process_time() - began
    past, floor.past = floor.past, []
    own = min(_replay(spare, past) for spare in spares)
    gc.unfreeze()
    return made / max(whole - own, 1e-9), made / whole


def _replay(state: NodeState, past: list[Item | tuple[e.Event, datetime]]) -> float:
    """Seconds that the state takes for it alone."""
    began = time.process_time()
    for what in past:
        if isinstance(what, Item):
            state.cases[what.case] = case_of(what)
            state.put(what)
        else:
            folds.apply(state, *what)
    return time.process_time() - began
