"""What a person writes by mail leaves within the queue's letter, above what it answers."""

import time
from datetime import UTC, datetime
from html import unescape

import pytest
from hypothesis import given
from hypothesis import strategies as st

from channels.email.fold import fold_from
from gateway.core.ids import CannedName, CaseId, ChannelName, LetterName, MessageId, QueueName
from gateway.core.letters import Written, dressed, html_of
from gateway.core.model import Author, ChannelKind, Message
from gateway.core.quoting import MOST_LINES, WROTE, quotable, quotation
from gateway.core.wordings import Canned, Letter, Wordings, canned_problem, letter_problem

VALUES = {"customer": "Ana <b>", "agent": "Max", "number": "7", "subject": "", "queue": ""}
HOUSE = Letter(
    name=LetterName("house"),
    opening={"": "Dear {customer},", "es": "Hola, {customer}:"},
    closing={"": "Regards", "es": "Saludos"},
    signature={"": "{agent}\nCompany", "de": "{agent}\nFirma"},
)
text = st.text(st.characters(codec="utf-8", exclude_characters="\r\0"), max_size=300)


def a_mail(body: str, html: str | None = None, direction: str = "in") -> Message:
    return Message(
        id=MessageId("m"),
        case=CaseId("c"),
        seq=1,
        direction=direction,  # type: ignore[arg-type]
        author=Author(kind="customer", name="Ana Pérez", id="ana@example.org"),
        at=datetime(2026, 11, 23, 10, 15, tzinfo=UTC),
        channel=ChannelName("support"),
        kind=ChannelKind.EMAIL,
        body=body,
        html=html,
    )


def test_the_letter_stands_around_the_answer_in_the_customers_language() -> None:
    whole = dressed(Written(body="Yes.\n"), HOUSE, VALUES, "es-AR")
    lines = ["Hola, Ana <b>:", "", "Yes.", "", "Saludos", "", "-- ", "Max", "Company"]
    assert whole.body.split("\n") == lines
    assert (whole.html, lines[: whole.fold_from][-1:]) == (None, ["Saludos"])


def test_a_mail_without_letter_and_quotation_is_what_was_written() -> None:
    said = Written(body="Yes.\n\n", html="<p>Yes.</p>", fold_from=3)
    assert dressed(said, None, VALUES, "en") == Written(
        body="Yes.", html="<p>Yes.</p>", fold_from=3
    )


def test_an_html_frame_makes_html_and_takes_no_markup_from_names_or_text() -> None:
    letter = Letter(
        name=LetterName("frame"),
        opening="Dear {customer},",
        signature="{agent}",
        html="<table><td>{answer}</td><td>{signature} for {customer}</td></table>",
    )
    whole = dressed(Written(body="1 < 2\n\n{customer} {answer}"), letter, VALUES, "")
    assert whole.html is not None
    assert "<p>Dear Ana &lt;b&gt;,</p>\n<p>1 &lt; 2</p>\n<p>{customer} {answer}</p>" in whole.html
    assert '<div class="signature">-- <br>\nMax</div> for Ana &lt;b&gt;' in whole.html
    assert whole.body.endswith("\n\n-- \nMax")


@given(text, text, text)
def test_what_was_written_stands_unchanged_and_unfolded_in_the_mail(
    body: str, signature: str, quoted: str
) -> None:
    letter = Letter(name=LetterName("any"), opening="Hello", signature=signature, quote=True)
    below = quotation(a_mail(quoted), "en")
    whole = dressed(Written(body=body), letter, VALUES, "en", below)
    new = "\n".join(whole.body.split("\n")[: whole.fold_from])
    assert new.startswith("Hello")
    assert body.strip("\n") in new
    assert whole.body.endswith(below.text)


@given(text)
def test_text_as_html_says_the_same(said: str) -> None:
    bare = html_of(said).replace("<p>", "").replace("<br>", "").replace("</p>", "")
    assert unescape(bare).replace("\n", "") == unescape(unescape_safe(said)).replace("\n", "")


def unescape_safe(said: str) -> str:
    """What stands for itself once it was escaped and read again."""
    return said.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


@pytest.mark.parametrize("language", [tag for tag in WROTE if tag] + ["", "de-CH", "tlh"])
def test_our_own_reading_folds_the_quotation_in_every_language(language: str) -> None:
    below = quotation(a_mail("Where is my order?\n\nAna"), language)
    body = f"It is on its way.\n\n{below.text}"
    assert fold_from(body) == 1, body


def test_a_quotation_is_bounded_and_carries_no_image() -> None:
    long = quotation(a_mail("line\n" * 10_000), "en")
    assert long.text.count("\n") == MOST_LINES + 1
    assert long.text.endswith("> […]")
    html = '<p>Hi<img alt="a>b" src="cid:x"><IMG data-src=\'https://t.example/"\'></p>'
    assert "<p>Hi</p>" in quotation(a_mail("Hi", html), "en").html
    began = time.perf_counter()
    endless = quotation(a_mail("Hi", "<img a='" * 12_000), "en").html
    assert time.perf_counter() - began < 1, "it would hold up everybody"
    assert ">Hi</blockquote>" in endless
    huge = quotation(a_mail("Hi", "<p>" * 50_000), "en").html
    assert len(huge) < 1_000


def test_what_is_said_among_ourselves_is_never_quoted() -> None:
    assert [quotable(a_mail("x", direction=one)) for one in ("in", "out", "note", "system")] == [
        True,
        True,
        False,
        False,
    ]


def test_the_queues_own_letter_comes_before_that_of_all_queues() -> None:
    words = Wordings()
    words.put(HOUSE)
    own = Letter(name=LetterName("z"), queues=(QueueName("billing"),), signature="B")
    words.put(own)
    assert words.letter_of(QueueName("billing")) == own
    assert words.letter_of(QueueName("general")) == HOUSE
    words.put(Letter(name=LetterName("house"), active=False))
    assert words.letter_of(QueueName("general")) is None


def test_what_cannot_be_meant_names_its_field() -> None:
    assert canned_problem(Canned(name=CannedName("a"), texts={"de": ""})) == (
        "texts",
        "say what is to be written",
    )
    found = canned_problem(Canned(name=CannedName("a"), texts="Dear {custmer}"))
    assert found is not None
    assert (found[0], "{custmer}" in found[1]) == ("texts", True)
    frame = letter_problem(Letter(name=LetterName("a"), html="<p>no place</p>"), [])
    assert frame is not None
    assert frame[0] == "html"
    both = letter_problem(Letter(name=LetterName("a")), [HOUSE])
    assert both is not None
    assert both[0] == "queues"
    assert letter_problem(HOUSE, []) is None
