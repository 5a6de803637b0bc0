"""One mail that comes to several of our mailboxes is one message on one work item. Pure.

Copies have one Message-ID and one ``mark`` (Message-ID, Date, From, To, Subject and the beginning
of the body: senders reuse Message-IDs), and come to *different* mailboxes: two equal mails in one
mailbox are two mails, so each mailbox brings at most one copy of a message.
"""

from collections.abc import Iterable

from gateway.core import events as e
from gateway.core.ids import ChannelName, MessageId
from gateway.core.inbound import Decided, Inbound
from gateway.core.model import Case, ChannelKind, Message
from gateway.core.recipients import ours
from gateway.core.state import NodeState
from gateway.core.ticket import plain


def may_be_copy(state: NodeState, inbound: Inbound) -> bool:
    """Whether it is worth to look for the same mail in another mailbox."""
    if inbound.kind is not ChannelKind.EMAIL or not (inbound.mark and inbound.external_id):
        return False
    boxes = [kind for kind in state.channels.values() if kind is ChannelKind.EMAIL]
    return len(boxes) > 1


def original(
    inbound: Inbound, alike: Iterable[Message], brought: Iterable[MessageId]
) -> Message | None:
    """The message that it is a copy of: of those ``alike``, the oldest of another mailbox.

    ``brought`` are those of which this mailbox has brought its copy.
    """
    had = set(brought)
    others = (
        one
        for one in alike
        if one.direction == "in"
        and one.channel != inbound.channel
        and one.mark == inbound.mark
        and one.external_id == inbound.external_id
        and one.id not in had
    )
    return min(others, key=lambda one: one.id, default=None)


def copied(
    state: NodeState, inbound: Inbound, message: Message, case: Case
) -> tuple[Decided, list[e.Change]]:
    """What a copy does: it is known that it came, and nothing else happens."""
    came = e.CopyCame(
        message=message.id,
        case=case.id,
        channel=inbound.channel,
        to=_address_of(state, inbound.channel),
        item=message.item,
    )
    decided = Decided(
        status="processed",
        case=case.id,
        item=message.item,
        number=case.number,
        message=message.id,
        seq=message.seq,
        reason=f"the same mail came to {_address_of(state, message.channel)} too",
    )
    return decided, [e.Change(came)]


def _address_of(state: NodeState, channel: ChannelName) -> str:
    return plain(state.addresses.get(channel, "")) or channel


def meant_for(state: NodeState, inbound: Inbound) -> ChannelName:
    """The mailbox that a mail is for: that in its To field, where it is in this one by a copy."""
    named = [box for one in inbound.to if (box := ours(state, one)) is not None]
    return inbound.channel if not named or inbound.channel in named else named[0]
