"""The seams of the house: what channels, push and the API may expect of the node, and it of them.

Nothing here knows aiohttp, asyncpg or a socket. A channel translates between an outside form
and ``Inbound``/``Outbound``; whatever it wants served it declares as routes; retries, journal,
routing and threading are the node's business.
"""

from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from datetime import datetime
from typing import Any, ClassVar, Literal, Never, Protocol, runtime_checkable

from msgspec import Struct, field

from gateway.core.calendars import Closed, Period
from gateway.core.commands import Command
from gateway.core.errors import Refused
from gateway.core.events import Entry
from gateway.core.ids import (
    AgentName,
    AttachmentId,
    CaseId,
    ChannelName,
    CustomerId,
    InboundId,
    ItemId,
    NodeName,
    OutboundId,
    Position,
    QueueName,
)
from gateway.core.inbound import Amend as Amend
from gateway.core.inbound import Claim as Claim
from gateway.core.inbound import Decided as Decided
from gateway.core.inbound import File as File
from gateway.core.inbound import Inbound as Inbound
from gateway.core.inbound import owner_of as owner_of
from gateway.core.model import (
    Attachment,
    Attributes,
    Case,
    ChannelKind,
    Delivery,
    Item,
    Message,
)
from gateway.core.owed import Callbacks
from gateway.core.shown import HeaderField, Invitation, ShownMail
from gateway.core.view import SnapshotView

# -- time -----------------------------------------------------------------------------------


class Clock(Protocol):
    """Time as the node sees it; tests pass their own."""

    def now(self) -> datetime:
        """The time of day, UTC."""
        ...

    def monotonic(self) -> float:
        """Seconds that never jump, for intervals."""
        ...


# -- inbound --------------------------------------------------------------------------------


class Accepted(Struct, frozen=True, kw_only=True):
    """The inbox has it on disk. ``fresh`` is false when this key was known before."""

    id: InboundId
    fresh: bool
    customer: CustomerId | None = None


class Memory(Struct, frozen=True, kw_only=True):
    """A channel's own state under one key (a mailbox cursor), written with what it is about.

    What is stored under a key never goes back to a lower ``progress``: such a write is ignored.
    """

    key: str
    value: bytes
    progress: int = 0


class Intake(Protocol):
    """Where channels bring what arrives."""

    async def receive(
        self, inbounds: Sequence[Inbound], memory: Memory | None = None
    ) -> list[Accepted]:
        """Store all of them and ``memory`` (all of one channel) in one commit; returns when done.

        Raises ``Refused('unavailable')`` while the database cannot be written: hold back at
        the source and try again.
        """
        ...

    async def decided(self, accepted: Accepted) -> Decided:
        """Wait until the inbound has been dealt with and that is on disk."""
        ...


class ChannelMemory(Protocol):
    """What a channel stored beside its inbounds.

    All raise ``Refused('unavailable')`` while the database does not answer.
    """

    async def load(self, channel: ChannelName, key: str) -> bytes | None: ...

    async def save(self, channel: ChannelName, memory: Memory) -> None: ...

    async def swap(self, channel: ChannelName, key: str, known: bytes | None, value: bytes) -> bool:
        """Store ``value`` if what is stored is still ``known``, for what several nodes write.

        ``None``: if nothing is. Returns whether it was; whoever is told no reads again.
        """
        ...


# -- outbound -------------------------------------------------------------------------------


class Outbound(Struct, frozen=True, kw_only=True):
    """One attempt to bring something to the outside.

    ``repeat`` is true when an earlier attempt's outcome is unknown: send the same identity and
    bytes again, so that the receiver can recognise it. For ``purpose`` "message", ``message``
    is what to send; for "status" ``payload`` says what changed. ``only`` are the recipients who
    do not have it yet, where others do. ``token`` names the ticket, signed
    (``core.replytoken``): what answers carry back.
    """

    id: OutboundId
    channel: ChannelName
    purpose: Literal["message", "status"]
    created_at: datetime
    attempt: int
    repeat: bool
    address: str
    number: int | None = None
    case: CaseId | None = None
    item: ItemId | None = None
    message: Message | None = None
    thread: tuple[str, ...] = ()
    files: tuple[File, ...] = ()
    payload: Attributes = field(default_factory=dict)
    only: tuple[str, ...] = ()
    token: str = ""


