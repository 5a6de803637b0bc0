"""What an agent can tell the desk to do: the client frames of ``/agent/v1`` that act.

Each is tagged by ``t`` as on the wire. ``id`` is a UUID that the client makes; the same id has
one effect and one answer, whatever node it reaches and however often.
"""

from datetime import datetime
from typing import Annotated, Literal

from msgspec import Meta, Struct

from gateway.core.colleagues import LONGEST
from gateway.core.ids import (
    AgentName,
    AttachmentId,
    CaseId,
    ChannelName,
    CommandId,
    CustomerId,
    ItemId,
    MacroName,
    MessageId,
    OfferId,
    QueueName,
)
from gateway.core.misrouted import NotForMe

Id = Annotated[CommandId, Meta(min_length=8, max_length=64)]
Line = Annotated[str, Meta(max_length=500)]
Text = Annotated[str, Meta(min_length=1, max_length=200_000)]
Tag = Annotated[str, Meta(min_length=1, max_length=60)]


class _Command(Struct, frozen=True, kw_only=True, tag_field="t", tag=str.lower):
    id: Id


class State(_Command, frozen=True, kw_only=True):
    state: Literal["ready", "not_ready"]
    reason: Line = ""


class Accept(_Command, frozen=True, kw_only=True):
    offer: OfferId


class Decline(_Command, frozen=True, kw_only=True):
    offer: OfferId
    reason: Line = ""
    misrouted: NotForMe | None = None


class Send(_Command, frozen=True, kw_only=True):
    """``quote`` is a mail of the case that goes along below the answer.

    ``via`` is another channel by which the customer can be reached: this one answer leaves there.
    """

    item: ItemId
    body: Text
    html: str | None = None
    subject: Line | None = None
    to: tuple[Line, ...] | None = None
    cc: tuple[Line, ...] | None = None
    attachments: tuple[AttachmentId, ...] = ()
    then: Literal["wait", "close"] | None = None
    quote: MessageId | None = None
    via: ChannelName | None = None


class Note(_Command, frozen=True, kw_only=True):
    item: ItemId
    body: Text


class Edit(_Command, frozen=True, kw_only=True):
    """Say otherwise what was just said in a chat."""

    item: ItemId
    message: MessageId
    body: Annotated[str, Meta(min_length=1, max_length=10_000)]


class Delete(_Command, frozen=True, kw_only=True):
    """Take back what was just said in a chat."""

    item: ItemId
    message: MessageId


class Typing(_Command, frozen=True, kw_only=True):
    item: ItemId
    on: bool = True


class Read(_Command, frozen=True, kw_only=True):
    item: ItemId
    message: MessageId


class Compose(_Command, frozen=True, kw_only=True):
    channel: ChannelName
    body: Text
    customer: CustomerId | None = None
    to: Line | None = None
    subject: Line = ""
    queue: QueueName | None = None


class Take(_Command, frozen=True, kw_only=True):
    item: ItemId


class Park(_Command, frozen=True, kw_only=True):
    item: ItemId
    until: datetime | None = None


class Resume(_Command, frozen=True, kw_only=True):
    item: ItemId


class Reopen(_Command, frozen=True, kw_only=True):
    case: CaseId


class TagCase(_Command, frozen=True, kw_only=True, tag="tag"):
    case: CaseId
    add: tuple[Tag, ...] = ()
    remove: tuple[Tag, ...] = ()


class RunMacro(_Command, frozen=True, kw_only=True, tag="macro"):
    item: ItemId
    name: MacroName


class Transfer(_Command, frozen=True, kw_only=True):
    item: ItemId
    queue: QueueName | None = None
    agent: AgentName | None = None
    note: Line = ""
    misrouted: NotForMe | None = None


class AskCallback(_Command, frozen=True, kw_only=True, tag="callback"):
    """``at`` without an offset is a time in ``zone``; ``mine``: I am the one who is to call."""

    item: ItemId | None = None
    customer: CustomerId | None = None
    number: Line = ""
    at: datetime | None = None
    zone: Line = ""
    note: Line = ""
    mine: bool = False
    queue: QueueName | None = None


class MakePromise(_Command, frozen=True, kw_only=True, tag="promise"):
    item: ItemId
    text: Annotated[str, Meta(min_length=1, max_length=500)]
    due_at: datetime


class Peer(_Command, frozen=True, kw_only=True):
    """Something said to a colleague, or to everybody in a group; about ``item``, if given."""

    agent: AgentName | None = None
    group: Line = ""
    item: ItemId | None = None
    body: Annotated[str, Meta(min_length=1, max_length=LONGEST)]


class PeerRead(_Command, frozen=True, kw_only=True, tag="peer_read"):
    """What ``agent``, or the group, has written is read up to ``message``."""

    agent: AgentName | None = None
    group: Line = ""
    message: MessageId


class Wrapup(_Command, frozen=True, kw_only=True):
    item: ItemId
    code: Line = ""
    categories: tuple[Tag, ...] = ()
    note: Line = ""
    misrouted: NotForMe | None = None


Command = (
    State
    | Accept
    | Decline
    | Send
    | Note
    | Edit
    | Delete
    | Typing
    | Read
    | Compose
    | Take
    | Park
    | Resume
    | Reopen
    | TagCase
    | RunMacro
    | Transfer
    | AskCallback
    | MakePromise
    | Peer
    | PeerRead
    | Wrapup
)
