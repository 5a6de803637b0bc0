"""Whether who writes claims to be somebody else, and what shows it. Pure.

What a contact names (an address in the name beside its own, where answers are to go, what was typed
into a form) is compared with who it is. Whose an address is the flow looks up, and only when a rule
asks: ``stated`` says which.
"""

import re
from collections.abc import Collection, Iterator, Mapping
from functools import lru_cache
from typing import Literal

from msgspec import Struct

from gateway.core.inbound import Claim, Inbound
from gateway.core.model import ChannelKind, CustomerBrief, Item, Message
from gateway.core.paces import Keys, keys_of
from gateway.core.rules.mismatch import Mismatch
from gateway.core.rules.velocity import By
from gateway.core.rules.words import plain
from gateway.core.state import NodeState

MOST_STATED = 8
_ADDRESS = re.compile(r"[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,8}")
_IN_BRACKETS = re.compile(r"<([^<>]*)>\s*$")
_NUMBER = re.compile(r"\+[\d ()./-]{6,30}")
_SIGNED = {"site_email": "claimed_email", "site_phone": "claimed_phone"}
_ACCOUNTS = ("customer", "customer_number", "customer_id", "account", "account_number")
_OURS = frozenset({"page", "locale", "preview", "date", "ticket", "repairs", *_SIGNED})
"""Attributes that the channel says, and no customer."""

Where = Literal["name", "reply_to", "form"]


class Stated(Struct, frozen=True, kw_only=True):
    """An identity that a contact names besides its own."""

    where: Where
    kind: str
    value: str
    said: str


Owners = Mapping[tuple[str, str], CustomerBrief]
"""Whose an identity is, proven, by its kind and value."""


def stated(inbound: Inbound) -> list[Stated]:
    """What it names that is not its own identity, the first few."""
    claim = inbound.identity
    own = (claim.kind, claim.value) if claim is not None else None
    found = (one for one in _stated(inbound) if (one.kind, one.value) != own)
    return list(dict.fromkeys(found))[:MOST_STATED]


def _stated(inbound: Inbound) -> Iterator[Stated]:
    claim = inbound.identity
    if claim is not None:
        for address in _ADDRESS.findall(claim.name[:500]):
            yield Stated(where="name", kind="email", value=address.lower(), said=address)
    if inbound.kind is ChannelKind.EMAIL and inbound.address:
        said = inbound.address
        yield Stated(where="reply_to", kind="email", value=said.lower(), said=said)
    if claim is not None and claim.kind == "visitor":
        return  # of whom nothing else is known
    vouched = {inbound.attributes.get(signed) for signed in _SIGNED}
    for name, value in inbound.attributes.items():
        if (
            name in _OURS
            or value in vouched
            or not isinstance(value, str | int)
            or isinstance(value, bool)
        ):
            continue
        text = str(value).strip()[:320]
        if _ADDRESS.fullmatch(text):
            yield Stated(where="form", kind="email", value=text.lower(), said=f"{name} {text}")
        elif _NUMBER.fullmatch(text):
            digits = "".join(c for c in text if c.isdigit())
            yield Stated(where="form", kind="phone", value=f"+{digits}", said=f"{name} {text}")
        elif name in _ACCOUNTS and text:
            yield Stated(where="form", kind="account", value=text, said=f"{name} {text}")


def mismatches(
    state: NodeState, inbound: Inbound, customer: CustomerBrief | None, owners: Owners
) -> tuple[Mismatch, ...]:
    """All that can be told from what came in and from whose its addresses are."""
    claim = inbound.identity
    found: list[Mismatch] = []
    if claim is not None:
        found += _as_ours(state, claim)
    for one in stated(inbound):
        if (mismatch := _of_stated(state, one, claim, customer, owners)) is not None:
            found.append(mismatch)
    for signed, typed in _SIGNED.items():
        vouched, said = inbound.attributes.get(signed), inbound.attributes.get(typed)
        if vouched and said and plain(str(vouched)) != plain(str(said)):
            detail = f"the site has signed {vouched}, and {said} was typed"
            found.append(Mismatch(kind="signed", detail=detail))
    return tuple(found)


