"""Where answers go, and who is copied."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core import commands as c
from gateway.core import events as e
from gateway.core.ids import ChannelName, CommandId
from gateway.core.inbound import Claim, Inbound
from gateway.core.model import Case, Item
from gateway.core.recipients import ours
from tests.support.builders import MAIL, House, agent, mail

ID = CommandId("command-x")
EVA, BOB, KIM = "eva@example.org", "bob@example.org", "kim@example.org"
SALES = ChannelName("sales")


@pytest.fixture
def house() -> House:
    made = House(agent("ana"))
    made.sign_in("ana")
    made.state.ours = {"help@us.example": MAIL, "sales@us.example": SALES}
    return made


def from_(sender: str, key: str, *, verified: bool = True, **fields: Any) -> Inbound:
    identity = Claim(kind="email", value=sender, verified=verified)
    return mail(key, **({"identity": identity, "address": sender} | fields))


def opened(house: House, **fields: Any) -> tuple[Case, Item]:
    decided = house.arrive(from_(EVA, "m1", **fields))
    assert decided.case is not None
    assert decided.item is not None
    return house.state.cases[decided.case], house.state.items[decided.item]


def reply(house: House, case: Case, inbound: Inbound) -> Item:
    parts = house.tables.participants(case.id)
    decided = house.arrive(inbound, referenced=case, reference="x", participants=parts)
    assert decided.case == case.id
    assert decided.item is not None
    return house.state.items[decided.item]


def test_none_of_our_mailboxes_is_ever_copied(house: House) -> None:
    token = "help+c.1000123-abcdefghijkl@us.example"
    _, item = opened(house, copies=(BOB, "Sales@us.example", token))
    assert (item.address, item.copies) == (EVA, (BOB,))


def test_a_reply_to_that_names_our_other_mailbox_is_not_followed(house: House) -> None:
    _, item = opened(house, address="sales@us.example")
    assert item.address == EVA


def test_who_was_copied_stays_copied_and_new_ones_are_added(house: House) -> None:
    case, _ = opened(house, copies=(BOB,))
    item = reply(house, case, from_(EVA, "m2", copies=(KIM,)))
    assert (item.address, set(item.copies)) == (EVA, {BOB, KIM})
    item = reply(house, case, from_(EVA, "m3"))
    assert set(item.copies) == {BOB, KIM}


def test_a_participant_who_answers_is_answered_and_the_customer_copied(house: House) -> None:
    case, item = opened(house, copies=(BOB,))
    item = reply(house, case, from_(BOB, "m2", copies=(EVA,)))
    assert (item.address, item.copies) == (BOB, (EVA,))
    assert item.customer == case.customer == house.state.cases[case.id].customer


def test_a_new_item_of_an_old_ticket_copies_whom_the_last_one_did(house: House) -> None:
    case, item = opened(house, copies=(BOB,))
    house.accept("ana")
    house.complete("ana", item.id)
    again = reply(house, house.tables.cases[case.id], from_(EVA, "m2"))
    assert again.id != item.id
    assert (again.address, again.copies, again.last_agent) == (EVA, (BOB,), "ana")
    assert again.customer == case.customer


def test_who_is_not_verified_cannot_turn_the_answers_elsewhere(house: House) -> None:
    case, _ = opened(house)
    forged = from_(EVA, "m2", verified=False, address="thief@evil.example")
    item = reply(house, case, forged)
    assert item.address == EVA
    said = [x.event for x in house.entries if isinstance(x.event, e.MessageAdded)]
    assert "thief@evil.example" in said[-1].reason
    assert reply(house, case, from_(EVA, "m3", address="new@example.org")).address == (
        "new@example.org"
    )


def test_who_is_not_verified_copies_nobody_new_where_the_customer_can_be_verified(
    house: House,
) -> None:
    case, _ = opened(house, copies=(BOB,))
    forged = from_(EVA, "m2", verified=False, copies=(BOB, KIM))
    assert reply(house, case, forged).copies == (BOB,)
    said = [x.event for x in house.entries if isinstance(x.event, e.MessageAdded)]
    assert f"its copies to {KIM} are not kept: its sender is not verified" in said[-1].reason
    assert reply(house, case, from_(EVA, "m3", copies=(BOB, KIM))).copies == (BOB, KIM)


def test_where_nobody_can_be_verified_whoever_is_copied_is_copied(house: House) -> None:
    decided = house.arrive(from_(EVA, "m1", verified=False))
    assert decided.case is not None
    case = house.state.cases[decided.case]
    assert reply(house, case, from_(EVA, "m2", verified=False, copies=(KIM,))).copies == (KIM,)


def test_a_machine_that_answers_for_a_participant_turns_no_answers_to_it(house: House) -> None:
    case, _ = opened(house, copies=(BOB,))
    away = from_(BOB, "m2", machine=True, copies=(KIM,))
    item = reply(house, case, away)
    assert (item.address, item.copies, item.thread) == (EVA, (BOB,), ("m1@example.org",))


def test_an_answer_goes_to_all_who_take_part_unless_the_agent_says_otherwise(house: House) -> None:
    case, item = opened(house, copies=(BOB, KIM))
    house.accept("ana")
    house.say("ana", c.Send(id=ID, item=item.id, body="Hello"))
    sent = [m for m in house.tables.messages.values() if m.direction == "out"]
    assert (sent[-1].to, sent[-1].cc) == ((EVA,), (BOB, KIM))
    only_bob = c.Send(id=CommandId("two"), item=item.id, body="Hi", cc=(BOB, "help@us.example"))
    house.say("ana", only_bob)
    sent = [m for m in house.tables.messages.values() if m.direction == "out"]
    assert sent[-1].cc == (BOB,)
    assert reply(house, case, from_(EVA, "m2")).copies == (BOB,), "who was taken off stays off"
    elsewhere = c.Send(id=CommandId("three"), item=item.id, body="To you", to=("x@example.org",))
    house.say("ana", elsewhere)
    sent = [m for m in house.tables.messages.values() if m.direction == "out"]
    assert (sent[-1].to, sent[-1].cc) == (("x@example.org",), ())


PEOPLE = st.sampled_from([EVA, BOB, KIM, "help@us.example", "sales@us.example", "Sales@US.example"])


@given(st.lists(st.tuples(PEOPLE, PEOPLE, st.lists(PEOPLE)), max_size=6))
def test_answers_never_go_to_ourselves_nor_twice_to_anybody(
    mails: list[tuple[str, str, list[str]]],
) -> None:
    house = House(agent("ana"))
    house.state.ours = {"help@us.example": MAIL, "sales@us.example": SALES}
    case, item = opened(house, copies=(BOB, KIM))
    for n, (sender, address, copies) in enumerate(mails):
        written = from_(sender, f"n{n}", address=address, copies=tuple(copies))
        house.arrive(
            written, referenced=case, reference="x", participants=frozenset({EVA, BOB, KIM})
        )
        now = house.state.items[item.id]
        everybody = [now.address.lower(), *(one.lower() for one in now.copies)]
        assert len(set(everybody)) == len(everybody)
        assert all(everybody)
        assert not any(ours(house.state, one) for one in everybody)
