"""What was said goes when its time is over; what was counted stays."""

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from itertools import pairwise
from typing import Any

import msgspec
import pytest
from msgspec import Struct
from msgspec.structs import replace

from gateway.clock import SystemClock
from gateway.cluster.retention import Retention
from gateway.core import events as e
from gateway.core.ids import CustomerId, NodeName, Position, QueueName
from gateway.core.inbound import File, Inbound
from gateway.core.model import (
    Amended,
    Author,
    Case,
    CaseStatus,
    InboundDone,
    Item,
    ItemState,
    Queue,
)
from gateway.core.signs import Signs
from gateway.core.state import NodeState
from gateway.core.ties import CasePlace
from gateway.flow.ledger import Ledger
from gateway.store.opening import Store, new_id
from tests.store.rows import (
    NODE,
    NOW,
    Opened,
    Pen,
    a_case,
    a_message,
    an_inbound,
    an_item,
    an_outgoing,
    from_ann,
)
from tests.support.databases import Connects

pytestmark = pytest.mark.integration

SECRET = b"the parcel with my medicine"
LONG_AGO = NOW - timedelta(days=100)
ONLY_NUMBERS = ("case_opened", "item_created", "message_added", "outbound_queued")


class Told(Struct):
    """A case with everything that a case can have."""

    case: Case
    item: Item
    customer: CustomerId
    file: str


@pytest.fixture
async def pen(store: Store) -> Pen:
    term = await store.journal.begin(NODE, "eu")
    return Pen(Opened(store.journal, store.lookup), term)


async def tell(store: Store, pen: Pen, queue: str = "general", **header: Any) -> Told:
    """A customer wrote a mail with a file, was answered, and the case has ended."""
    words = SECRET.decode()
    inbound = an_inbound(
        new_id(),
        raw=b"Subject: x\r\n\r\n" + SECRET,
        identity=from_ann(verified=True),
        body=words,
        files=(File(name=f"{words}.pdf", type="application/pdf", data=SECRET * 9),),
    )
    (stored,) = await store.journal.receive(pen.term, [inbound], [])
    brief = stored.customer
    assert brief is not None
    header = {"status": CaseStatus.SOLVED, "changed_at": LONG_AGO, "subject": words, **header}
    case = a_case(customer=brief, last_seq=2, **header)
    item = an_item(
        case, customer=brief, queue=QueueName(queue), state=ItemState.COMPLETED, subject=words,
        preview=words, address="ann@example.com", thread=("<1@x>",), attributes={"said": words},
        code="sold", ended_at=LONG_AGO,
    )  # fmt: skip
    asked = a_message(
        case,
        body=words,
        attachments=stored.attachments,
        author=Author(kind="customer", name="Ann"),
        signs=Signs(proof="failed", reply_to=f"{words}@evil.example"),
    )
    reply = a_message(
        case, 2, body=f"about {words}", direction="out", author=Author(kind="agent", name="eva"),
        external_id=f"<{new_id()}@here>",
    )  # fmt: skip
    order = an_outgoing(
        case=case.id, number=case.number, address="ann@example.com", state="sent",
        payload={"body": words},
    )  # fmt: skip
    done = InboundDone(id=stored.id, status="processed", case=case.id, number=case.number)
    added = e.MessageAdded(
        message=asked.id, case=case.id, seq=1, direction="in", preview=words, customer=brief.id
    )
    edited = e.MessageEdited(
        message=asked.id, case=case.id, seq=1, by="customer", was=words, preview=words
    )
    await pen.write(
        pen.entry(e.CaseOpened(case=case), case, done),
        pen.entry(e.ItemCreated(item=item), item),
        pen.entry(added, asked, reply),
        pen.entry(edited, Amended(message=asked)),
        pen.entry(e.OutboundQueued(outbound=order), order),
    )
    return Told(case, item, brief.id, stored.attachments[0].id)


async def everything(store: Store) -> bytes:
    """All that stands in any table, as text."""
    tables = await store.pool.fetch(
        "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace"
        " AND relkind IN ('r', 'p') AND NOT relispartition"
    )
    found = b""
    for table in tables:
        for row in await store.pool.fetch(f'SELECT t::text FROM "{table["relname"]}" AS t'):
            found += row["t"].encode() + b"\n"
    return found + await bytes_kept(store)


