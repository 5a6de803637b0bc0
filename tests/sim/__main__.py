"""``python -m tests.sim SEED`` prints the trace of one run; ``FROM TO`` runs many."""

import sys
import time

from tests.sim.world import Failure, simulate


def main() -> int:
    seeds = [int(a) for a in sys.argv[1:]]
    if not seeds:
        print("python -m tests.sim SEED        the trace of one run")
        print("python -m tests.sim FROM TO     many runs, failures alone")
        return 2
    if len(seeds) == 1:
        try:
            print(simulate(seeds[0], tell=True))
        except Failure as failure:
            print(failure)
            return 1
        return 0
    failed = 0
    began = time.perf_counter()
    for seed in range(*seeds[:2]):
        try:
            simulate(seed)
        except Failure as failure:
            failed += 1
            print(failure)
    took = time.perf_counter() - began
    print(f"{seeds[1] - seeds[0]} runs, {failed} failed, {took:.1f} s")
    return bool(failed)


if __name__ == "__main__":
    sys.exit(main())
