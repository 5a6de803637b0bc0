"""How it went: asked once, when a chat has ended that somebody had in hand."""

from typing import Any

import pytest
from msgspec.structs import replace

from channels.webchat.effects import Bring, Effect, Entered, Post
from channels.webchat.protocol import Error, Hello, Ok, Site, Survey, SurveyFrame, encode
from channels.webchat.session import Session
from channels.webchat.settings import Settings
from channels.webchat.translate import Person, inbound_of
from channels.webchat.visitor import Visitor
from gateway.core.ids import AgentName, CaseId
from gateway.core.model import Case, CaseStatus, Item, ItemState
from gateway.ports import Decided
from tests.support.chatvalues import SITE, START, case_of, item_of

CASE = CaseId("case-0001")


def session(
    item: Item | None, question: str | None = "", **changes: Any
) -> tuple[Session, list[SurveyFrame]]:
    """In a conversation; what was asked at its entry."""
    it = Session(question=lambda: question)
    it.receive(encode(Hello(channel="site")))
    case: Case = replace(case_of(CASE), **changes)
    now = Entered(
        visitor=Visitor(id="v1"), token="t", site=Site(), heartbeat=10, case=case, item=item
    )
    asked = surveys(it.entered(now))
    it.loaded(CASE, [], more=False)
    return it, asked


def ours(state: ItemState, version: int = 1) -> Item:
    return item_of(state, case=CASE, version=version, agent="ana")


def surveys(effects: list[Effect]) -> list[SurveyFrame]:
    frames = [effect.frame for effect in effects if isinstance(effect, Post)]
    return [frame for frame in frames if isinstance(frame, SurveyFrame)]


def answer(it: Session, **answers: Any) -> list[Effect]:
    return it.receive(encode(Survey(id=CASE, answers=answers)))


def test_it_is_asked_when_the_chat_ends_in_somebodys_hands_and_not_when_nobody_came() -> None:
    it, asked = session(ours(ItemState.ASSIGNED))
    assert asked == []
    over = ours(ItemState.WRAPPING, 2)
    assert surveys(it.item_changed(over)) == [SurveyFrame(id=CASE, questions=())]
    it, _ = session(ours(ItemState.QUEUED))
    assert surveys(it.item_changed(ours(ItemState.ABANDONED, 2))) == []


@pytest.mark.parametrize("question", ["Were we quick?", None])
def test_the_house_has_its_own_words_or_asks_nothing(question: str | None) -> None:
    it, _ = session(ours(ItemState.ASSIGNED), question)
    asked = surveys(it.item_changed(ours(ItemState.COMPLETED, 2)))
    assert [frame.questions for frame in asked] == ([(question,)] if question else [])


def test_who_comes_back_after_the_end_is_asked_unless_they_have_answered() -> None:
    ended = {"status": CaseStatus.SOLVED, "last_agent": AgentName("ana")}
    assert len(session(None, **ended)[1]) == 1
    assert session(None, **ended, rating=4)[1] == []
    assert session(None, status=CaseStatus.SOLVED)[1] == []
    assert session(None, last_agent=AgentName("ana"))[1] == []


def test_the_score_goes_the_way_of_the_ticket_pages() -> None:
    it, _ = session(None)
    (bring,) = answer(it, score=4, comment="Quick")
    assert isinstance(bring, Bring)
    person = Person(visitor=Visitor(id="v1"), identity=None, hello=Hello(channel="site"))
    inbound = inbound_of(Settings(name=SITE), person, bring.said, CASE, "", START)
    assert (inbound.rating, inbound.body, inbound.conversation) == (4, "Quick", CASE)
    assert inbound.key == "v1:survey:case-0001"
    done = Decided(status="processed", case=CASE)
    assert it.decided(bring.said, done) == [Post(Ok(re=CASE, seq=0))]


@pytest.mark.parametrize(
    ("answers", "field"),
    [
        ({}, "answers.score"),
        ({"score": 0}, "answers.score"),
        ({"score": 6}, "answers.score"),
        ({"score": "5"}, "answers.score"),
        ({"score": 5, "comment": 7}, "answers.comment"),
        ({"score": 5, "comment": "x" * 2_001}, "answers.comment"),
    ],
)
def test_what_is_no_score_is_refused_with_the_field(answers: dict[str, Any], field: str) -> None:
    it, _ = session(None)
    (told,) = answer(it, **answers)
    assert isinstance(told, Post)
    assert isinstance(told.frame, Error)
    assert (told.frame.code, told.frame.field) == ("bad_frame", field)


def test_another_conversation_has_no_survey_here() -> None:
    it, _ = session(None)
    (told,) = it.receive(encode(Survey(id="case-9999", answers={"score": 5})))
    assert isinstance(told, Post)
    assert isinstance(told.frame, Error)
    assert (told.frame.code, told.frame.field) == ("not_available", "id")
