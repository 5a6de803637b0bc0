"""``python -m tests.sim SEED`` prints the trace of one run, ``FROM TO`` runs many.

A seed may be ``17@2:345``: seed 17 with life 2 cut before its step 345.
"""

import sys
import time

from tests.sim.world import Failure, named, simulate


def main() -> int:
    names = sys.argv[1:]
    if not names:
        print("python -m tests.sim SEED        the trace of one run")
        print("python -m tests.sim FROM TO     many runs, failures alone")
        return 2
    if len(names) == 1:
        try:
            print(simulate(*named(names[0]), tell=True))
        except Failure as failure:
            print(failure)
            return 1
        return 0
    first, last = int(names[0]), int(names[1])
    failed = 0
    began = time.perf_counter()
    for seed in range(first, last + 1):
        try:
            simulate(seed)
        except Failure as failure:
            failed += 1
            print(failure)
    took = time.perf_counter() - began
    print(f"{last - first + 1} runs, {failed} failed, {took:.1f} s")
    return bool(failed)


if __name__ == "__main__":
    sys.exit(main())
