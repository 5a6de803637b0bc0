"""Mail addresses from which ours come back for good: values, and what tells it. Pure.

An address stands there by its hash, so nothing of a customer is kept who is erased.
"""

import re
from datetime import datetime

from gateway.core.paces import hashed
from gateway.core.value import Kept

MAX_WHY = 300
_ENHANCED = re.compile(r"(?<![\d.])([45])\.(\d{1,3})\.(\d{1,3})(?![\d.])")
_BASIC = re.compile(r"(?<![\d.])([45])\d\d(?![\d.])")
_ADDRESS = re.compile(r"<?[^\s<>@;,]+@[^\s<>;,]+>?")
_HARD = frozenset({(1, n) for n in (0, 1, 2, 3, 6, 10)} | {(2, 1), (4, 4)})
"""RFC 3463: no such mailbox, domain or way; moved; a null MX (RFC 7505); switched off."""
_WORDS = re.compile(
    r"user unknown|unknown (?:user|recipient|address)|no such (?:user|mailbox|recipient|address)"
    r"|does ?n[o']t exist|invalid (?:recipient|mailbox|address)|mailbox (?:not found|disabled)"
    r"|address (?:rejected|not found)|domain not found",
    re.IGNORECASE,
)


class BadAddress(Kept, frozen=True, kw_only=True):
    """Since when mail to an address (``name``: its hash) comes back, and what the server said."""

    name: str
    since: datetime | None = None
    reason: str = ""
    active: bool = True


def key_of_address(address: str) -> str:
    """Under which it stands."""
    text = address.strip()
    if text.endswith(">") and "<" in text:
        text = text[text.rindex("<") + 1 : -1]
    return hashed("address", text.strip().casefold())


def is_hard(said: str) -> bool:
    """Whether a server says that nobody will ever read mail there (RFC 3463, RFC 5321).

    A full mailbox, a mail that is too large or unwanted, and what may pass say nothing of that.
    """
    if found := _ENHANCED.search(said):
        kind, subject, detail = int(found[1]), int(found[2]), int(found[3])
        vague = (subject, detail) == (0, 0) and _WORDS.search(said) is not None
        return kind == 5 and ((subject, detail) in _HARD or vague)
    basic = _BASIC.search(said)
    return (basic is None or basic[1] == "5") and _WORDS.search(said) is not None


def why(said: str) -> str:
    """What the server said, without whom it was about."""
    return " ".join(_ADDRESS.sub("…", said).split())[:MAX_WHY]
