"""When a waiting item's next ring opens. Rings only ever widen. Pure."""

from datetime import datetime, timedelta

from msgspec import Struct

from gateway.core.ids import ItemId
from gateway.core.model import Item, Queue
from gateway.core.policy import Ring
from gateway.core.routing.expect import Expected

EXPECTED_LOOK_SECONDS = 15.0
"""How often the expected wait of whoever waits for it to grow is looked at."""


class Widen(Struct, frozen=True):
    """Open the item's ring number ``ring`` (the first is 1) because of ``reason``."""

    item: ItemId
    ring: int
    reason: str


def next_ring(item: Item, queue: Queue | None) -> Ring | None:
    """The ring that opens next; ``None``: there is none left."""
    if queue is None or item.ring >= len(queue.rings):
        return None
    return queue.rings[item.ring]


def opens_at(item: Item, ring: Ring) -> datetime | None:
    """When time alone opens it."""
    if ring.after is None:
        return None
    return (item.queued_at or item.created_at) + timedelta(seconds=ring.after)


def widening(
    item: Item, queue: Queue | None, now: datetime, expected: Expected
) -> Widen | datetime | None:
    """The ring that opens now, or when to look again; ``None``: never."""
    ring = next_ring(item, queue)
    if ring is None:
        return None
    at = opens_at(item, ring)
    number = item.ring + 1
    if at is not None and at <= now:
        return Widen(item.id, number, f"it has waited {ring.after:.0f} s")
    if ring.expected_wait is None:
        return at
    wait = expected(item)
    if wait >= ring.expected_wait:
        return Widen(item.id, number, f"its expected wait is {wait:.0f} s")
    again = now + timedelta(seconds=EXPECTED_LOOK_SECONDS)
    return again if at is None else min(at, again)


def describe(ring: Ring) -> str:
    """What the ring lets go, in words."""
    said = []
    if ring.lower:
        said.append(f"levels lower by {ring.lower}")
    said += [f"{skill} {level} will do" for skill, level in ring.levels.items()]
    said += [f"without {skill}" for skill in ring.drop]
    said += [f"also {what}" for what in ring.languages]
    for name, also in (("queue", ring.queues), ("group", ring.groups), ("site", ring.sites)):
        said += [f"{name} {one} too" for one in also]
    said += [f"help desk level {level} too" for level in ring.desk]
    return ", ".join(said) or "nothing else"
