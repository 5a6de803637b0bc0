"""The front door asks the customer: once, never a machine, always with a way to a person."""

from datetime import timedelta
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.core import acts
from gateway.core import events as e
from gateway.core.calendars import Calendar, Weekday
from gateway.core.clocks import ServicePolicy
from gateway.core.ids import (
    AgentName,
    CalendarName,
    PolicyName,
    QueueName,
    RuleName,
    SkillName,
    TicketNumber,
)
from gateway.core.intake import Known, decide
from gateway.core.model import Case, CaseStatus, ChannelKind, Item, ItemState, Message
from gateway.core.owed import CallbackWish
from gateway.core.pending import pending
from gateway.core.rules.phrases import every
from gateway.core.rules.problems import House as Names
from gateway.core.rules.problems import problems
from gateway.core.rules.questions import heard, shown
from gateway.core.rules.rule import Answer, Ask, Help, Rule, Then
from gateway.core.rules.when import When
from tests.support.builders import START, House, agent, chat, mail, queue, task

BOSS = AgentName("boss")
PARCELS, MONEY = QueueName("parcels"), QueueName("money")
EVERY_DAY: dict[Weekday, tuple[str, ...]] = {
    "monday": ("00:00-24:00",),
    "tuesday": ("00:00-24:00",),
}
"""From Monday, when the tests begin."""
ARTICLE = Help(
    text={"": "Read this, ticket {number}.", "es": "Lea esto."}, link="https://help.example/parcels"
)
TOPICS = Ask(
    text={"": "What is it about?", "es": "¿De qué se trata?"},
    answers=(
        Answer(
            label={"": "A parcel", "es": "Un paquete"},
            words=("deliver*",),
            value="parcel",
            then=Then(queue=PARCELS, skills={SkillName("lost"): 2}, tags=("parcel",), priority=5),
        ),
        Answer(label={"": "Money", "es": "Dinero"}, then=Then(queue=MONEY)),
        Answer(label={"": "My invoice", "es": "Mi factura"}, then=Then(help=ARTICLE)),
    ),
    otherwise=Then(tags=("unclear",)),
    field="topic",
)


def a_house(*rules: Rule) -> House:
    house = House(
        agent("ana", lost=3),
        agent("bob"),
        queues=[queue("general"), queue("parcels"), queue("money")],
    )
    house.record([e.Change(e.RuleDefined(rule=rule, by=BOSS)) for rule in rules])
    return house


def rule(then: Then, name: str = "topics", **when: Any) -> Rule:
    return Rule(name=RuleName(name), when=When(**when), then=then)


def arrive(house: House, inbound: Any = None) -> tuple[Case, Item]:
    decided = house.arrive(inbound or chat("c1"))
    assert decided.case is not None
    assert decided.item is not None
    return house.state.cases[decided.case], house.state.items[decided.item]


def answer(house: House, case: Case, text: str, key: str = "a1", **more: Any) -> Item | None:
    """The customer says this in the same matter; the item, while it is open."""
    say = mail if case.kind is ChannelKind.EMAIL else chat
    inbound = say(key, body=text, **more)
    known = house.state.cases.get(case.id, case)
    found = {"referenced": known, "reference": "m"} if say is mail else {"conversation": known}
    decided = house.arrive(inbound, **found)
    assert decided.case == case.id
    return house.state.items.get(decided.item) if decided.item else None


def said(house: House) -> list[Message]:
    """What was said to customers."""
    return [m for m in house.tables.messages.values() if m.direction == "out"]


# -- one question -------------------------------------------------------------------------------


def test_a_chat_is_asked_with_answers_to_press_and_a_person_among_them() -> None:
    house = a_house(rule(Then(ask=TOPICS)))
    house.sign_in("ana", "bob")
    case, item = arrive(house)
    (message,) = said(house)
    assert message.body == "What is it about?"
    assert message.quick_replies == ("A parcel", "Money", "My invoice", "Talk to a person")
    assert (item.state, item.reason) == (ItemState.SCHEDULED, "rule 'topics' asks the customer")
    assert case.status is CaseStatus.WAITING
    assert house.offered() == {}


