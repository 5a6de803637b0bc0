"""Reading on in the journals of other nodes: ``cluster.tail.Journals`` on PostgreSQL.

A node's entries are committed in the order of their positions, also when its epoch rises in the
middle, so whoever has seen one has missed none before it.
"""

from collections.abc import Collection, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, get_args

import msgspec
import structlog
from msgspec import Struct

from gateway.core import events as e
from gateway.core.ids import NodeName, Position
from gateway.ports import PeerEntry
from gateway.store.pool import Pool
from gateway.store.queries import Queries
from gateway.store.trouble import reading

MOST = 1_000
"""Entries of one node that are read at once."""
BACK = timedelta(days=8)
"""No clock goes back so far: older partitions of a journal need not be looked into each time."""
EVERYWHERE = 60
"""So often one is looked into all the same."""

TAGS: Mapping[type[Any], str] = {
    kind: str(kind.__struct_config__.tag) for kind in get_args(e.Event)
}
"""What each type of event is called in the journal."""

_decoder: msgspec.json.Decoder[e.Event] = msgspec.json.Decoder(e.Event)
_LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)
_log = structlog.get_logger("tail")


class Portion(Struct, frozen=True):
    """What comes next in one node's journal, and how far that is; ``more`` is there at once."""

    entries: list[PeerEntry]
    end: Position
    more: bool


class PgTail:
    """See the module's docstring. Raises ``Unavailable`` while there is no database."""

    def __init__(self, pool: Pool, sql: Queries, *, most: int = MOST) -> None:
        self._pool = pool
        self._sql = sql
        self._most = most
        self._since: dict[NodeName, datetime] = {}
        self._reads = 0

    async def read(
        self, after: Mapping[NodeName, Position], kinds: Collection[type[Any]]
    ) -> dict[NodeName, Portion]:
        """For each node that has more than that: the next entries, of these kinds alone."""
        self._reads += 1
        if self._reads % EVERYWHERE == 0:
            self._since.clear()
        nodes = list(after)
        with reading():
            rows = await self._pool.fetch(
                self._sql["journal_tail"],
                nodes,
                [after[node].epoch for node in nodes],
                [after[node].offset for node in nodes],
                [self._since.get(node, _LONG_AGO) for node in nodes],
                [TAGS[kind] for kind in kinds],
                self._most,
            )
        found: dict[NodeName, Portion] = {}
        for row in rows:
            node, end = NodeName(row["node"]), Position(row["epoch"], row["offset"])
            before = found.get(node)
            entries = before.entries if before else []
            if row["payload"] is not None and (entry := _entry(end, row)) is not None:
                entries.append(entry)
            found[node] = Portion(entries, end, row["many"] == self._most)
            self._since[node] = max(self._since.get(node, _LONG_AGO), row["at"] - BACK)
        return found


def _entry(position: Position, row: Any) -> PeerEntry | None:
    try:
        event = _decoder.decode(row["payload"])
    except msgspec.MsgspecError:
        # Of a node of the next version, say: what it means to us nobody knows.
        _log.warning("an entry cannot be read", kind=row["kind"], position=position)
        return None
    return PeerEntry(position, row["at"], event, (), row["case_id"], row["item_id"])
