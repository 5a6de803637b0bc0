"""Plays one day, in no time, and says how to see a day again that broke a promise."""

import traceback
from collections import Counter
from collections.abc import Callable
from typing import Protocol

import structlog
from msgspec import Struct

from tests.sim.covered import Covered
from tests.sim.promises import need
from tests.support.simworld import Cut, Pair, Promise, Steps
from tests.support.virtual import run

FAULTS_OF_OURS = frozenset(
    {
        "a command failed",
        "a threshold could not be told of",
        "an entry could not be shown",
        "clocks could not be counted",
        "deadline failed",
        "decision failed",
        "inbounds refused by the database",
        "repaired an impossible item",
        "subscriber failed",
        "task failed",
        "thresholds could not be looked at",
        "what waits could not be ranked anew",
    }
)


class Report(Struct):
    """What a run has covered."""

    seed: int
    crashes: int
    open_attempts: int
    repeated: int
    messages: int
    first_seen: dict[Pair, Cut]
    observed: Counter[Pair]
    crashed: Counter[Pair]
    covered: Covered


class Failure(Exception):
    """A run that broke a promise, with the way to see it again: ``name`` is its seed."""

    def __init__(self, name: str, what: str) -> None:
        super().__init__(what)
        self.name = name


class Day(Protocol):
    """A world that can be played."""

    steps: Steps

    async def day(self) -> Report: ...


def play(name: str, make: Callable[[], Day], *, tell: bool = False) -> Report:
    """One day of a world; ``name`` replays it."""
    worlds: list[Day] = []

    async def main() -> Report:
        worlds.append(make())
        return await worlds[0].day()

    with structlog.testing.capture_logs() as logs:
        try:
            report = run(main())
            ours = [entry for entry in logs if entry["event"] in FAULTS_OF_OURS]
            need(not ours, f"logged: {ours}")
        except BaseException as error:
            if isinstance(error, KeyboardInterrupt):
                raise
            _tell(worlds, tell=tell)
            raise Failure(name, _say(name, error)) from error
    _tell(worlds, tell=tell)
    return report


def _tell(worlds: list[Day], *, tell: bool) -> None:
    if tell and worlds:
        for at, what in worlds[0].steps.trace:
            print(f"{at:9.3f}  {what}")


def _say(name: str, error: BaseException) -> str:
    leaves = list(leaves_of(error))
    first = next((x for x in leaves if isinstance(x, Promise)), leaves[0])
    where = "" if isinstance(first, Promise) else "".join(traceback.format_exception(first))
    what = f"{type(first).__name__}: {first}"
    return f"seed {name}: {what}\n{where}to see it again: python -m tests.sim {name}"


def leaves_of(error: BaseException) -> list[BaseException]:
    if isinstance(error, BaseExceptionGroup):
        return [leaf for inner in error.exceptions for leaf in leaves_of(inner)]
    return [error]
