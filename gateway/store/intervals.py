"""Facts added up: by steps of time and whatever a report is read by.

Reads committed facts alone, two reports at a time, so that however many are asked for, those who
serve customers find connections. Text is compared by its bytes, so pages are in the same order
everywhere.
"""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, TypeAlias

import asyncpg
from asyncpg.pool import PoolConnectionProxy
from msgspec import Struct, field

from gateway.core.errors import Refused
from gateway.core.facts.measures import Sums
from gateway.core.facts.values import COUNTS, SECONDS, SHIFT
from gateway.store.pool import Pool
from gateway.store.queries import Queries
from gateway.store.trouble import reading

# In quotes: generic to the type checker only.
Connection: TypeAlias = "PoolConnectionProxy[asyncpg.Record]"

AT_ONCE = 2
MOST_ROWS = 100_000
SECONDS_AT_MOST = 60
_LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)
_AGENT = "LEFT JOIN star_agent AS a ON a.agent = c.agent AND f.at >= a.since AND f.at < a.until"
_GROUP = "LEFT JOIN LATERAL unnest(a.groups) AS g (name) ON true"
_NODE = "LEFT JOIN star_node AS n ON n.node = c.node AND f.at >= n.since AND f.at < n.until"
DIMENSIONS: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "queue": ("c.queue", ()),
    "channel": ("c.channel", ()),
    "medium": ("c.medium", ()),
    "agent": ("c.agent", ()),
    "group": ("coalesce(g.name, '')", (_AGENT, _GROUP)),
    "site": ("coalesce(a.site, '')", (_AGENT,)),
    "region": ("coalesce(n.region, '')", (_NODE,)),
    "category": ("c.category", ()),
    "type": ("c.type", ()),
    "level": ("c.level::text", ()),
    "language": ("c.language", ()),
    "segment": ("c.segment", ()),
    "code": ("c.code", ()),
    "stage": ("c.stage", ()),
    "reason": ("c.reason", ()),
}
"""What reports can be read by, and what must be joined for it."""
_OF_GROUPS = "coalesce(nullif(a.groups, '{}'), ARRAY['']) && "
"""Where rows are not about groups, an agent who is in two of those asked for counts once."""
_AIMED = "q.aim IS NOT NULL"
_IN_TIME = "f.wait <= q.aim"
_COMPUTED = {
    "answered_wait": "sum(f.wait) FILTER (WHERE f.answered > 0)",
    "answered_within": f"sum(f.answered) FILTER (WHERE {_IN_TIME})",
    "abandoned_within": f"sum(f.abandoned) FILTER (WHERE {_IN_TIME})",
    "chosen_within": f"sum(f.callbacks_chosen) FILTER (WHERE {_IN_TIME})",
    "short_abandoned": "sum(f.abandoned) FILTER (WHERE f.wait < q.short)",
    "offered_aimed": f"sum(f.offered) FILTER (WHERE {_AIMED})",
    "answered_aimed": f"sum(f.answered) FILTER (WHERE {_AIMED})",
    "abandoned_aimed": f"sum(f.abandoned) FILTER (WHERE {_AIMED})",
    "short_aimed": f"sum(f.abandoned) FILTER (WHERE {_AIMED} AND f.wait < q.short)",
    "longest": "max(f.wait) FILTER (WHERE f.answered > 0)",
}
_COUNTED = ", ".join(
    [f"sum(f.{name}) AS {name}" for name in COUNTS]
    + [f"sum(f.{name}) AS {name}_sum" for name in SECONDS if name != "wait"]
    + [f"{how} AS {name}" for name, how in _COMPUTED.items()]
)
_AIM = """
LEFT JOIN (SELECT queue, since, until, short, coalesce($4::float8, target) AS aim FROM star_queue)
    AS q ON q.queue = c.queue AND f.at >= q.since AND f.at < q.until
"""
_LASTING = """
(SELECT s.what, s.cell, s.item, t.n, greatest(s.began, ($1::timestamptz[])[t.n]) AS at,
        extract(epoch FROM least(coalesce(s.ended, $4), ($1::timestamptz[])[t.n + 1])
                           - greatest(s.began, ($1::timestamptz[])[t.n])) AS seconds
 FROM fact_segment AS s CROSS JOIN LATERAL generate_series(
     greatest(width_bucket(s.began, $1::timestamptz[]), 1),
     least(width_bucket(coalesce(s.ended, $4), $1::timestamptz[]), cardinality($1) - 1)) AS t (n)
 WHERE s.what IN ('waiting', 'held', 'stage') AND coalesce(s.ended, 'infinity') > $2
   AND s.began < least($3, $4)) AS f
"""
_OF_LASTING = ", ".join(
    f"sum(f.seconds) FILTER (WHERE f.what = '{what}') AS {what}"
    for what in ("waiting", "held", "stage")
)
_SHIFTED = ", ".join(f"sum(f.{name}) AS {name}" for name in SHIFT)

