"""Looks after the queues: says what is crossed, and does to what waits what follows."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Never

import structlog

from gateway.core import events as e
from gateway.core.care import Figures, cared, crossings, figures_of, standing
from gateway.core.ids import QueueName
from gateway.core.model import ChannelKind, ItemState, Queue
from gateway.core.pool import NodeCapacity
from gateway.core.routing.expect import Expectation
from gateway.core.routing.need import Need
from gateway.flow.ledger import Ledger

EVERY_SECONDS = 1.0
SLICE = 100
"""Items looked at before other work gets a turn."""

_log = structlog.get_logger("care")


class Care:
    """``watch`` is for one node (the duty ``thresholds``), ``run`` for each; until cancelled."""

    def __init__(
        self,
        ledger: Ledger,
        expectation: Expectation,
        *,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._ledger = ledger
        self._expectation = expectation
        self._sleep = sleep

    async def watch(self, nodes: Callable[[], Sequence[NodeCapacity]]) -> Never:
        """Look at the figures of all nodes once a second, where a threshold is declared."""
        while True:
            state = self._ledger.state
            if state.alarms or any(queue.thresholds for queue in state.queues.values()):
                try:
                    self.look(nodes())
                except Exception:  # noqa: BLE001 - it is looked again in a moment
                    _log.exception("thresholds could not be looked at")
            await self._sleep(EVERY_SECONDS)  # waits grow by the clock: no event says so

    def look(self, nodes: Sequence[NodeCapacity]) -> None:
        """Say what is crossed by now, and what is over."""
        state, now = self._ledger.state, self._ledger.clock.now()
        kinds = self._kinds()
        figures = {
            queue.name: self._figures(queue, nodes, kinds)
            for queue in state.queues.values()
            if queue.thresholds
        }
        for change in crossings(state, figures, now):
            try:
                self._record([change])
            except Exception:  # noqa: BLE001 - one threshold's failure, not the others'
                _log.exception("a threshold could not be told of", event=repr(change.event))

    def _figures(
        self, queue: Queue, nodes: Sequence[NodeCapacity], kinds: Mapping[QueueName, ChannelKind]
    ) -> Figures:
        found = figures_of(queue.name, nodes, 0.0)
        if all(one.when != "expected_wait" for one in queue.thresholds):
            return found
        need = Need(
            kind=kinds.get(queue.name, ChannelKind.WEBCHAT),
            queue=queue.name,
            skills=tuple(sorted(queue.skills.items())),
        )
        staff = sum(one.capacity.serves(need) for one in nodes)
        wait = (
            0.0
            if found.agents_free
            else self._expectation.of_place(int(found.waiting) + 1, need, staff)
        )
        return figures_of(queue.name, nodes, wait)

    def _kinds(self) -> Mapping[QueueName, ChannelKind]:
        """Of what waits first in each queue, here; for those whose wait is to be expected."""
        state, kinds = self._ledger.state, dict[QueueName, ChannelKind]()
        every = (one for queue in state.queues.values() for one in queue.thresholds)
        if all(one.when != "expected_wait" for one in every):
            return kinds
        for item in state.items.values():  # once, and not for each queue
            if item.state is ItemState.QUEUED:
                kinds.setdefault(item.queue, item.kind)
        return kinds

    async def run(self) -> Never:
        """Look once a second at what waits in queues with an alarm."""
        while True:
            if self._ledger.state.alarms:
                await self.tend()
            await self._sleep(EVERY_SECONDS)  # waits grow by the clock: no event says so

    async def tend(self) -> None:
        """Do what is to be done to what waits just now."""
        state = self._ledger.state
        alarms = standing(state)
        waiting = [
            item.id
            for item in state.items.values()
            if item.state is ItemState.QUEUED and item.queue in alarms
        ]
        for done, key in enumerate(waiting, start=1):
            item = state.items.get(key)
            if item is not None and item.queue in alarms:
                try:
                    self._record(cared(state, item, alarms[item.queue], self._ledger.context()))
                except Exception:  # noqa: BLE001 - one item's failure, not the queue's
                    _log.exception("an item could not be cared for", item=key)
            if done % SLICE == 0:
                await self._sleep(0)  # others have their turn

    def _record(self, changes: list[e.Change]) -> None:
        if changes and self._ledger.writable:
            self._ledger.record(changes)
