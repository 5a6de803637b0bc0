"""Readings: percentiles, processor time and memory of processes, pauses of the loop.

Processor time and memory come from ``/proc`` (proc(5)). A process's time includes that of children
it has waited for, so a PostgreSQL backend that has ended still counts.
"""

import asyncio
import math
import os
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

TICKS = os.sysconf("SC_CLK_TCK")


def percentile(values: Sequence[float], percent: float) -> float:
    """The nearest-rank percentile of ``values``, which need not be sorted; NaN of nothing."""
    if not values:
        return math.nan
    ordered = sorted(values)
    rank = math.ceil(percent / 100 * len(ordered))
    return ordered[min(max(rank, 1), len(ordered)) - 1]


def spread(seconds: Sequence[float], prefix: str = "") -> dict[str, float]:
    """Median, 99th percentile and longest of times in seconds, as milliseconds."""
    return {
        f"{prefix}p50_ms": percentile(seconds, 50) * 1e3,
        f"{prefix}p99_ms": percentile(seconds, 99) * 1e3,
        f"{prefix}max_ms": max(seconds, default=math.nan) * 1e3,
    }


# -- processes ------------------------------------------------------------------------------


def stat_fields(text: str) -> list[str]:
    """The fields of ``/proc/PID/stat`` after the command's name, which may hold anything."""
    return text[text.rindex(")") + 2 :].split()


def _stat(pid: int) -> list[str] | None:
    try:
        return stat_fields(Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace"))
    except (FileNotFoundError, ProcessLookupError):
        return None


def tree(pid: int) -> list[int]:
    """A process and all its descendants."""
    parents: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and (fields := _stat(int(entry.name))) is not None:
            parents.setdefault(int(fields[1]), []).append(int(entry.name))
    found, ahead = [], [pid]
    while ahead:
        one = ahead.pop()
        found.append(one)
        ahead += parents.get(one, [])
    return found


def cpu_seconds(pids: Iterable[int]) -> float:
    """User and system time of the processes and of children they have waited for."""
    total = 0
    for pid in pids:
        fields = _stat(pid)
        if fields is not None:
            total += sum(int(field) for field in fields[11:15])
    return total / TICKS


def resident_mb(pid: int) -> float:
    """What the process holds in memory (VmRSS), in MB of 10^6 bytes."""
    for text in Path(f"/proc/{pid}/status").read_text(encoding="utf-8").splitlines():
        if text.startswith("VmRSS:"):
            return int(text.split()[1]) * 1024 / 1e6
    return math.nan


def postmaster_of(data_dir: Path) -> int | None:
    """The embedded PostgreSQL's process in a node's data directory."""
    for path in data_dir.glob("pg*/postmaster.pid"):
        first = path.read_text(encoding="utf-8").splitlines()[:1]
        if first and first[0].strip().isdigit():
            return int(first[0])
    return None


def machine_seconds(text: str) -> float:
    """Busy processor seconds of the whole machine (proc(5)); waiting for a disk is none."""
    user, nice, system, _idle, _iowait, irq, softirq, *_ = map(int, text.split()[1:])
    return (user + nice + system + irq + softirq) / TICKS


class Neighbours:
    """How many cores others used meanwhile: what a figure from a shared machine is worth."""

    def __init__(self) -> None:
        self._began, self._busy, self._ours = time.monotonic(), *self._read()

    @staticmethod
    def _read() -> tuple[float, float]:
        text = Path("/proc/stat").read_text(encoding="ascii").splitlines()[0]
        return machine_seconds(text), cpu_seconds([os.getpid()])

    def cores(self) -> float:
        """The mean since the beginning. Children must have been waited for."""
        busy, ours = self._read()
        wall = max(time.monotonic() - self._began, 1e-6)
        return max((busy - self._busy) - (ours - self._ours), 0.0) / wall


class CpuMeter:
    """Processor seconds by part, from ``start`` to ``read``.

    ``parts`` gives, by name, the roots of process trees; ``apart`` names those of them that are
    inside another's tree and must not be counted there too.
    """

    def __init__(self, parts: Mapping[str, Callable[[], Iterable[int]]]) -> None:
        self._parts = parts
        self._began: dict[str, float] = {}

    def _now(self) -> dict[str, float]:
        return {name: cpu_seconds(pids()) for name, pids in self._parts.items()}

    def start(self) -> None:
        self._began = self._now()

    def read(self) -> dict[str, float]:
        return {name: value - self._began.get(name, 0.0) for name, value in self._now().items()}


def trees(*roots: int | None) -> Callable[[], list[int]]:
    """For ``CpuMeter``: the processes of some trees, looked up each time."""
    return lambda: [pid for root in roots if root is not None for pid in tree(root)]


def alone(pid: int) -> Callable[[], list[int]]:
    """For ``CpuMeter``: one process without its children."""
    return lambda: [pid]


def keep_apart(node: int, *roots: int | None) -> bool:
    """One core for the node, the others for these trees: as the budgets' bare parts were measured.

    Otherwise the scheduler likes to wake the database on the node's own core. What is begun later
    inherits it. False where there is but one core.
    """
    first, *rest = sorted(os.sched_getaffinity(0))
    if not rest:
        return False
    _keep_on([node], {first})
    _keep_on(trees(*roots)(), set(rest))
    return True


def _keep_on(pids: Iterable[int], cores: set[int]) -> None:
    for pid in pids:
        try:
            for thread in Path(f"/proc/{pid}/task").iterdir():
                os.sched_setaffinity(int(thread.name), cores)
        except (FileNotFoundError, ProcessLookupError):
            continue


# -- the loop -------------------------------------------------------------------------------


class LoopLag:
    """The longest time that the loop it runs in was late for a timer, in seconds."""

    def __init__(self, step: float = 0.005) -> None:
        self.longest = 0.0
        self._step = step

    async def run(self) -> None:
        while True:
            began = time.monotonic()
            await asyncio.sleep(self._step)
            self.longest = max(self.longest, time.monotonic() - began - self._step)

    def take(self) -> float:
        """The longest since it was last taken."""
        longest, self.longest = self.longest, 0.0
        return longest
