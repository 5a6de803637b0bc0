"""Whether an item waits for an answer of its customer. Pure."""

from gateway.core.asked import Asked
from gateway.core.model import Item, ItemState


def pending(item: Item) -> Asked | None:
    """What the item waits for from its customer, if it does."""
    asked = item.asked
    if asked is None or asked.ended is not None or item.state is not ItemState.SCHEDULED:
        return None
    return asked if item.wake_at is not None else None
