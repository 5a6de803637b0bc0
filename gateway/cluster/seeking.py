"""Seeking: what is meant for somebody who is at work at another node goes there.

A waiting item is first for its last agent: who made the promise that is due, who is wished for to
call back, who had the case. Is that one at home at another node, then the item is kept here for the
moment that it takes to ask there (``cluster.overflow`` answers): it goes if the agent is free, is
kept a little and asked for again if the agent is busy, and is anybody's here if not at work at all.
A promise is for nobody else before its grace is over, so it goes to where its agent is at home, and
waits there; and on from there if the agent goes on.
"""

import asyncio
from collections.abc import Callable
from datetime import datetime

from msgspec.structs import replace

from gateway.cluster.asking import Asking
from gateway.cluster.handover import Handover
from gateway.cluster.sending import Presences
from gateway.core import events as e
from gateway.core.errors import Refused
from gateway.core.ids import AgentName, ItemId, NodeName
from gateway.core.model import Item, ItemState
from gateway.core.moving import Bound, Hindrance, nobody, together
from gateway.core.overflow import Granted, keeps_back, wanted
from gateway.core.state import NodeState
from gateway.flow.naps import news_within
from gateway.flow.node import Node
from gateway.flow.tasks import Tasks
from gateway.store.contract import Unavailable

KIND = "overflow"
"""The question is that of an item that overflows: may ``alone`` this agent have it?"""
ASK_SECONDS = 3.0
LOOK_SECONDS = 1.0
"""After so long it is looked again where the agent of a promise is."""
BUSY_SECONDS = 3.0
"""After so long an agent who was busy is asked for again."""
SILENT_SECONDS = 5.0
"""The same for a node that does not answer, or does not know the question."""
MOST_AT_ONCE = 32
MOST = 200
"""Searches; what comes beyond that is not kept for anybody elsewhere, but for promises."""


