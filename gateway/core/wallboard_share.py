"""What one node adds to the wallboard: values only, published with its capacity each second."""

from msgspec import Struct, field

from gateway.core.ids import QueueName
from gateway.core.routing.need import Need
from gateway.core.value import ChannelKind
from gateway.core.wallboard_days import NONE, Counts


class _Share(Struct, frozen=True, kw_only=True, omit_defaults=True):
    pass


class QueueShare(_Share, frozen=True, kw_only=True):
    """One queue at one node; what waits and is in hand stands in ``pool.Waiting``.

    ``oldest``: since when who has waited longest waits, in seconds since 1970. ``overdue`` and
    ``due_soon`` are open items by their due time. ``callbacks`` and ``promises`` are open ones
    whose time comes today or has passed, ``late`` those whose time has.
    """

    name: QueueName
    day: str = ""
    today: Counts = NONE
    last_15: Counts = NONE
    last_30: Counts = NONE
    kinds_today: dict[ChannelKind, int] = field(default_factory=dict)
    oldest: float | None = None
    wrapping: int = 0
    overdue: int = 0
    due_soon: int = 0
    callbacks: int = 0
    callbacks_late: int = 0
    promises: int = 0
    promises_late: int = 0


class DemandShare(_Share, frozen=True, kw_only=True):
    """So many wait who ask the same; ``oldest`` as of a queue."""

    need: Need
    waiting: int
    oldest: float


class KindShare(_Share, frozen=True, kw_only=True):
    """One kind of contact, of all queues."""

    waiting: int = 0
    in_hand: int = 0


class BoardShare(_Share, frozen=True, kw_only=True):
    """All of it. ``agents`` counts those connected by state (``wallboard.agent_state``).

    ``reasons`` says why those who are not ready are not; ``crew`` are those connected who are
    agents by role, neither supervisors nor admins, ``listed`` all such in the directory.
    """

    queues: tuple[QueueShare, ...] = ()
    kinds: dict[ChannelKind, KindShare] = field(default_factory=dict)
    agents: dict[str, int] = field(default_factory=dict)
    reasons: dict[str, int] = field(default_factory=dict)
    crew: int = 0
    listed: int = 0
    wanted: tuple[DemandShare, ...] = ()
