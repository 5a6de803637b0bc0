"""Sums up what all runs have covered, over all workers, and says it at the end."""

import json
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from tests.sim.world import Report
from tests.support.simworld import Pair

WRITTEN = Path("var") / "sim-coverage.json"
KEY = "sim-coverage"


class Coverage:
    """Pairs of steps: seen to follow one another, and cut in between by a crash."""

    def __init__(self) -> None:
        self.runs = self.crashes = self.open_attempts = self.repeated = 0
        self.observed: Counter[str] = Counter()
        self.crashed: Counter[str] = Counter()

    def add(self, report: Report) -> None:
        self.runs += 1
        self.crashes += report.crashes
        self.open_attempts += report.open_attempts
        self.repeated += report.repeated
        self.observed.update({" → ".join(k): n for k, n in report.observed.items()})
        self.crashed.update({" → ".join(k): n for k, n in report.crashed.items()})

    def uncut(self, pairs: Iterable[Pair]) -> set[Pair]:
        """Those between which there was no crash so far, as far as this process knows."""
        return {pair for pair in pairs if " → ".join(pair) not in self.crashed}

    def merge(self, told: dict[str, Any]) -> None:
        for name in ("runs", "crashes", "open_attempts", "repeated"):
            setattr(self, name, getattr(self, name) + told[name])
        self.observed.update(told["observed"])
        self.crashed.update(told["crashed"])

    def told(self) -> dict[str, Any]:
        return {
            "runs": self.runs,
            "crashes": self.crashes,
            "open_attempts": self.open_attempts,
            "repeated": self.repeated,
            "observed": dict(self.observed),
            "crashed": dict(self.crashed),
        }


COVERAGE = pytest.StashKey[Coverage]()


def pytest_configure(config: pytest.Config) -> None:
    config.stash[COVERAGE] = Coverage()


@pytest.fixture(scope="session")
def coverage(pytestconfig: pytest.Config) -> Coverage:
    return pytestconfig.stash[COVERAGE]


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any, error: object) -> None:
    """A worker of pytest-xdist has ended: take what it has covered."""
    told = getattr(node, "workeroutput", {}).get(KEY)
    if told:
        node.config.stash[COVERAGE].merge(told)


def pytest_sessionfinish(session: pytest.Session) -> None:
    output = getattr(session.config, "workeroutput", None)
    if output is not None:
        output[KEY] = session.config.stash[COVERAGE].told()


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    coverage = config.stash.get(COVERAGE, None)
    if coverage is None or not coverage.runs:
        return
    WRITTEN.parent.mkdir(exist_ok=True)
    WRITTEN.write_text(json.dumps(coverage.told(), indent=1, ensure_ascii=False))
    pairs, cut = len(coverage.observed), len(coverage.crashed)
    weight = sum(n for pair, n in coverage.observed.items() if pair in coverage.crashed)
    share = weight / max(sum(coverage.observed.values()), 1)
    terminalreporter.section("simulation of one node")
    terminalreporter.write_line(
        f"{coverage.runs} runs, {coverage.crashes} crashes; a crash between {cut} of the {pairs} "
        f"pairs of steps that were seen (pairs that make up {share:.1%} of all steps)"
    )
    terminalreporter.write_line(
        f"duplicated 0; {coverage.open_attempts} open attempts hit, {coverage.repeated} repeated; "
        f"details in {WRITTEN}"
    )
