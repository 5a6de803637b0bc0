"""Fires the rules on what happens to items after intake, each in a record of its own.

Whether one is due follows from the item (``core.automation``). So all there is to do is to look at
an item when something has happened to it or its time has come; when the rules change, and when the
node begins, at every item, a few at a time between other work.
"""

import asyncio
from collections.abc import Callable
from datetime import datetime

import structlog

from gateway.core import events as e
from gateway.core.automation import due
from gateway.core.effects import Matter
from gateway.core.ids import ItemId
from gateway.core.model import Case, Item
from gateway.flow.ledger import Ledger
from gateway.flow.timers import Timers

SLICE = 100
"""Items in one go before other work gets a turn."""
_RULES = (e.RuleDefined, e.RuleRemoved, e.MacroDefined, e.MacroRemoved)
_log = structlog.get_logger("automation")


class Automation:
    """``run`` works until cancelled."""

    def __init__(self, ledger: Ledger, timers: Timers) -> None:
        self._ledger = ledger
        self._timers = timers
        self._stale: dict[ItemId, None] = {}
        self._planned: dict[ItemId, tuple[datetime, Callable[[], None]]] = {}
        self._wake = asyncio.Event()
        self._mark_all()
        ledger.observe(self._note)

    def _note(self, entry: e.Entry) -> None:
        state = self._ledger.state
        if isinstance(entry.event, _RULES):
            self._mark_all()
        if not state.rules.automatic:
            return
        if type(entry.event) is e.ItemHandedOver:
            self._mark(entry.event.item)
        for row in entry.rows:
            if type(row) is Item:
                self._mark(row.id)
            elif type(row) is Case:
                for item in state.items_of_case(row.id):
                    self._mark(item.id)

    def _mark_all(self) -> None:
        state = self._ledger.state
        if state.rules.automatic:
            for item in state.items:
                self._mark(item)

    def _mark(self, item: ItemId) -> None:
        self._stale[item] = None
        self._wake.set()

    async def run(self) -> None:
        while True:
            await self._wake.wait()
            self._wake.clear()
            while self._stale:
                for _ in range(min(SLICE, len(self._stale))):
                    self._look(self._stale.popitem()[0])
                await asyncio.sleep(0)  # others have their turn

    def _look(self, key: ItemId) -> None:
        state = self._ledger.state
        item = state.items.get(key)
        if item is None:
            self._forget(key)
            return
        try:
            found = due(Matter(state, self._ledger.context(), state.cases[item.case], item))
            if found.changes:
                self._ledger.record(found.changes)
        except Exception:  # noqa: BLE001 - its own failure, nobody else's
            # One item that no rule can be decided for must not stop the others.
            _log.exception("rules failed", item=key)
            return
        if found.look_at is not None:
            self._plan(key, found.look_at)

    def _plan(self, item: ItemId, at: datetime) -> None:
        """Look then, unless that is planned, or to be looked at before."""
        known = self._planned.get(item)
        if known is not None and known[0] <= at:
            return
        self._forget(item)

        def look() -> None:
            if self._planned.get(item) == (at, look):
                del self._planned[item]
            self._mark(item)

        self._planned[item] = (at, look)
        self._timers.call_at(at, look)

    def _forget(self, item: ItemId) -> None:
        known = self._planned.pop(item, None)
        if known is not None:
            self._timers.forget(*known)
