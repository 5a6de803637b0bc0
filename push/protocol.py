"""The frames of ``/agent/v1`` as types: the one description that code, tests and docs share.

Client frames that act are ``gateway.core.commands``; here are ``hello``, what the server says,
and the codes. ``docs/protocols/agent.md`` explains the rules; ``/api/asyncapi.json`` is
generated from these types.
"""

from datetime import datetime
from enum import IntEnum
from typing import Any, Literal

import msgspec
from msgspec import UNSET, Struct, UnsetType

from gateway.core.clocks import ClockKind
from gateway.core.commands import Command, Id
from gateway.core.ids import (
    AgentName,
    CommandId,
    ItemId,
    MessageId,
    OfferId,
    QueueName,
    TicketNumber,
)
from gateway.core.model import ChannelKind, CustomerBrief, Delivery, Message, Presence
from gateway.core.view import CapacityView, ItemView, OfferView, StateView
from gateway.core.wire import snake

SUBPROTOCOL = "switchroom.agent.v1"
VERSION = 1


class Close(IntEnum):
    """Why the server closed: what the client does next follows from the code."""

    BAD_HELLO = 4400
    BAD_TOKEN = 4401
    BAD_ORIGIN = 4403
    BAD_VERSION = 4406
    SILENT = 4408
    DRAIN = 1012
    SLOW = 1013


# -- client → server ------------------------------------------------------------------------


class ResumeFrom(Struct, frozen=True):
    """The last frame the client has seen."""

    epoch: int
    seq: int


class Hello(Struct, frozen=True, kw_only=True, tag_field="t", tag="hello"):
    """The first frame, within five seconds.

    ``pending`` lists the ids of commands that the client is about to repeat; with it the server
    looks only those up, without it every command it has not seen itself. ``watching``: this is no
    desktop, nobody works at it; it only shows what it asks to watch.
    """

    token: str
    versions: tuple[int, ...]
    resume: ResumeFrom | None = None
    unreachable: tuple[str, ...] = ()
    client: str = ""
    pending: tuple[CommandId, ...] | None = None
    watching: bool = False


class Watch(Struct, frozen=True, kw_only=True, tag_field="t", tag="watch"):
    """For supervisors: be told of ``what`` from now on, in ``live`` frames."""

    id: Id
    what: Literal["live"]


class Unwatch(Struct, frozen=True, kw_only=True, tag_field="t", tag="unwatch"):
    """Be told no more; ``watch`` is what the answer to ``watch`` named."""

    id: Id
    watch: str


Watching = Watch | Unwatch
ClientFrame = Hello | Command | Watch | Unwatch


# -- server → client ------------------------------------------------------------------------


class _Frame(Struct, frozen=True, kw_only=True, tag_field="t", tag=snake):
    pass


class _Numbered(_Frame, frozen=True, kw_only=True):
    """A frame that changes what the agent sees: counted per agent within an epoch.

    ``capacity`` is set where the change also altered how much of the agent is in use, so that
    a desktop that replays frames arrives at the snapshot's figure.
    """

    epoch: int
    seq: int
    capacity: CapacityView | UnsetType = UNSET


class AgentCard(Struct, frozen=True, kw_only=True):
    """Who is signed in."""

    name: str
    display_name: str
    role: Literal["agent", "supervisor", "admin"]


class Waiting(_Frame, frozen=True, kw_only=True, omit_defaults=True):
    """Why it takes so long, in words and by a code for the reader's own language."""

    reason: str
    code: str = ""


class Welcome(_Frame, frozen=True, kw_only=True):
    version: int
    session: str
    epoch: int
    seq: int
    node: str
    region: str
    peers: tuple[str, ...]
    heartbeat: float
    server_time: datetime
    agent: AgentCard
    ice_servers: tuple[dict[str, Any], ...] = ()


class Tick(_Frame, frozen=True, kw_only=True):
    server_time: datetime


class Snapshot(_Frame, frozen=True, kw_only=True):
    epoch: int
    seq: int
    state: StateView
    capacity: CapacityView
    offers: tuple[OfferView, ...]
    items: tuple[ItemView, ...]


class OfferFrame(_Numbered, frozen=True, kw_only=True, tag="offer"):
    offer: OfferId
    item: ItemView
    deadline: datetime
    customer: CustomerBrief | None
    reason: str
    bundle: OfferId | UnsetType = UNSET


class OfferGone(_Numbered, frozen=True, kw_only=True):
    offer: OfferId
    reason: str


class ItemFrame(_Numbered, frozen=True, kw_only=True, tag="item"):
    """The item as it is now; ``gone`` when it has left this agent's hands."""

    item: ItemView
    gone: bool = False


class MessageFrame(_Numbered, frozen=True, kw_only=True, tag="message"):
    item: ItemId
    message: Message


class DeliveryFrame(_Numbered, frozen=True, kw_only=True, tag="delivery"):
    item: ItemId | None
    message: MessageId
    state: Delivery
    reason: str = ""


