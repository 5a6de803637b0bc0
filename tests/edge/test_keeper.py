"""The demo's keeper: it starts the node again, at once when the visitor killed it."""

import asyncio
import sys
from pathlib import Path

import pytest

from gateway.demo.control import Life
from gateway.demo.keeper import MOST_SECONDS, CannotServe, Keeper

DIES = "print('ready here', flush=True)"
FAILS = "import sys; sys.exit('switchroom: no database')"
LASTS = "import time; print('ready here', flush=True); time.sleep(60)"


class Enough(Exception):
    """As many starts as the test wants."""


class Nap:
    """Does not sleep, but counts."""

    def __init__(self, times: int) -> None:
        self.times = times
        self.slept: list[float] = []

    async def __call__(self, seconds: float) -> None:
        self.slept.append(seconds)
        if len(self.slept) == self.times:
            raise Enough


def keeper(script: str, nap: Nap, mourned: float = 0.0) -> Keeper:
    life = Life(name="demo")
    one = Keeper(Path("x.toml"), "http://127.0.0.1:1", life, mourned=mourned, sleep=nap)
    one._command = [sys.executable, "-S", "-c", script]
    return one


async def nothing() -> None:
    return


async def test_a_node_that_dies_again_and_again_is_started_more_and_more_seldom() -> None:
    nap = Nap(8)
    with pytest.raises(Enough):
        await keeper(DIES, nap).run(nothing)
    assert nap.slept[0] == 0.0
    assert all(0.2 < pause <= MOST_SECONDS for pause in nap.slept[1:])
    assert nap.slept[-1] > 4 * nap.slept[1]


@pytest.mark.parametrize("mourned", [0.0, 20.0])
async def test_a_node_that_the_visitor_kills_is_back_at_once_or_once_others_have_its_work(
    mourned: float,
) -> None:
    nap = Nap(4)
    kept = keeper(LASTS, nap, mourned)

    async def visitor() -> None:
        while True:
            await kept.ready.wait()
            while kept.ready.is_set():  # pressed again and again, also when it is dead already
                kept.kill()
                await asyncio.sleep(0)

    async with asyncio.TaskGroup() as group:
        visiting = group.create_task(visitor())
        with pytest.raises(Enough):
            await kept.run(nothing)
        visiting.cancel()
    assert nap.slept == [mourned] * 4
    assert kept.starts == 4


async def test_a_first_start_that_fails_ends_the_demo_with_the_nodes_own_words() -> None:
    with pytest.raises(CannotServe, match=r"^no database$"):
        await keeper(FAILS, Nap(1)).run(nothing)