def test_the_question_comes_in_the_customers_language() -> None:
    house = a_house(rule(Then(ask=TOPICS)))
    arrive(house, chat("c1", language="es-AR"))
    (message,) = said(house)
    assert message.body == "¿De qué se trata?"
    assert message.quick_replies == (
        "Un paquete", "Dinero", "Mi factura", "Hablar con una persona"
    )  # fmt: skip


def test_a_mail_is_asked_in_writing_and_answered_by_the_number() -> None:
    house = a_house(rule(Then(ask=TOPICS)))
    case, _ = arrive(house, mail("m1"))
    (message,) = said(house)
    assert message.body.endswith("1. A parcel\n2. Money\n3. My invoice\n4. Talk to a person")
    assert not message.quick_replies
    (order,) = house.state.outbox.values()
    assert (order.message, order.address) == (message.id, "eva@example.org")
    item = answer(house, case, "2\n\nBest regards\nEva")
    assert item is not None
    assert (item.queue, item.state) == (MONEY, ItemState.QUEUED)


def test_the_answer_sends_it_where_it_says_with_its_place_and_stands_on_the_item() -> None:
    house = a_house(rule(Then(ask=TOPICS)))
    case, _ = arrive(house)
    house.pass_time(60)
    item = answer(house, case, "A parcel")
    assert item is not None
    assert (item.state, item.queue, item.queued_at) == (ItemState.QUEUED, PARCELS, START)
    assert item.attributes["topic"] == "parcel"
    assert (item.requirement.skills, item.priority) == ({"lost": 2}, 5)
    assert item.reason == "rule 'topics': the customer chose 'A parcel' (by its label)"
    now = house.state.cases[case.id]
    assert (now.tags, now.status) == (("parcel",), CaseStatus.OPEN)
    (done,) = house.events(e.CustomerAnswered)
    assert (done.asked.ended, done.asked.said) == ("answered", "A parcel")
    assert len(said(house)) == 1


def test_without_an_answer_it_goes_on_as_if_it_had_not_been_asked() -> None:
    house = a_house(rule(Then(ask=TOPICS, queue=MONEY)))
    house.sign_in("bob")
    _, item = arrive(house)
    house.pass_time(119)
    assert house.offered() == {}
    house.pass_time(2)
    now = house.state.items[item.id]
    assert (now.state, now.queue, now.queued_at) == (ItemState.OFFERED, MONEY, START)
    assert house.state.cases[item.case].status is CaseStatus.OPEN


def test_who_wants_a_person_gets_one_at_once() -> None:
    house = a_house(rule(Then(ask=TOPICS)))
    house.sign_in("bob")
    case, _ = arrive(house)
    item = answer(house, case, "I want to speak to a human, please")
    assert item is not None
    assert item.state is ItemState.OFFERED
    assert house.events(e.CustomerAnswered)[0].asked.ended == "person"


def test_what_fits_no_answer_goes_on_as_the_rule_says_and_is_not_asked_again() -> None:
    house = a_house(rule(Then(ask=TOPICS)))
    case, _ = arrive(house)
    item = answer(house, case, "It is all so strange")
    assert item is not None
    assert item.state is ItemState.QUEUED
    assert house.state.cases[case.id].tags == ("unclear",)
    assert len(said(house)) == 1


def test_an_answer_that_comes_late_counts_while_the_item_waits() -> None:
    house = a_house(rule(Then(ask=TOPICS)))
    case, _ = arrive(house)
    house.pass_time(200)
    item = answer(house, case, "Money")
    assert item is not None
    assert (item.queue, item.queued_at) == (MONEY, START)
    assert item.attributes["topic"] == "Money"
    assert house.events(e.CustomerAnswered)[-1].asked.ended == "late"


def test_an_answer_to_who_is_with_the_customer_already_moves_nothing() -> None:
    house = a_house(rule(Then(ask=TOPICS)))
    house.sign_in("bob")
    case, _ = arrive(house)
    house.pass_time(125)
    house.accept("bob")
    item = answer(house, case, "Money")
    assert item is not None
    assert (item.state, item.queue) == (ItemState.ASSIGNED, "general")
    assert item.attributes["topic"] == "Money"


