"""The directory of nodes that change it at the same time, over a store in memory."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest
from msgspec.structs import replace

from gateway.core import events as e
from gateway.core.bad_addresses import BadAddress, key_of_address
from gateway.core.calendars import WEEKDAYS, Calendar
from gateway.core.clocks import Service, ServicePolicy
from gateway.core.closing import set_site
from gateway.core.ids import (
    AgentName,
    AlarmName,
    CalendarName,
    CannedName,
    LetterName,
    MacroName,
    NodeName,
    PolicyName,
    QueueName,
    RuleName,
    SiteName,
)
from gateway.core.macros import Macro
from gateway.core.model import ItemState
from gateway.core.rules.rule import Rule, Then
from gateway.core.stops import Stop, key_of_stop
from gateway.core.thresholds import Alarm
from gateway.core.timetable import TYPES, Kind, key_of
from gateway.core.wordings import Canned, Letter, WordsKind
from tests.support.builders import GENERAL, agent, item, queue, task
from tests.support.clusternodes import Running, a_house, running, until
from tests.support.flownode import new_tables
from tests.support.virtual import run

A, B = NodeName("n1"), NodeName("n2")
ANA, BOB = AgentName("ana"), AgentName("bob")
Story = Callable[[Running, Running], Awaitable[None]]


def play(story: Story) -> None:
    async def two_nodes() -> None:
        tables = a_house(new_tables(), agent(ANA), agent(BOB))
        async with running(tables, A) as one, running(tables, B) as two:
            await until(lambda: len(one.member.peers) == len(two.member.peers) == 2)
            await story(one, two)

    run(two_nodes())


def define(node: Running, name: AgentName, display_name: str) -> None:
    profile = replace(agent(name), display_name=display_name)
    node.node.ledger.record([e.Change(e.AgentDefined(profile=profile, by="test"))])


def names(node: Running, agent: AgentName) -> str:
    profile = node.node.ledger.state.profiles.get(agent)
    return profile.display_name if profile else "nobody"


def test_what_is_changed_at_one_node_is_known_at_the_other_and_journaled_once() -> None:
    async def story(one: Running, two: Running) -> None:
        define(one, AgentName("eve"), "Eve")
        name = QueueName("returns")
        one.node.ledger.record([e.Change(e.QueueDefined(queue=queue(name), by="test"))])
        state = two.node.ledger.state
        await until(lambda: "eve" in state.profiles and name in state.queues, 2.0)
        one.node.ledger.record([e.Change(e.AgentRemoved(agent=AgentName("eve"), by="test"))])
        one.node.ledger.record([e.Change(e.QueueRemoved(queue=name, by="test"))])
        await until(lambda: "eve" not in state.profiles and name not in state.queues, 2.0)
        kinds = (e.AgentDefined, e.AgentRemoved, e.QueueDefined, e.QueueRemoved)
        journal = one.tables.journal
        told = [node for (node, _), x in journal.items() if isinstance(x.event, kinds)]
        assert told == [A] * 4
        assert two.directory.followed == 4

    play(story)


@pytest.mark.parametrize("lead", [0.0, 0.001, 0.01, 0.03])
def test_two_nodes_that_change_one_entry_at_once_end_with_what_the_database_has(
    lead: float,
) -> None:
    async def story(one: Running, two: Running) -> None:
        one.store.faults.delayed = two.store.faults.delayed = 0.5
        one.store.faults.slow = two.store.faults.slow = 0.05
        for turn in range(30):
            define(one, ANA, f"of one {turn}")
            await asyncio.sleep(lead)
            define(two, ANA, f"of two {turn}")
        await one.caught_up()
        await two.caught_up()
        await asyncio.sleep(10.0)
        kept = one.tables.profiles[ANA].display_name
        assert (names(one, ANA), names(two, ANA)) == (kept, kept)

    play(story)


def test_what_is_told_of_a_change_elsewhere_stands_among_our_own_entries_in_its_place() -> None:
    async def story(one: Running, two: Running) -> None:
        ledger, told = two.node.ledger, list[e.Entry]()
        ledger.subscribe(told.extend)
        define(two, BOB, "before")
        ledger.follow([e.AgentDefined(profile=agent(ANA), by="elsewhere")])
        define(two, BOB, "after")
        await two.caught_up()
        ledger.follow([e.AgentRemoved(agent=ANA, by="elsewhere")])
        assert [type(x.event).__name__ for x in told] == [
            "AgentDefined", "AgentDefined", "AgentDefined", "AgentRemoved",
        ]  # fmt: skip
        assert [x.position.epoch for x in told] == [1, 0, 1, 0]
        assert ledger.uncommitted == 0

    play(story)


def test_what_an_agent_has_in_hand_who_is_removed_elsewhere_goes_back_here() -> None:
    async def story(one: Running, two: Running) -> None:
        await two.sign_in(ANA)
        await two.node.intake.receive([task("t", subject="t")])
        state = two.node.ledger.state
        await until(lambda: state.in_hand(ANA))
        one.node.ledger.record([e.Change(e.AgentRemoved(agent=ANA, by="test"))])
        await until(lambda: not state.in_hand(ANA))
        assert two.items["t"].queue == GENERAL
        assert two.node.reconciler.repaired == 0

    play(story)


def test_an_heir_knows_the_queue_that_the_dead_node_made_last() -> None:
    async def story(one: Running, two: Running) -> None:
        two.tail._consumers.clear()  # it died before anybody could read its journal
        name = QueueName("returns")
        one.node.ledger.record([e.Change(e.QueueDefined(queue=queue(name), by="test"))])
        await one.node.intake.receive([task("t", subject="t", queue=name)])
        await until(lambda: "t" in one.items)
        await one.caught_up()
        await one.vanish()
        await until(lambda: "t" in two.items)
        assert name in two.node.ledger.state.queues

    play(story)


PORT = SiteName("port")


def close(node: Running, percent: int, reason: str = "storm") -> None:
    ledger = node.node.ledger
    ledger.record(
        set_site(
            ledger.state,
            PORT,
            open_percent=percent,
            reason=reason,
            in_hand="keep",
            by="test",
            ctx=ledger.context(),
        )
    )


def seat(node: Running, name: AgentName) -> None:
    profile = replace(agent(name), site=PORT)
    node.node.ledger.record([e.Change(e.AgentDefined(profile=profile, by="test"))])


def test_a_site_that_is_closed_at_one_node_takes_its_agents_out_at_the_other() -> None:
    async def story(one: Running, two: Running) -> None:
        seat(one, ANA)
        state = two.node.ledger.state
        await until(lambda: state.at_site(PORT) == [ANA])
        await two.sign_in(ANA)
        await two.node.intake.receive([task("t", subject="t")])
        await until(lambda: state.in_hand(ANA))
        close(one, 0)
        await until(lambda: not state.in_hand(ANA), 2.0)
        assert two.items["t"].state is ItemState.QUEUED
        assert "site 'port' is closed (storm)" in two.items["t"].reason
        close(one, 100)
        await until(lambda: state.in_hand(ANA), 2.0)
        acts = [x for x in one.tables.journal.values() if isinstance(x.event, e.SiteChanged)]
        assert len(acts) == 2
        assert two.node.reconciler.repaired == 0

    play(story)


def test_two_nodes_that_close_one_site_at_once_end_with_what_the_database_has() -> None:
    async def story(one: Running, two: Running) -> None:
        one.store.faults.delayed = two.store.faults.delayed = 0.5
        one.store.faults.slow = two.store.faults.slow = 0.05
        seat(one, ANA)
        await until(lambda: two.node.ledger.state.at_site(PORT) == [ANA])
        for turn in range(20):
            close(one, turn, f"one {turn}")
            close(two, 100 - turn, f"two {turn}")
            await asyncio.sleep(0.01)
        await one.caught_up()
        await two.caught_up()
        await asyncio.sleep(10.0)
        kept = one.tables.sites[PORT]
        assert one.node.ledger.state.sites[PORT] == two.node.ledger.state.sites[PORT] == kept

    play(story)


OFFICE = Calendar(name=CalendarName("office"), week=dict.fromkeys(WEEKDAYS, ("00:00-24:00",)))
PROMISE = ServicePolicy(name=PolicyName("soon"), calendar=OFFICE.name, resolution=600.0)


def tell(node: Running, *events: e.Event) -> None:
    node.node.ledger.record([e.Change(event) for event in events])


def test_hours_and_policies_of_one_node_set_the_clocks_of_what_waits_at_the_other() -> None:
    async def story(one: Running, two: Running) -> None:
        await two.node.intake.receive([task("t", subject="t")])
        await until(lambda: "t" in two.items)
        promised = queue(GENERAL, service_policy=PROMISE.name)
        tell(
            one,
            e.CalendarDefined(calendar=OFFICE, by="test"),
            e.ServicePolicyDefined(policy=PROMISE, by="test"),
            e.QueueDefined(queue=promised, by="test"),
        )
        await until(lambda: two.items["t"].service is not None, 2.0)
        due = two.items["t"].due_at
        assert due is not None
        closed = replace(OFFICE, week={})
        tell(one, e.CalendarDefined(calendar=closed, by="test"))
        await until(lambda: two.items["t"].due_at is None, 2.0)
        tell(one, e.CalendarDefined(calendar=OFFICE, by="test"))
        await until(lambda: two.items["t"].due_at == due, 2.0)

    play(story)


def test_hours_and_policies_that_are_removed_at_one_node_are_gone_at_the_other() -> None:
    async def story(one: Running, two: Running) -> None:
        known = two.node.ledger.state.timetable
        tell(
            one,
            e.CalendarDefined(calendar=OFFICE, by="test"),
            e.ServicePolicyDefined(policy=PROMISE, by="test"),
        )
        await until(lambda: len(known.calendars) == len(known.policies) == 1, 2.0)
        tell(
            one,
            e.ServicePolicyRemoved(policy=PROMISE.name, by="test"),
            e.CalendarRemoved(calendar=OFFICE.name, by="test"),
        )
        await until(lambda: not known.calendars and not known.policies, 2.0)
        assert two.directory.followed == 4

    play(story)


def test_whatever_is_declared_at_one_node_is_known_at_the_other_and_gone_when_it_is_removed() -> (
    None
):
    async def story(one: Running, two: Running) -> None:
        rule = Rule(name=RuleName("greet"), then=Then(note="hello"))
        macro = Macro(name=MacroName("sorry"), then=Then(note="sorry"))
        alarm = Alarm(name=AlarmName("general/many"), queue=GENERAL, threshold="many")
        mark = BadAddress(name=key_of_address("ann@example.org"), reason="550 no such user")
        stop = Stop(name=key_of_stop("sms", "+447700900123"))
        hello = Canned(name=CannedName("hello"), texts="Hello")
        plain = Letter(name=LetterName("plain"), signature="{agent}")
        made: dict[Kind, tuple[e.Event, e.Event]] = {
            "calendar": (
                e.CalendarDefined(calendar=OFFICE, by="test"),
                e.CalendarRemoved(calendar=OFFICE.name, by="test"),
            ),
            "service_policy": (
                e.ServicePolicyDefined(policy=PROMISE, by="test"),
                e.ServicePolicyRemoved(policy=PROMISE.name, by="test"),
            ),
            "rule": (
                e.RuleDefined(rule=rule, by="test"),
                e.RuleRemoved(rule=rule.name, by="test"),
            ),
            "macro": (
                e.MacroDefined(macro=macro, by="test"),
                e.MacroRemoved(macro=macro.name, by="test"),
            ),
            "alarm": (
                e.AlarmRaised(alarm=alarm),
                e.AlarmEnded(
                    alarm=alarm.name, queue=GENERAL, threshold="many", value=0.0, reason="over"
                ),
            ),
            "bad_address": (
                e.AddressFailed(address=mark),
                e.AddressWorks(address=mark.name, by="test"),
            ),
            "stop": (
                e.ContactStopped(stop=stop),
                e.ContactResumed(stop=stop.name, by="test"),
            ),
        }
        for words in (hello, plain):
            kind, name = key_of(words)
            gone: WordsKind = "canned" if kind == "canned" else "letter"
            made[kind] = (
                e.WordsDefined(words=words, by="test"),
                e.WordsRemoved(words=gone, name=name, by="test"),
            )
        assert made.keys() == TYPES.keys()
        entries = (OFFICE, PROMISE, rule, macro, alarm, mark, stop, hello, plain)
        keys = [key_of(entry) for entry in entries]
        state = two.node.ledger.state
        tell(one, *(defined for defined, _ in made.values()))
        await until(lambda: all(state.entry(key) is not None for key in keys), 2.0)
        tell(one, *(removed for _, removed in made.values()))
        await until(lambda: all(state.entry(key) is None for key in keys), 2.0)

    play(story)


def test_two_nodes_that_change_one_calendar_at_once_end_with_what_the_database_has() -> None:
    async def story(one: Running, two: Running) -> None:
        one.store.faults.delayed = two.store.faults.delayed = 0.5
        one.store.faults.slow = two.store.faults.slow = 0.05
        for turn in range(20):
            for node, zone in ((one, "Europe/Berlin"), (two, "Asia/Tokyo")):
                changed = replace(OFFICE, zone=zone, country=str(turn))
                tell(node, e.CalendarDefined(calendar=changed, by="test"))
            await asyncio.sleep(0.01)
        await one.caught_up()
        await two.caught_up()
        await asyncio.sleep(10.0)
        kept = one.tables.timetable["calendar", OFFICE.name]
        for node in (one, two):
            assert node.node.ledger.state.timetable.calendars[OFFICE.name] == kept

    play(story)


def test_who_is_handed_an_item_knows_what_its_clocks_are_counted_by() -> None:
    async def story(one: Running, two: Running) -> None:
        for entry in (OFFICE, PROMISE):
            one.tables.timetable[key_of(entry)] = entry  # nobody has told
        service = Service(policy=PROMISE.name, calendar=OFFICE.name)
        handed = item(ItemState.QUEUED, service=service)
        await two.directory.learn([handed], [])
        known = two.node.ledger.state.timetable
        assert known.calendars[OFFICE.name] == OFFICE
        assert known.policies[PROMISE.name] == PROMISE

    play(story)
