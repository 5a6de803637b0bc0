"""Reports of random journals: what is added up in the database is what happened."""

from collections import Counter
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest

from gateway.core.facts.lives import facts_of
from gateway.core.facts.measures import Sums
from gateway.core.facts.rows import counted
from gateway.core.facts.values import Told, interval_of, intervals
from gateway.store.intervals import DIMENSIONS, Asked, Key
from gateway.store.opening import Store
from gateway.store.pool import Connection
from tests.store.test_facts import caught_up, connected, empty, records_of, write
from tests.support.journals import journal

pytestmark = pytest.mark.integration


def span(told: list[Told]) -> tuple[datetime, datetime]:
    return interval_of(told[0].at), interval_of(told[-1].at) + timedelta(minutes=15)


@pytest.fixture
async def con(database: str) -> AsyncIterator[Connection]:
    opened = await connected(database)
    await empty(opened)
    yield opened
    await opened.close()


@pytest.fixture
async def told(con: Connection) -> list[Told]:
    known = journal(7, 120)
    await write(con, records_of(known))
    await caught_up(con, 5_000)
    return known


async def whole(store: Store, told: list[Told], **asked: object) -> list[tuple[Key, Sums]]:
    return await store.intervals.summed(Asked(edges=list(span(told)), **asked))  # type: ignore[arg-type]


async def test_sums_are_those_of_the_facts(store: Store, told: list[Told]) -> None:
    rows = counted(facts_of(told).moments)
    wanted: Counter[str] = Counter()
    for row in rows:
        for name, value in row.sums.items():
            wanted[name] += value  # type: ignore[assignment]
    ((_, found),) = await whole(store, told)
    for name in ("offered", "answered", "abandoned", "flowed_out", "handled", "missed"):
        assert found[name] == wanted[name], name
    waits = [row.sums["wait"] for row in rows if row.sums.get("answered")]
    assert found["answered_wait"] == pytest.approx(sum(waits))
    assert found.longest == (pytest.approx(max(waits)) if waits else None)
    assert sum(many for _, many in found.buckets) == len(waits)


async def test_waiting_is_split_at_the_edges_of_steps(store: Store, told: list[Told]) -> None:
    since, until = span(told)
    at = [since, since + timedelta(minutes=45), since + timedelta(hours=5), until]
    found = await store.intervals.summed(Asked(edges=at))
    wanted: Counter[int] = Counter()
    horizon = told[-1].at
    for one in facts_of(told).segments:
        if one.what != "waiting":
            continue
        for _, began, ended in intervals(one.began, min(one.ended or horizon, horizon)):
            step = sum(edge <= began for edge in at)
            wanted[step] += (ended - began).total_seconds()  # type: ignore[assignment]
    assert {key[0]: sums["waiting"] for key, sums in found if sums["waiting"]} == pytest.approx(
        {step: seconds for step, seconds in wanted.items() if seconds}
    )


async def test_whatever_it_is_read_by_nothing_is_lost(store: Store, told: list[Told]) -> None:
    ((_, total),) = await whole(store, told)
    for name in DIMENSIONS:
        parts = await whole(store, told, by=(name,))
        for counted_name in ("offered", "answered", "talk", "ready", "waiting"):
            together = sum(sums[counted_name] for _, sums in parts)
            assert together == pytest.approx(total[counted_name]), (name, counted_name)
        (_, value), sums = parts[-1]
        ((_, alone),) = await whole(store, told, only={name: (value,)})
        assert alone["offered"] == sums["offered"], name


async def test_pages_put_together_are_the_whole(store: Store, told: list[Told]) -> None:
    since, until = span(told)
    at = [since + timedelta(hours=n) for n in range(200) if since + timedelta(hours=n) < until]
    at.append(until)
    by = ("queue", "agent", "channel")
    everything = await store.intervals.summed(Asked(edges=at, by=by))
    found: list[tuple[Key, Sums]] = []
    after: Key | None = None
    while page := await store.intervals.summed(Asked(edges=at, by=by, after=after, most=7)):
        found += page[:7]
        after = page[:7][-1][0]
    assert found == everything


async def test_the_items_behind_a_number_are_as_many(store: Store, told: list[Told]) -> None:
    since, until = span(told)
    wanted = {row.item for row in counted(facts_of(told).moments) if row.sums.get("answered")}
    behind = await store.intervals.behind(Asked(edges=[since, until]), "answered", 200)
    assert {one.item for one in behind} == wanted


async def test_the_target_is_that_of_the_queue_at_the_time(store: Store, con: Connection) -> None:
    told = journal(7, 120)
    await write(con, records_of(told))
    await caught_up(con, 5_000)
    half = told[len(told) // 2].at
    for place, (at, target) in enumerate([(told[0].at, 0.0), (half, 1e9)]):
        await con.execute(
            "INSERT INTO fact_word VALUES ('eu-1', 99, $1, $2, 'queue', 'general', $3)",
            place,
            at,
            f'{{"target": {target}, "short": 5}}'.encode(),
        )
    early = Asked(edges=[interval_of(told[0].at), interval_of(half)], by=("queue",))
    late = Asked(edges=[interval_of(half) + timedelta(minutes=15), span(told)[1]], by=("queue",))
    for asked, share in ((early, 0), (late, 1)):
        for key, sums in await store.intervals.summed(asked):
            if key[1] == "general":
                zero = sum(many for number, many in sums.buckets if number == 0)
                answered = sums["answered_aimed"]
                assert sums["answered_within"] == (answered if share else min(zero, answered))
            else:
                assert sums["answered_aimed"] == 0


async def test_an_agent_of_two_groups_that_are_asked_for_counts_once(
    store: Store, con: Connection, told: list[Told]
) -> None:
    await con.execute(
        "INSERT INTO fact_word SELECT 'eu-1', 99, row_number() OVER (), $1, 'agent', agent, $2"
        " FROM (SELECT DISTINCT agent FROM fact_cell WHERE agent <> '') AS a",
        told[0].at,
        b'{"site": "", "groups": ["north", "mail"]}',
    )
    ((_, total),) = await whole(store, told)
    for groups in (("north", "mail", ""), ("mail", "")):
        ((_, found),) = await whole(store, told, only={"group": groups})
        for name in ("offered", "answered", "talk", "ready", "waiting"):
            assert found[name] == pytest.approx(total[name]), (groups, name)
    both = await whole(store, told, by=("group",), only={"group": ("north", "mail")})
    assert [key[1] for key, _ in both] == ["mail", "north"]


async def test_an_empty_house_has_an_empty_report(store: Store) -> None:
    now = datetime(2026, 11, 1, tzinfo=UTC)
    assert await store.intervals.known_until() is None
    assert await store.intervals.summed(Asked(edges=[now, now + timedelta(days=1)])) == []
