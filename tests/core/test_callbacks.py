"""Call-backs: one for each matter, in the place of who waited, at a time when somebody is there."""

from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from gateway.core import commands as c
from gateway.core import events as e
from gateway.core.errors import Refused
from gateway.core.ids import ItemId, OfferId
from gateway.core.inbound import Decided
from gateway.core.model import CaseStatus, ChannelKind, Item, ItemState
from gateway.core.owed import Callbacks, CallbackWish
from tests.core.calls import ID, NUMBER, ask, called, cancel, case_of, closing, waits
from tests.support.builders import START, House, agent, chat, mail, queue


@pytest.fixture
def house() -> House:
    return House(agent("ana"), agent("bob"))


# -- its place ------------------------------------------------------------------------------


def test_a_call_back_has_the_place_of_the_chat_that_it_replaces(house: House) -> None:
    waiting, decided = waits(house)
    house.pass_time(300)
    later = house.arrive(mail("later"))
    house.pass_time(60)
    ask(house, decided)
    item = called(house, waiting.case)
    assert (item.kind, item.state) == (ChannelKind.CALLBACK, ItemState.QUEUED)
    assert item.queued_at == waiting.queued_at == START
    assert item.callback is not None
    assert item.callback.replaces == waiting.id
    assert waiting.id not in house.state.items
    assert case_of(house, decided).status is CaseStatus.OPEN
    house.sign_in("ana")
    assert house.offers[0].item == item.id
    assert later.item not in house.offered()


def test_who_is_told_sees_why_the_chat_ended(house: House) -> None:
    waiting, decided = waits(house)
    ask(house, decided)
    (gone,) = house.events(e.ItemCanceled)
    assert (gone.item, gone.by) == (waiting.id, "customer")
    assert "called back instead" in gone.reason


def test_a_chat_that_is_offered_is_taken_back_for_the_call(house: House) -> None:
    house.sign_in("ana")
    waiting, decided = waits(house)
    assert house.offered() == {waiting.id: "ana"}
    ask(house, decided)
    assert house.offered() == {called(house, waiting.case).id: "ana"}


def test_a_chat_that_somebody_works_on_goes_on_beside_the_call(house: House) -> None:
    house.sign_in("ana")
    waiting, decided = waits(house)
    house.accept("ana")
    ask(house, decided)
    assert house.state.items[waiting.id].state is ItemState.ASSIGNED
    assert called(house, waiting.case).callback is not None


def test_a_first_word_may_ask_for_a_call(house: House) -> None:
    decided = house.arrive(chat("call", body=NUMBER, callback=CallbackWish(number=NUMBER)))
    item = house.state.items[decided.item or ItemId("")]
    assert item.kind is ChannelKind.CALLBACK
    assert item.callback is not None
    assert (item.callback.number, item.callback.via) == (NUMBER, ChannelKind.WEBCHAT)
    assert decided.seq == 1


def test_the_agent_of_the_case_calls_if_there(house: House) -> None:
    house.sign_in("ana")
    waiting, decided = waits(house)
    house.accept("ana")
    house.say("ana", c.Park(id=ID, item=waiting.id))
    house.sign_in("bob")
    ask(house, decided)
    (match,) = house.offers[1:]
    assert (match.agent, match.reason) == ("ana", "had this case last")


def test_at_the_time_that_was_asked_for_it_waits_a_little_for_who_is_to_call() -> None:
    one_call = replace(agent("ana"), capacity={ChannelKind.CALLBACK: 1})
    house = House(one_call, agent("bob"))
    house.sign_in("ana")
    waiting, decided = waits(house)
    house.accept("ana")
    house.say("ana", c.Park(id=ID, item=waiting.id))
    house.arrive(chat("other", body=NUMBER, callback=CallbackWish(number=NUMBER)))
    house.accept("ana")
    house.sign_in("bob")
    ask(house, decided, "later", at=START + timedelta(hours=2))
    house.pass_time(7201)
    assert not house.offered()
    house.pass_time(30)
    assert house.offered() == {called(house, waiting.case).id: "bob"}


def test_the_agent_of_the_case_is_no_better_where_the_queue_says_so() -> None:
    plain = queue(callbacks=Callbacks(same_agent=False))
    house = House(agent("ana"), queues=[plain])
    house.sign_in("ana")
    waiting, decided = waits(house)
    house.accept("ana")
    ask(house, decided)
    assert called(house, waiting.case).last_agent is None


# -- one for each matter ----------------------------------------------------------------------


def test_who_asks_twice_is_called_once(house: House) -> None:
    waiting, decided = waits(house)
    ask(house, decided)
    first = called(house, waiting.case)
    house.pass_time(60)
    again = ask(house, decided, "again", number="+49 30 7654321")
    assert again.item == first.id
    second = called(house, waiting.case)
    assert second.callback is not None
    assert second.callback.number == "+49 30 7654321"
    assert second.queued_at == first.queued_at


def test_who_asks_for_another_time_is_called_then(house: House) -> None:
    waiting, decided = waits(house)
    ask(house, decided)
    ask(house, decided, "later", at=START + timedelta(hours=2))
    item = called(house, waiting.case)
    assert (item.state, item.wake_at) == (ItemState.SCHEDULED, START + timedelta(hours=2))
    ask(house, decided, "now")
    assert called(house, waiting.case).state is ItemState.QUEUED


