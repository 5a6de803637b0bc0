"""A customer who has something open is told how it stands, and what they say next belongs to it."""

from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from gateway.core import commands as c
from gateway.core import events as e
from gateway.core.asking import SELF_SERVICE
from gateway.core.calendars import Calendar
from gateway.core.ids import AgentName, CalendarName, CommandId, QueueName, RuleName
from gateway.core.inbound import Claim, Decided
from gateway.core.model import Case, CaseStatus, ChannelKind, Item, ItemState, Message
from gateway.core.open_matters import ticket_of
from gateway.core.rules.facts import Facts
from gateway.core.rules.problems import House as Names
from gateway.core.rules.problems import problems
from gateway.core.rules.rule import Rule, Status, Then
from gateway.core.rules.run import run
from gateway.core.rules.status import told
from gateway.core.rules.tickets import Ticket, about
from gateway.core.rules.when import When
from tests.support.builders import MAIL, START, House, agent, chat, mail, queue

BOSS = AgentName("boss")
EVA = Claim(kind="email", value="eva@example.org", name="Eva", verified=True)
JOIN = Then(join=True)
TELL = Then(status=Status())
BOTH = Then(join=True, status=Status())


def a_house(*rules: Rule, **more: Any) -> House:
    house = House(
        agent("ana"), agent("bob"), queues=[queue("general", **more), queue("parcels", **more)]
    )
    house.record([e.Change(e.RuleDefined(rule=rule, by=BOSS)) for rule in rules])
    return house


def rule(then: Then, on: str = "contact", **when: Any) -> Rule:
    known: Any = (on,)
    return Rule(name=RuleName("open"), on=known, when=When(**when), then=then)


def begin(house: House, key: str = "m1", **fields: Any) -> tuple[Case, Item]:
    return of(house, house.arrive(mail(key, **fields)))


def of(house: House, decided: Decided) -> tuple[Case, Item]:
    assert decided.case is not None
    assert decided.item is not None
    return house.state.cases[decided.case], house.state.items[decided.item]


def by_chat(house: House, key: str = "c1", **fields: Any) -> tuple[Case, Item]:
    return of(house, house.arrive(chat(key, **({"identity": EVA} | fields))))


def said(house: House) -> list[Message]:
    return [m for m in house.tables.messages.values() if m.direction == "out"]


# -- joined ------------------------------------------------------------------------------------


def test_a_new_mail_about_the_open_matter_is_no_new_case() -> None:
    house = a_house(rule(JOIN, open_case=True))
    case, item = begin(house)
    again, same = begin(house, "m2", subject="Where is it?")
    assert (again.id, same.id, again.last_seq) == (case.id, item.id, 2)
    (_, joined) = house.events(e.MessageAdded)
    assert joined.reason == "rule 'open': its customer's one open matter"


def test_by_another_channel_it_is_offered_first_to_who_holds_the_matter() -> None:
    house = a_house(rule(JOIN))
    house.sign_in("bob")
    case, first = begin(house, queue=QueueName("parcels"))
    house.accept("bob")
    house.sign_in("ana")
    house.pass_time(60)
    again, item = by_chat(house)
    assert again.id == case.id
    assert (item.kind, item.queue, item.last_agent) == (ChannelKind.WEBCHAT, "parcels", "bob")
    assert item.offer is not None
    assert item.offer.agent == "bob"
    assert house.state.items[first.id].state is ItemState.ASSIGNED


def test_a_claim_joins_nothing_and_is_told_nothing() -> None:
    house = a_house(rule(BOTH))
    claimed = Claim(kind="email", value="eva@example.org", name="Eva")
    first, _ = begin(house, identity=claimed)
    second, _ = begin(house, "m2", identity=claimed)
    assert first.id != second.id
    assert said(house) == []
    known = Facts(kind=ChannelKind.EMAIL, channel=MAIL, at=START, open_cases=1)
    assert run(house.state.rules.on("contact"), known).looked[0].because == (
        "always; no status or join: the identity is not verified"
    )


def test_a_machine_joins_nothing() -> None:
    house = a_house(rule(BOTH))
    first, _ = begin(house)
    second, _ = begin(house, "m2", machine=True)
    assert first.id != second.id
    assert said(house) == []


