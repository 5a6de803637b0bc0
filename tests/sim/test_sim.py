"""A thousand days of one node, each with crashes between any two steps.

``SIM_SEED=17 pytest tests/sim`` replays one, ``17@2:345`` the same with life 2 cut before its
step 345; ``python -m tests.sim 17`` shows its trace. ``SIM_RUNS`` says how many others there are,
``SIM_FROM`` from which seed on.
"""

import hashlib
import os
import subprocess
import sys
from functools import partial
from zlib import crc32

import pytest

from tests.sim.conftest import Coverage
from tests.sim.world import named, simulate
from tests.support.simworld import Cut, Pair

RUNS = int(os.environ.get("SIM_RUNS") or 1000)
BEGIN = int(os.environ.get("SIM_FROM") or 1)
END = BEGIN + RUNS
AT_ONCE = 10
"""Seeds in one test: a thousand tests would cost more than they run."""
CUTS = 3
"""Runs besides, in each test, that are cut between steps where no crash has been yet."""
SEED = os.environ.get("SIM_SEED", "")
ALL = [str(n) for n in range(BEGIN, END, AT_ONCE)]
FIRST = ALL if not SEED else [] if SEED.startswith("c") else [SEED]

TRACE = """
from tests.sim.cluster import ClusterWorld
from tests.sim.world import World
from tests.support.virtual import run
import structlog
async def main(world):
    day = world()
    await day.day()
    return day.steps.trace
with structlog.testing.capture_logs():
    for seed in 3, 11:
        for world in World, ClusterWorld:
            print(run(main(lambda: world(seed))))
"""


@pytest.mark.sim
@pytest.mark.parametrize("first", FIRST)
def test_every_promise_holds_through_every_crash(first: str, coverage: Coverage) -> None:
    with coverage.all_hold() as run:
        if SEED:
            run(partial(simulate, *named(first)))
            return
        chances: dict[Pair, tuple[int, Cut]] = {}
        for seed in range(int(first), min(int(first) + AT_ONCE, END)):
            if report := run(partial(simulate, seed)):
                chances.update((pair, (seed, cut)) for pair, cut in report.first_seen.items())
        # Processes do not know of each other: each test begins at another place of the list.
        uncut = sorted(coverage.uncut(chances), key=lambda pair: crc32(f"{first}{pair}".encode()))
        for pair in uncut[:CUTS]:
            run(partial(simulate, *chances[pair]))


@pytest.mark.sim
def test_a_seed_does_the_same_in_every_process() -> None:
    """Also where strings hash differently, which changes the order of every set."""
    traces = set()
    for hash_seed in ("1", "2"):
        done = subprocess.run(
            [sys.executable, "-c", TRACE],
            env={**os.environ, "PYTHONHASHSEED": hash_seed},
            capture_output=True,
            timeout=240,
            check=True,
        )
        assert len(done.stdout) > 100_000
        traces.add(hashlib.sha256(done.stdout).hexdigest())
    assert len(traces) == 1
