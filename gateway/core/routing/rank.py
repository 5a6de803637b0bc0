"""The order in which waiting items are served.

One line for all channels: the rank is a virtual time of arrival in seconds, lower first. Waiting
a minute is worth one point of priority or of the customer's value, so nothing waits for ever;
an item with a due date moves up as if it had come early enough to be answered in time.
"""

from gateway.core.model import Item, Queue

SECONDS_PER_POINT = 60.0
LEAD_SECONDS = 1800.0
"""How long before its due date an item begins to overtake others."""


def rank(item: Item, queue: Queue | None) -> float:
    """Virtual arrival in seconds since the epoch; constant while the item only waits."""
    since = (item.queued_at or item.created_at).timestamp()
    points = item.priority + (queue.priority if queue else 0)
    if item.customer is not None:
        points += item.customer.value
    virtual = since - points * SECONDS_PER_POINT
    if item.due_at is not None:
        virtual = min(virtual, item.due_at.timestamp() - LEAD_SECONDS)
    return virtual
