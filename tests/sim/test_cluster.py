"""A thousand days of several nodes: deaths, takeovers, standstills, failovers of the database.

``SIM_SEED=c17 pytest tests/sim`` replays one, ``python -m tests.sim c17`` shows its trace;
``SIM_CLUSTER_RUNS`` says how many there are, ``SIM_FROM`` from which seed on.
"""

import os
from functools import partial

import pytest

from tests.sim.cluster import simulate_cluster
from tests.sim.conftest import Coverage

RUNS = int(os.environ.get("SIM_CLUSTER_RUNS") or 1000)
BEGIN = int(os.environ.get("SIM_FROM") or 1)
END = BEGIN + RUNS
AT_ONCE = 10
SEED = os.environ.get("SIM_SEED", "")
REPLAYED = int(SEED[1:]) if SEED.startswith("c") else None
FIRST = range(BEGIN, END, AT_ONCE) if not SEED else [] if REPLAYED is None else [REPLAYED]


@pytest.mark.sim
@pytest.mark.parametrize("first", FIRST)
def test_every_promise_holds_over_all_nodes(first: int, cluster_coverage: Coverage) -> None:
    end = min(first + AT_ONCE, END) if REPLAYED is None else first + 1
    with cluster_coverage.all_hold() as run:
        for seed in range(first, end):
            run(partial(simulate_cluster, seed))
