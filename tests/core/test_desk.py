"""What an agent's command does, and in which words it is refused."""

from datetime import timedelta
from typing import Any, get_args

import pytest

from gateway.core import commands as c
from gateway.core import events as e
from gateway.core.desk import _ACTS
from gateway.core.errors import Refused
from gateway.core.ids import (
    AgentName,
    CaseId,
    ChannelName,
    CommandId,
    ItemId,
    MessageId,
    OfferId,
    QueueName,
)
from gateway.core.model import (
    CaseStatus,
    ChannelKind,
    Delivery,
    Item,
    ItemState,
    Message,
    Outgoing,
    Presence,
)
from tests.support.builders import MAIL, SITE, House, agent, chat, mail, queue, task

ID = CommandId("command-x")
NOWHERE = ItemId("0190a000-0000-7000-8000-00000000dead")


@pytest.fixture
def house() -> House:
    made = House(
        agent("ana"),
        agent("bob"),
        queues=[queue("general"), queue("sales"), queue("shelf", take_allowed=True)],
    )
    made.sign_in("ana")
    return made


@pytest.fixture
def held(house: House) -> Item:
    """A mail in ana's hands."""
    house.arrive(mail("m1"))
    return house.accept("ana")


def rows(house: House, kind: type[Any]) -> list[Any]:
    return [row for entry in house.entries for row in entry.rows if isinstance(row, kind)]


def case_of(house: House, item: Item) -> Any:
    return house.tables.cases[item.case]


# -- the agent's own state ------------------------------------------------------------------


def test_not_ready_says_why_and_takes_offers_back(house: House) -> None:
    house.arrive(mail("m1"))
    body = house.say("ana", c.State(id=ID, state="not_ready", reason="lunch"))
    assert body == {"state": "not_ready", "reason": "lunch"}
    assert house.status("ana").reason == "lunch"
    assert house.offered() == {}
    (withdrawn,) = house.events(e.OfferWithdrawn)
    assert withdrawn.reason == "the agent is not ready"


def test_not_ready_without_a_reason_is_a_break(house: House) -> None:
    house.say("ana", c.State(id=ID, state="not_ready"))
    assert house.status("ana").reason == "break"


def test_ready_begins_to_be_idle(house: House) -> None:
    house.say("ana", c.State(id=ID, state="not_ready"))
    house.clock.seconds = 77
    house.say("ana", c.State(id=ID, state="ready"))
    status = house.status("ana")
    assert (status.presence, status.reason, status.idle_since) == (
        Presence.READY,
        "",
        house.clock.now(),
    )


# -- offers ---------------------------------------------------------------------------------


def test_an_accepted_offer_puts_the_item_into_the_hand(house: House) -> None:
    house.arrive(mail("m1"))
    item = house.accept("ana")
    assert (item.state, item.agent, item.last_agent, item.offer) == (
        ItemState.ASSIGNED,
        "ana",
        "ana",
        None,
    )
    assert case_of(house, item).last_agent == "ana"


def test_an_offer_can_be_accepted_up_to_its_deadline(house: House) -> None:
    house.arrive(mail("m1"))
    house.clock.seconds += 120
    assert house.accept("ana").state is ItemState.ASSIGNED


def test_after_its_deadline_an_offer_is_gone_though_nobody_has_looked(house: House) -> None:
    house.arrive(mail("m1"))
    house.clock.seconds += 120.001
    with pytest.raises(Refused) as refused:
        house.accept("ana")
    assert (refused.value.code, refused.value.field) == ("offer_gone", "offer")


def test_accept_at_the_deadline_and_the_deadline_have_one_effect(house: House) -> None:
    house.arrive(mail("m1"))
    house.clock.seconds += 120
    taken = house.accept("ana")
    house.pass_time(0)
    assert house.state.items[taken.id].state is ItemState.ASSIGNED
    assert house.events(e.OfferMissed) == []


