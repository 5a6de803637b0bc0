"""What colleagues have said to each other, on PostgreSQL. Everything raises ``Unavailable``."""

from collections.abc import Callable, Collection, Sequence
from typing import Any

from msgspec import Struct

from gateway.core.colleagues import ColleagueMessage, chat_of
from gateway.core.ids import AgentName, ItemId, MessageId
from gateway.store.codec import decode, text, uuid_or_none
from gateway.store.contract import Page
from gateway.store.paging import page_of
from gateway.store.pool import Pool
from gateway.store.queries import Queries
from gateway.store.trouble import reading

FIRST = "00000000-0000-0000-0000-000000000000"


class Chat(Struct, frozen=True, kw_only=True):
    """A chat as its list shows it: the newest message, and how many one has not read."""

    last: ColleagueMessage
    unread: int


class PgColleagues:
    """See the module's docstring."""

    def __init__(self, pool: Pool, sql: Queries) -> None:
        self._pool = pool
        self._sql = sql

    async def said(self, ids: Collection[MessageId]) -> dict[MessageId, ColleagueMessage]:
        """These messages, as far as they are there."""
        with reading():
            rows = await self._pool.fetch(self._sql["colleague_messages_by_id"], list(ids))
        found = [decode(row["doc"], ColleagueMessage) for row in rows]
        return {message.id: message for message in found}

    async def one(self, message: str) -> ColleagueMessage | None:
        """A message; its id may be anything."""
        known = uuid_or_none(message)
        return (await self.said([MessageId(known)])).get(MessageId(known)) if known else None

    async def chats(self, agent: AgentName, groups: Sequence[str], cursor: str, limit: int) -> Page:
        """The agent's own and those of the ``groups`` (``Chat``), newest first."""
        named = [text(chat_of(agent, None, group)) for group in groups]
        with reading():
            rows = await self._pool.fetch(
                self._sql["colleague_chats"], text(agent), named, _before(cursor), limit + 1
            )
        found = page_of(rows, limit, _n)
        chats = [
            Chat(last=decode(row["doc"], ColleagueMessage), unread=row["unread"])
            for row in found.items
        ]
        return Page(items=chats, next=found.next)

    async def messages(
        self, chat: str, reader: AgentName, cursor: str, limit: int, *, whole: bool
    ) -> Page:
        """``ColleagueMessage`` of a chat, newest first; not ``whole``: the reader's own alone."""
        with reading():
            rows = await self._pool.fetch(
                self._sql["colleague_messages"],
                text(chat),
                text(reader),
                _before(cursor),
                limit + 1,
                whole,
            )
        return _page(rows, limit)

    async def of_item(self, item: ItemId, cursor: str, limit: int) -> Page:
        """What was said about an item, newest first."""
        if uuid_or_none(item) is None:
            return Page(items=[], next=None)
        with reading():
            rows = await self._pool.fetch(
                self._sql["colleague_messages_of_item"], item, _before(cursor), limit + 1
            )
        return _page(rows, limit)

    async def reviews(self, cursor: str, limit: int) -> Page:
        """What supervisors are to look at, oldest first."""
        with reading():
            rows = await self._pool.fetch(
                self._sql["colleague_reviews"], uuid_or_none(cursor) or FIRST, limit + 1
            )
        return _page(rows, limit, lambda row: str(row["id"]))

    async def forget(self, days: int, most: int) -> int:
        """Remove what is older than so many days, at most so many; how many went."""
        with reading():
            gone: int = await self._pool.fetchval(self._sql["colleague_forget"], days, most)
        return gone


def _n(row: Any) -> str:
    return str(row["n"])


def _page(rows: Sequence[Any], limit: int, cursor: Callable[[Any], str] = _n) -> Page:
    found = page_of(rows, limit, cursor)
    return Page(
        items=[decode(row["doc"], ColleagueMessage) for row in found.items], next=found.next
    )


def _before(cursor: str) -> int:
    """Where a part of a list begins; 0: with the newest."""
    return int(cursor) if cursor.isascii() and cursor.isdigit() and len(cursor) < 19 else 0
