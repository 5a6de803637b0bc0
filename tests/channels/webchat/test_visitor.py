"""The visitor token and the host site's word: what is believed, and what is not."""

import hmac
import json
from base64 import urlsafe_b64encode
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from channels.webchat.visitor import (
    BadIdentity,
    Identity,
    Visitor,
    claim_of,
    identify,
    issue,
    recognise,
    returning,
)
from gateway.core.ids import CaseId, ChannelName

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
SECRET = b"a secret of thirty-two bytes, yes"
KEY = "shared-with-the-shop"
SITE, OTHER = ChannelName("site"), ChannelName("other")
MIA = Visitor(id="visitor-1", conversation=CaseId("case-1"))


def b64(data: bytes) -> str:
    return urlsafe_b64encode(data).rstrip(b"=").decode()


def jwt(claims: dict[str, Any], key: str = KEY, alg: str = "HS256") -> str:
    head = b64(json.dumps({"alg": alg, "typ": "JWT"}).encode())
    text = f"{head}.{b64(json.dumps(claims).encode())}"
    return f"{text}.{b64(hmac.new(key.encode(), text.encode(), sha256).digest())}"


def in_an_hour() -> float:
    return (NOW + timedelta(hours=1)).timestamp()


def test_a_token_brings_its_visitor_back() -> None:
    token = issue(SECRET, SITE, MIA, NOW)
    assert recognise(SECRET, SITE, token, NOW + timedelta(days=89)) == MIA


def test_a_token_is_good_for_one_channel_only() -> None:
    assert recognise(SECRET, OTHER, issue(SECRET, SITE, MIA, NOW), NOW) is None


def test_a_token_lasts_ninety_days() -> None:
    token = issue(SECRET, SITE, MIA, NOW)
    assert recognise(SECRET, SITE, token, NOW + timedelta(days=90, seconds=1)) is None


def test_a_token_from_the_future_is_not_believed() -> None:
    token = issue(SECRET, SITE, MIA, NOW + timedelta(hours=1))
    assert recognise(SECRET, SITE, token, NOW) is None


def test_a_token_made_with_another_secret_is_not_believed() -> None:
    assert recognise(SECRET, SITE, issue(b"another secret", SITE, MIA, NOW), NOW) is None


@given(st.data())
def test_a_token_changed_anywhere_is_not_believed(data: st.DataObject) -> None:
    token = issue(SECRET, SITE, MIA, NOW)
    at = data.draw(st.integers(0, len(token) - 1))
    other = data.draw(st.characters().filter(lambda c: c != token[at]))
    changed = token[:at] + other + token[at + 1 :]
    if b64_tail_is_the_same(token, changed):
        return
    assert recognise(SECRET, SITE, changed, NOW) is None


def b64_tail_is_the_same(token: str, changed: str) -> bool:
    """The last base64 character carries spare bits: two spellings of the same bytes."""
    return changed[:-1] == token[:-1] and recognise(SECRET, SITE, changed, NOW) == MIA


@given(st.text())
def test_no_text_makes_the_token_reader_stumble(text: str) -> None:
    assert recognise(SECRET, SITE, text, NOW) is None


def test_the_site_vouches_for_an_account() -> None:
    token = jwt({"sub": "4711", "exp": in_an_hour(), "name": "Mia", "aud": ["site"]})
    identity = identify(KEY, SITE, token, NOW)
    claim = claim_of(MIA, identity, "whatever was typed")
    assert (claim.kind, claim.value, claim.name, claim.verified) == ("account", "4711", "Mia", True)


def test_a_name_that_was_typed_is_only_a_name_beside_the_visitor() -> None:
    claim = claim_of(MIA, None, "The Queen")
    assert (claim.kind, claim.value, claim.name) == ("visitor", "visitor-1", "The Queen")


@pytest.mark.parametrize(
    ("claims", "key", "alg", "why"),
    [
        ({"sub": "1", "exp": 1.0}, KEY, "HS256", "expired"),
        ({"sub": "1"}, KEY, "HS256", "sub and exp"),
        ({"sub": "1", "exp": 4e9}, "the wrong key, long enough", "HS256", "signature"),
        ({"sub": "1", "exp": 4e9}, KEY, "none", "HS256"),
        ({"sub": "1", "exp": 4e9, "aud": "bank"}, KEY, "HS256", "someone else"),
        ({"sub": "1", "exp": 4e9, "nbf": 3.9e9}, KEY, "HS256", "not valid yet"),
        ({"sub": "", "exp": 4e9}, KEY, "HS256", "1 to 200"),
    ],
)
def test_the_site_is_not_believed(claims: dict[str, Any], key: str, alg: str, why: str) -> None:
    with pytest.raises(BadIdentity, match=why):
        identify(KEY, SITE, jwt(claims, key, alg), NOW)


def test_a_channel_without_a_key_believes_no_site() -> None:
    with pytest.raises(BadIdentity, match="identity_key"):
        identify("", SITE, jwt({"sub": "1", "exp": 4e9}, ""), NOW)


@given(st.text())
def test_no_text_makes_the_identity_reader_stumble(text: str) -> None:
    with pytest.raises(BadIdentity):
        identify(KEY, SITE, text, NOW)


def test_who_signs_in_keeps_the_conversation_begun_before() -> None:
    visitor = returning(MIA, Identity(account="4711"))
    assert visitor is not None
    assert (visitor.id, visitor.account) == ("visitor-1", "4711")


@pytest.mark.parametrize("identity", [None, Identity(account="someone-else")])
def test_a_conversation_bound_to_an_account_is_shown_to_nobody_else(
    identity: Identity | None,
) -> None:
    bound = Visitor(id="visitor-1", conversation=CaseId("case-1"), account="4711")
    assert returning(bound, identity) is None
