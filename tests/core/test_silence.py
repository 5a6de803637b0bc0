"""No machine of ours writes to a machine, whatever it says; a budget ends what no sign tells."""

from datetime import timedelta
from typing import Any

import pytest

from gateway.core import events as e
from gateway.core.budget import Budget
from gateway.core.calendars import WEEKDAYS
from gateway.core.courtesy import Courtesy
from gateway.core.inbound import Claim
from gateway.core.paces import Paces
from gateway.core.silence import nobody_reads, used_up
from tests.core.test_closed_hours import house as closed
from tests.core.test_closed_hours import said
from tests.support.builders import MAIL, House, mail, queue
from tests.support.wallclock import calendar

LONG = "I am out of the office until Monday and will answer you as soon as I am back."


def test_a_sender_gets_no_more_than_its_budget_in_an_hour_and_in_a_day() -> None:
    home = closed()
    home.state.budget = Budget(sender_hour=2, sender_day=3)
    counts = []
    for n in range(12):
        at = home.clock.now()
        customer = Claim(kind="email", value="eva@example.org")
        home.arrive(mail(f"k{n}", at=at, identity=customer, subject=f"Matter {n}"))
        for one in home.state.items_of_customer(next(iter(home.state.items.values())).customer.id):  # type: ignore[union-attr]
            home.record([e.Change(e.ItemCanceled(item=one.id, by="test", reason="next"))])
        counts.append(len(said(home)))
        home.pass_time(1200)
    assert counts[:4] == [1, 2, 2, 2]
    assert max(counts) == 3
    assert {one.of for one in home.events(e.AutomaticWithheld)} == {"sender"}


def test_a_mailbox_writes_no_more_than_its_budget_to_whomever() -> None:
    home = closed()
    home.state.budget = Budget(mailbox_hour=3)
    for n in range(8):
        who = f"c{n}@example.org"
        identity = Claim(kind="email", value=who)
        home.arrive(mail(f"k{n}", identity=identity, address=who))
    assert len(said(home)) == 3
    assert {one.of for one in home.events(e.AutomaticWithheld)} == {"mailbox"}


def test_mail_itself_is_always_taken() -> None:
    home = closed()
    home.state.budget = Budget(sender_hour=0)
    decided = home.arrive(mail("one"))
    assert decided.status == "processed"
    assert len(home.state.items) == 1
    assert not said(home)


def test_what_was_counted_holds_at_another_node_and_after_a_restart() -> None:
    home = closed()
    home.state.budget = Budget(sender_hour=1)
    home.arrive(mail("one"))
    other = closed()
    other.state.budget = home.state.budget
    other.state.paces = Paces(home.state.node)
    for step in home.state.paces.news():
        other.state.paces.put(step)
    assert used_up(other.state, MAIL, "eva@example.org", other.clock.now()) == "sender"
    assert used_up(other.state, MAIL, "kim@example.org", other.clock.now()) == ""
    an_hour_later = other.clock.now() + timedelta(hours=1, minutes=6)
    assert used_up(other.state, MAIL, "eva@example.org", an_hour_later) == ""


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        ({"subject": "Re: [#12] yours [#77]"}, "another desk"),
        ({"subject": "[Ticket #4711] Received"}, "another desk"),
        ({"address": "do-not-reply@shop.example"}, "nobody reads"),
        ({"identity": Claim(kind="email", value="noreply@shop.example")}, "nobody reads"),
        ({"attributes": {"in_copy": "Cc"}}, "only in Cc"),
        ({"identity": Claim(kind="email", value="sales@us.example")}, "an address of ours"),
    ],
)
def test_signs_of_a_machine_keep_us_silent_and_nothing_else(
    fields: dict[str, Any], why: str
) -> None:
    home = closed()
    home.state.addresses |= {MAIL: "Help <help@us.example>", "b": "sales@us.example"}  # type: ignore[dict-item]
    home.arrive(mail("one", **fields))
    (item,) = home.state.items.values()
    assert not said(home)
    assert item.watch is not None
    assert why in item.watch.hush
    assert not item.watch.machine


def test_who_answers_within_seconds_of_a_machine_of_ours_is_a_machine() -> None:
    home = closed()
    home.arrive(mail("one"))
    (item,) = home.state.items.values()
    home.record([e.Change(e.ItemCanceled(item=item.id, by="test", reason="next"))])
    home.pass_time(2)
    home.arrive(mail("two", at=home.clock.now(), subject="Re: that"))
    assert len(said(home)) == 1
    (item,) = home.state.items.values()
    assert item.watch is not None
    assert "within" in item.watch.hush


def test_the_same_words_again_are_a_machines_once_we_have_written_to_it() -> None:
    home = closed()
    for n in range(6):
        home.arrive(mail(f"k{n}", at=home.clock.now(), body=LONG, subject=f"Hello {n}"))
        for item in list(home.state.items.values()):
            home.record([e.Change(e.ItemCanceled(item=item.id, by="test", reason="next"))])
        home.pass_time(3000)
    assert len(said(home)) == 1


def test_a_person_who_is_mistaken_for_a_machine_is_served_all_the_same() -> None:
    office = calendar("UTC", week=dict.fromkeys(WEEKDAYS, ("00:00-24:00",)))
    home = House(queues=[queue(hours="office", courtesy=Courtesy(acknowledge=True))], settles=False)
    home.record([e.Change(e.CalendarDefined(calendar=office, by="test"))])
    home.arrive(mail("one", subject="About [#12345]"))
    (item,) = home.state.items.values()
    assert item.state.value == "queued"
    home.pass_time(600)
    assert not said(home)


@pytest.mark.parametrize(
    "local", ["noreply", "no-reply", "no_reply", "donotreply", "bounces+x=y", "MAILER-DAEMON"]
)
def test_addresses_that_say_that_nobody_reads_them(local: str) -> None:
    assert nobody_reads(f"{local.lower()}@example.org")
    assert not nobody_reads("norah@example.org")
