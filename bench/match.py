"""Decisions a second with 11,700 agents and 10,000 waiting items, and how good they are.

The real engine over the real state, with all that follows a decision in memory (``bench.floor``).
Measured in processor time, beside a plain scan over the same state: with all agents coming free at
once, the quality of that beside the best assignment there is, and with one by one.
"""

import argparse
import gc
import random
import statistics
import time
from collections.abc import Callable, Iterator
from functools import partial
from itertools import islice, pairwise
from typing import Any, NamedTuple

from msgspec.structs import replace

from bench.crew import QUEUE, alike, crew, plain_work, work
from bench.floor import Floor, rate
from bench.frame import Options, Progress
from bench.report import Budget, Peer, Report
from gateway.app import GC_THRESHOLDS
from gateway.core import events as e
from gateway.core.ids import AgentName
from gateway.core.model import AgentProfile, ChannelKind, Item, Presence
from gateway.core.policy import Policy
from gateway.core.routing.fit import lacks, unavailable
from gateway.core.routing.need import need_of
from gateway.core.routing.rank import rank
from gateway.core.state import NodeState

BUDGETS = (
    Budget(figure="ours", limit=20_000, better="more"),
    Budget(figure="quality_percent", limit=97.0, better="more"),
    Budget(figure="all_at_once_held_ms", limit=50, better="less"),
    Budget(figure="policy_change_ms", limit=1_000, better="less"),
    Budget(figure="policy_change_held_ms", limit=50, better="less"),
)
SCANNED = 150
"""Decisions of the plain scan that are timed; more tell the same."""
SOLVED = ((500, 500), (1_000, 1_000), (500, 2_000), (2_000, 500))
"""Agents and items at once, beside the solver of the assignment problem."""
CHECKED = 20
"""Rows of a great table of who fits what that are compared with the engine's own test."""


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--agents", type=int, default=11_700)
    parser.add_argument("--waiting", type=int, default=10_000)
    parser.add_argument("--decisions", type=int, default=10_000, help="of each sort")
    parser.add_argument("--rounds", type=int, default=3, help="the median counts")
    parser.add_argument("--seed", type=int, default=1)


class Mix(NamedTuple):
    """Who works, and what comes."""

    profiles: list[AgentProfile]
    items: Callable[[], Iterator[Item]]


def many_skills(options: Options) -> Mix:
    """24 languages and 40 skills: hardly two agents are alike, and hardly two items."""
    profiles = crew(random.Random(options.seed), options.agents)
    return Mix(profiles, lambda: work(random.Random(options.seed + 1), ChannelKind.VOICE))


def one_skill(options: Options) -> Mix:
    """The common house: all can do the same, and two chats at once."""
    return Mix(alike(options.agents), partial(plain_work, ChannelKind.WEBCHAT))


# -- one by one -----------------------------------------------------------------------------


