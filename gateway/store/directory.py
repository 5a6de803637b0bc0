"""The directory as the tables have it, by name: what a node that follows the others asks."""

from collections.abc import Collection

from gateway.core.ids import AgentName, QueueName, SiteName
from gateway.core.model import AgentProfile, Queue, Site
from gateway.core.timetable import TYPES, Entry, Key
from gateway.store.codec import decode, text
from gateway.store.pool import Pool
from gateway.store.queries import Queries
from gateway.store.trouble import reading


class PgDirectory:
    """Raises ``Unavailable`` while there is no database. Who is not named there is left out."""

    def __init__(self, pool: Pool, sql: Queries) -> None:
        self._pool = pool
        self._sql = sql

    async def profiles(self, names: Collection[AgentName]) -> dict[AgentName, AgentProfile]:
        """Those that are not active too."""
        if not names:
            return {}
        with reading():
            rows = await self._pool.fetch(self._sql["profiles_named"], [text(n) for n in names])
        found = [decode(row["doc"], AgentProfile) for row in rows]
        return {profile.name: profile for profile in found}

    async def queues(self, names: Collection[QueueName]) -> dict[QueueName, Queue]:
        """Those that are not active too."""
        if not names:
            return {}
        with reading():
            rows = await self._pool.fetch(self._sql["queues_named"], [text(n) for n in names])
        return {queue.name: queue for queue in (decode(row["doc"], Queue) for row in rows)}

    async def sites(self, names: Collection[SiteName]) -> dict[SiteName, Site]:
        """Those that anybody has ever acted on."""
        if not names:
            return {}
        with reading():
            rows = await self._pool.fetch(self._sql["sites_named"], [text(n) for n in names])
        return {site.name: site for site in (decode(row["doc"], Site) for row in rows)}

    async def entries(self, keys: Collection[Key]) -> dict[Key, Entry]:
        """Calendars and service-level policies; those that are not active too."""
        found: dict[Key, Entry] = {}
        for kind, type_ in TYPES.items():
            names = [text(name) for one, name in keys if one == kind]
            if not names:
                continue
            with reading():
                rows = await self._pool.fetch(self._sql["entries_named"], kind, names)
            found |= {(kind, row["name"]): decode(row["doc"], type_) for row in rows}
        return found
