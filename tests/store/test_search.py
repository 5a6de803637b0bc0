"""Finding what was said and who said it, and not finding it any more."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from gateway.cluster.indexing import Indexing
from gateway.core import events as e
from gateway.core import searching
from gateway.core.inbound import Claim
from gateway.core.model import Amended, Case, CaseStatus, CustomerBrief, Message
from gateway.store.opening import Store
from gateway.store.search import FORGETTING
from gateway.store.tail import PgTail
from tests.store.rows import NODE, NOW, Opened, Pen, a_case, a_message, an_inbound

pytestmark = pytest.mark.integration


@pytest.fixture
async def pen(store: Store) -> Pen:
    term = await store.journal.begin(NODE, "eu")
    return Pen(Opened(store.journal, store.lookup), term)


async def say(pen: Pen, case: Case, *said: str, new: bool = True, **more: Any) -> list[Message]:
    """Messages of a case, told in the journal."""
    messages = [a_message(case, n, body=body, **more) for n, body in enumerate(said, 1)]
    entries = [pen.entry(e.CaseOpened(case=case), case)] if new else []
    for message in messages:
        added = e.MessageAdded(message=message.id, case=case.id, seq=message.seq, direction="in")
        entries.append(pen.entry(added, message))
    await pen.write(*entries)
    return messages


async def index(store: Store) -> Indexing:
    indexing = Indexing(PgTail(store.pool, store.sql, most=7), store.search, pause=0)
    while await indexing.follow():
        pass
    while await indexing.read_past():
        pass
    return indexing


async def cases(store: Store, typed: str) -> list[str]:
    question = await store.search.question(searching.asked(typed).words)
    return [found.message.body for found in await store.search.said(question, 10)]


async def customers(store: Store, typed: str) -> list[str]:
    question = await store.search.question(searching.asked(typed).words)
    return [found.name for found in await store.search.who(question, 10)]


async def test_what_was_said_is_found_by_words_beginnings_and_other_forms(
    store: Store, pen: Pen
) -> None:
    ann = CustomerBrief(id=a_case().id, name="Ann Müller", language="en")  # type: ignore[arg-type]
    lamps = a_case(customer=ann, subject="Two torn shades")
    await say(pen, lamps, "Both lamps arrived broken", "I was charged twice")
    german = a_case(customer=replace(ann, name="Jörg", language="de"))
    await say(pen, german, "Ich möchte die Bestellungen stornieren")
    chinese = a_case(customer=replace(ann, name="王芳", language="zh"))
    await say(pen, chinese, "我想要退货")
    await index(store)

    assert await cases(store, "lamp") == ["Both lamps arrived broken"]
    assert await cases(store, "breaking arrives") == []
    assert await cases(store, "arriving lamps") == ["Both lamps arrived broken"]
    assert await cases(store, "charges") == ["I was charged twice"]
    assert await cases(store, "bestellung") == ["Ich möchte die Bestellungen stornieren"]
    assert await cases(store, "退货") == ["我想要退货"]
    assert await cases(store, "muller torn") == ["Both lamps arrived broken"]
    assert await cases(store, "muller nothing") == []
    assert await cases(store, "o'clock \\ ' & | ! <-> :* (") == []


async def test_each_case_is_shown_once_the_one_spoken_in_last_first(store: Store, pen: Pen) -> None:
    first, second = a_case(), a_case()
    await say(pen, first, "the parcel", "the same parcel")
    await say(pen, second, "another parcel")
    await index(store)
    assert await cases(store, "parcel") == ["another parcel", "the same parcel"]


async def test_who_writes_is_found_by_name_and_address_and_under_the_new_name(
    store: Store, pen: Pen
) -> None:
    claim = Claim(kind="email", value="rosa@customer.example", name="Rosa Vidal", verified=True)
    await store.journal.receive(pen.term, [an_inbound("1", identity=claim)], [])
    await index(store)
    assert await customers(store, "rosa@cust") == ["Rosa Vidal"]
    assert await customers(store, "VIDÁL") == ["Rosa Vidal"]
    await store.pool.execute("UPDATE customer SET name = 'Rosa Sol'")
    await index(store)
    assert await customers(store, "vidal") == []
    assert await customers(store, "sol") == ["Rosa Sol"]


async def test_what_is_emptied_or_erased_is_not_found_any_more(store: Store, pen: Pen) -> None:
    long_ago = NOW - timedelta(days=100)
    old = a_case(status=CaseStatus.SOLVED, changed_at=long_ago)
    await say(pen, old, "my medicine")
    await index(store)
    assert await cases(store, "medicine") == ["my medicine"]
    assert (await store.retention.empty([old.id])).messages == 1
    assert await store.pool.fetchval("SELECT count(*) FROM search_message") == 0

    claim = Claim(kind="email", value="rosa@customer.example", name="Rosa", verified=True)
    (stored,) = await store.journal.receive(pen.term, [an_inbound("1", identity=claim)], [])
    assert stored.customer is not None
    await store.pool.execute("UPDATE inbox SET status = 'ignored'")
    theirs = a_case(customer=stored.customer, status=CaseStatus.CLOSED)
    await say(pen, theirs, "forget me")
    await index(store)
    assert await customers(store, "rosa") == ["Rosa"]
    await store.retention.erase(stored.customer.id)
    assert await customers(store, "rosa") == []
    assert await cases(store, "forget") == []
    await index(store)  # what was due of somebody who is gone makes no page
    assert await store.pool.fetchval("SELECT count(*) FROM search_customer") == 0


async def test_while_pages_are_written_commits_go_on_and_what_is_emptied_waits(
    store: Store, pen: Pen
) -> None:
    case = a_case(status=CaseStatus.SOLVED, changed_at=NOW - timedelta(days=100))
    (message,) = await say(pen, case, "my medicine")
    waits = "SELECT EXISTS (SELECT FROM pg_locks WHERE locktype = 'advisory' AND NOT granted)"
    async with asyncio.TaskGroup() as group, store.pool.acquire() as con, con.transaction():
        await con.execute(store.sql["search_writing"], FORGETTING)
        await con.execute(store.sql["search_keep_messages"], [message.id], ["simple"], ["medicine"])
        await store.pool.execute(
            "UPDATE ticket_case SET version = version WHERE id = $1", case.id, timeout=2
        )
        emptying = group.create_task(store.retention.empty([case.id]))
        async with asyncio.timeout(5):
            while not await con.fetchval(waits):
                pass
    assert emptying.result().messages == 1
    assert await store.pool.fetchval("SELECT count(*) FROM search_message") == 0
    await store.search.keep_messages([message.id])
    assert await store.pool.fetchval("SELECT count(*) FROM search_message") == 0


async def test_whoever_goes_on_reads_from_where_the_last_one_stood(store: Store, pen: Pen) -> None:
    case = a_case()
    await say(pen, case, *(f"word{n}" for n in range(20)))
    assert (await index(store)).written == 20
    await pen.write(
        pen.entry(
            e.MessageAdded(message=case.id, case=case.id, seq=21, direction="in")  # type: ignore[arg-type]
        )
    )
    assert (await index(store)).written == 1  # looked at, and not there
    assert await store.pool.fetchval("SELECT count(*) FROM search_message") == 20


async def test_what_is_said_otherwise_or_taken_back_is_found_as_it_is_now(
    store: Store, pen: Pen
) -> None:
    case = a_case()
    said, secret = await say(pen, case, "the green lamp", "my password")
    await index(store)
    blue, gone = replace(said, body="the blue lamp"), replace(secret, body="")
    of: dict[str, Any] = {"case": case.id, "by": "customer"}
    await pen.write(
        pen.entry(
            e.MessageEdited(message=said.id, seq=1, was="the green lamp", **of),
            Amended(message=blue),
        ),
        pen.entry(
            e.MessageDeleted(message=secret.id, seq=2, was="my password", **of),
            Amended(message=gone),
        ),
    )
    await index(store)
    assert await cases(store, "lamp") == ["the blue lamp"]
    assert await cases(store, "green") == await cases(store, "password") == []


async def test_what_was_said_before_there_was_a_search_is_read_too(store: Store, pen: Pen) -> None:
    case = a_case()
    await pen.rows(case, *(a_message(case, n, body=f"old words {n}") for n in range(1, 250)))
    await store.pool.execute(
        "INSERT INTO search_past VALUES ('00000000-0000-0000-0000-000000000000')"
    )
    assert (await index(store)).written == 249
    assert await cases(store, "words 249") == ["old words 249"]
    assert await store.pool.fetchval("SELECT count(*) FROM search_past") == 0