async def bytes_kept(store: Store) -> bytes:
    return b"".join(row["data"] for row in await store.pool.fetch("SELECT data FROM blob"))


async def age_blobs(store: Store) -> None:
    """As if nobody had asked for any file for a day."""
    await store.pool.execute("UPDATE blob SET seen_at = seen_at - interval '1 day'")


class Sweeper:
    """A retention whose events are read from its ledger."""

    def __init__(self, store: Store, default: int | None, *queues: Queue) -> None:
        state = NodeState(NodeName("n1"))
        state.load(queues=queues)
        self.ledger = Ledger(state, SystemClock(), new_id, 1, new_batch=store.journal.batch)
        self.retention = Retention(self.ledger, store.retention, default, sleep=_at_once)


async def _at_once(_seconds: float) -> None: ...


async def test_what_has_had_its_time_loses_what_was_said_and_nothing_else(
    store: Store, pen: Pen
) -> None:
    old = await tell(store, pen)
    young = await tell(store, pen, changed_at=NOW - timedelta(days=1), subject="young")
    await age_blobs(store)
    assert await Sweeper(store, 30).retention.sweep() == 1

    case = await store.lookup.case_by_number(old.case.number)
    assert case is not None
    assert (case.status, case.subject, case.version) == (CaseStatus.CLOSED, "", old.case.version)
    assert case.emptied_at is not None
    assert case.customer == old.case.customer
    (item,) = await store.listing.items_of(old.case.id)
    assert (item.subject, item.preview, item.address, item.thread) == ("", "", "", ())
    assert (item.code, item.queue, item.ended_at) == ("sold", "general", LONG_AGO)
    asked, reply = await store.lookup.messages(old.case.id, 0, 10, customer_view=False)
    assert [(m.seq, m.body, m.attachments) for m in (asked, reply)] == [(1, "", ()), (2, "", ())]
    assert (asked.author.name, reply.author.name) == ("", "eva")
    assert reply.external_id
    assert await store.lookup.file(old.file) is None  # type: ignore[arg-type]

    kept = await store.lookup.messages(young.case.id, 0, 10, customer_view=False)
    assert kept[0].body.encode() == SECRET
    assert await store.lookup.file(young.file) is not None  # type: ignore[arg-type]
    lines = [line for line in (await everything(store)).splitlines() if SECRET in line]
    about = {young.case.id.encode(), young.item.id.encode()}
    assert not [li for li in lines if old.case.id.encode() in li]
    assert [li for li in lines if any(one in li for one in about)]


async def test_every_event_that_was_emptied_can_still_be_read(store: Store, pen: Pen) -> None:
    old = await tell(store, pen)
    await Sweeper(store, 30).retention.sweep()
    rows = await store.pool.fetch("SELECT kind, payload FROM journal ORDER BY at, epoch")
    events = {r["kind"]: msgspec.json.decode(r["payload"], type=e.Event) for r in rows}
    assert set(ONLY_NUMBERS) <= events.keys()
    assert isinstance(created := events["item_created"], e.ItemCreated)
    assert created.item == replace(
        old.item, subject="", preview="", address="", thread=(), attributes={}
    )
    page = await store.listing.trace(old.item.id, old.case.id, "", 50)
    assert len(page.items) == 5
    assert isinstance(edited := events["message_edited"], e.MessageEdited)
    assert (edited.was, edited.preview, edited.by) == ("", "", "customer")


async def test_it_is_told_in_the_journal_with_numbers(store: Store, pen: Pen) -> None:
    old = await tell(store, pen)
    sweeper = Sweeper(store, 30)
    seen: list[e.Event] = []
    record = sweeper.ledger.record

    def listening(changes: Sequence[e.Change]) -> Position:
        seen.extend(change.event for change in changes)
        return record(changes)

    sweeper.ledger.record = listening  # type: ignore[method-assign,assignment]
    await sweeper.retention.sweep()
    (told,) = seen
    assert told == e.ContentRemoved(
        cases=(old.case.number,), messages=2, files=1, size=len(SECRET) * 9
    )
    assert await sweeper.retention.sweep() == 0
    assert len(seen) == 1


