"""For every test."""

import asyncio
import gc
import json
import logging
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import structlog
from hypothesis import settings

from tests.support.saying import SAID, Say, lines

# Once for all folders: what two conftests import are two fixtures, each with a server of its own.
pytest_plugins = ("tests.support.database", "tests.support.databases")
UNHURRIED = ("sim", "integration", "e2e", "chaos")
PATIENCE_SECONDS = 600.0
"""After which one of these counts as stuck: on a busy machine much may take long."""


# How long an example takes is no verdict: the machine may be busy.
settings.register_profile("unhurried", deadline=None)
settings.load_profile("unhurried")


def pytest_collection_finish() -> None:
    """What was collected stays to the end; looking through it again and again took a tenth."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 50)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Modules that take long come first, so that workers side by side end together."""
    items.sort(key=lambda item: item.get_closest_marker("long") is None)
    for item in items:
        if any(map(item.get_closest_marker, UNHURRIED)):
            own = item.get_closest_marker("timeout")
            seconds = max(own.args[0] if own else 0.0, PATIENCE_SECONDS)
            item.add_marker(pytest.mark.timeout(seconds), append=False)


@pytest.fixture
def say(request: pytest.FixtureRequest) -> Say:
    """A line for whoever runs the tests, shown at the end: what was measured, say."""

    def note(line: str) -> None:
        request.node.user_properties.append((SAID, line))

    return note


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    reports = [report for group in terminalreporter.stats.values() for report in group]
    if said := list(lines(reports)):
        terminalreporter.section("measured")
        for line in said:
            terminalreporter.write_line(line)
    if counted := os.environ.get("COUNTED_IN"):
        counts = {kind: len(group) for kind, group in terminalreporter.stats.items() if kind}
        Path(counted).write_text(json.dumps(counts), encoding="utf-8")


@pytest.fixture(scope="session", autouse=True)
def _no_loop_by_accident() -> None:
    """Plugins ask for the current loop in tests that have none.

    Python then makes one that nobody closes, and its warning turns some later test red. Saying
    once that there is none makes them go without.
    """
    asyncio.set_event_loop(None)


@pytest.fixture(autouse=True)
def _logs_as_they_were() -> Iterator[None]:
    """A command under test sets up logs on the stderr of that test, which is closed after it."""
    handlers = logging.getLogger().handlers[:]
    yield
    structlog.reset_defaults()
    logging.getLogger().handlers[:] = handlers
