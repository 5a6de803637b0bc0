"""What leaves us, read back by the standard library."""

import email
from datetime import UTC, datetime
from email import policy
from email.message import EmailMessage
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from channels.email.addresses import Address
from channels.email.compose import compose, message_id
from channels.email.parse import Envelope, MailParser
from channels.email.settings import ReplyToken
from gateway.core.errors import Undeliverable
from gateway.core.ids import CaseId, ChannelName, MessageId, OutboundId
from gateway.core.model import Author, ChannelKind, Message
from gateway.ports import File, Outbound
from tests.support.mailworld import LANGUAGE, vector

OWN = Address("support@example.com", "Support")
ID = "0192f0c1-0000-7000-8000-000000000001"
AT = datetime(2026, 11, 20, 9, 15, tzinfo=UTC)


def outbound(
    body: str = "Dear Ada",
    *,
    thread: tuple[str, ...] = ("<plain@example.org>",),
    files: tuple[File, ...] = (),
    number: int | None = 1000123,
    address: str = "ada@example.org",
    author: str = "agent",
    attempt: int = 1,
    **message: Any,
) -> Outbound:
    return Outbound(
        id=OutboundId("o1"),
        channel=ChannelName("support"),
        purpose="message",
        created_at=AT,
        attempt=attempt,
        repeat=attempt > 1,
        address=address,
        number=number,
        thread=thread,
        files=files,
        message=Message(
            id=MessageId(ID),
            case=CaseId("c1"),
            seq=2,
            direction="out",
            author=Author(kind="system" if author == "system" else "agent"),
            at=AT,
            channel=ChannelName("support"),
            kind=ChannelKind.EMAIL,
            body=body,
            **message,
        ),
    )


def read(out: Outbound) -> EmailMessage:
    parsed = email.message_from_bytes(compose(out, OWN).data, policy=policy.default)
    assert isinstance(parsed, EmailMessage)
    return parsed


def text(part: Any) -> str:
    return str(part.get_content()).replace("\r\n", "\n")


def test_an_answer_joins_the_customers_thread() -> None:
    thread = ("<plain@example.org>", "<second@example.org>")
    mail = read(outbound(thread=thread, subject="My lamp is broken"))
    assert mail["Message-ID"] == f"<{ID}@example.com>"
    assert mail["In-Reply-To"] == "<second@example.org>"
    assert mail["References"] == "<plain@example.org> <second@example.org>"
    assert mail["Subject"] == "Re: My lamp is broken [#1000123]"
    assert mail["From"] == "Support <support@example.com>"
    assert mail["To"] == "ada@example.org"
    assert mail["Date"] == "Fri, 20 Nov 2026 09:15:00 +0000"
    assert mail["Auto-Submitted"] is None
    assert text(mail) == "Dear Ada\n"


def test_the_same_message_gives_the_same_bytes_at_every_attempt() -> None:
    files = (File(name="a.pdf", type="application/pdf", data=b"%PDF"),)
    kwargs: dict[str, Any] = {"files": files, "html": "<p>Grüße</p>", "subject": "Grüße"}
    first, second = (outbound("Grüße", attempt=n, **kwargs) for n in (1, 2))
    assert compose(first, OWN) == compose(second, OWN)


def test_re_and_the_ticket_number_stand_there_once() -> None:
    for said in ("Re: Lamp [#1000123]", "AW: Lamp [#1000123]", "RE:Lamp [#1000123]"):
        assert read(outbound(subject=said))["Subject"] == said
    assert read(outbound(subject="Lamp", thread=()))["Subject"] == "Lamp [#1000123]"
    assert read(outbound(subject="Lamp", thread=(), number=None))["Subject"] == "Lamp"
    assert read(outbound(subject=""))["Subject"] == "Re:  [#1000123]".replace("  ", " ")