def test_the_deadline_first_and_accept_after_have_one_effect(house: House) -> None:
    house.arrive(mail("m1"))
    offered = house.offered_to("ana")[0]
    assert offered.offer is not None
    house.pass_time(120)
    with pytest.raises(Refused) as refused:
        house.say("ana", c.Accept(id=ID, offer=offered.offer.id))
    assert refused.value.code == "offer_gone"
    assert len(house.events(e.OfferMissed)) == 1


def test_another_agents_offer_is_none_of_mine(house: House) -> None:
    house.sign_in("bob")
    house.arrive(mail("m1"))
    offered = house.offered_to("ana")[0]
    assert offered.offer is not None
    for command in (c.Accept, c.Decline):
        with pytest.raises(Refused) as refused:
            house.say("bob", command(id=ID, offer=offered.offer.id))
        assert (refused.value.code, refused.value.field) == ("offer_gone", "offer")


# -- taking ---------------------------------------------------------------------------------


def shelved(house: House) -> Item:
    house.say("ana", c.State(id=ID, state="not_ready"))
    house.arrive(mail("s1", queue=QueueName("shelf")))
    return next(i for i in house.state.items.values() if i.queue == "shelf")


def test_an_item_may_be_taken_where_the_queue_allows_it(house: House) -> None:
    item = shelved(house)
    assert house.say("ana", c.Take(id=ID, item=item.id)) == {"item": item.id}
    assert house.state.items[item.id].agent == "ana"


def test_nothing_is_taken_from_a_queue_that_hands_out_itself(house: House) -> None:
    house.say("ana", c.State(id=ID, state="not_ready"))
    house.arrive(mail("m1"))
    (item,) = house.state.items.values()
    check(house, c.Take(id=ID, item=item.id), "not_allowed", "item")


def test_nobody_takes_more_than_fits(house: House) -> None:
    item = shelved(house)
    for n in range(2):
        made = house.new_item(queue=QueueName("shelf"), subject=str(n))
        house.say("ana", c.Take(id=ID, item=made.id))
    check(house, c.Take(id=ID, item=item.id), "busy", "item")


def test_what_somebody_has_cannot_be_taken(house: House) -> None:
    item = shelved(house)
    house.say("ana", c.Take(id=ID, item=item.id))
    with pytest.raises(Refused) as refused:
        house.say("bob", c.Take(id=ID, item=item.id))
    assert (refused.value.code, refused.value.field) == ("wrong_state", "item")


def check(house: House, command: c.Command, code: str, field: str | None, **resolved: Any) -> None:
    """It is refused so, and nothing has happened."""
    before = len(house.entries)
    with pytest.raises(Refused) as refused:
        house.say("ana", command, **resolved)
    assert (refused.value.code, refused.value.field) == (code, field)
    assert refused.value.detail
    assert len(house.entries) == before


# -- saying something -----------------------------------------------------------------------


def test_an_answer_is_a_message_and_an_order_to_the_outbox(house: House, held: Item) -> None:
    body = house.say("ana", c.Send(id=ID, item=held.id, body="It is on its way."))
    message = house.tables.messages[body["message"]]
    assert (message.direction, message.seq, message.to, message.delivery) == (
        "out",
        2,
        ("eva@example.org",),
        Delivery.QUEUED,
    )
    assert (message.author.name, message.author.id) == ("Ana", "ana")
    (outgoing,) = house.tables.outbox.values()
    assert (outgoing.message, outgoing.address, outgoing.thread) == (
        message.id,
        "eva@example.org",
        ("m1@example.org",),
    )


def test_what_an_agent_says_carries_the_command_by_which_it_was_said(
    house: House, held: Item
) -> None:
    for command in (c.Send(id=ID, item=held.id, body="A"), c.Note(id=ID, item=held.id, body="B")):
        said = house.say("ana", command)
        assert house.tables.messages[said["message"]].client_id == ID


def test_the_first_answer_is_noted_once(house: House, held: Item) -> None:
    house.clock.seconds += 10
    first = house.clock.now()
    house.say("ana", c.Send(id=ID, item=held.id, body="One"))
    house.clock.seconds += 10
    house.say("ana", c.Send(id=ID, item=held.id, body="Two"))
    assert house.state.items[held.id].answered_at == first


