"""Sums up what all runs have covered, over all workers, and says it at the end."""

import gc
import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.sim.cluster import ClusterReport
from tests.sim.covered import Covered
from tests.sim.play import Failure, Report
from tests.support.simworld import Pair

WRITTEN = Path("var") / "sim-coverage.json"
KEY = "sim-coverage"
YOUNG = 20_000
"""Objects that may come before the youngest are collected."""
ONE, SEVERAL = "one node", "several nodes"
COUNTED = ("runs", "crashes", "open_attempts", "repeated", "takeovers", "resumed")
Simulate = Callable[[Callable[[], Report]], Report | None]


class Coverage:
    """Pairs of steps: seen to follow one another, and cut in between by a crash. And faults."""

    def __init__(self) -> None:
        self.runs = self.crashes = self.open_attempts = self.repeated = 0
        self.takeovers = self.resumed = 0
        self.observed: Counter[str] = Counter()
        self.crashed: Counter[str] = Counter()
        self.covered = Covered()
        self.failed: list[str] = []

    @contextmanager
    def all_hold(self) -> Iterator[Simulate]:
        """Gives what runs simulations, each counted; says at the end which of them failed."""
        failures: list[Failure] = []

        def run(simulate: Callable[[], Report]) -> Report | None:
            try:
                report = simulate()
            except Failure as failure:
                failures.append(failure)
                return None
            self.add(report)
            return report

        yield run
        self.failed += [failure.name for failure in failures]
        if failures:
            pytest.fail("\n\n".join(map(str, failures)), pytrace=False)

    def add(self, report: Report) -> None:
        self.runs += 1
        self.crashes += report.crashes
        self.open_attempts += report.open_attempts
        self.repeated += report.repeated
        if isinstance(report, ClusterReport):
            self.takeovers += report.takeovers
            self.resumed += report.resumed
        self.observed.update({" → ".join(k): n for k, n in report.observed.items()})
        self.crashed.update({" → ".join(k): n for k, n in report.crashed.items()})
        self.covered.add(report.covered)

    def uncut(self, pairs: Iterable[Pair]) -> set[Pair]:
        """Those between which there was no crash so far, as far as this process knows."""
        return {pair for pair in pairs if " → ".join(pair) not in self.crashed}

    def merge(self, told: dict[str, Any]) -> None:
        for name in COUNTED:
            setattr(self, name, getattr(self, name) + told[name])
        self.observed.update(told["observed"])
        self.crashed.update(told["crashed"])
        self.covered.merge(told["covered"])
        self.failed += told["failed"]

    def told(self) -> dict[str, Any]:
        return {
            **{name: getattr(self, name) for name in COUNTED},
            "observed": dict(self.observed),
            "crashed": dict(self.crashed),
            "covered": self.covered.told(),
            "failed": self.failed,
        }


@pytest.fixture(scope="session", autouse=True)
def rare_collections() -> Iterator[None]:
    """What is imported stays; a day leaves too little garbage to look for it often."""
    before = gc.get_threshold()
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG, 50, 100)
    yield
    gc.set_threshold(*before)
    gc.unfreeze()


COVERAGE = pytest.StashKey[dict[str, Coverage]]()


def pytest_configure(config: pytest.Config) -> None:
    config.stash[COVERAGE] = {ONE: Coverage(), SEVERAL: Coverage()}


@pytest.fixture(scope="session")
def coverage(pytestconfig: pytest.Config) -> Coverage:
    return pytestconfig.stash[COVERAGE][ONE]


@pytest.fixture(scope="session")
def cluster_coverage(pytestconfig: pytest.Config) -> Coverage:
    return pytestconfig.stash[COVERAGE][SEVERAL]


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any, error: object) -> None:
    """A worker of pytest-xdist has ended: take what it has covered."""
    told = getattr(node, "workeroutput", {}).get(KEY)
    for which, covered in (told or {}).items():
        node.config.stash[COVERAGE][which].merge(covered)


def pytest_sessionfinish(session: pytest.Session) -> None:
    output = getattr(session.config, "workeroutput", None)
    if output is not None:
        covered = session.config.stash[COVERAGE]
        output[KEY] = {which: one.told() for which, one in covered.items()}


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    both = config.stash.get(COVERAGE, {})
    ran = {which: one for which, one in both.items() if one.runs or one.failed}
    if not ran:
        return
    WRITTEN.parent.mkdir(exist_ok=True)
    told = {which: one.told() for which, one in ran.items()}
    WRITTEN.write_text(json.dumps(told, indent=1, ensure_ascii=False))
    terminalreporter.section("simulations")
    for which, coverage in ran.items():
        terminalreporter.write_line(f"of {which}:")
        for line in _said(coverage):
            terminalreporter.write_line(f"  {line}")
    for seed in sorted(seed for coverage in ran.values() for seed in coverage.failed):
        terminalreporter.write_line(f"FAILED: python -m tests.sim {seed}", red=True)
    terminalreporter.write_line(f"details in {WRITTEN}")


def _said(coverage: Coverage) -> Iterator[str]:
    covered, pairs, cut = coverage.covered, len(coverage.observed), len(coverage.crashed)
    yield (
        f"{coverage.runs} runs; {covered.faults.total()} faults of {len(covered.faults)} kinds "
        f"in {len(covered.states)} states; {len(covered.met)} of a kind in a state"
    )
    yield ", ".join(f"{n} × {kind}" for kind, n in covered.faults.most_common())
    weight = sum(n for pair, n in coverage.observed.items() if pair in coverage.crashed)
    share = weight / max(sum(coverage.observed.values()), 1)
    yield (
        f"a crash between {cut} of the {pairs} pairs of steps that were seen "
        f"(pairs that make up {share:.1%} of all steps)"
    )
    if coverage.takeovers:
        yield (
            f"{coverage.takeovers} takeovers, none of a living node, {coverage.resumed} went on "
            "after they had stopped half way"
        )
    yield (
        f"duplicated 0; {coverage.open_attempts} open attempts hit, {coverage.repeated} repeated"
    )
