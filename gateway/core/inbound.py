"""What comes from outside, translated, and what became of it.

Channels know these types by ``gateway.ports``, which names them again.
"""

from datetime import datetime
from typing import Literal

from msgspec import Struct, field

from gateway.core.ids import (
    AttachmentId,
    CaseId,
    ChannelName,
    ItemId,
    MessageId,
    QueueName,
    SkillName,
)
from gateway.core.model import Attributes, ChannelKind
from gateway.core.owed import CallbackWish
from gateway.core.signs import Signs

JOIN_SECONDS = 7 * 86_400.0
FILES_GONE = "a file is unknown, used already, or older than an hour: upload it again"


class Claim(Struct, frozen=True, kw_only=True):
    """An identity that comes with a contact. Unless ``verified`` it is a hint, no more.

    ``kind`` is ``email``, ``phone``, ``visitor``, ``account`` or ``sip``; ``value`` is in
    canonical form (lower-case address, E.164 number).
    """

    kind: str
    value: str
    name: str = ""
    verified: bool = False


class File(Struct, frozen=True, kw_only=True):
    """An attachment with its bytes, on the way in or out."""

    name: str
    type: str
    data: bytes
    inline_id: str = ""


class Amend(Struct, frozen=True, kw_only=True):
    """Second thoughts about a message: what it says from now on; ``None``: nothing."""

    message: MessageId
    body: str | None = None


class Inbound(Struct, frozen=True, kw_only=True):
    """One thing that came from outside, translated.

    ``key`` identifies it within its channel: the same key again is the same thing and has no
    second effect. ``references`` are outside ids or our own message ids it answers,
    most specific first; ``conversation`` continues a channel thread (a chat). ``address`` is
    where an answer goes. ``problem`` says why it could not be understood: it is then kept
    with its ``raw`` bytes in quarantine. ``attachments`` are uploads of the sender (``owner_of``),
    good for one inbound; ``files`` come with it. ``machine`` marks automatic senders (RFC 3834),
    who are never answered automatically. From line ``fold_from`` of ``body`` on (0: nowhere) it
    only repeats what was said before. ``filer`` names the system that wrote it about the
    customer; empty: the customer did. ``callback``: the customer asks to be called.
    ``sign``: nothing was said; the customer's last window is gone, or there is one again.
    ``origin`` is the network address that it came from, where that is known.
    ``rating``: the customer says how it went, 1-5, and ``body`` why. ``amend``: nothing new was
    said, but something otherwise.
    ``tokens`` may be reply tokens of ours (``core.replytoken``). For ``join_seconds`` what the same
    verified sender writes about the same joins the case. ``mark`` is equal in the copies of one
    mail that come to several of our mailboxes. ``signs`` is what a mail shows of its sender.
    """

    channel: ChannelName
    kind: ChannelKind
    key: str
    at: datetime
    identity: Claim | None = None
    subject: str = ""
    body: str = ""
    html: str | None = None
    fold_from: int = 0
    language: str = ""
    files: tuple[File, ...] = ()
    attachments: tuple[AttachmentId, ...] = ()
    raw: bytes | None = None
    references: tuple[str, ...] = ()
    conversation: CaseId | None = None
    external_id: str = ""
    client_id: str = ""
    address: str = ""
    to: tuple[str, ...] = ()
    copies: tuple[str, ...] = ()
    queue: QueueName | None = None
    category: str = ""
    skills: dict[SkillName, int] = field(default_factory=dict)
    priority: int = 0
    due_at: datetime | None = None
    attributes: Attributes = field(default_factory=dict)
    machine: bool = False
    filer: str = ""
    problem: str = ""
    callback: CallbackWish | None = None
    sign: Literal["", "left", "back"] = ""
    origin: str = ""
    rating: int = 0
    tokens: tuple[str, ...] = ()
    join_seconds: float = JOIN_SECONDS
    mark: str = ""
    amend: Amend | None = None
    signs: Signs | None = None


def owner_of(channel: ChannelName, claim: Claim) -> str:
    """Whose the uploads are that an inbound of this sender may name."""
    return f"{channel}:{claim.kind}:{claim.value}"


class Decided(Struct, frozen=True, kw_only=True):
    """What became of an inbound; also on disk."""

    status: Literal["processed", "ignored", "quarantined"]
    case: CaseId | None = None
    item: ItemId | None = None
    number: int | None = None
    message: MessageId | None = None
    seq: int | None = None
    reason: str = ""


def kept_aside(inbound: Inbound, files: int) -> Decided | None:
    """What could not be read, and what an operator sent to ourselves to see whether it arrives.

    So are reports on that: a server without tags takes such an address, and says later that it
    knows none. And what names uploads of which not all are there: ``files`` are.
    """
    if files < len(set(inbound.attachments)):
        return Decided(status="ignored", reason=FILES_GONE)
    if inbound.problem:
        return Decided(status="quarantined", reason=inbound.problem)
    marks = inbound.attributes
    mail = inbound.kind is ChannelKind.EMAIL
    if mail and marks.get("check") is True:
        if marks.get("from_self") is True:
            return Decided(status="ignored", reason="a mail of switchroom check")
        if "bounce_action" in marks:
            return Decided(status="ignored", reason="a report on a mail of switchroom check")
    return None