def test_an_answer_in_a_chat_needs_no_outbox(house: House) -> None:
    house.arrive(chat("c1"))
    item = house.accept("ana")
    body = house.say("ana", c.Send(id=ID, item=item.id, body="Hello!"))
    assert house.tables.messages[body["message"]].delivery is Delivery.SENT
    assert house.tables.outbox == {}


def test_send_and_wait_puts_the_item_aside_and_the_case_waits(house: House, held: Item) -> None:
    house.say("ana", c.Send(id=ID, item=held.id, body="Which one?", then="wait"))
    item = house.state.items[held.id]
    assert (item.state, item.agent, item.last_agent) == (ItemState.HELD, None, "ana")
    assert case_of(house, item).status is CaseStatus.WAITING
    assert [i.id for i in house.state.parked(AgentName("ana"))] == [held.id]


def test_send_and_close_begins_the_wrap_up(house: House, held: Item) -> None:
    house.say("ana", c.Send(id=ID, item=held.id, body="Done.", then="close"))
    assert house.state.items[held.id].state is ItemState.WRAPPING
    again = c.Send(id=ID, item=held.id, body="One more thing.", then="close")
    house.say("ana", again)
    assert house.state.items[held.id].state is ItemState.WRAPPING


def test_send_and_close_ends_it_where_no_wrap_up_is_asked_for(house: House) -> None:
    plain = queue("general", wrapup_required=False)
    house.record([e.Change(e.QueueDefined(queue=plain, by="test"))])
    house.arrive(mail("m1"))
    item = house.accept("ana")
    house.say("ana", c.Send(id=ID, item=item.id, body="Done.", then="close"))
    assert item.id not in house.state.items
    assert house.tables.items[item.id].state is ItemState.COMPLETED
    assert case_of(house, item).status is CaseStatus.SOLVED


@pytest.mark.parametrize("to", [(), ("",)])
def test_a_mail_that_would_go_nowhere_is_refused(
    house: House, held: Item, to: tuple[str, ...]
) -> None:
    check(house, c.Send(id=ID, item=held.id, body="Hm", to=to), "bad_address", "to")


def test_without_an_address_one_must_be_given(house: House) -> None:
    house.arrive(mail("m1", address=""))
    item = house.accept("ana")
    check(house, c.Send(id=ID, item=item.id, body="Hm"), "bad_address", "to")
    house.say("ana", c.Send(id=ID, item=item.id, body="Hm", to=("x@example.org",)))


def test_a_note_is_for_us_alone(house: House, held: Item) -> None:
    body = house.say("ana", c.Note(id=ID, item=held.id, body="Angry. Careful."))
    message = house.tables.messages[body["message"]]
    assert (message.direction, message.delivery) == ("note", None)
    assert house.tables.outbox == {}
    assert house.state.items[held.id].answered_at is None


def test_reading_marks_what_the_customer_wrote(house: House, held: Item) -> None:
    (message,) = house.tables.messages.values()
    house.say("ana", c.Read(id=ID, item=held.id, message=message.id), message=message)
    assert house.tables.messages[message.id].delivery is Delivery.READ


def test_reading_our_own_words_says_nothing_about_the_customer(house: House, held: Item) -> None:
    body = house.say("ana", c.Send(id=ID, item=held.id, body="Hello"))
    message = house.tables.messages[body["message"]]
    house.say("ana", c.Read(id=ID, item=held.id, message=message.id), message=message)
    assert house.tables.messages[message.id].delivery is Delivery.QUEUED


def test_a_message_of_another_case_cannot_be_read_here(house: House, held: Item) -> None:
    house.arrive(mail("m2"))
    other = next(m for m in house.tables.messages.values() if m.case != held.case)
    read = c.Read(id=ID, item=held.id, message=other.id)
    check(house, read, "not_found", "message", message=other)
    strange = c.Read(id=ID, item=held.id, message=MessageId("nonsense"))
    check(house, strange, "not_found", "message")


