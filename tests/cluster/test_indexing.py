"""Following the journals for the search: what the database refuses stops nothing else."""

from collections.abc import Collection, Mapping
from datetime import UTC, datetime
from typing import Any

from gateway.cluster.indexing import Indexing
from gateway.core import events as e
from gateway.core.ids import CaseId, MessageId, NodeName, Position
from gateway.ports import PeerEntry
from gateway.store.contract import BadBatch
from gateway.store.tail import Portion

NODE, NOW = NodeName("n1"), datetime(2026, 3, 1, tzinfo=UTC)


class Journal:
    """Five messages of one node, told at once."""

    async def read(
        self, after: Mapping[NodeName, Position], _kinds: Collection[type[Any]]
    ) -> Mapping[NodeName, Portion]:
        if after[NODE].offset >= 5:
            return {}
        added = [
            e.MessageAdded(message=MessageId(str(n)), case=CaseId("c"), seq=n, direction="in")
            for n in range(1, 6)
        ]
        entries = [PeerEntry(Position(1, event.seq), NOW, event, (), None, None) for event in added]
        return {NODE: Portion(entries, Position(1, 5), more=False)}


class Pages:
    """Refuses message 3, alone or among others."""

    def __init__(self) -> None:
        self.kept: list[MessageId] = []
        self.place = Position(1, 0)

    async def places(self) -> dict[NodeName, Position]:
        return {NODE: self.place}

    async def read_to(self, _node: NodeName, place: Position) -> None:
        self.place = place

    async def past(self, _most: int) -> list[MessageId]:
        return []

    async def past_to(self, _message: MessageId) -> None: ...

    async def keep_messages(self, ids: Collection[MessageId]) -> None:
        if "3" in ids:
            raise BadBatch("string is too long for tsvector")
        self.kept += ids

    async def keep_customers(self, _most: int) -> int:
        return 0


async def test_one_message_that_is_refused_stops_no_other() -> None:
    pages = Pages()
    indexing = Indexing(Journal(), pages)
    assert not await indexing.follow()
    assert pages.kept == ["1", "2", "4", "5"]
    assert pages.place == Position(1, 5)
    assert not await indexing.follow()
    assert len(pages.kept) == 4