DEEDS = st.lists(
    st.one_of(
        st.tuples(st.just("ask"), st.sampled_from([None, 600, 7200])),
        st.tuples(
            st.sampled_from(
                [
                    "write",
                    "end",
                    "accept",
                    "decline",
                    "agent asks",
                    "done",
                    "not_reached",
                    "park",
                    "cancel",
                ]
            ),
            st.just(0),
        ),
        st.tuples(st.just("pass"), st.sampled_from([1, 30, 700, 5000])),
    ),
    max_size=25,
)


@given(DEEDS)
def test_there_never_are_two_for_one_matter(deeds: list[tuple[str, int | None]]) -> None:
    house = House(agent("ana"), queues=[queue(callbacks=Callbacks(again_seconds=60))])
    house.sign_in("ana")
    _, decided = waits(house)
    for number, (deed, value) in enumerate(deeds):
        with suppress(Refused):
            _do(house, decided, deed, value, number)
        open_ones = [i for i in house.state.items_of_case(decided.case) if i.callback]  # type: ignore[arg-type]
        assert len(open_ones) <= 1
        if not house.is_ready("ana"):
            house.say("ana", c.State(id=house.command(), state="ready"))


def _do(house: House, decided: Decided, deed: str, value: int | None, number: int) -> None:
    in_hand = house.state.in_hand("ana")  # type: ignore[arg-type]
    mine = [i for i in in_hand if i.state is ItemState.ASSIGNED]
    match deed:
        case "ask":
            at = None if value is None else house.clock.now() + timedelta(seconds=value)
            ask(house, decided, f"ask {number}", at=at)
        case "write":
            house.arrive(chat(f"line {number}"), conversation=case_of(house, decided))
        case "end":
            ended = chat(f"end {number}", attributes={"chat": "ended"})
            house.arrive(ended, conversation=case_of(house, decided))
        case "cancel":
            cancel(house, decided, f"cancel {number}")
        case "pass":
            house.pass_time(value or 0)
        case "accept" | "decline" if offered := house.offered_to("ana"):
            make = c.Accept if deed == "accept" else c.Decline
            house.say("ana", make(id=house.command(), offer=_offer(offered[0])))
        case "agent asks" if mine:
            house.say("ana", c.AskCallback(id=house.command(), item=mine[0].id, number=NUMBER))
        case "done" | "not_reached" if mine:
            code = "reached" if deed == "done" and mine[0].callback else deed
            house.say("ana", c.Wrapup(id=house.command(), item=mine[0].id, code=code))
        case "park" if mine:
            house.say("ana", c.Park(id=house.command(), item=mine[0].id))
        case _:
            pass


def _offer(offered: Item) -> OfferId:
    assert offered.offer is not None
    return offered.offer.id


# -- when -------------------------------------------------------------------------------------


def test_it_is_made_at_the_time_that_was_asked_for(house: House) -> None:
    house.sign_in("ana")
    house.say("ana", c.State(id=house.command(), state="not_ready"))
    waiting, decided = waits(house)
    ask(house, decided, at=START + timedelta(hours=1))
    house.say("ana", c.State(id=house.command(), state="ready"))
    assert not house.offered()
    house.pass_time(3601)
    item = called(house, waiting.case)
    assert house.offered() == {item.id: "ana"}
    assert item.queued_at == waiting.queued_at, "it has kept its place"
    assert item.due_at == START + timedelta(hours=1)


def test_a_time_without_offset_is_one_in_the_customers_zone(house: House) -> None:
    waiting, decided = waits(house)
    local = datetime(2026, 3, 2, 15, 0)  # noqa: DTZ001 - as the customer says it
    ask(house, decided, at=local, zone="America/Bogota")
    assert called(house, waiting.case).wake_at == START + timedelta(hours=11)


@pytest.mark.parametrize(
    ("wish", "why"),
    [
        ({"number": "call me maybe"}, "no telephone number"),
        ({"number": "12"}, "no telephone number"),
        ({"at": START - timedelta(seconds=1)}, "lies in the past"),
        ({"at": START + timedelta(days=91)}, "at most 90 days ahead"),
        ({"at": datetime(2026, 3, 2, 15, 0)}, "in which time zone"),  # noqa: DTZ001
        ({"at": datetime(2026, 3, 2, 15, 0), "zone": "Mars/Base"}, "no time zone"),  # noqa: DTZ001
        ({"agent": "nobody"}, "no agent 'nobody'"),
    ],
)
def test_what_cannot_be_is_answered_with_why(house: House, wish: dict[str, Any], why: str) -> None:
    waiting, decided = waits(house)
    told = ask(house, decided, **wish)
    assert told.status == "ignored"
    assert why in told.reason
    assert house.state.items[waiting.id].state is ItemState.QUEUED


def test_a_time_when_nobody_is_there_is_refused_with_the_next_one() -> None:
    house = closing()
    _, decided = waits(house)
    told = ask(house, decided, at=START + timedelta(hours=10), zone="Europe/Berlin")
    assert told.reason == "nobody is there then; the next time is 2026-03-03 10:00 Europe/Berlin"


def test_as_soon_as_possible_at_night_is_in_the_morning() -> None:
    house = closing()
    house.clock.seconds = 9 * 3600
    waiting, decided = waits(house)
    ask(house, decided)
    item = called(house, waiting.case)
    assert (item.state, item.wake_at) == (ItemState.SCHEDULED, START + timedelta(days=1))
    house.sign_in("ana")
    house.pass_time(15 * 3600 + 1)
    assert house.offered() == {item.id: "ana"}
