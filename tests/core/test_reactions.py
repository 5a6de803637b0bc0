"""What follows from an event whoever caused it."""

import pytest
from msgspec.structs import replace

from gateway.core import acts
from gateway.core import commands as c
from gateway.core import events as e
from gateway.core.ids import AgentName, CommandId, ItemId
from gateway.core.model import CaseStatus, ItemState, Outgoing
from tests.support.builders import House, agent, mail, task

ID = CommandId("command-x")
HOOK = "https://erp.example.org/hook"


def told(house: House) -> list[Outgoing]:
    return sorted(house.tables.outbox.values(), key=lambda o: o.id)


@pytest.fixture
def house() -> House:
    made = House(agent("ana"), agent("bob"))
    made.sign_in("ana")
    return made


def test_who_filed_a_task_is_told_how_it_goes(house: House) -> None:
    house.arrive(task("t1", address=HOOK))
    item = house.accept("ana")
    house.say("ana", c.Park(id=ID, item=item.id))
    house.say("ana", c.Resume(id=ID, item=item.id))
    house.say("ana", c.Wrapup(id=ID, item=item.id, code="fine"))
    said = [(o.payload["event"], o.payload["code"], o.address) for o in told(house)]
    assert said == [
        ("item.assigned", "", HOOK),
        ("item.held", "", HOOK),
        ("item.assigned", "", HOOK),
        ("item.completed", "fine", HOOK),
    ]
    assert all(o.purpose == "status" and o.message is None for o in told(house))


def test_what_the_filer_is_told_names_the_version_it_is_about(house: House) -> None:
    house.arrive(task("t1", address=HOOK))
    item = house.accept("ana")
    house.complete("ana", item.id)
    versions = [o.payload["version"] for o in told(house)]
    assert versions == sorted(set(versions), key=str)
    assert versions[-1] == house.tables.items[item.id].version


def test_waiting_and_offers_are_our_own_business(house: House) -> None:
    house.arrive(task("t1", address=HOOK))
    house.decline("ana")
    house.pass_time(61)
    assert told(house) == []


def test_who_named_no_address_is_told_nothing(house: House) -> None:
    house.arrive(task("t1"))
    house.complete("ana", house.accept("ana").id)
    assert told(house) == []


def test_mail_has_no_callback(house: House) -> None:
    house.arrive(mail("m1"))
    house.complete("ana", house.accept("ana").id)
    assert told(house) == []


def test_a_case_is_solved_with_its_last_item_and_not_before(house: House) -> None:
    opened = house.arrive(mail("m1"))
    assert opened.case is not None
    item = house.accept("ana")
    second = replace(
        item, id=ItemId(house.new_id()), state=ItemState.NEW, version=1, agent=None, passed=()
    )
    house.record(
        [
            e.Change(e.ItemCreated(item=second)),
            e.Change(e.ItemQueued(item=second.id, queue=second.queue, reason="too")),
        ]
    )
    house.complete("ana", item.id)
    assert house.tables.cases[opened.case].status is CaseStatus.OPEN
    house.complete("ana", house.accept("ana").id)
    assert house.tables.cases[opened.case].status is CaseStatus.SOLVED


@pytest.mark.parametrize("end", ["canceled", "abandoned"])
def test_a_case_whose_last_item_came_to_nothing_is_closed(house: House, end: str) -> None:
    opened = house.arrive(mail("m1"))
    assert opened.item is not None
    assert opened.case is not None
    if end == "canceled":
        house.record(acts.cancel(house.state, opened.item, "sue", "spam"))
    else:
        house.say("ana", c.State(id=ID, state="not_ready"))
        house.record([e.Change(e.ItemAbandoned(item=opened.item, reason="left"))])
    assert house.tables.cases[opened.case].status is CaseStatus.CLOSED


def test_an_agent_who_is_defined_as_inactive_lets_go(house: House) -> None:
    house.arrive(mail("m1"))
    item = house.accept("ana")
    gone = replace(house.state.profiles[AgentName("ana")], active=False)
    house.record([e.Change(e.AgentDefined(profile=gone, by="sue"))])
    assert house.state.items[item.id].state is ItemState.QUEUED
    assert house.state.items[item.id].reason == "ana is no longer in the directory"
