"""Historical figures by interval, and the work items behind one of them."""

import asyncio
import base64
import csv
import io
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Literal, Protocol

import msgspec
from msgspec import Meta, Struct, field

from gateway.api.base import Limit, Listed, asked
from gateway.api.parquet import parquet
from gateway.core.errors import Refused
from gateway.core.facts.measures import BY_NAME, MEASURES, Sums, measured
from gateway.core.facts.steps import Step, check_reach, check_span, edges, zone_of
from gateway.core.facts.values import QUARTER, interval_of
from gateway.ports import Clock, HttpAnswer, HttpRequest, HttpRoute
from gateway.store.intervals import DIMENSIONS, MOST_ROWS, Asked, Behind, Key

TAG = "reports"
USUAL = timedelta(days=7)
CHUNK = 200
"""So many rows are computed before others get their turn."""
_RISKY = ("=", "+", "-", "@", "\t", "\r")

Moment = Annotated[datetime, Meta(tz=True)]
Names = Annotated[str, Meta(max_length=2_000)]


class Intervals(Protocol):
    """Facts added up (``store.intervals`` fits)."""

    async def known_until(self) -> datetime | None: ...

    async def summed(self, asked: Asked) -> list[tuple[Key, Sums]]: ...

    async def behind(self, asked: Asked, measure: str, most: int) -> list[Behind]: ...


class Only(Struct, frozen=True, kw_only=True):
    """What is to be counted: names with commas, exactly as they are; all unless given."""

    queue: Names = ""
    channel: Names = ""
    medium: Names = ""
    agent: Names = ""
    group: Names = ""
    site: Names = ""
    region: Names = ""
    category: Names = ""
    type: Names = ""
    level: Names = ""
    language: Names = ""
    segment: Names = ""
    code: Names = ""
    stage: Names = ""
    reason: Names = ""

    def limits(self) -> dict[str, tuple[str, ...]]:
        said = {name: _words(getattr(self, name)) for name in DIMENSIONS}
        return {name: words for name, words in said.items() if words}


class IntervalsQuery(Only, frozen=True, kw_only=True):
    """``from`` on and before ``to``, in full quarters of an hour; the last seven days unless given.

    Steps of an hour and more begin by the clocks of ``zone``. ``by``: what rows are about, with
    commas. ``within``: the seconds of the service level, if not those of each queue. ``measures``:
    which; all unless given. CSV and Parquet have all rows at once.
    """

    since: Moment | None = field(default=None, name="from")
    until: Moment | None = field(default=None, name="to")
    step: Step = "15m"
    by: Annotated[str, Meta(max_length=200)] = ""
    format: Literal["json", "csv", "parquet"] = "json"
    zone: Annotated[str, Meta(max_length=60)] = "UTC"
    within: Annotated[float, Meta(ge=0, le=31_536_000)] | None = None
    measures: Names = ""
    cursor: Annotated[str, Meta(max_length=2_000)] = ""
    limit: Limit = 200


class BehindQuery(Only, frozen=True, kw_only=True):
    """The items of a period that a count is made of, the latest first."""

    since: Moment = field(name="from")
    until: Moment = field(name="to")
    measure: Annotated[str, Meta(max_length=50)]
    limit: Limit = 50


class IntervalsReport(Struct, frozen=True, kw_only=True):
    """Rows in order of time, then of what they are about; a row in which nothing is is left out.

    Each has ``from`` and ``to`` of its step, what it is about, and the measures. ``as_of``: what
    happened later is not counted yet.
    """

    since: datetime = field(name="from")
    until: datetime = field(name="to")
    step: str
    zone: str
    by: list[str]
    as_of: datetime | None
    items: list[dict[str, Any]]
    next: str | None = None


