"""Asking another node: done at least once, answered once, and never waited for in vain."""

import asyncio
from collections.abc import Awaitable, Callable

import msgspec
import pytest
from msgspec import Struct

from gateway.core.edition import FIRST
from gateway.core.errors import Refused
from gateway.core.ids import NodeName
from gateway.store.contract import Unavailable
from gateway.store.relay import Question
from tests.support.clusternodes import Running, a_house, running, until
from tests.support.flownode import new_tables
from tests.support.memory_rows import RelayRow
from tests.support.virtual import run

A, B = NodeName("n1"), NodeName("n2")


class Add(Struct):
    a: int
    b: int


class Sum(Struct):
    sum: int


class Said(Struct):
    first: str


class Newer:
    """Of the next version: whatever is asked, it can do it."""

    def __init__(self) -> None:
        self.said: list[bytes] = []

    async def __call__(self, _: NodeName, said: bytes) -> bytes:
        self.said.append(said)
        return b"{}"


class Adder:
    """Does sums, and counts how often it was asked to."""

    def __init__(self) -> None:
        self.asked: list[NodeName] = []
        self.errors: list[Exception] = []
        self.go = asyncio.Event()
        self.go.set()

    async def __call__(self, asker: NodeName, said: bytes) -> bytes:
        self.asked.append(asker)
        await self.go.wait()
        if self.errors:
            raise self.errors.pop(0)
        wish = msgspec.json.decode(said, type=Add)
        return msgspec.json.encode(Sum(wish.a + wish.b))


def play(story: Callable[[Running, Running, Adder], Awaitable[None]]) -> None:
    async def two_nodes() -> None:
        tables = a_house(new_tables())
        async with running(tables, A) as one, running(tables, B) as two:
            adder = Adder()
            two.asking.serve("add", adder)
            await story(one, two, adder)

    run(two_nodes())


def test_an_answer_comes_back_and_the_work_was_done_once() -> None:
    async def story(one: Running, two: Running, adder: Adder) -> None:
        answers = await asyncio.gather(
            *(one.asking.ask(B, "add", Add(n, n), Sum) for n in range(20))
        )
        assert [answer.sum for answer in answers] == [2 * n for n in range(20)]
        assert adder.asked == [A] * 20
        assert (one.asking.asked, two.asking.answered) == (20, 20)

    play(story)


def test_a_question_to_oneself_needs_no_row() -> None:
    async def story(_: Running, two: Running, adder: Adder) -> None:
        assert await two.asking.ask(B, "add", Add(1, 2), Sum) == Sum(3)
        assert adder.asked == [B]
        assert not two.tables.relay

    play(story)


def test_a_refusal_is_an_answer() -> None:
    async def story(one: Running, _: Running, adder: Adder) -> None:
        adder.errors = [Refused("not_found", "there is no such number", "a")]
        with pytest.raises(Refused, match="no such number") as refused:
            await one.asking.ask(B, "add", Add(1, 2), Sum)
        assert (refused.value.code, refused.value.field) == ("not_found", "a")

    play(story)


def test_what_an_older_node_would_misunderstand_is_not_asked() -> None:
    class Service(Struct):
        """By its name a thing that the first edition did not have."""

    async def story(one: Running, _: Running, adder: Adder) -> None:
        one.node.ledger.written = FIRST
        with pytest.raises(Refused, match="every node runs the new version"):
            await one.asking.ask(B, "add", Service(), Sum)
        assert not adder.asked
        assert not one.tables.relay
        assert await one.asking.ask(B, "add", Add(1, 2), Sum) == Sum(3)

    play(story)


def test_an_answer_that_is_not_understood_is_no_fault_of_who_asked() -> None:
    async def story(one: Running, _: Running, __: Adder) -> None:
        with pytest.raises(Refused, match="answers otherwise") as refused:
            await one.asking.ask(B, "add", Add(1, 2), Said)
        assert refused.value.code == "unavailable"

    play(story)


def test_what_the_database_kept_it_from_is_done_again() -> None:
    async def story(one: Running, _: Running, adder: Adder) -> None:
        adder.errors = [Unavailable("gone")]
        assert await one.asking.ask(B, "add", Add(1, 2), Sum) == Sum(3)
        assert len(adder.asked) == 2

    play(story)


