"""Keeps the facts of reports up to date with the journal, on a connection of its own.

A *step* reads on in the journals of all nodes, finds the cases that something new is said of, and
makes all their facts anew from all of their entries; then how far it has read is written in the
same transaction. So it may be killed anywhere, be done twice, or begin again from nothing, and
comes to the same facts. Agents' hours are marked, and made anew when no step has anything to do
(``store.fact_shifts``).
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

import msgspec
import structlog
from msgspec import Struct, field

from gateway.core import events as e
from gateway.core.facts.lives import COUNTED, facts_of, of_items
from gateway.core.facts.rows import counted
from gateway.core.facts.shifts import PRESENCE
from gateway.core.facts.values import CaseFacts, Told
from gateway.core.ids import ItemId, NodeName, Position
from gateway.store import fact_rows as rows
from gateway.store.codec import encode, text
from gateway.store.fact_families import CLOCKS, FOLLOWING, Family, families_of
from gateway.store.fact_shifts import Marks, note_presence, shift_some
from gateway.store.pool import Connection
from gateway.store.queries import Queries
from gateway.store.tail import TAGS

FORMULA = 1
"""By which rules facts are made; raised when one is changed, so that all are made anew."""
MOST = 5_000
"""Entries of one node that a step reads."""
LOCK = 7_233_001
"""The advisory lock of who makes facts; see ``alone``."""
WORDS = (e.AgentDefined, e.QueueDefined, e.NodeStarted)
_LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)
_KINDS: frozenset[type[Any]] = frozenset((*FOLLOWING, *PRESENCE, *WORDS))
_READ = [TAGS[kind] for kind in _KINDS]
_COUNTED = [TAGS[kind] for kind in COUNTED]
_TOUCHING = frozenset(_COUNTED) | {TAGS[kind] for kind in FOLLOWING}
_PRESENCE = frozenset(TAGS[kind] for kind in PRESENCE)
_WORDS = frozenset(TAGS[kind] for kind in WORDS)
_AT_ONCE = 500
"""Cases whose entries are in memory together."""

_events: msgspec.json.Decoder[e.Event] = msgspec.json.Decoder(e.Event)
_log = structlog.get_logger("facts")


class Head(Struct, frozen=True):
    """Until when facts are known; ``shifted``: those of agents."""

    horizon: datetime = _LONG_AGO
    shifted: datetime = _LONG_AGO
    formula: int = FORMULA


class Stepped(Struct, frozen=True):
    """What a step has done."""

    entries: int = 0
    cases: int = 0
    hours: int = 0


class _Tail(Struct):
    """What a step has read, sorted by what it is about."""

    entries: int = 0
    ends: dict[str, tuple[Position, datetime]] = field(default_factory=dict)
    touched: dict[str, dict[str, Position]] = field(default_factory=dict)
    began: dict[str, datetime] = field(default_factory=dict)
    ties: list[tuple[str, str]] = field(default_factory=list)
    presence: list[tuple[Told, bytes]] = field(default_factory=list)
    words: list[Told] = field(default_factory=list)


@asynccontextmanager
async def alone(con: Connection) -> AsyncIterator[bool]:
    """Whether nobody else makes facts of this database; then nobody does until this ends."""
    got = bool(await con.fetchval("SELECT pg_try_advisory_lock($1)", LOCK))
    try:
        yield got
    finally:
        if got and not con.is_closed():
            await con.execute("SELECT pg_advisory_unlock($1)", LOCK)


class FactKeeper:
    """See the module's docstring. Raises what asyncpg does; then it is good for nothing more."""

    def __init__(self, con: Connection, sql: Queries, *, most: int = MOST) -> None:
        self._con = con
        self._sql = sql
        self._most = most
        self._cells = rows.Cells(con, sql)

    async def catch_up(self) -> AsyncIterator[Stepped]:
        """Step until nothing more is there; after each, what it did."""
        if (await self._head()).formula != FORMULA:
            await self.begin_again()
        while (step := await self.step()).entries or step.hours:
            yield step

    async def begin_again(self) -> None:
        """Forget what the journal still tells; what it does not any more stays as it is."""
        async with self._con.transaction():
            oldest = await self._con.fetchval(self._sql["facts_oldest"])
            await self._con.execute(self._sql["facts_begin_again"], oldest or _LONG_AGO)

    async def step(self) -> Stepped:
        """Count what comes next; when that is nothing, some of the hours that are marked."""
        self._cells.tidy()
        try:
            async with self._con.transaction(isolation="repeatable_read"):
                tail = await self._read()
                if not tail.ends:
                    return Stepped(hours=await self._shift())
                cases = await self._count(tail)
        except BaseException:
            self._cells.forget()
            raise
        return Stepped(entries=tail.entries, cases=cases)

    # -- reading ----------------------------------------------------------------------------

    async def _head(self) -> Head:
        row = await self._con.fetchrow(self._sql["facts_head"])
        return Head() if row is None else Head(row["horizon"], row["shifted"], row["formula"])

    async def _read(self) -> _Tail:
        tail = _Tail()
        for row in await self._con.fetch(self._sql["facts_tail"], _READ, self._most):
            tail.entries += 1
            node, position = row["node"], Position(row["epoch"], row["offset"])
            tail.ends[node] = max((position, row["at"]), tail.ends.get(node, (position, row["at"])))
            case, kind = row["case_id"], row["kind"]
            if case is not None and kind in _TOUCHING:
                tail.touched.setdefault(case, {})[node] = position
                tail.began[case] = min(row["at"], tail.began.get(case, row["at"]))
            told = _told(row) if row["payload"] is not None else None
            if told is None:
                continue
            if kind in _PRESENCE:
                tail.presence.append((told, row["payload"]))
            if kind in _WORDS:
                tail.words.append(told)
            if (ties := FOLLOWING.get(type(told.event))) is not None:
                tail.ties += ties(told.event)
        return tail

    # -- counting ---------------------------------------------------------------------------

    async def _count(self, tail: _Tail) -> int:
        head = await self._head()
        horizon = max(head.horizon, *(at for _, at in tail.ends.values()))
        marks = Marks(self._con, self._sql, horizon)
        await self._note_words(tail.words)
        await note_presence(self._con, self._sql, tail.presence, marks)
        families = await families_of(self._con, self._sql, tail.touched, tail.began, tail.ties)
        for start in range(0, len(families), _AT_ONCE):
            await self._write(families[start : start + _AT_ONCE], marks)
        await marks.save()
        ends = tail.ends
        await self._con.execute(
            self._sql["facts_progress"],
            list(ends),
            [position.epoch for position, _ in ends.values()],
            [position.offset for position, _ in ends.values()],
            [at for _, at in ends.values()],
        )
        await self._con.execute(self._sql["facts_head_set"], horizon, head.shifted, FORMULA)
        return len(families)

    async def _note_words(self, words: list[Told]) -> None:
        """How agents, queues and nodes are from then on."""
        noted = [(told, *_word(told.event)) for told in words]
        await self._con.execute(
            self._sql["facts_words_add"],
            [told.node for told, *_ in noted],
            [told.position.epoch for told, *_ in noted],
            [told.position.offset for told, *_ in noted],
            [told.at for told, *_ in noted],
            [kind for _, kind, _, _ in noted],
            [text(name) for _, _, name, _ in noted],
            [encode(doc) for _, _, _, doc in noted],
        )

    async def _write(self, families: list[Family], marks: Marks) -> None:
        """All facts of these anew, in place of those before."""
        entries = await self._entries(families)
        made = _made(families, entries)
        families = [one for one in families if one.root in made]
        whole = []
        for one in families:
            if not one.lost(entries[one.root]):
                whole += one.before
                continue
            case = made[one.root] = of_items(made[one.root])
            await self._forget(one.before, [fact.item for fact in case.items], marks)
        await self._forget(whole, None, marks)
        await self._put(made, marks)
        await self._con.execute(
            self._sql["facts_roots_set"],
            [one.root for one in families],
            [one.since(entries[one.root]) for one in families],
            [encode(_seen(entries[one.root])) for one in families],
            [case for one in families for case in one.cases],
            [one.root for one in families for _ in one.cases],
        )

    async def _entries(self, families: list[Family]) -> dict[str, list[Told]]:
        root_of = {case: one.root for one in families for case in one.cases}
        began = min((one.began for one in families), default=_LONG_AGO) - CLOCKS
        found: dict[str, list[Told]] = {one.root: [] for one in families}
        for row in await self._con.fetch(
            self._sql["facts_entries"], list(root_of), _COUNTED, began
        ):
            if (told := _told(row)) is not None:
                found[root_of[row["case_id"]]].append(told)
        return found

    async def _forget(self, roots: list[str], items: list[ItemId] | None, marks: Marks) -> None:
        for row in await self._con.fetch(self._sql["facts_in_hand"], roots, items):
            marks.had(row["agent"], row["cell"], row["what"], row["began"], row["ended"])
        await self._con.execute(self._sql["facts_forget"], roots, items)

    async def _put(self, made: dict[str, CaseFacts], marks: Marks) -> None:
        cells = self._cells
        facts, segments, items = [], [], []
        for root, case in made.items():
            facts += [rows.fact_record(root, one, cells) for one in counted(case.moments)]
            segments += [rows.segment_record(root, one, cells) for one in case.segments]
            items += [rows.item_record(root, one, cells) for one in case.items]
            for one in case.segments:
                if one.what in ("talk", "wrap"):
                    cell = cells.id_of(one.cell)
                    marks.has(one.cell.agent, cell, one.what, one.began, one.ended)
        await cells.save()
        await rows.copy(self._con, "fact", rows.FACT, facts)
        await rows.copy(self._con, "fact_segment", rows.SEGMENT, segments)
        await rows.copy(self._con, "fact_item", rows.ITEM, items)

    async def _shift(self) -> int:
        """Hours of agents that are marked; those of who is there are when time has gone by."""
        head = await self._head()
        if head.shifted < head.horizon:
            marks = Marks(self._con, self._sql, head.horizon)
            await marks.open(head.shifted)
            await marks.save()
            await self._con.execute(
                self._sql["facts_head_set"], head.horizon, head.horizon, FORMULA
            )
        return await shift_some(self._con, self._sql, self._cells, head.horizon)