@pytest.mark.parametrize(
    ("default", "rule", "goes"),
    [(None, None, False), (30, None, True), (None, 30, True), (30, 0, False), (30, 365, False)],
)
async def test_a_queues_own_rule_goes_before_the_default(
    store: Store, pen: Pen, default: int | None, rule: int | None, goes: bool
) -> None:
    await tell(store, pen, "health")
    queue = Queue(name=QueueName("health"), retention_days=rule)
    assert await Sweeper(store, default, queue).retention.sweep() == int(goes)


async def test_what_somebody_works_on_stays(store: Store, pen: Pen) -> None:
    told = await tell(store, pen)
    again = an_item(told.case, state=ItemState.HELD)
    await pen.rows(again)
    sending = await tell(store, pen)
    await pen.rows(an_outgoing(case=sending.case.id))
    waiting = await tell(store, pen, status=CaseStatus.WAITING)
    assert await Sweeper(store, 30).retention.sweep() == 0
    for one in (told, sending, waiting):
        found = await store.lookup.messages(one.case.id, 0, 10, customer_view=False)
        assert found[0].body


async def test_what_is_part_of_a_case_in_use_stays_over_any_number_of_merges(
    store: Store, pen: Pen
) -> None:
    first, second = await tell(store, pen), await tell(store, pen)
    last = await tell(store, pen, status=CaseStatus.WAITING)
    chain = (first.case.id, second.case.id, last.case.id)
    places = [CasePlace(case=one, into=into) for one, into in pairwise(chain)]
    await pen.rows(*places)
    assert await Sweeper(store, 30).retention.sweep() == 0


async def test_a_file_that_another_case_has_stays(store: Store, pen: Pen) -> None:
    await tell(store, pen)
    young = await tell(store, pen, changed_at=NOW)
    await age_blobs(store)
    await Sweeper(store, 30).retention.sweep()
    assert await store.lookup.file(young.file) is not None  # type: ignore[arg-type]
    assert SECRET in await bytes_kept(store)


async def test_bytes_that_were_asked_for_just_now_wait_an_hour(store: Store, pen: Pen) -> None:
    await tell(store, pen)
    sweeper = Sweeper(store, 30)
    await sweeper.retention.sweep()
    assert SECRET in await bytes_kept(store)
    await age_blobs(store)
    await store.retention.forget_bytes()
    assert await bytes_kept(store) == b""
    assert await store.pool.fetchval("SELECT count(*) FROM blob_left") == 0


async def test_a_mail_that_was_emptied_is_still_known_when_it_comes_again(
    store: Store, pen: Pen
) -> None:
    told = await tell(store, pen)
    key = await store.pool.fetchval("SELECT key FROM inbox")
    await Sweeper(store, 30).retention.sweep()
    again: Inbound = an_inbound(key, body="once more")
    (stored,) = await store.journal.receive(pen.term, [again], [])
    assert not stored.fresh
    assert stored.decided is not None
    assert stored.decided.number == told.case.number


async def test_a_case_that_is_written_again_is_emptied_again(store: Store, pen: Pen) -> None:
    told = await tell(store, pen)
    sweeper = Sweeper(store, 30)
    assert await sweeper.retention.sweep() == 1
    found = await store.lookup.case_by_number(told.case.number)
    assert found is not None
    more = replace(found, version=found.version + 1, subject="once more", changed_at=LONG_AGO)
    await pen.rows(more, a_message(more, 3, body="new words"))
    assert await sweeper.retention.sweep() == 1
    assert b"new words" not in await everything(store)


async def test_a_header_in_memory_gives_way_to_the_emptied_row(store: Store, pen: Pen) -> None:
    told = await tell(store, pen)
    state = NodeState(NODE)
    state.load(cases=[told.case])
    state.forget_idle_case(told.case.id)
    await Sweeper(store, 30).retention.sweep()
    found = await store.lookup.case_by_number(told.case.number)
    assert found is not None
    assert state.adopt(found).status is CaseStatus.CLOSED


