"""What happened on a day, out of the journal, for whoever plays it again."""

from datetime import datetime, timedelta

import msgspec
from msgspec import Struct

from gateway.core import events as e
from gateway.core.ids import CaseId
from gateway.core.model import AgentProfile, Case, Queue
from gateway.store.codec import decode
from gateway.store.pool import Connection
from gateway.store.tail import TAGS

BEFORE = timedelta(days=7)
"""Whatever began to wait earlier than this is not looked for."""
AFTER = timedelta(days=1)
"""Work that was begun on the day is followed for so long."""
PRESENCE = timedelta(hours=36)
"""Whoever signed in earlier than this is taken not to be there."""

WORK: tuple[type[e.Event], ...] = (
    e.ItemCreated,
    e.ItemQueued,
    e.ItemScheduled,
    e.OfferMade,
    e.OfferAccepted,
    e.OfferDeclined,
    e.OfferMissed,
    e.OfferWithdrawn,
    e.ItemAssigned,
    e.ItemHeld,
    e.WrapUpStarted,
    e.ItemCompleted,
    e.ItemAbandoned,
    e.ItemCanceled,
    e.ItemRejected,
    e.ItemReprioritised,
    e.ClocksSet,
)
PEOPLE: tuple[type[e.Event], ...] = (
    e.NodeStarted,
    e.AgentAttached,
    e.AgentDetached,
    e.AgentClaimed,
    e.AgentReleased,
    e.AgentAdopted,
    e.AgentHandedOver,
    e.AgentStateChanged,
)

# Of the days around only what is about items that the day or the one after it has touched, or that
# are still open: most of a week is over and done with.
_WORK = """
WITH touched AS MATERIALIZED (
    SELECT DISTINCT item_id FROM journal
    WHERE at >= $4 AND at < $2 AND item_id IS NOT NULL AND kind = ANY($3::text[])
    UNION
    SELECT id FROM item WHERE ended_as IS NULL
)
SELECT at, payload FROM journal
WHERE at >= $1 AND at < $2 AND kind = ANY($3::text[])
  AND item_id IN (SELECT item_id FROM touched)
ORDER BY at, node, epoch, "offset"
"""
_PEOPLE = """
SELECT at, payload FROM journal
WHERE at >= $1 AND at < $2 AND kind = ANY($3::text[])
ORDER BY at, node, epoch, "offset"
"""
_PROFILES = "SELECT doc FROM agent ORDER BY name"
_QUEUES = """
SELECT doc FROM queue WHERE coalesce((doc->>'active')::boolean, true) ORDER BY name
"""
_CASES = "SELECT doc FROM ticket_case WHERE id = ANY($1::uuid[])"
_FETCHED = 5_000


class Happened(Struct, frozen=True):
    """An event and when it was."""

    at: datetime
    event: e.Event


class Recording(Struct, frozen=True, kw_only=True):
    """All that a day can be played again from, in order of time.

    ``work`` reaches back to what may still have waited when the day began, and on to how what was
    begun in it ended. ``profiles`` and ``queues`` are as they are now, those of agents included
    who have left; ``levels`` are of cases that are not at the first level of the help desk.
    """

    begins: datetime
    ends: datetime
    work: list[Happened]
    people: list[Happened]
    profiles: list[AgentProfile]
    queues: list[Queue]
    levels: dict[CaseId, int]


async def read_day(con: Connection, begins: datetime, ends: datetime) -> Recording:
    """Everything between two instants. An entry that cannot be read is left out."""
    async with con.transaction(isolation="repeatable_read", readonly=True):
        work = await _happened(con, _WORK, WORK, begins - BEFORE, ends + AFTER, begins)
        people = await _happened(con, _PEOPLE, PEOPLE, begins - PRESENCE, ends)
        profiles = [decode(row["doc"], AgentProfile) for row in await con.fetch(_PROFILES)]
        queues = [decode(row["doc"], Queue) for row in await con.fetch(_QUEUES)]
        cases = {one.event.item.case for one in work if isinstance(one.event, e.ItemCreated)}
        levels = await _levels(con, cases)
    return Recording(
        begins=begins,
        ends=ends,
        work=work,
        people=people,
        profiles=profiles,
        queues=queues,
        levels=levels,
    )


async def _happened(
    con: Connection,
    sql: str,
    kinds: tuple[type[e.Event], ...],
    begins: datetime,
    ends: datetime,
    *more: datetime,
) -> list[Happened]:
    decoder: msgspec.json.Decoder[e.Event] = msgspec.json.Decoder(e.Event)
    tags = [TAGS[kind] for kind in kinds]
    found = []
    async for row in con.cursor(sql, begins, ends, tags, *more, prefetch=_FETCHED):
        try:
            found.append(Happened(row["at"], decoder.decode(row["payload"])))
        except msgspec.MsgspecError:
            continue  # of a node of another edition, say: what it means to us nobody knows
    return found


async def _levels(con: Connection, cases: set[CaseId]) -> dict[CaseId, int]:
    rows = await con.fetch(_CASES, list(cases))
    found = (decode(row["doc"], Case) for row in rows)
    return {case.id: case.level for case in found if case.level != 1}
