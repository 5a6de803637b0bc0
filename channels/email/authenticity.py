"""Whether our own mail server vouches for the sender (RFC 8601, RFC 7489).

Only the topmost ``Authentication-Results`` counts, and only if it carries the name of our own
server: that one our server put there itself, above whatever a sender may have forged.
"""

import re

from msgspec import Struct

from channels.email.addresses import Address, unambiguous
from channels.email.headers import Headers
from channels.email.text import one_line
from gateway.core.signs import Proof

_COMMENT = re.compile(r"\([^()]*\)")
_RESULT = re.compile(r"^\s*(\w[\w-]*)\s*(?:/\s*\d+)?\s*=\s*(\w+)(.*)$", re.DOTALL)
_PROPERTY = re.compile(r"\b(\w+)\s*\.\s*([\w-]+)\s*=\s*\"?([^\s\";]+)\"?")
_TOLD = ("header.d", "header.from", "smtp.mailfrom", "header.i", "smtp.helo")
_MOST_CHECKS = 10


class Judged(Struct, frozen=True):
    """Whether the From address is what the named server authenticated, and what it said."""

    proof: Proof
    checks: tuple[str, ...] = ()


class _Check(Struct, frozen=True):
    method: str
    result: str
    properties: dict[str, str]


def judged(headers: Headers, sender: Address | None, authserv_id: str) -> Judged:
    """Whether the named server vouches for the From address.

    For that there must be exactly one From field that every reader reads alike, and ``dmarc=pass``
    for its domain, or ``dkim=pass`` by that domain or one above it. SPF alone proves no From.
    """
    if not authserv_id:
        return Judged("no_server")
    checks = _checks(headers, authserv_id)
    if checks is None:
        return Judged("no_result")
    told = tuple(map(_told, checks[:_MOST_CHECKS]))
    froms = headers.all("from")
    if sender is None or len(froms) != 1 or not unambiguous(froms[0]):
        return Judged("unclear", told)
    domain = sender.address.rpartition("@")[2]
    if any(_proves(check, domain) for check in checks):
        return Judged("verified", told)
    failed = any(check.method == "dmarc" and check.result == "fail" for check in checks)
    passed = any(check.result == "pass" for check in checks)
    tried = any(check.result in {"fail", "softfail", "permerror"} for check in checks)
    if failed or (tried and not passed):
        return Judged("failed", told)
    return Judged("weak" if passed else "no_result", told)


def _checks(headers: Headers, authserv_id: str) -> list[_Check] | None:
    """What our own server found; ``None``: it said nothing."""
    results = headers.all("authentication-results")
    if not results:
        return None
    server, *methods = _without_comments(results[0][:10_000]).split(";")
    if server.lower().split()[:1] != [authserv_id.lower()]:
        return None
    return [check for one in methods if (check := _check(one)) is not None]


def _without_comments(text: str) -> str:
    for _ in range(10):
        shorter = _COMMENT.sub(" ", text)
        if shorter == text:
            break
        text = shorter
    return text


def _check(method: str) -> _Check | None:
    found = _RESULT.match(method)
    if not found:
        return None
    properties: dict[str, str] = {
        f"{kind}.{name}".lower(): value.lower() for kind, name, value in _PROPERTY.findall(found[3])
    }
    return _Check(found[1].lower(), found[2].lower(), properties)


def _proves(check: _Check, domain: str) -> bool:
    said = check.properties
    if check.result != "pass":
        return False
    if check.method == "dmarc":
        return said.get("header.from", "") == domain
    if check.method == "dkim":
        signer = said.get("header.d") or said.get("header.i", "").rpartition("@")[2]
        return "." in signer and (domain == signer or domain.endswith(f".{signer}"))
    return False


def _told(check: _Check) -> str:
    about = next((check.properties[name] for name in _TOLD if name in check.properties), "")
    return one_line(f"{check.method}={check.result} {about}", 120)
