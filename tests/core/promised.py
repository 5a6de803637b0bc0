"""A house that promises times, and what is asked of its clocks."""

from datetime import datetime, timedelta
from typing import Any

from gateway.core import acts
from gateway.core import commands as c
from gateway.core import events as e
from gateway.core.calendars import WEEKDAYS, Calendar
from gateway.core.clocks import Clock, ServicePolicy
from gateway.core.ids import AgentName, ItemId, PolicyName
from gateway.core.model import Item
from gateway.core.service_level import recounted
from tests.support.builders import START, House, agent, mail, queue
from tests.support.wallclock import calendar

HOUR = 3600.0
ANA, SUE = AgentName("ana"), AgentName("sue")
GOLD = ServicePolicy(
    name=PolicyName("gold"), first_reply=HOUR, next_reply=2 * HOUR, resolution=8 * HOUR
)


OFFICE_HOURS = calendar(
    "Europe/Berlin", week=dict.fromkeys(WEEKDAYS[:5], ("09:00-12:30", "13:30-18:00"))
)


def house(policy: ServicePolicy = GOLD, *entries: Calendar | ServicePolicy, **fields: Any) -> House:
    """One queue with this policy, and one agent; nothing is offered by itself."""
    home = House(agent("ana"), queues=(queue(service_policy=policy.name, **fields),), settles=False)
    define(home, policy, *entries)
    home.sign_in("ana")
    return home


def define(home: House, *entries: Calendar | ServicePolicy) -> None:
    for entry in entries:
        event: e.Event
        if isinstance(entry, Calendar):
            event = e.CalendarDefined(calendar=entry, by="test")
        else:
            event = e.ServicePolicyDefined(policy=entry, by="test")
        home.record([e.Change(event)])


def arrives(home: House, key: str = "k1", **fields: Any) -> ItemId:
    decided = home.arrive(mail(key, **fields))
    assert decided.item is not None
    return decided.item


def item(home: House, key: ItemId) -> Item:
    return home.state.items.get(key) or home.tables.items[key]


def clock(home: House, key: ItemId, kind: Any) -> Clock:
    service = item(home, key).service
    assert service is not None
    found = service.clock(kind)
    assert found is not None, f"no clock {kind}"
    return found


def give(home: House, key: ItemId) -> None:
    home.record(acts.assign(home.state, key, ANA, SUE, ""))


def send(home: House, key: ItemId, then: Any = None) -> None:
    home.say("ana", c.Send(id=home.command(), item=key, body="Good day", then=then))


def writes_again(home: House, key: ItemId, text: str) -> ItemId:
    """The customer's next mail in the same case."""
    known = home.tables.cases[item(home, key).case]
    decided = home.arrive(mail(text), referenced=known, reference="our mail")
    assert decided.item is not None
    return decided.item


def after(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


def recount(home: House, key: ItemId) -> None:
    home.record(recounted(home.state, item(home, key), home.ledger.context(), "changed"))
