"""Pages by which messages and customers are found, and finding by them, on PostgreSQL.

Everything raises ``Unavailable``. What is asked ends after two seconds: somebody types.
"""

import asyncio
from collections.abc import Collection, Sequence
from typing import Any

from msgspec import Struct

from gateway.core.ids import CustomerId, MessageId, NodeName, Position
from gateway.core.model import Case, Message
from gateway.core.searching import STEMMERS, stemmer, words
from gateway.store.codec import decode, text
from gateway.store.pool import Pool
from gateway.store.queries import Queries
from gateway.store.trouble import reading

MOST_HITS = 300
"""Messages, the newest, out of which the cases are taken that are shown."""

FORGETTING = 5_170_050
"""The advisory lock of pages and of what takes content out: an emptied case gets none."""


class Said(Struct, frozen=True, kw_only=True):
    """A case in which it was said, and the newest message in which it was."""

    case: Case
    message: Message


class Known(Struct, frozen=True, kw_only=True):
    """A customer of that name or address; ``latest`` is the number of their newest case."""

    id: CustomerId
    name: str
    verified: bool
    language: str
    identities: tuple[str, ...]
    latest: int | None


class PgSearch:
    """See the module's docstring."""

    def __init__(self, pool: Pool, sql: Queries) -> None:
        self._pool = pool
        self._sql = sql

    # -- pages ------------------------------------------------------------------------------

    async def places(self) -> dict[NodeName, Position]:
        """How far each node's journal has been read, and where those begin that were not."""
        with reading():
            ends = await self._pool.fetch(self._sql["journal_ends"])
            read = await self._pool.fetch(self._sql["search_places"])
        begun = {NodeName(row["node"]): Position(0, 0) for row in ends}
        return begun | {
            NodeName(row["node"]): Position(row["epoch"], row["offset"]) for row in read
        }

    async def read_to(self, node: NodeName, place: Position) -> None:
        """All up to there has its page."""
        with reading():
            await self._pool.execute(self._sql["search_read_to"], node, place.epoch, place.offset)

    async def past(self, most: int) -> list[MessageId]:
        """The next messages from before there was a search; when none is left, never again."""
        with reading():
            rows = await self._pool.fetch(self._sql["search_messages_past"], most)
            if not rows:
                await self._pool.execute(self._sql["search_past_over"])
        return [MessageId(row["id"]) for row in rows]

    async def past_to(self, message: MessageId) -> None:
        """All of them up to this one have their page."""
        with reading():
            await self._pool.execute(self._sql["search_past_to"], message)

    async def keep_messages(self, ids: Collection[MessageId]) -> None:
        """Write their pages, as they read now; what is not there any more has none."""
        with reading():
            rows = await self._pool.fetch(self._sql["search_messages_by_id"], list(ids))
            if not rows:
                return
            # A hundred mails take a tenth of a second and more, long ones many seconds.
            pages = await asyncio.to_thread(lambda: [text(_page_of(row)) for row in rows])
            async with self._pool.acquire() as con, con.transaction():
                await con.execute(self._sql["search_writing"], FORGETTING)
                await con.execute(
                    self._sql["search_keep_messages"],
                    [row["id"] for row in rows],
                    [stemmer(row["language"] or "") for row in rows],
                    pages,
                )

    async def keep_customers(self, most: int) -> int:
        """Write the pages of customers who are new or have changed; how many there were."""
        with reading():
            async with self._pool.acquire() as con, con.transaction():
                due = await con.fetch(self._sql["search_customers_due"], most)
                ids = {row["customer"] for row in due}
                rows = await con.fetch(self._sql["search_customers_by_id"], list(ids))
                pages = [" ".join(words(" ".join([r["name"], *r["identities"]]))) for r in rows]
                await con.execute(
                    self._sql["search_keep_customers"],
                    [row["id"] for row in rows],
                    [text(page) for page in pages],
                )
        return len(due)

    # -- finding ----------------------------------------------------------------------------

    async def question(self, looked_for: Sequence[str]) -> str:
        """What PostgreSQL is asked for these words, of which there is at least one."""
        with reading():
            return str(
                await self._pool.fetchval(
                    self._sql["search_question"], list(looked_for), list(STEMMERS)
                )
            )

    async def said(self, question: str, most: int) -> list[Said]:
        """Cases, the one in which it was said last first."""
        with reading():
            rows = await self._pool.fetch(self._sql["search_said"], question, MOST_HITS, timeout=2)
        newest = sorted(rows, key=lambda row: str(row["id"]), reverse=True)[:most]
        return [
            Said(case=decode(row["case"], Case), message=decode(row["message"], Message))
            for row in newest
        ]

    async def who(self, question: str, most: int) -> list[Known]:
        """Customers, who changed last first."""
        with reading():
            rows = await self._pool.fetch(self._sql["search_who"], question, most, timeout=2)
        return [
            Known(
                id=CustomerId(row["id"]),
                name=row["name"],
                verified=row["verified"],
                language=row["language"],
                identities=tuple(row["identities"]),
                latest=row["number"],
            )
            for row in rows
        ]


def _page_of(row: Any) -> str:
    return _page(decode(row["doc"], Message), row["subject"] or "", row["name"] or "")


def _page(message: Message, subject: str, name: str) -> str:
    """All that a message is found by: what it says, who said it and to whom, its files' names."""
    if message.deleted_at:
        return ""
    about = [subject] if message.seq == 1 else []
    customer = [name] if message.direction == "in" else []
    files = (file.name for file in message.attachments)
    said = [*about, message.subject, *customer, *message.to, *message.cc, *files, message.body]
    return " ".join(words("\n".join(said)))
