"""Mail that comes back for good marks its address, and what proves otherwise takes that away."""

import pytest

from gateway.core import commands as c
from gateway.core import events as e
from gateway.core.bad_addresses import BadAddress, is_hard, key_of_address, why
from gateway.core.ids import ItemId
from gateway.core.model import ItemState, Message
from gateway.core.silence import why_silent
from gateway.core.view import item_view
from tests.core.promised import arrives, give, house, send
from tests.support.builders import House, mail

EVA = key_of_address("eva@example.org")
GONE = "smtp; 550 5.1.1 <eva@example.org> user unknown"


def answered(home: House) -> tuple[ItemId, Message]:
    key = arrives(home)
    give(home, key)
    send(home, key, then="wait")
    (said,) = [m for m in home.tables.messages.values() if m.direction == "out"]
    return key, said


def report(home: House, said: Message, reason: str, action: str = "failed") -> None:
    attributes = {"bounce_action": action, "bounce_reason": reason}
    told = mail(
        f"dsn {action} {reason}",
        identity=None,
        machine=True,
        references=(f"<{said.id}@us>",),
        attributes=attributes,
    )
    home.arrive(told)


@pytest.mark.parametrize(
    ("said", "hard"),
    [
        (GONE, True),
        ("550 5.1.10 RESOLVER.ADR.RecipientNotFound", True),
        ("5.4.4 no route: domain not found", True),
        ("550 No such user here", True),
        ("5.0.0 mailbox not found", True),
        ("552 5.2.2 mailbox full", False),
        ("552 5.3.4 message too large", False),
        ("550 5.7.1 rejected by policy: spam", False),
        ("450 4.1.1 user unknown, try again", False),
        ("421 try again later", False),
        ("554 transaction failed", False),
        ("", False),
    ],
)
def test_only_what_says_that_nobody_is_there_is_for_good(said: str, hard: bool) -> None:
    assert is_hard(said) is hard


def test_a_hard_bounce_marks_the_address_and_the_work_and_a_soft_one_does_not() -> None:
    home = house()
    key, said = answered(home)
    report(home, said, "452 4.2.2 mailbox full")
    assert not home.state.bad_addresses
    report(home, said, GONE)
    (bad,) = home.state.bad_addresses.values()
    assert (bad.name, bad.since, bad.reason) == (EVA, home.clock.now(), why(GONE))
    item = home.state.items[key]
    assert item.state is ItemState.QUEUED
    view = item_view(item, home.state.cases[item.case])
    assert view.undeliverable == "smtp; 550 5.1.1 … user unknown"


def test_no_address_stands_on_record() -> None:
    home = house()
    _, said = answered(home)
    report(home, said, GONE)
    (failed,) = home.events(e.AddressFailed)
    assert "eva" not in repr(failed)


def test_a_mail_from_there_takes_the_mark_away() -> None:
    home = house()
    key, said = answered(home)
    report(home, said, GONE)
    case = home.state.cases[home.state.items[key].case]
    home.arrive(mail("back", machine=True), referenced=case, reference="it")
    assert home.state.bad_addresses
    home.arrive(mail("again"), referenced=case, reference="it")
    assert not home.state.bad_addresses
    assert home.state.items[key].undeliverable == ""
    assert not home.tables.timetable["bad_address", EVA].active


def test_a_report_of_delivery_takes_it_away_too() -> None:
    home = house()
    key, said = answered(home)
    bad = BadAddress(name=EVA, since=home.clock.now(), reason="it came back")
    home.record([e.Change(e.AddressFailed(address=bad, item=key))])
    report(home, said, "250 ok", action="delivered")
    assert not home.state.bad_addresses


def test_no_machine_of_ours_writes_there() -> None:
    home = house()
    key, said = answered(home)
    report(home, said, GONE)
    item = home.state.items[key]
    now = home.clock.now()
    assert why_silent(home.state, home.state.cases[item.case], item, now).endswith("comes back")


def test_what_is_begun_with_a_marked_address_says_so() -> None:
    home = house()
    _, said = answered(home)
    report(home, said, GONE)
    home.say(
        "ana",
        c.Compose(id=home.command(), channel=said.channel, to="eva@example.org", body="Hello?"),
        address="eva@example.org",
    )
    newest = max(home.state.items.values(), key=lambda one: one.id)
    assert newest.undeliverable
