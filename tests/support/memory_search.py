"""The search on the store in memory: by the words of the core, without stems."""

from collections.abc import Sequence

from gateway.core.model import Message
from gateway.core.searching import words
from gateway.store.search import Known, Said
from tests.support.memory_tables import Tables


class MemorySearch:
    """``api.search.Search`` over the tables; everything can be found at once."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables

    async def question(self, looked_for: Sequence[str]) -> str:
        return " ".join(looked_for)

    async def said(self, question: str, most: int) -> list[Said]:
        newest: dict[str, Message] = {}
        for message in sorted(self._tables.messages.values(), key=lambda one: one.id):
            if _has(question, f"{message.subject} {message.body}"):
                newest[message.case] = message
        found = sorted(newest.values(), key=lambda one: one.id, reverse=True)
        return [Said(case=self._tables.cases[one.case], message=one) for one in found][:most]

    async def who(self, question: str, most: int) -> list[Known]:
        briefs = {c.customer.id: c for c in self._tables.cases.values() if c.customer is not None}
        return [
            Known(
                id=case.customer.id,
                name=case.customer.name,
                verified=case.customer.verified,
                language=case.customer.language,
                identities=(),
                latest=case.number,
            )
            for case in briefs.values()
            if case.customer is not None and _has(question, case.customer.name)
        ][:most]


def _has(question: str, text: str) -> bool:
    there = words(text)
    return all(any(one.startswith(word) for one in there) for word in question.split())
