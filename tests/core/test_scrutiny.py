"""What the house's rules make of what is said in a matter, by either side."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.core import acts, outbox
from gateway.core import commands as c
from gateway.core import events as e
from gateway.core.budget import Budget
from gateway.core.effects import MOST_AUTOMATIC, Doing, Matter
from gateway.core.errors import Refused, Undeliverable
from gateway.core.ids import AgentName, CommandId, MessageId, QueueName, RuleName
from gateway.core.model import (
    Case,
    CaseStatus,
    ChannelKind,
    Delivery,
    Item,
    ItemState,
    Message,
)
from gateway.core.owed import CallbackWish
from gateway.core.replies import conclude, review_of
from gateway.core.rules.rule import DECIDES, Rule, Then
from gateway.core.rules.when import Velocity, When
from gateway.core.scrutiny import SYSTEM
from tests.support.builders import House, agent, chat, mail, queue

BOSS = AgentName("boss")
ID = CommandId("command-x")
FRAUD = QueueName("fraud")


def a_house(*rules: Rule, **more: Any) -> House:
    house = House(
        agent("ana"),
        queues=[queue("general", **more), queue("fraud", groups=("detectives",))],
    )
    house.record([e.Change(e.RuleDefined(rule=rule, by=BOSS)) for rule in rules])
    house.sign_in("ana")
    return house


def rule(name: str, on: str, then: Then, **when: Any) -> Rule:
    known: Any = (on,)
    return Rule(name=RuleName(name), on=known, when=When(**when), then=then)


def arrive(house: House, key: str = "m1", **fields: Any) -> tuple[Case, Item]:
    decided = house.arrive(mail(key, **fields))
    assert decided.case is not None
    assert decided.item is not None
    return house.state.cases[decided.case], house.state.items[decided.item]


def write(house: House, item: Item, key: str = "m2", **fields: Any) -> Item:
    """The customer writes again."""
    case = house.state.cases[item.case]
    house.arrive(mail(key, **fields), referenced=case, reference="m1@example.org")
    return house.state.items[item.id]


def said(house: House, item: Item) -> list[Message]:
    found = [m for m in house.tables.messages.values() if m.case == item.case]
    return sorted(found, key=lambda m: m.seq)


def conclude_first(
    house: House, item: Item, verdict: Any, reason: str = "", by: AgentName = BOSS
) -> None:
    item = house.state.items[item.id]
    assert item.watch is not None
    review = review_of(item, item.watch.reviews[0].id)
    message = house.tables.messages.get(review.message or MessageId(""))
    matter = Matter(house.state, house.ledger.context(), house.state.cases[item.case], item)
    house.record(conclude(matter, review, verdict, by, reason, message))


# -- what the customer writes later -----------------------------------------------------------


def test_a_later_message_moves_its_item_and_says_by_which_rule() -> None:
    then = Then(queue=FRAUD, priority=30, tags=("fraud",), note="Look at {customer}'s account.")
    house = a_house(rule("gift cards", "message", then, words=("gift card*",)))
    _, item = arrive(house)
    item = write(house, item, body="Send the gift cards now")
    assert (item.queue, item.priority, item.state) == (FRAUD, 30, ItemState.QUEUED)
    assert house.state.cases[item.case].tags == ("fraud",)
    assert [m.direction for m in said(house, item)] == ["in", "in", "note"]
    assert said(house, item)[-1].body == "Look at Eva's account."
    (fired,) = house.events(e.RuleFired)
    assert (fired.rule, fired.on, fired.because) == (
        "gift cards",
        "message",
        "says “gift card*”",
    )


def test_rules_on_contacts_do_not_look_at_later_messages_nor_the_other_way_round() -> None:
    house = a_house(
        rule("first", "contact", Then(tags=("a",)), words=("help",)),
        rule("later", "message", Then(tags=("b",)), words=("help",)),
    )
    _, item = arrive(house, body="help")
    assert house.state.cases[item.case].tags == ("a",)
    item = write(house, item, body="help!")
    assert house.state.cases[item.case].tags == ("a", "b")


def test_a_message_that_is_held_takes_its_item_out_of_routing_until_somebody_has_looked() -> None:
    house = a_house(rule("odd", "message", Then(hold="asks for the code"), words=("code",)))
    _, item = arrive(house)
    assert house.offered() == {item.id: "ana"}
    item = write(house, item, body="Tell me the code")
    assert (item.state, item.wake_at, item.reason) == (
        ItemState.SCHEDULED,
        None,
        "asks for the code",
    )
    assert house.offered() == {}
    house.record(acts.requeue(house.state, item.id, None, BOSS, "looked at"))
    assert house.offered() == {item.id: "ana"}


def test_what_somebody_works_on_is_not_taken_away_but_a_supervisor_is_told() -> None:
    house = a_house(rule("odd", "message", Then(hold="asks for the code"), words=("code",)))
    arrive(house)
    item = house.accept("ana")
    item = write(house, item, body="Tell me the code")
    assert (item.state, item.agent) == (ItemState.ASSIGNED, "ana")
    assert item.watch is not None
    assert [(one.rule, one.reason, one.message) for one in item.watch.reviews] == [
        ("odd", "asks for the code", None)
    ]
    conclude_first(house, item, "seen")
    after = house.state.items[item.id].watch
    assert after is None or not after.reviews


def test_velocity_counts_messages_of_one_matter_too() -> None:
    fast = Velocity(contacts=3, seconds=60)
    house = a_house(rule("fast", "message", Then(tags=("fast",)), velocity=fast))
    _, item = arrive(house)
    write(house, item, "m2")
    assert house.state.cases[item.case].tags == ()
    write(house, item, "m3")
    assert house.state.cases[item.case].tags == ("fast",)


def test_messages_of_long_ago_do_not_count() -> None:
    fast = Velocity(contacts=3, seconds=60)
    house = a_house(rule("fast", "message", Then(tags=("fast",)), velocity=fast))
    _, item = arrive(house)
    write(house, item, "m2")
    house.clock.seconds += 61
    write(house, item, "m3")
    assert house.state.cases[item.case].tags == ()


# -- what an agent writes -----------------------------------------------------------------------

SECRET = rule(
    "no codes by mail", "reply", Then(hold="names an account", tell="look"), words=("account",)
)


def a_held_reply(house: House, **more: Any) -> Item:
    arrive(house)
    item = house.accept("ana")
    body = house.say("ana", c.Send(id=ID, item=item.id, body="Your account is 1", **more))
    assert body["held"] == "names an account"
    return house.state.items[item.id]


def test_a_reply_that_is_held_does_not_leave_and_is_not_among_what_the_customer_sees() -> None:
    house = a_house(SECRET)
    item = a_held_reply(house)
    assert house.tables.outbox == {}
    assert [m.direction for m in said(house, item)] == ["in", "note"]
    assert item.answered_at is None
    assert item.watch is not None
    review = next(one for one in item.watch.reviews if one.message is not None)
    assert (review.rule, review.agent, review.preview) == (
        "no codes by mail",
        "ana",
        "Your account is 1",
    )


def test_a_reply_that_no_rule_is_about_leaves() -> None:
    house = a_house(SECRET)
    arrive(house)
    item = house.accept("ana")
    body = house.say("ana", c.Send(id=ID, item=item.id, body="Hello"))
    assert "held" not in body
    assert len(house.tables.outbox) == 1


def test_a_released_reply_leaves_as_its_agent_wrote_it() -> None:
    house = a_house(rule("no codes by mail", "reply", Then(hold="names"), words=("account",)))
    arrive(house)
    item = house.accept("ana")
    house.say("ana", c.Send(id=ID, item=item.id, body="Your account is 1", then="wait"))
    item = house.state.items[item.id]
    assert item.state is ItemState.HELD
    with pytest.raises(Refused, match="another supervisor releases it"):
        conclude_first(house, item, "released", by=AgentName("ana"))
    conclude_first(house, item, "released")
    (order,) = house.tables.outbox.values()
    last = said(house, item)[-1]
    assert (last.id, last.direction, last.body) == (order.message, "out", "Your account is 1")
    assert (last.author.id, last.delivery) == ("ana", Delivery.QUEUED)
    assert house.state.items[item.id].state is ItemState.HELD
    assert house.state.cases[item.case].status.value == "waiting"


def test_a_released_reply_ends_its_item_if_its_agent_wanted_that() -> None:
    house = a_house(
        rule("no codes by mail", "reply", Then(hold="names"), words=("account",)),
        wrapup_required=False,
    )
    arrive(house)
    item = house.accept("ana")
    house.say("ana", c.Send(id=ID, item=item.id, body="Your account is 1", then="close"))
    conclude_first(house, item, "released")
    assert item.id not in house.state.items
    assert house.tables.items[item.id].state is ItemState.COMPLETED


def test_a_refused_reply_never_leaves_and_its_agent_reads_why() -> None:
    house = a_house(rule("no codes by mail", "reply", Then(hold="names"), words=("account",)))
    arrive(house)
    item = house.accept("ana")
    house.say("ana", c.Send(id=ID, item=item.id, body="Your account is 1", then="close"))
    conclude_first(house, item, "refused", "not by mail")
    assert house.tables.outbox == {}
    assert said(house, item)[-1].body == "boss refused the reply: not by mail"
    assert house.offered() == {item.id: "ana"}


def test_an_item_cannot_end_while_a_reply_of_it_waits() -> None:
    house = a_house(SECRET)
    item = a_held_reply(house)
    with pytest.raises(Refused, match="waits to be looked at"):
        house.complete("ana", item.id)
    with pytest.raises(Refused, match="waits to be looked at"):
        acts.close(house.state, item.id, BOSS, "enough")
    with pytest.raises(Refused, match="waits to be looked at"):
        acts.cancel(house.state, item.id, BOSS, "a mistake")


def test_a_verdict_fits_what_it_is_about() -> None:
    house = a_house(rule("no codes by mail", "reply", Then(hold="names"), words=("account",)))
    arrive(house)
    item = house.accept("ana")
    house.say("ana", c.Send(id=ID, item=item.id, body="Your account is 1"))
    with pytest.raises(Refused, match="released or refused"):
        conclude_first(house, item, "seen")
    with pytest.raises(Refused, match="nothing by that id"):
        review_of(house.state.items[item.id], "gone")


def test_a_message_that_begins_a_matter_is_looked_at_too() -> None:
    house = a_house(SECRET)
    body = house.say(
        "ana",
        c.Compose(id=ID, channel=mail("x").channel, to="eva@example.org", body="Your account is 1"),
    )
    assert body["held"] == "names an account"
    assert house.tables.outbox == {}


def test_a_note_can_tell_a_supervisor_whichever_way_it_is_written() -> None:
    house = a_house(rule("threat", "note", Then(tell="a threat"), words=("threat*",)))
    arrive(house)
    item = house.accept("ana")
    house.say("ana", c.Note(id=ID, item=item.id, body="He threatened me"))
    house.say("ana", c.Transfer(id=house.command(), item=item.id, queue=FRAUD, note="a threat"))
    watch = house.state.items[item.id].watch
    assert watch is not None
    assert [one.reason for one in watch.reviews] == ["a threat", "a threat"]


# -- in general -----------------------------------------------------------------------------------


def test_rules_write_no_more_than_a_few_messages_until_one_of_us_has_written() -> None:
    house = a_house()
    house.state.budget = Budget(sender_hour=100)
    arrive(house)
    item = house.accept("ana")
    for _ in range(MOST_AUTOMATIC + 3):
        now = house.state.items[item.id]
        matter = Matter(house.state, house.ledger.context(), house.state.cases[item.case], now)
        doing = Doing(matter, by="test", author=SYSTEM)
        doing.reply("Are you there, {customer}?")
        house.record(doing.changes)
    assert len([m for m in said(house, item) if m.direction == "out"]) == MOST_AUTOMATIC
    house.say("ana", c.Send(id=ID, item=item.id, body="I am."))
    assert house.state.cases[item.case].automatic == 0


words = st.sampled_from(["code", "account", "hello"])
deeds = st.lists(
    st.tuples(st.sampled_from(["write", "send", "note", "accept", "look"]), words), max_size=12
)
thens = st.builds(
    Then,
    priority=st.none() | st.integers(-100, 100),
    tags=st.lists(st.sampled_from("abc"), max_size=2).map(tuple),
    untag=st.lists(st.sampled_from("abc"), max_size=1).map(tuple),
    hold=st.none() | st.just("look at it"),
    tell=st.none() | st.just("somebody should know"),
    note=st.none() | st.just("{customer}: {nothing}"),
    queue=st.none() | st.sampled_from([FRAUD, QueueName("gone"), QueueName("general")]),
)
rules = st.lists(
    st.tuples(st.sampled_from(["contact", "message", "reply", "note"]), words, thens), max_size=4
)


@settings(max_examples=60, deadline=None)
@given(rules, deeds)
def test_whatever_rules_do_everything_said_is_kept_once_and_nothing_held_leaves(
    given_rules: list[tuple[Any, str, Then]], done: list[tuple[str, str]]
) -> None:
    house = a_house(
        *(
            rule(f"r{n}", on, _fitting(on, then), words=(word,))
            for n, (on, word, then) in enumerate(given_rules)
        )
    )
    _, item = arrive(house, body="hello")
    for n, (deed, word) in enumerate(done):
        _do(house, item, deed, word, n)
        found = said(house, item)
        assert [m.seq for m in found] == list(range(1, len(found) + 1))
        now = house.state.items[item.id]
        held = {one.message for one in (now.watch.reviews if now.watch else ()) if one.message}
        assert not held & {order.message for order in house.tables.outbox.values()}
        assert all(house.tables.messages[one].direction == "note" for one in held)
        assert -100 <= now.priority <= 100


def _fitting(on: Any, then: Then) -> Then:
    known: Any = DECIDES[on]
    return Then(**{name: getattr(then, name) for name in known})


def _do(house: House, item: Item, deed: str, word: str, n: int) -> None:
    now = house.state.items[item.id]
    match deed:
        case "write":
            write(house, now, f"again{n}", body=word)
        case "accept" if now.offer is not None:
            house.accept("ana")
        case "send" if now.state is ItemState.ASSIGNED:
            house.say("ana", c.Send(id=house.command(), item=item.id, body=word))
        case "note" if now.state is ItemState.ASSIGNED:
            house.say("ana", c.Note(id=house.command(), item=item.id, body=word))
        case "look" if now.watch is not None and now.watch.reviews:
            held = now.watch.reviews[0].message is not None
            conclude_first(house, now, ("released" if n % 2 else "refused") if held else "seen")
        case _:
            pass


# -- what is held is lost by nothing that happens meanwhile ---------------------------------------


def a_held_chat(house: House, then: Any = None) -> tuple[Item, Any]:
    """A chat in which a reply waits to be looked at."""
    house.arrive(chat("hello"))
    item = house.accept("ana")
    house.say("ana", c.Send(id=ID, item=item.id, body="Your account is 1", then=then))
    return house.state.items[item.id], {"conversation": house.state.cases[item.case]}


@pytest.mark.parametrize("then", [None, "wait", "close"])
def test_a_customer_who_leaves_takes_no_held_reply_along(then: Any) -> None:
    house = a_house(rule("no codes", "reply", Then(hold="names"), words=("account",)))
    item, known = a_held_chat(house, then)
    house.arrive(chat("end", attributes={"chat": "ended"}), **known)
    assert house.state.items[item.id].state is ItemState.HELD
    house.pass_time(3_600)
    conclude_first(house, item, "released")
    assert said(house, item)[-1].body == "Your account is 1"
    house.say("ana", c.Resume(id=house.command(), item=item.id))
    house.complete("ana", item.id)
    assert item.id not in house.state.items


def test_who_left_a_queue_in_which_a_held_reply_waits_is_not_counted_as_gone() -> None:
    house = a_house(rule("no codes", "reply", Then(hold="names"), words=("account",)))
    item, known = a_held_chat(house)
    house.record(acts.requeue(house.state, item.id, FRAUD, BOSS, "theirs"))
    house.arrive(chat("end", attributes={"chat": "ended"}), **known)
    assert house.state.items[item.id].state is ItemState.QUEUED
    conclude_first(house, item, "refused")


def a_held_call_back(house: House) -> tuple[Item, Any]:
    """A mail for which a call-back was asked, that somebody answers in writing."""
    case, first = arrive(house)
    house.accept("ana")
    house.say("ana", c.AskCallback(id=house.command(), item=first.id, mine=True))
    house.say("ana", c.State(id=house.command(), state="ready"))
    house.complete("ana", first.id)
    item = house.accept("ana")
    assert item.callback is not None
    house.say("ana", c.Send(id=ID, item=item.id, body="Your account is 1", then="wait"))
    return house.state.items[item.id], {"referenced": case, "reference": "m1@example.org"}


def test_a_released_reply_on_a_call_back_goes_the_way_that_it_came() -> None:
    house = a_house(rule("no codes", "reply", Then(hold="names"), words=("account",)))
    item, _ = a_held_call_back(house)
    conclude_first(house, item, "released")
    (order,) = house.tables.outbox.values()
    assert (order.message, order.kind) == (said(house, item)[-1].id, ChannelKind.EMAIL)


def test_a_call_back_whose_reply_is_held_is_not_cancelled_when_the_customer_comes_back() -> None:
    house = a_house(rule("no codes", "reply", Then(hold="names"), words=("account",)))
    item, known = a_held_call_back(house)
    house.arrive(mail("m2"), **known)
    assert item.id in house.state.items
    conclude_first(house, item, "refused")
    house.arrive(mail("m3"), **known)
    assert item.id in house.state.items, "the customer's word is about the mail that is open"


def test_what_a_rule_writes_on_a_call_back_goes_the_way_that_it_came() -> None:
    house = a_house(rule("no codes", "reply", Then(hold="names"), words=("account",)))
    item, _ = a_held_call_back(house)
    matter = Matter(house.state, house.ledger.context(), house.state.cases[item.case], item)
    doing = Doing(matter, by="test", author=SYSTEM)
    assert doing.reply("Are you there?")
    house.record(doing.changes)
    (order,) = house.tables.outbox.values()
    assert order.kind is ChannelKind.EMAIL


def test_nothing_is_written_by_rule_to_who_left_a_number_only() -> None:
    house = a_house()
    _, first = arrive(house)
    assert first.customer is not None
    wish = c.AskCallback(id=ID, customer=first.customer.id, number="+49 30 1234567")
    answer = house.say("ana", wish, customer=first.customer)
    item = house.state.items[answer["item"]]
    matter = Matter(house.state, house.ledger.context(), house.state.cases[item.case], item)
    doing = Doing(matter, by="test", author=SYSTEM)
    assert not doing.reply("Are you there?")
    assert doing.did == ["no reply: there is only a number to call"]


# -- what is put aside and becomes work again -----------------------------------------------------


def put_aside(house: House) -> Item:
    """An item whose case waits for the customer."""
    arrive(house)
    item = house.accept("ana")
    house.say("ana", c.Send(id=ID, item=item.id, body="Which one?", then="wait"))
    assert house.state.cases[item.case].status is CaseStatus.WAITING
    return house.state.items[item.id]


def by_a_supervisor(house: House, item: Item) -> None:
    house.record(acts.requeue(house.state, item.id, None, BOSS, "look again"))


def to_somebody(house: House, item: Item) -> None:
    house.record(acts.assign(house.state, item.id, AgentName("ana"), BOSS, "look again"))


def by_a_rule(house: House, item: Item) -> None:
    matter = Matter(house.state, house.ledger.context(), house.state.cases[item.case], item)
    doing = Doing(matter, by="test", author=SYSTEM)
    doing.move(FRAUD, "look again", RuleName("again"))
    house.record(doing.changes)


def undelivered(house: House, item: Item) -> None:
    (order,) = house.state.outbox.values()
    gone = Undeliverable("no such mailbox")
    house.record([outbox.attempt(order)])
    order = house.state.outbox[order.id]
    house.record(outbox.failed(house.state, order, gone, house.ledger.context()))


@pytest.mark.parametrize("again", [by_a_supervisor, to_somebody, by_a_rule, undelivered])
def test_what_becomes_work_again_waits_for_the_customer_no_more(again: Any) -> None:
    house = a_house()
    item = put_aside(house)
    again(house, item)
    assert house.state.items[item.id].state is not ItemState.HELD
    assert house.state.cases[item.case].status is CaseStatus.OPEN


def test_what_is_kept_back_is_not_for_who_had_it_last_to_take_up_or_to_end() -> None:
    house = a_house(rule("odd", "message", Then(hold="asks for the code"), words=("code",)))
    arrive(house)
    item = house.accept("ana")
    house.say("ana", c.Park(id=house.command(), item=item.id))
    by_a_supervisor(house, item)
    item = write(house, item, body="Tell me the code")
    assert (item.state, item.last_agent) == (ItemState.SCHEDULED, "ana")
    with pytest.raises(Refused, match="a supervisor looks at this first"):
        house.say("ana", c.Resume(id=house.command(), item=item.id))
    with pytest.raises(Refused, match="a supervisor looks at this first"):
        house.complete("ana", item.id)


CODES = rule("no codes", "reply", Then(hold="names"), words=("account",))


def a_reply_held_with_close(house: House) -> Item:
    arrive(house)
    item = house.accept("ana")
    house.say("ana", c.Send(id=ID, item=item.id, body="Your account is 1", then="close"))
    return house.state.items[item.id]


def test_a_released_reply_leads_to_wrap_up_where_the_queue_wants_that() -> None:
    house = a_house(CODES)
    item = a_reply_held_with_close(house)
    assert item.state is ItemState.HELD
    conclude_first(house, item, "released")
    now = house.state.items[item.id]
    assert (now.state, now.agent) == (ItemState.WRAPPING, "ana")
    house.complete("ana", item.id)
    assert house.state.cases.get(item.case, item) is not None
    assert house.tables.items[item.id].state is ItemState.COMPLETED


def test_whose_agent_has_gone_ends_without_wrap_up_when_its_reply_is_released() -> None:
    house = a_house(CODES)
    item = a_reply_held_with_close(house)
    house.drop("ana")
    conclude_first(house, item, "released")
    assert house.tables.items[item.id].state is ItemState.COMPLETED
    assert len(house.tables.outbox) == 1


def test_who_has_written_meanwhile_is_answered_and_not_wrapped_up() -> None:
    house = a_house(CODES)
    item = a_reply_held_with_close(house)
    write(house, item)
    conclude_first(house, item, "released")
    assert house.state.items[item.id].state in (ItemState.QUEUED, ItemState.OFFERED)


def test_nobody_cancels_an_item_whose_reply_waits_to_be_looked_at() -> None:
    house = a_house(CODES)
    item = a_reply_held_with_close(house)
    with pytest.raises(Refused, match="released or refused first"):
        acts.cancel(house.state, item.id, "boss", "")


def test_a_call_back_that_is_asked_for_does_not_drop_a_reply_that_is_held() -> None:
    house = a_house(CODES)
    item = write(house, a_reply_held_with_close(house))
    assert item.state in (ItemState.QUEUED, ItemState.OFFERED)
    case = house.state.cases[item.case]
    call = mail("m3", callback=CallbackWish(number="+34600111222"))
    house.arrive(call, referenced=case, reference="m1@example.org")
    assert item.id in house.state.items
    conclude_first(house, item, "released")
    assert len(house.tables.outbox) == 1


def test_a_call_back_that_is_taken_back_does_not_drop_a_reply_that_is_held() -> None:
    house = a_house(CODES)
    item, known = a_held_call_back(house)
    off = mail("m2", callback=CallbackWish(cancel=True))
    decided = house.arrive(off, **known)
    assert decided.status == "ignored"
    assert "a reply waits to be looked at" in decided.reason
    assert item.id in house.state.items