def test_a_rule_that_is_gone_when_the_answer_comes_decides_nothing() -> None:
    house = a_house(rule(Then(ask=TOPICS)))
    case, _ = arrive(house)
    house.record([e.Change(e.RuleRemoved(rule=RuleName("topics"), by=BOSS))])
    item = answer(house, case, "Money")
    assert item is not None
    assert (item.state, item.queue) == (ItemState.QUEUED, "general")
    assert item.attributes["answer"] == "Money"


def test_an_answer_may_keep_it_for_review() -> None:
    held = Ask(text="?", answers=(Answer(label="Odd", then=Then(hold="odd")),))
    house = a_house(rule(Then(ask=held)))
    case, _ = arrive(house)
    item = answer(house, case, "Odd")
    assert item is not None
    assert (item.state, item.wake_at, item.reason) == (ItemState.SCHEDULED, None, "odd")
    assert pending(item) is None


@pytest.mark.parametrize(
    "inbound",
    [mail("m1", machine=True), task("t1"), mail("m1", filer="crm"), mail("m1", address="")],
    ids=["automatic", "task", "filed", "no address"],
)
def test_who_could_not_answer_is_not_asked(inbound: Any) -> None:
    house = a_house(rule(Then(ask=TOPICS)))
    _, item = arrive(house, inbound)
    assert (said(house), item.state) == ([], ItemState.QUEUED)


def test_what_is_held_for_review_is_not_asked() -> None:
    house = a_house(rule(Then(ask=TOPICS)), rule(Then(hold="odd"), name="odd"))
    _, item = arrive(house)
    assert (said(house), item.wake_at) == ([], None)


def test_there_is_no_question_in_a_language_that_it_has_no_text_for() -> None:
    only = Ask(text={"es": "¿Qué?"}, answers=(Answer(label={"es": "Algo"}),))
    house = a_house(rule(Then(ask=only)))
    assert arrive(house, chat("c1", language="de"))[1].state is ItemState.QUEUED
    assert said(house) == []


@pytest.mark.parametrize(
    ("then", "state"),
    [
        (Then(hold="look at this"), ItemState.SCHEDULED),
        (Then(queue=MONEY), ItemState.QUEUED),
    ],
)
def test_what_a_rule_does_on_a_word_of_a_machine_ends_the_question(
    then: Then, state: ItemState
) -> None:
    away = Rule(name=RuleName("away"), on=("message",), when=When(words=("away",)), then=then)
    house = a_house(rule(Then(ask=TOPICS)), away)
    case, asked = arrive(house, mail("m1"))
    answer(house, case, "I am away", machine=True)
    now = house.tables.items[asked.id]
    assert (now.state, now.wake_at) == (state, None)
    assert now.asked is not None
    assert now.asked.ended == "unclear"
    assert state is not ItemState.QUEUED or now.queued_at == START


def test_a_machine_that_answers_is_no_answer() -> None:
    house = a_house(rule(Then(ask=TOPICS)))
    case, _ = arrive(house, mail("m1"))
    item = answer(house, case, "I am away, ask for money", machine=True)
    assert item is not None
    assert pending(item) is not None
    assert len(said(house)) == 1


def test_an_unknown_machine_that_answers_elsewhere_is_not_asked_again() -> None:
    house = a_house(rule(Then(ask=TOPICS)))
    arrive(house, mail("m1"))
    _, second = arrive(house, mail("m2", subject="Out of office"))
    assert (len(said(house)), second.state) == (1, ItemState.QUEUED)


def test_who_comes_back_to_a_known_matter_is_not_asked() -> None:
    house = a_house()
    house.sign_in("bob")
    case, _ = arrive(house, mail("m1"))
    house.complete("bob", house.accept("bob").id)
    house.record([e.Change(e.RuleDefined(rule=rule(Then(ask=TOPICS)), by=BOSS))])
    item = answer(house, house.tables.cases[case.id], "And another thing")
    assert item is not None
    assert (said(house), item.asked) == ([], None)


def test_a_supervisor_who_gives_it_to_a_queue_ends_the_question() -> None:
    house = a_house(rule(Then(ask=TOPICS)))
    _, item = arrive(house)
    house.record(acts.requeue(house.state, item.id, MONEY, BOSS, "at once"))
    assert pending(house.state.items[item.id]) is None
    house.pass_time(300)
    now = house.state.items[item.id]
    assert (now.state, now.queue) == (ItemState.QUEUED, MONEY)