class Receipt(Struct, frozen=True, kw_only=True):
    """The outside took it; ``external_id`` is its name there.

    ``reason`` is whom it was not taken for, and why; ``later`` those of them to be tried again.
    """

    external_id: str = ""
    delivery: Delivery = Delivery.SENT
    reason: str = ""
    later: tuple[str, ...] = ()


# -- what is served -------------------------------------------------------------------------

Role = Literal["agent", "supervisor", "admin"]
Access = Literal["public", "agent", "supervisor", "admin"]


class Principal(Struct, frozen=True, kw_only=True):
    """Who is asking, from a valid token."""

    name: AgentName
    role: Role
    token: str
    display_name: str = ""

    def may(self, needed: Access) -> bool:
        ranks = {"public": 0, "agent": 1, "supervisor": 2, "admin": 3}
        return ranks[self.role] >= ranks[needed]


class HttpRequest(Struct, frozen=True, kw_only=True):
    """A request as a handler sees it. ``body`` is raw: signatures are checked before parsing.

    ``once`` names it, if it may come again: whoever does it writes that down with its effect.
    ``target`` is the path with the query as it was sent, for signatures.
    """

    method: str
    path: str
    params: Mapping[str, str]
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes
    remote: str
    principal: Principal | None = None
    once: str = ""
    target: str = ""


class HttpAnswer(Struct, frozen=True, kw_only=True):
    """``body`` bytes go out as they are; anything else is encoded as JSON."""

    status: int = 200
    body: Any = b""
    type: str = "application/json"
    headers: Mapping[str, str] = field(default_factory=dict)


class HttpRoute(Struct, frozen=True, kw_only=True):
    """A resource to be served. ``takes`` and ``gives`` are types, for checks and OpenAPI.

    ``asks`` is a struct whose fields are the query's parameters; ``produces`` the media type of
    the answer.
    ``cors`` answers which origin may call it from a browser (``None``: same origin only);
    ``anywhere`` marks a GET that another node may have to answer;
    ``secret`` marks an answer that must not be kept; ``once`` a handler that heeds the request's.
    Of several routes with one path the first is served whose ``select`` wants the request.
    ``admit`` is entered before the body is read, with a request that has none, and left with the
    answer; who comes is then its business alone (no ``principal``). It raises ``Refused``.
    """

    method: str
    path: str
    handle: Callable[[HttpRequest], Awaitable[HttpAnswer]]
    summary: str
    access: Access = "agent"
    takes: Any = None
    gives: Any = None
    asks: Any = None
    produces: str = "application/json"
    status: int = 200
    tag: str = ""
    max_body: int = 1_048_576
    cors: Callable[[str], bool] | None = None
    secret: bool = False
    once: bool = False
    anywhere: bool = False
    select: Callable[[HttpRequest], bool] | None = None
    admit: Callable[[HttpRequest], AbstractAsyncContextManager[None]] | None = None


class Socket(Protocol):
    """One websocket connection, text frames."""

    remote: str
    origin: str | None

    def post(self, *frames: str | bytes) -> None:
        """Write without waiting, in this order; ``bytes`` are text that is in UTF-8 already.

        A peer too slow to read is closed with 1013, never buffered on.
        """
        ...

    async def receive(self) -> str:
        """The next frame; raises ``SocketClosed``."""
        ...

    async def close(self, code: int, reason: str = "") -> None: ...


class SocketClosed(Exception):
    """The connection is gone, with the close code."""

    def __init__(self, code: int) -> None:
        super().__init__(f"closed with {code}")
        self.code = code


class SocketRoute(Struct, frozen=True, kw_only=True):
    """A websocket endpoint; ``handle`` lives as long as the connection does.

    Several routes may share a path if each has ``select``: the mounter reads the first frame,
    within five seconds, and hands the connection (that frame is then received first) to the
    first route that wants it.
    """

    path: str
    subprotocol: str
    handle: Callable[[Socket], Awaitable[None]]
    select: Callable[[str], bool] | None = None
    max_frame: int = 1_048_576


Route = HttpRoute | SocketRoute

# -- the channel itself ---------------------------------------------------------------------


class Limits(Struct, frozen=True, kw_only=True):
    """What a channel can carry, so that the composer adapts."""

    max_text: int = 100_000
    html: bool = False
    subject: bool = False
    attachments: bool = True
    max_attachment_bytes: int = 25_000_000


