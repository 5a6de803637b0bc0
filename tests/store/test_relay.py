"""Questions between nodes: asked once, answered once, read by whom they are addressed to."""

from collections.abc import Awaitable, Callable

import pytest
from msgspec import Struct

from gateway.core.ids import NodeName
from gateway.store.contract import Fenced, Term
from gateway.store.opening import Store, new_id
from gateway.store.relay import PgRelay, Question, RelayRows
from gateway.store.upkeep import Upkeep
from tests.support.database import Incarnations
from tests.support.memory_relay import MemoryRelay
from tests.support.memory_store import MemoryStore
from tests.support.memory_tables import Tables

A, B = NodeName("n1"), NodeName("n2")


class Node(Struct):
    term: Term
    relay: RelayRows


Starts = Callable[[NodeName], Awaitable[Node]]


def a_question(**changes: object) -> Question:
    fields: dict[str, object] = {"id": new_id(), "asker": A, "kind": "release", "said": b'{"a":1}'}
    return Question(**{**fields, **changes})  # type: ignore[arg-type]


class RelayConformance:
    """Subclass it with a fixture ``starts`` that begins an incarnation of a node."""

    async def test_a_question_reaches_whom_it_is_addressed_to(self, starts: Starts) -> None:
        one, two = await starts(A), await starts(B)
        first, second = a_question(), a_question(seconds=10.0)
        for question in (second, first):
            await one.relay.ask(one.term, B, question)
        assert await two.relay.waiting(B) == [first, second], "the oldest first"
        assert await two.relay.waiting(A) == []

    async def test_the_same_question_again_is_one(self, starts: Starts) -> None:
        one = await starts(A)
        question = a_question()
        await one.relay.ask(one.term, B, question)
        await one.relay.ask(one.term, B, question)
        assert await one.relay.waiting(B) == [question]

    async def test_the_first_answer_stands(self, starts: Starts) -> None:
        one, two = await starts(A), await starts(B)
        question, other = a_question(), a_question()
        for each in (question, other):
            await one.relay.ask(one.term, B, each)
        for answer in (b'{"n":1}', b'{"n":2}'):
            await two.relay.answer(two.term, question.id, answer)
        assert await one.relay.answers([question.id, other.id]) == {question.id: b'{"n":1}'}
        assert await two.relay.waiting(B) == [other]

    async def test_what_nobody_waits_for_any_more_is_not_asked(self, starts: Starts) -> None:
        one = await starts(A)
        await one.relay.ask(one.term, B, a_question(seconds=0.0))
        for_ever = a_question()
        await one.relay.ask(one.term, B, for_ever)
        assert await one.relay.waiting(B) == [for_ever]

    async def test_an_old_incarnation_asks_and_answers_nothing(self, starts: Starts) -> None:
        old, two = await starts(A), await starts(B)
        question = a_question()
        await old.relay.ask(old.term, A, question)
        await starts(A)
        with pytest.raises(Fenced):
            await old.relay.ask(old.term, B, a_question())
        with pytest.raises(Fenced):
            await old.relay.answer(old.term, question.id, b"{}")
        assert await two.relay.waiting(B) == []
        assert await two.relay.answers([question.id]) == {}


@pytest.mark.integration
class TestPostgres(RelayConformance):
    @pytest.fixture
    def starts(self, store: Store, incarnations: Incarnations) -> Starts:
        async def start(name: NodeName) -> Node:
            journal, _ = incarnations()
            return Node(await journal.begin(name, "eu"), PgRelay(store.pool, store.sql))

        return start

    async def test_what_was_answered_is_forgotten_after_a_day(
        self, store: Store, starts: Starts
    ) -> None:
        one = await starts(A)
        answered, late, for_ever, young = (
            a_question(), a_question(seconds=5.0), a_question(), a_question(),
        )  # fmt: skip
        for question in (answered, late, for_ever, young):
            await one.relay.ask(one.term, B, question)
        for question in (answered, young):
            await one.relay.answer(one.term, question.id, b"{}")
        await store.pool.execute(
            "UPDATE relay SET at = now() - interval '25 hours' WHERE id <> $1", young.id
        )
        await Upkeep(store.pool, store.sql).once()
        left = await store.pool.fetch("SELECT id::text FROM relay ORDER BY id")
        assert [row["id"] for row in left] == sorted([for_ever.id, young.id])


class TestMemory(RelayConformance):
    @pytest.fixture
    async def starts(self) -> Starts:
        tables = Tables(new_id)

        async def start(name: NodeName) -> Node:
            store = MemoryStore(tables)
            return Node(await store.begin(name, "eu"), MemoryRelay(store))

        return start
