"""Days of several nodes: deaths, takeovers, standstills, failovers of the database.

``SIM_SEED=c17 pytest tests/sim`` replays one; ``SIM_CLUSTER_RUNS`` says how many there are.
"""

import os

import pytest

from tests.sim.cluster import simulate_cluster
from tests.sim.conftest import Coverage

RUNS = int(os.environ.get("SIM_CLUSTER_RUNS", "300"))
AT_ONCE = 20
SEED = os.environ.get("SIM_SEED", "")
REPLAYED = int(SEED[1:]) if SEED.startswith("c") else None
FIRST = range(1, RUNS + 1, AT_ONCE) if not SEED else [] if REPLAYED is None else [REPLAYED]


@pytest.mark.sim
@pytest.mark.parametrize("first", FIRST)
def test_every_promise_holds_over_all_nodes(first: int, cluster_coverage: Coverage) -> None:
    for seed in range(first, first + (AT_ONCE if REPLAYED is None else 1)):
        cluster_coverage.add(simulate_cluster(seed))