def _made(families: list[Family], entries: dict[str, list[Told]]) -> dict[str, CaseFacts]:
    """By root. Of whom nothing can be made what there is stays, and all others are counted."""
    made: dict[str, CaseFacts] = {}
    for one in families:
        try:
            made[one.root] = facts_of(entries[one.root])
        except Exception:  # noqa: BLE001 - one case that nobody foresaw ends no report
            _log.exception("facts of a case cannot be made", cases=one.cases)
    return made


def _told(row: Any) -> Told | None:
    try:
        event = _events.decode(row["payload"])
    except msgspec.MsgspecError:
        # Of a node of the next version, say: what it means to us nobody knows.
        _log.warning("an entry cannot be counted", node=row["node"], epoch=row["epoch"])
        return None
    return Told(NodeName(row["node"]), Position(row["epoch"], row["offset"]), row["at"], event)


def _seen(entries: list[Told]) -> dict[str, Position]:
    seen: dict[str, Position] = {}
    for told in entries:
        seen[told.node] = max(told.position, seen.get(told.node, told.position))
    return seen


def _word(event: e.Event) -> tuple[str, str, dict[str, Any]]:
    """What it is about, its name, and what reports ask of it."""
    match event:
        case e.AgentDefined(profile=profile):
            return "agent", profile.name, {"site": profile.site, "groups": profile.groups}
        case e.QueueDefined(queue=queue):
            short = queue.abandoned.after
            return "queue", queue.name, {"target": queue.service_level_seconds, "short": short}
        case e.NodeStarted(node=node, region=region):
            return "node", node, {"region": region}
        case _:
            raise TypeError(event)
