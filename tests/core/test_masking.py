"""Settings without their secrets, and changed ones with those that were not said again."""

from typing import Any

import pytest

from gateway.core.errors import Refused
from gateway.core.masking import kept, shown

SECRETS = {"password", "refresh_token"}
OLD: dict[str, Any] = {
    "address": "a@b.example",
    "imap": {"host": "one", "password": "p", "oauth2": {"token_url": "u", "refresh_token": "r"}},
    "smtp": {"host": "one", "password": {"env": "PW"}},
}


def test_what_is_secret_is_named_and_not_shown() -> None:
    seen, paths = shown(OLD, SECRETS)
    assert paths == ["imap.password", "imap.oauth2.refresh_token", "smtp.password"]
    assert seen["imap"] == {"host": "one", "oauth2": {"token_url": "u"}}
    assert shown({"password": ""}, SECRETS) == ({}, []), "an empty one is none"


def test_a_secret_that_is_left_out_stays_and_an_empty_one_goes() -> None:
    seen, _ = shown(OLD, SECRETS)
    assert kept(OLD, seen, SECRETS) == OLD
    changed = kept(OLD, {**seen, "imap": {"host": "one", "password": ""}}, SECRETS)
    assert changed["imap"] == {"host": "one", "password": ""}
    assert changed["smtp"]["password"] == {"env": "PW"}


def test_a_secret_does_not_go_to_another_server_unsaid() -> None:
    seen, _ = shown(OLD, SECRETS)
    with pytest.raises(Refused) as caught:
        kept(OLD, {**seen, "smtp": {"host": "two"}}, SECRETS)
    assert (caught.value.field, "smtp.host" in caught.value.detail) == ("smtp.password", True)
    assert kept(OLD, {"address": "x"}, SECRETS) == {"address": "x"}, (
        "a part that goes takes it along"
    )


def test_what_is_got_with_a_secret_does_not_go_to_another_server_either() -> None:
    oauth2 = {"token_url": "https://idp/token", "refresh_token": "r"}
    old = {"imap": {"host": "mail.example", "oauth2": oauth2}}
    new = {"imap": {"host": "evil.example", "oauth2": {"token_url": "https://idp/token"}}}
    with pytest.raises(Refused) as refused:
        kept(old, new, {"refresh_token"})
    assert refused.value.field == "imap.oauth2.refresh_token"
