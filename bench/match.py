"""Decisions a second with 11,700 agents and 10,000 waiting items, and how good they are.

The real engine over the real state, with all that follows a decision in memory: the offer is made,
the item moves, the indexes hear of it. No journal, no sockets. Measured in processor time, beside a
plain scan over the same state; the quality beside the best assignment there is.
"""

import argparse
import gc
import random
import statistics
import time
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime, timedelta
from itertools import islice
from typing import Any

from bench.crew import START, case_of, crew, house, work
from bench.frame import Options, Progress
from bench.report import Budget, Peer, Report
from gateway.app import GC_THRESHOLDS
from gateway.core import events as e
from gateway.core import folds
from gateway.core.ids import AgentName, ItemId, OfferId
from gateway.core.model import AgentProfile, ChannelKind, Item, Offer, Presence
from gateway.core.routing.choose import Match
from gateway.core.routing.engine import Engine
from gateway.core.routing.fit import lacks, unavailable
from gateway.core.routing.need import need_of
from gateway.core.state import NodeState

BUDGETS = (
    Budget(figure="ours", limit=20_000, better="more"),
    Budget(figure="quality_percent", limit=97.0, better="more"),
)
SCANNED = 150
"""Decisions of the plain scan that are timed; more tell the same."""
CALL = ChannelKind.VOICE
_OFFER = timedelta(seconds=15)


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--agents", type=int, default=11_700)
    parser.add_argument("--waiting", type=int, default=10_000)
    parser.add_argument("--decisions", type=int, default=10_000, help="of each sort")
    parser.add_argument("--rounds", type=int, default=3, help="the median counts")
    parser.add_argument("--seed", type=int, default=1)


class Floor:
    """A node's memory at work: what the router does around the engine, without a journal."""

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

    def change(self, events: Iterable[e.Event]) -> int:
        """These happen at once."""
        return self._hear([row for event in events for row in self._fold(event)])

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
        self.now += timedelta(microseconds=1)
        self.past.append((event, self.now))
        return folds.apply(self.state, event, self.now)


def _rate(floor: Floor, run: Callable[[], int]) -> tuple[float, float]:
    """Decisions by second of processor time: of routing alone, and with the state's own changes.

    What those take is measured apart, by having them happen once more without an engine. The clock
    is read but twice each time: on some machines a reading costs more than a decision.
    """
    gc.freeze()
    floor.past.clear()
    again = floor.bare()
    began = time.process_time()
    made = run()
    whole = time.process_time() - began
    past, floor.past = floor.past, []
    began = time.process_time()
    for what in past:
        if isinstance(what, Item):
            again.cases[what.case] = case_of(what)
            again.put(what)
        else:
            folds.apply(again, *what)
    own = time.process_time() - began
    return made / max(whole - own, 1e-9), made / whole


