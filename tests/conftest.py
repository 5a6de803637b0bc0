"""For every test."""

import asyncio
import logging
from collections.abc import Iterator

import pytest
import structlog


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
