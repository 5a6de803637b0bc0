"""The order in which waiting items are served: one line for all channels.

The rank is a virtual time of arrival in seconds, lower first, and constant while an item only
waits. Age has one rate for everybody, so it need not be counted: who came earlier stays ahead by
as much. What is due stands where it would have come in to be answered in time, so the line follows
the due times; a point of priority or of the customer's value is some waiting given in advance. All
that is bounded, so whoever has waited long enough stands before all who come later.
``docs/decisions/0011`` says why this form.
"""

from gateway.core.model import Item, Queue
from gateway.core.policy import Policy

LEAD_SECONDS = 1800.0
"""The time that whatever has no due time is taken to have."""
SOONEST_SECONDS = 0.0
LATEST_SECONDS = 7 * 86_400.0
"""What is due later than this after it came counts as due then."""
MOST_POINTS = 200
"""Of priority (the item's and its queue's together) and of value, each way."""
_DEFAULT = Policy()


def rank(item: Item, queue: Queue | None) -> float:
    """Virtual arrival in seconds since the epoch; constant while the item only waits."""
    policy = queue.policy if queue else _DEFAULT
    since = (item.queued_at or item.created_at).timestamp()
    points = _bounded(item.priority + (queue.priority if queue else 0)) * policy.priority_seconds
    if item.customer is not None:
        points += _bounded(item.customer.value) * policy.value_seconds
    return since + policy.urgency * (allowed(item, queue) - LEAD_SECONDS) - points


def allowed(item: Item, queue: Queue | None) -> float:
    """Seconds from when its waiting began until it is due: by itself, or by its queue."""
    if item.due_at is not None:
        since = item.queued_at or item.created_at
        seconds = (item.due_at - since).total_seconds()
    elif queue is not None and queue.service_level_seconds is not None:
        seconds = queue.service_level_seconds
    else:
        return LEAD_SECONDS
    return min(max(seconds, SOONEST_SECONDS), LATEST_SECONDS)


def _bounded(points: int) -> int:
    return min(max(points, -MOST_POINTS), MOST_POINTS)
