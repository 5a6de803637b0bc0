"""What a queue's operator wants done when too many wait, or too long, as data."""

from datetime import datetime
from typing import Literal

from msgspec import field

from gateway.core.ids import AlarmName, QueueName
from gateway.core.value import ChannelKind, Kept, Value

Measure = Literal["longest_wait", "waiting", "expected_wait", "agents_free"]
BACK = 0.8
"""Where it ends if nobody says: at so much of where it begins."""


class Threshold(Kept, frozen=True, kw_only=True):
    """It is crossed when ``when`` comes to ``at``, and over when that has come back to ``back``.

    ``longest_wait`` and ``expected_wait`` (of somebody who came now) in seconds, ``waiting`` in
    items: crossed at ``at`` or above. ``agents_free`` are those who are ready, serve the queue and
    have room: crossed at ``at`` or below. While it is crossed, whatever waits has its first
    ``rings`` rings open, is written to once (``message``, by kind of channel, then by language, ""
    for all others), and goes to ``overflow_to``: of ``longest_wait`` what has waited so long, else
    what comes meanwhile. ``alert``: supervisors see it. ``offer_callback``: who waits is offered to
    be called instead, once, with the queue's own words (``Callbacks.offer``).
    """

    name: str
    when: Measure
    at: float
    back: float | None = None
    rings: int = 0
    message: dict[ChannelKind, dict[str, str]] = field(default_factory=dict)
    overflow_to: QueueName = QueueName("")
    alert: bool = True
    offer_callback: bool = False

    @property
    def ends_at(self) -> float:
        """The value at which it is over."""
        if self.back is not None:
            return self.back
        return self.at + 1 if self.when == "agents_free" else self.at * BACK

    def crossed(self, value: float) -> bool:
        """Whether it begins with this value."""
        return value <= self.at if self.when == "agents_free" else value >= self.at

    def over(self, value: float) -> bool:
        """Whether it ends with this value."""
        return value >= self.ends_at if self.when == "agents_free" else value <= self.ends_at


class Alarm(Value, frozen=True, kw_only=True):
    """A threshold of a queue that is crossed, ``since`` when and with which ``value``."""

    name: AlarmName
    queue: QueueName = QueueName("")
    threshold: str = ""
    when: Measure = "waiting"
    value: float = 0.0
    since: datetime | None = None
    alert: bool = True
    active: bool = True


def alarm_name(queue: QueueName, threshold: str) -> AlarmName:
    """There is one for each threshold of each queue."""
    return AlarmName(f"{queue}/{threshold}")