_CELL = "JOIN fact_cell AS c ON c.id = f.cell"
_STEP = "width_bucket(f.at, $1::timestamptz[])"
_SPAN = "f.at >= $2 AND f.at < $3"


class _Source(Struct, frozen=True):
    """Where rows are added up from: in which step each is, what is summed, which count."""

    rows: str
    step: str
    sums: str
    span: str


_FACTS = _Source(f"fact AS f {_CELL} {_AIM}", _STEP, _COUNTED, _SPAN)
_SHIFTS = _Source(f"fact_shift AS f {_CELL}", _STEP, _SHIFTED, _SPAN)
_SEGMENTS = _Source(f"{_LASTING} {_CELL}", "f.n", _OF_LASTING, "f.seconds > 0")

Key = tuple[Any, ...]
"""The step's number from 1, then what the row is about."""


class Asked(Struct, frozen=True, kw_only=True):
    """What is to be added up. ``edges`` are where steps begin, and the end; ``only`` limits it.

    ``within``: the seconds that a wait may last, if not those of each queue. ``after``: rows after
    that one; ``most``: so many rows.
    """

    edges: list[datetime]
    by: tuple[str, ...] = ()
    only: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    within: float | None = None
    after: Key | None = None
    most: int = MOST_ROWS


class Behind(Struct, frozen=True, kw_only=True):
    """A work item behind a number."""

    item: str
    number: int
    created_at: datetime
    outcome: str
    queue: str
    agent: str


class PgIntervals:
    """See the module's docstring. Raises ``Unavailable`` while there is no database."""

    def __init__(self, pool: Pool, sql: Queries) -> None:
        self._pool = pool
        self._sql = sql
        self._gate = asyncio.Semaphore(AT_ONCE)

    async def known_until(self) -> datetime | None:
        """Until when everything is counted; ``None``: nothing was yet."""
        with reading():
            row = await self._pool.fetchrow(self._sql["facts_head"])
        return None if row is None else row["shifted"]

    async def summed(self, asked: Asked) -> list[tuple[Key, Sums]]:
        """The rows in order, up to one more than asked for. What has nothing in it is left out."""
        async with self._gate:
            with reading():
                async with (
                    self._pool.acquire() as con,
                    con.transaction(isolation="repeatable_read", readonly=True),
                ):
                    await con.execute(f"SET LOCAL statement_timeout = '{SECONDS_AT_MOST}s'")
                    return await _summed(con, asked, await self._horizon(con))

    async def behind(self, asked: Asked, measure: str, most: int) -> list[Behind]:
        """The items that were counted in the first step, the latest first."""
        if measure not in COUNTS:
            raise Refused("bad_field", "only what is counted has items behind it", "measure")
        where = [f"f.{measure} > 0", "f.item IS NOT NULL"]
        joins, more, values = _limits(asked, 4)
        sql = f"""
            SELECT i.item::text, i.number, i.created_at, i.outcome, k.queue, k.agent
            FROM (SELECT DISTINCT f.item FROM fact AS f JOIN fact_cell AS c ON c.id = f.cell
                  {joins} WHERE f.at >= $1 AND f.at < $2 AND {" AND ".join([*where, *more])}) AS d
            JOIN fact_item AS i USING (item) JOIN fact_cell AS k ON k.id = i.cell
            ORDER BY i.created_at DESC, i.item LIMIT $3
        """  # noqa: S608 - names are ours, values are parameters
        async with self._gate:
            with reading():
                rows = await self._pool.fetch(
                    sql, asked.edges[0], asked.edges[-1], most, *values, timeout=SECONDS_AT_MOST
                )
        return [Behind(**row) for row in rows]

    async def _horizon(self, con: Connection) -> datetime:
        row = await con.fetchrow(self._sql["facts_head"])
        return _LONG_AGO if row is None else row["horizon"]


