"""What customers are answered while a queue is closed: once, and never a machine."""

from typing import Any

from gateway.core import events as e
from gateway.core.calendars import WEEKDAYS
from gateway.core.model import ChannelKind, Message
from tests.support.builders import House, chat, mail, queue, task
from tests.support.wallclock import calendar

# The house begins on a Monday at nine (UTC); Berlin is an hour ahead.
EVENING = dict.fromkeys(WEEKDAYS, ("18:00-22:00",))
REPLIES = {
    "email": {"": "We are closed until {opens}.", "de": "Geschlossen bis {opens}."},
    "webchat": {"": "Back at {opens}"},
}


def house(week: Any = EVENING) -> House:
    home = House(queues=[queue(hours="office")], settles=False)
    office = calendar("Europe/Berlin", week=week, closed_replies=REPLIES)
    home.record([e.Change(e.CalendarDefined(calendar=office, by="test"))])
    return home


def said(home: House) -> list[Message]:
    messages = sorted(home.tables.messages.values(), key=lambda message: message.id)
    return [message for message in messages if message.direction == "out"]


def test_a_mail_that_comes_while_it_is_closed_is_answered_in_its_language() -> None:
    home = house()
    home.arrive(mail("one", language="de-AT"))
    (reply,) = said(home)
    assert reply.body == "Geschlossen bis 2026-03-02 18:00."
    assert (reply.author.kind, reply.to, reply.seq) == ("system", ("eva@example.org",), 2)
    (order,) = home.state.outbox.values()
    assert order.thread == ("one@example.org",)


def test_any_other_language_gets_the_text_for_all() -> None:
    home = house()
    home.arrive(mail("one", language="fr"))
    assert said(home)[0].body == "We are closed until 2026-03-02 18:00."


def test_an_automatic_answer_leaves_the_mail_waiting_as_it_was() -> None:
    home = house()
    home.arrive(mail("one"))
    (item,) = home.state.items.values()
    assert (item.state.value, item.answered_at) == ("queued", None)
    (added,) = [ev for ev in home.events(e.MessageAdded) if ev.direction == "out"]
    assert added.automatic


def test_who_writes_again_is_not_told_again() -> None:
    home = house()
    home.arrive(mail("one"))
    (item,) = home.state.items.values()
    home.arrive(mail("two"), referenced=home.tables.cases[item.case], reference="it")
    home.arrive(mail("three", subject="Another matter"))
    assert len(home.state.items) == 2
    assert len(said(home)) == 1


def test_a_machine_is_never_answered() -> None:
    home = house()
    home.arrive(mail("one", machine=True))
    home.arrive(task("two", filer="erp"))
    assert not said(home)


def test_nobody_is_answered_where_there_is_no_address() -> None:
    home = house()
    home.arrive(mail("one", address=""))
    assert not said(home)


def test_while_it_is_open_nothing_is_said() -> None:
    home = house(dict.fromkeys(WEEKDAYS, ("00:00-24:00",)))
    home.arrive(mail("one"))
    assert not said(home)


def test_a_chat_has_its_own_text() -> None:
    home = house()
    home.arrive(chat("one"))
    (reply,) = said(home)
    assert (reply.body, reply.kind) == ("Back at 2026-03-02 18:00", ChannelKind.WEBCHAT)
    assert not home.state.outbox


def test_what_never_opens_again_says_so() -> None:
    home = house({})
    home.arrive(mail("one"))
    assert said(home)[0].body == "We are closed until –."


def test_a_queue_without_hours_is_always_open() -> None:
    home = house()
    home.record([e.Change(e.QueueDefined(queue=queue(), by="test"))])
    home.arrive(mail("one"))
    assert not said(home)
