"""Every event of the journal has its words."""

from datetime import UTC, datetime
from typing import Any, get_args

import pytest

from gateway.api.trace import SENTENCES, words
from gateway.core import events as e
from gateway.core.wire import snake
from gateway.store.views import Traced

AT = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
OF_ITEMS: list[Any] = [
    *get_args(e.CaseEvent),
    *get_args(e.ItemEvent),
    *get_args(e.OutboundEvent),
    e.InboundDecided,
]


def said(kind: str, **data: Any) -> str:
    return words(Traced(at=AT, kind=kind, data=data))


@pytest.mark.parametrize("kind", [snake(event.__name__) for event in OF_ITEMS])
def test_an_event_about_an_item_has_a_sentence(kind: str) -> None:
    assert kind in SENTENCES
    assert said(kind)


def test_an_offer_says_to_whom_and_why() -> None:
    text = said("offer_made", offer={"agent": "ana", "deadline": "9:05", "reason": "idle longest"})
    assert text == "It was offered to ana until 9:05: idle longest"


def test_a_moment_is_told_to_the_second_in_utc() -> None:
    text = said("service_level_breached", clock="next_reply", due_at="2026-03-01T10:05:07.89+01:00")
    assert text == "The next reply is overdue since 2026-03-01 09:05:07 UTC"


def test_a_completion_names_its_code() -> None:
    text = said("item_completed", agent="ana", code="done", reason="closed by ana")
    assert text == "It was completed: closed by ana (code 'done')"


def test_an_event_from_a_newer_node_still_reads() -> None:
    assert said("moon_landed", reason="one small step") == "Moon landed: one small step"
