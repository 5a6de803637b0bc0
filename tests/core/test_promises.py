"""Promises: they come back to who made them, and it is measured whether they were kept."""

from datetime import datetime, timedelta

import pytest

from gateway.core import commands as c
from gateway.core import events as e
from gateway.core.errors import Refused
from gateway.core.ids import AgentName, CommandId, ItemId
from gateway.core.model import CaseStatus, ChannelKind, Item, ItemState
from gateway.core.owed import CallbackWish
from tests.support.builders import START, House, agent, chat, mail, queue

HOUR = timedelta(hours=1)
ID = CommandId("command-promise")


@pytest.fixture
def house() -> House:
    house = House(agent("ana"), agent("bob"))
    house.sign_in("ana")
    return house


@pytest.fixture
def held(house: House) -> Item:
    """A mail in ana's hands."""
    house.arrive(mail("order"))
    return house.accept("ana")


def promised(house: House, item: Item, text: str = "a new part") -> Item:
    said = c.MakePromise(id=house.command(), item=item.id, text=text, due_at=START + HOUR)
    body = house.say("ana", said)
    return house.state.items[ItemId(body["promise"])]


def test_a_promise_sleeps_until_it_is_due_and_comes_back_to_who_made_it(
    house: House, held: Item
) -> None:
    item = promised(house, held)
    assert (item.state, item.wake_at, item.due_at) == (
        ItemState.SCHEDULED,
        START + HOUR,
        START + HOUR,
    )
    house.complete("ana", held.id)
    house.sign_in("bob")
    house.pass_time(3601)
    assert house.offered() == {item.id: "ana"}
    assert house.state.items[item.id].kind is ChannelKind.EMAIL


def test_a_case_of_which_only_a_promise_is_left_says_so(house: House, held: Item) -> None:
    item = promised(house, held)
    house.complete("ana", held.id)
    assert house.tables.cases[item.case].status is CaseStatus.PROMISED
    house.pass_time(3601)
    assert house.tables.cases[item.case].status is CaseStatus.OPEN
    house.accept("ana")
    house.complete("ana", item.id)
    assert house.tables.cases[item.case].status is CaseStatus.SOLVED


def test_others_keep_it_when_who_made_it_is_away_for_too_long(house: House, held: Item) -> None:
    item = promised(house, held)
    house.complete("ana", held.id)
    house.sign_in("bob")
    house.say("ana", c.State(id=ID, state="not_ready", reason="ill"))
    house.pass_time(3600 + 899)
    assert not house.offered()
    house.pass_time(2)
    assert house.offered() == {item.id: "bob"}


def test_who_comes_back_within_the_grace_has_it(house: House, held: Item) -> None:
    item = promised(house, held)
    house.complete("ana", held.id)
    house.sign_in("bob")
    house.say("ana", c.State(id=ID, state="not_ready", reason="lunch"))
    house.pass_time(3700)
    house.say("ana", c.State(id=house.command(), state="ready"))
    assert house.offered() == {item.id: "ana"}


def test_the_grace_is_the_queues() -> None:
    house = House(agent("ana"), agent("bob"), queues=[queue(promise_grace_seconds=60)])
    house.sign_in("ana")
    house.arrive(mail("order"))
    held = house.accept("ana")
    item = promised(house, held)
    house.complete("ana", held.id)
    house.say("ana", c.State(id=ID, state="not_ready"))
    house.sign_in("bob")
    house.pass_time(3661)
    assert house.offered() == {item.id: "bob"}


def test_what_is_done_in_time_was_kept(house: House, held: Item) -> None:
    item = promised(house, held)
    house.complete("ana", held.id)
    house.pass_time(3610)
    house.accept("ana")
    house.pass_time(1200)
    house.complete("ana", item.id)
    (kept,) = house.events(e.PromiseKept)
    assert (kept.item, kept.agent, kept.late) == (item.id, "ana", 1210.0)
    assert not house.events(e.PromiseBroken)


def test_what_is_done_before_it_is_due_was_kept(house: House, held: Item) -> None:
    item = promised(house, held)
    house.complete("ana", item.id)
    (kept,) = house.events(e.PromiseKept)
    assert kept.late == 0.0