def arriving(options: Options, profiles: list[AgentProfile]) -> tuple[float, float]:
    """Items come one by one while half of the agents are free; somebody finishes for each."""
    floor = Floor(profiles)
    items = _items(options)
    for item in islice(items, options.agents // 2):
        floor.arrive(item)
    more = list(islice(items, options.decisions))

    def run() -> int:
        made = 0
        for item in more:
            made += floor.arrive(item)
            made += floor.finish(next(iter(floor.matched)))
        return made

    return _rate(floor, run)


def finishing(options: Options, profiles: list[AgentProfile]) -> tuple[float, float]:
    """Agents finish one by one while thousands wait.

    For each that is taken another comes and waits.
    """
    floor = Floor(profiles)
    items = _items(options)
    while len(floor.state.items) - len(floor.matched) < options.waiting:
        floor.arrive(next(items))
    more = list(zip(list(floor.matched), islice(items, options.decisions), strict=False))

    def run() -> int:
        return sum(floor.finish(done) + floor.arrive(item) for done, item in more)

    return _rate(floor, run)


def scanning(options: Options, profiles: list[AgentProfile]) -> float:
    """The peer: each item looks at all agents."""
    floor = Floor(profiles)
    began = time.process_time()
    for item in islice(_items(options), SCANNED):
        _scan(floor.state, item)
    return SCANNED / (time.process_time() - began)


def _scan(state: NodeState, item: Item) -> AgentName | None:
    need = need_of(state, item)
    best = min(
        (
            (state.statuses[name].idle_since, name)
            for name, profile in state.profiles.items()
            if lacks(profile, need) is None and unavailable(state, name, need) is None
        ),
        default=None,
    )
    return best[1] if best else None


def quality(options: Options, agents: int, waiting: int) -> dict[str, float]:
    """So many come free at once with so many waiting: matches, beside the most there can be."""
    from scipy.optimize import linear_sum_assignment

    dice = random.Random(options.seed + agents + waiting)
    profiles = crew(dice, agents)
    floor = Floor(profiles, ready=0)
    items = list(islice(work(dice, CALL), waiting))
    for item in items:
        floor.arrive(item)
    began = time.process_time()
    ours = floor.change(
        e.AgentStateChanged(agent=profile.name, presence=Presence.READY) for profile in profiles
    )
    spent = time.process_time() - began
    matrix = _matrix(floor.state, profiles, items)
    began = time.process_time()
    rows, columns = linear_sum_assignment(matrix, maximize=True)
    best = int(matrix[rows, columns].sum())
    return {
        "ours": ours,
        "best": best,
        "ms": spent * 1e3,
        "solver_ms": (time.process_time() - began) * 1e3,
    }


def _matrix(state: NodeState, profiles: list[AgentProfile], items: list[Item]) -> Any:
    """1 where the agent meets the item's need."""
    import numpy as np

    fits = np.zeros((len(items), len(profiles)), dtype=np.float32)
    for row, item in enumerate(items):
        need = need_of(state, item)
        for column, profile in enumerate(profiles):
            if lacks(profile, need) is None:
                fits[row, column] = 1.0
    return fits


def _items(options: Options) -> Iterator[Item]:
    return work(random.Random(options.seed + 1), CALL)


async def measure(options: Options, progress: Progress) -> Report:
    gc.set_threshold(*GC_THRESHOLDS)
    profiles = crew(random.Random(options.seed), options.agents)
    arrive, finish = [], []
    for n in range(options.rounds):
        progress(f"round {n + 1}: items come")
        arrive.append(arriving(options, profiles))
        progress(f"{arrive[-1][0]:.0f} decisions/s; agents come free")
        finish.append(finishing(options, profiles))
        progress(f"{finish[-1][0]:.0f} decisions/s")
    progress("the plain scan")
    scan = scanning(options, profiles)
    details: dict[str, Any] = {
        "item_to_agent_per_s": statistics.median(rate for rate, _ in arrive),
        "agent_to_item_per_s": statistics.median(rate for rate, _ in finish),
        "item_to_agent_with_state_per_s": statistics.median(rate for _, rate in arrive),
        "agent_to_item_with_state_per_s": statistics.median(rate for _, rate in finish),
    }
    worst = 100.0
    for agents, waiting in ((500, 500), (1_000, 1_000), (500, 2_000), (2_000, 500)):
        found = quality(options, agents, waiting)
        progress(f"{agents} agents, {waiting} items: {found}")
        share = 100 * found["ours"] / found["best"]
        worst = min(worst, share)
        details[f"quality_{agents}_{waiting}_percent"] = share
        details[f"assigned_{agents}_{waiting}_ms"] = found["ms"]
        details[f"solver_{agents}_{waiting}_ms"] = found["solver_ms"]
    details["quality_percent"] = worst
    return Report(
        bench="match",
        ours=min(details["item_to_agent_per_s"], details["agent_to_item_per_s"]),
        unit="decisions/s",
        peer=Peer(name="plain scan", value=scan),
        details=details,
        budgets=BUDGETS,
    )
