"""What all benchmarks share: options, progress, a place of their own, a bounded run."""

import argparse
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).parents[1]
RESULTS = ROOT / "var" / "bench"


class Progress:
    """Lines on stderr, each with the seconds since the beginning."""

    def __init__(self, bench: str) -> None:
        self._bench = bench
        self._began = time.monotonic()

    def __call__(self, text: str) -> None:
        print(f"[{self._bench} {time.monotonic() - self._began:6.1f}s] {text}", file=sys.stderr)
        sys.stderr.flush()


@contextmanager
def scratch(name: str) -> Iterator[Path]:
    """A directory that is gone afterwards, on the disk where the results lie.

    Not in a memory file system: a commit there would cost nothing.
    """
    parent = ROOT / "var"
    parent.mkdir(exist_ok=True)
    path = Path(tempfile.mkdtemp(prefix=f"bench-{name}-", dir=parent))
    path.chmod(0o755)
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)


def cores() -> int:
    """The processors that this process may use."""
    return len(os.sched_getaffinity(0))


Options = argparse.Namespace