def test_who_leaves_while_being_asked_has_gone() -> None:
    house = a_house(rule(Then(ask=TOPICS)))
    case, item = arrive(house)
    house.arrive(chat("end", attributes={"chat": "ended"}), conversation=case)
    assert item.id not in house.state.items
    assert house.tables.items[item.id].state is ItemState.ABANDONED


def test_who_asks_for_a_call_instead_has_it_in_the_same_place() -> None:
    house = a_house(rule(Then(ask=TOPICS)))
    case, item = arrive(house)
    house.pass_time(30)
    wish = CallbackWish(number="+4930123456")
    house.arrive(chat("call", callback=wish), conversation=house.state.cases[case.id])
    (call,) = house.state.items.values()
    assert call.callback is not None
    assert (call.callback.since, call.callback.replaces) == (START, item.id)


def test_the_clocks_stand_while_the_customer_is_asked() -> None:
    house = a_house(rule(Then(ask=TOPICS)))
    always = Calendar(name=CalendarName("always"), week=EVERY_DAY)
    policy = ServicePolicy(name=PolicyName("gold"), calendar=always.name, first_reply=600)
    promised = queue("general", service_policy=policy.name)
    house.record(
        [
            e.Change(e.CalendarDefined(calendar=always, by=BOSS)),
            e.Change(e.ServicePolicyDefined(policy=policy, by=BOSS)),
            e.Change(e.QueueDefined(queue=promised, by=BOSS)),
        ]
    )
    _, item = arrive(house)
    assert item.due_at is None
    house.pass_time(121)
    now = house.state.items[item.id]
    assert now.due_at == START + timedelta(seconds=720)


# -- something to help them on ------------------------------------------------------------------


def test_help_is_offered_and_who_says_that_it_helped_is_done() -> None:
    house = a_house(rule(Then(help=ARTICLE)))
    house.sign_in("bob")
    case, item = arrive(house)
    (message,) = said(house)
    assert message.body == f"Read this, ticket {case.number}.\nhttps://help.example/parcels"
    assert message.quick_replies == ("That helped", "Talk to a person")
    answer(house, case, "Great, that helped, thanks")
    done = house.tables.items[item.id]
    assert (done.state, done.code, done.agent) == (ItemState.COMPLETED, "self_service", None)
    assert house.tables.cases[case.id].status is CaseStatus.SOLVED


def test_what_helped_is_settled_whatever_rules_look_at_messages() -> None:
    fraud = Rule(name=RuleName("fraud"), on=("message",), then=Then(tell="look", tags=("x",)))
    house = a_house(rule(Then(help=ARTICLE)), fraud)
    case, item = arrive(house)
    answer(house, case, "1")
    assert house.tables.items[item.id].state is ItemState.COMPLETED


@pytest.mark.parametrize("text", ["Talk to a person", "It did not work at all", "2"])
def test_whom_it_did_not_help_goes_to_a_person_in_their_place(text: str) -> None:
    house = a_house(rule(Then(help=ARTICLE, queue=PARCELS)))
    case, _ = arrive(house)
    house.pass_time(3600)
    item = answer(house, case, text)
    assert item is not None
    assert (item.state, item.queue, item.queued_at) == (ItemState.QUEUED, PARCELS, START)
    assert house.state.cases[case.id].status is CaseStatus.OPEN


@pytest.mark.parametrize(
    ("silent", "state"), [("solved", ItemState.COMPLETED), ("queue", ItemState.QUEUED)]
)
def test_silence_after_help_is_taken_as_the_rule_says(silent: Any, state: ItemState) -> None:
    house = a_house(rule(Then(help=Help(text="Read this", wait=600, silent=silent))))
    _, item = arrive(house)
    house.pass_time(601)
    now = house.tables.items[item.id]
    assert now.state is state
    assert state is ItemState.COMPLETED or now.queued_at == START


