"""What happens by itself to an item after intake: which rule fires, when, and what it does."""

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.core import acts
from gateway.core import commands as c
from gateway.core import events as e
from gateway.core.automation import due
from gateway.core.calendars import Calendar
from gateway.core.clocks import ServicePolicy
from gateway.core.effects import MOST_AUTOMATIC, Matter
from gateway.core.errors import IllegalMove
from gateway.core.ids import (
    AgentName,
    CalendarName,
    CaseId,
    MacroName,
    PolicyName,
    QueueName,
    RuleName,
)
from gateway.core.macros import Macro
from gateway.core.model import Item, ItemState
from gateway.core.rules.problems import House as Names
from gateway.core.rules.problems import macro_problems, problems
from gateway.core.rules.rule import Rule, Then
from gateway.core.rules.when import When
from tests.support.builders import START, House, agent, mail, queue

BOSS = AgentName("boss")
DAY = 86_400.0
NAMES = Names(queues={"general", "fraud"}, skills=())


def rule(name: str, on: str, then: Then, **known: Any) -> Rule:
    what: Any = (on,)
    return Rule(name=RuleName(name), on=what, then=then, **known)


def a_house(*rules: Rule, macros: tuple[Macro, ...] = (), **more: Any) -> House:
    house = House(agent("ana"), queues=[queue("general", **more), queue("fraud")])
    house.record([e.Change(e.MacroDefined(macro=one, by=BOSS)) for one in macros])
    house.record([e.Change(e.RuleDefined(rule=one, by=BOSS)) for one in rules])
    return house


def look(house: House) -> int:
    """Fire what is due now, as the flow does; how often something fired."""
    fired = 0
    again = True
    while again:
        again = False
        for item in list(house.state.items.values()):
            case = house.state.cases[item.case]
            found = due(Matter(house.state, house.ledger.context(), case, item))
            if found.changes:
                house.record(found.changes)
                fired, again = fired + 1, True
                assert fired < 200, "it never rests"
    return fired


def planned(house: House, item: Item) -> Any:
    now = house.state.items[item.id]
    matter = Matter(house.state, house.ledger.context(), house.state.cases[item.case], now)
    return due(matter).look_at


def waiting(house: House, **fields: Any) -> Item:
    decided = house.arrive(mail("m1", **fields))
    assert decided.item is not None
    return house.state.items[decided.item]


def asked(house: House) -> Item:
    """A mail that ana has answered and put aside."""
    waiting(house)
    house.sign_in("ana")
    item = house.accept("ana")
    house.say("ana", c.Send(id=house.command(), item=item.id, body="Which one?", then="wait"))
    return house.state.items[item.id]


def bodies(house: House, case: CaseId, direction: str = "out") -> list[str]:
    found = [m for m in house.tables.messages.values() if m.case == case]
    return [m.body for m in sorted(found, key=lambda m: m.seq) if m.direction == direction]


ASK = rule("ask", "silent", Then(reply="Still there, {customer}?"), after=5 * DAY)
CLOSE = rule("close", "silent", Then(complete="silent"), after=2 * DAY, follows=RuleName("ask"))


def test_a_customer_who_does_not_answer_is_asked_and_then_the_item_ends() -> None:
    house = a_house(ASK, CLOSE)
    item = asked(house)
    assert look(house) == 0
    assert planned(house, item) == house.clock.now() + timedelta(days=5)
    house.clock.seconds += 5 * DAY
    assert look(house) == 1
    assert bodies(house, item.case) == ["Which one?", "Still there, Eva?"]
    assert planned(house, item) == house.clock.now() + timedelta(days=2)
    house.clock.seconds += 2 * DAY
    assert look(house) == 1
    done = house.tables.items[item.id]
    assert (done.state, done.code, done.reason) == (
        ItemState.COMPLETED,
        "silent",
        "rule 'close'",
    )


