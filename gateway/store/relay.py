"""What one node asks of another, and the answer in the same row: the table ``relay``."""

from collections.abc import Collection
from typing import Any, Protocol

import msgspec
from msgspec import Struct

from gateway.core.ids import NodeName
from gateway.store.codec import decode, encode
from gateway.store.contract import Term, Unavailable
from gateway.store.pool import Pool
from gateway.store.queries import Queries
from gateway.store.trouble import FAILED, Deadlock, hearing_warnings, meaning, reading

MOST = 100
"""Questions in one look."""


class Question(Struct, frozen=True, kw_only=True):
    """What ``asker`` wants of a node; ``said`` is JSON that ``kind`` gives its meaning.

    ``seconds`` is how long somebody waits for the answer; ``None``: it is to be done, whenever.
    """

    id: str
    asker: NodeName
    kind: str
    said: bytes
    seconds: float | None = None


class Envelope(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """How a question stands in its row."""

    said: msgspec.Raw
    seconds: float | None = None


class RelayRows(Protocol):
    """The rows; what reads raises ``Unavailable``.

    What writes may be repeated, and raises ``Fenced``, ``Unavailable``, ``CommitUnknown``.
    """

    async def ask(self, term: Term, to: NodeName, question: Question) -> None:
        """Put the question; one that is there already stays as it is."""
        ...

    async def waiting(self, node: NodeName) -> list[Question]:
        """What ``node`` is asked and has not answered, oldest first, as far as somebody waits."""
        ...

    async def answer(self, term: Term, question: str, answer: bytes) -> None:
        """Answer it, unless it has an answer. JSON."""
        ...

    async def answers(self, questions: Collection[str]) -> dict[str, bytes]:
        """Those that have been answered."""
        ...


class PgRelay:
    """See ``RelayRows``."""

    def __init__(self, pool: Pool, sql: Queries) -> None:
        self._pool = pool
        self._sql = sql

    async def ask(self, term: Term, to: NodeName, question: Question) -> None:
        await self._write("relay_ask", term, question.id, to, question.kind, enveloped(question))

    async def waiting(self, node: NodeName) -> list[Question]:
        with reading():
            rows = await self._pool.fetch(self._sql["relay_waiting"], node, MOST)
        return [
            opened(row["id"], NodeName(row["from_node"]), row["kind"], row["doc"]) for row in rows
        ]

    async def answer(self, term: Term, question: str, answer: bytes) -> None:
        await self._write("relay_answer", term, question, answer)

    async def answers(self, questions: Collection[str]) -> dict[str, bytes]:
        with reading():
            rows = await self._pool.fetch(self._sql["relay_answers"], list(questions))
        return {row["id"]: row["answer"] for row in rows}

    async def _write(self, name: str, term: Term, *arguments: Any) -> None:
        try:
            async with self._pool.acquire() as con:
                with hearing_warnings(con):
                    await con.execute(self._sql[name], term.node, term.epoch, *arguments)
        except FAILED as problem:
            found = meaning(problem)
            raise (Unavailable(str(found)) if isinstance(found, Deadlock) else found) from problem


def enveloped(question: Question) -> bytes:
    """The document of a question's row."""
    return encode(Envelope(said=msgspec.Raw(question.said), seconds=question.seconds))


def opened(id_: str, asker: NodeName, kind: str, doc: bytes) -> Question:
    """The question of a row."""
    envelope = decode(doc, Envelope)
    said = bytes(envelope.said)
    return Question(id=id_, asker=asker, kind=kind, said=said, seconds=envelope.seconds)
