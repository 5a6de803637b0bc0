"""Erased is erased: also what was dropped from the quarantine, also after a restore."""

from pathlib import Path
from typing import Any

import msgspec
import pytest

from gateway.core import events as e
from gateway.core.inbound import File
from gateway.core.model import InboundDone
from gateway.store import backup as b
from gateway.store.erasing import Again, erase_again, erasures
from gateway.store.opening import Store, new_id, open_store
from gateway.store.pool import Connection
from tests.store.rows import NODE, Opened, Pen, a_case, an_inbound, an_item, from_ann
from tests.store.test_retention import SECRET, Sweeper, age_blobs, everything, tell
from tests.support.databases import Connects, Makes

pytestmark = pytest.mark.integration


@pytest.fixture
async def pen(store: Store) -> Pen:
    term = await store.journal.begin(NODE, "eu")
    return Pen(Opened(store.journal, store.lookup), term)


async def dropped(store: Store, pen: Pen) -> Any:
    """A mail that could not be understood, and that somebody dropped; who it is from."""
    odd = an_inbound(
        "odd",
        identity=from_ann(verified=True),
        problem="?",
        raw=SECRET,
        body=SECRET.decode(),
        files=(File(name="x", type="", data=SECRET * 3),),
    )
    (stored,) = await store.journal.receive(pen.term, [odd], [])
    await pen.rows(InboundDone(id=stored.id, status="quarantined"))
    assert await store.listing.drop(stored.id)
    assert stored.customer is not None
    return stored.customer.id


async def test_what_was_dropped_from_the_quarantine_is_erased_with_its_customer(
    store: Store, pen: Pen
) -> None:
    customer = await dropped(store, pen)
    assert SECRET in await everything(store)
    await store.retention.erase(customer)
    await age_blobs(store)
    await store.retention.forget_bytes()
    left = await everything(store)
    assert SECRET not in left
    assert b"ann@example.com" not in left


async def test_what_was_dropped_is_kept_as_long_as_what_became_no_case(
    store: Store, pen: Pen
) -> None:
    await dropped(store, pen)
    await age_blobs(store)
    await Sweeper(store, 30).retention.sweep()
    assert SECRET in await everything(store)
    await store.pool.execute("UPDATE inbox SET decided_at = now() - interval '31 days'")
    await Sweeper(store, 30).retention.sweep()
    assert SECRET not in await everything(store)


# -- after a restore --------------------------------------------------------------------------


async def erase(store: Store, pen: Pen, customer: Any) -> None:
    """As the API does: erased, and told."""
    gone = await store.retention.erase(customer)
    assert not gone.busy
    told = e.CustomerErased(customer=customer, by="admin", cases=1, messages=2, files=1)
    await pen.write(pen.entry(told))


async def backed_up(con: Connection, path: Path) -> b.Backup:
    with b.NewFile(path) as file:
        await b.write_backup(con, file)
    return b.read_backup(path)


async def test_a_backup_does_not_bring_back_who_was_erased_since(
    store: Store, pen: Pen, tmp_path: Path, connect: Connects, empty_database: Makes
) -> None:
    told = await tell(store, pen)
    con = await connect(store.dsn)
    backup = await backed_up(con, tmp_path / "before")
    await erase(store, pen, told.customer)
    (listed,) = await erasures(con)
    assert listed.customer == told.customer

    there = await empty_database()
    new = await connect(there)
    again = await b.restore(new, backup, erasures=[listed.customer, new_id()])  # type: ignore[list-item]
    assert (again.erased, again.busy) == (1, {})
    assert [one.customer for one in await erasures(new)] == [told.customer]
    async with open_store(dsn=there) as restored:
        assert await restored.people.of_identity("email", "ann@example.com") == []
        await age_blobs(restored)
        await restored.retention.forget_bytes()
        left = await everything(restored)
        assert SECRET not in left
        assert b"Ann" not in left
        event = await new.fetchval("SELECT payload FROM journal WHERE kind = 'customer_erased'")
        read = msgspec.json.decode(event, type=e.Event)
        assert isinstance(read, e.CustomerErased)
        assert (read.by, read.cases, read.messages) == ("command-line", 1, 2)


async def test_who_had_an_open_ticket_at_the_time_of_the_backup_is_named(
    store: Store, pen: Pen, tmp_path: Path, connect: Connects, empty_database: Makes
) -> None:
    told = await tell(store, pen)
    found = await store.people.customer(told.customer)
    assert found is not None
    brief = told.case.customer
    case = a_case(customer=brief)
    await pen.rows(case, an_item(case, customer=brief))
    backup = await backed_up(await connect(store.dsn), tmp_path / "before")
    new = await connect(await empty_database())
    again = await b.restore(new, backup, erasures=[told.customer])
    assert again == Again(erased=0, busy={told.customer: [case.number]})
    assert await erasures(new) == []
    await new.execute("UPDATE item SET ended_as = 'completed', state = 'completed'")
    assert await erase_again(new, [told.customer]) == Again(erased=1)


async def test_the_list_is_found_without_reading_the_journal(store: Store, pen: Pen) -> None:
    del pen
    async with store.pool.acquire() as con, con.transaction():
        await con.execute("SET LOCAL enable_seqscan = off")
        plan = await con.fetch(
            "EXPLAIN SELECT payload->>'customer' FROM journal"
            " WHERE kind = 'customer_erased' ORDER BY at"
        )
    assert not [line for (line,) in plan if "Seq Scan" in line]
