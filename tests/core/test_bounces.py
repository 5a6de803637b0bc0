"""What a delivery report does to the message it is about, and to the people who believe in it."""

from typing import Any

import pytest
from msgspec.structs import replace

from gateway.core import commands as c
from gateway.core import events as e
from gateway.core import outbox
from gateway.core.bounces import reported_id
from gateway.core.ids import AgentName, MessageId
from gateway.core.inbound import Decided, Inbound
from gateway.core.model import Author, Case, CaseStatus, Delivery, Item, ItemState, Message
from tests.support.builders import House, agent, mail

REASON = "550 5.1.1 user unknown eva@example.org"


def house(then: str | None = None) -> House:
    """Somebody has written, ana has answered, and a mail server has taken the answer."""
    made = House(agent("ana"))
    made.sign_in("ana")
    made.arrive(mail("m1"))
    item = made.accept("ana")
    send = c.Send(id=made.command(), item=item.id, body="Hello", then=then)  # type: ignore[arg-type]
    made.say("ana", send)
    (order,) = made.tables.outbox.values()
    made.record([outbox.attempt(order)])
    (order,) = made.tables.outbox.values()
    made.record(outbox.sent(order, "x@us", Delivery.SENT))
    return made


def answer(made: House) -> Message:
    (found,) = [m for m in made.tables.messages.values() if m.direction == "out"]
    return found


def notes(made: House) -> list[Message]:
    return [m for m in made.tables.messages.values() if m.direction == "note"]


def the_case(made: House) -> Case:
    (found,) = made.tables.cases.values()
    return found


def report(made: House, action: str = "failed", reason: str = REASON, **fields: Any) -> Inbound:
    known: dict[str, Any] = {
        "identity": None,
        "subject": "Undelivered Mail Returned to Sender",
        "body": "I'm sorry to have to inform you",
        "address": "mailer-daemon@example.net",
        "references": (f"<{answer(made).id}@example.com>",),
        "external_id": "<dsn1@example.net>",
        "attributes": {"bounce_action": action, "bounce_reason": reason},
        "machine": True,
    }
    return mail(f"dsn {len(made.tables.inbox)}", **(known | fields))


def bounce(made: House, *args: str, **fields: Any) -> Decided:
    inbound = report(made, *args, **fields)
    return made.arrive(inbound, referenced=the_case(made), reference=inbound.references[0])


def test_the_message_is_marked_as_failed_and_says_why() -> None:
    made = house()
    decided = bounce(made)
    assert (decided.status, decided.reason) == ("processed", "our message came back")
    assert answer(made).delivery is Delivery.FAILED
    assert answer(made).delivery_reason == REASON
    (said,) = [x for x in made.events(e.DeliveryChanged) if x.state is Delivery.FAILED]
    assert (said.message, said.case, said.reason) == (
        answer(made).id,
        the_case(made).id,
        REASON,
    )


def test_the_report_is_a_note_and_no_word_of_the_customers() -> None:
    made = house()
    before = next(iter(made.state.items.values()))
    decided = bounce(made)
    (note,) = notes(made)
    assert (decided.message, decided.seq) == (note.id, note.seq)
    assert note.body.startswith(f"Not delivered: {REASON}\n\nI'm sorry")
    assert note.author == Author(kind="system")
    after = made.state.items[before.id]
    assert (after.address, after.thread, after.preview) == (
        before.address,
        before.thread,
        before.preview,
    )
    assert len(made.tables.cases) == 1


def test_who_still_has_the_item_keeps_it() -> None:
    made = house()
    (item,) = made.state.items.values()
    bounce(made)
    assert made.state.items[item.id].state is ItemState.ASSIGNED
    assert len(made.tables.items) == 1


def test_who_waits_for_the_customer_waits_in_vain_and_is_offered_it_again() -> None:
    made = house(then="wait")
    (item,) = made.state.items.values()
    assert item.state is ItemState.HELD
    assert the_case(made).status is CaseStatus.WAITING
    bounce(made)
    assert made.offered() == {item.id: "ana"}
    assert the_case(made).status is CaseStatus.OPEN
    (queued,) = [x for x in made.events(e.ItemQueued) if x.restart]
    assert REASON in queued.reason


