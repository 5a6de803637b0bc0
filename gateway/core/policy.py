"""How a queue treats what waits in it, as data: rings, score, choice of agent, capacity, offers."""

from typing import Literal

from msgspec import field

from gateway.core.ids import QueueName, SiteName, SkillName
from gateway.core.value import ChannelKind, Kept

Choice = Literal["best_fit", "longest_idle", "least_occupied", "round_robin"]
ALL = "*"
"""In a ring: every skill, any language, every group or site."""


class Ring(Kept, frozen=True, kw_only=True):
    """A step that asks for less. It adds to the rings before it and never takes anything back.

    It opens ``after`` so many seconds of waiting, or as soon as the expected wait comes to
    ``expected_wait`` seconds, whichever is first. Then every level asked for is ``lower`` by so
    much (never under 1), or at most what ``levels`` says; skills in ``drop`` are not asked for any
    more (``*``: none); agents who speak one of ``languages`` will do (``*``: any); members of
    ``queues``, ``groups`` and ``sites`` take it too (``*``: all), and the help desk's ``desk``
    levels.
    """

    after: float | None = None
    expected_wait: float | None = None
    lower: int = 0
    levels: dict[SkillName, int] = field(default_factory=dict)
    drop: tuple[SkillName, ...] = ()
    languages: tuple[str, ...] = ()
    queues: tuple[QueueName, ...] = ()
    groups: tuple[str, ...] = ()
    sites: tuple[SiteName, ...] = ()
    desk: tuple[int, ...] = ()


class Cost(Kept, frozen=True, kw_only=True):
    """What one item takes of an agent's 100 units.

    ``interruptible``: it is put aside for what ``interrupts``. ``None``: as is usual for its kind.
    """

    units: int | None = None
    interruptible: bool | None = None
    interrupts: bool | None = None


class Policy(Kept, frozen=True, kw_only=True):
    """Weights and rules of one queue. Left out is as by default.

    **Score.** One point of priority is worth ``priority_seconds`` of waiting, one of the
    customer's value ``value_seconds``; ``urgency`` (0-1) is how much the time until it is due
    counts. All are bounded but the waiting itself, so nothing waits for ever.

    **Choice.** ``choice`` among those who fit.

    **Offers.** Kinds in ``auto_accept`` are accepted by themselves; an agent who has declined
    ``most_declines`` offers of this queue in a row becomes not ready.

    **Capacity.** ``costs`` by kind; what the customer has left unanswered for
    ``inactive_seconds`` takes nothing until the customer writes (``None``: it always does).
    """

    choice: Choice = "best_fit"
    priority_seconds: float = 60.0
    value_seconds: float = 60.0
    urgency: float = 1.0
    auto_accept: tuple[ChannelKind, ...] = ()
    most_declines: int | None = None
    costs: dict[ChannelKind, Cost] = field(default_factory=dict)
    inactive_seconds: float | None = None
