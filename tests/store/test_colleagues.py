"""What colleagues say: in what order it is read, what is unread, what waits, and how it goes."""

from typing import Any

import pytest
from msgspec.structs import replace

from gateway.core import events as e
from gateway.core.colleagues import ColleagueMark, ColleagueMessage, chat_of, reviewed
from gateway.core.ids import AgentName, MessageId, RuleName
from gateway.store.opening import Store
from tests.store.rows import BOB, EVA, NODE, NOW, Opened, Pen, a_case, an_event, an_item, uid

pytestmark = pytest.mark.integration
SUE, NED = AgentName("sue"), AgentName("ned")


@pytest.fixture
async def pen(store: Store) -> Pen:
    term = await store.journal.begin(NODE, "eu")
    return Pen(Opened(store.journal, store.lookup), term)


def said(by: AgentName, body: str, **more: Any) -> ColleagueMessage:
    if "group" not in more:
        more["agent"] = BOB if by == EVA else EVA
    return ColleagueMessage(id=MessageId(uid()), by=by, at=NOW, body=body, **more)


def wrote(message: ColleagueMessage) -> e.ColleagueWrote:
    return e.ColleagueWrote(message=message.id, by=message.by, agent=message.agent)


async def write(pen: Pen, *messages: ColleagueMessage) -> None:
    entries = [pen.entry(wrote(message), message) for message in messages]
    await pen.journal.commit(pen.term, pen.batch(*entries))


async def mark(pen: Pen, reader: AgentName, message: ColleagueMessage) -> None:
    event = e.ColleagueMarked(message=message.id, reader=reader, agent=message.agent)
    row = ColleagueMark(reader=reader, chat=message.chat, message=message.id)
    await pen.journal.commit(pen.term, pen.batch(pen.entry(event, row)))


async def chats(store: Store, who: AgentName, *groups: str) -> list[tuple[str, int]]:
    found = await store.colleagues.chats(who, groups, "", 50)
    return [(chat.last.body, chat.unread) for chat in found.items]


async def test_a_chat_is_read_by_both_and_counts_what_the_other_wrote(
    store: Store, pen: Pen
) -> None:
    one, two = said(EVA, "are you there?"), said(BOB, "yes")
    await write(pen, one, two)

    assert await chats(store, EVA) == [("yes", 1)]
    assert await chats(store, BOB) == [("yes", 1)]
    assert await chats(store, SUE) == []
    await mark(pen, EVA, two)
    await mark(pen, EVA, one)  # a mark never goes back
    assert await chats(store, EVA) == [("yes", 0)]
    assert await chats(store, BOB) == [("yes", 1)]

    first = await store.colleagues.messages(one.chat, EVA, "", 1, whole=True)
    assert [m.body for m in first.items] == ["yes"]
    rest = await store.colleagues.messages(one.chat, EVA, first.next or "", 1, whole=True)
    assert [m.body for m in rest.items] == ["are you there?"]
    assert rest.next is None


async def test_whoever_is_not_of_a_group_sees_only_what_they_wrote(store: Store, pen: Pen) -> None:
    asked = said(EVA, "who can help?", group="level 2")
    await write(pen, asked, said(BOB, "let her wait", group="level 2"))

    assert await chats(store, EVA) == [("who can help?", 0)]
    assert await chats(store, SUE, "level 2") == [("let her wait", 2)]
    own = await store.colleagues.messages(asked.chat, EVA, "", 50, whole=False)
    assert [m.body for m in own.items] == ["who can help?"]


async def test_what_is_held_reaches_nobody_until_it_is_released_and_is_unread_then(
    store: Store, pen: Pen
) -> None:
    held = said(EVA, "4111 1111", state="held", rule=RuleName("cards"), reason="a card", open=True)
    after = said(EVA, "never mind")
    await write(pen, held, after)
    await mark(pen, BOB, after)
    assert await chats(store, BOB) == [("never mind", 0)]
    assert [m.body for m in (await store.colleagues.reviews("", 50)).items] == ["4111 1111"]

    verdicts = [reviewed(held, verdict, SUE, NOW) for verdict in ("released", "refused")]
    for row in verdicts:  # of two verdicts the first one stands
        event = e.ColleagueReviewed(message=held.id, supervisor=SUE, verdict="released", by=EVA)
        await pen.journal.commit(pen.term, pen.batch(pen.entry(event, row)))
    assert await chats(store, BOB) == [("4111 1111", 1)]
    assert (await store.colleagues.reviews("", 50)).items == []
    assert await store.colleagues.one(held.id) == verdicts[0]
    assert await store.colleagues.one("no id") is None


async def test_it_is_known_what_items_are_talked_about(store: Store, pen: Pen) -> None:
    case = a_case()
    item = an_item(case)
    await pen.journal.commit(pen.term, pen.batch(pen.entry(an_event(), case, item)))
    about = said(EVA, "look at this", item=item.id, case=case.id, number=item.number)
    chat = chat_of(EVA, BOB, "")

    found = await pen.lookup.talked_about(item.id, chat)
    assert found is not None
    assert not found[1]
    await write(pen, about)
    found = await pen.lookup.talked_about(item.id, chat)
    assert found == (item, True)
    assert await pen.lookup.talked_about(item.id, chat_of(EVA, SUE, "")) == (item, False)
    listed = await store.colleagues.of_item(item.id, "", 50)
    assert listed.items == [about]


async def test_what_is_old_goes_and_so_does_what_was_said_about_an_emptied_case(
    store: Store, pen: Pen
) -> None:
    case = a_case(status="closed")
    await pen.journal.commit(pen.term, pen.batch(pen.entry(an_event(), case)))
    about = said(EVA, "his number is 5", case=case.id, item=uid())
    old, kept = replace(said(EVA, "long ago"), at=NOW.replace(year=2020)), said(BOB, "now")
    await write(pen, old, about, kept)

    assert await store.colleagues.forget(365, 10) == 1
    assert (await store.retention.empty([case.id])).cases == [case.number]
    left = await store.colleagues.messages(kept.chat, EVA, "", 50, whole=True)
    assert [m.body for m in left.items] == ["now"]


async def test_what_no_database_stores_as_it_is_stops_nothing(store: Store, pen: Pen) -> None:
    odd = said(EVA, "a\x00b\ud800", group="x\x00y")
    await write(pen, odd)
    own = await store.colleagues.messages(odd.chat, EVA, "", 50, whole=False)
    assert [m.body for m in own.items] == ["a\ufffdb\ufffd"]
