"""For every test."""

import asyncio

import pytest


@pytest.fixture(scope="session", autouse=True)
def _no_loop_by_accident() -> None:
    """Plugins ask for the current loop in tests that have none.

    Python then makes one that nobody closes, and its warning turns some later test red. Saying
    once that there is none makes them go without.
    """
    asyncio.set_event_loop(None)
