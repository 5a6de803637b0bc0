"""Customers who ask to be called, and what is known of their calls."""

from typing import Any

from gateway.core import events as e
from gateway.core.calendars import Calendar
from gateway.core.ids import CalendarName, CaseId, CommandId
from gateway.core.inbound import Decided
from gateway.core.model import Case, Item
from gateway.core.owed import CallbackWish
from tests.support.builders import House, agent, chat, queue

NUMBER = "+49 30 1234567"
ID = CommandId("command-callback")


def case_of(house: House, decided: Decided) -> Case:
    assert decided.case is not None
    return house.tables.cases[decided.case]


def waits(house: House) -> tuple[Item, Decided]:
    """A chat that waits for somebody."""
    decided = house.arrive(chat("hello"))
    assert decided.item is not None
    return house.state.items[decided.item], decided


def called(house: House, case: CaseId) -> Item:
    (only,) = [i for i in house.state.items_of_case(case) if i.callback is not None]
    return only


def ask(house: House, decided: Decided, key: str = "call", **wish: Any) -> Decided:
    inbound = chat(key, body=NUMBER, callback=CallbackWish(**({"number": NUMBER} | wish)))
    return house.arrive(inbound, conversation=case_of(house, decided))


def cancel(house: House, decided: Decided, key: str = "cancel") -> Decided:
    inbound = chat(key, body="", callback=CallbackWish(cancel=True))
    return house.arrive(inbound, conversation=case_of(house, decided))


OFFICE_HOURS = Calendar(
    name=CalendarName("office"),
    zone="UTC",
    week={"monday": ("09:00-17:00",), "tuesday": ("09:00-17:00",)},
)


def closing(**more: Any) -> House:
    house = House(agent("ana"), queues=[queue(hours=CalendarName("office"), **more)])
    house.record([e.Change(e.CalendarDefined(calendar=OFFICE_HOURS, by="test"))])
    return house