class Channel(Protocol):
    """An adapter. It translates; it keeps no retry ladder and never sees the database."""

    name: ChannelName
    kind: ChannelKind
    limits: Limits

    def routes(self) -> Sequence[Route]:
        """What it wants served."""
        ...

    async def run(self, ready: Callable[[], None]) -> Never:
        """Work until cancelled; call ``ready`` once connected. Raises ``ChannelError``.

        Under a duty (``ChannelType.duty``) it is cancelled when that goes to another node, and
        begins anew from what is stored when it comes back.
        """
        ...

    async def send(self, out: Outbound) -> Receipt:
        """One attempt. Raises ``SendError``; any other outcome counts as unknown."""
        ...

    async def check(self) -> list[tuple[str, str | None]]:
        """Really connect; what was tried, and the fix where it failed (``switchroom check``)."""
        ...


# -- helping a person to set one up ---------------------------------------------------------


class Step(Struct, frozen=True, kw_only=True):
    """One thing that was tried; ``fix`` says what to do, ``null``: it works."""

    what: str
    fix: str | None = None


class Guess(Struct, frozen=True, kw_only=True):
    """Settings that may fit, and in sentences why; ``hint`` is about signing in.

    ``consent``: one signs in at the provider, in the browser.
    """

    settings: dict[str, Any]
    because: tuple[str, ...] = ()
    provider: str = ""
    hint: str = ""
    consent: bool = False


class Proof(Struct, frozen=True, kw_only=True):
    """Something that a channel sends to itself, and what has been seen of it so far.

    ``marks`` find it again, ``began`` is when it was sent.
    """

    marks: tuple[str, ...]
    began: datetime
    steps: tuple[Step, ...] = ()
    done: bool = False


ConsentWay = Literal["code", "page"]


class Consent(Struct, frozen=True, kw_only=True):
    """How far an admin's sign-in at a provider is.

    ``code`` is typed at ``url``; without one ``url`` is opened, and the provider comes back to
    ``back``, which has to be registered there. One may ask ``every`` so many seconds.
    """

    state: Literal["none", "waiting", "granted", "refused"]
    ways: tuple[ConsentWay, ...]
    url: str = ""
    code: str = ""
    until: datetime | None = None
    every: float = 5.0
    reason: str = ""
    back: str = ""


@runtime_checkable
class Proves(Protocol):
    """A channel that can send something to itself and see it arrive."""

    async def send_proof(self) -> Proof:
        """Raises ``Refused`` if that cannot be done with it."""
        ...

    async def look_for_proof(self, proof: Proof) -> Proof: ...


@runtime_checkable
class AsksConsent(Protocol):
    """A channel into which somebody may let us by signing in at a provider."""

    async def begin_consent(self, way: ConsentWay, back: str) -> Consent: ...

    async def consent(self) -> Consent | None:
        """How far it is, asked anew; ``None``: none is needed."""
        ...

    async def came_back(self, query: Mapping[str, str]) -> Consent:
        """The provider has sent the admin back, with this."""
        ...


# -- what the node offers -------------------------------------------------------------------


class Feed(Protocol):
    """Committed events, in order. A subscriber must not block and must not raise."""

    def subscribe(self, consumer: Callable[[Sequence[Entry]], None]) -> Callable[[], None]:
        """``consumer`` sees every batch committed from now on; returns what ends it."""
        ...


class LiveFigures(Struct, frozen=True, kw_only=True):
    """The wallboard ``at`` a moment: a JSON document without nulls (``core.wallboard_sum``)."""

    at: datetime
    board: dict[str, Any]


class Live(Protocol):
    """How it is just now, in the whole installation."""

    async def figures(self) -> LiveFigures:
        """As of now; returns once what it rests on has committed. Raises ``Refused``."""
        ...


class PeerEntry(Entry, frozen=True, gc=False):
    """What another node has committed, as its journal tells it: without the rows.

    ``case`` and ``item`` are what it is about; the rows are on disk.
    """

    case: CaseId | None = None
    item: ItemId | None = None


class PeerFeed(Protocol):
    """What other nodes have committed, in the order of each. Who subscribes must not block."""

    def subscribe(
        self,
        consumer: Callable[[NodeName, Sequence[PeerEntry]], None],
        kinds: Collection[type[Any]] | None = None,
    ) -> Callable[[], None]:
        """``consumer`` sees what happens from now on, of these types of event (all, if ``None``).

        Returns what ends it.
        """
        ...


