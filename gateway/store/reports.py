"""What happened in a period, counted from the journal."""

from datetime import datetime

import msgspec

from gateway.core.ids import ChannelName, QueueName, RuleName, SkillName
from gateway.store.pool import Pool
from gateway.store.queries import Queries
from gateway.store.trouble import reading
from gateway.store.views import Misroute, Misrouting, Unwritten, Withheld


class PgReports:
    """Raises ``Unavailable`` while there is no database."""

    def __init__(self, pool: Pool, sql: Queries) -> None:
        self._pool = pool
        self._sql = sql

    async def misrouted(self, since: datetime, until: datetime) -> list[Misrouting]:
        """What came to the wrong person, by all that was said of it, the most frequent first."""
        with reading():
            rows = await self._pool.fetch(self._sql["misrouted"], since, until)
        return [
            Misrouting(
                rule=RuleName(row["rule"] or ""),
                queue=QueueName(row["queue"] or ""),
                reason=row["reason"] or "",
                right_queue=QueueName(row["right_queue"] or ""),
                right_skill=SkillName(row["right_skill"] or ""),
                told=row["told"],
                latest=[msgspec.json.decode(one, type=Misroute) for one in row["latest"]],
            )
            for row in rows
        ]

    async def withheld(self, since: datetime, until: datetime) -> list[Withheld]:
        """What budgets kept from being written by itself, the most frequent first."""
        with reading():
            rows = await self._pool.fetch(self._sql["withheld"], since, until)
        return [
            Withheld(
                channel=ChannelName(row["channel"]),
                of=row["of"],
                what=row["what"],
                withheld=row["withheld"],
                latest=[msgspec.json.decode(one, type=Unwritten) for one in row["latest"]],
            )
            for row in rows
        ]