def test_a_fault_there_is_told_as_one() -> None:
    async def story(one: Running, _: Running, adder: Adder) -> None:
        adder.errors = [ZeroDivisionError()]
        with pytest.raises(Refused, match="a fault of ours") as refused:
            await one.asking.ask(B, "add", Add(1, 2), Sum)
        assert refused.value.code == "internal"
        assert await one.asking.ask(B, "add", Add(1, 2), Sum) == Sum(3)

    play(story)


def test_what_nobody_there_knows_of_is_refused_at_once() -> None:
    async def story(one: Running, _: Running, __: Adder) -> None:
        with pytest.raises(Refused, match="n2 runs a version that does not know this"):
            await one.asking.ask(B, "multiply", Add(1, 2), Sum, seconds=5.0)
        with pytest.raises(Refused, match="n2 runs a version that does not know this"):
            await one.asking.ask(B, "add", Said(first="1"), Sum, seconds=5.0)

    play(story)


@pytest.mark.parametrize(("kind", "said"), [("multiply", b'{"a":1,"b":2}'), ("add", b'{"c":"3"}')])
def test_what_is_to_be_done_whenever_waits_for_a_version_that_can(kind: str, said: bytes) -> None:
    """Of a node of the next version, that has handed something over, say."""

    async def story(one: Running, two: Running, adder: Adder) -> None:
        one.tables.relay["from-a-newer-one"] = RelayRow(
            to=B, question=Question(id="from-a-newer-one", asker=A, kind=kind, said=said),
            at=one.tables.now(),
        )  # fmt: skip
        await asyncio.sleep(60.0)
        assert one.tables.relay["from-a-newer-one"].answer is None
        await two.vanish()
        upgraded = Newer()
        async with running(one.tables, B, serving={kind: upgraded}):
            await until(lambda: upgraded.said)
            await until(lambda: one.tables.relay["from-a-newer-one"].answer)
        assert upgraded.said == [said]

    play(story)


def test_whoever_waits_in_vain_is_told_and_the_question_is_withdrawn() -> None:
    async def story(one: Running, two: Running, adder: Adder) -> None:
        await two.vanish()
        with pytest.raises(Refused, match="n2, which would have to do it") as refused:
            await one.asking.ask(B, "add", Add(1, 2), Sum, seconds=3.0)
        assert refused.value.code == "unavailable"
        assert not adder.asked
        async with running(one.tables, B, serving={"add": adder}):
            await asyncio.sleep(5.0)
            assert not adder.asked

    play(story)


def test_what_is_asked_for_again_after_a_crash_before_the_answer_is_done_again() -> None:
    async def story(one: Running, two: Running, adder: Adder) -> None:
        adder.go.clear()
        async with asyncio.TaskGroup() as group:
            asked = group.create_task(one.asking.ask(B, "add", Add(1, 2), Sum, seconds=30.0))
            await until(lambda: adder.asked)
            await two.vanish()
            adder.go.set()
            async with running(one.tables, B, serving={"add": adder}):
                assert await asked == Sum(3)
        assert len(adder.asked) == 2

    play(story)


def test_an_asker_that_waits_no_more_leaves_nothing_behind() -> None:
    async def story(one: Running, _: Running, adder: Adder) -> None:
        adder.go.clear()
        with pytest.raises(Refused):
            await one.asking.ask(B, "add", Add(1, 2), Sum, seconds=2.0)
        adder.go.set()
        await asyncio.sleep(5.0)
        (row,) = one.tables.relay.values()
        assert row.answer == b'{"withdrawn":true}', "the first answer stands"
        assert not one.asking._open

    play(story)


def test_while_the_database_is_away_the_question_waits_as_long_as_the_asker() -> None:
    async def story(one: Running, _: Running, __: Adder) -> None:
        one.store.faults.unavailable = 1.0
        async with asyncio.TaskGroup() as group:
            asked = group.create_task(one.asking.ask(B, "add", Add(2, 2), Sum, seconds=20.0))
            await asyncio.sleep(2.0)
            one.store.faults.unavailable = 0.0
            assert await asked == Sum(4)

    play(story)