def test_an_answer_stops_it_and_the_next_silence_counts_anew() -> None:
    house = a_house(ASK, CLOSE)
    item = asked(house)
    house.clock.seconds += 6 * DAY
    assert look(house) == 1
    case = house.state.cases[item.case]
    house.arrive(mail("m2"), referenced=case, reference="m1@example.org")
    house.accept("ana")
    house.clock.seconds += 9 * DAY
    assert look(house) == 0
    house.say("ana", c.Send(id=house.command(), item=item.id, body="This one?", then="wait"))
    house.clock.seconds += 5 * DAY
    assert look(house) == 1


def test_what_a_machine_answers_is_no_answer_and_is_not_answered() -> None:
    house = a_house(ASK)
    item = asked(house)
    case = house.state.cases[item.case]
    away = mail("m2", body="I am away", machine=True)
    house.arrive(away, referenced=case, reference="m1@example.org")
    house.sign_in("ana")
    house.accept("ana")
    house.say("ana", c.Park(id=house.command(), item=item.id))
    house.clock.seconds += 5 * DAY
    assert look(house) == 1
    assert bodies(house, item.case) == ["Which one?"]
    (fired,) = house.events(e.RuleFired)
    assert fired.did == ("no reply: no person would read it",)


def test_silence_counts_from_now_on_where_a_reply_was_held_until_it_leaves() -> None:
    hold = rule("hold", "reply", Then(hold="look"), when=When(words=("one",)))
    house = a_house(ASK, hold)
    asked(house)
    house.clock.seconds += 9 * DAY
    assert look(house) == 0


def test_who_waits_too_long_gets_priority_and_another_queue_once() -> None:
    slow = rule(
        "slow",
        "waiting",
        Then(priority=10, queue=QueueName("fraud"), level=2, tags=("slow",), note="It waits."),
        after=600,
    )
    house = a_house(slow)
    item = waiting(house)
    house.clock.seconds += 599
    assert look(house) == 0
    house.clock.seconds += 1
    assert look(house) == 1
    now = house.state.items[item.id]
    assert (now.priority, now.queue, now.state) == (10, "fraud", ItemState.QUEUED)
    assert now.queued_at == START
    case = house.state.cases[item.case]
    assert (case.level, case.tags) == (2, ("slow",))
    house.clock.seconds += 6000
    assert look(house) == 0


def test_what_is_offered_is_taken_back_and_what_is_in_hand_stays() -> None:
    slow = rule("slow", "waiting", Then(queue=QueueName("fraud")), after=10)
    house = a_house(slow)
    house.sign_in("ana")
    waiting(house)
    house.clock.seconds += 10
    assert look(house) == 1
    assert house.events(e.OfferWithdrawn)[0].reason == "rule 'slow'"
    stays = rule("stays", "tagged", Then(queue=QueueName("general")), when=When(tags=("x",)))
    house.record([e.Change(e.RuleDefined(rule=stays, by=BOSS))])
    item = house.accept("ana")
    house.record([e.Change(e.CaseChanged(case=item.case, by="ana", tags=("x",)))])
    assert look(house) == 1
    assert house.state.items[item.id].state is ItemState.ASSIGNED
    assert house.events(e.RuleFired)[-1].did == ("not moved: it is assigned",)


def test_a_tag_runs_a_macro_once_however_often_it_is_set() -> None:
    sorry = Macro(
        name=MacroName("sorry"),
        then=Then(reply={"": "Sorry.", "es": "Perdón."}, note="Said sorry.", priority=5),
    )
    angry = rule("angry", "tagged", Then(macro=sorry.name), when=When(tags=("angry",)))
    house = a_house(angry, macros=(sorry,))
    item = waiting(house, language="es-AR")
    for tags in (("angry",), (), ("angry",)):
        house.record([e.Change(e.CaseChanged(case=item.case, by="ana", tags=tags))])
        look(house)
    assert bodies(house, item.case) == ["Perdón."]
    assert bodies(house, item.case, "note") == ["Said sorry."]
    (ran,) = house.events(e.MacroRun)
    assert (ran.macro, ran.by) == ("sorry", "rule 'angry'")