class Seeking:
    """Works until cancelled. ``sent`` counts what went to its agent."""

    def __init__(
        self,
        node: Node,
        asking: Asking,
        handover: Handover,
        presences: Presences,
        monotonic: Callable[[], float],
    ) -> None:
        self.sent = 0
        self._node = node
        self._ledger = node.ledger
        self._state = node.ledger.state
        self._router = node.router
        self._engine = node.router.engine
        self._asking = asking
        self._handover = handover
        self._presences = presences
        self._monotonic = monotonic
        self._again: dict[ItemId, float] = {}
        self._busy: set[ItemId] = set()
        self._news = asyncio.Event()
        self._tasks = Tasks("seeking")
        for item in self._state.items.values():
            if item.state is ItemState.QUEUED:
                self._begin(item)
        node.ledger.observe(self._note)

    def seeks(self, item: ItemId) -> bool:
        """Whether it is kept for somebody who is not here."""
        return item in self._again

    # -- what is looked for -------------------------------------------------------------------

    def _note(self, entry: e.Entry) -> None:
        """It has come to wait: later changes of what waits begin no new search."""
        fresh = isinstance(entry.event, e.ItemQueued | e.ItemAdopted)
        for row in entry.rows:
            waits = type(row) is Item and row.state is ItemState.QUEUED
            if type(row) is Item and waits and (fresh or row.promise is not None):
                self._begin(row)

    def _begin(self, item: Item) -> None:
        if item.last_agent is None or item.id in self._again:
            return
        if item.promise is None:
            now = self._ledger.clock.now()
            if len(self._again) >= MOST or not self._handover.others:
                return
            if self._state.is_home_of(item.last_agent) or self._rests(item, now):
                return
            if self._engine.meant_for(item, now) is None:
                return
            self._engine.seek(item.id)
        self._again[item.id] = self._monotonic()
        self._news.set()

    def _rests(self, item: Item, now: datetime) -> bool:
        """It has just come from another node."""
        return item.id in self._state.kept_for or bool(_apart(item, now))

    def _end(self, item: ItemId) -> None:
        del self._again[item]
        self._engine.end_search(item)
        self._router.wake()

    def _later(self, item: ItemId, seconds: float) -> None:
        """A promise is looked for again; anything else is not kept any more."""
        known = self._state.items.get(item)
        if known is None or known.promise is None:
            if item in self._again:
                self._end(item)
        elif item in self._again:
            self._again[item] = self._monotonic() + seconds

    # -- looking for it -----------------------------------------------------------------------

    async def run(self) -> None:
        async with self._tasks:
            while True:
                self._news.clear()
                await self._look()
                await news_within(self._news, LOOK_SECONDS if self._again else None)

    async def _look(self) -> None:
        due = self._due()
        if not due:
            return
        try:
            statuses = await self._presences.statuses({agent for _, agent in due})
        except Unavailable:
            statuses = {}
        for item, agent in due:
            known = self._state.items.get(item)
            if known is None or known.last_agent != agent or item not in self._again:
                continue
            home = statuses[agent].home if agent in statuses else None
            if home in (None, self._state.node) or self._handover.peer(home) is None:
                self._later(item, LOOK_SECONDS)
            elif len(self._busy) < MOST_AT_ONCE:
                self._busy.add(item)
                self._tasks.spawn(self._send(known, home), f"#{known.number}")

    def _due(self) -> list[tuple[ItemId, AgentName]]:
        """What is to be looked for now, and for whom; what is not any more is let go."""
        now, at = self._ledger.clock.now(), self._monotonic()
        due = []
        for name, again in list(self._again.items()):
            item = self._state.items.get(name)
            waits = item is not None and item.state is ItemState.QUEUED
            agent = self._engine.meant_for(item, now) if item is not None and waits else None
            if agent is None:
                self._end(name)
            elif again <= at and name not in self._busy:
                if self._state.is_home_of(agent) or not self._handover.others:
                    self._later(name, LOOK_SECONDS)
                else:
                    due.append((name, agent))
        return due

    async def _send(self, item: Item, home: NodeName) -> None:
        """Ask for its agent there, and have it go if that one can have it."""
        try:
            if self._stays(item.id):
                self._later(item.id, LOOK_SECONDS)
                return
            question = replace(
                wanted(item, self._engine.pool.need_of(item)),
                alone=True,
                wait=item.promise is not None,
            )
            granted = await self._asking.ask(home, KIND, question, Granted, seconds=ASK_SECONDS)
            if self._stays(item.id):
                self._later(item.id, LOOK_SECONDS)
                return
            await self._handover.hand_over(
                [item.id],
                to=home,
                to_epoch=granted.epoch,
                reason=f"{item.last_agent}, for whom it is, is there",
                may_follow=nobody,
                overflow=True,
            )
            self.sent += 1
        except Bound:
            self._later(item.id, LOOK_SECONDS)
        except Refused as refused:
            if refused.code == "busy" and item.id in self._again:
                self._again[item.id] = self._monotonic() + BUSY_SECONDS
            else:
                self._later(item.id, SILENT_SECONDS)
        finally:
            self._busy.discard(item.id)
            self._news.set()

    def _stays(self, name: ItemId) -> bool:
        item = self._state.items.get(name)
        if item is None or name not in self._again or _apart(item, self._ledger.clock.now()):
            return True
        return bool(tied(self._state, item))


def _apart(item: Item, now: datetime) -> str:
    """Why it may go nowhere yet, whatever its queue says of other nodes."""
    return keeps_back(item, None, now, stranded=True)


def tied(state: NodeState, item: Item) -> str:
    """What keeps the item at this node; empty: it may go."""
    bundle = together(state, [item.id], may_follow=nobody)
    if isinstance(bundle, Hindrance):
        return bundle.reason
    for other in bundle.items:
        offered = state.items[other]
        if offered.offer is not None:
            return f"#{offered.number} of the same customer is offered to {offered.offer.agent}"
    return ""