async def test_what_became_no_case_goes_by_the_default_alone(store: Store, pen: Pen) -> None:
    machine = an_inbound(
        "robot",
        raw=SECRET,
        body=SECRET.decode(),
        files=(File(name="x", type="", data=SECRET * 3),),
    )
    (stored,) = await store.journal.receive(pen.term, [machine], [])
    await pen.rows(InboundDone(id=stored.id, status="ignored"))
    assert await Sweeper(store, 30).retention.sweep() == 0
    assert SECRET in await everything(store)
    await store.pool.execute("UPDATE inbox SET decided_at = now() - interval '31 days'")
    await age_blobs(store)
    queue = Queue(name=QueueName("general"), retention_days=1)
    await Sweeper(store, None, queue).retention.sweep()
    assert SECRET in await everything(store)
    await Sweeper(store, 30).retention.sweep()
    assert SECRET not in await everything(store)
    (again,) = await store.journal.receive(pen.term, [machine], [])
    assert not again.fresh


async def test_many_cases_go_in_small_chunks(store: Store, pen: Pen) -> None:
    for _ in range(60):
        await tell(store, pen)
    assert await Sweeper(store, 30).retention.sweep() == 60
    await age_blobs(store)
    await store.retention.forget_bytes()
    assert SECRET not in await everything(store)


async def test_an_erased_customer_is_nowhere_any_more(store: Store, pen: Pen) -> None:
    told = await tell(store, pen)
    odd = an_inbound("odd", identity=from_ann(verified=True), problem="?", body="Ann again")
    (put_aside,) = await store.journal.receive(pen.term, [replace(odd, raw=SECRET)], [])
    await pen.rows(InboundDone(id=put_aside.id, status="quarantined"))
    gone = await store.retention.erase(told.customer)
    assert (gone.cases, gone.messages, gone.files) == ([told.case.number], 2, 1)
    await age_blobs(store)
    await store.retention.forget_bytes()

    left = await everything(store)
    for trace in (SECRET, b"Ann", b"ann@example.com", told.customer.encode()):
        assert trace not in left, [li for li in left.splitlines() if trace in li]
    assert await store.people.customer(told.customer) is None
    assert await store.people.of_identity("email", "ann@example.com") == []
    (item,) = await store.listing.items_of(told.case.id)
    assert (item.customer, item.code, item.queue) == (None, "sold", "general")
    found = await store.lookup.case_by_number(told.case.number)
    assert found is not None
    assert (found.customer, found.status) == (None, CaseStatus.CLOSED)
    assert (await store.retention.erase(told.customer)).cases == []


async def test_a_contact_that_is_just_coming_in_keeps_its_customer(
    store: Store, pen: Pen, connect: Connects
) -> None:
    told = await tell(store, pen)
    con = await connect(store.dsn)
    deal = con.transaction()
    await deal.start()
    await con.execute("SET LOCAL idle_in_transaction_session_timeout = 0")
    await con.execute(
        "UPDATE identity SET seen_at = now() WHERE customer = $1", told.customer
    )  # as the inbox commit does
    async with asyncio.TaskGroup() as group:
        erasing = group.create_task(store.retention.erase(told.customer))
        while not await con.fetchval(
            "SELECT EXISTS (SELECT FROM pg_stat_activity"
            " WHERE pg_backend_pid() = ANY (pg_blocking_pids(pid)))"
        ):
            await con.execute("SELECT pg_sleep(0.01)")
        await con.execute(
            "INSERT INTO inbox (id, channel, key, node, customer, at, doc)"
            " VALUES ($1, 'mail', 'late', 'n1', $2, now(), '{}')", new_id(), told.customer,
        )  # fmt: skip
        await deal.commit()
    assert erasing.result().busy == (0,)
    assert await store.people.customer(told.customer) is not None


async def test_a_customer_for_whom_somebody_works_is_not_erased(store: Store, pen: Pen) -> None:
    told = await tell(store, pen)
    busy = an_item(told.case)
    await pen.rows(busy)
    before = await everything(store)
    refused = await store.retention.erase(told.customer)
    assert (refused.busy, refused.cases) == ((told.case.number,), [])
    assert await everything(store) == before

    await pen.rows(replace(busy, version=2, state=ItemState.CANCELED, ended_at=NOW))
    coming = an_inbound("coming", identity=from_ann(verified=True))
    await store.journal.receive(pen.term, [coming], [])
    assert (await store.retention.erase(told.customer)).busy == (0,)