class Answer(Struct, frozen=True, kw_only=True):
    """A command's answer, on disk together with its effect. ``body`` joins the ``ok`` frame."""

    body: dict[str, Any] = field(default_factory=dict)


class Attached(Struct, frozen=True, kw_only=True):
    """A desktop's attachment, recorded at ``position``.

    ``snapshot`` is what the agent has right after that entry; ``epoch`` numbers the claim.
    Nothing of it may be shown before ``position`` has committed.
    """

    position: Position
    epoch: int
    snapshot: SnapshotView


class Here(Struct, frozen=True):
    """This node is the agent's home: attach, in the same turn of the loop."""


class Elsewhere(Struct, frozen=True):
    """Another node that serves is the agent's home; desktops reach it at ``url``."""

    url: str


class Later(Struct, frozen=True):
    """It is not to be had just now; ``reason`` is for the agent. Ask again.

    ``code`` is one of ``push.protocol.WAITING_CODES``, or empty: then only the text tells.
    """

    reason: str
    code: str = ""


class Homes(Protocol):
    """Each agent is at home at one node, which alone attaches the agent's desktops."""

    async def claim(
        self, agent: AgentName, unreachable: Collection[str]
    ) -> Here | Elsewhere | Later:
        """Become the agent's home unless another node is.

        ``unreachable`` are URLs that the desktop has tried in vain.
        """
        ...


class Desk(Protocol):
    """Agents' hands: attachment of desktops, and their commands."""

    def attach(self, agent: AgentName, tab: str) -> Attached:
        """A desktop has come. Raises ``Refused``."""
        ...

    def detach(self, agent: AgentName, tab: str, reason: str) -> None: ...

    async def act(self, agent: AgentName, command: Command, *, maybe_repeated: bool) -> Answer:
        """Do it once and answer when it is on disk; the same id again gets the same answer.

        ``maybe_repeated`` asks the database too, for an id this process has not seen.
        Raises ``Refused``, which is an answer as well.
        """
        ...


class Auth(Protocol):
    """Who holds a token."""

    async def principal(self, token: str) -> Principal | None: ...


class Conversations(Protocol):
    """What a channel may read of its own conversations; only what has committed."""

    async def case(self, case: CaseId) -> Case | None: ...

    async def item_of(self, case: CaseId) -> Item | None:
        """The case's open work item, if it has one, whichever node decides about it."""
        ...

    async def promises_of(self, case: CaseId) -> list[Item]:
        """What is promised in the case and still open, whichever node decides about it."""
        ...

    async def messages(
        self, case: CaseId, after_seq: int, *, customer_view: bool, limit: int = 200
    ) -> list[Message]:
        """Messages in order; ``customer_view`` leaves notes out."""
        ...

    async def known_as(self, customer: CustomerId) -> frozenset[str]:
        """The customer's identities, as ``core.ticket.plain`` has them."""
        ...

    async def open_case_of(self, kind: str, value: str, channel: ChannelName) -> Case | None:
        """The open case of a verified identity in one channel."""
        ...

    async def waiting(self, cases: Iterable[CaseId]) -> dict[CaseId, tuple[int, float]]:
        """Place in the queue (1 is next) and expected wait in seconds, of those that are queued.

        Places at one moment, told when that moment is on disk.
        """
        ...

    async def file(
        self, attachment: AttachmentId, kind: str, value: str, channel: ChannelName
    ) -> tuple[Attachment, bytes] | None:
        """A file that the holder of a verified identity sent or was sent in this channel."""
        ...


class Files(Protocol):
    """Attachments: stored under their hash; an id is good once, for an hour."""

    async def put(self, file: File, owner: str) -> Attachment:
        """Keep an upload for a message of ``owner``; for ``owner_of`` an inbound's sender.

        Raises ``Refused``: ``infected`` if a scanner finds something in it, ``unavailable``.
        """
        ...

    async def get(self, attachment: AttachmentId) -> tuple[Attachment, bytes] | None: ...


class Signals(Protocol):
    """Passing signs that are not state and are never journaled: typing."""

    def typing(self, case: CaseId, who: str, *, on: bool, by_customer: bool) -> None: ...

    def subscribe(self, listener: Callable[[CaseId, str, bool, bool], None]) -> Callable[[], None]:
        """``listener(case, who, on, by_customer)``."""
        ...


async def _no_form(_request: HttpRequest) -> File:
    raise Refused("not_available", "nothing reads forms here", "file")


