"""Offers items to agents: wakes when something has changed, never polls."""

import asyncio
from datetime import datetime

import structlog

from gateway.core import events as e
from gateway.core.ids import ItemId
from gateway.core.outcomes import Outcomes
from gateway.core.routing.choose import Match, Rest, Wait
from gateway.core.routing.engine import Engine, offer_for
from gateway.core.routing.rings import Widen
from gateway.core.waits import WaitErrors
from gateway.flow.ledger import Ledger
from gateway.flow.timers import Timers

SLICE = 100
"""Matches in one go before other work gets a turn."""

_UNSERVED = (e.ItemAbandoned, e.ItemCanceled, e.ItemRejected, e.ItemHandedOver)

_log = structlog.get_logger("router")


class Router:
    """The thin loop around ``core.routing``."""

    def __init__(self, ledger: Ledger, timers: Timers) -> None:
        self.engine = Engine(ledger.state)
        self.errors = WaitErrors()
        self.outcomes = Outcomes()
        self._ledger = ledger
        self._timers = timers
        self._looks: dict[ItemId, datetime] = {}
        self._wake = asyncio.Event()
        self._wake.set()
        ledger.observe(self._note)

    def _note(self, entry: e.Entry) -> None:
        for row in entry.rows:
            self.engine.note(row)
        self._learn(entry)
        if type(entry.event) is e.ItemHandedOver:
            self.engine.forget(entry.event.item)
        if self.engine.pending:
            self._wake.set()

    def _learn(self, entry: e.Entry) -> None:
        """What was expected is compared with what came."""
        event, expected = entry.event, self.engine.expectation
        self.outcomes.note(self._ledger.state, event)
        if type(event) is e.OfferAccepted or type(event) is e.ItemAssigned:
            expected.served(event.item, entry.at)
        elif type(event) is e.WaitMeasured:
            self.errors.note(event)
        elif isinstance(event, _UNSERVED) or (type(event) is e.ItemQueued and event.restart):
            expected.forget(event.item)

    def wake(self) -> None:
        """Look what the engine has to do: something was asked of it that is no entry."""
        self._wake.set()

    async def run(self) -> None:
        while True:
            await self._wake.wait()
            self._wake.clear()
            await self._settle()

    async def _settle(self) -> None:
        for done, found in enumerate(self.engine.matches(self._ledger.clock.now()), start=1):
            match found:
                case Match():
                    self._offer(found)
                case Widen():
                    opened = e.RingOpened(item=found.item, ring=found.ring, reason=found.reason)
                    self._ledger.record([e.Change(opened)])
                case Wait():
                    self._look_again(found)
                case Rest():
                    pass
            if done % SLICE == 0 or isinstance(found, Rest):
                await asyncio.sleep(0)

    def _look_again(self, wait: Wait) -> None:
        planned = self._looks.get(wait.item)
        if planned is not None and planned <= wait.at:
            return
        self._looks[wait.item] = wait.at

        def look() -> None:
            if self._looks.get(wait.item) == wait.at:
                del self._looks[wait.item]
            self.engine.look_again(wait.item)
            self._wake.set()

        self._timers.call_at(wait.at, look)

    def _offer(self, match: Match) -> None:
        ctx = self._ledger.context()
        offer = offer_for(self._ledger.state, match, ctx)
        self._ledger.record([e.Change(e.OfferMade(item=match.item, offer=offer))])
