"""The link of the customer's own page goes to the customer alone."""

import pytest

from gateway.core.following import LEFT_OUT, linked
from gateway.core.ids import AttachmentId, Context, CustomerId
from gateway.core.inline import in_text, placed
from gateway.core.messages import add_message
from gateway.core.model import Attachment, Author, CustomerBrief, Message
from tests.support.builders import START, case, counted_ids, item

LINK = "https://firm.example/t/token"
TEXT = "Dear Rosa,\nit left today. More at {ticket_url}\n\nBye."
ROSA = CustomerBrief(id=CustomerId("0190a000-0000-7000-8000-00000000dddd"))
ANN = Author(kind="agent", name="Ann", id="ann")


def sent(to: tuple[str, ...], cc: tuple[str, ...], body: str = TEXT) -> Message:
    ctx = Context(now=START, new_id=counted_ids(), link=lambda *_: LINK)
    about = case(customer=ROSA)
    work = item(customer=ROSA, address="rosa@customer.example")
    message, _ = add_message(
        ctx, about, work, direction="out", author=ANN, body=body, html=f"<p>{body}</p>",
        to=to, cc=cc,
    )  # fmt: skip
    return message


def test_who_reads_it_alone_gets_the_link() -> None:
    for to in (("rosa@customer.example",), ("Rosa <Rosa@customer.example>",), ()):
        message = sent(to, ())
        assert LINK in message.body
        assert LINK in (message.html or "")


@pytest.mark.parametrize(
    ("to", "cc"),
    [
        (("rosa@customer.example",), ("bob@example.net",)),
        (("rosa@customer.example", "bob@example.net"), ()),
        (("bob@example.net",), ()),
    ],
)
def test_where_others_read_it_the_sentence_is_left_out(
    to: tuple[str, ...], cc: tuple[str, ...]
) -> None:
    message = sent(to, cc)
    assert message.body == "Dear Rosa,\nit left today.\n\nBye."
    assert LINK not in (message.html or "")
    assert "{ticket_url}" not in (message.html or "")


def test_nor_does_it_go_along_in_what_is_quoted() -> None:
    message = sent(("rosa@customer.example",), ("bob@example.net",), f"Yes.\n> see {LINK}")
    assert message.body == f"Yes.\n> see {LEFT_OUT}"
    assert LINK not in (message.html or "")


@pytest.mark.parametrize(
    ("html", "left"),
    [
        ('<p>It left. More <a href="{ticket_url}">here</a>.<br>Bye</p>', "<p>It left.<br>Bye</p>"),
        ("<p>It <b>left. More {ticket_url}</b></p>", "<p>It <b>left. More </b></p>"),
        ("<div>您可以在此查看：{ticket_url}。谢谢。</div>", "<div>谢谢。</div>"),
        ("<p>nothing of it</p>", "<p>nothing of it</p>"),
        ('<p>{ticket_url} <img src="cid:a">!</p>', '<p> <img src="cid:a">!</p>'),
    ],
)
def test_of_html_no_tag_loses_its_partner(html: str, left: str) -> None:
    assert linked(html, "", html=True) == left


def test_an_image_that_the_text_does_not_name_goes_beside_it() -> None:
    def file(cid: str) -> Attachment:
        return Attachment(
            id=AttachmentId(cid), name="x", type="image/png", size=1, sha256="", inline_id=cid
        )

    html = '<p><img src="cid:a@inline"><img src="cid:50%25@x"></p>'
    files = (file("a@inline"), file("b@inline"), file("50%@x"))
    assert in_text(html, files) == {"a@inline", "50%@x"}
    assert [one.inline_id for one in placed(html, files)] == ["a@inline", "", "50%@x"]
    assert [one.inline_id for one in placed(None, files)] == ["", "", ""]
