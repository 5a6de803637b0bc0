"""Addresses and ids as header fields hold them (RFC 5322 sections 3.4 and 3.6.4)."""

import re
from email.utils import getaddresses

from msgspec import Struct

from channels.email.text import header_text, one_line

MAX_ADDRESSES = 200
MAX_IDS = 50
_MAX_RAW = 50_000

_ADDRESS = re.compile(
    '[^\\s@<>()\\[\\]",;:\\\\\x00-\x1f\ue000\ue001]+@[^\\s@<>()",;:\\\\\x00-\x1f\ue000\ue001]+'
)
_ID = re.compile(r"<[^<>\s]{1,990}>")
_LONE_ID = re.compile(r"[^<>\s@]{1,500}@[^<>\s@]{1,400}")
_ENCODED = re.compile(r"=\?[^?\s]+\?[bqBQ]\?[^?\s]*\?=")
_HIDDEN = re.compile("\ue000([0-9]{1,5})\ue001")
_QUOTED = re.compile(r'"(?:[^"\\]|\\.)*"|=\?[^?]+\?[bqBQ]\?[^?]*\?=')


class Address(Struct, frozen=True):
    """A mailbox: ``address`` in lower case, ``name`` decoded, both one line."""

    address: str
    name: str = ""


def valid(address: str) -> bool:
    """Whether it can be written to: something, one ``@``, a domain; at most 254 characters."""
    return len(address) <= 254 and _ADDRESS.fullmatch(address) is not None


def addresses(raw: str) -> list[Address]:
    """The mailboxes of an address header, in order, without repeats; never raises.

    What is no address is left out. Encoded words are put aside while the header is split and
    decoded afterwards, so that nothing inside one can become an address.
    """
    words: list[str] = []

    def hide(word: re.Match[str]) -> str:
        words.append(word[0])
        return f"\ue000{len(words) - 1}\ue001"

    flat = _ENCODED.sub(hide, " ".join(raw[:_MAX_RAW].split()))
    try:
        pairs = getaddresses([flat])
    except (ValueError, IndexError, TypeError, AttributeError):
        return []
    found: dict[str, Address] = {}
    for name, address in pairs:
        plain = one_line(address).lower()
        if valid(plain) and len(found) < MAX_ADDRESSES:
            shown = _HIDDEN.sub(lambda at: "".join(words[int(at[1]) :][:1]), name)
            found.setdefault(plain, Address(plain, header_text(shown, 200)))
    return list(found.values())


def unambiguous(raw: str) -> bool:
    """Whether every reader must see the same single mailbox in it (CVE-2023-27043 and kin)."""
    bare = _QUOTED.sub("", raw)
    return bare.count("@") == 1 and not any(c in bare for c in "(),;:") and raw.isascii()


def message_ids(raw: str) -> list[str]:
    """The ids of ``Message-ID``, ``In-Reply-To`` or ``References``, with angle brackets."""
    raw = " ".join(raw[:_MAX_RAW].split())
    ids = [one_line(found) for found in _ID.findall(raw)]
    if not ids and _LONE_ID.fullmatch(raw):
        ids = [f"<{one_line(raw)}>"]
    return list(dict.fromkeys(ids))
