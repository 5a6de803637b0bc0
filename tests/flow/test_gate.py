"""A process that stood still tells nobody anything before it knows that it was not replaced."""

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest

from gateway.cluster.gate import still_ours
from gateway.core import events as e
from gateway.core.errors import Refused
from gateway.core.ids import AgentName, NodeName
from gateway.flow.gate import EVERY_SECONDS, LONGEST_SECONDS, Gate
from gateway.store.contract import CommitUnknown, Fenced, Journal, Term, Unavailable
from tests.support.builders import House, agent, mail
from tests.support.flownode import Rig, new_tables, running
from tests.support.virtual import run

ANA = AgentName("ana")


class Clock:
    """Goes on with the loop, and jumps when the process is stopped."""

    def __init__(self) -> None:
        self.stopped = 0.0

    def __call__(self) -> float:
        return asyncio.get_running_loop().time() + self.stopped


class Fence:
    """Answers when it is told to."""

    def __init__(self) -> None:
        self.asked = 0
        self.answer = asyncio.Event()
        self.problem: Exception | None = None

    async def __call__(self) -> None:
        self.asked += 1
        await self.answer.wait()
        if self.problem is not None:
            raise self.problem


async def guarded(tell: Any) -> None:
    clock, fence = Clock(), Fence()
    gate = Gate(clock)
    async with asyncio.TaskGroup() as group:
        watch = group.create_task(gate.watch(fence))
        await tell(gate, clock, fence)
        watch.cancel()


def test_it_stays_open_while_the_loop_turns() -> None:
    async def tell(gate: Gate, _: Clock, fence: Fence) -> None:
        await asyncio.sleep(3600)
        assert gate.open
        await gate.passed()
        assert fence.asked == 0

    run(guarded(tell))


def test_whoever_comes_first_after_a_standstill_finds_it_shut_until_the_fence_is_read() -> None:
    async def tell(gate: Gate, clock: Clock, fence: Fence) -> None:
        await asyncio.sleep(10)
        clock.stopped += LONGEST_SECONDS + EVERY_SECONDS
        assert not gate.open, "asked before any timer of the gate ran"
        waiting = asyncio.ensure_future(gate.passed())  # noqa: TID251 - awaited below
        await asyncio.sleep(5)
        assert fence.asked == 1
        assert not waiting.done()
        fence.answer.set()
        await waiting
        assert gate.open

    run(guarded(tell))


def test_an_answer_that_is_older_than_a_second_standstill_opens_nothing() -> None:
    async def tell(gate: Gate, clock: Clock, fence: Fence) -> None:
        clock.stopped += 20
        await asyncio.sleep(1)
        assert fence.asked == 1
        clock.stopped += 20
        fence.answer.set()  # the answer was under way when it stood still again
        await gate.passed()
        assert fence.asked == 2

    run(guarded(tell))


def test_a_slow_fence_is_no_standstill() -> None:
    async def tell(gate: Gate, clock: Clock, fence: Fence) -> None:
        clock.stopped += 20
        await asyncio.sleep(30)
        fence.answer.set()
        await gate.passed()
        assert fence.asked == 1

    run(guarded(tell))


def test_what_the_fence_says_against_us_ends_the_watch_and_nobody_passes() -> None:
    async def tell(gate: Gate, clock: Clock, fence: Fence) -> None:
        clock.stopped += 20
        fence.problem = Fenced("replaced")
        fence.answer.set()
        await asyncio.sleep(1)
        raise AssertionError("the watch went on")

    with pytest.raises(BaseExceptionGroup) as ended:
        run(guarded(tell))
    assert ended.group_contains(Fenced)


def test_who_waits_when_the_node_begins_anew_is_refused() -> None:
    async def tell(gate: Gate, clock: Clock, _: Fence) -> None:
        clock.stopped += 20
        async with asyncio.TaskGroup() as group:
            waiting = group.create_task(refused(gate))
            await asyncio.sleep(1)
            gate.end("it begins anew")
        assert waiting.result() == "it begins anew"
        assert await refused(gate) == "it begins anew"

    run(guarded(tell))


async def refused(gate: Gate) -> str:
    with pytest.raises(Refused) as why:
        await gate.passed()
    return why.value.detail


# -- what it holds back ---------------------------------------------------------------------


