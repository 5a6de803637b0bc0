"""What an agent puts aside, ends, reopens and hands on."""

from datetime import timedelta
from typing import Any

import pytest

from gateway.core import commands as c
from gateway.core.ids import (
    AgentName,
    CaseId,
    QueueName,
)
from gateway.core.model import (
    CaseStatus,
    Item,
    ItemState,
)
from tests.core.desk.looks import ID, case_of, check
from tests.support.builders import House, mail

# -- moving work ----------------------------------------------------------------------------


def test_a_parked_item_wakes_by_itself(house: House, held: Item) -> None:
    until = house.clock.now() + timedelta(hours=2)
    house.say("ana", c.Park(id=ID, item=held.id, until=until))
    house.pass_time(7199)
    assert house.state.items[held.id].state is ItemState.HELD
    house.pass_time(2)
    assert house.offered() == {held.id: "ana"}


def test_a_time_that_has_passed_is_no_time_to_wake(house: House, held: Item) -> None:
    check(house, c.Park(id=ID, item=held.id, until=house.clock.now()), "bad_frame", "until")


def test_a_time_to_wake_has_its_offset(house: House, held: Item) -> None:
    until = (house.clock.now() + timedelta(hours=2)).replace(tzinfo=None)
    check(house, c.Park(id=ID, item=held.id, until=until), "bad_frame", "until")


def test_a_parked_item_can_be_taken_up_again(house: House, held: Item) -> None:
    house.say("ana", c.Park(id=ID, item=held.id))
    assert house.say("ana", c.Resume(id=ID, item=held.id)) == {"item": held.id}
    assert house.state.items[held.id].state is ItemState.ASSIGNED
    assert case_of(house, held).status is CaseStatus.OPEN


def test_wrap_up_can_be_taken_back(house: House, held: Item) -> None:
    house.say("ana", c.Send(id=ID, item=held.id, body="Done.", then="close"))
    house.say("ana", c.Resume(id=ID, item=held.id))
    assert house.state.items[held.id].state is ItemState.ASSIGNED


def test_wrap_up_ends_the_item_with_its_code(house: House, held: Item) -> None:
    wrap = c.Wrapup(id=ID, item=held.id, code="refund", categories=("money",), note="Paid back.")
    house.say("ana", wrap)
    done = house.tables.items[held.id]
    assert (done.state, done.code, done.categories) == (ItemState.COMPLETED, "refund", ("money",))
    notes = [m for m in house.tables.messages.values() if m.direction == "note"]
    assert [m.body for m in notes] == ["Paid back."]
    assert case_of(house, held).status is CaseStatus.SOLVED


def test_a_solved_case_is_reopened_into_ones_own_hand(house: House, held: Item) -> None:
    house.complete("ana", held.id)
    case = house.tables.cases[held.case]
    last = house.tables.items[held.id]
    house.state.adopt(case)
    body = house.say("ana", c.Reopen(id=ID, case=case.id), case=case, last_item=last)
    item = house.state.items[body["item"]]
    assert (item.agent, item.address, item.thread, item.number) == (
        "ana",
        "eva@example.org",
        ("m1@example.org",),
        case.number,
    )
    assert case_of(house, item).status is CaseStatus.OPEN


def test_a_case_with_open_work_is_not_reopened(house: House, held: Item) -> None:
    case = house.state.cases[held.case]
    reopen = c.Reopen(id=ID, case=case.id)
    check(house, reopen, "wrong_state", "case", case=case, last_item=held)
    check(house, c.Reopen(id=ID, case=CaseId("none")), "not_found", "case")


def test_tags_are_added_once_and_taken_away(house: House, held: Item) -> None:
    def tag(**change: Any) -> Any:
        case = house.state.cases[held.case]
        return house.say("ana", c.TagCase(id=ID, case=held.case, **change), case=case)["tags"]

    assert tag(add=("vip", "late")) == ("vip", "late")
    assert tag(add=("vip",)) == ("vip", "late")
    assert tag(remove=("vip", "never")) == ("late",)
    assert case_of(house, held).tags == ("late",)


def test_a_case_has_fifty_tags_at_most(house: House, held: Item) -> None:
    case = house.state.cases[held.case]
    many = c.TagCase(id=ID, case=case.id, add=tuple(f"t{n}" for n in range(51)))
    check(house, many, "bad_frame", "add", case=case)
    check(house, c.TagCase(id=ID, case=CaseId("none")), "not_found", "case")


def test_a_transfer_to_a_queue_waits_anew(house: House, held: Item) -> None:
    house.clock.seconds += 60
    move = c.Transfer(id=ID, item=held.id, queue=QueueName("sales"), note="Wants to buy.")
    house.say("ana", move)
    item = house.state.items[held.id]
    assert (item.state, item.queue, item.agent, item.queued_at) == (
        ItemState.QUEUED,
        "sales",
        None,
        house.clock.now(),
    )
    assert item.reason == "transferred to sales by ana"


def test_a_transfer_to_an_agent_is_an_offer(house: House, held: Item) -> None:
    house.sign_in("bob")
    house.say("ana", c.Transfer(id=ID, item=held.id, agent=AgentName("bob")))
    assert house.offered() == {held.id: "bob"}
    assert house.accept("bob").agent == "bob"


def test_a_transfer_that_is_declined_does_not_come_straight_back(house: House, held: Item) -> None:
    house.sign_in("bob")
    house.say("ana", c.Transfer(id=ID, item=held.id, agent=AgentName("bob")))
    house.decline("bob")
    assert house.offered() == {}


@pytest.mark.parametrize(
    ("fields", "code", "field"),
    [
        ({}, "bad_frame", "queue"),
        ({"queue": QueueName("sales"), "agent": AgentName("bob")}, "bad_frame", "queue"),
        ({"queue": QueueName("none")}, "not_found", "queue"),
        ({"agent": AgentName("zoe")}, "not_found", "agent"),
        ({"agent": AgentName("bob")}, "busy", "agent"),
    ],
)
def test_what_cannot_be_transferred(
    house: House, held: Item, fields: dict[str, Any], code: str, field: str
) -> None:
    check(house, c.Transfer(id=ID, item=held.id, note="n", **fields), code, field)


def test_nothing_is_transferred_to_full_hands(house: House, held: Item) -> None:
    house.say("ana", c.State(id=ID, state="not_ready"))
    house.sign_in("bob")
    for n in range(2):
        house.arrive(mail(f"b{n}"))
        house.accept("bob")
    check(house, c.Transfer(id=ID, item=held.id, agent=AgentName("bob")), "busy", "agent")
