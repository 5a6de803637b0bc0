"""The audit of what people outside saw: it must find what it is there to find."""

from collections.abc import Callable
from typing import Any

import pytest

from bench.load.town.audit import Logs, Repeat, audit
from bench.load.town.marks import mark_of, new_mark

TASK, MAIL, CHAT, ANSWER = (f"mark-{n:016x}" for n in range(4))


def logs() -> Logs:
    """A good day: one task, one mail, one chat, each answered once by one agent."""
    talk = {
        "conversation": "c1",
        "shown": [["c1", 1, "m1", "customer", CHAT, 0.0], ["c1", 2, "m2", "agent", "said-2", 0.0]],
        "acked": {CHAT: [1.0, 1.1, "c1", 1]},
        "transcript": [
            ["c1", 1, "m1", "customer", CHAT, 9.0],
            ["c1", 2, "m2", "agent", "said-2", 9.0],
        ],
    }
    clerk = {
        "offers": [[1.0, "i1", "ana", TASK, "east"], [1.0, "i2", "ana", MAIL, "east"]],
        "accepted": [[2.0, "i1", "ana"], [2.0, "i2", "ana"], [2.0, "i3", "ana"]],
        "gone": [[4.0, "i1", "ana"], [4.0, "i2", "ana"], [4.0, "i3", "ana"]],
        "answered": [
            [3.0, "i1", "ana", "said-0", "task"],
            [3.0, "i2", "ana", ANSWER, "email"],
            [3.0, "i3", "ana", "said-2", "webchat"],
        ],
        "wrapped": [[4.0, "i1", "ana"], [4.0, "i2", "ana"], [4.0, "i3", "ana"]],
        "outages": [],
        "problems": {},
    }
    told = [
        [3.0, 3.1, "w1", "item.message", "i1", "said-0"],
        [4.0, 4.1, "w2", "item.completed", "i1", ""],
    ]
    return Logs(
        clerks=[clerk],
        visitors={"talks": [talk], "problems": {}, "outages": []},
        errands={
            "acked": [[0.5, 0.6, TASK, "i1"]],
            "changed": [],
            "told": told,
            "problems": {"503": 2},
        },
        letters={
            "written": [[0.5, MAIL]],
            "got": [[3.5, 3.6, "<id-1>", ANSWER, MAIL]],
            "mailbox": [[MAIL, "\\Seen"]],
        },
    )


def test_of_a_good_day_nothing_is_found() -> None:
    found = audit(logs())
    assert [*found.missing, *found.duplicated, *found.disordered] == []
    assert len(found.repeated) == 0
    assert found.problems == {"503": 2}
    assert found.acknowledged == {
        "tasks": 1,
        "answers to tasks": 1,
        "chats": 1,
        "chat messages": 1,
        "answers to webchats": 1,
        "mails": 1,
        "answers to emails": 1,
        "wrap-ups": 3,
    }


def _no_callback(day: Logs) -> None:
    day.errands["told"].pop()


def _no_answer_to_task(day: Logs) -> None:
    day.errands["told"].pop(0)


def _unread(day: Logs) -> None:
    day.letters["mailbox"] = [[MAIL, ""]]


def _gone_from_the_mailbox(day: Logs) -> None:
    day.letters["mailbox"] = []


def _no_answer_to_mail(day: Logs) -> None:
    day.letters["got"].clear()


def _lost_chat_message(day: Logs) -> None:
    talk = day.visitors["talks"][0]
    del talk["transcript"][0], talk["shown"][0]


def _lost_answer_in_a_chat(day: Logs) -> None:
    talk = day.visitors["talks"][0]
    del talk["transcript"][1], talk["shown"][1]


def _never_shown(day: Logs) -> None:
    del day.visitors["talks"][0]["shown"][0]


def _no_transcript(day: Logs) -> None:
    day.visitors["talks"][0]["transcript"] = None


@pytest.mark.parametrize(
    "spoil",
    [
        _no_callback,
        _no_answer_to_task,
        _unread,
        _gone_from_the_mailbox,
        _no_answer_to_mail,
        _lost_chat_message,
        _lost_answer_in_a_chat,
        _never_shown,
        _no_transcript,
    ],
)
def test_what_was_acknowledged_and_did_not_arrive_is_missing(spoil: Callable[[Logs], None]) -> None:
    day = logs()
    spoil(day)
    found = audit(day)
    assert found.missing
    assert not found.duplicated


