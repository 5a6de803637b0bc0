"""A person runs a macro: all that it says, at once, or nothing."""

from typing import Any

import pytest

from gateway.core import commands as c
from gateway.core import events as e
from gateway.core.ids import AgentName, MacroName, QueueName, RuleName
from gateway.core.macros import Macro
from gateway.core.model import ChannelKind, Item, ItemState
from gateway.core.rules.rule import Rule, Then
from gateway.core.rules.when import When
from tests.core.desk.looks import ID, case_of, check, rows
from tests.support.builders import House

NAME = MacroName("sorry")
BOSS = AgentName("boss")


def declare(house: House, then: Then, **known: Any) -> None:
    macro = Macro(name=NAME, then=then, **known)
    house.record([e.Change(e.MacroDefined(macro=macro, by=BOSS))])


def run(item: Item) -> c.RunMacro:
    return c.RunMacro(id=ID, item=item.id, name=NAME)


def test_a_macro_does_all_that_it_says(house: House, held: Item) -> None:
    then = Then(
        reply="Dear {customer}, sorry. {agent}, #{number}",
        note="Said sorry.",
        priority=5,
        tags=("sorry",),
        category="complaint",
        complete="sorry",
    )
    declare(house, then)
    house.say("ana", run(held))
    (order,) = house.tables.outbox.values()
    answer = house.tables.messages[order.message] if order.message else None
    assert answer is not None
    assert (answer.body, answer.author.id) == (f"Dear Eva, sorry. Ana, #{held.number}", "ana")
    done = house.tables.items[held.id]
    assert (done.state, done.code, done.priority) == (ItemState.COMPLETED, "sorry", 5)
    assert done.answered_at is not None
    case = case_of(house, held)
    assert (case.tags, case.category, case.automatic) == (("sorry",), "complaint", 0)
    (ran,) = house.events(e.MacroRun)
    assert (ran.macro, ran.by) == ("sorry", "ana")


def test_a_macro_passes_the_item_on(house: House, held: Item) -> None:
    declare(house, Then(queue=QueueName("sales"), note="For you."))
    house.say("ana", run(held))
    now = house.state.items[held.id]
    assert (now.queue, now.state, now.passed[-1].agent) == ("sales", ItemState.QUEUED, "ana")


def test_a_macros_reply_is_held_like_any_other_and_the_item_does_not_end(
    house: House, held: Item
) -> None:
    rule: Any = Rule(
        name=RuleName("r"),
        on=("reply",),
        when=When(words=("sorry",)),
        then=Then(hold="we are never sorry"),
    )
    house.record([e.Change(e.RuleDefined(rule=rule, by=BOSS))])
    declare(house, Then(reply="Sorry", complete="sorry"))
    body = house.say("ana", run(held))
    assert body["held"] == "we are never sorry"
    assert house.tables.outbox == {}
    assert house.state.items[held.id].state is ItemState.HELD


@pytest.mark.parametrize(
    ("then", "known", "code", "field"),
    [
        (Then(note="x"), {"roles": ("supervisor",)}, "not_allowed", "name"),
        (Then(note="x"), {"kinds": (ChannelKind.WEBCHAT,)}, "not_allowed", "name"),
        (Then(queue=QueueName("gone")), {}, "not_found", "then.queue"),
        (Then(reply={"es": "Perdón"}), {}, "not_found", "then.reply"),
    ],
)
def test_a_macro_that_is_not_for_this_is_refused_and_nothing_is_done(
    house: House, held: Item, then: Then, known: dict[str, Any], code: str, field: str
) -> None:
    declare(house, then, **known)
    check(house, run(held), code, field)


def test_a_macro_that_is_not_there_is_refused(house: House, held: Item) -> None:
    check(house, run(held), "not_found", "name")
    assert rows(house, Macro) == []
