"""Signatures of calls, ours and others', by the Standard Webhooks scheme (1.0.0, symmetric).

The signed content is ``id.timestamp.body``; the signature ``v1,`` and base64 of its HMAC-SHA256.
"""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Iterable, Mapping

PREFIX = "whsec_"


def key_of(secret: str) -> bytes:
    """The key in ``whsec_…``. Raises ``ValueError`` that says what is expected."""
    try:
        key = base64.b64decode(secret.removeprefix(PREFIX), validate=True)
    except binascii.Error:
        key = b""
    if not secret.startswith(PREFIX) or not 24 <= len(key) <= 64:
        raise ValueError(f"secret must be {PREFIX} and base64 of 24 to 64 bytes")
    return key


def derived_secret(installation: bytes, channel: str) -> str:
    """A channel's own secret where none is configured; the same after every restart."""
    key = hmac.digest(installation, f"task callbacks:{channel}".encode(), hashlib.sha256)
    return PREFIX + base64.b64encode(key).decode()


def headers(key: bytes, message_id: str, timestamp: int, body: bytes) -> Mapping[str, str]:
    """What a receiver needs to check ``body``; ``timestamp`` is of this attempt, Unix seconds."""
    content = f"{message_id}.{timestamp}.".encode() + body
    signature = base64.b64encode(hmac.digest(key, content, hashlib.sha256)).decode()
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": f"v1,{signature}",
    }


def signed(keys: Iterable[bytes], message_id: str, timestamp: str, body: bytes, said: str) -> bool:
    """Whether one of the signatures in ``said`` (separated by spaces) is that of one of the keys.

    When that was is for the caller to judge.
    """
    content = f"{message_id}.{timestamp}.".encode() + body
    found = False
    for key in keys:
        right = base64.b64encode(hmac.digest(key, content, hashlib.sha256))
        for one in said.split(" "):
            version, _, signature = one.partition(",")
            same = hmac.compare_digest(right, signature.encode())
            found = found or (version == "v1" and same)
    return found
