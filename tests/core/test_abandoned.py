"""Who leaves before the first answer, and what the queue's rule makes of it."""

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core import commands as c
from gateway.core import events as e
from gateway.core.calendars import WEEKDAYS, Calendar
from gateway.core.folds import apply
from gateway.core.ids import CalendarName, CaseId, CommandId, ItemId, QueueName
from gateway.core.model import CaseStatus, ChannelKind, Item, ItemState
from gateway.core.owed import Abandoned
from tests.support.builders import START, House, agent, chat, queue

MAIL = {"claimed_email": "eva@example.org"}
PHONE = {"claimed_phone": "+49 30 1234567"}


def left(
    rules: Abandoned, *, after: float = 60.0, attributes: dict[str, str] | None = None
) -> tuple[House, CaseId]:
    """A chat whose customer has gone after so many seconds in the queue."""
    house = House(agent("ana"), queues=[queue(abandoned=rules), queue("rescue")])
    decided = house.arrive(chat("hello", attributes=attributes or {}))
    assert decided.case is not None
    house.pass_time(after)
    gone = chat("end", attributes={"chat": "ended"})
    house.arrive(gone, conversation=house.tables.cases[decided.case])
    return house, decided.case


def answered(house: House) -> e.AbandonmentAnswered:
    (event,) = house.events(e.AbandonmentAnswered)
    assert isinstance(event, e.AbandonmentAnswered)
    return event


def open_items(house: House, case: CaseId) -> list[Item]:
    return house.state.items_of_case(case)


def test_who_leaves_is_counted_also_where_nothing_is_done() -> None:
    house, case = left(Abandoned())
    assert (answered(house).then, answered(house).waited) == ("ignore", 60.0)
    assert house.tables.cases[case].status is CaseStatus.CLOSED


def test_who_leaves_at_once_is_counted_apart_and_left_alone() -> None:
    house, case = left(Abandoned(then="recovery"), after=4)
    assert (answered(house).then, answered(house).reason) == ("ignore", "left within 5 s")
    assert not open_items(house, case)


def test_a_message_goes_to_the_address_that_was_left() -> None:
    rules = Abandoned(then="message", message={"": "Sorry that you had to wait."})
    house, _ = left(rules, attributes=MAIL)
    (order,) = house.state.outbox.values()
    assert (order.kind, order.address) == (ChannelKind.EMAIL, "eva@example.org")
    assert answered(house).then == "message"


@pytest.mark.parametrize("bad", ["", "eva", "eva@example.org\nBcc: all@example.org", "a@b"])
def test_nothing_is_written_to_what_is_no_address(bad: str) -> None:
    rules = Abandoned(then="message", message={"": "Sorry"})
    house, _ = left(rules, attributes={"claimed_email": bad})
    assert not house.state.outbox
    assert answered(house).reason == "no mail address is known"


def test_the_recovery_programme_gets_a_task() -> None:
    rules = Abandoned(then="recovery", queue=QueueName("rescue"), title="Win Eva back")
    house, case = left(rules, attributes=PHONE)
    (item,) = open_items(house, case)
    assert (item.kind, item.queue, item.subject) == (ChannelKind.TASK, "rescue", "Win Eva back")
    assert item.state is ItemState.QUEUED
    assert item.attributes["claimed_phone"] == "+49 30 1234567"
    assert house.tables.cases[case].status is CaseStatus.OPEN
    notes = [m.body for m in house.tables.messages.values() if m.direction == "note"]
    assert notes == ["The customer left queue 'general' after 60 s without an answer."]


def test_who_left_a_number_is_called_back_in_the_same_place() -> None:
    house, case = left(Abandoned(then="callback"), attributes=PHONE)
    (item,) = open_items(house, case)
    assert item.callback is not None
    assert (item.callback.number, item.callback.asked_by) == ("+49 30 1234567", "abandoned")
    assert item.queued_at == START
    assert answered(house).then == "callback"


def test_who_left_a_mail_address_is_answered_there_instead() -> None:
    house, case = left(Abandoned(then="callback"), attributes=MAIL)
    (item,) = open_items(house, case)
    assert item.callback is not None
    assert (item.callback.via, item.address) == (ChannelKind.EMAIL, "eva@example.org")
    house.sign_in("ana")
    mine = house.accept("ana")
    house.say("ana", c.Send(id=CommandId("command-answer"), item=mine.id, body="Hello Eva"))
    (order,) = house.state.outbox.values()
    assert order.address == "eva@example.org"


def test_who_left_nothing_cannot_be_called() -> None:
    house, case = left(Abandoned(then="callback"))
    assert not open_items(house, case)
    assert answered(house).then == "ignore"


def test_who_was_answered_before_has_not_given_up() -> None:
    house = House(agent("ana"), queues=[queue(abandoned=Abandoned(then="recovery"))])
    house.sign_in("ana")
    decided = house.arrive(chat("hello"))
    item = house.accept("ana")
    house.say("ana", c.Send(id=CommandId("command-answer"), item=item.id, body="Hello"))
    house.say("ana", c.State(id=CommandId("command-away"), state="not_ready"))
    house.say(
        "ana",
        c.Transfer(id=CommandId("command-pass"), item=item.id, queue=QueueName("general")),
    )
    assert house.state.items[item.id].state is ItemState.QUEUED
    house.pass_time(timedelta(minutes=5).total_seconds())
    assert decided.case is not None
    house.arrive(
        chat("end", attributes={"chat": "ended"}), conversation=house.tables.cases[decided.case]
    )
    assert house.tables.items[item.id].state is ItemState.ABANDONED
    assert not house.events(e.AbandonmentAnswered)


