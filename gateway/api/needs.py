"""What REST asks of the store, by aggregate, and of the process around it.

Everything here answers committed facts by indexed keys. All raise ``Unavailable`` while there is
no database.
"""

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, Protocol, TypeVar, runtime_checkable

from msgspec import Struct

from gateway.api.channel_cards import ChannelCard
from gateway.core.duties import DutyState
from gateway.core.ids import (
    AgentName,
    CaseId,
    ChannelName,
    CustomerId,
    InboundId,
    ItemId,
    MessageId,
    NodeName,
    OutboundId,
    QueueName,
)
from gateway.core.inbound import Inbound
from gateway.core.model import AgentStatus, Case, Item, Outgoing
from gateway.core.moving import Sent
from gateway.core.pool import NodeCapacity
from gateway.core.wallboard_sum import Board
from gateway.ports import Channel, Guess, Role
from gateway.store.contract import ItemFilter, Page, Received
from gateway.store.lookout import Standing
from gateway.store.retention import Removed
from gateway.store.views import (
    Begun,
    CustomerCard,
    KeyName,
    Named,
    NodeCard,
    RawInbound,
    TokenRow,
)


class Tokens(Protocol):
    """Tokens and logins."""

    async def holder(self, sha256: bytes) -> TokenRow | None:
        """Whose valid token this is: neither revoked nor expired."""
        ...

    async def dead(self, ids: Collection[str]) -> set[str]:
        """Which of these are not valid any more."""
        ...

    async def add(self, row: TokenRow, sha256: bytes) -> None: ...

    async def revoke(self, token: str) -> TokenRow | None:
        """End it; ``None`` if there is no such token that was valid."""
        ...

    async def revoke_all_of(self, principal: AgentName) -> None: ...

    async def listed(self, principal: str, cursor: str, limit: int) -> Page:
        """Valid ones, newest first (``TokenRow``); ``principal`` empty: everybody's."""
        ...

    async def login(self, name: str) -> tuple[str, Role] | None:
        """Password hash and role."""
        ...

    async def save_login(self, name: AgentName, password: str, role: Role) -> None:
        """``password`` is the hash."""
        ...

    async def drop_login(self, name: AgentName) -> None: ...


class Presences(Protocol):
    """Agents at work, whichever node they are at."""

    async def statuses(self, names: Collection[AgentName]) -> dict[AgentName, AgentStatus]:
        """These agents as they were last written; whoever never came is not among them."""
        ...


class People(Protocol):
    """Customers, their identities, their history."""

    async def customer(self, customer: CustomerId) -> CustomerCard | None: ...

    async def of_identity(self, kind: str, value: str) -> list[CustomerCard]:
        """The verified one first, then the claimed one."""
        ...

    async def timeline(self, customer: CustomerId, cursor: str, limit: int) -> Page:
        """``TimelineEntry``, newest first."""
        ...

    async def put(
        self,
        kind: str,
        value: str,
        *,
        name: str | None,
        language: str | None,
        worth: int | None,
        attributes: Mapping[str, Any] | None,
    ) -> CustomerCard:
        """The customer of a verified identity, made if new, with these fields changed."""
        ...


class Erasing(Protocol):
    """Forgets customers (``store.retention`` fits)."""

    async def erase(self, customer: CustomerId) -> Removed:
        """All that is known of one, or nothing while something of theirs is ``busy``."""
        ...


class Listing(Protocol):
    """Lists for people who look after the work."""

    async def items(self, wanted: ItemFilter, cursor: str, limit: int) -> Page:
        """``(Item, Case)``, newest first."""
        ...

    async def item(self, item: ItemId) -> tuple[Item, Case] | None: ...

    async def owner_of(self, item: ItemId) -> NodeName | None:
        """Which node decides about an open item."""
        ...

    async def carrier_of(self, outbound: OutboundId) -> NodeName | None:
        """Which node brings an order to the outside, or would."""
        ...

    async def open_elsewhere(self, queue: QueueName, me: NodeName) -> dict[NodeName, int]:
        """How many open items of the queue other nodes have."""

    async def items_of(self, case: CaseId) -> list[Item]: ...

    async def trace(self, item: ItemId, case: CaseId, cursor: str, limit: int) -> Page:
        """``Traced`` entries of the item and of its case, oldest first."""
        ...

    async def quarantined(self, cursor: str, limit: int) -> Page: ...

    async def raw(self, inbound: InboundId) -> RawInbound | None:
        """The bytes as they came; only of a quarantined inbound."""
        ...

    async def raw_of(self, message: MessageId) -> RawInbound | None:
        """The bytes that a message came in, if they are kept."""
        ...

    async def retry(self, inbound: InboundId) -> Received | None:
        """Make a quarantined inbound undecided again; ``None`` if there is none."""
        ...

    async def drop(self, inbound: InboundId) -> bool:
        """Give a quarantined inbound up for good."""
        ...

    async def outbox(self, state: str, cursor: str, limit: int) -> Page:
        """``OutboxCard``, newest first; ``state`` empty: all on its way or failed."""
        ...

    async def outgoing(self, outbound: OutboundId) -> Outgoing | None: ...

    async def outbound_of(self, message: MessageId, case: CaseId) -> OutboundId | None: ...


class Labels(Protocol):
    """A table of names: skills, codes."""

    async def listed(self) -> list[Named]: ...

    async def put(self, entries: Sequence[Named]) -> None:
        """All of them in one statement."""
        ...

    async def drop(self, name: str) -> bool: ...


