"""Facts in the database: in whatever parts the journals are read, they are the same."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from itertools import pairwise
from random import Random
from typing import Any

import asyncpg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.core import events as e
from gateway.core.facts.lives import facts_of
from gateway.core.facts.rows import counted
from gateway.core.facts.values import COUNTS, SHIFT, CaseFacts, Told, intervals
from gateway.core.ids import NodeName
from gateway.insight.catchup import SESSION
from gateway.insight.counting import Counting
from gateway.store.codec import encode
from gateway.store.embedded import EmbeddedServer
from gateway.store.facts import FactKeeper, alone
from gateway.store.opening import Store
from gateway.store.pool import Connection, connector, hosts_of
from gateway.store.queries import Queries
from gateway.store.tail import TAGS
from tests.support.database import EMPTY
from tests.support.factoracle import there
from tests.support.journals import AGENTS, NODES, journal

pytestmark = pytest.mark.integration
SQL = Queries.load()
TABLES = {
    "fact": ("root", "item", "at", "cell", "bucket", "wait", *COUNTS),
    "fact_segment": ("root", "item", "what", "agent", "cell", "began", "ended", "outcome"),
    "fact_item": ("item", "root", "case_id", "cell", "outcome", "talk", "wrap", "ended_at"),
    "fact_shift": ("agent", "at", "cell", *SHIFT),
    "fact_cell": ("id", "queue", "agent", "node", "code", "level", "stage", "reason"),
}


async def connected(dsn: str) -> Connection:
    con: Connection = await connector(lambda: dsn, hosts_of(dsn), dict(SESSION)).connect()
    return con


def records_of(told: list[Told]) -> list[tuple[Any, ...]]:
    """Rows as a node's commit writes them: the case of an item is that of its row then."""
    records = []
    cases: dict[str, str] = {}
    for one in told:
        event: Any = one.event
        item = getattr(event, "item", None)
        case = getattr(event, "case", None)
        if isinstance(event, e.ItemCreated | e.ItemAdopted):
            case, item = event.item.case, event.item.id
        elif isinstance(event, e.CaseOpened):
            case = event.case.id
        if item is not None and isinstance(case, str):
            cases[item] = case
        case = case or cases.get(item or "")
        kind = TAGS[type(event)]
        where = one.node, one.position.epoch, one.position.offset, one.at
        records.append((*where, kind, case, item, encode(event)))
    return records


async def write(con: Connection, records: list[tuple[Any, ...]]) -> None:
    columns = ["node", "epoch", "offset", "at", "kind", "case_id", "item_id", "payload"]
    await con.copy_records_to_table("journal", records=records, columns=columns)


async def dumped(con: Connection) -> dict[str, list[tuple[Any, ...]]]:
    found = {}
    for table, columns in TABLES.items():
        listed = ", ".join(f'"{column}"' for column in columns)
        rows = await con.fetch(f"SELECT {listed} FROM {table}")
        cleaned = (
            tuple(round(v, 3) if isinstance(v, float) else v for v in row.values()) for row in rows
        )
        found[table] = sorted(cleaned, key=repr)
    return found


async def caught_up(con: Connection, most: int) -> int:
    steps = 0
    async for _ in FactKeeper(con, SQL, most=most).catch_up():
        steps += 1
    return steps


async def empty(con: Connection) -> None:
    await con.execute(EMPTY)
    for node in NODES:
        await con.execute(
            "INSERT INTO node_fence (node, epoch, holder) VALUES ($1, 9, gen_random_uuid())", node
        )


async def written_in_parts(dsn: str, seed: int) -> None:
    """The nodes write in turns, each as fast as it may, and are read meanwhile."""
    con = await connected(dsn)
    dice = Random(seed)
    told = journal(seed, 80)
    try:
        await empty(con)
        records = records_of(told)
        left = {node: [one for one in records if one[0] == node] for node in NODES}
        while any(left.values()):
            node = dice.choice([node for node, rest in left.items() if rest])
            many = dice.randint(1, 30)
            await write(con, left[node][:many])
            left[node] = left[node][many:]
            if dice.random() < 0.5:
                keeper = FactKeeper(con, SQL, most=dice.randint(1, 40))
                for _ in range(dice.randint(1, 4)):
                    await keeper.step()
        await caught_up(con, 50)
        parts = await dumped(con)
        assert await caught_up(con, 50) == 0
        await FactKeeper(con, SQL).begin_again()
        await caught_up(con, 5_000)
        whole = await dumped(con)
        # Cells that nothing refers to any more may stay.
        cells = set(whole.pop("fact_cell"))
        assert cells <= set(parts.pop("fact_cell"))
        assert whole == parts
        await like_the_core(con, told)
        await like_the_oracle(con, told)
    finally:
        await con.close()


async def like_the_core(con: Connection, told: list[Told]) -> None:
    """Cases of which nothing was tied to another are as the pure function has them."""
    facts = facts_of(told)
    assert await con.fetchval("SELECT count(*) FROM fact_item") == len(facts.items)
    sums = await con.fetchrow(
        "SELECT sum(offered) AS offered, sum(answered) AS answered, sum(handled) AS handled,"
        " sum(first_replies) AS first_replies FROM fact"
    )
    assert sums is not None
    rows = counted(facts.moments)
    for name in ("offered", "answered", "handled", "first_replies"):
        assert (sums[name] or 0) == sum(row.sums.get(name, 0) for row in rows), name