@pytest.mark.parametrize(("on", "seconds"), [("warned", 50), ("breached", 61)])
def test_a_clock_that_warns_or_is_overdue_fires_its_rules(on: str, seconds: float) -> None:
    late = rule("late", on, Then(tell="it is late", level=2), when=When(clocks=("first_reply",)))
    house = a_house(late, service_policy=PolicyName("gold"))
    gold = ServicePolicy(name=PolicyName("gold"), first_reply=60, resolution=55)
    house.record([e.Change(e.ServicePolicyDefined(policy=gold, by=BOSS))])
    item = waiting(house)
    house.pass_time(seconds - 20)
    assert look(house) == 0
    house.pass_time(20)
    assert look(house) == 1
    now = house.state.items[item.id]
    assert now.watch is not None
    assert [one.reason for one in now.watch.reviews] == ["it is late"]
    assert house.state.cases[item.case].level == 2


def test_a_matter_that_is_reopened_fires_its_rules_and_a_new_one_does_not() -> None:
    back = rule("back", "reopened", Then(priority=15, tags=("again",)))
    house = a_house(back)
    item = waiting(house)
    assert look(house) == 0
    house.sign_in("ana")
    house.accept("ana")
    house.complete("ana", item.id)
    house.clock.seconds += 5
    case = house.tables.cases[item.case]
    decided = house.arrive(mail("m2"), referenced=case, reference="m1@example.org")
    assert decided.item is not None
    assert look(house) == 1
    assert house.state.items[decided.item].priority == 15


def test_what_waits_for_a_supervisor_is_left_alone() -> None:
    odd = rule("odd", "contact", Then(hold="odd"))
    slow = rule("slow", "tagged", Then(priority=10), when=When(tags=("x",)))
    house = a_house(odd, slow)
    item = waiting(house)
    house.record([e.Change(e.CaseChanged(case=item.case, by="ana", tags=("x",)))])
    assert look(house) == 0
    house.record(acts.requeue(house.state, item.id, None, BOSS, "fine"))
    assert look(house) == 1


# -- rules that set off rules ------------------------------------------------------------------


def tagger(name: str, on: str, tag: str) -> Rule:
    return rule(name, "tagged", Then(tags=(tag,)), when=When(tags=(on,)))


@pytest.mark.parametrize(
    ("rules", "names", "word"),
    [
        ([tagger("a", "x", "x")], {"a"}, "sets itself off: a → a"),
        ([tagger("a", "x", "y"), tagger("b", "y", "x")], {"a", "b"}, "sets itself off"),
        ([tagger(str(n), f"t{n}", f"t{n + 1}") for n in range(6)], {"0"}, "a chain of 6 rules"),
        ([rule("a", "silent", Then(), after=1, follows=RuleName("a"))], {"a"}, "follows itself"),
        ([rule("a", "silent", Then(), after=1, follows=RuleName("b"))], {"a"}, "no rule 'b'"),
        ([rule("a", "silent", Then(priority=1))], {"a"}, "after how many seconds"),
        ([rule("a", "tagged", Then(priority=1))], {"a"}, "say which tags"),
        ([rule("a", "tagged", Then(hold="x"), when=When(tags=("x",)))], {"a"}, "cannot decide"),
        ([rule("a", "waiting", Then(macro=MacroName("m")), after=1)], {"a"}, "no macro 'm'"),
        ([rule("a", "waiting", Then(reply="{x}"), after=1)], {"a"}, "nothing is known for {x}"),
        (
            [rule("a", "waiting", Then(priority=1), after=1, when=When(words=("x",)))],
            {"a"},
            "words",
        ),
    ],
)
def test_rules_that_would_never_rest_or_never_fire_are_refused(
    rules: list[Rule], names: set[str], word: str
) -> None:
    found = [p for p in problems(rules, NAMES) if p.grade == "error"]
    assert {p.rule for p in found} == names
    assert word in found[0].detail


def test_a_macro_that_sets_off_the_rule_that_runs_it_is_a_circle_too() -> None:
    macro = Macro(name=MacroName("m"), then=Then(tags=("x",)))
    names = Names(queues={"general"}, skills=(), macros={macro.name: macro})
    angry = rule("angry", "tagged", Then(macro=macro.name), when=When(tags=("x",)))
    assert "sets itself off" in problems([angry], names)[0].detail
    assert macro_problems(macro, names) == []


