"""Telling a customer something who is not there just now, by mail or where they will see it."""

from msgspec.structs import replace

from gateway.core import events as e
from gateway.core.ids import ChannelName, Context
from gateway.core.messages import add_message
from gateway.core.model import ADDRESSED, Author, Case, ChannelKind, Item
from gateway.core.rules.texts import nearest as nearest
from gateway.core.silence import why_silent, withheld
from gateway.core.state import NodeState


def answering(item: Item) -> Item:
    """The item as what is written on it goes out: a call-back by the way that it came."""
    return item if item.callback is None else replace(item, kind=item.callback.via)


def unwritable(item: Item) -> bool:
    """Whether nothing can be written on it: all there is of the customer is a number to call."""
    return answering(item).kind is ChannelKind.CALLBACK


def talk_kind(item: Item) -> ChannelKind:
    """The kind of work that goes on from it: a task, where nothing can be written."""
    return ChannelKind.TASK if unwritable(item) else answering(item).kind


def by_mail(state: NodeState, item: Item) -> Item | None:
    """As one whose answers go out by mail, if we have an address and a mailbox; else ``None``."""
    known = answering(item)
    if known.kind is ChannelKind.EMAIL:
        return known if known.address else None
    mailbox = mailbox_of(state)
    address = next((a for name in _NAMES if (a := _address(item, name))), "")
    if mailbox is None or not address:
        return None
    return replace(
        item, kind=ChannelKind.EMAIL, channel=mailbox, address=address, thread=(), copies=()
    )


_NAMES = ("site_email", "claimed_email", "email")


def mailbox_of(state: NodeState) -> ChannelName | None:
    """The mailbox that such mails come from: the first by name."""
    boxes = (name for name, kind in state.channels.items() if kind is ChannelKind.EMAIL)
    return min(boxes, default=None)


def _address(item: Item, name: str) -> str:
    value = item.attributes.get(name)
    if not isinstance(value, str):
        return ""
    local, at, domain = value.strip().rpartition("@")
    good = at and local and "." in domain and not any(c.isspace() or c in ",;<>" for c in value)
    return value.strip() if good and value.isprintable() else ""


def tell(state: NodeState, ctx: Context, case: Case, item: Item, text: str) -> list[e.Change]:
    """A message from the house, no answer to anything; nothing where there is no way.

    By mail if there is an address; else on the channel that the contact came by.
    """
    if not text:
        return []
    way = by_mail(state, item) or answering(item)
    if way.kind in ADDRESSED and not way.address:
        return []
    if why := why_silent(state, case, way, ctx.now):
        return withheld(way, "message", why)
    if way.kind not in ADDRESSED and way.kind is not ChannelKind.WEBCHAT:
        return []
    _, changes = add_message(
        ctx,
        case,
        way,
        direction="out",
        author=Author(kind="system"),
        body=text,
        subject=item.subject or case.subject,
        to=(way.address,) if way.address else (),
        automatic=True,
    )
    return changes
