"""Which hours of agents must be counted anew, and counting them."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any, Literal, cast

import msgspec
from msgspec import Struct, field

from gateway.core import events as e
from gateway.core.facts.shifts import LONGEST, Stand, about, hour_of, shifts, stepped, stretches
from gateway.core.facts.values import Segment, Told
from gateway.core.ids import AgentName, NodeName, Position
from gateway.store import fact_rows as rows
from gateway.store.codec import encode, text
from gateway.store.pool import Connection
from gateway.store.queries import Queries

HOUR = timedelta(hours=1)
HOURS_AT_ONCE = 2_000
_LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)
_InHand = tuple[str, int, str, datetime, datetime | None]
_events: msgspec.json.Decoder[e.Event] = msgspec.json.Decoder(e.Event)


class Marks:
    """Hours to be counted anew. ``horizon``: until then lasts what is not over."""

    def __init__(self, con: Connection, sql: Queries, horizon: datetime) -> None:
        self.horizon = horizon
        self._con = con
        self._sql = sql
        self._had: set[_InHand] = set()
        self._has: set[_InHand] = set()
        self._hours: set[tuple[str, datetime]] = set()

    def had(
        self, agent: str, cell: int, what: str, began: datetime, ended: datetime | None
    ) -> None:
        """It was counted so."""
        self._had.add((agent, cell, what, began, ended))

    def has(
        self, agent: str, cell: int, what: str, began: datetime, ended: datetime | None
    ) -> None:
        """It is counted so from now on."""
        self._has.add((text(agent), cell, what, began, ended))

    def span(self, agent: str, began: datetime, ended: datetime) -> None:
        """Something has changed in this time."""
        hour = hour_of(began)
        while hour <= ended:
            self._hours.add((agent, hour))
            hour += HOUR

    async def open(self, since: datetime) -> None:
        """Time has gone by for whoever is there or has something in hand."""
        for row in await self._con.fetch(self._sql["facts_open"], since, self.horizon):
            self.span(row["agent"], row["since"], row["until"])

    async def save(self) -> None:
        """Mark what is counted otherwise than before."""
        for agent, _, _, began, ended in self._had ^ self._has:
            if agent:
                self.span(agent, began, ended or self.horizon)
        if self._hours:
            hours = sorted(self._hours)
            await self._con.execute(
                self._sql["facts_dirty_add"], [one for one, _ in hours], [at for _, at in hours]
            )


async def note_presence(
    con: Connection, sql: Queries, told: list[tuple[Told, bytes]], marks: Marks
) -> None:
    """What is said of who is there; how they were after each, from the first of these on."""
    if not told:
        return
    await con.execute(
        sql["facts_presence_add"],
        [one.node for one, _ in told],
        [one.position.epoch for one, _ in told],
        [one.position.offset for one, _ in told],
        [one.at for one, _ in told],
        [text(about(one.event) or "") for one, _ in told],
        [payload for _, payload in told],
    )
    first: dict[str, datetime] = {}
    last: dict[str, datetime] = {}
    for one, _ in told:
        name = about(one.event)
        agents: Iterable[str] = (text(name),) if name is not None else await _at(con, sql, one)
        for agent in agents:
            first[agent] = min(one.at, first.get(agent, one.at))
            last[agent] = max(one.at, last.get(agent, one.at))
    await _restand(con, sql, first, last, marks)


async def _at(con: Connection, sql: Queries, told: Told) -> list[str]:
    """Who may have been at a node that began anew."""
    found = await con.fetch(sql["facts_there"], told.at)
    return [row["agent"] for row in found]


class _Life(Struct):
    """What is known of an agent's presence, in order, with how they were after each.

    Nothing is kept of how they were after a node began anew (``None``).
    """

    stand: Stand = Stand()
    began: datetime = _LONG_AGO
    points: list[tuple[Told, bytes | None]] = field(default_factory=list)

    @property
    def first(self) -> datetime:
        """When anything was said of them first, as far as is known here."""
        if self.began > _LONG_AGO or not self.points:
            return self.began
        return min(told.at for told, _ in self.points)


async def _lives(
    con: Connection, sql: Queries, spans: dict[str, tuple[datetime, datetime]]
) -> dict[str, _Life]:
    """Of each agent how they were before the span, and what was said of them in it."""
    found = await con.fetch(
        sql["facts_presence"],
        list(spans),
        [since for since, _ in spans.values()],
        [until for _, until in spans.values()],
    )
    lives = {agent: _Life() for agent in spans}
    for row in found:
        told, life = _told(row), lives[row["agent"]]
        if told.at < spans[row["agent"]][0]:
            stand = row["stand"]
            life.stand = msgspec.json.decode(stand, type=Stand) if stand else Stand()
            life.began = told.at
        else:
            life.points.append((told, row["stand"] or b""))
    since = min((life.first for life in lives.values()), default=_LONG_AGO)
    nodes = [_told(row) for row in await con.fetch(sql["facts_beginnings"], since)]
    for agent, life in lives.items():
        until = spans[agent][1]
        life.points += [(told, None) for told in nodes if life.began <= told.at < until]
        life.points.sort(key=lambda one: (one[0].at, one[0].node, one[0].position))
    return lives


def _told(row: Any) -> Told:
    position = Position(row["epoch"], row["offset"])
    return Told(NodeName(row["node"]), position, row["at"], _events.decode(row["event"]))


async def _restand(
    con: Connection,
    sql: Queries,
    first: dict[str, datetime],
    last: dict[str, datetime],
    marks: Marks,
) -> None:
    ever = datetime.max.replace(tzinfo=UTC)
    lives = await _lives(con, sql, {agent: (since, ever) for agent, since in first.items()})
    known: list[tuple[Told, bytes]] = []
    for agent, life in lives.items():
        stand, ends = life.stand, marks.horizon
        for told, before in life.points:
            stand = stepped(stand, told)
            if before is None:
                continue
            now = encode(stand)
            known.append((told, now))
            # From here on they were as we knew.
            if told.at > last[agent] and before == now:
                ends = min(ends, told.at)
                break
            last[agent] = max(last[agent], told.at)
        if life.began > _LONG_AGO:
            marks.span(agent, life.began, min(life.began + LONGEST, first[agent]))
        marks.span(agent, first[agent], min(ends, last[agent] + LONGEST))
    await con.execute(
        sql["facts_stands_set"],
        [told.node for told, _ in known],
        [told.position.epoch for told, _ in known],
        [told.position.offset for told, _ in known],
        [stand for _, stand in known],
    )


async def shift_some(con: Connection, sql: Queries, cells: rows.Cells, horizon: datetime) -> int:
    """Count some of the marked hours anew; how many. 0: none is marked."""
    marked = await con.fetch(sql["facts_dirty"], HOURS_AT_ONCE)
    if not marked:
        return 0
    agents = [row["agent"] for row in marked]
    hours = [row["hour"] for row in marked]
    spans: dict[str, tuple[datetime, datetime]] = {}
    for agent, hour in zip(agents, hours, strict=True):
        since, until = spans.get(agent, (hour, hour))
        spans[agent] = min(since, hour), max(until, hour + HOUR)
    lives = await _lives(con, sql, spans)
    work = await _work(con, sql, cells, spans)
    records = []
    for agent, hour in zip(agents, hours, strict=True):
        span = hour, min(hour + HOUR, horizon)
        stands = _stands(lives[agent])
        presence = [
            one for one in stretches(stands, span[1]) if one.ended > hour and one.began < span[1]
        ]
        held = [one for one in work.get(agent, []) if _within(one, span)]
        done = shifts(AgentName(agent), span, presence, held)
        records += [rows.shift_record(one, cells) for one in done]
    await cells.save()
    await con.execute(sql["facts_shifts_forget"], agents, hours)
    await rows.copy(con, "fact_shift", rows.SHIFTS, records)
    await con.execute(sql["facts_dirty_done"], agents, hours)
    return len(marked)


def _within(one: Segment, span: tuple[datetime, datetime]) -> bool:
    return one.began < span[1] and (one.ended is None or one.ended > span[0])


def _stands(life: _Life) -> list[tuple[datetime, Stand]]:
    """How the agent was, from the last change before on."""
    stand = life.stand
    found = [(life.began, stand)]
    for told, before in life.points:
        after = stepped(stand, told)
        # Another node's beginning says nothing of this agent.
        if before is not None or after != stand:
            found.append((told.at, after))
        stand = after
    return found


async def _work(
    con: Connection,
    sql: Queries,
    cells: rows.Cells,
    spans: dict[str, tuple[datetime, datetime]],
) -> dict[str, list[Segment]]:
    found: dict[str, list[Any]] = {}
    for row in await con.fetch(
        sql["facts_work"],
        list(spans),
        [since for since, _ in spans.values()],
        [until for _, until in spans.values()],
    ):
        found.setdefault(row["agent"], []).append(row)
    meant = await cells.read(row["cell"] for held in found.values() for row in held)
    return {
        agent: [
            Segment(
                what=cast("Literal['talk', 'wrap']", row["what"]),
                began=row["began"],
                ended=row["ended"],
                cell=meant[row["cell"]],
            )
            for row in held
        ]
        for agent, held in found.items()
    }
