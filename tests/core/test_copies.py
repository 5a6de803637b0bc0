"""One mail in several of our mailboxes."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from gateway.core.copies import may_be_copy, meant_for, original
from gateway.core.ids import ChannelName, MessageId
from gateway.core.inbound import Decided
from gateway.core.model import ChannelKind
from tests.support.builders import MAIL, House, agent, mail

SALES = ChannelName("sales")
BOXES = {MAIL: "Help <help@us.example>", SALES: "sales@us.example"}


def house() -> House:
    made = House(agent("ana"))
    made.state.channels[SALES] = ChannelKind.EMAIL
    made.state.addresses.update(BOXES)
    made.state.ours = {"help@us.example": MAIL, "sales@us.example": SALES}
    return made


def arrive(
    there: House, key: str, channel: ChannelName, mark: str = "same", **fields: Any
) -> Decided:
    """As the flow has it: the original is looked for, then the copy decided about."""
    inbound = mail(key, channel=channel, external_id="<one@id>", mark=mark, **fields)
    assert may_be_copy(there.state, inbound)
    tables = there.tables
    alike = tables.alike(inbound.external_id, mark)
    (stored,) = tables.receive(there.term, [inbound], [])
    assert stored.customer is not None
    had = tables.brought(stored.customer.id, channel, [one.id for one in alike])
    found = original(inbound, alike, had)
    if found is None:
        return there.arrive(inbound)
    return there.arrive(inbound, copied=tables.cases[found.case], copy_of=found)


def test_a_copy_in_another_mailbox_is_no_second_item() -> None:
    there = house()
    first = arrive(there, "a", MAIL)
    copy = arrive(there, "b", SALES)
    assert len(there.state.items) == len(there.tables.messages) == 1
    assert (copy.status, copy.case, copy.item, copy.message, copy.seq) == (
        "processed",
        first.case,
        first.item,
        first.message,
        first.seq,
    )
    assert copy.reason == "the same mail came to help@us.example too"
    assert first.item is not None
    assert there.state.items[first.item].attributes["also_came_to"] == "sales@us.example"


def test_another_mail_under_the_same_message_id_is_a_mail() -> None:
    there = house()
    arrive(there, "a", MAIL)
    arrive(there, "b", SALES, mark="other")
    assert len(there.tables.messages) == 2


@given(st.lists(st.sampled_from([MAIL, SALES]), max_size=8))
def test_of_equal_mails_there_are_as_many_as_the_mailbox_has_that_has_most(
    order: list[ChannelName],
) -> None:
    """Or more, where a copy came before the mail that it is taken for; never fewer."""
    there = house()
    for n, channel in enumerate(order):
        arrive(there, f"k{n}", channel)
    most = max((order.count(box) for box in BOXES), default=0)
    assert most <= len(there.tables.messages) <= len(order)
    if order == sorted(order):
        assert len(there.tables.messages) == most


def test_a_copy_of_what_is_done_already_opens_nothing() -> None:
    there = house()
    there.sign_in("ana")
    first = arrive(there, "a", MAIL)
    assert first.item is not None
    there.accept("ana")
    there.complete("ana", first.item)
    copy = arrive(there, "b", SALES)
    assert (copy.item, copy.case) == (first.item, first.case)
    assert not there.state.items


def test_one_mailbox_alone_looks_for_no_copies() -> None:
    there = House(agent("ana"))
    assert not may_be_copy(there.state, mail("a", mark="same"))
    assert not may_be_copy(house().state, mail("a", mark="same", external_id=""))


def test_a_mail_goes_to_the_queue_of_the_mailbox_in_its_to_field() -> None:
    state = house().state
    assert meant_for(state, mail("a", to=("sales@us.example",))) == SALES
    assert meant_for(state, mail("a", to=("sales@us.example", "help@us.example"))) == MAIL
    assert meant_for(state, mail("a", to=("list@example.org",))) == MAIL


def test_no_message_is_the_original_of_an_answer_of_ours() -> None:
    there = house()
    arrive(there, "a", MAIL)
    (message,) = there.tables.messages.values()
    other = mail("b", channel=SALES, mark="same", external_id="<one@id>")
    assert original(other, [message], []) == message
    assert original(other, [message], [MessageId(message.id)]) is None