# -- whose window has gone ----------------------------------------------------------------------


def waiting(rules: Abandoned, **more: Any) -> tuple[House, CaseId, ItemId]:
    house = House(agent("ana"), queues=[queue(abandoned=rules, **more), queue("rescue")])
    decided = house.arrive(chat("hello", attributes=PHONE))
    assert decided.case is not None
    assert decided.item is not None
    return house, decided.case, decided.item


def sign(house: House, case: CaseId, what: str, key: str = "") -> None:
    known = house.tables.cases[case]
    house.arrive(chat(key or f"{what} 1", body="", sign=what), conversation=known)


def test_whose_window_has_gone_and_stays_away_has_given_up_when_it_went() -> None:
    house, case, item = waiting(Abandoned(then="callback", gone_after=60))
    house.pass_time(30)
    sign(house, case, "left")
    house.pass_time(59)
    assert house.state.items[item].state is ItemState.QUEUED, "it may come back"
    house.pass_time(2)
    assert item not in house.state.items
    assert (answered(house).then, answered(house).waited) == ("callback", 30.0)
    (call,) = open_items(house, case)
    assert call.callback is not None
    assert call.queued_at == START


def test_who_comes_back_in_time_waits_on_in_the_same_place() -> None:
    house, case, item = waiting(Abandoned(then="callback", gone_after=60))
    for round_ in range(3):
        sign(house, case, "left", f"left {round_}")
        house.pass_time(59)
        sign(house, case, "back", f"back {round_}")
        house.pass_time(59)
    assert house.state.items[item].queued_at == START
    assert house.state.items[item].gone is None
    assert not house.events(e.AbandonmentAnswered)


def test_who_closes_the_window_at_once_is_left_alone() -> None:
    house, case, _ = waiting(Abandoned(then="recovery", gone_after=60))
    house.pass_time(3)
    sign(house, case, "left")
    house.pass_time(61)
    assert (answered(house).then, answered(house).reason) == ("ignore", "left within 5 s")


def test_what_is_offered_is_taken_back_from_who_has_not_looked_yet() -> None:
    house, case, item = waiting(Abandoned(gone_after=10))
    house.sign_in("ana")
    assert house.offered() == {item: "ana"}
    sign(house, case, "left")
    house.pass_time(11)
    assert not house.offered()
    assert house.is_ready("ana"), "it was not missed"


def test_whoever_somebody_is_at_has_not_given_up() -> None:
    house, case, item = waiting(Abandoned(gone_after=10))
    sign(house, case, "left")
    house.sign_in("ana")
    house.accept("ana")
    house.pass_time(600)
    assert house.state.items[item].state is ItemState.ASSIGNED
    sign(house, case, "back")
    assert house.state.items[item].gone is None


def test_a_queue_may_keep_them_and_a_closed_one_does() -> None:
    night = Calendar(name=CalendarName("night"), week=dict.fromkeys(WEEKDAYS, ()))
    never, case, item = waiting(Abandoned(gone_after=None))
    sign(never, case, "left")
    never.pass_time(86_400)
    assert item in never.state.items
    shut, case, item = waiting(Abandoned(gone_after=10), hours=night.name)
    apply(shut.state, e.CalendarDefined(calendar=night, by="test"), START)
    sign(shut, case, "left")
    shut.pass_time(3_600)
    assert item in shut.state.items


def test_a_leaving_that_is_told_twice_is_one() -> None:
    house, case, item = waiting(Abandoned(gone_after=60))
    sign(house, case, "left", "left here")
    house.pass_time(30)
    sign(house, case, "left", "left there")
    assert len(house.events(e.CustomerLeft)) == 1
    sign(house, case, "back")
    sign(house, case, "back", "back again")
    assert len(house.events(e.CustomerBack)) == 1
    assert item in house.state.items


@given(
    st.lists(
        st.tuples(st.sampled_from(["left", "back", "write"]), st.integers(0, 90)),
        max_size=12,
    )
)
def test_nobody_is_given_up_but_who_has_been_gone_so_long(
    deeds: list[tuple[str, int]],
) -> None:
    house, case, item = waiting(Abandoned(gone_after=60))
    gone_for: int | None = None
    for n, (deed, seconds) in enumerate(deeds):
        if item not in house.state.items:
            break
        if deed == "write":
            house.arrive(chat(f"line {n}"), conversation=house.tables.cases[case])
        else:
            sign(house, case, deed, f"{deed} {n}")
        gone_for = None if deed == "back" else gone_for
        if deed == "left" and gone_for is None:
            gone_for = 0
        house.pass_time(seconds)
        gone_for = None if gone_for is None else gone_for + seconds
        assert (item not in house.state.items) is (gone_for is not None and gone_for >= 60)
