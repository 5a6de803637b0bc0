"""Questions that travel together."""

import asyncio
from collections.abc import Coroutine, Sequence
from typing import Any

import pytest

from gateway.store.together import Together


class Slow:
    """Doubles numbers when it is let, and remembers what it was asked together."""

    def __init__(self) -> None:
        self.asked: list[list[int]] = []
        self.may = asyncio.Semaphore(0)

    async def answer(self, numbers: Sequence[int]) -> list[int]:
        self.asked.append(list(numbers))
        await self.may.acquire()
        if 13 in numbers:
            raise RuntimeError("thirteen")
        return [2 * number for number in numbers]


async def outcome(asking: Coroutine[Any, Any, int]) -> int | str:
    try:
        return await asking
    except RuntimeError as problem:
        return str(problem)


async def turns(count: int = 5) -> None:
    for _ in range(count):
        await asyncio.sleep(0)


async def test_whoever_comes_first_asks_alone_and_the_others_together() -> None:
    slow = Slow()
    together = Together(slow.answer)
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(together.ask(n)) for n in range(5)]
        await turns()
        assert slow.asked == [[0]]
        slow.may.release()
        await turns()
        assert slow.asked == [[0], [1, 2, 3, 4]]
        slow.may.release()
    assert [task.result() for task in tasks] == [0, 2, 4, 6, 8]


async def test_no_more_than_the_most_travel_together() -> None:
    slow = Slow()
    together = Together(slow.answer, most=2)
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(together.ask(n)) for n in range(5)]
        for _ in range(3):
            await turns()
            slow.may.release()
    assert slow.asked == [[0], [1, 2], [3, 4]]
    assert [task.result() for task in tasks] == [0, 2, 4, 6, 8]


async def test_a_fault_is_told_to_those_who_asked_together_and_to_nobody_else() -> None:
    slow = Slow()
    together = Together(slow.answer)
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(outcome(together.ask(n))) for n in (1, 13, 14)]
        for _ in range(2):
            await turns()
            slow.may.release()
    assert [task.result() for task in tasks] == [2, "thirteen", "thirteen"]
    slow.may.release()
    assert await together.ask(4) == 8


@pytest.mark.parametrize("cancelled", [(0,), (1,), (2,), (0, 1), (0, 1, 2)])
async def test_whoever_is_cancelled_leaves_the_others_with_an_answer(
    cancelled: tuple[int, ...],
) -> None:
    slow = Slow()
    together = Together(slow.answer)
    async with asyncio.timeout(5), asyncio.TaskGroup() as group:
        tasks = [group.create_task(together.ask(n)) for n in range(4)]
        await turns()
        for n in cancelled:
            tasks[n].cancel()
            await turns(1)
        for _ in range(6):
            slow.may.release()
    for n, task in enumerate(tasks):
        assert task.cancelled() if n in cancelled else task.result() == 2 * n


async def test_who_was_told_to_lead_and_is_cancelled_in_that_moment_passes_it_on() -> None:
    slow = Slow()
    together = Together(slow.answer)
    async with asyncio.timeout(5), asyncio.TaskGroup() as group:
        tasks = [group.create_task(together.ask(n)) for n in range(3)]
        await turns()
        slow.may.release()
        while not tasks[0].done():  # noqa: ASYNC110 - turn by turn, to be there in that moment
            await asyncio.sleep(0)
        tasks[1].cancel()  # perhaps it has been told, and has not run yet
        for _ in range(3):
            slow.may.release()
    assert tasks[2].result() == 4
