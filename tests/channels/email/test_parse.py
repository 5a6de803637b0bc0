"""Nasty mails, one file each, and what must come of them."""

import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from channels.email.parse import Envelope, MailParser
from gateway.core.ids import ChannelName
from gateway.ports import Inbound
from tests.support.mailworld import LANGUAGE
from tests.support.storable import assert_storable

VECTORS = Path(__file__).parents[2] / "vectors" / "email"
ARRIVED = datetime(2026, 11, 20, 8, 15, 2, tzinfo=UTC)

PARSER = MailParser(LANGUAGE)
OWN = frozenset({"support@example.com"})


@pytest.fixture(scope="module")
def parser() -> MailParser:
    return PARSER


def envelope(size: int = 0) -> Envelope:
    return Envelope(
        channel=ChannelName("support"),
        key="INBOX:1:7",
        at=ARRIVED,
        own=OWN,
        authserv_id="mx.example.com",
        size=size,
    )


def mail(name: str) -> bytes:
    return (VECTORS / f"{name}.eml").read_bytes()


ADA = "ada@example.org"
UUID3 = "<0192aaaa-bbbb-7ccc-8ddd-00000000000{}@example.com>"

CASES: dict[str, dict[str, Any]] = {
    "plain": {"subject": "My lamp is broken", "address": ADA, "language": "en", "html": None},
    "reply": {
        "references": (
            UUID3.format(0).replace("000000000000", "eeeeeeeeeeee"),
            "<plain@example.org>",
        ),
        "copies": ("bob@example.org",),
        "to": ("support@example.com",),
        "attributes.ticket": 1000123,
        "attributes.preview": "Yes please, send me a new one.",
    },
    "alternative": {
        "body": "Wo bleibt meine Bestellung? Grüße",
        "html": "<p>Wo bleibt meine <b>Bestellung</b>? Grüße</p>"
        '<img data-src="https://track.example/p.gif">',
        "language": "de",
    },
    "html_only": {
        "body": "Здравствуйте, где мой заказ?\n\n  * первый\n  * второй",
        "language": "ru",
    },
    "names_2047": {"subject": "Beschwerde über die Lieferung", "body": "see file"},
    "iso2022jp": {
        "subject": "注文したランプ",
        "body": "注文したランプが届きません。確認してください。\n",
        "language": "ja",
    },
    "koi8r": {
        "subject": "Жалоба",
        "body": "Добрый день, лампа не работает, верните деньги.\n",
        "attributes.repairs": None,
    },
    "gb18030": {"subject": "退款", "body": "你好，我想退款，台灯坏了。鎔\n"},
    "wrong_charset": {
        "body": "Schöne Grüße aus Köln\n",
        "attributes.repairs": "charset utf-8, though iso-8859-1 was declared",
    },
    "broken_utf8": {"attributes.repairs": "charset utf-8: with broken places"},
    "latin1_as_utf8": {
        "body": "Grüße aus Köln\n",
        "attributes.repairs": "charset cp1252, though utf-8 was declared",
    },
    "unknown_charset": {"body": "“Smart” quotes – and dashes\n"},
    "split_words": {"subject": "Grüße €"},
    "crlf_subject": {"subject": "Hello Bcc: victim@example.net", "address": ADA},
    "crlf_from": {"address": ADA, "identity.name": "Ada Bcc: victim@example.net"},
    "crlf_message_id": {"external_id": "", "references": (), "address": ADA},
    "no_message_id": {"external_id": "", "body": "I have no Message-ID.\n"},
    "no_from": {"identity": None, "address": "", "body": "Who am I?\n", "machine": False},
    "two_from": {"identity.value": ADA, "identity.verified": False},
    "verified": {"identity.verified": True, "machine": False},
    "forged_results": {"identity.verified": False},
    "encoded_comma": {
        "identity.value": "jane@example.org",
        "identity.name": "Doe, Jane <boss@example.com>",
        "address": "jane.private@example.net",
    },
    "dsn": {
        "machine": True,
        "references": (UUID3.format(1),),
        "attributes.machine": "bounce",
        "attributes.bounce_action": "failed",
        "attributes.bounce_recipient": "gone@example.net",
    },
    "dsn_headers_only": {
        "machine": True,
        "references": (UUID3.format(2),),
        "attributes.bounce_action": "delayed",
    },
    "autoreply": {
        "machine": True,
        "references": (UUID3.format(3),),
        "attributes.machine": "auto-reply",
    },
    "not_auto": {"machine": False},
    "newsletter": {"machine": True, "attributes.machine": "list"},
    "from_self": {"machine": True, "attributes.from_self": True},
    "reply_to_us": {"address": ADA, "machine": False},
    "nested_rfc822": {"body": "See the attached mail.", "subject": "Fwd: see attached"},
    "eight_bit_headers": {"subject": "Grüße und Maße", "identity.name": "Jürgen"},
    "utf8_headers": {"subject": "Grüße 山田", "identity.name": "Jürgen 山田"},
    "broken_base64": {"body": "Hello world"},
    "no_boundary": {"body": "This claims to have parts.\n"},
    "unclosed": {"body": "Never closed"},
    "flowed": {"body": "This is one long line.\n> quoted text\nNext.\n-- \nAda\n"},
    "nul_bytes": {"body": "beforeafter\n"},
    "rlo_name": {"subject": "Spoof gpj.exe"},
    "deep": {
        "subject": "Deep",
        "attributes.repairs": "nested too deeply: the innermost parts were left out",
    },
    "abyss": {
        "attributes.repairs": "nested too deeply: the innermost parts were left out",
        "files": (),
    },
    "empty": {"problem": "the mail could not be read: it is empty"},
    "no_header": {"problem": "the mail could not be read: it has no header"},
    "not_a_mail": {"problem": "the mail could not be read: it has no header"},
}