def wrapping(made: House, item: Item) -> None:
    changed = e.WrapUpStarted(item=item.id, agent=AgentName("ana"), reason="test")
    made.record([e.Change(changed)])


def done(made: House) -> Item:
    """The answer was the last word: no open work is left."""
    (item,) = made.state.items.values()
    made.complete("ana", item.id)
    assert made.state.items == {}
    return made.tables.items[item.id]


def closed(made: House, status: CaseStatus) -> None:
    changed = e.CaseChanged(case=the_case(made).id, by="test", status=status)
    made.state.adopt(the_case(made))
    made.record([e.Change(changed)])


@pytest.mark.parametrize("status", [CaseStatus.SOLVED, CaseStatus.CLOSED])
def test_a_case_without_work_gets_an_item_for_the_last_agent(status: CaseStatus) -> None:
    made = house(then="close")
    last = done(made)
    if the_case(made).status is not status:
        closed(made, status)
    decided = bounce(made)
    (item,) = made.state.items.values()
    assert decided.item == item.id
    assert item.id != last.id
    assert (item.last_agent, item.address, item.thread) == ("ana", last.address, last.thread)
    assert made.offered() == {item.id: "ana"}
    assert the_case(made).status is CaseStatus.OPEN
    assert len(made.tables.cases) == 1


def test_more_reports_on_a_message_make_no_more_work() -> None:
    made = house(then="close")
    done(made)
    bounce(made)
    item = made.accept("ana")
    wrapping(made, item)
    made.complete("ana", item.id)
    assert made.state.items == {}
    assert bounce(made).reason == "a report that is known already"
    bounce(made, "failed", "552 mailbox full bob@example.org")
    assert made.state.items == {}
    assert answer(made).delivery_reason == f"{REASON}; 552 mailbox full bob@example.org"
    assert len(notes(made)) == 2


def test_a_message_that_no_person_wrote_wakes_nobody_when_it_comes_back() -> None:
    made = house(then="close")
    done(made)
    made.tables.messages[answer(made).id] = replace(answer(made), author=Author(kind="system"))
    bounce(made)
    assert made.state.items == {}
    assert answer(made).delivery is Delivery.FAILED
    assert len(notes(made)) == 1


def test_a_delay_is_told_and_is_no_failure() -> None:
    made = house(then="wait")
    decided = bounce(made, "delayed", "4.4.1 eva@example.org")
    assert decided.status == "processed"
    assert answer(made).delivery is Delivery.SENT
    assert answer(made).delivery_reason == "not delivered yet: 4.4.1 eva@example.org"
    assert [i.state for i in made.state.items.values()] == [ItemState.HELD]
    assert notes(made) == []


def test_a_receipt_says_that_it_has_arrived() -> None:
    made = house()
    bounce(made, "delayed", "4.4.1")
    bounce(made, "delivered", "")
    assert (answer(made).delivery, answer(made).delivery_reason) == (Delivery.DELIVERED, "")


@pytest.mark.parametrize("action", ["delayed", "delivered", "relayed", "nonsense"])
def test_nothing_makes_a_failure_undone(action: str) -> None:
    made = house()
    bounce(made)
    bounce(made, action, "4.4.1")
    assert (answer(made).delivery, answer(made).delivery_reason) == (Delivery.FAILED, REASON)


def test_only_reports_on_our_own_ids_are_reports_on_our_messages() -> None:
    ours = "0190a000-0000-7000-8000-000000000001"
    told = {"bounce_action": "failed"}

    def of(*references: str, **more: Any) -> MessageId | None:
        return reported_id(mail("x", references=references, **more))

    assert of(f"<{ours}@example.com>", attributes=told) == ours
    assert of(f"<{ours.upper()}@example.com>", attributes=told) == ours
    assert of("<else@example.com>", f"<{ours}@example.com>", attributes=told) is None
    assert of(f"<{ours}@example.com>") is None
    assert of(attributes=told) is None


def test_an_item_that_is_being_wrapped_up_is_back_in_the_same_hands() -> None:
    made = house()
    (item,) = made.state.items.values()
    wrapping(made, item)
    bounce(made)
    back: Item = made.state.items[item.id]
    assert (back.state, back.agent) == (ItemState.ASSIGNED, "ana")