def test_of_several_the_one_that_it_names_or_whose_subject_it_has() -> None:
    one = Ticket(number=10_001, subject="My parcel")
    other = Ticket(number=10_002, subject="Re: An invoice")
    assert about([one], "Hello", "").number == 10_001
    assert about([one, other], "Hello", "it is 10002, please").number == 10_002
    assert about([one, other], "Hello", "I paid 110002.50").number is None
    assert about([one, other], "AW: My parcel", "").number == 10_001
    assert about([one, other], "Hello", "10001 and 10002").number is None
    unclear = about([one, other], "Hello", "")
    assert unclear.why == "2 matters are open, and it names none of them"
    small = Ticket(number=7)
    assert about([small, one], "", "in 7 days").number is None
    assert about([small, one], "", "see #7").number == 7


def test_what_belongs_to_none_of_several_begins_a_matter_and_says_why() -> None:
    house = a_house(rule(JOIN, words=("hello",)))
    begin(house)
    begin(house, "m2")
    case, _ = begin(house, "m3", body="Hello")
    assert case.number == 3
    assert "joins nothing: 2 matters are open" in case.joined_because


def test_a_chat_goes_over_to_no_matter_older_than_its_conversation() -> None:
    house = a_house(rule(JOIN))
    begin(house)
    newer = "ffffffff-ffff-7fff-8fff-ffffffffffff"
    case, _ = by_chat(house, conversation=newer)
    assert case.kind is ChannelKind.WEBCHAT


def test_who_ends_the_chat_leaves_the_mail_of_the_matter_open() -> None:
    house = a_house(rule(JOIN))
    case, written = begin(house)
    _, item = by_chat(house)
    end = chat("end", identity=EVA, attributes={"chat": "ended"}, conversation=case.id)
    house.arrive(end, conversation=house.state.cases[case.id])
    assert item.id not in house.state.items
    assert house.state.items[written.id].state is ItemState.QUEUED


def test_what_else_the_rules_decide_is_done_to_the_matter_that_is_joined() -> None:
    then = Then(join=True, tags=("again",), priority=5, note="Asked again.")
    house = a_house(rule(then, open_case=True))
    case, item = begin(house)
    begin(house, "m2")
    assert house.state.cases[case.id].tags == ("again",)
    assert house.state.items[item.id].priority == 5
    (fired,) = house.events(e.RuleFired)
    assert (fired.on, fired.did) == ("contact", ("priority", "note", "join", "tags"))


# -- told --------------------------------------------------------------------------------------


def test_the_status_is_told_in_the_customers_language_with_a_person_to_talk_to() -> None:
    house = a_house(rule(TELL))
    begin(house, subject="Mi paquete")
    case, item = by_chat(house, language="es-AR")
    (message,) = said(house)
    assert message.body == "Ticket 1 · Mi paquete\nEstá a la espera de que lo atendamos."
    assert message.quick_replies == ("Me ha servido", "Hablar con una persona")
    assert (item.state, case.number) == (ItemState.SCHEDULED, 2)


def test_who_is_helped_by_the_status_is_done_and_who_is_not_meets_a_person() -> None:
    house = a_house(rule(TELL))
    house.sign_in("ana")
    begin(house)
    house.accept("ana")
    case, item = by_chat(house)
    assert said(house)[-1].body.endswith("One of us is working on it.")
    house.arrive(chat("c2", identity=EVA, body="That helped"), conversation=case)
    assert item.id not in house.state.items
    (done,) = house.events(e.ItemCompleted)
    assert done.code == SELF_SERVICE
    other, item = by_chat(house, "c3")
    house.arrive(chat("c4", identity=EVA, body="Talk to a person"), conversation=other)
    assert house.state.items[item.id].state in (ItemState.QUEUED, ItemState.OFFERED)


def test_silence_after_the_status_leads_to_a_person_unless_the_rule_says_otherwise() -> None:
    house = a_house(rule(TELL))
    begin(house)
    _, item = by_chat(house)
    house.pass_time(121)
    assert house.state.items[item.id].state is ItemState.QUEUED
    house = a_house(rule(Then(status=Status(silent="solved"))))
    begin(house)
    _, item = by_chat(house)
    house.pass_time(121)
    assert item.id not in house.state.items


def test_nobody_is_told_of_what_is_not_open() -> None:
    house = a_house(rule(BOTH))
    begin(house)
    assert said(house) == []


