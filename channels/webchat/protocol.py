"""The frames of ``/chat/v1`` as types: the one description that code, tests and docs share.

``docs/protocols/chat.md`` explains the rules; ``/api/asyncapi.json`` is generated from these.
"""

from datetime import datetime
from enum import IntEnum
from typing import Annotated, Literal

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType

from channels.webchat.cards import CallbackCard as CallbackCard
from channels.webchat.cards import FilesCard as FilesCard
from channels.webchat.cards import PromiseCard as PromiseCard
from channels.webchat.cards import Site as Site
from channels.webchat.reading import BadFrame as BadFrame
from channels.webchat.reading import channel_of as channel_of
from channels.webchat.reading import explain, id_of
from gateway.core.ids import AttachmentId, CaseId, MessageId
from gateway.core.wire import snake

SUBPROTOCOL = "switchroom.chat.v1"
PATH = "/chat/v1"
VERSION = 1
HELLO_SECONDS = 5.0
MAX_BODY = 10_000
MAX_FRAME = 131_072


class Close(IntEnum):
    """Why the server closed; the same codes as ``/agent/v1``."""

    BAD_HELLO = 4400
    BAD_ORIGIN = 4403
    BAD_VERSION = 4406
    SILENT = 4408
    INTERNAL = 1011
    DRAIN = 1012
    SLOW = 1013


Id = Annotated[str, Meta(min_length=8, max_length=64, pattern=r"^[A-Za-z0-9_-]+$")]
Seq = Annotated[int, Meta(ge=0)]
Token = Annotated[str, Meta(max_length=4_096)]
Line = Annotated[str, Meta(max_length=200)]
Url = Annotated[str, Meta(max_length=2_000)]
Body = Annotated[str, Meta(min_length=1)]  # the upper bound is a rule of its own: `too_long`

# -- client → server ------------------------------------------------------------------------


class _Said(Struct, frozen=True, kw_only=True, tag_field="t", tag=snake):
    pass


class ResumeFrom(Struct, frozen=True, kw_only=True):
    """The last message the client has shown, and of which conversation."""

    seq: Seq
    conversation: CaseId | None = None


class Profile(Struct, frozen=True, kw_only=True):
    """What the visitor says of themself: claims, never an identity."""

    name: Line = ""
    email: Line = ""
    phone: Line = ""


class Hello(_Said, frozen=True, kw_only=True):
    """The first frame, within five seconds.

    ``visitor`` is the token of an earlier ``welcome``; ``identity`` a JWT (HS256) that the host
    site signed with the channel's ``identity_key``.
    """

    channel: str
    versions: tuple[int, ...] = (VERSION,)
    visitor: Token | None = None
    identity: Token | None = None
    resume: ResumeFrom | None = None
    profile: Profile | None = None
    locale: Annotated[str, Meta(max_length=35)] = ""
    page: Url = ""


class Send(_Said, frozen=True, kw_only=True):
    """``attachments`` are ids of uploads; with them ``body`` may be empty."""

    id: Id
    body: str = ""
    attachments: Annotated[
        tuple[Annotated[AttachmentId, Meta(max_length=64)], ...], Meta(max_length=20)
    ] = ()


class Edit(_Said, frozen=True, kw_only=True):
    """Say otherwise what was just said."""

    id: Id
    message: MessageId
    body: Body


class Delete(_Said, frozen=True, kw_only=True):
    id: Id
    message: MessageId


class Typing(_Said, frozen=True, kw_only=True):
    on: bool


class Read(_Said, frozen=True, kw_only=True):
    seq: Seq


class Callme(_Said, frozen=True, kw_only=True):
    """``at`` without an offset is a time in ``zone``; left out: as soon as possible."""

    number: Line
    at: datetime | None = None
    zone: Line = ""
    id: Id | None = None


class Times(_Said, frozen=True, kw_only=True):
    """When can I be called? Answered with ``times``."""

    id: Id


class CancelCall(_Said, frozen=True, kw_only=True):
    """Do not call me after all."""

    id: Id


class Voice(_Said, frozen=True, kw_only=True):
    on: bool | None = None
    video: bool | None = None
    id: Id | None = None


class End(_Said, frozen=True, kw_only=True):
    id: Id | None = None


class Survey(_Said, frozen=True, kw_only=True):
    """How it went: ``score`` from 1 to 5, perhaps a ``comment``; ``id`` is that of the survey."""

    id: Id
    answers: dict[str, str | int | None]


class Sip(_Said, frozen=True, kw_only=True):
    data: str


ClientFrame = (
    Hello
    | Send
    | Edit
    | Delete
    | Typing
    | Read
    | Callme
    | Times
    | CancelCall
    | Voice
    | End
    | Survey
    | Sip
)
Brought = Send | Edit | Delete | End | Callme | CancelCall | Survey
"""What goes to the intake."""

NOT_YET: dict[type[ClientFrame], str] = {
    Voice: "calls from the chat window are not offered yet",
    Sip: "calls from the chat window are not offered yet",
}
"""Frames that are understood, and answered with ``not_available``, with what is missing."""

# -- server → client ------------------------------------------------------------------------

ChatState = Literal["queued", "active", "closed", "offline"]


class _Told(Struct, frozen=True, kw_only=True, tag_field="t", tag=snake, omit_defaults=True):
    pass


