"""What an answer to a mail of ours carries besides its references: the ticket, and our signature.

``1000123-k7q2m9xw4tab``: the number, and the first sixty bits of HMAC-SHA256 (RFC 2104) over it by
the installation's secret, in base32 (RFC 4648 section 6), whose letters survive servers that fold
case. It stands in the reply address (``support+c.TOKEN@example.com``, RFC 5233) or in the subject
(``[#TOKEN]``). Every node makes and reads it, and nothing is stored. Sixty bits are enough for what
can only be tried by sending us a mail and opens nothing by itself: its sender has to fit as well
(``core.correlate``).
"""

import hmac
import re
from base64 import b32encode
from collections.abc import Sequence
from hashlib import sha256

from gateway.core.ids import TicketNumber

MARK = "+c."
"""Between the local part of our address and the token."""
LENGTH = 12
MOST = 10
"""Tokens looked at in one mail."""

_LABEL = b"switchroom reply v1\0"
_FORM = rf"(\d{{1,15}})-([a-z2-7]{{{LENGTH}}})"
_TOKEN = re.compile(_FORM)
_ADDRESSED = re.compile(r"(.+)\+c\.([^@]*)(@[^@]+)", re.IGNORECASE)
_TAGGED = re.compile(rf"\[#{_FORM}\]", re.IGNORECASE)


class ReplyTokens:
    """Makes tokens and reads them. The first of ``secrets`` signs; the others' hold as well.

    Without any there are no tokens.
    """

    def __init__(self, secrets: Sequence[bytes] = ()) -> None:
        self._secrets = tuple(secrets)

    def of(self, number: TicketNumber) -> str:
        """The token of a ticket; empty if none are made."""
        return f"{number}-{_mac(self._secrets[0], str(number))}" if self._secrets else ""

    def read(self, token: str) -> TicketNumber | None:
        """The ticket that it names; ``None``: it is not ours."""
        found = _TOKEN.fullmatch(token.lower())
        if found is None:
            return None
        number, mac = found[1], found[2]
        known = [hmac.compare_digest(_mac(secret, number), mac) for secret in self._secrets]
        return TicketNumber(int(number)) if any(known) else None


def _mac(secret: bytes, number: str) -> str:
    digest = hmac.new(secret, _LABEL + number.encode(), sha256).digest()
    return b32encode(digest).decode().lower()[:LENGTH]


def with_token(address: str, token: str) -> str:
    """The reply address of a ticket in our mailbox ``address``."""
    local, _, domain = address.rpartition("@")
    return f"{local}{MARK}{token}@{domain}"


def without_token(address: str) -> str:
    """The mailbox that a reply address stands for; any other address as it is."""
    found = _ADDRESSED.fullmatch(address)
    return f"{found[1]}{found[3]}" if found else address


def tokens_in(addresses: Sequence[str], subject: str) -> tuple[str, ...]:
    """What may be a token of ours in addresses and a subject, to be read where the secret is."""
    found = [part[2].lower() for a in addresses if (part := _ADDRESSED.fullmatch(a))]
    found = [token for token in found if _TOKEN.fullmatch(token)]
    found += [f"{number}-{mac.lower()}" for number, mac in _TAGGED.findall(subject)]
    return tuple(dict.fromkeys(found))[:MOST]


MOST_LOCAL = 64
"""Octets before the @ (RFC 5321 section 4.5.3.1.1)."""


def fits(address: str) -> bool:
    """Whether it is short enough to be written to."""
    return len(address.rpartition("@")[0].encode()) <= MOST_LOCAL


def tagged(subject: str, tag: str) -> str:
    """The subject with ``tag`` (a ticket's number or token) in brackets, once.

    One that names the same ticket already is put in its place.
    """
    number = re.escape(tag.partition("-")[0])
    old = re.compile(rf"\[#{number}(?:-[a-z2-7]{{{LENGTH}}})?\]", re.IGNORECASE)
    text, count = old.subn(f"[#{tag}]", subject, count=1)
    return text.strip() if count else f"{text.strip()} [#{tag}]".strip()


def untagged(subject: str) -> str:
    """The subject as people read it: the numbers stay, their signatures do not."""
    return _TAGGED.sub(lambda tag: f"[#{tag[1]}]", subject)
