"""In which words an agent's command is refused."""

from typing import Any, get_args

import pytest

from gateway.core import commands as c
from gateway.core import events as e
from gateway.core.desk import _ACTS
from gateway.core.errors import Refused
from gateway.core.ids import (
    MessageId,
    OfferId,
    QueueName,
)
from gateway.core.model import (
    ChannelKind,
    Delivery,
    Item,
    Message,
    Outgoing,
)
from tests.core.desk.looks import ID, NOWHERE, check, rows
from tests.support.builders import House, chat, mail, task

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
