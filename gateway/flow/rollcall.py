"""Whose window is still open, when the node that would have seen it close was gone itself.

A node that begins, or takes over what another decided about, knows of no window, and none knows of
those at a node that has just been lost: it says of each chat that waits that its customer has left.
Whatever node has a window of theirs answers at once that they are there (``CustomerBack``), and
nothing else comes of it.
"""

import asyncio
from collections.abc import Iterable
from typing import Never

from gateway.core import events as e
from gateway.core.edition import EDITION
from gateway.core.election import Peer
from gateway.core.ids import ItemId, NodeName
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
        self._lives: set[tuple[NodeName, int]] = set()
        ledger.observe(self._note)

    def look(self, peers: Iterable[Peer]) -> None:
        """Which nodes are there, as just seen: with each life that is over windows have gone."""
        me = self._ledger.state.node
        others = (peer for peer in peers if peer.node != me and not peer.fenced)
        lives = {(peer.node, peer.epoch) for peer in others}
        if self._lives - lives:
            self._asked.update(dict.fromkeys(self._ledger.state.items))
            self._wake.set()
        self._lives = lives

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
