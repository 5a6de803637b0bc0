"""Senders that look like somebody they are not: letters drawn alike, names with an address.

A hint for people, no verdict: compared are our own addresses, and what the name itself says.
"""

import re
import unicodedata
from collections.abc import Collection
from functools import lru_cache

import idna

from channels.email.addresses import Address

_SHOWN = re.compile(r"[^\s@<>\"',;:()]+@[^\s@<>\"',;:()]+\.[^\s@<>\"',;:()]+")
# How the letters of other scripts look that are drawn as Latin ones are, and digits beside them.
_DRAWN = str.maketrans(
    "аеорсухіјѕԁһӏԛԝɡοανικυρτχγ0135|",
    "aeopcyxijsdhlqwgoavikuptxyolesl",
)
_PAIRS = (("rn", "m"), ("vv", "w"), ("cl", "d"))
_SHORTEST = 6
"""Letters of a name before its last dot that one letter more or less may tell apart."""


def seems(sender: Address, own: Collection[str], *, by_list: bool = False) -> str:
    """Whom it looks like without being them; empty: nobody we know of.

    An address within the name that is another one (not where a mailing list writes who it was), or
    one of our own domains, drawn alike or within one letter of it.
    """
    for shown in () if by_list else _SHOWN.findall(sender.name):
        address = shown.strip(".").lower()
        if address != sender.address:
            return str(address)
    domain = sender.address.rpartition("@")[2]
    ours = sorted({address.rpartition("@")[2] for address in own})
    if any(domain == one or domain.endswith(f".{one}") for one in ours):
        return ""
    drawn = _drawn(domain)
    return next((one for one in ours if _alike(drawn, _drawn(one))), "")


@lru_cache(maxsize=4_096)
def _drawn(domain: str) -> str:
    """The domain by how it looks, with letters that look alike as one."""
    if "xn--" in domain:
        try:
            domain = idna.decode(domain)
        except (idna.IDNAError, UnicodeError):
            return domain
    bare = unicodedata.normalize("NFKD", domain.casefold())
    drawn = "".join(c for c in bare if not unicodedata.combining(c)).translate(_DRAWN)
    for pair, one in _PAIRS:
        drawn = drawn.replace(pair, one)
    return drawn


def _alike(one: str, other: str) -> bool:
    shorter = min(len(name.rpartition(".")[0]) for name in (one, other))
    return one == other or (shorter >= _SHORTEST and _one_letter(one, other))


def _one_letter(one: str, other: str) -> bool:
    """Whether they differ by a letter more, less, other, or by two that changed places."""
    if abs(len(one) - len(other)) > 1:
        return False
    start = next(
        (n for n, (a, b) in enumerate(zip(one, other, strict=False)) if a != b),
        min(len(one), len(other)),
    )
    a, b = one[start:], other[start:]
    swapped = a[:2] == b[1::-1] and len(a) > 1 and a[2:] == b[2:]
    return a[1:] == b[1:] or a == b[1:] or a[1:] == b or swapped