# -- composing ------------------------------------------------------------------------------


def test_composing_opens_a_case_in_ones_own_hand(house: House) -> None:
    body = house.say(
        "ana",
        c.Compose(
            id=ID, channel=MAIL, body="We are late.", to="x@example.org", subject="Your order"
        ),
    )
    item = house.state.items[body["item"]]
    assert (item.state, item.agent, item.subject) == (ItemState.ASSIGNED, "ana", "Your order")
    (outgoing,) = house.tables.outbox.values()
    assert (outgoing.address, outgoing.message) == ("x@example.org", body["message"])
    assert house.tables.cases[body["case"]].number == body["number"]


@pytest.mark.parametrize(
    ("fields", "code", "field"),
    [
        ({"channel": ChannelName("fax")}, "not_found", "channel"),
        ({"channel": SITE, "to": "x"}, "not_allowed", "channel"),
        ({"channel": MAIL}, "bad_address", "to"),
        (
            {"channel": MAIL, "to": "x@example.org", "queue": QueueName("none")},
            "not_found",
            "queue",
        ),
    ],
)
def test_what_cannot_be_composed(
    house: House, fields: dict[str, Any], code: str, field: str
) -> None:
    check(house, c.Compose(id=ID, body="Hello", **fields), code, field)


# -- moving work ----------------------------------------------------------------------------


def test_a_parked_item_wakes_by_itself(house: House, held: Item) -> None:
    until = house.clock.now() + timedelta(hours=2)
    house.say("ana", c.Park(id=ID, item=held.id, until=until))
    house.pass_time(7199)
    assert house.state.items[held.id].state is ItemState.HELD
    house.pass_time(2)
    assert house.offered() == {held.id: "ana"}


def test_a_time_that_has_passed_is_no_time_to_wake(house: House, held: Item) -> None:
    check(house, c.Park(id=ID, item=held.id, until=house.clock.now()), "bad_frame", "until")


def test_a_parked_item_can_be_taken_up_again(house: House, held: Item) -> None:
    house.say("ana", c.Park(id=ID, item=held.id))
    assert house.say("ana", c.Resume(id=ID, item=held.id)) == {"item": held.id}
    assert house.state.items[held.id].state is ItemState.ASSIGNED
    assert case_of(house, held).status is CaseStatus.OPEN


def test_wrap_up_can_be_taken_back(house: House, held: Item) -> None:
    house.say("ana", c.Send(id=ID, item=held.id, body="Done.", then="close"))
    house.say("ana", c.Resume(id=ID, item=held.id))
    assert house.state.items[held.id].state is ItemState.ASSIGNED


def test_wrap_up_ends_the_item_with_its_code(house: House, held: Item) -> None:
    wrap = c.Wrapup(id=ID, item=held.id, code="refund", categories=("money",), note="Paid back.")
    house.say("ana", wrap)
    done = house.tables.items[held.id]
    assert (done.state, done.code, done.categories) == (ItemState.COMPLETED, "refund", ("money",))
    notes = [m for m in house.tables.messages.values() if m.direction == "note"]
    assert [m.body for m in notes] == ["Paid back."]
    assert case_of(house, held).status is CaseStatus.SOLVED


def test_a_solved_case_is_reopened_into_ones_own_hand(house: House, held: Item) -> None:
    house.complete("ana", held.id)
    case = house.tables.cases[held.case]
    last = house.tables.items[held.id]
    house.state.adopt(case)
    body = house.say("ana", c.Reopen(id=ID, case=case.id), case=case, last_item=last)
    item = house.state.items[body["item"]]
    assert (item.agent, item.address, item.thread, item.number) == (
        "ana",
        "eva@example.org",
        ("m1@example.org",),
        case.number,
    )
    assert case_of(house, item).status is CaseStatus.OPEN


