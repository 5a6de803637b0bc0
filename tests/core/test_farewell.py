"""When a case is solved its customer is asked how it went: once for each time it was."""

from typing import Any

from gateway.core import commands as c
from gateway.core import events as e
from gateway.core.courtesy import CHANGE_DAYS, Courtesy
from gateway.core.ids import ItemId
from gateway.core.model import Case, Message
from gateway.core.rating import may_rate
from tests.core.promised import arrives, give, house, item, send, writes_again
from tests.support.builders import House, mail

HERE = "https://here/t/it"


def a_house(**fields: Any) -> House:
    home = house(courtesy=Courtesy(closing=True), **fields)
    home.ledger.link = lambda _case, _customer, _renewed: HERE
    return home


def asked(home: House) -> list[Message]:
    found = sorted(home.tables.messages.values(), key=lambda one: one.id)
    return [one for one in found if one.author.kind == "system" and "?rate=5" in one.body]


def solve(home: House, key: ItemId) -> Case:
    give(home, key)
    send(home, key)
    home.say("ana", c.Wrapup(id=home.command(), item=key, code="done"))
    return home.tables.cases[item(home, key).case]


def rate(home: House, case: Case, score: int, key: str = "") -> str:
    given = mail(
        key or f"rate{score}", rating=score, body="", conversation=case.id, at=home.clock.now()
    )
    return home.arrive(given, conversation=home.tables.cases[case.id]).reason


def test_the_closing_mail_has_five_links_and_needs_no_pictures() -> None:
    home = a_house()
    key = arrives(home, language="de")
    case = solve(home, key)
    (mail_,) = asked(home)
    assert f"Ihr Anliegen {case.number} ist gelöst." in mail_.body
    for score in range(1, 6):
        assert f"{HERE}?rate={score}#rate" in mail_.body
        assert f'href="{HERE}?rate={score}#rate"' in (mail_.html or "")
    assert "<img" not in (mail_.html or "")
    assert case.solving is not None
    assert (case.solving.item, case.solving.asked_at) == (key, home.clock.now())


def test_it_is_asked_once_for_each_time_that_it_was_solved() -> None:
    home = a_house()
    key = arrives(home)
    home.pass_time(60)
    solve(home, key)
    home.pass_time(3600)
    again = writes_again(home, key, "not yet")
    solve(home, again)
    assert len(asked(home)) == 2


def test_machines_and_who_was_only_sorted_out_are_asked_nothing() -> None:
    home = a_house()
    key = arrives(home, machine=True)
    solve(home, key)
    other = arrives(home, "k2")
    give(home, other)
    home.say("ana", c.Wrapup(id=home.command(), item=other, code="spam"))
    assert not asked(home)


def test_a_queue_that_does_not_ask_does_not() -> None:
    home = house()
    home.ledger.link = lambda _case, _customer, _renewed: HERE
    solve(home, arrives(home))
    assert not asked(home)


def test_a_score_is_stored_with_the_item_and_the_agent() -> None:
    home = a_house()
    key = arrives(home)
    case = solve(home, key)
    rate(home, case, 4)
    (given,) = home.events(e.CaseRated)
    assert (given.score, given.item, given.agent) == (4, key, "ana")
    assert home.tables.cases[case.id].rating == 4


def test_an_open_case_is_not_rated() -> None:
    home = a_house()
    key = arrives(home)
    case = home.tables.cases[item(home, key).case]
    assert "not solved" in rate(home, case, 5)
    assert not home.events(e.CaseRated)
    assert home.tables.cases[case.id].rating == 0


def test_a_score_may_be_changed_for_a_while_and_then_stands() -> None:
    home = a_house()
    key = arrives(home)
    case = solve(home, key)
    rate(home, case, 2)
    home.pass_time((CHANGE_DAYS - 1) * 86_400)
    rate(home, case, 4)
    home.pass_time(2 * 86_400)
    assert "stands" in rate(home, case, 1)
    assert [one.score for one in home.events(e.CaseRated)] == [2, 4]
    assert not may_rate(home.tables.cases[case.id], home.clock.now())


def test_who_was_helped_once_more_may_say_so_anew() -> None:
    home = a_house()
    key = arrives(home)
    case = solve(home, key)
    rate(home, case, 2)
    home.pass_time(30 * 86_400)
    solve(home, writes_again(home, key, "again"))
    rate(home, case, 5)
    assert [(one.before, one.score) for one in home.events(e.CaseRated)] == [(0, 2), (2, 5)]
