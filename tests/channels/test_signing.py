"""Signatures that any Standard Webhooks library accepts."""

import base64
import hashlib
import hmac

import pytest

from channels.signing import derived_secret, headers, key_of
from channels.task.settings import Settings
from gateway.core.ids import ChannelName


def test_a_signature_is_what_the_scheme_says() -> None:
    """The scheme's published example (Standard Webhooks 1.0.0, "Signature scheme")."""
    key = key_of("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    body = b'{"test": 2432232314}'
    found = headers(key, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, body)
    assert found["webhook-signature"] == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
    assert found["webhook-timestamp"] == "1614265330"


def test_each_channel_has_a_secret_of_its_own_that_stays() -> None:
    one = derived_secret(b"installation", "a")
    assert one == derived_secret(b"installation", "a")
    assert one != derived_secret(b"installation", "b")
    assert one != derived_secret(b"other", "a")
    assert len(key_of(one)) == 32


def test_a_changed_body_has_another_signature() -> None:
    key = key_of(derived_secret(b"installation", "a"))
    expected = hmac.new(key, b"id.1.body", hashlib.sha256).digest()
    assert headers(key, "id", 1, b"body")["webhook-signature"] == (
        "v1," + base64.b64encode(expected).decode()
    )
    assert headers(key, "id", 1, b"bodY") != headers(key, "id", 1, b"body")


@pytest.mark.parametrize("secret", ["short", "whsec_", "whsec_AAAA", "whsec_!!!", "AAAA" * 10])
def test_an_unusable_secret_is_refused_with_what_is_expected(secret: str) -> None:
    with pytest.raises(ValueError, match="24 to 64 bytes"):
        Settings(name=ChannelName("t"), secret=secret)