def test_a_case_with_open_work_is_not_reopened(house: House, held: Item) -> None:
    case = house.state.cases[held.case]
    reopen = c.Reopen(id=ID, case=case.id)
    check(house, reopen, "wrong_state", "case", case=case, last_item=held)
    check(house, c.Reopen(id=ID, case=CaseId("none")), "not_found", "case")


def test_tags_are_added_once_and_taken_away(house: House, held: Item) -> None:
    def tag(**change: Any) -> Any:
        case = house.state.cases[held.case]
        return house.say("ana", c.TagCase(id=ID, case=held.case, **change), case=case)["tags"]

    assert tag(add=("vip", "late")) == ("vip", "late")
    assert tag(add=("vip",)) == ("vip", "late")
    assert tag(remove=("vip", "never")) == ("late",)
    assert case_of(house, held).tags == ("late",)


def test_a_case_has_fifty_tags_at_most(house: House, held: Item) -> None:
    case = house.state.cases[held.case]
    many = c.TagCase(id=ID, case=case.id, add=tuple(f"t{n}" for n in range(51)))
    check(house, many, "bad_frame", "add", case=case)
    check(house, c.TagCase(id=ID, case=CaseId("none")), "not_found", "case")


def test_a_transfer_to_a_queue_waits_anew(house: House, held: Item) -> None:
    house.clock.seconds += 60
    move = c.Transfer(id=ID, item=held.id, queue=QueueName("sales"), note="Wants to buy.")
    house.say("ana", move)
    item = house.state.items[held.id]
    assert (item.state, item.queue, item.agent, item.queued_at) == (
        ItemState.QUEUED,
        "sales",
        None,
        house.clock.now(),
    )
    assert item.reason == "transferred to sales by ana"


def test_a_transfer_to_an_agent_is_an_offer(house: House, held: Item) -> None:
    house.sign_in("bob")
    house.say("ana", c.Transfer(id=ID, item=held.id, agent=AgentName("bob")))
    assert house.offered() == {held.id: "bob"}
    assert house.accept("bob").agent == "bob"


def test_a_transfer_that_is_declined_does_not_come_straight_back(house: House, held: Item) -> None:
    house.sign_in("bob")
    house.say("ana", c.Transfer(id=ID, item=held.id, agent=AgentName("bob")))
    house.decline("bob")
    assert house.offered() == {}


@pytest.mark.parametrize(
    ("fields", "code", "field"),
    [
        ({}, "bad_frame", "queue"),
        ({"queue": QueueName("sales"), "agent": AgentName("bob")}, "bad_frame", "queue"),
        ({"queue": QueueName("none")}, "not_found", "queue"),
        ({"agent": AgentName("zoe")}, "not_found", "agent"),
        ({"agent": AgentName("bob")}, "busy", "agent"),
    ],
)
def test_what_cannot_be_transferred(
    house: House, held: Item, fields: dict[str, Any], code: str, field: str
) -> None:
    check(house, c.Transfer(id=ID, item=held.id, note="n", **fields), code, field)


def test_nothing_is_transferred_to_full_hands(house: House, held: Item) -> None:
    house.say("ana", c.State(id=ID, state="not_ready"))
    house.sign_in("bob")
    for n in range(2):
        house.arrive(mail(f"b{n}"))
        house.accept("bob")
    check(house, c.Transfer(id=ID, item=held.id, agent=AgentName("bob")), "busy", "agent")


# -- whose it is ----------------------------------------------------------------------------

ON_AN_ITEM: list[Any] = [
    lambda i: c.Send(id=ID, item=i, body="x"),
    lambda i: c.Note(id=ID, item=i, body="x"),
    lambda i: c.Read(id=ID, item=i, message=MessageId("x")),
    lambda i: c.Park(id=ID, item=i),
    lambda i: c.Resume(id=ID, item=i),
    lambda i: c.Transfer(id=ID, item=i, queue=QueueName("sales")),
    lambda i: c.Wrapup(id=ID, item=i),
]


@pytest.mark.parametrize("command", ON_AN_ITEM)
def test_an_item_that_is_not_there(house: House, command: Any) -> None:
    check(house, command(NOWHERE), "not_found", "item")


