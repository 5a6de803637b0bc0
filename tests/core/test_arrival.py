"""What the house's rules make of a new contact at the front door."""

from datetime import timedelta
from typing import Any

from gateway.core import acts
from gateway.core import events as e
from gateway.core.arrival import Past
from gateway.core.ids import AgentName, QueueName, RuleName, SkillName
from gateway.core.model import Case, CaseStatus, Item, ItemState
from gateway.core.rules.rule import Rule, Then
from gateway.core.rules.when import Velocity, When
from tests.support.builders import START, House, agent, mail, queue

REFUNDS = QueueName("refunds")
BOSS = AgentName("boss")


def a_house(*rules: Rule) -> House:
    house = House(
        agent("ana", refunds=3), agent("bob"), queues=[queue("general"), queue("refunds")]
    )
    house.record([e.Change(e.RuleDefined(rule=rule, by=BOSS)) for rule in rules])
    return house


def rule(name: str, then: Then, **when: Any) -> Rule:
    return Rule(name=RuleName(name), when=When(**when), then=then)


def arrive(house: House, key: str = "m1", **fields: Any) -> tuple[Case, Item]:
    decided = house.arrive(mail(key, **fields))
    assert decided.case is not None
    assert decided.item is not None
    return house.state.cases[decided.case], house.state.items[decided.item]


def test_a_contact_gets_what_the_rules_decide_and_says_by_which() -> None:
    then = Then(
        queue=REFUNDS,
        skills={SkillName("refunds"): 2},
        priority=7,
        category="money",
        level=2,
        tags=("a", "b"),
        due_seconds=3600,
    )
    house = a_house(rule("money", then, words=("refund",)))
    case, item = arrive(house, body="A refund, please")
    assert (item.queue, item.priority, item.due_at) == (REFUNDS, 7, START + timedelta(hours=1))
    assert item.requirement.skills[SkillName("refunds")] == 2
    assert (case.category, case.level, case.tags) == ("money", 2, ("a", "b"))
    assert "rule 'money' (says “refund”)" in case.joined_because


def test_a_contact_that_no_rule_is_about_goes_where_its_channel_says() -> None:
    house = a_house(rule("money", Then(queue=REFUNDS), words=("refund",)))
    _, item = arrive(house, body="Hello")
    assert (item.queue, item.priority) == ("general", 0)


def test_what_is_quoted_from_an_earlier_mail_is_not_what_the_customer_says() -> None:
    house = a_house(rule("money", Then(queue=REFUNDS), words=("refund",)))
    _, item = arrive(house, body="Thank you.\n> your refund", fold_from=1)
    assert item.queue == "general"


def test_a_contact_that_is_held_waits_for_a_person_whatever_its_customer_writes() -> None:
    house = a_house(rule("odd", Then(hold="three accounts in an hour"), words=("transfer",)))
    house.sign_in("ana", "bob")
    case, item = arrive(house, body="Transfer it all")
    assert (item.state, item.wake_at) == (ItemState.SCHEDULED, None)
    assert item.reason == "three accounts in an hour"
    assert house.offered() == {}

    more = mail("m2", body="Why so slow?")
    house.arrive(more, referenced=case, reference="m1@example.org")
    assert house.state.items[item.id].state is ItemState.SCHEDULED
    assert house.state.cases[case.id].last_seq == 2

    house.record(acts.requeue(house.state, item.id, None, BOSS, "looked at"))
    assert house.offered().keys() == {item.id}


def test_a_customer_who_begins_many_matters_is_noticed() -> None:
    fast = Velocity(contacts=3, seconds=3600)
    house = a_house(rule("fast", Then(tags=("fast",)), velocity=fast))
    assert house.state.rules.looks_back("messages") == 3600
    times = tuple(START - timedelta(minutes=m) for m in (5, 10))
    decided = house.arrive(mail("m1"), past=Past(wrote=times))
    assert decided.case is not None
    assert house.state.cases[decided.case].tags == ("fast",)
    _, item = arrive(house, "m2", subject="Another")
    assert house.state.cases[item.case].tags == ()


def test_priorities_stay_within_their_bounds() -> None:
    house = a_house(rule("up", Then(priority=100)))
    _, item = arrive(house, priority=50)
    assert item.priority == 100


def test_rules_of_a_new_contact_do_not_touch_a_case_that_is_open() -> None:
    house = a_house(rule("tag", Then(tags=("new",))))
    case, _ = arrive(house)
    house.record([e.Change(e.CaseChanged(case=case.id, by="ana", tags=()))])
    known = house.state.cases[case.id]
    house.arrive(mail("m2"), referenced=known, reference="m1@example.org")
    again = house.state.cases[case.id]
    assert (again.tags, again.status) == ((), CaseStatus.OPEN)


def test_a_rule_that_is_removed_or_switched_off_decides_no_more() -> None:
    first = rule("money", Then(queue=REFUNDS))
    house = a_house(first)
    house.record([e.Change(e.RuleRemoved(rule=first.name, by=BOSS))])
    assert arrive(house)[1].queue == "general"
    off = Rule(name=first.name, then=first.then, enabled=False)
    house.record([e.Change(e.RuleDefined(rule=off, by=BOSS))])
    assert arrive(house, "m2", subject="Another")[1].queue == "general"
