"""What customers are told by themselves when they write, wait and are done: values. Pure.

``core.assurance`` decides about the acknowledgement and the late notice, ``core.farewell`` about
the closing mail. All of them pass ``core.silence``.
"""

from datetime import datetime

from msgspec import field

from gateway.core.ids import CaseId, ItemId
from gateway.core.value import Kept

GRACE_SECONDS = 60.0
CHANGE_DAYS = 7
"""So long a score may be changed after it was given; then it stands."""
MOST_NOTICES = 2
"""So often at most a case's customer is told that it will be later than we said."""


class Courtesy(Kept, frozen=True, kw_only=True):
    """What a queue writes by itself to who comes by mail. All of it is off unless declared.

    ``acknowledge``: a mail that opens a case is acknowledged once, with the number, when a person
    will answer and the customer's own page, unless somebody has answered ``grace_seconds`` later.
    ``late``: who will be answered later than that said is told before the time. ``closing``: when
    the case is solved, a mail asks how it went. ``acknowledged`` and ``closed`` are texts by
    language (``""`` for all others) to be said instead of ours.
    """

    acknowledge: bool = False
    grace_seconds: float = GRACE_SECONDS
    late: bool = True
    closing: bool = False
    acknowledged: dict[str, str] = field(default_factory=dict)
    closed: dict[str, str] = field(default_factory=dict)


class Assured(Kept, frozen=True, kw_only=True):
    """What the customer of an item was told of when a person answers.

    ``send_at``: it is told then, unless somebody answers before; ``None``: it was told, at
    ``told_at``. ``by`` is the time that was named last, ``look_at`` when to see whether it will be
    kept, and ``notices`` how often it had to be taken back. It is of ``case``: what was moved to
    another is not acknowledged there; what it was told still holds.
    """

    case: CaseId
    send_at: datetime | None = None
    told_at: datetime | None = None
    by: datetime | None = None
    look_at: datetime | None = None
    notices: int = 0


class Solving(Kept, frozen=True, kw_only=True):
    """A case that was solved: by the end of ``item``; ``rated_at`` is when it was rated first."""

    item: ItemId | None = None
    asked_at: datetime | None = None
    rated_at: datetime | None = None