class StateFrame(_Numbered, frozen=True, kw_only=True, tag="state", omit_defaults=True):
    """``notice`` says why nothing is offered to an agent who is ready: the site is closed."""

    state: Presence
    reason: str
    since: datetime
    notice: str = ""


class PeerFrame(_Numbered, frozen=True, kw_only=True, tag="peer"):
    """A colleague says something: to ``agent``, or to everybody in ``group``.

    Whoever wrote it is shown it too, in every tab. ``held`` is why it has not reached anybody yet,
    ``refused`` says that it never will; the same ``id`` again, without both: now it has.
    """

    id: MessageId
    by: AgentName = msgspec.field(name="from")
    agent: AgentName | UnsetType = UNSET
    group: str | UnsetType = UNSET
    item: ItemId | UnsetType = UNSET
    number: TicketNumber | UnsetType = UNSET
    body: str
    at: datetime
    held: str | UnsetType = UNSET
    refused: bool | UnsetType = UNSET


class PeerReadFrame(_Numbered, frozen=True, kw_only=True, tag="peer_read"):
    """The agent has read in this chat up to ``message``, in another tab perhaps."""

    agent: AgentName | UnsetType = UNSET
    group: str | UnsetType = UNSET
    message: MessageId


class TypingFrame(_Frame, frozen=True, kw_only=True, tag="typing"):
    item: ItemId
    who: str
    on: bool


class Alert(_Frame, frozen=True, kw_only=True):
    """For supervisors: a clock of this item has been overdue since ``due_at``; see to it.

    Passing, like typing: it has no number and is in no replay.
    """

    item: ItemId
    number: int
    queue: QueueName
    clock: ClockKind
    due_at: datetime | None


class LiveFrame(_Frame, frozen=True, kw_only=True, tag="live"):
    """The wallboard ``at`` a moment: the whole ``board``, or what ``changed`` since ``n - 1``.

    ``changed`` is a JSON Merge Patch (RFC 7396). ``every``: in how many seconds the next one comes.
    """

    watch: str
    n: int
    at: datetime
    every: float
    board: dict[str, Any] | UnsetType = UNSET
    changed: dict[str, Any] | UnsetType = UNSET


class Moved(_Frame, frozen=True, kw_only=True):
    url: str
    reason: str


class Ok(_Frame, frozen=True, kw_only=True):
    """``body`` holds what the command made, such as ``{"item": …, "number": …}``."""

    re: CommandId
    seq: int
    body: dict[str, Any] = {}


class Error(_Frame, frozen=True, kw_only=True):
    re: CommandId | None
    code: str
    detail: str
    field: str | UnsetType = UNSET


ServerFrame = (
    Waiting
    | Welcome
    | Tick
    | Snapshot
    | OfferFrame
    | OfferGone
    | ItemFrame
    | MessageFrame
    | DeliveryFrame
    | StateFrame
    | PeerFrame
    | PeerReadFrame
    | TypingFrame
    | Alert
    | LiveFrame
    | Moved
    | Ok
    | Error
)

NumberedFrame = (
    OfferFrame
    | OfferGone
    | ItemFrame
    | MessageFrame
    | DeliveryFrame
    | StateFrame
    | PeerFrame
    | PeerReadFrame
)

ERROR_CODES: dict[str, str] = {
    "bad_frame": "the frame is not valid; `field` names the part",
    "offer_gone": "the offer was answered, withdrawn or has passed its deadline",
    "not_found": "there is no such item, case, agent, queue or channel",
    "not_yours": "the item is not in your hands",
    "wrong_state": "the item's state does not allow this",
    "not_allowed": "your role, or the queue's policy, does not allow this",
    "refused_by_rule": "a rule of the house does not let this be said; `detail` has the reason",
    "too_long": "the text is longer than the channel can carry",
    "bad_address": "the address is not valid for the channel",
    "busy": "you have no capacity left for this kind of item",
    "too_many": "more commands than a desktop may send; pause, then repeat the same id",
    "unavailable": "the node cannot write to its journal just now; repeat the same id",
    "internal": "a fault of ours; it is logged under the command's id",
}

WAITING_CODES: dict[str, str] = {
    "arriving": "what you had in hand is being brought here",
    "beginning": "the node begins anew",
    "database": "the database does not answer, or does not take what is written",
    "handed_over": "another node is being handed what you have in hand",
    "held": "the node where you were has not let go of you yet",
    "leaving": "the node is giving you up, so that you can come again",
    "recording": "the node is recording that you are here",
    "taken_over": "the node where you were is gone; its work is being taken over",
}

encoder = msgspec.json.Encoder()
decode_client: msgspec.json.Decoder[ClientFrame] = msgspec.json.Decoder(ClientFrame)
decode_server: msgspec.json.Decoder[ServerFrame] = msgspec.json.Decoder(ServerFrame)
KINDS = tuple(ChannelKind)
