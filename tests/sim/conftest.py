"""Sums up what all runs have covered, over all workers, and says it at the end."""

import json
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.sim.cluster import ClusterReport
from tests.sim.world import Report
from tests.support.simworld import Pair

WRITTEN = Path("var") / "sim-coverage.json"
KEY = "sim-coverage"
ONE, SEVERAL = "one node", "several nodes"


COUNTED = (
    "runs", "crashes", "open_attempts", "repeated", "takeovers", "resumed", "frozen", "failovers",
)  # fmt: skip


class Coverage:
    """Pairs of steps: seen to follow one another, and cut in between by a crash."""

    def __init__(self) -> None:
        self.runs = self.crashes = self.open_attempts = self.repeated = 0
        self.takeovers = self.resumed = self.frozen = self.failovers = 0
        self.observed: Counter[str] = Counter()
        self.crashed: Counter[str] = Counter()

    def add(self, report: Report) -> None:
        self.runs += 1
        self.crashes += report.crashes
        self.open_attempts += report.open_attempts
        self.repeated += report.repeated
        if isinstance(report, ClusterReport):
            self.takeovers += report.takeovers
            self.resumed += report.resumed
            self.frozen += report.frozen
            self.failovers += report.failovers
        self.observed.update({" → ".join(k): n for k, n in report.observed.items()})
        self.crashed.update({" → ".join(k): n for k, n in report.crashed.items()})

    def uncut(self, pairs: Iterable[Pair]) -> set[Pair]:
        """Those between which there was no crash so far, as far as this process knows."""
        return {pair for pair in pairs if " → ".join(pair) not in self.crashed}

    def merge(self, told: dict[str, Any]) -> None:
        for name in COUNTED:
            setattr(self, name, getattr(self, name) + told[name])
        self.observed.update(told["observed"])
        self.crashed.update(told["crashed"])

    def told(self) -> dict[str, Any]:
        return {
            **{name: getattr(self, name) for name in COUNTED},
            "observed": dict(self.observed),
            "crashed": dict(self.crashed),
        }


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
    ran = {which: one for which, one in config.stash.get(COVERAGE, {}).items() if one.runs}
    if not ran:
        return
    WRITTEN.parent.mkdir(exist_ok=True)
    told = {which: one.told() for which, one in ran.items()}
    WRITTEN.write_text(json.dumps(told, indent=1, ensure_ascii=False))
    for which, coverage in ran.items():
        terminalreporter.section(f"simulation of {which}")
        for line in _said(coverage):
            terminalreporter.write_line(line)
    terminalreporter.write_line(f"details in {WRITTEN}")


def _said(coverage: Coverage) -> Iterator[str]:
    pairs, cut = len(coverage.observed), len(coverage.crashed)
    weight = sum(n for pair, n in coverage.observed.items() if pair in coverage.crashed)
    share = weight / max(sum(coverage.observed.values()), 1)
    yield (
        f"{coverage.runs} runs, {coverage.crashes} crashes; a crash between {cut} of the {pairs} "
        f"pairs of steps that were seen (pairs that make up {share:.1%} of all steps)"
    )
    if coverage.takeovers:
        yield (
            f"{coverage.takeovers} takeovers, none of a living node, {coverage.resumed} went on "
            f"after they had stopped half way; {coverage.frozen} nodes stood still and woke, "
            f"{coverage.failovers} failovers of the database"
        )
    yield (
        f"duplicated 0; {coverage.open_attempts} open attempts hit, {coverage.repeated} repeated"
    )