def test_what_nobody_takes_up_in_time_is_broken_once(house: House, held: Item) -> None:
    item = promised(house, held)
    house.complete("ana", held.id)
    house.say("ana", c.State(id=ID, state="not_ready"))
    house.pass_time(3600 + 901)
    (broken,) = house.events(e.PromiseBroken)
    assert (broken.item, broken.due_at) == (item.id, START + HOUR)
    known = house.state.items[item.id].promise
    assert known is not None
    assert known.broken_at == house.clock.now() - timedelta(seconds=1)
    house.say("ana", c.State(id=house.command(), state="ready"))
    house.accept("ana")
    house.complete("ana", item.id)
    assert len(house.events(e.PromiseBroken)) == 1
    assert not house.events(e.PromiseKept)


def test_who_says_that_it_was_not_kept_has_broken_it(house: House, held: Item) -> None:
    item = promised(house, held)
    house.say("ana", c.Wrapup(id=ID, item=item.id, code="broken"))
    (broken,) = house.events(e.PromiseBroken)
    assert broken.reason == "it was not kept"
    assert not house.events(e.PromiseKept)


def test_what_was_promised_outlasts_the_end_of_the_chat(house: House) -> None:
    decided = house.arrive(chat("hello"))
    held = house.accept("ana")
    item = promised(house, held)
    assert decided.case is not None
    house.arrive(
        chat("end", attributes={"chat": "ended"}), conversation=house.tables.cases[decided.case]
    )
    assert house.state.items[item.id].state is ItemState.SCHEDULED


def test_who_writes_about_it_wakes_no_promise(house: House, held: Item) -> None:
    item = promised(house, held)
    house.complete("ana", held.id)
    case = house.tables.cases[item.case]
    back = house.arrive(mail("when?"), referenced=case)
    assert back.item not in (None, item.id)
    assert house.state.items[item.id].state is ItemState.SCHEDULED
    assert house.tables.cases[item.case].status is CaseStatus.OPEN


def test_the_case_can_be_reopened_while_something_is_promised(house: House, held: Item) -> None:
    item = promised(house, held)
    house.complete("ana", held.id)
    case, last = house.tables.cases[item.case], house.tables.items[held.id]
    body = house.say("ana", c.Reopen(id=ID, case=case.id), case=case, last_item=last)
    assert house.state.items[body["item"]].state is ItemState.ASSIGNED


def test_a_promise_on_a_call_is_work_without_a_telephone(house: House) -> None:
    house.arrive(chat("call", callback=CallbackWish(number="+49 30 1234567")))
    item = promised(house, house.accept("ana"))
    assert (item.kind, item.callback) == (ChannelKind.WEBCHAT, None)
    eva = house.customer()
    house.say("ana", c.Wrapup(id=house.command(), item=_called(house).id, code="reached"))
    house.say("ana", c.AskCallback(id=ID, customer=eva.id, number="+49 30 1234567"), customer=eva)
    item = promised(house, house.accept("ana"))
    assert item.kind is ChannelKind.TASK


def _called(house: House) -> Item:
    (only,) = [i for i in house.state.in_hand(AgentName("ana")) if i.callback is not None]
    return only


@pytest.mark.parametrize(
    ("due_at", "text", "field"),
    [
        (START, "now", "due_at"),
        (START + timedelta(days=366), "some day", "due_at"),
        (datetime(2026, 3, 3, 9, 0), "in some zone", "due_at"),  # noqa: DTZ001
        (START + HOUR, "   ", "text"),
    ],
)
def test_what_is_no_promise_is_refused(
    house: House, held: Item, due_at: datetime, text: str, field: str
) -> None:
    with pytest.raises(Refused) as refused:
        house.say("ana", c.MakePromise(id=ID, item=held.id, text=text, due_at=due_at))
    assert (refused.value.code, refused.value.field) == ("bad_frame", field)


def test_nobody_promises_on_what_another_has(house: House, held: Item) -> None:
    house.sign_in("bob")
    with pytest.raises(Refused, match="not in your hands"):
        house.say("bob", c.MakePromise(id=ID, item=held.id, text="soon", due_at=START + HOUR))
