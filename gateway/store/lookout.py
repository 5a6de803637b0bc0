"""How the database stands: who is primary, and whether what is written exists twice.

The lookout keeps a connection to every server that a DSN names and asks each of them every two
seconds. So a promotion is noticed although the old primary still answers (its Patroni frozen,
say), and the loss of the last standby is noticed at all.
"""

import asyncio
from typing import Any, Literal, Never

import structlog
from msgspec import Struct

from gateway.store.contract import Unavailable
from gateway.store.pool import Connector, Host
from gateway.store.queries import Queries
from gateway.store.trouble import FAILED

EVERY_SECONDS = 2.0

Copies = Literal["unknown", "none", "asynchronous", "synchronous"]
_BETTER: tuple[Copies, ...] = ("unknown", "none", "asynchronous", "synchronous")

_log = structlog.get_logger("database")


class Standing(Struct, frozen=True, kw_only=True):
    """What the servers said last.

    ``copies``: *synchronous*, a commit waits until a standby has it; *asynchronous*, a standby
    follows, a moment behind; *none*, what is written exists once; *unknown*, no primary answers.
    ``concern``: a sentence when that is less than what this database promises; empty if not.
    """

    copies: Copies = "unknown"
    standbys: int = 0
    timeline: int = 0
    primary: str = ""
    concern: str = ""


class Lookout:
    """Asks until cancelled; ``standing`` is the last answer."""

    def __init__(self, connector: Connector, sql: Queries) -> None:
        self.standing = Standing()
        self._connector = connector
        self._ask = sql["database_standing"]
        self._links: dict[Host, Any] = {}
        self._one_at_a_time = asyncio.Lock()
        # Who names several servers wants a second copy; who had one wants it back.
        self._expected: Copies = "asynchronous" if len(connector.hosts) > 1 else "unknown"

    async def run(self) -> Never:
        try:
            while True:
                await self.look()
                await asyncio.sleep(EVERY_SECONDS)
        finally:
            for link in self._links.values():
                link.terminate()

    async def look(self) -> None:
        """Ask every server once."""
        hosts = self._connector.hosts
        async with self._one_at_a_time:
            rows = await asyncio.gather(*(self._asked(host) for host in hosts))
        timelines = [row["timeline"] if row else -1 for row in rows]
        best = timelines.index(max(timelines))
        row = rows[best]
        if row is None or row["timeline"] < max(self._connector.sight.timeline, 1):
            self._note(Standing(timeline=self._connector.sight.timeline))
            return
        self._connector.sight.saw(row["timeline"])
        copies = _copies(row)
        if _BETTER.index(copies) > _BETTER.index(self._expected):
            self._expected = copies
        self._note(
            Standing(
                copies=copies,
                standbys=row["standbys"],
                timeline=row["timeline"],
                primary=hosts[best].name,
                concern=self._concern(copies, row),
            )
        )

    async def _asked(self, host: Host) -> Any | None:
        link = self._links.pop(host, None)
        try:
            async with asyncio.timeout(self._connector.seconds):
                if link is None or link.is_closed():
                    link = await self._connector.open_one(host)
                row = await link.fetchrow(self._ask)
                self._links[host] = link
                self._connector.sight.silent.discard(host)
        except (*FAILED, Unavailable):
            return None
        else:
            return row
        finally:
            if link is not None and host not in self._links:
                link.terminate()

    def _concern(self, copies: Copies, row: Any) -> str:
        if _BETTER.index(copies) >= _BETTER.index(self._expected):
            return ""
        if copies == "asynchronous":
            return "commits do not wait for a standby: the last moments exist only once"
        if row["waits"]:
            return "there is no second copy: commits wait for a standby that is away"
        return "there is no second copy: no standby follows the primary"

    def _note(self, standing: Standing) -> None:
        before, self.standing = self.standing, standing
        if standing.concern and standing.concern != before.concern:
            _log.warning("the database has no full second copy", reason=standing.concern)
        elif before.concern and standing.copies != "unknown" and not standing.concern:
            _log.info("the database has its second copy again", copies=standing.copies)


def _copies(row: Any) -> Copies:
    if row["waits"] and (row["confirming"] or not row["sees"]):
        return "synchronous"
    return "asynchronous" if row["standbys"] and not row["waits"] else "none"
