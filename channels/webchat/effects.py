"""What a session asks its connection to do, and what it is told about a conversation."""

from msgspec import UNSET, Struct

from channels.webchat.protocol import Brought, Close, Error, Hello, ServerFrame, Site
from channels.webchat.visitor import Visitor
from gateway.core.ids import CaseId
from gateway.core.model import Case, Delivery, Item, Message

Waiting = tuple[int, float] | None
"""Place in the queue (1 is next) and expected wait in seconds; ``None`` when not queued."""


class Post(Struct, frozen=True):
    """Send this frame."""

    frame: ServerFrame


class Greet(Struct, frozen=True):
    """Find out who this is, then call ``entered``."""

    hello: Hello


class Enter(Struct, frozen=True):
    """Follow this conversation from now on, then call ``entered`` with how it stands."""

    conversation: CaseId


class Load(Struct, frozen=True):
    """Read the messages after this ``seq``, then call ``loaded``."""

    conversation: CaseId
    after: int


class Bring(Struct, frozen=True):
    """Take this to the intake, then call ``decided`` or ``refused``."""

    said: Brought


class Mark(Struct, frozen=True):
    """An agent's message has come this far."""

    message: Message
    delivery: Delivery


class Typed(Struct, frozen=True):
    """The customer began or stopped typing."""

    conversation: CaseId
    on: bool


class Leave(Struct, frozen=True):
    """Close the connection."""

    code: Close
    reason: str


Effect = Post | Greet | Enter | Load | Bring | Mark | Typed | Leave


class Entered(Struct, frozen=True, kw_only=True):
    """How a conversation stands when a session begins to follow it.

    ``peers`` are the other nodes' ``/chat/v1``. ``anew``: the client's token was not honoured, and
    this is another visitor. ``known`` are the identities of the conversation's customer.
    """

    visitor: Visitor
    token: str
    site: Site
    heartbeat: float
    case: Case | None = None
    known: frozenset[str] = frozenset()
    item: Item | None = None
    promises: tuple[Item, ...] = ()
    waiting: Waiting = None
    anew: bool = False
    peers: tuple[str, ...] = ()


def error_of(re: str | None, code: str, detail: str, field: str | None = None) -> Post:
    """The frame that says that it was not done, and why."""
    return Post(Error(re=re, code=code, detail=detail, field=UNSET if field is None else field))
