"""Following other nodes, on the store in memory: their journals, the directory's tables."""

from bisect import bisect_right
from collections.abc import Collection, Mapping
from typing import Any

from gateway.core import events as e
from gateway.core.ids import AgentName, NodeName, Position, QueueName, SiteName
from gateway.core.model import AgentProfile, Queue, Site
from gateway.core.timetable import Entry, Key
from gateway.ports import PeerEntry
from gateway.store.batch import _KINDS
from gateway.store.tail import Portion
from tests.support.memory_rows import copied
from tests.support.memory_store import MemoryStore

MOST = 50
"""Entries that are read at once: few, so that much comes in parts."""


class MemoryTail:
    """``cluster.tail.Journals`` over ``Tables``, with the store's steps and faults."""

    def __init__(self, store: MemoryStore) -> None:
        self._store = store

    async def read(
        self, after: Mapping[NodeName, Position], kinds: Collection[type[Any]]
    ) -> dict[NodeName, Portion]:
        def portions() -> dict[NodeName, Portion]:
            found = {}
            for node, end in after.items():
                journal = self._store.tables.journals.get(node, [])
                start = bisect_right(journal, end, key=lambda entry: entry.position)
                part = journal[start : start + MOST]
                if part:
                    told = [_as_told(entry) for entry in part if type(entry.event) in kinds]
                    found[node] = Portion(told, part[-1].position, len(part) == MOST)
            return found

        def is_there() -> bool:
            journals = self._store.tables.journals
            return any(journals[n][-1].position > end for n, end in after.items() if n in journals)

        return await self._store._glance("tail", portions, is_there)


def _as_told(entry: e.Entry) -> PeerEntry:
    case, item = _KINDS[type(entry.event)][1](entry)
    return PeerEntry(entry.position, entry.at, entry.event, (), case, item)


class MemoryDirectory:
    """``cluster.directory.DirectoryRows`` over ``Tables``."""

    def __init__(self, store: MemoryStore) -> None:
        self._store = store

    async def profiles(self, names: Collection[AgentName]) -> dict[AgentName, AgentProfile]:
        rows = self._store.tables.profiles
        return await self._store._call(
            "directory", lambda: {n: copied(rows[n]) for n in names if n in rows}
        )

    async def queues(self, names: Collection[QueueName]) -> dict[QueueName, Queue]:
        rows = self._store.tables.queues
        return await self._store._call(
            "directory", lambda: {n: copied(rows[n]) for n in names if n in rows}
        )

    async def entries(self, keys: Collection[Key]) -> dict[Key, Entry]:
        rows = self._store.tables.timetable
        return await self._store._call(
            "directory", lambda: {key: copied(rows[key]) for key in keys if key in rows}
        )

    async def sites(self, names: Collection[SiteName]) -> dict[SiteName, Site]:
        rows = self._store.tables.sites
        return await self._store._call(
            "directory", lambda: {n: copied(rows[n]) for n in names if n in rows}
        )
