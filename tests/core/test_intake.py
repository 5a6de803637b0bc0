"""What an inbound becomes."""

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from gateway.core import acts
from gateway.core import commands as c
from gateway.core.correlate import Candidates, correlate
from gateway.core.ids import CommandId, QueueName, SkillName
from gateway.core.inbound import Claim, Inbound
from gateway.core.model import Case, CaseStatus, ChannelKind, InboundDone, Item, ItemState
from gateway.core.routing.need import need_of
from tests.support.builders import START, House, agent, case, chat, mail, queue, task

ID = CommandId("command-x")
STATUSES = st.sampled_from(list(CaseStatus))


@pytest.fixture
def house() -> House:
    made = House(agent("ana", de=1), agent("bob"))
    made.sign_in("ana")
    return made


def first(house: House, **fields: Any) -> tuple[Case, Item]:
    """A mail that has been taken in."""
    decided = house.arrive(mail("m1", **fields))
    assert decided.case is not None
    assert decided.item is not None
    return house.state.cases[decided.case], house.state.items[decided.item]


def claimed(value: str = "eva@example.org") -> Claim:
    return Claim(kind="email", value=value)


# -- something new --------------------------------------------------------------------------


def test_a_new_contact_opens_a_case_with_an_item_and_the_message(house: House) -> None:
    opened, item = first(house)
    assert (opened.status, opened.subject, opened.last_seq) == (CaseStatus.OPEN, "About m1", 1)
    assert (item.case, item.number, item.address) == (opened.id, opened.number, "eva@example.org")
    assert item.thread == ("m1@example.org",)
    (message,) = house.tables.messages.values()
    assert (message.seq, message.direction, message.author.verified) == (1, "in", True)


def test_the_message_knows_from_where_it_only_repeats(house: House) -> None:
    first(house, body="Yes.\n\n> Really?", fold_from=1)
    (message,) = house.tables.messages.values()
    assert message.fold_from == 1


def test_the_inbox_row_is_done_in_the_same_breath(house: House) -> None:
    house.arrive(mail("m1"))
    done = [r for entry in house.entries for r in entry.rows if isinstance(r, InboundDone)]
    assert [d.status for d in done] == ["processed"]
    assert all(row.decided is not None for row in house.tables.inbox.values())


def test_a_language_that_somebody_speaks_is_asked_for(house: House) -> None:
    opened, item = first(house, language="de-AT")
    assert item.requirement.skills == {}, "what meets it is asked when it is routed"
    assert need_of(house.state, item).languages == (SkillName("de"),)
    assert "needs de" in opened.joined_because


def test_a_language_that_nobody_speaks_is_said_and_not_asked_for(house: House) -> None:
    opened, item = first(house, language="fi")
    assert need_of(house.state, item).languages == ()
    assert "nobody here speaks fi" in opened.joined_because


def test_a_queue_that_does_not_exist_is_said_and_replaced(house: House) -> None:
    opened, item = first(house, queue=QueueName("nowhere"))
    assert item.queue == "general"
    assert "there is no queue 'nowhere'" in opened.joined_because


def test_what_could_not_be_understood_is_put_aside(house: House) -> None:
    decided = house.arrive(mail("m1", problem="no headers"))
    assert (decided.status, decided.reason) == ("quarantined", "no headers")
    assert house.state.items == {}
    assert house.state.cases == {}


def test_a_task_brings_its_own_wishes() -> None:
    house = House(agent("ana"), queues=[queue("general"), queue("office")])
    due = START + timedelta(hours=4)
    decided = house.arrive(
        task(
            "t1",
            queue=QueueName("office"),
            skills={SkillName("audit"): 3},
            priority=7,
            due_at=due,
            category="checks",
        )
    )
    assert decided.item is not None
    item = house.state.items[decided.item]
    assert (item.queue, item.requirement.skills, item.priority, item.due_at) == (
        "office",
        {"audit": 3},
        7,
        due,
    )
    assert house.state.cases[item.case].category == "checks"


# -- which case -----------------------------------------------------------------------------


def test_a_reference_joins(house: House) -> None:
    opened, item = first(house)
    decided = house.arrive(mail("m2"), referenced=opened, reference="m1@example.org")
    assert (decided.case, decided.item, decided.seq) == (opened.id, item.id, 2)
    assert decided.reason == (
        "answers m1@example.org; its sender is the ticket's customer (verified)"
    )
    assert len(house.state.items) == 1


