"""Facts: what happened at a moment, and what lasted from one moment to another."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Literal

from msgspec import Struct, field

from gateway.core import events as e
from gateway.core.ids import CaseId, ItemId, NodeName, Position

QUARTER = timedelta(minutes=15)
"""The interval that facts are counted in; it begins at full quarters of an hour, UTC."""
_EPOCH = datetime(2000, 1, 1, tzinfo=UTC)

Lasting = Literal["waiting", "held", "talk", "wrap", "stage"]

COUNTS = (
    "contacts",
    "offered",
    "answered",
    "abandoned",
    "flowed_out",
    "callbacks_chosen",
    "offers",
    "declined",
    "missed",
    "picked",
    "misrouted",
    "transferred",
    "handled",
    "completed",
    "canceled",
    "breached",
    "solved",
    "solved_first",
    "solved_at_one",
    "first_replies",
    "next_replies",
    "first_replies_open",
    "resolutions_open",
    "promises_kept",
    "promises_broken",
    "callbacks",
    "callback_tries",
    "callbacks_reached",
    "told",
    "rated",
    "satisfied",
)
"""What a moment may count."""
SECONDS = (
    "wait",
    "first_reply",
    "next_reply",
    "resolution",
    "first_reply_open",
    "resolution_open",
    "promise_late",
    "told_wait",
    "true_wait",
    "told_off",
    "score",
)
"""What a moment may measure: seconds, and the points of a score."""
SHIFT = (
    "talk",
    "wrap",
    "talk_shared",
    "wrap_shared",
    "busy",
    "idle",
    "ready",
    "not_ready",
)
"""What is summed up for an agent in an interval, in seconds."""


class Told(Struct, frozen=True, gc=False):
    """An entry of a node's journal."""

    node: NodeName
    position: Position
    at: datetime
    event: e.Event


class Cell(Struct, frozen=True, kw_only=True, gc=False):
    """What a fact is read by. Empty: it does not apply, or nobody has said.

    ``category`` and ``code`` are those with which the item ended. All others are as they were at
    the time of the fact. ``node`` decided; ``reason`` is why an agent was not ready.
    """

    queue: str = ""
    channel: str = ""
    medium: str = ""
    agent: str = ""
    node: str = ""
    category: str = ""
    type: str = ""
    level: int = 0
    language: str = ""
    segment: str = ""
    code: str = ""
    stage: str = ""
    reason: str = ""


class Moment(Struct, frozen=True, kw_only=True, gc=False):
    """Something happened, to an item or (``None``) to its case: what is counted and measured."""

    at: datetime
    cell: Cell
    sums: dict[str, float]
    item: ItemId | None = None


class Segment(Struct, frozen=True, kw_only=True, gc=False):
    """An item, or the stage of a case, was so from ``began`` on. ``ended`` ``None``: it still is.

    ``outcome`` is how it ended: what came next.
    """

    what: Lasting
    began: datetime
    ended: datetime | None
    cell: Cell
    outcome: str = ""
    item: ItemId | None = None


class ItemFact(Struct, frozen=True, kw_only=True, gc=False):
    """A work item in one line."""

    item: ItemId
    case: CaseId
    number: int
    cell: Cell
    created_at: datetime
    answered_at: datetime | None = None
    replied_at: datetime | None = None
    ended_at: datetime | None = None
    outcome: str = ""
    talk: float = 0.0
    wrap: float = 0.0


class CaseFacts(Struct, frozen=True, kw_only=True):
    """All facts of a case and of what it was merged with."""

    items: list[ItemFact] = field(default_factory=list)
    moments: list[Moment] = field(default_factory=list)
    segments: list[Segment] = field(default_factory=list)


def interval_of(at: datetime) -> datetime:
    """When the interval began in which that was."""
    return at - (at - _EPOCH) % QUARTER


def intervals(began: datetime, ended: datetime) -> Iterator[tuple[datetime, datetime, datetime]]:
    """Each interval that a stretch of time touches, and from when to when it is in it."""
    start = interval_of(began)
    while began < ended:
        edge = start + QUARTER
        until = min(edge, ended)
        yield start, began, until
        start, began = edge, until


def seconds(began: datetime, ended: datetime) -> float:
    """How long it lasted; a clock that was set back makes nothing shorter than nothing."""
    return max(0.0, (ended - began).total_seconds())