def shut_node(tell: Any) -> None:
    """A node that stood still just now, with its fence unread; ``tell`` has to open the gate."""

    async def day() -> None:
        clock, fence = Clock(), Fence()
        gate = Gate(clock)
        async with (
            running(new_tables(), agent("ana"), gate=gate) as rig,
            asyncio.TaskGroup() as group,
        ):
            watch = group.create_task(gate.watch(fence))
            await asyncio.sleep(1)
            clock.stopped += 20
            await tell(rig, fence)
            watch.cancel()

    run(day())


def test_a_commit_under_way_at_the_standstill_is_told_to_nobody_before_the_fence_is_read() -> None:
    async def tell(rig: Rig, fence: Fence) -> None:
        told: list[e.Entry] = []

        def consumer(entries: Sequence[e.Entry]) -> None:
            told.extend(entries)

        rig.node.ledger.subscribe(consumer)
        attached = rig.node.desk.attach(ANA, "tab 2")
        async with asyncio.TaskGroup() as group:
            waiting = group.create_task(rig.node.ledger.committed(attached.position))
            await asyncio.sleep(5)
            term = rig.node.writer.term
            assert (term.node, attached.position) in rig.tables.journal
            assert not told
            assert not waiting.done()
            fence.answer.set()
        assert attached.position in [entry.position for entry in told]

    shut_node(tell)


def test_an_answer_computed_from_what_is_long_on_disk_waits_too() -> None:
    async def tell(rig: Rig, fence: Fence) -> None:
        ledger = rig.node.ledger
        assert ledger.uncommitted == 0
        async with asyncio.TaskGroup() as group:
            waiting = group.create_task(ledger.committed(ledger.position))
            await asyncio.sleep(5)
            assert not waiting.done()
            fence.answer.set()

    shut_node(tell)


def test_an_inbound_is_stored_but_not_acknowledged_before_the_fence_is_read() -> None:
    async def tell(rig: Rig, fence: Fence) -> None:
        async with asyncio.TaskGroup() as group:
            receiving = group.create_task(rig.node.intake.receive([mail("m1")]))
            await asyncio.sleep(5)
            assert len(rig.tables.inbox_by_id) == 1
            assert not receiving.done()
            fence.answer.set()

    shut_node(tell)


def test_who_waits_for_a_node_that_begins_anew_is_told_to_try_again() -> None:
    async def tell() -> None:
        ledger = House(agent("ana")).ledger
        left = [e.Change(e.AgentDetached(agent=ANA, tab="tab", reason="?"))]
        before = ledger.record(left)
        async with asyncio.TaskGroup() as group:
            waiting = group.create_task(turned_away(ledger.committed(before)))
            await asyncio.sleep(0)
            ledger.abandon("it begins anew")
        assert waiting.result() == "it begins anew"
        assert await turned_away(ledger.committed(ledger.record(left))) == "it begins anew"
        with pytest.raises(Refused):
            ledger.check_open()

    run(tell())


async def turned_away(work: Any) -> str:
    with pytest.raises(Refused) as why:
        await work
    assert why.value.code == "unavailable"
    return why.value.detail


# -- the question ---------------------------------------------------------------------------


class Answers:
    """A journal and a writer that answer as listed; our own epoch may have risen meanwhile."""

    def __init__(self, *problems: Exception | None, terms: Sequence[int] = (1,)) -> None:
        self._problems = list(problems)
        self._terms = list(terms)
        self.asked: list[int] = []

    async def current_term(self) -> Term:
        epoch = self._terms.pop(0) if len(self._terms) > 1 else self._terms[0]
        return Term(node=NodeName("n1"), epoch=epoch)

    async def renew(self, term: Term) -> None:
        self.asked.append(term.epoch)
        problem = self._problems.pop(0)
        if problem is not None:
            raise problem


async def asked(answers: Any) -> list[int]:
    journal: Journal = answers
    await still_ours(journal, answers)
    found: list[int] = answers.asked
    return found


def test_the_fence_is_asked_again_while_the_database_is_away() -> None:
    answers = Answers(Unavailable("away"), CommitUnknown("cut"), None)
    assert run(asked(answers)) == [1, 1, 1]


def test_an_epoch_that_we_raised_ourselves_is_not_another_ones() -> None:
    assert run(asked(Answers(Fenced("old"), None, terms=[1, 2, 2]))) == [1, 2]
    with pytest.raises(Fenced):
        run(asked(Answers(Fenced("old"), terms=[1])))