def test_a_channels_own_thread_joins_before_a_reference(house: House) -> None:
    opened, _ = first(house)
    talk = house.arrive(chat("c1"))
    assert talk.case is not None
    conversation = house.state.cases[talk.case]
    again = house.arrive(chat("c2"), conversation=conversation, referenced=opened)
    assert again.case == talk.case


def test_a_verified_sender_joins_a_recent_case_in_the_same_matter(house: House) -> None:
    opened, item = first(house, subject="Invoice 12")
    decided = house.arrive(mail("m2", subject="Re: AW: invoice 12"), recent=opened)
    assert decided.item == item.id


def test_another_matter_does_not_join(house: House) -> None:
    opened, _ = first(house, subject="Invoice 12")
    decided = house.arrive(mail("m2", subject="Invoice 13"), recent=opened)
    assert decided.case != opened.id


def test_after_a_week_it_is_a_new_matter(house: House) -> None:
    opened, _ = first(house, subject="Invoice 12")
    house.clock.seconds += 8 * 86_400
    decided = house.arrive(mail("m2", subject="Invoice 12"), recent=opened)
    assert decided.case != opened.id


@given(st.booleans(), STATUSES, st.integers(0, 20 * 86_400))
def test_a_claimed_identity_joins_nothing(same_subject: bool, status: CaseStatus, age: int) -> None:
    recent = case(subject="Invoice 12", status=status, changed_at=START)
    join = correlate(
        Candidates(recent=recent, numbered=recent),
        mail("m2", identity=claimed(), subject="Invoice 12" if same_subject else "Other"),
        customer=None,
        now=START + timedelta(seconds=age),
    )
    assert (join.case, join.follows) == (None, None)


@given(STATUSES, STATUSES, STATUSES, st.booleans())
def test_nothing_ever_joins_a_closed_case(
    one: CaseStatus, two: CaseStatus, three: CaseStatus, verified: bool
) -> None:
    found = Candidates(
        conversation=case(status=one), referenced=case(status=two), recent=case(status=three)
    )
    for some in (found, replace(found, conversation=None), Candidates(recent=found.recent)):
        identity = Claim(kind="email", value="eva@example.org", verified=verified)
        join = correlate(some, mail("m2", identity=identity), customer=None, now=START)
        assert join.case is None or join.case.status is not CaseStatus.CLOSED
        assert join.reason


def test_a_claimed_sender_is_another_person_than_the_verified_one(house: House) -> None:
    opened, _ = first(house)
    decided = house.arrive(mail("m2", identity=claimed()))
    assert decided.case is not None
    stranger = house.state.cases[decided.case].customer
    assert opened.customer is not None
    assert stranger is not None
    assert stranger.id != opened.customer.id
    assert not stranger.verified


def test_a_closed_case_is_followed_by_a_new_one(house: House) -> None:
    opened, item = first(house)
    house.record(acts.cancel(house.state, item.id, "test", "spam"))
    closed = house.tables.cases[opened.id]
    assert closed.status is CaseStatus.CLOSED
    decided = house.arrive(mail("m2"), referenced=closed, reference="m1@example.org")
    assert decided.case is not None
    following = house.state.cases[decided.case]
    assert (following.follows, decided.case != opened.id) == (opened.id, True)
    assert following.number != opened.number
    assert decided.reason == (
        "answers m1@example.org; its sender is the ticket's customer (verified);"
        f" ticket #{opened.number} is closed, so this one follows it"
    )
    assert house.tables.cases[opened.id] == closed, "and stays as it is"


# -- what is woken --------------------------------------------------------------------------


def test_a_solved_case_is_reopened_with_its_last_agent(house: House) -> None:
    opened, item = first(house)
    house.accept("ana")
    house.complete("ana", item.id)
    solved = house.tables.cases[opened.id]
    assert solved.status is CaseStatus.SOLVED
    house.sign_in("bob")
    decided = house.arrive(mail("m2"), referenced=solved, reference="m1@example.org")
    assert decided.item is not None
    assert decided.item != item.id
    woken = house.state.items[decided.item]
    assert (woken.last_agent, house.offered()) == ("ana", {decided.item: "ana"})
    assert house.state.cases[opened.id].status is CaseStatus.OPEN


def test_a_held_item_wakes_with_affinity(house: House) -> None:
    opened, item = first(house)
    house.accept("ana")
    house.say("ana", c.Send(id=ID, item=item.id, body="Which?", then="wait"))
    house.sign_in("bob")
    house.clock.seconds += 500
    house.arrive(mail("m2"), referenced=house.state.cases[opened.id], reference="x")
    woken = house.state.items[item.id]
    assert house.offered() == {item.id: "ana"}
    assert woken.queued_at == house.clock.now(), "the waiting begins anew"
    assert house.state.cases[opened.id].status is CaseStatus.OPEN


