"""Where answers to a mail go, and who is copied: the writer, and whoever takes part. Pure.

Who was copied stays copied until an agent takes them off. Whoever writes is answered, the others
who take part get a copy; the case stays its customer's. Our own addresses, of every mailbox, with
or without a reply token, are nobody to write to.
"""

from collections.abc import Collection, Iterable

from msgspec import Struct

from gateway.core.ids import ChannelName
from gateway.core.inbound import Inbound
from gateway.core.model import ChannelKind, Item
from gateway.core.replytoken import without_token
from gateway.core.state import NodeState
from gateway.core.ticket import plain

MOST = 200
"""Addresses that one answer is copied to."""


class Way(Struct, frozen=True):
    """Where answers go; ``note``: what was asked for and is not done, in words."""

    address: str
    copies: tuple[str, ...] = ()
    note: str = ""


def ours(state: NodeState, address: str) -> ChannelName | None:
    """Whose mailbox an address is, if it is one of ours."""
    return state.ours.get(without_token(plain(address)))


def first_way(state: NodeState, inbound: Inbound) -> Way:
    """Where answers to a new contact go."""
    if inbound.kind is not ChannelKind.EMAIL:
        return Way(inbound.address, inbound.copies)
    address = _asked(state, inbound)
    return Way(address, _others(state, inbound.copies, {plain(address)}))


def next_way(
    state: NodeState, inbound: Inbound, before: Item, participants: Collection[str]
) -> Way | None:
    """The same in a matter that goes on, in which answers went as ``before``; ``None``: as then.

    A mail whose sender is not verified turns answers to nobody who had no part so far: they may
    quote all that was said, and their customer would not even notice. Nor does it add anybody to
    the copies where the customer is one whose mails can be verified: whoever knows a reference can
    write in their name. Where nobody can be verified, whom it copies is copied.
    """
    if inbound.kind is not ChannelKind.EMAIL or before.kind is not ChannelKind.EMAIL:
        return first_way(state, inbound)
    if inbound.machine:
        return None  # what a machine sends for somebody is no wish of theirs
    address, sender = _asked(state, inbound), _sender(state, inbound)
    known = {plain(one) for one in (before.address, *before.copies)} | {*participants}
    note = ""
    if sender and not _verified(inbound) and plain(address) not in {plain(sender), *known}:
        note = f"it wants answers at {address}, where none go: its sender is not verified"
        address = sender
    if not address:
        return None
    gone = {plain(address), plain(sender)}
    asked = inbound.copies
    if not _verified(inbound) and before.customer is not None and before.customer.verified:
        new = _others(state, (c for c in asked if plain(c) not in known), gone)
        asked = tuple(c for c in asked if plain(c) in known)
        if new:
            note = "; ".join(filter(None, (note, _uncopied(new))))
    copies = _others(state, (*asked, before.address, *before.copies), gone)
    return Way(address, copies, note)


def _uncopied(new: Collection[str]) -> str:
    return f"its copies to {', '.join(new)} are not kept: its sender is not verified"


def _asked(state: NodeState, inbound: Inbound) -> str:
    """Where its writer wants the answer."""
    if ours(state, inbound.address) is None:
        return inbound.address
    return _sender(state, inbound)


def _sender(state: NodeState, inbound: Inbound) -> str:
    who = inbound.identity
    if who is None or who.kind != "email" or ours(state, who.value) is not None:
        return ""
    return who.value


def _verified(inbound: Inbound) -> bool:
    return inbound.identity is not None and inbound.identity.verified


def _others(state: NodeState, addresses: Iterable[str], but: Collection[str]) -> tuple[str, ...]:
    found: dict[str, str] = {}
    for address in addresses:
        name = plain(address)
        if name and name not in but and ours(state, address) is None:
            found.setdefault(name, address)
    return tuple(found.values())[:MOST]
