"""Counts the clocks of open items again when what they are counted by has changed.

A calendar or a policy may concern every item, so it is done a few at a time between other work;
items that come from another node are looked at too, for that one may not have heard of the change.
What stays as it was is not told.
"""

import asyncio

from gateway.core import events as e
from gateway.core.ids import ItemId
from gateway.core.service_level import recounted
from gateway.flow.apart import record_of_each
from gateway.flow.ledger import Ledger

SLICE = 100
"""Items in one go before other work gets a turn."""
_TIMETABLE = (
    e.CalendarDefined,
    e.CalendarRemoved,
    e.ServicePolicyDefined,
    e.ServicePolicyRemoved,
)


class Recount:
    """``run`` works until cancelled. A node that begins counts everything once."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._stale: dict[ItemId, None] = {}
        self._wake = asyncio.Event()
        self._mark_all()
        ledger.observe(self._note)

    def _note(self, entry: e.Entry) -> None:
        event = entry.event
        if isinstance(event, _TIMETABLE):
            self._mark_all()
        elif type(event) is e.QueueDefined:
            items = self._ledger.state.items.values()
            self._mark([item.id for item in items if item.queue == event.queue.name])
        elif type(event) is e.ItemAdopted and event.item.service is not None:
            self._mark([event.item.id])

    def _mark_all(self) -> None:
        state = self._ledger.state
        if state.timetable.policies:
            self._mark(list(state.items))
        else:
            self._mark([item.id for item in state.items.values() if item.service is not None])

    def _mark(self, items: list[ItemId]) -> None:
        self._stale |= dict.fromkeys(items)
        if self._stale:
            self._wake.set()

    async def run(self) -> None:
        while True:
            await self._wake.wait()
            self._wake.clear()
            while self._stale:
                self._count([self._stale.popitem()[0] for _ in range(min(SLICE, len(self._stale)))])
                await asyncio.sleep(0)

    def _count(self, items: list[ItemId]) -> None:
        state, ctx = self._ledger.state, self._ledger.context()

        def fresh(key: ItemId) -> list[e.Change]:
            item = state.items.get(key)
            why = "the hours or the policy have changed"
            return [] if item is None else recounted(state, item, ctx, why)

        record_of_each(self._ledger, items, fresh, "clocks could not be counted")
