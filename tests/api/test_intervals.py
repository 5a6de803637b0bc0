"""``GET /api/v1/reports/intervals``: forms, pages, and what is refused."""

import csv
import io
from datetime import UTC, datetime, timedelta

import pytest
from pyarrow.parquet import read_table

from gateway.core.facts.measures import MEASURES, Sums
from gateway.store.intervals import Behind
from tests.support.apiworld import api_world

PATH = "/api/v1/reports/intervals"
DAY = "from=2026-03-02T00:00:00Z&to=2026-03-03T00:00:00Z"


async def test_a_report_has_rows_with_their_times_and_measures() -> None:
    async with api_world() as world:
        world.intervals.rows = [((5, "general"), Sums({"offered": 3.0, "answered": 2.0}))]
        status, report = await world.call("GET", f"{PATH}?{DAY}&by=queue")
        assert status == 200
        assert (report["step"], report["zone"], report["by"]) == ("15m", "UTC", ["queue"])
        (row,) = report["items"]
        assert (row["from"], row["to"]) == ("2026-03-02T01:00:00Z", "2026-03-02T01:15:00Z")
        assert (row["queue"], row["offered"], row["asa"]) == ("general", 3, 0.0)
        assert set(row) == {"from", "to", "queue", *(measure.name for measure in MEASURES)}


async def test_pages_follow_one_another() -> None:
    async with api_world() as world:
        world.intervals.rows = [((n, "q"), Sums({"offered": float(n)})) for n in range(1, 12)]
        seen: list[int] = []
        cursor = ""
        while cursor is not None:
            path = f"{PATH}?{DAY}&by=queue&limit=4&measures=offered&cursor={cursor}"
            _, page = await world.call("GET", path)
            seen += [row["offered"] for row in page["items"]]
            cursor = page["next"]
        assert seen == list(range(1, 12))


async def test_csv_has_all_rows_and_no_formulas() -> None:
    async with api_world() as world:
        world.intervals.rows = [((n, "=1+1"), Sums({"offered": 1.0})) for n in range(1, 97)] * 3
        response = await world.raw("GET", f"{PATH}?{DAY}&by=queue&format=csv&measures=offered,asa")
        assert response.headers["Content-Type"].startswith("text/csv")
        rows = list(csv.reader(io.StringIO(await response.text())))
        assert rows[0] == ["from", "to", "queue", "offered", "asa"]
        assert rows[1] == ["2026-03-02T00:00:00Z", "2026-03-02T00:15:00Z", "'=1+1", "1", ""]
        assert len(rows) == 96 * 3 + 1


async def test_parquet_has_the_same_rows_with_their_types() -> None:
    async with api_world() as world:
        world.intervals.rows = [((n, "care"), Sums({"offered": float(n)})) for n in range(1, 12)]
        asked = f"{PATH}?{DAY}&by=queue&format=parquet&measures=offered,asa"
        table = read_table(io.BytesIO(await (await world.raw("GET", asked)).read()))
        assert table.column_names == ["from", "to", "queue", "offered", "asa"]
        assert table["offered"].to_pylist() == list(range(1, 12))
        assert set(table["queue"].to_pylist()) == {"care"}
        assert table["from"].to_pylist()[0] == datetime(2026, 3, 2, 0, 0, tzinfo=UTC)


async def test_without_pyarrow_parquet_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> None:
        raise ImportError(name)

    monkeypatch.setattr("gateway.api.parquet.import_module", missing)
    async with api_world() as world:
        status, problem = await world.call("GET", f"{PATH}?{DAY}&format=parquet")
        assert (status, problem["errors"][0]["field"]) == (400, "format")
        assert "switchroom[parquet]" in problem["errors"][0]["message"]


async def test_names_and_seconds_are_handed_on() -> None:
    async with api_world() as world:
        path = f"{PATH}?{DAY}&queue=general,%20sales&agent=ana&within=20&step=1d&zone=Europe/Berlin"
        status, _ = await world.call("GET", path)
        assert status == 200
        asked = world.intervals.asked
        assert asked is not None
        assert asked.only == {"queue": ("general", "sales"), "agent": ("ana",)}
        assert asked.within == 20
        assert asked.edges[1] == datetime(2026, 3, 2, 23, tzinfo=UTC)


async def test_the_last_seven_days_unless_said_otherwise() -> None:
    async with api_world() as world:
        await world.call("GET", PATH)
        asked = world.intervals.asked
        assert asked is not None
        assert asked.edges[-1] - asked.edges[0] == timedelta(days=7)


REFUSED = [
    ("from=2026-03-03T00:00:00Z&to=2026-03-02T00:00:00Z", "from"),
    ("from=2016-03-03T00:00:00Z&to=2026-03-02T00:00:00Z", "from"),
    ("from=2026-03-01T00:07:00Z&to=2026-03-02T00:00:00Z", "from"),
    ("from=2026-03-01T00:00:00&to=2026-03-02T00:00:00Z", "from"),
    ("from=yesterday", "from"),
    ("from=0001-01-01T00:00:00%2B05:00&to=0001-01-02T00:00:00Z&zone=Africa/Monrovia", "from"),
    ("to=0001-01-02T00:00:00Z", "to"),
    ("from=9999-12-31T00:00:00Z&to=9999-12-31T23:45:00Z&step=1mo", "from"),
    (f"{DAY}&queue=a%00b", "queue"),
    (f"{DAY}&by=mood", "by"),
    (f"{DAY}&step=7m", "step"),
    ("from=2025-03-02T00:00:00Z&to=2026-03-02T00:00:00Z&step=15m", "step"),
    (f"{DAY}&zone=Europe/Atlantis", "zone"),
    (f"{DAY}&zone=../etc/passwd", "zone"),
    (f"{DAY}&format=xml", "format"),
    (f"{DAY}&within=-1", "within"),
    (f"{DAY}&measures=joy", "measures"),
    (f"{DAY}&cursor=!!", "cursor"),
    (f"{DAY}&by=queue&cursor=WzFd", "cursor"),
    (f"{DAY}&limit=201", "limit"),
    (f"{DAY}&mood=good", "mood"),
]


async def test_what_cannot_be_meant_names_the_field() -> None:
    async with api_world() as world:
        for query, field in REFUSED:
            status, problem = await world.call("GET", f"{PATH}?{query}")
            assert (status, problem["errors"][0]["field"]) == (400, field), query


async def test_agents_do_not_read_them() -> None:
    async with api_world() as world:
        ana = await world.token_for("ana")
        assert (await world.call("GET", PATH, token=ana))[0] == 403


async def test_the_items_behind_a_number_are_listed() -> None:
    async with api_world() as world:
        item = "0190a000-0000-7000-8000-000000000001"
        at = datetime(2026, 3, 2, tzinfo=UTC)
        world.intervals.items = [
            Behind(item=item, number=7, created_at=at, outcome="", queue="general", agent="")
        ]
        status, found = await world.call(
            "GET", f"/api/v1/reports/items?{DAY}&measure=offered&queue=general"
        )
        assert (status, found["items"][0]["item"]) == (200, item)
        status, problem = await world.call("GET", f"/api/v1/reports/items?{DAY}&measure=joy")
        assert (status, problem["errors"][0]["field"]) == (400, "measure")