class IntervalReports:
    """See the module's docstring."""

    def __init__(self, intervals: Intervals, clock: Clock) -> None:
        self._intervals = intervals
        self._clock = clock

    def routes(self) -> list[HttpRoute]:
        return [
            HttpRoute(
                method="GET",
                path="/api/v1/reports/intervals",
                handle=self._report,
                summary="Historical figures by interval, as JSON, CSV or Parquet",
                access="supervisor",
                asks=IntervalsQuery,
                gives=IntervalsReport,
                tag=TAG,
            ),
            HttpRoute(
                method="GET",
                path="/api/v1/reports/items",
                handle=self._behind,
                summary="The work items that a count of a report is made of",
                access="supervisor",
                asks=BehindQuery,
                gives=Listed[Behind],
                tag=TAG,
            ),
        ]

    async def _report(self, request: HttpRequest) -> HttpAnswer:
        query = asked(request, IntervalsQuery)
        zone = zone_of(query.zone)
        since, until = self._span(query.since, query.until)
        by, names = _dimensions(query.by), _measures(query.measures)
        table = query.format != "json"
        wanted = Asked(
            edges=edges(since, until, query.step, zone),
            by=by,
            only=query.limits(),
            within=query.within,
            after=None if table else _position(query.cursor, len(by)),
            most=MOST_ROWS if table else query.limit,
        )
        as_of = await self._intervals.known_until()
        found = await self._intervals.summed(wanted)
        if table and len(found) > MOST_ROWS:
            raise Refused(
                "bad_field",
                f"that is more than {MOST_ROWS:,} rows: longer steps, or a shorter period",
                "step",
            )
        rows = [row async for row in _rows(wanted, found[: wanted.most], names)]
        if table:
            return await _file(query.format, [*_COLUMNS, *by, *names], rows)
        more = len(found) > query.limit
        report = IntervalsReport(
            since=since,
            until=until,
            step=query.step,
            zone=query.zone,
            by=list(by),
            as_of=as_of,
            items=rows,
            next=_cursor(found[query.limit - 1][0]) if more else None,
        )
        return HttpAnswer(body=report)

    async def _behind(self, request: HttpRequest) -> HttpAnswer:
        query = asked(request, BehindQuery)
        since, until = self._span(query.since, query.until)
        if query.measure not in BY_NAME:
            raise Refused("bad_field", f"there is no measure {query.measure!r}", "measure")
        wanted = Asked(edges=[since, until], only=query.limits())
        found = await self._intervals.behind(wanted, query.measure, query.limit)
        return HttpAnswer(body=Listed(items=found))

    def _span(self, since: datetime | None, until: datetime | None) -> tuple[datetime, datetime]:
        for name, at in (("from", since), ("to", until)):
            if at is not None:
                check_reach(name, at)
        end = (until or interval_of(self._clock.now()) + QUARTER).astimezone(UTC)
        start = (since or end - USUAL).astimezone(UTC)
        check_span(start, end)
        return start, end


_COLUMNS = ("from", "to")


async def _rows(
    wanted: Asked, found: Sequence[tuple[Key, Sums]], names: Sequence[str]
) -> AsyncIterator[dict[str, Any]]:
    for place, (key, sums) in enumerate(found):
        if place % CHUNK == CHUNK - 1:
            await asyncio.sleep(0)
        step, *about = key
        values = measured(sums)
        yield {
            "from": wanted.edges[step - 1],
            "to": wanted.edges[step],
            **dict(zip(wanted.by, about, strict=True)),
            **{name: values[name] for name in names},
        }


async def _file(form: str, columns: list[str], rows: list[dict[str, Any]]) -> HttpAnswer:
    # Both take long for many rows, and none of it is anything but arithmetic on values of ours.
    make, kind = (_csv, "text/csv; charset=utf-8") if form == "csv" else (parquet, PARQUET)
    body = await asyncio.to_thread(make, columns, rows)
    named = {"Content-Disposition": f'attachment; filename="switchroom-intervals.{form}"'}
    return HttpAnswer(body=body, type=kind, headers=named)


PARQUET = "application/vnd.apache.parquet"


def _csv(columns: list[str], rows: list[dict[str, Any]]) -> bytes:
    """A name that a spreadsheet would take for a formula is written behind an apostrophe."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(columns)
    for row in rows:
        writer.writerow([_cell(row[name]) for name in columns])
    return out.getvalue().encode()


def _cell(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.isoformat().replace("+00:00", "Z")
    if isinstance(value, str) and value.startswith(_RISKY):
        return f"'{value}"
    return "" if value is None else value


def _words(said: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(word for word in (one.strip() for one in said.split(",")) if word))


def _dimensions(said: str) -> tuple[str, ...]:
    words = _words(said)
    for word in words:
        if word not in DIMENSIONS:
            raise Refused("bad_field", f"{word!r} is none of {', '.join(DIMENSIONS)}", "by")
    return words


def _measures(said: str) -> tuple[str, ...]:
    words = _words(said) or tuple(measure.name for measure in MEASURES)
    for word in words:
        if word not in BY_NAME:
            raise Refused("bad_field", f"there is no measure {word!r}", "measures")
    return words


def _cursor(key: Key) -> str:
    return base64.urlsafe_b64encode(msgspec.json.encode(key)).decode().rstrip("=")


def _position(cursor: str, dimensions: int) -> Key | None:
    """Raises ``Refused`` for what is no cursor of such a report."""
    if not cursor:
        return None
    try:
        raw = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
        step, *about = msgspec.json.decode(raw, type=list[int | str])
    except (ValueError, msgspec.MsgspecError) as error:
        raise Refused("bad_field", "take the `next` of the page before", "cursor") from error
    if not isinstance(step, int) or not all(isinstance(one, str) for one in about):
        raise Refused("bad_field", "take the `next` of the page before", "cursor")
    if len(about) != dimensions or not 0 < step < 2**31:
        raise Refused("bad_field", "it is of another report: leave it out", "cursor")
    return step, *about