def test_an_answer_may_lead_to_help_and_from_there_to_a_person_with_the_same_place() -> None:
    house = a_house(rule(Then(ask=TOPICS)))
    case, _ = arrive(house)
    house.pass_time(30)
    item = answer(house, case, "My invoice")
    assert item is not None
    assert pending(item) is not None
    assert [m.quick_replies[-1] for m in said(house) if m.quick_replies] == ["Talk to a person"] * 2
    house.pass_time(30)
    item = answer(house, case, "Talk to a person", "a2")
    assert item is not None
    assert (item.state, item.queued_at) == (ItemState.QUEUED, START)
    assert item.attributes["topic"] == "My invoice"
    assert len(said(house)) == 2


# -- properties ---------------------------------------------------------------------------------

WORDS = st.sampled_from(
    ["1", "2", "3", "4", "9", "A parcel", "Dinero", "delivery", "person", "That helped", "hm", "0"]
)


class Story:
    """One contact through whatever its customer, time and a supervisor do."""

    def __init__(self, then: Then, *, by_mail: bool, language: str) -> None:
        self.house = a_house(rule(then))
        self.language = language
        first = (mail if by_mail else chat)("x0", language=language)
        self.case, self.item = arrive(self.house, first)
        self.asked_by_machines = 0
        self.requeued = False

    def go_on(self, n: int, step: tuple[Any, ...]) -> bool:
        """False: the matter is settled, and what is said now begins another item."""
        match step:
            case ("say", text, machine):
                known = self.house.state.cases.get(self.case.id)
                if known is None:
                    return False
                before = len(self.house.events(e.CustomerAsked))
                answer(self.house, known, text, f"x{n}", machine=machine, language=self.language)
                if machine:
                    self.asked_by_machines += len(self.house.events(e.CustomerAsked)) - before
            case ("wait", seconds):
                self.house.pass_time(seconds)
            case ("requeue",) if self.item.id in self.house.state.items:
                now = acts.requeue(self.house.state, self.item.id, None, BOSS, "now")
                self.house.record(now)
                self.requeued = True
        return True


@settings(max_examples=40, deadline=None)
@given(
    steps=st.lists(
        st.one_of(
            st.tuples(st.just("say"), WORDS, st.booleans()),
            st.tuples(st.just("wait"), st.sampled_from([10.0, 130.0, 90_000.0, 300_000.0])),
            st.tuples(st.just("requeue")),
        ),
        max_size=8,
    ),
    by_mail=st.booleans(),
    language=st.sampled_from(["", "es", "es-AR", "zh-TW", "de"]),
    then=st.sampled_from([Then(ask=TOPICS), Then(help=ARTICLE)]),
)
def test_whatever_happens_nobody_is_asked_twice_or_loses_their_place(
    steps: list[tuple[Any, ...]], by_mail: bool, language: str, then: Then
) -> None:
    story = Story(then, by_mail=by_mail, language=language)
    for n, step in enumerate(steps, start=1):
        if not story.go_on(n, step):
            break
    house, key = story.house, story.item.id
    asked = [one.asked for one in house.events(e.CustomerAsked)]
    assert sorted(one.what for one in asked) in (["question"], ["help"], ["help", "question"])
    assert story.asked_by_machines == 0
    assert all(one.labels[-1] in every("person") and one.since == START for one in asked)
    assert len([m for m in said(house) if m.item == key]) == len(asked)
    over = [one.asked for one in house.events(e.CustomerAnswered)]
    ends = [(one.what, one.at) for one in over if one.ended != "late"]
    assert len(ends) == len(set(ends)), "a question ends once"
    now = house.tables.items[key]
    if now.state is ItemState.QUEUED and not story.requeued:
        assert now.queued_at == START
    if pending(now) is None and now.state is ItemState.SCHEDULED:
        raise AssertionError("it sleeps, and nothing will wake it")


@settings(max_examples=200, deadline=None)
@given(text=st.text(max_size=40), language=st.sampled_from(["", "es", "fr", "ja", "zh-TW"]))
def test_any_text_is_one_answer_or_none(text: str, language: str) -> None:
    one = shown(TOPICS, language)
    assert one is not None
    meant = heard(one.labels, TOPICS, text)
    assert meant.place is None or 0 <= meant.place < len(one.labels)
    for n, label in enumerate(one.labels):
        assert heard(one.labels, TOPICS, label).place == n
        assert heard(one.labels, TOPICS, f" {n + 1}. ").place == n


