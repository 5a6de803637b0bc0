"""A mail is acknowledged once, with a time that is meant; who waits longer is told before it."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from gateway.core import commands as c
from gateway.core import events as e
from gateway.core.budget import Budget
from gateway.core.courtesy import Courtesy
from gateway.core.deadlines import deadlines_of
from gateway.core.house_mail import LETTERS, PARTS
from gateway.core.ids import ChannelName, ItemId
from gateway.core.merging import Merge, merge
from gateway.core.model import AgentProfile, ItemState, Message
from tests.core.promised import (
    GOLD,
    HOUR,
    OFFICE_HOURS,
    SUE,
    after,
    arrives,
    give,
    house,
    item,
    send,
    writes_again,
)
from tests.support.builders import START, House, chat, mail

ALL = Courtesy(acknowledge=True, grace_seconds=60.0)
HERE = "https://here/t/it"


def a_house(expect: float | None = None, **fields: Any) -> House:
    fields = {"courtesy": ALL} | fields
    home = house(fields.pop("policy", GOLD), **fields)
    home.ledger.link = lambda _case, _customer, _renewed: HERE
    home.ledger.expect = lambda _item: expect
    return home


def told(home: House) -> list[Message]:
    """What machines of ours have said to customers."""
    found = sorted(home.tables.messages.values(), key=lambda one: one.id)
    return [one for one in found if one.direction == "out" and one.author.kind == "system"]


def test_a_mail_is_acknowledged_with_its_number_the_time_and_the_customers_page() -> None:
    home = a_house()
    key = arrives(home)
    assert not told(home)
    home.pass_time(60)
    (said,) = told(home)
    assert (said.to, said.subject) == (("eva@example.org",), "About k1")
    assert f"Its number is {item(home, key).number}." in said.body
    assert "by Monday, March 2, 2026, 10:00" in said.body
    assert HERE in said.body
    assert "{" not in said.body
    assert item(home, key).answered_at is None
    home.pass_time(3 * 86_400)
    assert len([one for one in told(home) if "Its number is" in one.body]) == 1


def test_it_is_written_in_the_senders_language_and_the_zone_of_the_queue() -> None:
    home = a_house(hours="office")
    home.record([e.Change(e.CalendarDefined(calendar=OFFICE_HOURS, by="test"))])
    arrives(home, language="de-AT")
    home.pass_time(60)
    (said,) = told(home)
    # 10:00 there when it came, and an hour is promised.
    assert "spätestens am Montag, 2. März 2026" in said.body
    assert "11:00 (MEZ)" in said.body


def test_while_it_is_closed_the_time_is_one_at_which_it_is_open() -> None:
    home = a_house(hours="office")
    home.record([e.Change(e.CalendarDefined(calendar=OFFICE_HOURS, by="test"))])
    home.pass_time(10 * HOUR)
    key = arrives(home)
    home.pass_time(60)
    assured = item(home, key).assured
    assert assured is not None
    assert assured.by == START + timedelta(days=1)  # nine there is eight here; an hour later


def test_if_the_line_is_longer_than_the_promise_the_line_is_told() -> None:
    home = a_house(expect=3 * HOUR)
    key = arrives(home)
    home.pass_time(60)
    assured = item(home, key).assured
    assert assured is not None
    assert assured.by == after(3 * HOUR + 15 * 60)  # a minute later, and a quarter is named
    assert assured.look_at is not None
    assert assured.look_at < assured.by


def test_where_nothing_is_promised_no_time_is_named() -> None:
    home = a_house(policy=replace(GOLD, first_reply=None))
    key = arrives(home)
    home.pass_time(60)
    (said,) = told(home)
    assert "as soon as possible" in said.body
    assured = item(home, key).assured
    assert assured is not None
    assert (assured.by, assured.look_at) == (None, None)


def test_who_is_answered_at_once_gets_no_acknowledgement_and_no_notice() -> None:
    home = a_house()
    key = arrives(home)
    home.pass_time(20)
    give(home, key)
    send(home, key)
    home.pass_time(86_400)
    assert not told(home)


def test_a_second_mail_in_the_case_is_not_acknowledged() -> None:
    home = a_house()
    key = arrives(home)
    home.pass_time(60)
    give(home, key)
    send(home, key, then="wait")
    home.pass_time(600)
    writes_again(home, key, "and then?")
    home.pass_time(3600)
    assert len(told(home)) == 1


def test_what_is_planned_follows_from_the_item_so_it_outlives_a_restart() -> None:
    home = a_house()
    key = arrives(home)
    ahead = [one.at for one in deadlines_of(home.tables.items[key]) if one.kind == "assured"]
    assert ahead == [after(60)]
    home.pass_time(60)
    ahead = [one.at for one in deadlines_of(home.tables.items[key]) if one.kind == "assured"]
    assert len(ahead) == 1
    assert after(60) < ahead[0] < after(HOUR)


@pytest.mark.parametrize(
    "fields",
    [
        {"machine": True},
        {"address": ""},
        {"address": "no-reply@example.org"},
        {"attributes": {"in_copy": "Bcc"}},
        {"subject": "Re: Yours [#4711]"},
    ],
)
def test_machines_are_acknowledged_nothing(fields: dict[str, Any]) -> None:
    home = a_house()
    arrives(home, **fields)
    home.pass_time(86_400)
    assert not told(home)


def test_a_chat_is_acknowledged_in_its_window_not_by_mail() -> None:
    home = a_house()
    home.arrive(chat("one"))
    home.pass_time(600)
    assert not told(home)


def test_a_queue_that_declares_nothing_writes_nothing() -> None:
    home = a_house(courtesy=Courtesy())
    arrives(home)
    home.pass_time(86_400)
    assert not told(home)


def test_the_houses_own_words_are_said_instead_of_ours() -> None:
    own = {"": "Got {number}. Until {when}. {ticket_url}", "de": "Da: {number}"}
    home = a_house(courtesy=Courtesy(acknowledge=True, acknowledged=own))
    number = item(home, arrives(home)).number
    home.pass_time(60)
    (said,) = told(home)
    assert said.body == f"Got {number}. Until Monday, March 2, 2026, 10:00 AM (UTC). {HERE}"


def test_own_words_with_a_time_need_one_and_those_without_promise_none() -> None:
    courtesy = Courtesy(acknowledge=True, acknowledged={"": "Until {when}.", "de": "Da: {number}"})
    home = a_house(courtesy=courtesy, policy=replace(GOLD, first_reply=None))
    arrives(home)
    home.pass_time(60)
    (said,) = told(home)
    assert "A person will answer you as soon as possible." in said.body
    home = a_house(courtesy=courtesy)
    key = arrives(home, language="de")
    home.pass_time(60)
    (said,) = told(home)
    assert said.body == f"Da: {item(home, key).number}"
    home.pass_time(86_400)
    assert told(home) == [said]


# -- when it will be later ------------------------------------------------------------------------


def later(home: House) -> list[Message]:
    return [one for one in told(home) if "longer than we said" in one.body]


def test_who_will_be_answered_later_is_told_before_the_time_has_passed() -> None:
    home = a_house()
    key = arrives(home)
    home.pass_time(60)
    assured = item(home, key).assured
    assert assured is not None
    assert assured.by == after(HOUR)
    home.pass_time(HOUR)
    (notice,) = later(home)
    assert notice.at < after(HOUR)
    assert "as soon as possible" in notice.body
    home.pass_time(7 * 86_400)
    assert len(later(home)) == 1


@pytest.mark.parametrize("mailbox", ["mail", "sales"], ids=["one work item", "two"])
def test_what_was_told_of_a_case_holds_when_it_is_merged_into_another(mailbox: str) -> None:
    home = a_house()
    first = arrives(home)
    home.pass_time(60)
    other = arrives(home, "k2", channel=ChannelName(mailbox))
    case, into = (home.state.cases[item(home, one).case] for one in (first, other))
    boss = AgentProfile(name=SUE, role="supervisor")
    wish = Merge(case=case, into=into, by=boss, reason="one matter")
    home.record(merge(home.state, home.ledger.context(), wish))
    goes_on = other if mailbox == "mail" else first
    assert (first in home.state.items) == (goes_on == first)
    assured = item(home, goes_on).assured
    assert assured is not None
    assert assured.by == after(HOUR)
    home.pass_time(HOUR)
    (notice,) = [one for one in later(home) if one.item == goes_on]
    assert (notice.case, notice.at < after(HOUR)) == (into.id, True)


def test_a_new_time_is_named_if_it_is_known_and_told_of_once_more_at_most() -> None:
    home = a_house(expect=2 * HOUR)
    key = arrives(home)
    home.pass_time(60)
    home.ledger.expect = lambda _item: 6 * HOUR
    home.pass_time(2 * HOUR + 120)
    (notice,) = later(home)
    assert "by Monday, March 2, 2026" in notice.body
    home.pass_time(86_400)
    assert len(later(home)) == 2
    assert "as soon as possible" in later(home)[1].body
    home.pass_time(7 * 86_400)
    assert len(later(home)) == 2
    assert item(home, key).state is ItemState.QUEUED


def test_an_answer_in_time_ends_all_of_it() -> None:
    home = a_house()
    key = arrives(home)
    home.pass_time(60)
    give(home, key)
    home.pass_time(1800)
    send(home, key)
    assert item(home, key).assured is None
    home.pass_time(86_400)
    assert not later(home)


def test_who_is_being_answered_is_not_told_too_early() -> None:
    home = a_house()
    key = arrives(home)
    home.pass_time(60)
    give(home, key)
    home.pass_time(HOUR - 180)
    assert not later(home)
    home.pass_time(120)
    assert len(later(home)) == 1
    assert later(home)[0].at <= after(HOUR)


def test_a_case_that_has_ended_is_told_nothing_more() -> None:
    home = a_house()
    key = arrives(home)
    home.pass_time(60)
    give(home, key)
    home.say("ana", c.Wrapup(id=home.command(), item=key, code="spam"))
    home.pass_time(86_400)
    assert not later(home)


def test_when_the_budget_is_used_up_nothing_is_sent_and_it_stands_on_record() -> None:
    home = a_house()
    home.state.budget = Budget(sender_hour=1)
    arrives(home)
    home.pass_time(60)
    arrives(home, "k2", subject="Another matter")
    home.pass_time(60)
    assert len(told(home)) == 1
    (held,) = home.events(e.AutomaticWithheld)
    assert (held.of, held.what) == ("sender", "acknowledgement")


@settings(max_examples=25, deadline=None)
@given(
    steps=st.lists(
        st.tuples(
            st.sampled_from(["wait", "write", "other", "give", "send", "machine"]),
            st.floats(1, 5000),
        ),
        max_size=12,
    ),
    expect=st.one_of(st.none(), st.floats(0, 20_000)),
)
def test_whatever_happens_there_is_one_acknowledgement_and_two_notices_at_most(
    steps: list[tuple[str, float]], expect: float | None
) -> None:
    home = a_house(expect)
    home.state.budget = Budget(sender_hour=100, sender_day=100)
    key = arrives(home)
    for n, (what, seconds) in enumerate(steps):
        now: datetime = home.clock.now()
        known = home.state.items.get(key)
        if what == "other":
            arrives(home, f"o{n}", subject=f"Other {n}", at=now)
        elif what in ("write", "machine") and known is not None:
            written = mail(f"w{n}", at=now, machine=what == "machine")
            home.arrive(written, referenced=home.tables.cases[known.case], reference="ours")
        elif what == "give" and known is not None and known.state is ItemState.QUEUED:
            give(home, key)
        elif what == "send" and known is not None and known.state is ItemState.ASSIGNED:
            send(home, key)
        home.pass_time(seconds)
    home.pass_time(20_000)
    _at_most(home, key)


def _at_most(home: House, key: ItemId) -> None:
    for case in home.tables.cases:
        here = [one for one in told(home) if one.case == case]
        acknowledged = [one for one in here if "Its number is" in one.body]
        notices = [one for one in here if "longer than we said" in one.body]
        assert len(acknowledged) <= 1
        assert len(notices) <= 2
        assert not notices or acknowledged
    answered = item(home, key).answered_at
    assert answered is None or all(
        one.at <= answered for one in told(home) if one.case == item(home, key).case
    )


@pytest.mark.parametrize("language", sorted(LETTERS))
def test_every_language_says_all_of_it(language: str) -> None:
    texts = dict(zip(PARTS, LETTERS[language], strict=True))
    assert all(texts.values())
    for part, name in (
        ("received", "{number}"),
        ("answer_by", "{when}"),
        ("later_by", "{when}"),
        ("page", "{ticket_url}"),
        ("solved", "{number}"),
    ):
        assert name in texts[part], part  # type: ignore[index]
    assert "{" not in texts["automatic"] + texts["answer_soon"] + texts["later_soon"]
