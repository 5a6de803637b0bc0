"""Whose window is still open, when the node that would have seen it close was gone itself.

A node that begins, or takes over what another decided about, knows of no window: it says of each
chat that waits that its customer has left. Whatever node has a window of theirs answers at once
that they are there (``CustomerBack``), and nothing else comes of it.
"""

import asyncio
from typing import Never

from gateway.core import events as e
from gateway.core.edition import EDITION
from gateway.core.ids import ItemId
from gateway.core.leaving import left
from gateway.flow.ledger import Ledger

SLICE = 100
"""Items in one record, before other work gets a turn."""


class RollCall:
    """``run`` works until cancelled."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._asked: dict[ItemId, None] = dict.fromkeys(ledger.state.items)
        self._wake = asyncio.Event()
        self._wake.set()
        ledger.observe(self._note)

    def _note(self, entry: e.Entry) -> None:
        event = entry.event
        if type(event) is e.ItemAdopted and not event.overflow:
            self._asked[event.item.id] = None
            self._wake.set()

    async def run(self) -> Never:
        while True:
            await self._wake.wait()
            self._wake.clear()
            while self._asked:
                self.call([self._asked.popitem()[0] for _ in range(min(SLICE, len(self._asked)))])
                await asyncio.sleep(0)

    def call(self, items: list[ItemId]) -> None:
        """Say of these that nobody knows of a window; not while a window could not answer."""
        if self._ledger.written < EDITION or not self._ledger.writable:
            return
        state, ctx = self._ledger.state, self._ledger.context()
        found = [item for key in items if (item := state.items.get(key)) is not None]
        changes = [change for item in found for change in left(state, item, ctx)]
        if changes:
            self._ledger.record(changes)