def test_all_kinds_of_content_find_their_place() -> None:
    mail = read(
        outbound(
            "Grüße, siehe Anhang",
            html='<p>Grüße <img src="cid:logo@x"></p>',
            files=(
                File(name="logo.png", type="image/png", data=b"\x89PNG", inline_id="logo@x"),
                File(name="Übersicht 2026.pdf", type="application/pdf", data=b"%PDF-1.4\r\n\x00"),
                File(name="inner.eml", type="message/rfc822", data=b"From: x\n\nhi\n"),
                File(name='../a"b.txt', type="nonsense; x", data=b""),
            ),
        )
    )
    kinds = [part.get_content_type() for part in mail.walk()]
    assert kinds == [
        *("multipart/mixed", "multipart/alternative", "text/plain", "multipart/related"),
        *("text/html", "image/png", "application/pdf"),
        *("application/octet-stream", "application/octet-stream"),
    ]
    plain, html = mail.get_body(("plain",)), mail.get_body(("html",))
    assert plain is not None
    assert html is not None
    assert text(plain) == "Grüße, siehe Anhang\n"
    assert text(html) == '<p>Grüße <img src="cid:logo@x"></p>\n'
    attached = list(mail.iter_attachments())
    assert [part.get_filename() for part in attached] == [
        "Übersicht 2026.pdf", "inner.eml", "a_b.txt",
    ]  # fmt: skip
    assert attached[0].get_content() == b"%PDF-1.4\r\n\x00"
    image = next(part for part in mail.walk() if part.get_content_type() == "image/png")
    assert image["Content-ID"] == "<logo@x>"


def test_what_we_send_can_be_read_by_ourselves() -> None:
    out = outbound("日本語のメール\n" * 40, subject="返金 [#1000123]", html="<b>日本語</b>")
    envelope = Envelope(channel=ChannelName("c"), key="k", at=AT)
    inbound = MailParser(LANGUAGE)(compose(out, OWN).data, envelope)
    assert inbound.body == "日本語のメール\n" * 40
    assert inbound.html == "<b>日本語</b>\n"
    assert inbound.subject == "Re: 返金 [#1000123]"
    assert inbound.attributes["ticket"] == 1000123
    assert inbound.external_id == f"<{ID}@example.com>"


def test_a_machine_says_that_it_is_one() -> None:
    answer = read(outbound(author="system"))
    assert answer["Auto-Submitted"] == "auto-replied"
    assert answer["X-Auto-Response-Suppress"] == "All"
    assert read(outbound(author="system", thread=()))["Auto-Submitted"] == "auto-generated"


def test_recipients_and_copies_are_the_envelope() -> None:
    mail = compose(
        outbound(
            to=("Ada <ada@example.org>", "bob@example.org"),
            cc=("bob@example.org", '"Eve, E" <eve@example.org>'),
        ),
        OWN,
    )
    assert mail.recipients == ("ada@example.org", "bob@example.org", "eve@example.org")
    assert mail.sender == "support@example.com"
    assert b'Cc: "Eve, E" <eve@example.org>\r\n' in mail.data


def test_a_domain_may_have_any_letters_and_a_mailbox_too() -> None:
    mail = compose(outbound(address="kunde@straße.example"), OWN)
    assert mail.recipients == ("kunde@xn--strae-oqa.example",)
    assert not mail.utf8
    mail = compose(outbound(address="Grüße <grüße@straße.example>"), OWN)
    assert (mail.utf8, mail.recipients) == (True, ("grüße@xn--strae-oqa.example",))
    head, _, _ = mail.data.partition(b"\r\n\r\n")
    assert "=?utf-8?b?R3LDvMOfZQ==?= <grüße@xn--strae-oqa.example>".encode() in head
    for address in ("", "nobody", "a@b@c", "a@b, c@d", "a b@c", "x@\r\nBcc: v@w"):
        with pytest.raises(Undeliverable):
            compose(outbound(address=address), OWN)


def test_ids_that_are_none_are_left_out() -> None:
    mail = read(outbound(thread=("", "x", "<a b>", "<a@b>\r\nBcc: <v@w>", "<ok@x>")))
    assert mail["References"] == "<ok@x>"
    assert mail["Bcc"] is None


def test_long_threads_keep_their_root_and_the_latest() -> None:
    thread = tuple(f"<{n}@example.org>" for n in range(100))
    kept = str(read(outbound(thread=thread))["References"]).split()
    assert len(kept) == 30
    assert (kept[0], kept[-1]) == ("<0@example.org>", "<99@example.org>")


EVIL = [
    "\r\nBcc: victim@example.net\r\n",
    "=?utf-8?q?x=0D=0ABcc:_victim@example.net?=",
    "=?utf-8?b?DQpCY2M6IHY=?=",
    "\nBcc: victim@example.net",
    "a\rBcc: v",
    "\u2028Bcc: v",
    "\x00",
]