def look(inbound: Inbound, path: str) -> Any:
    name, _, rest = path.partition(".")
    value = getattr(inbound, name)
    if not rest:
        return value
    return value.get(rest) if isinstance(value, dict) else getattr(value, rest)


@pytest.mark.parametrize("name", sorted(CASES))
def test_a_nasty_mail_becomes(name: str, parser: MailParser) -> None:
    raw = mail(name)
    inbound = parser(raw, envelope(len(raw)))
    expected = {"problem": "", **CASES[name]}
    assert {path: look(inbound, path) for path in expected} == expected
    assert inbound.raw == raw
    assert inbound.at == ARRIVED


@pytest.mark.parametrize("path", sorted(VECTORS.glob("*.eml")), ids=lambda path: path.stem)
def test_whatever_comes_out_can_be_stored_and_sent_on(path: Path, parser: MailParser) -> None:
    raw = path.read_bytes()
    assert_storable(parser(raw, envelope(len(raw))))


def test_two_mails_with_the_same_message_id_are_two_mails(parser: MailParser) -> None:
    one, two = (parser(mail(name), envelope()) for name in ("same_id_one", "same_id_two"))
    assert one.external_id == two.external_id == "<always-the-same@example.net>"
    assert (one.subject, two.subject) == ("Parcel 1", "Parcel 2")
    assert not one.problem
    assert not two.problem


def test_attachments_keep_their_names_and_bytes(parser: MailParser) -> None:
    inbound = parser(mail("inline_image"), envelope())
    image, document = inbound.files
    assert (image.type, image.inline_id, image.name) == ("image/png", "photo1@mail", "part-1.png")
    assert image.data.startswith(b"\x89PNG\r\n")
    assert (document.name, document.data) == ("Rechnung Übersicht.pdf", b"%PDF-1.4\n")
    assert '<img src="cid:photo1@mail" alt="crack">' in (inbound.html or "")


def test_an_attachment_cannot_name_a_folder(parser: MailParser) -> None:
    names = [file.name for file in parser(mail("names_2047"), envelope()).files]
    assert names == ["файл.txt", "passwd"]


def test_an_attached_mail_is_a_file_and_not_ours(parser: MailParser) -> None:
    inbound = parser(mail("nested_rfc822"), envelope())
    (attached,) = inbound.files
    assert attached.name == "The inner one.eml"
    assert b"<inner@example.net>" in attached.data
    assert inbound.external_id == "<nest@example.org>"
    assert inbound.references == ()


def test_of_a_broken_attachment_what_can_be_read_is_kept(parser: MailParser) -> None:
    inbound = parser(mail("broken_base64"), envelope())
    assert inbound.files[0].data.startswith(b"\x89PNG")
    assert "broken base64 in image/png" in str(inbound.attributes["repairs"])


def test_references_are_bounded_and_the_nearest_survive(parser: MailParser) -> None:
    inbound = parser(mail("huge_header"), envelope())
    assert len(inbound.references) == 50
    assert len(inbound.subject) <= 998


def test_a_charset_in_the_odd_form_of_rfc_2231_is_a_charset(parser: MailParser) -> None:
    head = b"From: ada@example.org\r\nContent-Type: text/plain; charset*=us-ascii''koi8-r\r\n\r\n"
    inbound = parser(head + "Привет".encode("koi8-r"), envelope())
    assert (inbound.problem, inbound.body.strip()) == ("", "Привет")


def test_the_quoted_mail_is_marked_and_no_part_of_the_preview(parser: MailParser) -> None:
    head = b"From: ada@example.org\r\nSubject: Re: Lamp\r\n\r\n"
    body = "Merci.\n\nLe mer. 20 déc. 2023 à 13:37, Us <us@example.com> a écrit :\n> Bien ?\n"
    inbound = parser(head + body.encode(), envelope())
    assert (inbound.fold_from, inbound.attributes["preview"]) == (1, "Merci.")


