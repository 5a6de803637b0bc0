"""The virtual loop is a loop: what asyncio promises holds, and takes no time."""

import asyncio
import time

import pytest

from tests.support.virtual import START, Stuck, VirtualClock, run


def test_a_day_of_sleep_takes_no_time() -> None:
    async def day() -> float:
        clock = VirtualClock(asyncio.get_running_loop())
        for _ in range(24):
            await asyncio.sleep(3600)
        return (clock.now() - START).total_seconds()

    began = time.monotonic()
    assert run(day()) == 86_400
    assert time.monotonic() - began < 5


def test_what_is_due_earlier_happens_earlier_whoever_asked_first() -> None:
    happened: list[str] = []

    async def at(seconds: float, what: str) -> None:
        await asyncio.sleep(seconds)
        happened.append(what)

    async def story() -> None:
        async with asyncio.TaskGroup() as group:
            for seconds, what in ((3, "c"), (1, "a"), (2, "b"), (1, "a too")):
                group.create_task(at(seconds, what))

    run(story())
    assert happened == ["a", "a too", "b", "c"]


def test_a_timeout_ends_a_wait_at_its_time() -> None:
    async def story() -> float:
        loop = asyncio.get_running_loop()
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(7.5):
                await asyncio.Event().wait()
        return loop.time()

    assert run(story()) == 7.5


def test_waiting_for_one_another_for_ever_is_an_error_at_once() -> None:
    async def story() -> None:
        await asyncio.Event().wait()

    with pytest.raises(Stuck):
        run(story())


def test_what_is_left_over_is_cancelled() -> None:
    ended: list[str] = []

    async def forever() -> None:
        try:
            await asyncio.sleep(10**9)
        finally:
            ended.append("cleanly")

    async def story() -> None:
        loop = asyncio.get_running_loop()
        loop.left = loop.create_task(forever())  # type: ignore[attr-defined]
        await asyncio.sleep(1)

    run(story())
    assert ended == ["cleanly"]