async def like_the_oracle(con: Connection, told: list[Told]) -> None:
    """The time agents were ready, and the time items were in their hands, piece by piece."""
    horizon = told[-1].at
    talk = await con.fetchval("SELECT coalesce(sum(talk), 0) FROM fact_shift")
    known = facts_of(told).segments
    wanted = sum(
        (min(one.ended or horizon, horizon) - one.began).total_seconds()
        for one in known
        if one.what == "talk"
    )
    assert talk == pytest.approx(wanted)
    cuts = sorted({one.at for one in told})
    for agent in AGENTS:
        ready = 0.0
        for began, ended in pairwise(cuts):
            for _, since, until in intervals(began, ended):
                if there(told, agent, since):
                    limit = _heard(told, agent, since) + timedelta(hours=36)
                    ready += max(0.0, (min(until, limit) - since).total_seconds())
        found = await con.fetchval(
            "SELECT coalesce(sum(ready), 0) FROM fact_shift WHERE agent = $1", agent
        )
        assert found == pytest.approx(ready, abs=0.01), agent


def _heard(told: list[Told], agent: str, at: Any) -> Any:
    kinds = (e.AgentAttached, e.AgentDetached, e.AgentStateChanged)
    return max(
        one.at
        for one in told
        if isinstance(one.event, kinds) and one.event.agent == agent and one.at <= at
    )


@settings(
    max_examples=3, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(seed=st.integers(0, 1_000_000))
def test_parts_repeats_and_beginning_again_give_the_same_facts(
    postgres_server: EmbeddedServer, seed: int
) -> None:
    asyncio.run(written_in_parts(postgres_server.dsn, seed))


@pytest.fixture
async def con(database: str) -> AsyncIterator[Connection]:
    opened = await connected(database)
    await empty(opened)
    yield opened
    await opened.close()


async def test_a_case_that_cannot_be_counted_keeps_no_other_from_it(
    con: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = journal(11, 60)
    await write(con, records_of(known))
    tried = 0

    def stumble(entries: list[Told]) -> CaseFacts:
        nonlocal tried
        tried += 1
        if tried == 1:
            raise ArithmeticError("nobody foresaw this")
        return facts_of(entries)

    monkeypatch.setattr("gateway.store.facts.facts_of", stumble)
    await caught_up(con, 5_000)
    assert await con.fetchval("SELECT count(*) FROM fact_root") == tried - 1 > 0


async def test_only_one_makes_facts_at_a_time(con: Connection, database: str) -> None:
    other = await connected(database)
    async with alone(con) as first, alone(other) as second:
        assert (first, second) == (True, False)
    async with alone(other) as later:
        assert later
    await other.close()


async def test_what_the_journal_has_no_more_stays_counted(con: Connection) -> None:
    told = journal(7, 80)
    await write(con, records_of(told))
    await caught_up(con, 100)
    before = await dumped(con)
    dropped = told[len(told) // 2].at
    await con.execute("DELETE FROM journal WHERE at < $1", dropped)
    await FactKeeper(con, SQL).begin_again()
    await caught_up(con, 100)
    after = await dumped(con)
    # Cases that began before have lost nothing of what was counted until then.
    old = {row[0] for row in before["fact_item"]}
    assert old <= {row[0] for row in after["fact_item"]}
    counted_before = [row for row in before["fact"] if row[2] < dropped - timedelta(minutes=15)]
    assert counted_before
    ended = {row[0] for row in before["fact_item"] if row[7] is not None and row[7] < dropped}
    for row in counted_before:
        assert row in after["fact"] or row[1] not in ended


async def test_an_entry_of_a_later_version_is_passed_over(con: Connection) -> None:
    await write(con, records_of(journal(7, 80)))
    await con.execute(
        'INSERT INTO journal (node, epoch, "offset", at, kind, case_id, payload)'
        " SELECT $1, 8, 1, now(), 'item_created', gen_random_uuid(), '{\"kind\": \"later\"}'",
        NodeName("eu-1"),
    )
    await caught_up(con, 100)
    assert await con.fetchval("SELECT count(*) FROM fact_item") > 0


async def test_the_process_of_its_own_counts_what_is_behind(con: Connection, store: Store) -> None:
    await empty(con)
    await write(con, records_of(journal(7, 80)))
    counting = Counting(store.pool, store.sql, store.dsn)
    await counting.catch_up()
    assert (counting.passes, counting.failed) == (1, 0)
    assert await con.fetchval("SELECT count(*) FROM fact_item") > 0
    assert not await con.fetchval(SQL["facts_behind"])


async def test_a_machine_without_room_for_a_process_is_said_and_asked_again(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def no_room(*_: object, **__: object) -> None:
        raise OSError(12, "Cannot allocate memory")

    monkeypatch.setattr(asyncio, "create_subprocess_exec", no_room)
    counting = Counting(store.pool, store.sql, store.dsn)
    await counting.catch_up()
    assert (counting.passes, counting.failed) == (1, 1)


def test_a_connection_that_is_lost_is_said(postgres_server: EmbeddedServer) -> None:
    async def lost() -> None:
        con = await connected(postgres_server.dsn)
        con.terminate()
        with pytest.raises(asyncpg.InterfaceError):
            await FactKeeper(con, SQL).step()

    asyncio.run(lost())