def arriving(options: Options, mix: Mix) -> tuple[float, float]:
    """Items come one by one while half of the agents are free; somebody finishes for each."""
    floor = Floor(mix.profiles)
    items = mix.items()
    for item in islice(items, options.agents // 2):
        floor.arrive(item)
    more = list(islice(items, options.decisions))

    def run() -> int:
        made = 0
        for item in more:
            made += floor.arrive(item)
            made += floor.finish(next(iter(floor.matched)))
        return made

    return rate(floor, run)


def finishing(options: Options, mix: Mix) -> tuple[float, float]:
    """Agents finish one by one while thousands wait.

    For each that is taken another comes and waits.
    """
    items = mix.items()
    floor = _crowded(mix.profiles, items, options.waiting)
    more = list(zip(list(floor.matched), islice(items, options.decisions), strict=False))

    def run() -> int:
        return sum(floor.finish(done) + floor.arrive(item) for done, item in more)

    return rate(floor, run)


def _crowded(profiles: list[AgentProfile], items: Iterator[Item], waiting: int) -> Floor:
    """So many wait, for whoever could take them is busy."""
    floor = Floor(profiles)
    while len(floor.state.items) - len(floor.matched) < waiting:
        floor.arrive(next(items))
    return floor


def rescoring(options: Options, mix: Mix) -> dict[str, float]:
    """A queue's policy changes while thousands wait: until each is in its new place.

    ``held_ms`` is the longest that others had to wait for their turn meanwhile.
    """
    floor = _crowded(mix.profiles, mix.items(), options.waiting)
    gc.collect()
    changed = replace(
        floor.state.queues[QUEUE], policy=Policy(priority_seconds=600.0, choice="longest_idle")
    )
    began = turn = time.process_time()
    longest = 0.0
    floor.change([e.QueueDefined(queue=changed, by="bench")])
    for _ in floor.settle():
        now = time.process_time()
        longest, turn = max(longest, now - turn), now
    spent = time.process_time() - began
    line = [(at, item) for at, item, _ in floor.engine.pool.in_line()]
    should = sorted((rank(i, changed), i.id) for i in floor.state.items.values() if i.offer is None)
    if line != should:
        raise AssertionError("the line is not what the policy says")
    return {"policy_change_ms": spent * 1e3, "policy_change_held_ms": longest * 1e3}


def scanning(options: Options, mix: Mix) -> float:
    """The peer: each item looks at all agents."""
    floor = Floor(mix.profiles)
    began = time.process_time()
    for item in islice(mix.items(), SCANNED):
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


# -- all at once ----------------------------------------------------------------------------


def quality(seed: int, agents: int, waiting: int) -> dict[str, float]:
    """So many come free at once with so many waiting: matches, beside the most there can be."""
    from scipy.optimize import linear_sum_assignment

    floor, profiles, items = _all_waiting(seed, agents, waiting)
    found = _all_free(floor, profiles)
    matrix = _matrix(floor.state, profiles, items)
    began = time.process_time()
    rows, columns = linear_sum_assignment(matrix, maximize=True)
    best = int(matrix[rows, columns].sum())
    return {**found, "best": best, "solver_ms": (time.process_time() - began) * 1e3}


def quality_of_all(seed: int, agents: int, waiting: int, rounds: int) -> dict[str, float]:
    """The same where a matrix would be of a hundred million cells: counted over who fits at all.

    Some rounds, and the median of each figure.
    """
    from scipy.sparse.csgraph import maximum_bipartite_matching

    floor, profiles, items = _all_waiting(seed, agents, waiting)
    every = [_all_free(floor, profiles)]
    for _ in range(1, rounds):
        floor, profiles, items = _all_waiting(seed, agents, waiting)
        every.append(_all_free(floor, profiles))
    found = {name: statistics.median(one[name] for one in every) for name in every[0]}
    table = _table(floor.state, profiles, items)
    began = time.process_time()
    best = int((maximum_bipartite_matching(table, perm_type="column") >= 0).sum())
    return {**found, "best": best, "solver_ms": (time.process_time() - began) * 1e3}


def _all_waiting(
    seed: int, agents: int, waiting: int
) -> tuple[Floor, list[AgentProfile], list[Item]]:
    dice = random.Random(seed + agents + waiting)
    profiles = crew(dice, agents)
    floor = Floor(profiles, ready=0)
    items = list(islice(work(dice, ChannelKind.VOICE), waiting))
    for item in items:
        floor.arrive(item)
    return floor, profiles, items


def _all_free(floor: Floor, profiles: list[AgentProfile]) -> dict[str, float]:
    """``held_ms``: the longest that others had to wait for their turn."""
    turns: list[float] = []
    come = [e.AgentStateChanged(agent=p.name, presence=Presence.READY) for p in profiles]

    def run() -> int:
        floor.change(come)
        # All those events would be commands of their own, each with a turn.
        turns.append(time.process_time())
        made = 0
        for some in floor.settle():
            made += some
            turns.append(time.process_time())
        return made

    alone, whole = rate(floor, run)
    ours = len(floor.matched)
    return {
        "ours": ours,
        "per_s": alone,
        "with_state_per_s": whole,
        "ms": ours / whole * 1e3,
        "held_ms": max(after - before for before, after in pairwise(turns)) * 1e3,
    }


def _matrix(state: NodeState, profiles: list[AgentProfile], items: list[Item]) -> Any:
    """1 where the agent meets the item's need."""
    import numpy as np

    fits = np.zeros((len(items), len(profiles)), dtype=np.float32)
    for row, item in enumerate(items):
        fits[row] = _fitting(state, profiles, item)
    return fits


def _fitting(state: NodeState, profiles: list[AgentProfile], item: Item) -> list[bool]:
    need = need_of(state, item)
    return [lacks(profile, need) is None for profile in profiles]


def _table(state: NodeState, profiles: list[AgentProfile], items: list[Item]) -> Any:
    """The same, sparse, by columns of levels; some rows are compared with the engine's own test."""
    import numpy as np
    from scipy.sparse import csr_matrix

    names = sorted({skill for profile in profiles for skill in profile.skills})
    levels = {s: np.array([p.skills.get(s, 0) for p in profiles], dtype=np.int8) for s in names}
    columns, ends = [], [0]
    for n, item in enumerate(items):
        fits = np.ones(len(profiles), dtype=bool)
        for skill, level in item.requirement.skills.items():
            fits &= levels[skill] >= level
        if n < CHECKED and fits.tolist() != _fitting(state, profiles, item):
            raise AssertionError("the table is not what the engine goes by")
        columns.append(np.flatnonzero(fits))
        ends.append(ends[-1] + len(columns[-1]))
    cells = np.concatenate(columns)
    shape = len(items), len(profiles)
    return csr_matrix((np.ones(len(cells), dtype=np.int8), cells, ends), shape=shape)


# -- the report -----------------------------------------------------------------------------


def _rates(options: Options, mix: Mix, progress: Progress, ending: str) -> dict[str, float]:
    """Medians by sort."""
    found: dict[str, list[tuple[float, float]]] = {"item_to_agent": [], "agent_to_item": []}
    for n in range(options.rounds):
        for sort, measured in zip(found, (arriving, finishing), strict=True):
            found[sort].append(measured(options, mix))
            progress(f"round {n + 1}, {sort}{ending}: {found[sort][-1][0]:.0f} decisions/s")
    alone = {
        f"{sort}{ending}_per_s": statistics.median(r for r, _ in rates)
        for sort, rates in found.items()
    }
    return alone | {
        f"{sort}{ending}_with_state_per_s": statistics.median(r for _, r in rates)
        for sort, rates in found.items()
    }


def _qualities(options: Options, progress: Progress) -> dict[str, float]:
    """Each in per cent of the best, and the worst of them; how quickly, of the greatest."""
    found: dict[str, float] = {}
    shares = []

    def add(agents: int, waiting: int, one: dict[str, float]) -> None:
        progress(f"{agents} agents, {waiting} items: {one}")
        shares.append(100 * one["ours"] / one["best"])
        found[f"quality_{agents}_{waiting}_percent"] = shares[-1]
        found[f"assigned_{agents}_{waiting}_ms"] = one["ms"]
        found[f"held_{agents}_{waiting}_ms"] = one["held_ms"]
        found[f"solver_{agents}_{waiting}_ms"] = one["solver_ms"]

    for agents, waiting in SOLVED:
        add(agents, waiting, quality(options.seed, agents, waiting))
    great = quality_of_all(options.seed, options.agents, options.waiting, options.rounds)
    add(options.agents, options.waiting, great)
    return {
        "all_at_once_per_s": great["per_s"],
        "all_at_once_with_state_per_s": great["with_state_per_s"],
        "all_at_once_held_ms": great["held_ms"],
        "quality_percent": min(shares),
        **found,
    }


async def measure(options: Options, progress: Progress) -> Report:
    gc.set_threshold(*GC_THRESHOLDS)
    mix = many_skills(options)
    details: dict[str, Any] = _qualities(options, progress)
    details |= _rates(options, mix, progress, "")
    details |= _rates(options, one_skill(options), progress, "_one_skill")
    progress("the plain scan")
    scan = scanning(options, mix)
    details |= rescoring(options, mix)
    progress(f"a policy changes: {details['policy_change_ms']:.0f} ms")
    return Report(
        bench="match",
        ours=details["all_at_once_per_s"],
        unit="decisions/s",
        peer=Peer(name="plain scan", value=scan),
        details=details,
        budgets=BUDGETS,
    )
