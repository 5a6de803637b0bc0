"""Watching the wallboard: the whole once, then what changes, to supervisors and nobody else."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from msgspec import UnsetType

from gateway.core.errors import Refused
from gateway.core.merge_patch import patched
from gateway.ports import LiveFigures
from push.protocol import LiveFrame, decode_server
from push.watching import STEPS, Pace, Watchers
from tests.support.builders import START
from tests.support.pushworld import FakeLive, until


class Screen:
    """Whoever watches."""

    def __init__(self) -> None:
        self.frames: list[LiveFrame] = []

    def post(self, *frames: str | bytes) -> None:
        for text in frames:
            frame = decode_server.decode(text)
            assert isinstance(frame, LiveFrame)
            self.frames.append(frame)

    def board(self) -> dict[str, Any]:
        """What it shows when it does as the protocol says."""
        shown: dict[str, Any] = {}
        for frame in self.frames:
            if isinstance(frame.board, dict):
                shown = frame.board
            else:
                assert isinstance(frame.changed, dict)
                shown = patched(shown, frame.changed)
        return shown


class Beats:
    """The watchers' loop, in which a second passes when the test says so."""

    def __init__(self) -> None:
        self.live = FakeLive()
        self.now = 0.0
        self.late = 0.0
        self.sleeping = asyncio.Event()
        self.next = asyncio.Event()
        self.watchers = Watchers(self.live, lambda: self.now, sleep=self._sleep)

    async def _sleep(self, seconds: float) -> None:
        self.sleeping.set()
        await self.next.wait()
        self.next.clear()
        self.now += seconds + self.late

    async def beat(self) -> None:
        self.sleeping.clear()
        self.next.set()
        await until(self.sleeping.is_set)


@pytest.fixture
async def beats() -> AsyncIterator[Beats]:
    made = Beats()
    async with asyncio.TaskGroup() as group:
        loop = group.create_task(made.watchers.run())
        yield made
        loop.cancel()


async def test_the_whole_comes_first_and_then_what_has_changed(beats: Beats) -> None:
    first, second = Screen(), Screen()
    beats.watchers.add(first)
    await until(lambda: first.frames)
    beats.live.board = {"total": {"waiting": 1}, "queues": {"general": {"waiting": 1}}}
    beats.watchers.add(second)
    await beats.beat()
    beats.live.board = {"total": {"waiting": 2}}
    await beats.beat()
    assert [frame.n for frame in first.frames] == [1, 2, 3]
    assert [frame.n for frame in second.frames] == [2, 3]
    assert first.board() == second.board() == beats.live.board
    assert first.frames[2].changed == {"total": {"waiting": 2}, "queues": None}


async def test_nothing_is_counted_while_nobody_watches(beats: Beats) -> None:
    screen = Screen()
    await asyncio.sleep(0)
    assert beats.live.asked == 0
    beats.watchers.add(screen)
    await until(lambda: screen.frames)
    beats.watchers.drop(screen)
    beats.next.set()
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert beats.live.asked == 1
    assert beats.watchers.count == 0


async def test_who_comes_back_has_the_whole_again(beats: Beats) -> None:
    screen = Screen()
    beats.watchers.add(screen)
    await until(lambda: screen.frames)
    beats.watchers.drop(screen)
    beats.live.board = {"total": {"waiting": 5}}
    beats.watchers.add(screen)
    await beats.beat()
    assert screen.frames[-1].board == {"total": {"waiting": 5}}


async def test_who_asks_again_for_it_misses_a_frame_has_the_whole_again(beats: Beats) -> None:
    screen = Screen()
    beats.watchers.add(screen)
    await until(lambda: screen.frames)
    beats.watchers.add(screen)
    await beats.beat()
    await beats.beat()
    assert [type(frame.board) for frame in screen.frames[1:]] == [dict, UnsetType]
    assert beats.watchers.count == 1


@pytest.mark.parametrize(
    "why", [Refused("unavailable", "the node begins anew"), ArithmeticError("a fault of ours")]
)
async def test_while_they_cannot_be_told_the_figures_wait_and_nothing_else_ends(
    beats: Beats, monkeypatch: pytest.MonkeyPatch, why: Exception
) -> None:
    screen = Screen()

    async def refuse() -> LiveFigures:
        raise why

    with monkeypatch.context() as patch:
        patch.setattr(beats.live, "figures", refuse)
        beats.watchers.add(screen)
        await until(beats.sleeping.is_set)
    assert screen.frames == []
    await beats.beat()
    assert screen.board() == beats.live.board
    assert screen.frames[0].at == START


async def test_a_node_that_is_late_tells_less_often_and_says_so(beats: Beats) -> None:
    screen = Screen()
    beats.watchers.add(screen)
    await until(lambda: screen.frames)
    beats.late = 0.4
    for _ in range(3):
        await beats.beat()
    beats.late = 0.0
    for _ in range(25):
        await beats.beat()
    every = [frame.every for frame in screen.frames]
    assert every[:4] == [1.0, 2.0, 5.0, 5.0]
    assert every[-1] == 1.0


def test_the_pace_has_ends() -> None:
    pace = Pace()
    for _ in range(9):
        pace.note(1.0)
    assert pace.every == STEPS[-1]
    for _ in range(100):
        pace.note(0.0)
    assert pace.every == STEPS[0]
