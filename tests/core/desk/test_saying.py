"""What an agent says to customers and to colleagues."""

from typing import Any

import pytest

from gateway.core import commands as c
from gateway.core import events as e
from gateway.core.ids import (
    AgentName,
    ChannelName,
    MessageId,
    QueueName,
)
from gateway.core.model import (
    CaseStatus,
    Delivery,
    Item,
    ItemState,
)
from tests.core.desk.looks import ID, case_of, check
from tests.support.builders import MAIL, SITE, House, chat, mail, queue

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
