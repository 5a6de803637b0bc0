"""Addresses of customers' own pages: who has one follows one case as one customer.

A token is 36 bytes in base64url (RFC 4648 section 5): the case, four bytes that stand for the
customer and for how often the link was renewed, and the first 16 bytes of HMAC-SHA256 (RFC 2104)
over both by the installation's secret. So every node can make and read it, nothing is stored, and
it lasts until the case's link is renewed or its customer erased. It is a bearer token: it stands
in no log.
"""

import hmac
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Sequence
from hashlib import sha256
from uuid import UUID

from msgspec import Struct

from gateway.core.ids import CaseId, CustomerId
from gateway.core.model import Case

PATH = "/t/"
LENGTH = 48
_LABEL = b"switchroom ticket page v1\0"
_WHO, _MAC = 4, 16


class Named(Struct, frozen=True):
    """What a token that is ours names; whether it still holds is told by the case (``holds``)."""

    case: CaseId
    who: bytes


class TicketLinks:
    """Makes the addresses and reads the tokens.

    The first of ``secrets`` signs; what the others have signed holds as well.
    """

    def __init__(self, secrets: Sequence[bytes], base_url: str) -> None:
        self._secrets = tuple(secrets)
        self._base = base_url.rstrip("/")

    def url(self, case: CaseId, customer: CustomerId, renewed: int) -> str:
        """The address at which this customer follows the case."""
        return f"{self._base}{PATH}{self._token(case, customer, renewed)}"

    def of(self, case: Case) -> str:
        """The same; empty for a case of nobody."""
        return self.url(case.id, case.customer.id, case.link) if case.customer else ""

    def path(self, case: Case) -> str:
        """The same without the host."""
        return self.of(case).removeprefix(self._base)

    def _token(self, case: CaseId, customer: CustomerId, renewed: int) -> str:
        named = UUID(case).bytes + _who(customer, renewed)
        return urlsafe_b64encode(named + _mac(self._secrets[0], named)).decode()

    def read(self, token: str) -> Named | None:
        """What it names; ``None``: it is not ours."""
        if len(token) != LENGTH or not token.isascii():
            return None
        try:
            data = urlsafe_b64decode(token)
        except ValueError:
            return None
        named, mac = data[:-_MAC], data[-_MAC:]
        known = [hmac.compare_digest(_mac(secret, named), mac) for secret in self._secrets]
        if len(data) != 16 + _WHO + _MAC or not any(known):
            return None
        return Named(CaseId(str(UUID(bytes=named[:16]))), named[16:])


def holds(named: Named, case: Case) -> bool:
    """Whether the link is still that of the case: not renewed since, and of its customer."""
    if case.id != named.case or case.customer is None:
        return False
    return hmac.compare_digest(_who(case.customer.id, case.link), named.who)


def _who(customer: CustomerId, renewed: int) -> bytes:
    return sha256(f"{customer}\0{renewed}".encode()).digest()[:_WHO]


def _mac(secret: bytes, named: bytes) -> bytes:
    return hmac.new(secret, _LABEL + named, sha256).digest()[:_MAC]
