"""Whether our own mail server vouches for the sender (RFC 8601, RFC 7489).

Only the topmost ``Authentication-Results`` counts, and only if it carries the name of our own
server: that one our server put there itself, above whatever a sender may have forged.
"""

import re

from channels.email.addresses import Address, unambiguous
from channels.email.headers import Headers

_COMMENT = re.compile(r"\([^()]*\)")
_RESULT = re.compile(r"^\s*(\w[\w-]*)\s*(?:/\s*\d+)?\s*=\s*(\w+)(.*)$", re.DOTALL)
_PROPERTY = re.compile(r"\b(\w+)\s*\.\s*([\w-]+)\s*=\s*\"?([^\s\";]+)\"?")


def vouched(headers: Headers, sender: Address | None, authserv_id: str) -> bool:
    """True if the From address is what the named server authenticated.

    Needed: exactly one From field that every reader reads alike, and ``dmarc=pass`` for its
    domain, or ``dkim=pass`` by that domain or one above it. SPF alone proves no From.
    """
    froms = headers.all("from")
    results = headers.all("authentication-results")
    if not authserv_id or sender is None or not results:
        return False
    if len(froms) != 1 or not unambiguous(froms[0]):
        return False
    domain = sender.address.rpartition("@")[2]
    server, *methods = _without_comments(results[0][:10_000]).split(";")
    if server.lower().split()[:1] != [authserv_id.lower()]:
        return False
    return any(_passes(method, domain) for method in methods)


def _without_comments(text: str) -> str:
    for _ in range(10):
        shorter = _COMMENT.sub(" ", text)
        if shorter == text:
            break
        text = shorter
    return text


def _passes(method: str, domain: str) -> bool:
    found = _RESULT.match(method)
    if not found or found[2].lower() != "pass":
        return False
    properties: dict[str, str] = {
        f"{kind}.{name}".lower(): value.lower() for kind, name, value in _PROPERTY.findall(found[3])
    }
    if found[1].lower() == "dmarc":
        return properties.get("header.from", "") == domain
    if found[1].lower() == "dkim":
        signer: str = (
            properties.get("header.d") or properties.get("header.i", "").rpartition("@")[2]
        )
        return "." in signer and (domain == signer or domain.endswith(f".{signer}"))
    return False
