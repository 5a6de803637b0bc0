"""Second thoughts in a chat: by whom, how long, and what the journal keeps."""

from datetime import timedelta

import pytest

from gateway.core import events as e
from gateway.core.amending import WITHIN, amended
from gateway.core.errors import Refused
from gateway.core.ids import CaseId, MessageId
from gateway.core.model import Amended, Author, ChannelKind, Message
from tests.support.chatvalues import SITE, START

CASE = CaseId("case-1")


def said(**changes: object) -> Message:
    known: dict[str, object] = {
        "id": MessageId("m1"),
        "case": CASE,
        "seq": 3,
        "direction": "out",
        "author": Author(kind="agent", name="Ana", id="ana"),
        "at": START,
        "channel": SITE,
        "kind": ChannelKind.WEBCHAT,
        "body": "It is 10 euros",
    }
    return Message(**(known | changes))  # type: ignore[arg-type]


def test_the_message_changes_and_the_journal_keeps_what_it_was() -> None:
    change = amended(said(), CASE, "ana", "It is 12 euros", START + WITHIN)
    assert isinstance(change.event, e.MessageEdited)
    assert (change.event.was, change.event.preview) == ("It is 10 euros", "It is 12 euros")
    (row,) = change.rows
    assert isinstance(row, Amended)
    assert (row.message.body, row.message.edited_at) == ("It is 12 euros", START + WITHIN)

    change = amended(row.message, CASE, "ana", None, START)
    assert isinstance(change.event, e.MessageDeleted)
    assert change.event.was == "It is 12 euros"
    (row,) = change.rows
    assert isinstance(row, Amended)
    assert (row.message.body, row.message.deleted_at) == ("", START)


@pytest.mark.parametrize(
    ("message", "writer", "late", "field"),
    [
        (None, "ana", 0, "message"),
        (said(), "bob", 0, "message"),
        (said(case=CaseId("other")), "ana", 0, "message"),
        (said(direction="note"), "ana", 0, "message"),
        (said(kind=ChannelKind.EMAIL), "ana", 0, "message"),
        (said(deleted_at=START), "ana", 0, "message"),
        (said(), "ana", 61, "message"),
    ],
)
def test_others_words_and_those_that_have_settled_stay(
    message: Message | None, writer: str, late: int, field: str
) -> None:
    for body in ("other words", None):
        with pytest.raises(Refused) as refused:
            amended(message, CASE, writer, body, START + timedelta(seconds=late))
        assert refused.value.field == field
