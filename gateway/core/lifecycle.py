"""The life of a work item, as a table.

Rule: every move between states is here and nowhere else. ``step`` is the only way to change a
state; ``docs/architecture.md`` draws its diagram from ``MOVES``, and the tests walk it. Offered,
assigned and wrapping items are in exactly one agent's hands; the four last states are ends.
"""

from collections.abc import Mapping
from typing import Any

from gateway.core import events as e
from gateway.core.errors import IllegalMove
from gateway.core.model import ItemState as S

MOVES: Mapping[tuple[S, type[Any]], S] = {
    (S.NEW, e.ItemQueued): S.QUEUED,
    (S.NEW, e.ItemScheduled): S.SCHEDULED,
    (S.NEW, e.ItemAssigned): S.ASSIGNED,
    (S.NEW, e.ItemRejected): S.REJECTED,
    (S.SCHEDULED, e.ItemQueued): S.QUEUED,
    (S.SCHEDULED, e.ItemAssigned): S.ASSIGNED,
    (S.SCHEDULED, e.ItemScheduled): S.SCHEDULED,
    (S.SCHEDULED, e.ItemCompleted): S.COMPLETED,
    (S.SCHEDULED, e.ItemAbandoned): S.ABANDONED,
    (S.SCHEDULED, e.ItemCanceled): S.CANCELED,
    (S.QUEUED, e.ItemQueued): S.QUEUED,
    (S.QUEUED, e.OfferMade): S.OFFERED,
    (S.QUEUED, e.ItemAssigned): S.ASSIGNED,
    (S.QUEUED, e.ItemScheduled): S.SCHEDULED,
    (S.QUEUED, e.ItemCompleted): S.COMPLETED,
    (S.QUEUED, e.ItemAbandoned): S.ABANDONED,
    (S.QUEUED, e.ItemCanceled): S.CANCELED,
    (S.QUEUED, e.ItemRejected): S.REJECTED,
    (S.OFFERED, e.OfferAccepted): S.ASSIGNED,
    (S.OFFERED, e.OfferDeclined): S.QUEUED,
    (S.OFFERED, e.OfferMissed): S.QUEUED,
    (S.OFFERED, e.OfferWithdrawn): S.QUEUED,
    (S.ASSIGNED, e.ItemQueued): S.QUEUED,
    (S.ASSIGNED, e.ItemAssigned): S.ASSIGNED,
    (S.ASSIGNED, e.ItemHeld): S.HELD,
    (S.ASSIGNED, e.ItemScheduled): S.SCHEDULED,
    (S.ASSIGNED, e.WrapUpStarted): S.WRAPPING,
    (S.ASSIGNED, e.ItemCompleted): S.COMPLETED,
    (S.ASSIGNED, e.ItemCanceled): S.CANCELED,
    (S.HELD, e.ItemQueued): S.QUEUED,
    (S.HELD, e.ItemAssigned): S.ASSIGNED,
    (S.HELD, e.ItemCompleted): S.COMPLETED,
    (S.HELD, e.ItemCanceled): S.CANCELED,
    (S.WRAPPING, e.ItemAssigned): S.ASSIGNED,
    (S.WRAPPING, e.ItemScheduled): S.SCHEDULED,
    (S.WRAPPING, e.ItemCompleted): S.COMPLETED,
}

MOVING: frozenset[type[Any]] = frozenset(event for _, event in MOVES)
"""The events that move an item."""
ENDED = frozenset({S.COMPLETED, S.ABANDONED, S.CANCELED, S.REJECTED})
IN_HAND = frozenset({S.OFFERED, S.ASSIGNED, S.WRAPPING})


def step(state: S, event: object) -> S:
    """The state after ``event``. Raises ``IllegalMove`` where the table has none."""
    try:
        return MOVES[state, type(event)]
    except KeyError:
        raise IllegalMove(state, type(event).__name__) from None


def allows(state: S, event: type[Any]) -> bool:
    """Whether ``event`` may happen in ``state``."""
    return (state, event) in MOVES


def diagram() -> str:
    """The table as a Mermaid state diagram, for the documents."""
    lines = ["stateDiagram-v2", "    [*] --> new"]
    lines += [f"    {a} --> {b}: {event.__name__}" for (a, event), b in MOVES.items()]
    lines += [f"    {end} --> [*]" for end in sorted(ENDED)]
    return "\n".join(lines)
