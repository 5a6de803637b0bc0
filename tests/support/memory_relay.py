"""Questions between nodes, on the store in memory: ``store.relay.RelayRows``."""

from collections.abc import Collection
from datetime import timedelta

from gateway.core.ids import NodeName
from gateway.store.contract import Term
from gateway.store.relay import MOST, Question
from tests.support.memory_rows import RelayRow
from tests.support.memory_store import MemoryStore
from tests.support.memory_tables import Tables


class MemoryRelay:
    """One incarnation's way to the tables, beside its ``MemoryStore`` and with the same faults."""

    def __init__(self, store: MemoryStore) -> None:
        self._store = store
        self._tables: Tables = store.tables

    async def ask(self, term: Term, to: NodeName, question: Question) -> None:
        def put() -> None:
            self._tables.require(term)
            row = RelayRow(to=to, question=question, at=self._tables.now())
            self._tables.relay.setdefault(question.id, row)

        await self._store._call("ask", put, writes=True)

    async def waiting(self, node: NodeName) -> list[Question]:
        def read() -> list[Question]:
            now = self._tables.now()
            return [
                row.question
                for _, row in sorted(self._tables.relay.items())
                if row.to == node and row.answer is None
                if row.question.seconds is None
                or row.at + timedelta(seconds=row.question.seconds) > now
            ][:MOST]

        return await self._store._glance("asked", read)

    async def answer(self, term: Term, question: str, answer: bytes) -> None:
        def write() -> None:
            self._tables.require(term)
            row = self._tables.relay.get(question)
            if row is not None and row.answer is None:
                row.answer = answer

        await self._store._call("answer", write, writes=True)

    async def answers(self, questions: Collection[str]) -> dict[str, bytes]:
        def read() -> dict[str, bytes]:
            rows = {q: self._tables.relay[q] for q in questions if q in self._tables.relay}
            return {q: row.answer for q, row in rows.items() if row.answer is not None}

        return await self._store._call("answers", read)