async def _summed(con: Connection, asked: Asked, horizon: datetime) -> list[tuple[Key, Sums]]:
    base: Sequence[Any] = (asked.edges, asked.edges[0], asked.edges[-1])
    counted = await _grouped(con, asked, (*base, asked.within), _FACTS)
    shifted = await _grouped(con, asked, base, _SHIFTS)
    lasting = await _grouped(con, asked, (*base, horizon), _SEGMENTS)
    names: dict[Key, dict[str, float]] = {}
    for rows in (counted, shifted, lasting):
        for key, row in rows.items():
            names.setdefault(key, {}).update({k: v for k, v in row.items() if v is not None})
    shown = sorted(names)[: asked.most + 1]
    waits = await _waits(con, asked, shown)
    return [
        (
            key,
            Sums(
                {name: float(v) for name, v in names[key].items() if name != "longest"},
                tuple(waits.get(key, ())),
                names[key].get("longest"),
            ),
        )
        for key in shown
    ]


def _limits(asked: Asked, first: int) -> tuple[str, list[str], list[Any]]:
    """What must be joined, and what must hold, with its values from parameter ``first`` on."""
    joins = dict.fromkeys(join for name in asked.by for join in DIMENSIONS[name][1])
    where, values = [], []
    for number, (name, allowed) in enumerate(asked.only.items(), first):
        column, needs = DIMENSIONS[name]
        if name == "group" and name not in asked.by:
            joins[_AGENT] = None
            where.append(f"{_OF_GROUPS}${number}::text[]")
        else:
            joins |= dict.fromkeys(needs)
            where.append(f"{column} = ANY(${number}::text[])")
        values.append(list(allowed))
    return " ".join(joins), where, values


async def _grouped(
    con: Connection, asked: Asked, base: Sequence[Any], source: _Source
) -> dict[Key, dict[str, Any]]:
    joins, where, values = _limits(asked, len(base) + 1)
    dims = [f'{DIMENSIONS[name][0]} COLLATE "C" AS d{n}' for n, name in enumerate(asked.by)]
    keys = ["n", *(f"d{n}" for n in range(len(dims)))]
    after, parameters = "", [*base, *values]
    if asked.after is not None:
        marks = [f"${len(parameters) + 1 + n}" for n in range(len(keys))]
        after = f"WHERE ({', '.join(keys)}) > ({', '.join(marks)})"
        parameters += asked.after
    sql = f"""
        SELECT * FROM (
            SELECT {", ".join([f"{source.step} AS n", *dims])}, {source.sums}
            FROM {source.rows} {joins}
            WHERE {" AND ".join([source.span, *where])} GROUP BY {", ".join(keys)}
        ) AS summed {after} ORDER BY {", ".join(keys)} LIMIT {asked.most + 1:d}
    """  # noqa: S608 - names are ours, values are parameters
    found: dict[Key, dict[str, Any]] = {}
    for row in await con.fetch(sql, *parameters):
        values_of = dict(row)
        key = tuple(values_of.pop(name) for name in keys)
        if any(values_of.values()):
            found[key] = values_of
    return found


async def _waits(
    con: Connection, asked: Asked, shown: list[Key]
) -> dict[Key, list[tuple[int, int]]]:
    """How many of those answered in a row waited how long."""
    if not shown:
        return {}
    first, last = asked.edges[shown[0][0] - 1], asked.edges[shown[-1][0]]
    joins, where, values = _limits(asked, 4)
    dims = [f'{DIMENSIONS[name][0]} COLLATE "C" AS d{n}' for n, name in enumerate(asked.by)]
    keys = ["n", *(f"d{n}" for n in range(len(dims)))]
    marks = 4 + len(values)
    low = ", ".join(f"${marks + n}" for n in range(len(keys)))
    high = ", ".join(f"${marks + len(keys) + n}" for n in range(len(keys)))
    place = f"({', '.join(keys)})"
    sql = f"""
        SELECT * FROM (
            SELECT {", ".join([f"{_STEP} AS n", *dims])}, f.bucket, sum(f.answered)::int AS many
            FROM fact AS f {_CELL} {joins}
            WHERE {" AND ".join([_SPAN, "f.bucket IS NOT NULL", *where])}
            GROUP BY {", ".join([*keys, "f.bucket"])}
        ) AS waits WHERE {place} >= ({low}) AND {place} <= ({high}) ORDER BY bucket
    """  # noqa: S608 - names are ours, values are parameters
    found: dict[Key, list[tuple[int, int]]] = {}
    for row in await con.fetch(sql, asked.edges, first, last, *values, *shown[0], *shown[-1]):
        *key, number, many = row.values()
        found.setdefault(tuple(key), []).append((number, many))
    return found