def test_a_word_during_wrap_up_takes_the_item_back(house: House) -> None:
    opened, item = first(house)
    house.accept("ana")
    house.say("ana", c.Send(id=ID, item=item.id, body="Done.", then="close"))
    house.arrive(mail("m2"), referenced=opened, reference="x")
    assert house.state.items[item.id].state is ItemState.ASSIGNED


@pytest.mark.parametrize("state", ["queued", "offered", "assigned"])
def test_a_word_to_an_item_that_is_awake_moves_nothing(house: House, state: str) -> None:
    if state == "queued":
        house.say("ana", c.State(id=ID, state="not_ready"))
    opened, item = first(house)
    if state == "assigned":
        house.accept("ana")
    before = house.state.items[item.id]
    house.arrive(mail("m2", body="More"), referenced=opened, reference="x")
    after = house.state.items[item.id]
    assert (after.state, after.offer, after.preview) == (before.state, before.offer, "More")
    assert after.thread == ("m2@example.org",)


def test_an_answer_goes_where_the_last_word_came_from(house: House) -> None:
    opened, item = first(house)
    second = mail("m2", address="new@example.org", references=("m1@example.org",))
    house.arrive(second, referenced=opened, reference="m1@example.org")
    woken = house.state.items[item.id]
    assert (woken.address, woken.thread) == (
        "new@example.org",
        ("m1@example.org", "m2@example.org"),
    )


def test_a_mail_about_a_task_does_not_change_where_the_task_is_answered(house: House) -> None:
    hook = "https://erp.example.org/hook"
    filed = house.arrive(task("t1", address=hook))
    assert filed.case is not None
    assert filed.item is not None
    told = frozenset({"eva@example.org"})
    filed_case = house.state.cases[filed.case]
    house.arrive(mail("m1"), referenced=filed_case, reference="it", participants=told)
    item = house.state.items[filed.item]
    assert (item.address, item.thread, item.preview) == (hook, (), "Good morning")


# -- a chat ends ----------------------------------------------------------------------------


def ended(house: House, conversation: Case | None) -> str:
    decided = house.arrive(chat("end", attributes={"chat": "ended"}), conversation=conversation)
    return decided.reason


@pytest.mark.parametrize(
    ("state", "then"),
    [
        ("queued", ItemState.ABANDONED),
        ("offered", ItemState.ABANDONED),
        ("assigned", ItemState.WRAPPING),
        ("held", ItemState.COMPLETED),
    ],
)
def test_who_leaves_a_chat(house: House, state: str, then: ItemState) -> None:
    if state == "queued":
        house.say("ana", c.State(id=ID, state="not_ready"))
    decided = house.arrive(chat("c1"))
    assert decided.case is not None
    assert decided.item is not None
    if state in ("assigned", "held"):
        house.accept("ana")
    if state == "held":
        house.say("ana", c.Park(id=ID, item=decided.item))
    assert ended(house, house.state.cases[decided.case]) == "chat ended"
    assert house.tables.items[decided.item].state is then
    assert house.offered() == {}


def test_the_end_of_a_chat_that_never_was(house: House) -> None:
    assert ended(house, None) == "no such conversation"
    assert house.state.items == {}


@given(st.lists(st.sampled_from(["mail", "chat", "task"]), min_size=1, max_size=8))
def test_each_inbound_is_one_message_in_one_case(kinds: list[str]) -> None:
    house = House(agent("ana"))
    make: dict[str, Any] = {"mail": mail, "chat": chat, "task": task}
    for n, kind in enumerate(kinds):
        inbound: Inbound = make[kind](f"{kind}{n}")
        house.arrive(inbound)
    assert len(house.tables.messages) == len(house.tables.cases) == len(kinds)
    kinds_of = {ChannelKind.EMAIL: "mail", ChannelKind.WEBCHAT: "chat", ChannelKind.TASK: "task"}
    assert [kinds_of[m.kind] for m in house.tables.messages.values()] == kinds


def test_a_mail_of_our_own_check_makes_no_case_and_a_likeness_does(house: House) -> None:
    for n, marks in enumerate(({"check": True}, {"from_self": True})):
        house.arrive(mail(f"m{n}", attributes=marks))
    assert len(house.tables.cases) == 2
    sure: dict[str, Any] = {"from_self": True, "bounce_action": "failed"}
    for what, value in sure.items():
        decided = house.arrive(mail(what, attributes={"check": True, what: value}))
        assert (decided.status, decided.case) == ("ignored", None)
    assert len(house.tables.cases) == 2