def test_a_macro_does_something_that_a_macro_can_do() -> None:
    empty = Macro(name=MacroName("m"))
    held = Macro(name=MacroName("m"), then=Then(hold="x", reply="{who}"))
    assert [p.field for p in macro_problems(empty, NAMES)] == ["then"]
    assert {p.field for p in macro_problems(held, NAMES)} == {"then.hold", "then.reply"}


tags = st.sampled_from("abcd")
some = st.lists(tags, max_size=2).map(tuple)
chains = st.lists(
    st.builds(
        Rule,
        name=st.text("pqrstuv", min_size=1, max_size=3).map(RuleName),
        on=st.sampled_from([("tagged",), ("waiting",), ("silent",), ("reopened",)]),
        after=st.sampled_from([0.0, 5.0]),
        when=st.builds(When, tags=some),
        then=st.builds(
            Then,
            tags=some,
            untag=some,
            reply=st.none() | st.just("Hello"),
            queue=st.none() | st.sampled_from([QueueName("general"), QueueName("fraud")]),
            priority=st.none() | st.integers(-5, 5),
            complete=st.none() | st.just("done"),
        ),
    ),
    max_size=6,
    unique_by=lambda one: one.name,
)


@settings(max_examples=80, deadline=None)
@given(chains, some)
def test_whatever_rules_there_are_each_fires_once_for_a_cause_and_all_come_to_rest(
    rules: list[Rule], first: tuple[str, ...]
) -> None:
    house = a_house(*rules)
    item = waiting(house)
    house.record([e.Change(e.CaseChanged(case=item.case, by="ana", tags=first))])
    for _ in range(3):
        house.clock.seconds += 10
        look(house)
    fired = [(f.rule, f.cause) for f in house.events(e.RuleFired)]
    assert len(fired) == len(set(fired))
    assert len(bodies(house, item.case)) <= MOST_AUTOMATIC


def test_what_a_macro_says_is_said_before_its_rule_ends_the_item() -> None:
    words = Then(priority=5, note="for the record", tags=("quiet",), reply="Good bye")
    bye = Macro(name=MacroName("bye"), then=words)
    house = a_house(
        rule("end", "waiting", Then(complete="silent", macro=bye.name), after=60.0), macros=(bye,)
    )
    item = waiting(house)
    house.pass_time(60)
    assert look(house) == 1
    assert item.id not in house.state.items
    assert bodies(house, item.case) == ["Good bye"]
    assert house.tables.cases[item.case].tags == ("quiet",)


def test_nothing_of_a_record_is_done_that_says_something_of_an_item_after_its_end() -> None:
    house = a_house()
    item = waiting(house)
    end = e.Change(e.ItemCanceled(item=item.id, by="ana", reason=""))
    late = e.Change(e.ItemReprioritised(item=item.id, by="ana", priority=5))
    with pytest.raises(IllegalMove):
        house.ledger.record([end, late])
    assert house.state.items[item.id].state is ItemState.QUEUED


@pytest.mark.parametrize(
    "when",
    [
        When(any=(When(unless=When(open=False)),)),
        When(unless=When(any=(When(open=False),))),
    ],
)
def test_a_rule_that_asks_for_the_hours_somewhere_is_looked_at_again(when: When) -> None:
    closed = Calendar(name=CalendarName("never"), zone="UTC", week={})
    house = House(agent("ana"), queues=[])
    house.record([e.Change(e.CalendarDefined(calendar=closed, by=BOSS))])
    kept = queue("general", hours=closed.name)
    house.record([e.Change(e.QueueDefined(queue=kept, by=BOSS))])
    late = rule("late", "waiting", Then(priority=5), after=60.0, when=when)
    house.record([e.Change(e.RuleDefined(rule=late, by=BOSS))])
    item = waiting(house)
    house.pass_time(60)
    assert look(house) == 0
    assert planned(house, item) is not None
