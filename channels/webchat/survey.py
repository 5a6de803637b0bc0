"""How did it go? Asked once a chat has ended in which somebody has answered. Pure."""

from collections.abc import Callable

from channels.webchat.effects import Effect, Post, error_of
from channels.webchat.protocol import State, Survey, SurveyFrame
from gateway.core.ids import CaseId
from gateway.core.model import Case, CaseStatus, Item
from gateway.core.rating import HIGHEST

LONGEST = 2_000
_OVER = frozenset({CaseStatus.SOLVED, CaseStatus.CLOSED})


class Asking:
    """Of one connection. ``question`` gives the house's own words; empty: the window's.

    ``None``: nothing is asked.
    """

    def __init__(self, question: Callable[[], str | None]) -> None:
        self._question = question
        self._rated: CaseId | None = None

    def found(self, case: Case | None, item: Item | None) -> list[Effect]:
        """The window comes to a conversation, which may have ended while it was away."""
        if case is None or item is not None or case.status not in _OVER or case.last_agent is None:
            return []
        if case.rating:
            self._rated = case.id
        return self._ask(case.id)

    def moved(self, before: State, now: State, conversation: CaseId | None) -> list[Effect]:
        """It stands otherwise: what somebody had in hand may be over."""
        over = before.state == "active" and now.state == "closed"
        return self._ask(conversation) if over and conversation is not None else []

    def _ask(self, conversation: CaseId) -> list[Effect]:
        question = self._question()
        if question is None or self._rated == conversation:
            return []
        questions = (question,) if question else ()
        return [Post(SurveyFrame(id=conversation, questions=questions))]

    def refused(self, frame: Survey, conversation: CaseId | None) -> Effect | None:
        """Why an answer cannot be taken."""
        if self._question() is None or frame.id != conversation:
            return error_of(frame.id, "not_available", "there is no such survey", "id")
        score, words = frame.answers.get("score"), frame.answers.get("comment") or ""
        if not isinstance(score, int) or not 1 <= score <= HIGHEST:
            detail = f"`score` must be a number from 1 to {HIGHEST}"
            return error_of(frame.id, "bad_frame", detail, "answers.score")
        if not isinstance(words, str) or len(words) > LONGEST:
            detail = f"`comment` must be a text of at most {LONGEST:,} characters"
            return error_of(frame.id, "bad_frame", detail, "answers.comment")
        self._rated = CaseId(frame.id)
        return None
