"""Ranks what is open of a customer anew when what the customer is worth has changed.

At the node where it was said that follows at once (``core.reactions``). Whoever else decides about
an item of theirs hears of it and journals the new value itself: it reads from the database what the
customer is worth by now, as the first node does once more, so two changes at a time end alike
everywhere. What comes from another node, was loaded, or came in meanwhile is looked at too.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Sequence

from gateway.core import events as e
from gateway.core.ids import CustomerId, NodeName
from gateway.core.values import revalued
from gateway.flow.apart import record_of_each
from gateway.flow.ledger import Ledger
from gateway.ports import PeerEntry
from gateway.store.contract import Lookup, Unavailable

AT_ONCE = 500
"""Customers in one look."""
AGAIN_SECONDS = 1.0
KEPT = 10_000
"""Customers remembered whose value has changed: a contact may be on its way with the old one."""


class Values:
    """``run`` works until cancelled. A node that begins looks at everybody who waits, once."""

    def __init__(
        self,
        ledger: Ledger,
        lookup: Lookup,
        *,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._ledger = ledger
        self._lookup = lookup
        self._sleep = sleep
        self._stale: dict[CustomerId, None] = {
            item.customer.id: None
            for item in ledger.state.items.values()
            if item.customer is not None
        }
        self._changed: OrderedDict[CustomerId, None] = OrderedDict()
        self._wake = asyncio.Event()
        ledger.observe(self._note)

    def heard(self, _node: NodeName, entries: Sequence[PeerEntry]) -> None:
        """Another node has journaled that a customer is worth something else."""
        for entry in entries:
            if isinstance(entry.event, e.CustomerValued):
                self._has_changed(entry.event.customer)

    def _note(self, entry: e.Entry) -> None:
        event = entry.event
        if type(event) is e.CustomerValued:
            self._has_changed(event.customer)
        elif type(event) is e.ItemAdopted:
            if event.item.customer is not None:
                self._look_at(event.item.customer.id)
        elif type(event) is e.ItemCreated and self._changed:
            customer = event.item.customer
            if customer is not None and customer.id in self._changed:
                self._look_at(customer.id)

    def _has_changed(self, customer: CustomerId) -> None:
        self._changed[customer] = None
        self._changed.move_to_end(customer)
        if len(self._changed) > KEPT:
            self._changed.popitem(last=False)
        self._look_at(customer)

    def _look_at(self, customer: CustomerId) -> None:
        self._stale[customer] = None
        self._wake.set()

    async def run(self) -> None:
        while True:
            while self._stale:
                asked = [self._stale.popitem()[0] for _ in range(min(AT_ONCE, len(self._stale)))]
                try:
                    self._take_in(await self._lookup.values(asked))
                except Unavailable:
                    self._stale |= dict.fromkeys(asked)
                    await self._sleep(AGAIN_SECONDS)
            await self._wake.wait()
            self._wake.clear()

    def _take_in(self, values: dict[CustomerId, int]) -> None:
        def ranked(customer: CustomerId) -> list[e.Change]:
            return revalued(self._ledger.state, customer, values[customer])

        record_of_each(self._ledger, values, ranked, "what waits could not be ranked anew")
