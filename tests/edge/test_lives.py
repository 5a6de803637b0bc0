"""One life of the node after the other: which end leads to the next, and when it is enough."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import cast

import pytest

from gateway.config import HttpSettings
from gateway.core.errors import GatewayError
from gateway.door import Door
from gateway.failures import Failed
from gateway.flow.ledger import Unstorable
from gateway.rejoin import MOST, WITHIN_SECONDS, Comebacks, Lives, Serving, leaves, reason_of
from gateway.store.contract import BadBatch, Fenced, Unavailable, VersionConflict
from tests.support.builders import House, agent
from tests.support.virtual import run

PLACE = "ready http=here"


class Life:
    """How one goes: it fails before it serves, or after so many seconds; or lasts."""

    def __init__(
        self, *, start: Exception | None = None, after: float = 1.0, end: Exception | None = None
    ) -> None:
        self.start = start
        self.after = after
        self.end = end

    def ready_line(self) -> str:
        return PLACE


class Process:
    """A process with these lives; the last one lasts until it is stopped."""

    def __init__(self, *lives: Life) -> None:
        self.lives = list(lives)
        self.began: list[float] = []
        self.stop = asyncio.Event()
        self.door = cast("Door", type("NoDoor", (), {"reason": "", "rejoins": 0})())

    def begin(self) -> AbstractAsyncContextManager[Serving]:
        return self._begin()

    @asynccontextmanager
    async def _begin(self) -> AsyncIterator[Serving]:
        life = self.lives.pop(0) if self.lives else Life()
        if life.start is not None:
            raise life.start
        self.began.append(asyncio.get_running_loop().time())
        async with asyncio.TaskGroup() as root:
            if life.end is not None:
                root.create_task(self._fail(life.after, life.end))
            elif not self.lives:
                asyncio.get_running_loop().call_later(life.after, self.stop.set)
            yield life

    async def _fail(self, seconds: float, error: Exception) -> None:
        await asyncio.sleep(seconds)
        raise error

    async def run(self) -> None:
        time = asyncio.get_running_loop().time
        await Lives(self.begin, self.door, self.stop, monotonic=time).run()


def lived(*lives: Life) -> Process:
    """Run a process with these lives to its end."""
    made: list[Process] = []

    async def main() -> None:
        made.append(Process(*lives))
        await made[0].run()

    run(main())
    return made[0]


def unstorable() -> Unstorable:
    house = House(agent("ana"))
    return Unstorable(house.entries[-1:], BadBatch("it tastes bad"))


@pytest.mark.parametrize(
    "end",
    [Fenced("epoch 2"), VersionConflict("1 of 2"), unstorable()],
    ids=lambda e: type(e).__name__,
)
def test_a_node_whose_belief_is_void_begins_again_at_once_and_says_ready_once(
    end: Exception, capsys: pytest.CaptureFixture[str]
) -> None:
    process = lived(Life(end=end), Life())
    assert process.began == [0.0, 1.0]
    assert [line for line in capsys.readouterr().out.splitlines() if line == PLACE] == [PLACE]
    assert str(end) in process.door.reason


def test_anything_else_ends_it() -> None:
    with pytest.raises(BaseExceptionGroup) as ended:
        lived(Life(end=ZeroDivisionError()), Life())
    assert ended.group_contains(ZeroDivisionError)


def test_a_name_that_is_taken_at_the_start_ends_it() -> None:
    with pytest.raises(Fenced):
        lived(Life(start=Fenced("by another process")))


def test_a_name_that_was_taken_meanwhile_ends_it() -> None:
    class NameTaken(GatewayError):
        """As ``cluster.joining`` says it."""

    with pytest.raises(NameTaken):
        lived(Life(end=Fenced("epoch 2")), Life(start=NameTaken("another process runs")), Life())


def test_repeats_wait_longer_each_and_too_many_within_a_minute_end_it() -> None:
    process = None
    ends = [Life(end=VersionConflict(f"conflict {n}")) for n in range(20)]

    async def main() -> None:
        nonlocal process
        process = Process(*ends)
        await process.run()

    with pytest.raises(Failed, match=rf"{MOST + 1} times within a minute.*conflict {MOST}") as why:
        run(main())
    assert why.value.code == 1
    assert process is not None
    pauses = [b - a - 1.0 for a, b in zip(process.began, process.began[1:], strict=False)]
    assert pauses[0] == 0.0
    assert all(0.2 < pause < 10 for pause in pauses[1:])
    assert pauses[-1] > pauses[1]


def test_conflicts_that_come_at_the_start_of_a_life_count_as_well() -> None:
    with pytest.raises(Failed, match="mends nothing"):
        lived(Life(end=Fenced("2")), *[Life(start=VersionConflict("again")) for _ in range(20)])


def test_a_node_that_is_fenced_once_in_a_while_goes_on_for_ever() -> None:
    seldom = WITHIN_SECONDS / (MOST - 1)
    process = lived(*[Life(after=seldom, end=Fenced("again")) for _ in range(50)], Life())
    assert len(process.began) == 51


def test_while_the_database_is_away_it_waits_for_its_next_life() -> None:
    away = [Life(start=ExceptionGroup("", [Unavailable("no primary")])) for _ in range(30)]
    process = lived(Life(end=Fenced("2")), *away, Life())
    assert len(process.began) == 2
    assert 10 < process.began[1] < 70


def test_without_a_database_it_does_not_even_begin() -> None:
    with pytest.raises(Unavailable):
        lived(Life(start=Unavailable("no primary")))


def test_a_stop_while_it_waits_ends_it_in_good_order() -> None:
    async def main() -> None:
        process = Process(*[Life(start=None, end=Fenced(str(n))) for n in range(4)])
        async with asyncio.timeout(60), asyncio.TaskGroup() as group:
            running = group.create_task(process.run())
            while len(process.began) < 4:  # noqa: ASYNC110 - nobody tells us
                await asyncio.sleep(0.01)
            await asyncio.sleep(1.1)  # the fourth has ended, the fifth has not begun
            process.stop.set()
            await running
        assert len(process.began) == 4

    run(main())


def test_what_else_fails_while_it_ends_hinders_nothing() -> None:
    several = ExceptionGroup("", [ExceptionGroup("", [KeyError("x"), Fenced("epoch 2")])])
    assert [type(error) for error in leaves(several)] == [KeyError, Fenced]
    assert "epoch 2" in (reason_of(several) or "")
    assert reason_of(ExceptionGroup("", [KeyError("x")])) is None


def test_old_comebacks_are_forgotten() -> None:
    now = 0.0
    comebacks = Comebacks(lambda: now, lambda: 0.5)
    waits = [comebacks.delay("why") for _ in range(MOST)]
    assert waits[0] == 0.0 < waits[1] < waits[-1]
    now = WITHIN_SECONDS + 0.1
    assert comebacks.delay("why") == 0.0


async def test_a_door_without_anybody_behind_it_is_closed_in_peace() -> None:
    door = Door(HttpSettings())
    door.shut("nobody yet")
    await door.turn_out()
    await door.close()