def _two_callbacks(day: Logs) -> None:
    day.errands["told"].append([5.0, 5.1, "w3", "item.completed", "i1", ""])


def _another_item_for_a_key(day: Logs) -> None:
    day.errands["changed"].append([TASK, "i1", "i9"])


def _a_task_that_nobody_filed(day: Logs) -> None:
    day.errands["told"].append([5.0, 5.1, "w9", "item.completed", "i9", ""])


def _one_answer_as_two_mails(day: Logs) -> None:
    day.letters["got"].append([5.0, 5.1, "<id-2>", ANSWER, MAIL])


def _two_answers_to_a_mail(day: Logs) -> None:
    day.letters["got"].append([5.0, 5.1, "<id-2>", "mark-00000000000000aa", MAIL])


def _a_mail_as_two_items(day: Logs) -> None:
    day.clerks[0]["offers"].append([5.0, "i8", "bob", MAIL, "west"])


def _a_chat_message_twice(day: Logs) -> None:
    again = ["c1", 3, "m3", "customer", CHAT, 0.0]
    day.visitors["talks"][0]["transcript"].append(again)


def _wrapped_up_twice(day: Logs) -> None:
    day.clerks[0]["wrapped"].append([5.0, "i1", "bob"])


def _in_two_hands(day: Logs) -> None:
    day.clerks[0]["accepted"].append([3.0, "i1", "bob"])


@pytest.mark.parametrize(
    "spoil",
    [
        _two_callbacks,
        _another_item_for_a_key,
        _a_task_that_nobody_filed,
        _one_answer_as_two_mails,
        _two_answers_to_a_mail,
        _a_mail_as_two_items,
        _a_chat_message_twice,
        _wrapped_up_twice,
        _in_two_hands,
    ],
)
def test_what_took_effect_under_two_identities_is_duplicated(spoil: Callable[[Logs], None]) -> None:
    day = logs()
    spoil(day)
    found = audit(day)
    assert found.duplicated
    assert not found.missing


def test_what_a_visitor_said_and_finds_told_in_another_order_is_found() -> None:
    day = logs()
    talk, later = day.visitors["talks"][0], "mark-00000000000000bb"
    talk["acked"][later] = [2.0, 2.1, "c1", 3]
    for told in (talk["transcript"], talk["shown"]):
        told.append(["c1", 3, "m3", "customer", later, 9.0])
    assert not audit(day).disordered
    talk["acked"][CHAT][0] = 2.5
    found = audit(day)
    assert found.disordered == [f"chat c1: {[later, CHAT]} told as {[CHAT, later]}"]
    assert [*found.missing, *found.duplicated] == []


def test_the_same_identity_again_is_a_repeat_and_needs_a_fault_to_explain_it() -> None:
    day = logs()
    day.letters["got"].append([8.0, 8.1, "<id-1>", ANSWER, MAIL])
    day.errands["told"].append([9.0, 9.1, "w2", "item.completed", "i1", ""])
    found = audit(day)
    assert not found.duplicated
    mail, callback = Repeat("mail", "<id-1>", 3.5, 8.0), Repeat("callback", "w2", 4.0, 9.0)
    assert found.repeated == [callback, mail]
    assert found.unexplained([(5.0, 6.0)]) == []
    assert found.unexplained([(8.5, 8.6)]) == [mail]
    assert found.unexplained([]) == [callback, mail]


def test_who_was_away_for_the_time_of_grace_may_lose_an_item_to_another() -> None:
    day = logs()
    day.clerks[0]["gone"].clear()
    day.clerks[0]["accepted"].append([100.0, "i1", "bob"])
    away: list[list[Any]] = day.clerks[0]["outages"]
    assert audit(day).duplicated
    away.append([50.0, None, "ana", "east"])
    assert not audit(day).duplicated


def test_a_mark_is_found_wherever_it_stands() -> None:
    mark = new_mark()
    assert mark_of(f"Re: A charge {mark}, as I said") == mark
    assert mark_of("nothing") == ""
    assert new_mark() != mark