def _as_ours(state: NodeState, claim: Claim) -> Iterator[Mismatch]:
    """Somebody who would pass for one of us."""
    if claim.verified and claim.kind == "email" and _domain(claim.value) in own_domains(state):
        return
    if claim.kind == "email" and not claim.verified and _domain(claim.value) in own_domains(state):
        detail = f"{claim.value} is of our own domain, and not proven"
        yield Mismatch(kind="own", detail=detail)
    name = plain(claim.name)
    for profile in state.profiles.values() if " " in name else ():
        if _plain_name(profile.display_name) == name:
            detail = f"calls itself {claim.name}, as our agent {profile.name}, from {claim.value}"
            yield Mismatch(kind="own", detail=detail)
            return


def _of_stated(
    state: NodeState,
    one: Stated,
    claim: Claim | None,
    customer: CustomerBrief | None,
    owners: Owners,
) -> Mismatch | None:
    sender = claim.value if claim is not None else "nobody known"
    owner = owners.get((one.kind, one.value))
    others = owner is not None and (customer is None or owner.id != customer.id)
    ours = one.kind == "email" and _domain(one.value) in own_domains(state)
    whose = ", which is another customer's" if others else ", which is ours" if ours else ""
    if one.where == "name":
        return Mismatch(kind="name", detail=f"calls itself {one.said}{whose}, from {sender}")
    if one.where == "reply_to" and whose:
        return Mismatch(kind="reply_to", detail=f"answers go to {one.said}{whose}, from {sender}")
    if one.where == "form" and whose:
        return Mismatch(kind="form", detail=f"says {one.said}{whose}")
    return None


def of_another(item: Item, customer: CustomerBrief | None, claim: Claim | None) -> list[Mismatch]:
    """Somebody else writes in a matter than has so far."""
    known = item.customer
    if known is None or claim is None or (customer is not None and customer.id == known.id):
        return []
    detail = f"{claim.value} writes in a matter of {known.name or 'another customer'}"
    return [Mismatch(kind="sender", detail=detail)]


def of_reply(item: Item, message: Message) -> tuple[Mismatch, ...]:
    """What one of us writes goes to somebody who has not written in this matter."""
    known = {address.lower() for address in (item.address, *item.copies)}
    strange = [to for to in (*message.to, *message.cc) if _bare(to) not in known]
    if item.kind is not ChannelKind.EMAIL or not item.address or not strange:
        return ()
    detail = f"goes to {', '.join(strange[:5])}, who has not written in this matter"
    return (Mismatch(kind="recipient", detail=detail),)


def own_domains(state: NodeState) -> Collection[str]:
    """Those of our own addresses."""
    return {_domain(address) for address in state.addresses.values() if address}


def keys_of_reply(message: Message) -> Keys:
    """By what it is counted that one of us writes: who does, and to which domain."""
    to = _domain(message.to[0]) if message.to else ""
    known: dict[By, str] = {"sender": f"agent:{message.author.id}"}
    return known | {"domain": to} if to else known


def keys_of_inbound(inbound: Inbound) -> Keys:
    """By what it is counted that somebody writes to us."""
    claim = inbound.identity
    kind, value = (claim.kind, claim.value) if claim is not None else ("", "")
    return keys_of(kind, value, inbound.origin)


@lru_cache(maxsize=32_768)
def _plain_name(name: str) -> str:
    """Remembered: twelve thousand agents' names, taken apart for each mail, took fifty ms."""
    return plain(name)


def _domain(address: str) -> str:
    return _bare(address).rpartition("@")[2]


def _bare(address: str) -> str:
    found = _IN_BRACKETS.search(address)
    return (found[1] if found else address).strip().lower()