def test_a_delivery_report_speaks_for_no_customer(parser: MailParser) -> None:
    inbound = parser((VECTORS / "dsn.eml").read_bytes(), envelope())
    assert inbound.identity is None
    assert inbound.attributes["bounce_action"] == "failed"
    assert "user unknown" in str(inbound.attributes["bounce_reason"])
    assert inbound.references[0] == "<0192aaaa-bbbb-7ccc-8ddd-000000000001@example.com>"


def test_a_mail_over_the_limit_shows_its_beginning_and_says_so(parser: MailParser) -> None:
    raw = mail("inline_image")
    inbound = parser(raw, envelope(size=61_000_000))
    assert inbound.body.startswith("[This mail has 61.0 MB and is over the limit")
    assert inbound.body.endswith("See")
    assert inbound.files == ()
    assert inbound.attributes["truncated"] is True
    assert inbound.attributes["size"] == 61_000_000
    assert "over the limit" in (inbound.html or "")


def test_the_same_bytes_give_the_same_value(parser: MailParser) -> None:
    for name in ("dsn", "inline_image", "evil_html"):
        assert parser(mail(name), envelope()) == MailParser(LANGUAGE)(mail(name), envelope())


HEADERS = [b"From", b"To", b"Subject", b"Content-Type", b"Content-Transfer-Encoding", b"Reply-To",
           b"Content-Disposition", b"Message-ID", b"References", b"Date", b"Content-ID",
           b"Authentication-Results", b"Auto-Submitted", b"Return-Path"]  # fmt: skip
SPICE = [b"=?utf-8?q?=0D=0A?=", b"multipart/mixed; boundary=x", b"text/html; charset=utf-16",
         b"text/plain; charset=idna", b"base64", b"quoted-printable", b"\xff\xfe", b"<a@b>", b";",
         b"message/rfc822", b'"', b"\r\n ", b"\r\n", b"--x\r\n", b"--x--", b"=?", b"?=", b"\x00",
         b"a@b.c", b"filename*0*=utf-8''%0d%0a", b"multipart/report; report-type=delivery-status",
         b"message/delivery-status", b"Action: failed", b"<img src=", b"<style>", b"uuencode",
         b"begin 644 x", b"charset*=x''y", b"=?x?b?====?=", b"text/plain; charset=utf-7; format=flowed"]  # fmt: skip # noqa: E501
PIECES = st.one_of(st.sampled_from(SPICE), st.binary(max_size=12))
FIELD = st.tuples(st.sampled_from(HEADERS), st.lists(PIECES, max_size=4))


@given(st.binary(max_size=400))
@settings(max_examples=150)
def test_no_bytes_at_all_make_it_raise(raw: bytes) -> None:
    assert_storable(PARSER(raw, envelope(len(raw))))


@given(st.lists(FIELD, max_size=6), st.lists(PIECES, max_size=10))
@settings(max_examples=250)
def test_no_mail_like_bytes_make_it_raise(
    fields: list[tuple[bytes, list[bytes]]], body: list[bytes]
) -> None:
    head = b"".join(name + b": " + b" ".join(value) + b"\r\n" for name, value in fields)
    raw = head + b"\r\n" + b"\r\n".join(body)
    inbound = PARSER(raw, envelope(len(raw)))
    assert_storable(inbound)
    assert inbound.raw == raw
    # Poison is for mails that break a parser, not an excuse for what we should understand.
    assert "Error" not in inbound.problem, inbound.problem


@pytest.mark.parametrize(
    "hostile",
    [
        b"Content-Type: text/plain; name=" + b";" * 100_000 + b"\r\n\r\nbody",
        b"From: " + b"a," * 50_000 + b"\r\n\r\nbody",
        b"Content-Type: text/plain; format=flowed\r\n\r\n" + b"a \r\n" * 300_000,
        b"Content-Type: text/html\r\n\r\n" + b"&" * 1_000_000,
        b"Content-Type: text/html\r\n\r\n" + b"<b>x</i>" * 100_000,
        b"Content-Type: multipart/mixed; boundary=x\r\n\r\n" + b"--x\r\n" * 50_000,
    ],
    ids=["parameters", "addresses", "flowed", "entities", "unclosed", "parts"],
)
def test_a_mail_made_to_hold_us_up_does_not(hostile: bytes) -> None:
    began = time.process_time()
    assert PARSER(hostile, envelope(len(hostile))).raw == hostile
    assert time.process_time() - began < 5  # it was minutes where time grew with the square


def test_a_report_on_the_mail_of_a_check_is_known_for_one(parser: MailParser) -> None:
    report = (VECTORS.parent / "mail" / "bounces" / "address_in_brackets.eml").read_bytes()
    ours = b"0192aaaa-bbbb-7ccc-8ddd-000000000010@example.com"

    def marked(identity: bytes) -> bool:
        return "check" in parser(report.replace(ours, identity), envelope()).attributes

    assert marked(b"check.0123456789abcdef@example.com")
    assert not marked(b"check.0123456789abcdef@other.example")
    assert not marked(ours)