class Welcome(_Told, frozen=True, kw_only=True):
    """Who the visitor is and where the conversation stands; messages after ``resume`` follow.

    It is sent again, with a new token, whenever the visitor's conversation becomes another one:
    with the first message, and with the first after the last one was closed. ``conversation``
    is ``None`` until something was said; ``seq`` is the conversation's newest. ``anew``: the
    token was not honoured, so what the window remembers is another person's; it forgets it.
    ``peers`` are the other nodes that serve just now: where to go when this one is gone.
    """

    version: int
    visitor: str
    conversation: CaseId | None
    number: int | None
    seq: int
    state: ChatState
    heartbeat: float
    site: Site
    anew: bool = False
    peers: tuple[str, ...] = ()
    opens_at: datetime | UnsetType = UNSET


class Tick(_Told, frozen=True, kw_only=True):
    """A sign of life each ``heartbeat`` seconds."""


class Author(Struct, frozen=True, kw_only=True):
    kind: Literal["customer", "agent", "system"]
    name: str


class AttachmentCard(Struct, frozen=True, kw_only=True):
    id: AttachmentId
    name: str
    type: str
    size: int


class MessageFrame(_Told, frozen=True, kw_only=True, tag="message"):
    """``client_id`` is the ``id`` of the visitor's own ``send``.

    ``edited``: it said something else before; ``deleted``: it says nothing any more.
    """

    seq: int
    id: MessageId
    author: Author
    body: str
    at: datetime
    attachments: tuple[AttachmentCard, ...]
    client_id: str | UnsetType = UNSET
    quick_replies: tuple[str, ...] | UnsetType = UNSET
    edited: bool = False
    deleted: bool = False


class Edited(_Told, frozen=True, kw_only=True):
    seq: int
    message: MessageId
    body: str


class Deleted(_Told, frozen=True, kw_only=True):
    seq: int
    message: MessageId


class Delivered(_Told, frozen=True, kw_only=True):
    """The visitor's messages up to ``seq`` are in the hands of a person."""

    seq: int


class ReadFrame(_Told, frozen=True, kw_only=True, tag="read"):
    """The visitor's messages up to ``seq`` have been read."""

    seq: int


class TypingFrame(_Told, frozen=True, kw_only=True, tag="typing"):
    on: bool
    name: str


class State(_Told, frozen=True, kw_only=True):
    """``position`` (1 is next) and ``estimate`` (seconds) while queued, ``agent`` while active.

    ``offline``: the house is closed, until ``opens_at`` if that is known; what is said waits.
    ``callback``: the visitor is called instead; ``promises`` are those that are open. ``callme``:
    the window should offer a call-back, for the wait is long or the house closed.
    """

    state: ChatState
    position: int | UnsetType = UNSET
    estimate: int | UnsetType = UNSET
    agent: str | UnsetType = UNSET
    opens_at: datetime | UnsetType = UNSET
    callback: CallbackCard | UnsetType = UNSET
    promises: tuple[PromiseCard, ...] = ()
    callme: bool = False


class TimesFrame(_Told, frozen=True, kw_only=True, tag="times"):
    """When the visitor can be called: ``periods`` from when until when, the first is now if open.

    ``example`` is a number as it should be written.
    """

    re: str
    periods: tuple[tuple[datetime, datetime], ...]
    example: str = ""


class SurveyFrame(_Told, frozen=True, kw_only=True, tag="survey"):
    """Ask how it went; ``questions`` are the house's own words, if it has any."""

    id: str
    questions: tuple[str, ...]


class Ok(_Told, frozen=True, kw_only=True):
    """It is on disk. ``conversation`` says of which conversation ``seq`` is."""

    re: str
    seq: int
    conversation: CaseId | UnsetType = UNSET


class Error(_Told, frozen=True, kw_only=True):
    """``after`` is how many seconds to wait before the same ``id`` may be sent again."""

    re: str | None
    code: str
    detail: str
    field: str | UnsetType = UNSET
    after: float | UnsetType = UNSET


class Moved(_Told, frozen=True, kw_only=True):
    """Reconnect at ``url``."""

    url: str


ServerFrame = (
    Welcome
    | Tick
    | MessageFrame
    | Edited
    | Deleted
    | Delivered
    | ReadFrame
    | TypingFrame
    | State
    | TimesFrame
    | SurveyFrame
    | Ok
    | Error
    | Moved
)

ERROR_CODES: dict[str, str] = {
    "bad_frame": "the frame is not valid; `field` names the part; the connection lives",
    "not_available": "understood, but this installation does not offer it; `detail` names what",
    "too_long": "the text is longer than 10,000 characters",
    "too_fast": "too many messages in a minute; send the same id again `after` seconds",
    "bad_number": "the number cannot be called; `detail` says how to write it",
    "refused": "it was not taken, or is kept back for a person to look at; `detail` says which",
    "unavailable": "nothing can be written just now; send the same id again `after` seconds",
    "internal": "a fault of ours; send the same id again",
}

_encoder = msgspec.json.Encoder()
_client: msgspec.json.Decoder[ClientFrame] = msgspec.json.Decoder(ClientFrame)
_server: msgspec.json.Decoder[ServerFrame] = msgspec.json.Decoder(ServerFrame)


def encode(frame: ServerFrame | ClientFrame) -> str:
    return _encoder.encode(frame).decode()


def decode_server(text: str) -> ServerFrame:
    return _server.decode(text)


def decode_client(text: str) -> ClientFrame:
    """Raises ``BadFrame``."""
    try:
        return _client.decode(text)
    except msgspec.ValidationError as error:
        raise BadFrame(*explain(str(error)), id_of(text)) from None
    except (msgspec.DecodeError, UnicodeError):
        raise BadFrame("a frame is one JSON object", "", None) from None