def test_who_writes_in_the_matter_is_told_and_kept_from_nobody() -> None:
    house = a_house(rule(BOTH))
    house.sign_in("ana")
    case, item = begin(house)
    house.accept("ana")
    house.pass_time(60)
    house.say("ana", c.Send(id=CommandId("s1"), item=item.id, body="Which one?", then="wait"))
    assert house.state.items[item.id].state is ItemState.HELD
    begin(house, "m2", subject="News?")
    text = said(house)[-1].body
    assert text.startswith(f"Ticket {case.number} · About m1\nIt is waiting for one of us.")
    assert text.endswith("added to it, and a person will read it.")
    now = house.state.items[item.id]
    assert (now.state, now.offer and now.offer.agent) == (ItemState.OFFERED, "ana")


def test_a_question_about_the_status_in_the_matter_itself_is_answered() -> None:
    house = a_house(rule(TELL, "message", words=("any news",)))
    case, _ = begin(house)
    for n, body in enumerate(("Thank you", "Any news?")):
        inbound = mail(f"r{n}", body=body)
        house.arrive(inbound, referenced=house.state.cases[case.id], reference="m1@example.org")
    assert len(said(house)) == 1


def test_what_is_promised_is_told_with_its_time_where_the_queue_is() -> None:
    house = a_house(rule(TELL), hours=CalendarName("berlin"))
    berlin = Calendar(name=CalendarName("berlin"), zone="Europe/Berlin")
    house.record([e.Change(e.CalendarDefined(calendar=berlin, by=BOSS))])
    house.sign_in("ana")
    _, item = begin(house)
    house.accept("ana")
    due = START + timedelta(hours=3)
    house.say(
        "ana", c.MakePromise(id=CommandId("p1"), item=item.id, text="We send another", due_at=due)
    )
    by_chat(house)
    local = due.astimezone(ZoneInfo("Europe/Berlin"))
    wanted = f"We have promised: We send another (by {local:%Y-%m-%d %H:%M} (Europe/Berlin))."
    assert wanted in said(house)[-1].body
    house.pass_time(3.5 * 3600)
    late = ticket_of(house.state, item.case, house.clock.now())
    assert (late.standing, late.by) == ("working", None)


def test_a_subject_in_braces_is_told_as_it_is() -> None:
    status = Status(text="{customer}, this is open:")
    one = told(
        status,
        [Ticket(number=1, subject="{customer}")],
        "en",
        fill=lambda text: text.replace("{customer}", "Eva"),
    )
    assert one is not None
    assert one.text.startswith("Eva, this is open:\n\nTicket 1 · {customer}\n")


def test_five_matters_are_told_at_most() -> None:
    one = told(Status(), [Ticket(number=n) for n in range(9)], "de")
    assert one is not None
    assert one.text.count("Ticket") == 5


def test_two_that_answer_each_other_end() -> None:
    house = a_house(rule(BOTH))
    begin(house)
    for n in range(20):
        begin(house, f"again{n}")
    assert len(said(house)) == 1  # whoever answers a machine of ours at once is one
    house = a_house(rule(TELL))
    begin(house)
    for n in range(20):
        begin(house, f"again{n}")
    assert len(said(house)) == 1


@pytest.mark.parametrize(
    ("then", "field"),
    [
        (Then(status=Status(text="{nobody}")), "then.status.text"),
        (Then(status=Status(helped="Ok", person="OK")), "then.status.helped"),
        (Then(status=Status(), hold="odd"), "then.hold"),
    ],
)
def test_a_status_that_cannot_be_told_is_refused_with_the_field(then: Then, field: str) -> None:
    found = problems([rule(then)], Names(queues=["general"], skills=[]))
    assert [problem.field for problem in found] == [field]


def test_the_case_that_was_promised_is_open_again_with_what_is_joined() -> None:
    house = a_house(rule(JOIN))
    house.sign_in("ana")
    case, item = begin(house)
    house.accept("ana")
    due = START + timedelta(hours=3)
    house.say("ana", c.MakePromise(id=CommandId("p1"), item=item.id, text="Soon", due_at=due))
    house.complete("ana", item.id)
    assert house.state.cases[case.id].status is CaseStatus.PROMISED
    again, joined = begin(house, "m2", subject="Something else?")
    assert (again.id, joined.last_agent) == (case.id, "ana")
    assert house.state.cases[case.id].status is CaseStatus.OPEN