@pytest.mark.parametrize("evil", EVIL)
def test_nothing_a_customer_wrote_becomes_a_header(evil: str) -> None:
    out = outbound(
        f"body {evil}",
        subject=f"Hello {evil}",
        to=(f'"Ada {evil}" <ada@example.org>',) if '"' not in evil else ("ada@example.org",),
        files=(File(name=f"f{evil}.txt", type=f"text/plain{evil}", data=b"x", inline_id=evil),),
        html=f"<p>{evil}</p>",
    )
    assert_no_injection(compose(out, OWN).data)


def test_a_hostile_mail_answered_carries_nothing_over() -> None:
    for name in ("crlf_subject", "crlf_from", "crlf_message_id"):
        envelope = Envelope(channel=ChannelName("c"), key="k", at=AT)
        inbound = MailParser(LANGUAGE)(vector(name), envelope)
        out = outbound(
            subject=inbound.subject,
            address=inbound.address,
            thread=(*reversed(inbound.references), inbound.external_id),
        )
        assert_no_injection(compose(out, OWN).data)


def assert_no_injection(data: bytes) -> None:
    head = data.partition(b"\r\n\r\n")[0]
    for line in head.split(b"\r\n"):
        assert b"\r" not in line
        assert b"\n" not in line
        assert not line.lower().startswith(b"bcc")
        line.decode("ascii")
    for parser in (policy.default, policy.compat32):
        parsed = email.message_from_bytes(data, policy=parser)
        assert parsed["bcc"] is None
        for part in parsed.walk():
            assert part["bcc"] is None


@given(st.text(max_size=120), st.text(max_size=200), st.text(max_size=40), st.text(max_size=40))
@settings(max_examples=150)
def test_any_text_makes_a_mail_that_reads_back(
    subject: str, body: str, name: str, thread: str
) -> None:
    file = File(name=name, type="text/plain", data=body.encode("utf-8", "replace"))
    data = compose(outbound(body, subject=subject, thread=(thread,), files=(file,)), OWN).data
    assert_no_injection(data)
    assert max(map(len, data.split(b"\r\n"))) <= 998
    parsed = email.message_from_bytes(data, policy=policy.default)
    assert isinstance(parsed, EmailMessage)
    assert next(parsed.iter_attachments()).get_payload(decode=True) == file.data


def test_our_message_id_follows_from_the_message() -> None:
    assert message_id(ID, "Support@Example.com") == f"<{ID}@Example.com>"


# -- the ticket, signed ---------------------------------------------------------------------

TOKEN = "1000123-k7q2m3xw4tab"


def carried(where: ReplyToken, subject: str = "Lamp", own: Address = OWN) -> EmailMessage:
    made = compose(replace(outbound(subject=subject), token=TOKEN), own, where)
    found = email.message_from_bytes(made.data, policy=policy.default)
    assert isinstance(found, EmailMessage)
    return found


def test_the_token_stands_in_the_reply_address_or_in_the_subject_or_nowhere() -> None:
    by_address, by_subject, nowhere = carried("address"), carried("subject"), carried("none")
    assert by_address["reply-to"] == f"Support <support+c.{TOKEN}@example.com>"
    assert by_address["from"] == "Support <support@example.com>"
    assert by_address["subject"] == nowhere["subject"] == "Re: Lamp [#1000123]"
    assert by_subject["subject"] == f"Re: Lamp [#{TOKEN}]"
    assert by_subject["reply-to"] is nowhere["reply-to"] is None


def test_an_address_that_would_be_too_long_leaves_the_token_to_the_subject() -> None:
    found = carried("address", own=Address(f"{'a' * 45}@example.com"))
    assert found["reply-to"] is None
    assert TOKEN in found["subject"]


def test_a_subject_that_names_the_ticket_names_it_once() -> None:
    assert carried("subject", "AW: Lamp [#1000123]")["subject"] == f"AW: Lamp [#{TOKEN}]"


@pytest.mark.parametrize("where", ["address", "subject"])
def test_what_we_send_is_recognised_in_the_answer(where: ReplyToken) -> None:
    ours = carried(where)
    raw = (
        f"From: ada@example.org\r\nTo: {ours['reply-to'] or ours['from']}\r\n"
        f"Subject: {ours['subject']}\r\n\r\nYes.\r\n"
    )
    envelope = Envelope(channel=ChannelName("c"), key="k", at=AT, own=frozenset({OWN.address}))
    found = MailParser(LANGUAGE)(raw.encode(), envelope)
    assert found.tokens == (TOKEN,)
    assert (found.subject, found.to) == ("Re: Lamp [#1000123]", (OWN.address,))
    assert found.copies == ()
