"""What REST reads and writes: tokens, people, lists, traces, quarantine, outbox, small tables."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from gateway.core import events as e
from gateway.core import model as m
from gateway.core.ids import MessageId
from gateway.core.inbound import Claim
from gateway.core.ties import MessagePlace
from gateway.store.contract import ItemFilter, Page
from gateway.store.opening import Store, new_id
from gateway.store.upkeep import Upkeep
from gateway.store.views import Begun, CustomerCard, KeyName, Named, TokenRow
from tests.store.rows import (
    BOB,
    EVA,
    MAIL,
    NODE,
    NOW,
    SITE,
    Opened,
    Pen,
    a_case,
    a_message,
    an_event,
    an_inbound,
    an_item,
    an_outgoing,
    uid,
)

pytestmark = pytest.mark.integration


@pytest.fixture
async def pen(store: Store) -> Pen:
    term = await store.journal.begin(NODE, "eu")
    return Pen(Opened(store.journal, store.lookup), term)


# -- tokens and logins ----------------------------------------------------------------------


def a_token(**changes: Any) -> TokenRow:
    row = TokenRow(id=uid(), principal=EVA, role="agent", expires_at=in_hours(1))
    return replace(row, **changes)


def in_hours(hours: float) -> datetime:
    return datetime.now(UTC) + timedelta(hours=hours)


async def test_a_token_holds_until_it_is_revoked_or_expires(store: Store) -> None:
    tokens = store.tokens
    good, expired, forever = a_token(), a_token(expires_at=in_hours(-1)), a_token(expires_at=None)
    for place, row in enumerate((good, expired, forever)):
        await tokens.add(row, bytes([place]))

    held = await tokens.holder(b"\x00")
    assert held is not None
    assert replace(held, created_at=None) == good
    assert await tokens.holder(b"\x01") is None
    assert await tokens.holder(b"\x02") is not None
    assert await tokens.holder(b"\x09") is None
    unknown = uid()
    ids = [good.id, expired.id, forever.id, unknown]
    assert await tokens.dead(ids) == {expired.id, unknown}

    revoked = await tokens.revoke(good.id)
    assert revoked is not None
    assert revoked.id == good.id
    assert await tokens.revoke(good.id) is None
    assert await tokens.revoke("no id") is None
    assert await tokens.holder(b"\x00") is None
    assert good.id in await tokens.dead(ids)


async def test_tokens_are_listed_in_pages_and_ended_for_one_person(store: Store) -> None:
    tokens = store.tokens
    rows = [a_token(principal=name) for name in (EVA, EVA, EVA, BOB)]
    for place, row in enumerate(rows):
        await tokens.add(row, bytes([place]))

    first = await tokens.listed(EVA, "", 2)
    rest = await tokens.listed(EVA, first.next or "", 2)
    assert [t.id for t in first.items + rest.items] == [r.id for r in reversed(rows[:3])]
    assert rest.next is None
    await tokens.revoke_all_of(EVA)
    assert [t.id for t in (await tokens.listed("", "", 10)).items] == [rows[3].id]


async def test_a_login_is_kept_changed_and_dropped(store: Store) -> None:
    tokens = store.tokens
    assert await tokens.login("eva") is None
    await tokens.save_login(EVA, "hash-1", "agent")
    await tokens.save_login(EVA, "hash-2", "admin")
    assert await tokens.login("eva") == ("hash-2", "admin")
    await tokens.drop_login(EVA)
    assert await tokens.login("eva") is None


# -- people ---------------------------------------------------------------------------------


async def test_a_customer_is_made_by_identity_and_changed_by_it(store: Store) -> None:
    people = store.people
    made = await people.put(
        "email", "ann@x.example", name="Ann", language=None, worth=3, attributes={"tier": "gold"}
    )
    changed = await people.put(
        "email", "ann@x.example", name=None, language="de", worth=None, attributes={"since": 2019}
    )

    assert made.id == changed.id
    assert (changed.name, changed.language, changed.value, changed.verified) == (
        "Ann",
        "de",
        3,
        True,
    )
    assert changed.attributes == {"tier": "gold", "since": 2019}
    assert await people.customer(made.id) == changed
    assert await people.customer(uid()) is None
    assert await people.of_identity("email", "nobody@x.example") == []


async def test_an_identity_names_the_verified_person_before_the_claimed(
    store: Store, pen: Pen
) -> None:
    claims = [
        an_inbound(str(v), identity=Claim(kind="phone", value="+491", name=n, verified=v))
        for v, n in ((False, "Claims"), (True, "Is"))
    ]
    await pen.journal.receive(pen.term, claims, [])
    found: list[CustomerCard] = await store.people.of_identity("phone", "+491")
    assert [(card.name, card.verified) for card in found] == [("Is", True), ("Claims", False)]
    assert [i.value for i in found[0].identities] == ["+491"]


async def test_a_timeline_shows_cases_with_their_items_newest_first(store: Store, pen: Pen) -> None:
    claim = Claim(kind="email", value="a@b", verified=True)
    [stored] = await pen.journal.receive(pen.term, [an_inbound(identity=claim)], [])
    assert stored.customer is not None
    cases = [a_case(customer=stored.customer) for _ in range(3)]
    later = NOW + timedelta(minutes=5)
    item = an_item(cases[0], agent=EVA, state=m.ItemState.ASSIGNED)
    await pen.rows(*cases, item, a_message(cases[0]), a_message(cases[0], 2, at=later), a_case())

    first = await store.people.timeline(stored.customer.id, "", 2)
    rest = await store.people.timeline(stored.customer.id, first.next or "", 2)

    entries = first.items + rest.items
    assert [entry.case for entry in entries] == cases[::-1]
    assert (entries[2].messages, entries[2].last_at) == (2, later)
    assert [(line.id, line.agent) for line in entries[2].items] == [(item.id, EVA)]
    assert entries[0].last_at == NOW
    assert (await store.people.timeline(uid(), "", 5)).items == []


# -- lists ----------------------------------------------------------------------------------


async def test_items_are_found_by_every_filter_and_paged(store: Store, pen: Pen) -> None:
    ann = m.CustomerBrief(id=uid(), name="Ann")
    one, two = a_case(subject="50% off?", customer=ann), a_case(subject="Parcel")
    done = m.ItemState.COMPLETED
    items = [
        an_item(one, subject="50% off?", customer=ann),
        an_item(two, subject="Parcel", agent=EVA, state=m.ItemState.ASSIGNED),
        an_item(two, subject="Parcel", agent=EVA, state=done, ended_at=NOW),
        an_item(two, subject="Parcel", channel=SITE, created_at=NOW - timedelta(days=9)),
    ]
    await pen.rows(one, two, *items)

    async def found(**wanted: Any) -> list[int]:
        page = await store.listing.items(ItemFilter(**wanted), "", 10)
        ids = [item.id for item in items]
        return sorted(ids.index(item.id) for item, _ in page.items)

    assert await found() == [0, 1, 2, 3]
    assert await found(state="open") == [0, 1, 3]
    assert await found(state="completed") == [2]
    assert await found(state="assigned, completed") == [1, 2]
    assert await found(agent="eva") == [1, 2]
    assert await found(agent="eva", state="open") == [1]
    assert await found(channel="site") == [3]
    assert await found(queue="general") == [0, 1, 2, 3]
    assert await found(queue="other") == []
    assert await found(customer=ann.id) == [0]
    assert await found(customer="no id") == []
    assert await found(since=NOW - timedelta(days=1)) == [0, 1, 2]
    assert await found(q=str(one.number)) == [0]
    assert await found(q=f"#{one.number}") == [0]
    assert await found(q="parc") == [1, 2, 3]
    assert await found(q="50% o") == [0]
    assert await found(q="0%o") == []
    assert await found(q="_") == []

    pages: list[Page] = [await store.listing.items(ItemFilter(), "", 3)]
    pages.append(await store.listing.items(ItemFilter(), pages[0].next or "", 3))
    listed = [item.id for page in pages for item, _ in page.items]
    assert listed == [item.id for item in reversed(items)]
    assert pages[1].next is None

    assert await store.listing.item(items[0].id) == (items[0], one)
    assert await store.listing.items_of(two.id) == items[1:]
    nothing: Any = "no id"
    assert await store.listing.item(nothing) is None
    assert await store.listing.items_of(nothing) == []


async def test_the_order_of_a_message_is_found_from_where_it_stands_now(
    store: Store, pen: Pen
) -> None:
    case, other = a_case(), a_case()
    said = a_message(case)
    order = an_outgoing(case=case.id, message=said.id)
    await pen.rows(case, other, said, order, an_outgoing(case=case.id))
    find = store.listing.outbound_of
    assert await find(said.id, case.id) == order.id
    await pen.rows(MessagePlace(message=said.id, case=case.id, seq=1, to=other.id, to_seq=1))
    assert await find(said.id, other.id) == order.id
    assert await find(uid(), other.id) is None


async def test_a_trace_has_the_items_and_the_cases_events_in_order(store: Store, pen: Pen) -> None:
    case = a_case()
    item, sibling = an_item(case), an_item(case)
    await pen.write(
        pen.entry(e.CaseOpened(case=case), case),
        pen.entry(e.ItemCreated(item=item), item),
        pen.entry(e.ItemCreated(item=sibling), sibling),
        pen.entry(an_event()),
        pen.entry(e.ItemRepaired(item=item.id, problem="x"), replace(item, version=2)),
    )

    first = await store.listing.trace(item.id, case.id, "", 2)
    rest = await store.listing.trace(item.id, case.id, first.next or "", 2)

    assert [t.kind for t in first.items] == ["case_opened", "item_created"]
    assert [(t.kind, t.data["problem"]) for t in rest.items] == [("item_repaired", "x")]
    assert rest.next is None


async def test_a_message_is_had_as_it_came_wherever_it_stands_now(store: Store, pen: Pen) -> None:
    case, other = a_case(), a_case()
    message = a_message(case)
    bytes_of = {"as it came": message.id, "another": a_message(case).id}
    for raw, named in bytes_of.items():
        [row] = await pen.journal.receive(pen.term, [an_inbound(raw, raw=raw.encode())], [])
        done = m.InboundDone(id=row.id, status="processed", case=case.id, message=named)
        await pen.rows(done)
    await pen.write(
        pen.entry(e.CaseOpened(case=case), case),
        pen.entry(e.CaseOpened(case=other), other),
        pen.entry(an_event(), message),
    )
    found = await store.listing.raw_of(message.id)
    assert found is not None
    assert (found.data, found.channel) == (b"as it came", MAIL)
    place = MessagePlace(message=message.id, case=case.id, seq=1, to=other.id, to_seq=1)
    await pen.rows(place)
    moved = await store.listing.raw_of(message.id)
    assert moved is not None
    assert moved.data == b"as it came"
    assert await store.listing.raw_of(MessageId(new_id())) is None
    assert await store.listing.raw_of(MessageId("none")) is None


async def test_what_is_quarantined_can_be_read_tried_again_and_dropped(
    store: Store, pen: Pen
) -> None:
    bad = an_inbound("bad", raw=b"\xff\x00raw", subject="Odd", problem="no headers")
    [first, second] = await pen.journal.receive(pen.term, [bad, an_inbound("worse")], [])
    for stored in (first, second):
        await pen.rows(m.InboundDone(id=stored.id, status="quarantined", reason="no headers"))
    listing = store.listing

    cards = (await listing.quarantined("", 10)).items
    assert [card.id for card in cards] == [second.id, first.id]
    assert (cards[1].reason, cards[1].size, cards[1].subject) == ("no headers", 5, "Odd")
    raw = await listing.raw(first.id)
    assert raw is not None
    assert (raw.data, raw.channel, raw.at) == (b"\xff\x00raw", MAIL, bad.at)

    retried = await listing.retry(first.id)
    assert retried is not None
    assert retried.stored.id == first.id
    assert retried.inbound == replace(bad, raw=None)
    assert await listing.retry(first.id) is None
    assert [r.stored.id for r in (await pen.loaded()).received] == [first.id]

    assert await listing.drop(second.id)
    assert not await listing.drop(second.id)
    assert (await listing.quarantined("", 10)).items == []
    [again] = await pen.journal.receive(pen.term, [an_inbound("worse")], [])
    assert not again.fresh


async def test_the_outbox_lists_what_is_not_sent(store: Store, pen: Pen) -> None:
    state = m.OutboundState
    rows = [an_outgoing(state=s, reason=s) for s in (state.PENDING, state.FAILED, state.SENT)]
    await pen.rows(*rows)
    listing = store.listing

    async def states(wanted: str) -> list[str]:
        return [card.state for card in (await listing.outbox(wanted, "", 10)).items]

    assert await states("") == ["failed", "pending"]
    assert await states("failed") == ["failed"]
    assert await states("sent") == ["sent"]
    page = await listing.outbox("", "", 1)
    assert [card.id for card in page.items] == [rows[1].id]
    assert page.next == rows[1].id
    assert await listing.outgoing(rows[1].id) == rows[1]
    assert await listing.outgoing(uid()) is None


# -- small tables ---------------------------------------------------------------------------


async def test_names_are_kept_changed_and_dropped(store: Store) -> None:
    for labels in (store.skills, store.codes):
        await labels.put([Named(name="b", label="B"), Named(name="a")])
        await labels.put([Named(name="b", label="Better")])
        assert await labels.listed() == [Named(name="a"), Named(name="b", label="Better")]
        assert await labels.drop("a")
        assert not await labels.drop("a")
    assert await store.skills.listed() == [Named(name="b", label="Better")]


async def test_channels_of_admins_and_pauses_are_kept(store: Store) -> None:
    channels = store.channels
    settings = {"kind": "sms", "number": "+1", "secret": "s\x00"}
    await channels.put(SITE, settings)
    await channels.set_paused(SITE, paused=True)
    await channels.set_paused(MAIL, paused=True)  # one that a file declares

    assert await channels.made() == {SITE: {**settings, "secret": "s\ufffd"}}
    assert await channels.paused() == {SITE, MAIL}
    await channels.set_paused(MAIL, paused=False)
    assert await channels.paused() == {SITE}
    assert await channels.drop(SITE)
    assert await channels.made() == {}


async def test_the_installations_secret_is_made_once(store: Store) -> None:
    secret = await store.settings.secret()
    assert len(secret) == 32
    assert await store.settings.secret() == secret
    assert await store.settings.secrets() == (secret,)
    await store.settings.save("former_secrets", b"a" * 32 + b"b" * 32)
    assert await store.settings.secrets() == (secret, b"a" * 32, b"b" * 32)


async def test_a_node_is_listed_with_its_epoch(store: Store, pen: Pen) -> None:
    await pen.journal.renew(pen.term)
    [card] = await store.nodes.listed()
    assert (card.name, card.region, card.epoch, card.alive) == (NODE, "eu", pen.term.epoch, True)


async def test_a_key_belongs_to_its_first_attempt_for_a_day(store: Store) -> None:
    name = KeyName(principal="ana", route="POST /x", key="k" * 2_000)
    first, second = new_id(), new_id()
    mine = Begun(attempt=first, digest=b"1")
    assert await store.keys.begin(name, b"1", first) == mine
    assert await store.keys.begin(name, b"1", first) == mine
    assert await store.keys.begin(name, b"2", second) == mine
    await store.keys.settle(name, second, b"not mine to answer")
    await store.keys.settle(name, first, b"done")
    await store.keys.free(name, first)
    assert await store.keys.begin(name, b"2", second) == replace(mine, answer=b"done")
    other = replace(name, principal="bob")
    assert (await store.keys.begin(other, b"2", second)).attempt == second
    await store.keys.free(other, second)
    assert (await store.keys.begin(other, b"3", first)).attempt == first

    await store.pool.execute("UPDATE keyed_request SET at = now() - interval '24.5 hours'")
    assert await store.keys.begin(name, b"2", second) == Begun(attempt=second, digest=b"2")
    await store.pool.execute("UPDATE keyed_request SET at = now() - interval '26 hours'")
    await Upkeep(store.pool, store.sql).once()
    assert await store.pool.fetchval("SELECT count(*) FROM keyed_request") == 0


async def test_a_note_stays_until_it_is_dropped(store: Store) -> None:
    notes = store.settings
    assert await notes.load("directory:n1") is None
    await notes.save("directory:n1", b"one")
    await notes.save("directory:n1", b"two")
    assert await notes.load("directory:n1") == b"two"
    assert await notes.load("directory:n2") is None
    await notes.drop("directory:n1")
    assert await notes.load("directory:n1") is None