def _no_file(_data: bytes, _name: str, _kind: str) -> HttpAnswer:
    raise Refused("not_available", "nothing hands out files here")


class Services(Struct, frozen=True, kw_only=True):
    """All that a channel is given when it is opened.

    ``agent_name`` turns an agent's login into the name that customers see; ``knows_queue`` tells
    whether there is a queue of that name, so that a wrong one can be refused at once. ``closed``
    tells until when a queue is closed, if it is, ``openings`` when it is open in the next weeks,
    ``callbacks`` how it calls back. ``own_page`` tells whether an origin is that of our own pages,
    whichever node served them; ``peers`` gives the other nodes' ``/chat/v1``, as visitors reach
    them; ``others`` tells what other nodes have committed about conversations followed here;
    ``anywhere`` is memory that each node may write, also without the channel's duty. ``form_file``
    reads the part named ``file`` of a multipart body, and raises ``Refused``; ``hand_out`` answers
    with a file of this name and type so that it acts in no browser. ``received`` tells whether
    something came under that key before, at whatever node.
    """

    clock: Clock
    intake: Intake
    memory: ChannelMemory
    conversations: Conversations
    feed: Feed
    files: Files
    signals: Signals
    delivered: Callable[[Message, Delivery, str], None]
    secret: bytes
    public_url: str
    node: NodeName
    agent_name: Callable[[AgentName], str] = str
    knows_queue: Callable[[QueueName], bool] = lambda _name: True
    closed: Callable[[QueueName], Closed | None] = lambda _name: None
    openings: Callable[[QueueName], tuple[Period, ...]] = lambda _name: ()
    callbacks: Callable[[QueueName], Callbacks] = lambda _name: Callbacks()
    own_page: Callable[[str], bool] = lambda _origin: False
    peers: Callable[[], tuple[str, ...]] = tuple
    others: PeerFeed | None = None
    anywhere: ChannelMemory | None = None
    form_file: Callable[[HttpRequest], Awaitable[File]] = _no_form
    hand_out: Callable[[bytes, str, str], HttpAnswer] = _no_file
    received: Callable[[ChannelName, str], Awaitable[bool]] | None = None


class Prefer(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where what only one node may do should be done while that node, or region, is there."""

    node: str = ""
    region: str = ""


class ChannelSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What every ``[[channel]]`` has; each kind adds its own.

    ``prefer`` is where a channel that only one node may run (a mailbox) runs if it can.
    """

    name: ChannelName
    kind: ClassVar[str]
    queue: QueueName = QueueName("general")
    prefer: Prefer | None = None


SECRETS = frozenset(
    {
        *("password", "secret", "token", "key", "client_secret", "refresh_token", "access_token"),
        *("auth_token", "verify_token", "api_key", "api_secret", "app_secret"),
        *("identity_key", "signing_secret", "old_secret", "signing_keys"),
    }
)
"""How settings usually call what nobody should read."""


def _every_node(_settings: Any) -> str | None:
    return None


class Shows(Protocol):
    """Makes mails, and what comes with them, readable for people. Never raises; may take long.

    ``inside`` is the place of a file in a mail: its number, after that of each mail around it.
    """

    def header(self, raw: bytes) -> tuple[HeaderField, ...]: ...

    def mail(self, raw: bytes, inside: str = "") -> ShownMail | None:
        """The mail, or the one at ``inside`` of it."""
        ...

    def file(self, raw: bytes, inside: str) -> File | None: ...

    def invitations(self, data: bytes) -> tuple[Invitation, ...]:
        """The events of a calendar file."""
        ...

    def clean(self, html: str) -> str:
        """HTML that one of us sends, without what acts or calls home in a reader's browser."""
        ...


class ChannelType(Struct, frozen=True, kw_only=True):
    """One line of the table of kinds: how to read its settings, how to open it.

    ``duty`` names what only one node may do at a time under these settings (read one mailbox):
    the channel's ``run`` then works at one node, while every node may ``send``. ``shows`` reads
    for people what the channel brought, if that is more than text. ``guess`` finds settings for
    an address. What is set under one of the names in ``secrets`` is never shown again.
    """

    kind: ChannelKind
    settings: type[Any]
    open: Callable[[Any, Services], Channel]
    duty: Callable[[Any], str | None] = _every_node
    shows: Shows | None = None
    guess: Callable[[str], Awaitable[Guess]] | None = None
    secrets: frozenset[str] = SECRETS