def test_the_contact_its_question_and_the_wait_for_an_answer_are_one_commit() -> None:
    """So a crash between any two steps leaves all of it or nothing, and asks nothing twice."""
    house = House(queues=[queue("general")], settles=False, most=1)
    house.record([e.Change(e.RuleDefined(rule=rule(Then(ask=TOPICS)), by=BOSS))])
    inbound = chat("c1")
    (stored,) = house.tables.receive(house.term, [inbound], [])
    known = Known(inbound_id=stored.id, number=TicketNumber(7), default_queue=QueueName("general"))
    changes, _ = decide(house.state, house.ledger.context(), inbound, known)
    house.ledger.record(changes)
    entries = house.ledger.take().entries
    kinds = {type(entry.event) for entry in entries}
    assert {e.ItemCreated, e.CustomerAsked, e.ItemScheduled, e.InboundDecided} <= kinds
    assert [x.event.direction for x in entries if isinstance(x.event, e.MessageAdded)] == [
        "in", "out"
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("then", "field", "why"),
    [
        ({"ask": {"text": "?", "answers": [{"label": "A"}, {"label": "a"}]}},
         "then.ask.answers[1].label", "the same as answers[0]"),
        ({"ask": {"text": "?", "answers": [{"label": "Talk to a person"}]}},
         "then.ask.answers[0].label", "the same as the person"),
        ({"ask": {"text": {"es": "¿?"}, "answers": [{"label": {"de": "Ja"}}]}},
         "then.ask.answers[0].label", "no label for it"),
        ({"ask": {"text": "{who}", "answers": [{"label": "A"}]}}, "then.ask.text", "{who}"),
        ({"ask": {"text": "?", "answers": [{"label": "…"}]}},
         "then.ask.answers[0].label", "no letter"),
        ({"ask": {"text": "?", "answers": [{"label": "A", "words": ["*"]}]}},
         "then.ask.answers[0].words", "could be found"),
        ({"ask": {"text": "?", "answers": [{"label": "A", "then": {"queue": "gone"}}]}},
         "then.ask.answers[0].then.queue", "there is no queue 'gone'"),
        ({"ask": {"text": "?", "answers": [{"label": "A"}], "otherwise": {"reply": "No."}}},
         "then.ask.otherwise.reply", "cannot decide 'reply'"),
        ({"ask": {"text": "?", "answers": [
            {"label": "A", "then": {"ask": {"text": "?", "answers": [{"label": "B"}]}}}]}},
         "then.ask.answers[0].then.ask", "one question"),
        ({"help": {"text": "x", "link": "javascript:alert(1)"}}, "then.help.link", "https://"),
        ({"help": {"text": "x", "helped": "Talk to a person"}}, "then.help.helped", "the person"),
        ({"help": {"text": "x"}, "hold": "odd"}, "then.hold", "not spoken to"),
        ({"help": {"text": "x"}, "ask": {"text": "?", "answers": [{"label": "A"}]}},
         "then.help", "asks or helps"),
    ],
)  # fmt: skip
def test_what_could_not_be_asked_is_refused_with_the_field(
    then: dict[str, Any], field: str, why: str
) -> None:
    one = Rule(name=RuleName("topics"), then=msgspec.convert(then, Then))
    found = problems([one], Names(queues=["general"], skills=[]))
    errors = [problem for problem in found if problem.grade == "error"]
    assert (field, True) in [(problem.field, why in problem.detail) for problem in errors], found


def test_only_a_contact_is_asked() -> None:
    one = Rule(name=RuleName("topics"), on=("message",), then=Then(ask=TOPICS))
    found = problems([one], Names(queues=[PARCELS, MONEY], skills=["lost"]))
    assert "a rule on 'message' cannot decide 'ask'" in [problem.detail for problem in found]


def test_the_first_rule_that_speaks_speaks_alone() -> None:
    house = a_house(rule(Then(help=ARTICLE), name="a"), rule(Then(ask=TOPICS), name="b"))
    arrive(house)
    assert [one.asked.rule for one in house.events(e.CustomerAsked)] == ["a"]
    assert len(said(house)) == 1
