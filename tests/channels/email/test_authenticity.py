"""What a mail shows of its sender: who vouches, whom it looks like, who wrote behind a list."""

import pytest

from channels.email.addresses import Address
from channels.email.likeness import seems
from channels.email.parse import MailParser
from gateway.core.signs import Signs
from tests.support.corpus import envelope
from tests.support.mailworld import LANGUAGE

PARSER = MailParser(LANGUAGE)
OWN = frozenset({"support@example.com"})
ASKED = "From: Ada <ada@example.org>\nTo: support@example.com\n"


def signs(header: str, body: str = "Hello") -> Signs:
    raw = f"{header}Subject: s\n\n{body}\n".replace("\n", "\r\n").encode()
    found = PARSER(raw, envelope(len(raw))).signs
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("results", "proof", "checks"),
    [
        ("", "no_result", ()),
        ("Authentication-Results: elsewhere.example; dmarc=pass header.from=example.org\n", "", ()),
        ("Authentication-Results: mx.example.com; none\n", "no_result", ()),
        (
            (
                "Authentication-Results: mx.example.com; spf=pass smtp.mailfrom=bulk.example;"
                " dkim=pass header.d=example.org\n"
            ),
            "verified",
            ("spf=pass bulk.example", "dkim=pass example.org"),
        ),
        (
            "Authentication-Results: mx.example.com; spf=pass smtp.mailfrom=bulk.example\n",
            "weak",
            ("spf=pass bulk.example",),
        ),
        (
            (
                "Authentication-Results: mx.example.com; spf=pass smtp.mailfrom=a.example;"
                " dmarc=fail (p=reject) header.from=example.org\n"
            ),
            "failed",
            ("spf=pass a.example", "dmarc=fail example.org"),
        ),
        ("Authentication-Results: mx.example.com; spf=softfail\n", "failed", ("spf=softfail",)),
    ],
)
def test_what_our_own_server_said_is_told(
    results: str, proof: str, checks: tuple[str, ...]
) -> None:
    found = signs(results + ASKED)
    assert (found.proof, found.checks) == (proof or "no_result", checks)


def test_two_senders_are_nobody_to_vouch_for() -> None:
    vouched = "Authentication-Results: mx.example.com; dmarc=pass header.from=example.org\n"
    assert signs(f"{vouched}{ASKED}From: eve@evil.example\n").proof == "unclear"


def test_answers_that_are_wanted_elsewhere_are_told() -> None:
    assert signs(f"{ASKED}Reply-To: ada@home.example\n").reply_to == "ada@home.example"
    assert signs(f"{ASKED}Reply-To: ada@example.org, support@example.com\n").reply_to == ""


@pytest.mark.parametrize(
    ("name", "address", "like"),
    [
        ("Ada", "ada@example.org", ""),
        ("ada@example.org", "ada@example.org", ""),
        ("boss@example.com", "eve@evil.example", "boss@example.com"),
        ("Support", "support@examp1e.com", "example.com"),
        ("Support", "support@exarnple.com", "example.com"),
        ("Support", "support@exаmple.com", "example.com"),
        ("Support", "support@xn--exmple-4nf.com", "example.com"),
        ("Support", "support@exampel.com", "example.com"),
        ("Support", "support@exmple.com", "example.com"),
        ("Support", "support@mail.example.com", ""),
        ("Support", "support@example.org", ""),
        ("Support", "support@sample.com", ""),
    ],
)
def test_who_looks_like_us_or_says_another_address_is_told(
    name: str, address: str, like: str
) -> None:
    assert seems(Address(address, name), OWN) == like


def test_where_our_name_is_short_a_letter_more_is_somebody_else() -> None:
    assert seems(Address("ada@gmail.com"), {"support@mail.com"}) == ""


@pytest.mark.parametrize(
    ("header", "body", "sealed"),
    [
        ("Content-Type: multipart/signed; boundary=b\n", "--b\n\nHi\n--b--", ("smime_signed",)),
        (
            'Content-Type: multipart/signed; protocol="application/pgp-signature"; boundary=b\n',
            "--b\n\nHi\n--b--",
            ("pgp_signed",),
        ),
        ("Content-Type: multipart/encrypted; boundary=b\n", "--b\n\n1\n--b--", ("pgp_encrypted",)),
        ("Content-Type: application/pkcs7-mime; name=a.p7m\n", "AAAA", ("smime_encrypted",)),
        (
            "Content-Type: application/x-pkcs7-mime; smime-type=signed-data\n",
            "AAAA",
            ("smime_opaque",),
        ),
        ("Content-Type: application/ms-tnef; name=winmail.dat\n", "AAAA", ("tnef",)),
        ("", "-----BEGIN PGP MESSAGE-----\n\nhQEM\n-----END PGP MESSAGE-----", ("pgp_encrypted",)),
        ("", "He wrote:\n-----BEGIN PGP MESSAGE-----", ()),
    ],
)
def test_what_a_mail_is_wrapped_in_is_told(header: str, body: str, sealed: tuple[str, ...]) -> None:
    assert signs(ASKED + header, body).sealed == sealed