class Notes(Protocol):
    """Named values that outlive the process."""

    async def load(self, name: str) -> bytes | None: ...

    async def save(self, name: str, value: bytes) -> None: ...

    async def drop(self, name: str) -> None: ...


class Keys(Protocol):
    """Requests with an ``Idempotency-Key``, for 24 hours (``store.keys`` fits)."""

    async def begin(self, name: KeyName, digest: bytes, attempt: str) -> Begun:
        """Take the key for this attempt, unless an earlier one has it. Repeating it is harmless."""
        ...

    async def settle(self, name: KeyName, attempt: str, answer: bytes) -> None:
        """Keep the answer."""
        ...

    async def free(self, name: KeyName, attempt: str) -> None:
        """Nothing was done: the key may be used again."""
        ...


class Nodes(Protocol):
    async def listed(self) -> list[NodeCard]: ...


class Leave(Protocol):
    """How far a node has come that is being evacuated."""

    @property
    def name(self) -> NodeName: ...
    @property
    def leaving(self) -> bool: ...
    @property
    def empty(self) -> bool: ...
    @property
    def agents(self) -> int: ...
    @property
    def items(self) -> int: ...
    @property
    def orders(self) -> int: ...
    @property
    def hindrance(self) -> str: ...


T = TypeVar("T")


class Asks(Protocol):
    """Asking other nodes, and being asked."""

    def serve(self, kind: str, handler: Callable[[NodeName, bytes], Awaitable[bytes]]) -> None: ...

    async def ask(
        self, node: NodeName, kind: str, doc: Struct, answer: type[T], *, seconds: float = 10.0
    ) -> T: ...


class Sends(Protocol):
    """Giving work to somebody at another node."""

    async def home(self, agent: AgentName) -> NodeName | None:
        """The other node where the agent is at home; ``None``: here, or nowhere."""
        ...

    async def send(self, item: ItemId, wanted: Sent) -> None:
        """Have it assigned there, beginning in this turn of the loop. Raises ``Refused``."""
        ...


class Evacuation(Protocol):
    """Moving a node's work, agents and customers to the others, and back. Raises ``Refused``."""

    async def evacuate(self, node: NodeName, by: str) -> Leave: ...

    async def give_back(self, node: NodeName, by: str) -> Leave: ...


class Figures(Protocol):
    """What each node can take and what waits there (``cluster.capacity.Publication`` fits)."""

    def whole(self) -> list[NodeCapacity]:
        """This node as of this moment, then the others as they last said."""
        ...


class Wallboard(Protocol):
    """The figures that supervisors watch (``insight.board.WallboardNow`` fits)."""

    def now(self) -> Board:
        """As of this moment, and not on disk yet: whoever tells it waits for the position."""
        ...


class Elsewhere(Protocol):
    """Whether other nodes may have an item (``cluster.overflow.Overflow`` fits)."""

    def why(self, item: Item) -> str:
        """Why a waiting item is still at this node, in words."""
        ...


# -- the process ----------------------------------------------------------------------------


class Health(Protocol):
    """How a channel is (``supervise.Health`` fits)."""

    @property
    def state(self) -> str: ...

    @property
    def reason(self) -> str: ...

    @property
    def code(self) -> str: ...


class Sweeps(Protocol):
    """What removes old content (``cluster.retention.Retention`` fits)."""

    @property
    def removed(self) -> int:
        """Cases, since the node began."""
        ...


class Lag(Protocol):
    """How late the loop is (``gateway.lag.LoopLag`` fits): counts per bucket, in seconds."""

    counts: list[int]
    total: float


class Database(Protocol):
    """The servers behind the store (``store.lookout.Lookout`` fits)."""

    @property
    def standing(self) -> Standing:
        """What they said last."""
        ...


@runtime_checkable
class Rereads(Protocol):
    """A channel that can make sense of raw bytes a second time, when it has learnt to."""

    def read_again(self, raw: bytes, key: str, at: datetime) -> Inbound: ...


class ChannelRoom(Protocol):
    """The channels of this node. All raise ``Refused`` with what can be done instead."""

    def channel(self, name: ChannelName) -> object | None:
        """The channel itself, for what only some can (``Rereads``)."""
        ...

    def cards(self) -> list[ChannelCard]: ...

    def health(self) -> Mapping[ChannelName, Health]: ...

    async def pause(self, name: ChannelName) -> None: ...

    async def resume(self, name: ChannelName) -> None: ...

    def settings_of(self, name: ChannelName) -> tuple[dict[str, Any], list[str]]:
        """What may be shown of them, and the paths of the secrets that are set."""
        ...

    def trial(self, name: ChannelName, settings: Mapping[str, Any]) -> Channel:
        """A channel with these settings that is not run, to try them."""
        ...

    def guesses(self, kind: str) -> Callable[[str], Awaitable[Guess]] | None:
        """What finds settings for an address, if a kind has that."""
        ...

    async def put(self, name: ChannelName, settings: Mapping[str, Any]) -> ChannelCard:
        """Open a channel, or open it anew with other settings (``kind`` among them)."""
        ...

    async def remove(self, name: ChannelName) -> None: ...


class Vitals(Protocol):
    """Whether the node can serve."""

    def trouble(self) -> str:
        """Why no work can be taken (lease lost, database gone, draining); empty: it can."""
        ...

    def connected(self) -> int:
        """Signed-in desktops."""
        ...


class Among(Protocol):
    """This node among the others."""

    def duty_states(self) -> Sequence[DutyState]:
        """What only one node may do at a time, and who does."""
        ...

    def tallies(self) -> Mapping[str, int]:
        """How often since the process began, by name."""
        ...
