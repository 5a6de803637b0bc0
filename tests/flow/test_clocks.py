"""Clocks on a node at work: what changes in the directory, a restart, and what customers see."""

import asyncio
from datetime import timedelta

from gateway.core import events as e
from gateway.core.calendars import WEEKDAYS, Calendar, Closed
from gateway.core.clocks import ServicePolicy
from gateway.core.ids import CalendarName, PolicyName, QueueName
from gateway.flow.openhours import OpenHours
from tests.flow.days import story
from tests.support.builders import GENERAL, agent, mail, queue
from tests.support.flownode import Rig, new_tables, running
from tests.support.virtual import START, run

OFFICE = CalendarName("office")
OPEN = Calendar(name=OFFICE, week=dict.fromkeys(WEEKDAYS, ("00:00-24:00",)))
EVENING = Calendar(name=OFFICE, week=dict.fromkeys(WEEKDAYS, ("20:00-22:00",)))
SOON = ServicePolicy(
    name=PolicyName("soon"), calendar=OFFICE, first_reply=600.0, resolution=86_400.0
)
MANY = 1_000


def tell(rig: Rig, *events: e.Event) -> None:
    rig.node.ledger.record([e.Change(event) for event in events])


async def arrive(rig: Rig, count: int) -> None:
    for taken in await rig.node.intake.receive([mail(f"m{n}") for n in range(count)]):
        await rig.node.intake.decided(taken)
    await rig.caught_up()


def test_a_policy_change_while_a_thousand_wait_counts_all_of_them_within_a_second() -> None:
    async def tell_it(rig: Rig) -> None:
        loop, state = asyncio.get_running_loop(), rig.node.ledger.state
        promised = e.QueueDefined(queue=queue(service_policy=SOON.name), by="test")
        tell(rig, e.CalendarDefined(calendar=OPEN, by="test"))
        tell(rig, e.ServicePolicyDefined(policy=SOON, by="test"), promised)
        await arrive(rig, MANY)
        before = {item.id: item.due_at for item in state.items.values()}
        assert len(before) == MANY
        changed = ServicePolicy(name=SOON.name, calendar=OFFICE, first_reply=1200.0)
        began = loop.time()
        tell(rig, e.ServicePolicyDefined(policy=changed, by="test"))
        # The loop goes round a few times; none of them is long.
        await asyncio.sleep(0.9)
        assert loop.time() - began < 1.0
        later = timedelta(seconds=600)
        for item in state.items.values():
            assert item.due_at is not None
            assert item.due_at - later == before[item.id]

    async def day() -> None:
        async with running(new_tables(), agent("ana"), ready=False) as rig:
            await tell_it(rig)

    run(day())


def test_a_node_that_begins_counts_by_what_was_declared_while_it_was_away() -> None:
    async def days() -> None:
        tables = new_tables()
        async with running(tables, agent("ana"), ready=False) as rig:
            tell(rig, e.CalendarDefined(calendar=OPEN, by="test"))
            promised = e.QueueDefined(queue=queue(service_policy=SOON.name), by="test")
            tell(rig, e.ServicePolicyDefined(policy=SOON, by="test"), promised)
            await arrive(rig, 1)
            (item,) = rig.node.ledger.state.items.values()
            assert item.due_at == item.created_at + timedelta(seconds=600)
        tables.timetable["calendar", OFFICE] = EVENING
        async with running(tables, ready=False) as rig:
            await asyncio.sleep(1.0)
            (item,) = rig.node.ledger.state.items.values()
            assert item.due_at is not None
            assert (item.due_at.hour, item.due_at.minute) == (20, 10)

    run(days())


def test_a_breach_that_fell_into_the_time_away_is_told_when_the_node_is_back() -> None:
    async def days() -> None:
        tables = new_tables()
        async with running(tables, agent("ana"), ready=False) as rig:
            tell(rig, e.CalendarDefined(calendar=OPEN, by="test"))
            promised = e.QueueDefined(queue=queue(service_policy=SOON.name), by="test")
            tell(rig, e.ServicePolicyDefined(policy=SOON, by="test"), promised)
            await arrive(rig, 1)
            (item,) = rig.node.ledger.state.items.values()
        await asyncio.sleep(3600)
        async with running(tables, ready=False) as rig:
            await asyncio.sleep(1.0)
            await rig.caught_up()
        breaches = [
            entry.event
            for entry in tables.journal.values()
            if isinstance(entry.event, e.ServiceLevelBreached)
        ]
        assert [breach.due_at for breach in breaches] == [item.due_at]

    run(days())


def test_customers_are_told_of_hours_once_they_are_on_disk() -> None:
    async def tell_it(rig: Rig) -> None:
        ledger = rig.node.ledger
        hours = OpenHours(ledger)
        assert hours.closed(GENERAL) is None
        tell(rig, e.CalendarDefined(calendar=EVENING, by="test"))
        tell(rig, e.QueueDefined(queue=queue(hours=OFFICE), by="test"))
        assert hours.closed(GENERAL) is None, "not on disk yet"
        await ledger.committed(ledger.position)
        assert hours.closed(GENERAL) == Closed(START.replace(hour=20))
        assert hours.closed(QueueName("other")) is None
        tell(rig, e.QueueDefined(queue=queue(), by="test"))
        await ledger.committed(ledger.position)
        assert hours.closed(GENERAL) is None

    story(tell_it)
