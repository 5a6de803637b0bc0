"""``python -m tests.sim SEED`` prints the trace of one run, ``FROM TO`` runs many.

A seed may be ``17``, a day of one node; ``17@2:345``, the same with life 2 cut before its step
345; ``c17``, a day of several nodes.
"""

import sys
import time
from collections.abc import Callable
from functools import partial

from tests.sim.cluster import simulate_cluster
from tests.sim.play import Failure, Report
from tests.sim.world import named, simulate


def run_of(name: str) -> Callable[..., Report]:
    if name.startswith("c"):
        return partial(simulate_cluster, int(name[1:]))
    return partial(simulate, *named(name))


def main() -> int:
    names = sys.argv[1:]
    if not names:
        print("python -m tests.sim SEED        the trace of one run: 17, 17@2:345, c17")
        print("python -m tests.sim FROM TO     many runs, failures alone: 1 1000, c1 c2000")
        return 2
    if len(names) == 1:
        try:
            print(run_of(names[0])(tell=True))
        except Failure as failure:
            print(failure, flush=True)
            return 1
        return 0
    kind = "c" if names[0].startswith("c") else ""
    first, last = (int(name.removeprefix("c")) for name in names)
    failed = 0
    began = time.perf_counter()
    for seed in range(first, last + 1):
        try:
            run_of(f"{kind}{seed}")()
        except Failure as failure:
            failed += 1
            print(failure, flush=True)
    took = time.perf_counter() - began
    print(f"{last - first + 1} runs, {failed} failed, {took:.1f} s")
    return bool(failed)


if __name__ == "__main__":
    sys.exit(main())
