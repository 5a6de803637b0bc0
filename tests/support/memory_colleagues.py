"""What colleagues have said, as it is read, on the store in memory."""

from collections.abc import Callable, Collection, Sequence

from gateway.core.colleagues import ColleagueMessage
from gateway.core.ids import AgentName, ItemId, MessageId
from gateway.store.colleagues import Chat
from gateway.store.contract import Page
from tests.support.memory_rows import copied
from tests.support.memory_store import MemoryStore
from tests.support.memory_talk import Talk


class MemoryColleagues:
    """``cluster.colleagues.Said`` and what the API asks, over ``Talk``, with the store's faults."""

    def __init__(self, store: MemoryStore) -> None:
        self._store = store

    async def said(self, ids: Collection[MessageId]) -> dict[MessageId, ColleagueMessage]:
        rows = self._store.tables.talk.said
        return await self._store._call(
            "colleagues", lambda: {i: copied(rows[i]) for i in ids if i in rows}
        )

    async def chats(self, agent: AgentName, groups: Sequence[str], cursor: str, limit: int) -> Page:
        def read() -> Page:
            talk = self._store.tables.talk
            last = {m.chat: m for m in talk.shown(agent, groups)}
            counts = talk.unread(agent, groups)
            chats = [Chat(last=copied(m), unread=counts[chat]) for chat, m in last.items()]
            return Page(items=chats[:limit], next=None)

        return await self._store._call("colleagues", read)

    async def one(self, message: str) -> ColleagueMessage | None:
        return (await self.said([MessageId(message)])).get(MessageId(message))

    async def messages(
        self, chat: str, reader: AgentName, cursor: str, limit: int, *, whole: bool
    ) -> Page:
        return await self._listed(lambda talk: talk.of(chat, reader, whole=whole), limit)

    async def of_item(self, item: ItemId, cursor: str, limit: int) -> Page:
        return await self._listed(
            lambda talk: talk.newest(
                [m for m in talk.said.values() if m.item == item and m.state == "sent"]
            ),
            limit,
        )

    async def reviews(self, cursor: str, limit: int) -> Page:
        return await self._listed(lambda talk: [m for m in talk.said.values() if m.open], limit)

    async def _listed(self, read: Callable[[Talk], Sequence[ColleagueMessage]], limit: int) -> Page:
        talk = self._store.tables.talk
        return await self._store._call(
            "colleagues", lambda: Page(items=[copied(m) for m in read(talk)[:limit]], next=None)
        )
