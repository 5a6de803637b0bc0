"""An agent says that an item was not for them, and the record says what had led it there."""

from typing import Any

import pytest

from gateway.core import commands as c
from gateway.core import events as e
from gateway.core.ids import AgentName, QueueName, RuleName, SkillName
from gateway.core.misrouted import HouseWords, NotForMe
from gateway.core.model import Item, ItemState
from gateway.core.rules.rule import Rule, Then
from gateway.core.rules.when import When
from tests.core.desk.looks import ID, check
from tests.support.builders import House, mail

WRONG = NotForMe(reason="wrong_queue", queue=QueueName("sales"))


def declare(house: House, name: str, **known: Any) -> None:
    rule = Rule(name=RuleName(name), **known)
    house.record([e.Change(e.RuleDefined(rule=rule, by=AgentName("boss")))])


def test_declining_says_which_rule_queue_and_choice_had_led_there(house: House) -> None:
    declare(house, "to sales", when=When(words=("lamp",)), then=Then(queue=QueueName("sales")))
    house.arrive(mail("m1", body="A lamp is broken"))
    (item,) = house.offered_to("ana")
    assert item.offer is not None
    said = NotForMe(reason="wrong_queue", queue=QueueName("general"))
    house.say("ana", c.Decline(id=ID, offer=item.offer.id, misrouted=said))
    (wrong,) = house.events(e.ItemMisrouted)
    assert (wrong.how, wrong.reason, wrong.agent) == ("declined", "wrong_queue", "ana")
    assert (wrong.queue, wrong.rule, wrong.right_queue) == ("sales", "to sales", "general")
    assert wrong.decision == item.offer.reason
    assert house.state.items[item.id].passed[-1].how == "declined"


def test_passing_on_says_it_of_the_queue_where_it_was(house: House, held: Item) -> None:
    wish = c.Transfer(id=ID, item=held.id, queue=QueueName("sales"), misrouted=WRONG)
    house.say("ana", wish)
    (wrong,) = house.events(e.ItemMisrouted)
    assert (wrong.how, wrong.queue, wrong.right_queue) == ("transferred", "general", "sales")
    assert wrong.rule == ""


def test_finishing_says_it_with_a_reason_of_the_houses_own(house: House, held: Item) -> None:
    words = HouseWords(reasons=("not our brand",), skills=("law",))
    said = NotForMe(reason="not our brand", skill=SkillName("law"))
    house.say("ana", c.Wrapup(id=ID, item=held.id, code="x", misrouted=said), words=words)
    (wrong,) = house.events(e.ItemMisrouted)
    assert (wrong.how, wrong.right_skill) == ("completed", "law")
    assert house.tables.items[held.id].state is ItemState.COMPLETED


def test_a_rule_that_moves_it_later_is_the_one_that_led_there(house: House) -> None:
    sales = Then(queue=QueueName("sales"))
    declare(house, "later", on=("message",), when=When(words=("lamp",)), then=sales)
    house.arrive(mail("m1"))
    (item,) = house.state.items.values()
    case = house.state.cases[item.case]
    house.arrive(mail("m2", body="A lamp"), referenced=case, reference="m1@example.org")
    now = house.state.items[item.id]
    assert (now.queue, now.ruled_by) == ("sales", "later")


def test_a_person_who_passes_it_on_takes_the_rules_name_off(house: House, held: Item) -> None:
    house.say("ana", c.Transfer(id=ID, item=held.id, queue=QueueName("sales")))
    assert house.state.items[held.id].ruled_by == ""
    assert house.events(e.ItemMisrouted) == []


@pytest.mark.parametrize(
    ("said", "words"),
    [
        (NotForMe(reason="bad mood"), HouseWords()),
        (NotForMe(reason="wrong_queue"), HouseWords(reasons=("not our brand",))),
        (NotForMe(reason="wrong_queue", queue=QueueName("gone")), HouseWords()),
        (NotForMe(reason="wrong_skill", skill=SkillName("gone")), HouseWords()),
    ],
)
def test_what_is_not_on_the_list_is_refused_and_nothing_is_done(
    house: House, held: Item, said: NotForMe, words: HouseWords
) -> None:
    wish = c.Wrapup(id=ID, item=held.id, code="x", misrouted=said)
    check(house, wish, "not_found", "misrouted", words=words)