@pytest.mark.parametrize("command", ON_AN_ITEM)
def test_an_item_in_another_hand(house: House, held: Item, command: Any) -> None:
    with pytest.raises(Refused) as refused:
        house.say("bob", command(held.id))
    assert (refused.value.code, refused.value.field) == ("not_yours", "item")


@pytest.mark.parametrize("command", ON_AN_ITEM)
def test_an_item_that_is_only_offered_is_not_yet_mine(house: House, command: Any) -> None:
    house.arrive(mail("m1"))
    (item,) = house.offered_to("ana")
    check(house, command(item.id), "not_yours", "item")


@pytest.mark.parametrize("command", ON_AN_ITEM)
def test_what_has_ended_is_over(house: House, held: Item, command: Any) -> None:
    house.complete("ana", held.id)
    check(house, command(held.id), "not_found", "item")


@pytest.mark.parametrize(
    ("command", "state"),
    [
        (lambda i: c.Send(id=ID, item=i, body="x"), "held"),
        (lambda i: c.Park(id=ID, item=i), "held"),
        (lambda i: c.Transfer(id=ID, item=i, queue=QueueName("sales")), "held"),
        (lambda i: c.Park(id=ID, item=i), "wrapping"),
        (lambda i: c.Transfer(id=ID, item=i, queue=QueueName("sales")), "wrapping"),
        (lambda i: c.Resume(id=ID, item=i), "assigned"),
    ],
)
def test_what_the_state_does_not_allow(house: House, held: Item, command: Any, state: str) -> None:
    if state == "held":
        house.say("ana", c.Park(id=ID, item=held.id))
    if state == "wrapping":
        house.say("ana", c.Send(id=ID, item=held.id, body="Done.", then="close"))
    check(house, command(held.id), "wrong_state", "item")


def test_an_agent_who_is_not_there_can_do_nothing(house: House) -> None:
    with pytest.raises(Refused) as refused:
        house.say("zoe", c.State(id=ID, state="ready"))
    assert (refused.value.code, refused.value.field) == ("not_found", "agent")


def test_a_task_that_nobody_waits_for_is_answered_all_the_same(house: House) -> None:
    house.arrive(task("t1"))
    item = house.accept("ana")
    body = house.say("ana", c.Send(id=ID, item=item.id, body="Checked."))
    assert house.tables.messages[body["message"]].delivery is Delivery.SENT
    assert [o for o in rows(house, Outgoing) if o.purpose == "message"] == []


def test_every_command_has_an_act() -> None:
    assert set(_ACTS) == set(get_args(c.Command)) - {c.Typing}


def test_a_long_stay_in_hands_of_two_kinds(house: House) -> None:
    """A chat interrupts mail; a third mail does not."""
    for n in range(2):
        house.arrive(mail(f"m{n}"))
        house.accept("ana")
    third = house.arrive(mail("m3"))
    assert third.item not in house.offered()
    talk = house.arrive(chat("c1"))
    assert talk.item is not None
    assert house.offered() == {talk.item: "ana"}
    assert house.state.items[talk.item].kind is ChannelKind.WEBCHAT


def test_messages_of_a_case_are_numbered_without_gaps(house: House, held: Item) -> None:
    for n in range(5):
        house.say("ana", c.Send(id=ID, item=held.id, body=f"{n}"))
        house.say("ana", c.Note(id=ID, item=held.id, body=f"{n}"))
    said: list[Message] = [m for m in house.tables.messages.values() if m.case == held.case]
    assert sorted(m.seq for m in said) == list(range(1, 12))
    assert house.tables.cases[held.case].last_seq == 11


def test_an_offer_id_is_not_reused(house: House) -> None:
    house.arrive(mail("m1"))
    house.decline("ana")
    house.pass_time(61)
    made = [event.offer.id for event in house.events(e.OfferMade)]
    assert len(made) == len(set(made)) == 2
    check(house, c.Accept(id=ID, offer=OfferId(made[0])), "offer_gone", "offer")
