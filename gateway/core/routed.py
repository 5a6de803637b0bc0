"""What routing remembers of an item. ``core.model`` names these again."""

from datetime import datetime
from typing import Literal

from gateway.core.ids import AgentName
from gateway.core.value import Value


class Passed(Value, frozen=True, kw_only=True):
    """An agent who let an offer of this item go by, or gave it away, and how."""

    agent: AgentName
    how: Literal["declined", "missed", "transferred"]
    at: datetime


class Forecast(Value, frozen=True, kw_only=True):
    """What the customer was told first of a wait: the place (1 is next) and how many seconds."""

    at: datetime
    place: int
    seconds: float
