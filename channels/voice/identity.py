"""Who calls, and which number of ours they called (RFC 3325, RFC 3323); pure.

From is a claim of whoever wrote it. P-Asserted-Identity is a trunk's word: it is taken from the
trunk's own addresses alone, and passed on to nobody.
"""

import phonenumbers
from msgspec import Struct
from phonenumbers import NumberParseException, PhoneNumberFormat

from channels.voice.sip.grammar import Address, BadSyntax, Uri, pieces, read_address
from channels.voice.sip.message import Request
from gateway.ports import Claim

MAX_NAME = 100
HIDES = frozenset({"id", "user", "header"})


class Caller(Struct, frozen=True, kw_only=True):
    """No ``claim``: nobody says who it is, or who it is does not want it said (``withheld``)."""

    claim: Claim | None = None
    withheld: bool = False


def caller_of(request: Request, *, trusted: bool, country: str = "") -> Caller:
    """``trusted``: it came from a trunk's address. ``country`` is where national numbers are."""
    asserted = _asserted(request) if trusted else []
    wishes = (wish.strip().lower() for v in request.all("privacy") for wish in v.split(";"))
    if not HIDES.isdisjoint(wishes):
        return Caller(withheld=True)
    numbers = [(a, n) for a in asserted if (n := number_of(a.uri, country))]
    if numbers:
        address, number = numbers[0]
        return Caller(claim=_claim("phone", number, address, verified=True))
    for address in asserted:
        if address.uri.user and address.uri.host:
            return Caller(claim=_claim("sip", _sip(address.uri), address, verified=True))
    return _said_by_from(request.from_, country)


def called_number(request: Request, country: str = "") -> str:
    """What was dialled: E.164 if it is a number, else the user as it stands, in lower case."""
    return number_of(request.uri, country) or _clean(request.uri.user).lower()


def number_of(uri: Uri, country: str = "") -> str:
    """E.164; empty when the user of the URI is no number of a telephone network."""
    text = uri.user.partition(";")[0]
    if not text or any(c not in "+0123456789-.() " for c in text):
        return ""
    try:
        found = phonenumbers.parse(text, country or None)
    except NumberParseException:
        return ""
    if not phonenumbers.is_possible_number(found):
        return ""
    return phonenumbers.format_number(found, PhoneNumberFormat.E164)


def _asserted(request: Request) -> list[Address]:
    """One of SIP and one of telephone at most; what cannot be read asserts nothing."""
    try:
        return [
            read_address(part)
            for value in request.all("p-asserted-identity")
            for part in pieces(value)
        ]
    except BadSyntax:
        return []


def _said_by_from(address: Address, country: str) -> Caller:
    uri = address.uri
    if uri.host == "anonymous.invalid" or uri.user.lower() == "anonymous":
        return Caller(withheld=True)
    if number := number_of(uri, country):
        return Caller(claim=_claim("phone", number, address, verified=False))
    if uri.user and uri.host:
        return Caller(claim=_claim("sip", _sip(uri), address, verified=False))
    return Caller()


def _claim(kind: str, value: str, address: Address, *, verified: bool) -> Claim:
    return Claim(kind=kind, value=value, name=_clean(address.name)[:MAX_NAME], verified=verified)


def _sip(uri: Uri) -> str:
    return f"{_clean(uri.user)}@{uri.host}".lower()


def _clean(text: str) -> str:
    """Fit to be stored and shown: no octets that are no text, no line ends."""
    plain = text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
    return "".join(c for c in plain if c.isprintable()).strip()
