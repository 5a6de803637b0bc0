"""Mailing lists (RFC 2369, 2919): who wrote, behind the list that brought it.

A list may put its own address into Reply-To, or into From (where the sender's domain forbids that
others send for it). An answer is meant for whoever wrote; everybody on the list gets it only if
the agent says so.
"""

import re
from collections.abc import Collection

from channels.email.addresses import Address, addresses
from channels.email.headers import Headers
from gateway.core.replytoken import without_token

_MAILTO = re.compile(r"<\s*mailto:([^?>\s]+)[^>]*>", re.IGNORECASE)
_ID = re.compile(r"<\s*([^<>@\s.]+)\.([^<>@\s]+)\s*>")
_VIA = re.compile(r"['\"]?\s+via\s+.*$", re.IGNORECASE | re.DOTALL)
_BEHIND = ("x-original-from", "original-from", "x-original-sender", "x-google-original-from")


def list_addresses(headers: Headers) -> tuple[str, ...]:
    """Where the list takes what everybody on it shall get; none if no list brought the mail."""
    posts = [one for raw in headers.all("list-post") for one in _MAILTO.findall(raw)]
    ids = [
        f"{name}@{domain}" for raw in headers.all("list-id") for name, domain in _ID.findall(raw)
    ]
    found = [one.address for text in (*posts, *ids) for one in addresses(text)]
    return tuple(dict.fromkeys(found))


def answer_to(
    headers: Headers, sender: Address | None, own: Collection[str], lists: Collection[str]
) -> Address | None:
    """Where an answer goes.

    Reply-To, unless that is us (two channels would write to each other) or the list that brought
    the mail; else whoever wrote; else the list.
    """
    wanted = [one for one in addresses(headers.raw("reply-to")) if not _is(one, own)]
    if not lists:
        return next(iter(wanted), sender)
    behind = [one for name in _BEHIND for one in addresses(headers.text(name))]
    found = [*wanted, *([sender] if sender is not None else []), *behind]
    people = (one for one in found if one.address not in lists and not _is(one, own))
    return next(people, None) or next(iter(wanted), sender)


def writer(sender: Address, answer: Address | None, lists: Collection[str]) -> Address:
    """Who wrote it: the person for whom a list put itself into From, if it says who that is."""
    if answer is None or sender.address not in lists or answer.address in lists:
        return sender
    return Address(answer.address, answer.name or _VIA.sub("", sender.name).strip("\"' "))


def _is(address: Address, own: Collection[str]) -> bool:
    return without_token(address.address) in own
