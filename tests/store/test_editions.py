"""Nodes of two adjacent editions on one PostgreSQL: who may begin, and what may be written."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any, get_args

import asyncpg
import pytest

from gateway.core import events as e
from gateway.core.edition import EDITION, FIRST, TooOld
from gateway.core.ids import NodeName, Position, QueueName
from gateway.store import migrate as migrating
from gateway.store.cluster import PgCluster
from gateway.store.codec import encode
from gateway.store.contract import Card, Fenced, Term
from gateway.store.embedded import EmbeddedServer
from gateway.store.migrate import migrate
from gateway.store.opening import Store, open_store
from tests.store.rows import NODE, Opened, Pen, a_case, an_item
from tests.support.databases import Makes
from tests.support.editions import composites, recorded

pytestmark = pytest.mark.integration
EU, US = NodeName("eu-1"), NodeName("us-1")
STATE = {"kind": "agent_state_changed", "agent": "ana", "by": "ana"}


@pytest.fixture
async def con(store: Store) -> AsyncIterator[Any]:
    async with store.pool.acquire() as con:
        yield con


@pytest.fixture
async def former(store: Store, con: Any) -> Store:
    """Written by the version before so far."""
    await con.execute("UPDATE edition SET written = $1", EDITION - 1)
    return store


async def begun(store: Store, node: NodeName, **card: Any) -> Term:
    term = await store.journal.begin(node, "")
    await store.journal.renew(term, Card(**card))
    return term


# -- what may be written ------------------------------------------------------------------------


async def test_a_database_that_is_new_is_written_in_the_newest_edition(
    empty_database: Makes,
) -> None:
    async with open_store(dsn=await empty_database()) as fresh:
        assert await fresh.cluster.require_known() == EDITION


async def test_one_that_was_there_before_is_written_as_before_until_all_have_said_so(
    former: Store,
) -> None:
    assert await former.cluster.require_known() == EDITION - 1
    eu = await begun(former, EU)
    old = await begun(former, US, edition=EDITION - 1)
    assert await former.cluster.raise_edition(eu, EDITION) == EDITION - 1
    seen = await former.journal.renew(eu, Card())
    assert {peer.node: peer.edition for peer in seen.peers} == {EU: EDITION, US: EDITION - 1}
    assert seen.written == EDITION - 1
    await former.cluster.leave(old)
    assert await former.cluster.raise_edition(eu, EDITION) == EDITION
    assert (await former.journal.renew(eu, Card())).written == EDITION


async def test_a_node_that_has_only_begun_is_waited_for(former: Store) -> None:
    eu = await begun(former, EU)
    us = await former.journal.begin(US, "")
    assert await former.cluster.raise_edition(eu, EDITION) == EDITION - 1
    await former.journal.renew(us, Card())
    assert await former.cluster.raise_edition(eu, EDITION) == EDITION


async def test_a_node_that_was_taken_over_is_not_waited_for(former: Store) -> None:
    eu = await begun(former, EU)
    await begun(former, US, edition=EDITION - 1)
    seen = await former.journal.renew(eu, Card())
    (dead,) = (peer for peer in seen.peers if peer.node == US)
    assert await former.cluster.fence(eu, dead)
    assert await former.cluster.raise_edition(eu, EDITION) == EDITION


async def test_a_node_of_the_first_edition_under_a_name_that_a_newer_one_had_is_known_for_old(
    former: Store, con: Any
) -> None:
    eu = await begun(former, EU)
    await begun(former, US)
    us = await former.journal.begin(US, "")
    await con.execute(recorded(FIRST, "statements")["lease_renew"], *old_card(us))
    seen = await former.journal.renew(eu, Card())
    assert {peer.node: peer.edition for peer in seen.peers} == {EU: EDITION, US: FIRST}


async def test_a_fenced_node_raises_nothing(former: Store) -> None:
    eu = await begun(former, EU)
    await former.journal.begin(EU, "")
    with pytest.raises(Fenced):
        await former.cluster.raise_edition(eu, EDITION)


async def test_who_begins_while_the_edition_is_raised_waits_and_learns_of_it(
    former: Store, con: Any
) -> None:
    async def wait_for_the_lock() -> None:
        waiting = "SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted)"
        while not await former.pool.fetchval(waiting):  # noqa: ASYNC110 - no event tells of it
            await asyncio.sleep(0.01)

    await former.journal.begin(US, "")
    async with asyncio.timeout(20), asyncio.TaskGroup() as group, con.transaction():
        await con.execute("UPDATE edition SET written = $1", EDITION + 1)
        known = group.create_task(refused(former.cluster))
        await wait_for_the_lock()
        assert not known.done()
    assert "start the version that the other nodes run" in known.result()


# -- who may begin ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("newest", "written"), [(EDITION + 1, EDITION + 1), (EDITION + 2, EDITION)]
)
async def test_a_database_beyond_the_next_edition_is_not_touched(
    store: Store, con: Any, newest: int, written: int
) -> None:
    await con.execute("UPDATE edition SET newest = $1, written = $2", newest, written)
    with pytest.raises(TooOld):
        async with open_store(dsn=store.dsn):
            pass


async def test_a_database_of_the_next_edition_is_worked_with(store: Store, con: Any) -> None:
    await con.execute("UPDATE edition SET newest = $1", EDITION + 1)
    async with open_store(dsn=store.dsn) as opened:
        assert await opened.cluster.require_known() == EDITION
    assert await con.fetchval("SELECT newest FROM edition") == EDITION + 1


async def test_a_living_node_two_editions_behind_keeps_the_schema_as_it_is(
    store: Store, con: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(migrating, "EDITION", EDITION + 2)
    monkeypatch.setattr(migrating, "WATCH_SECONDS", 0.5)
    old = await begun(store, US)
    stopping = asyncio.Event()

    async def live() -> None:
        while not stopping.is_set():
            await store.journal.renew(old, Card())
            await asyncio.sleep(0.05)

    async with asyncio.TaskGroup() as group:
        group.create_task(live())
        with pytest.raises(TooOld, match="us-1 still runs a version that is more than one"):
            await migrate(con)
        stopping.set()
    await migrate(con)  # its row looks alive, but nobody counts on
    assert await con.fetchval("SELECT newest FROM edition") == EDITION + 2


# -- what a later edition has written -----------------------------------------------------------


async def test_entries_of_a_later_edition_are_passed_over_and_what_follows_is_told(
    store: Store, con: Any
) -> None:
    term = await begun(store, US)
    written = [
        ("moon_rose", {"kind": "moon_rose", "over": "the harbour"}),
        ("queue_removed", {"kind": "queue_removed", "queue": "old", "by": "ana", "moon": "full"}),
        ("agent_state_changed", STATE | {"presence": "on_the_moon"}),
        ("agent_state_changed", STATE | {"presence": "ready"}),
    ]
    for offset, (kind, payload) in enumerate(written, 1):
        await con.execute(
            'INSERT INTO journal (node, epoch, "offset", at, kind, payload)'
            " VALUES ($1, $2, $3, now(), $4, $5)",
            US, term.epoch, offset, kind, encode(payload),
        )  # fmt: skip
    found = await store.tail.read({US: Position(0, 0)}, get_args(e.Event))
    told = [entry.event for entry in found[US].entries]
    assert [type(event) for event in told] == [e.QueueRemoved, e.AgentStateChanged]
    assert told[0] == e.QueueRemoved(queue=QueueName("old"), by="ana")
    assert found[US].end == Position(term.epoch, len(written))


async def test_a_row_with_a_field_of_a_later_edition_is_loaded_without_it(
    store: Store, con: Any
) -> None:
    term = await begun(store, NODE)
    case = a_case()
    item = an_item(case)
    await Pen(Opened(store.journal, store.lookup), term).rows(case, item)
    await con.execute("""UPDATE item SET doc = (doc::jsonb || '{"moon": "full"}')::json""")
    assert (await store.journal.load(term)).items == (item,)


# -- the schema, as the first edition uses it ---------------------------------------------------


def test_its_statements_mean_something_to_the_schema_of_today(
    postgres_server: EmbeddedServer,
) -> None:
    async def prepare_all() -> dict[str, str]:
        wrong = {}
        con = await asyncpg.connect(postgres_server.dsn)
        try:
            for name, sql in recorded(FIRST, "statements").items():
                try:
                    await con.prepare(sql)
                except asyncpg.PostgresError as error:
                    wrong[name] = str(error)
        finally:
            await con.close()
        return wrong

    assert asyncio.run(prepare_all()) == {}


async def test_the_arrays_that_it_sends_fit_the_types_of_today(con: Any) -> None:
    now = await composites(con)
    assert {name: now.get(name) for name in recorded(FIRST, "composites")} == recorded(
        FIRST, "composites"
    )


def old_card(term: Term) -> tuple[Any, ...]:
    return (term.node, term.epoch, "serving", "", b"{}", "0.1.0", "")


async def refused(cluster: PgCluster) -> str:
    with pytest.raises(TooOld) as refusal:
        await cluster.require_known()
    return str(refusal.value)
