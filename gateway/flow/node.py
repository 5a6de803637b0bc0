"""One node over one store: the flow's parts, built in one place and run in one scope.

The process composes it with channels, push and REST (``gateway.app``); the simulation composes
the very same with fakes. ``async with Node.open(…) as node`` loads the state, ``run`` works.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping

from gateway.core import events as e
from gateway.core.adoption import adopt_agents, adopt_items
from gateway.core.closing import clear_out
from gateway.core.hands import give_back
from gateway.core.ids import ChannelName, ItemId, NewId, NodeName, QueueName
from gateway.core.model import Delivery, DeliveryUpdate, ItemState, Message
from gateway.core.state import NodeState
from gateway.flow.automation import Automation
from gateway.flow.care import Care
from gateway.flow.clocks import Recount
from gateway.flow.conversations import CaseReader, FileShelf, MemoryShelf
from gateway.flow.departures import Departures
from gateway.flow.desk import DeskFlow
from gateway.flow.dispatch import Dispatch
from gateway.flow.gate import Gate
from gateway.flow.intake import IntakeFlow
from gateway.flow.ledger import Ledger
from gateway.flow.numbers import Numbers
from gateway.flow.outcomes import Outcomes
from gateway.flow.pacing import Pacing
from gateway.flow.reconcile import Reconciler
from gateway.flow.router import Router
from gateway.flow.signals import SignalBoard
from gateway.flow.timers import Timers
from gateway.flow.values import Values
from gateway.flow.whose import Whose
from gateway.flow.writer import Writer
from gateway.ports import Channel, Clock
from gateway.store.contacts import Contacts
from gateway.store.contract import Journal, Loaded, Lookup, Term
from gateway.store.paces import PaceRows

TOLD_AT_ONCE = 500
"""Adopted rows in one record."""

Sleep = Callable[[float], Awaitable[None]]


class Node:
    """The parts of one node. All are built by ``start``; ``run`` works until cancelled."""

    def __init__(
        self,
        *,
        ledger: Ledger,
        writer: Writer,
        journal: Journal,
        lookup: Lookup,
        loaded: Loaded,
        channels: Mapping[ChannelName, Channel],
        queue_of: Callable[[ChannelName], QueueName],
        contacts: Contacts | None,
        paces: PaceRows | None,
        sleep: Sleep,
    ) -> None:
        self.ledger = ledger
        self.writer = writer
        self.lookup = lookup
        self.signals = SignalBoard()
        self.departures = Departures()
        self.handed = loaded.handed
        self.timers = Timers(ledger)
        self.timers.load([*ledger.state.items.values(), *ledger.state.statuses.values()])
        self.router = Router(ledger, self.timers)
        ledger.expect = self._expected
        self.recount = Recount(ledger)
        self.care = Care(ledger, self.router.engine.expectation, sleep=sleep)
        self.automation = Automation(ledger, self.timers)
        self.values = Values(ledger, lookup, sleep=sleep)
        self.pacing = Pacing(ledger, paces, sleep=sleep)
        self.outcomes = Outcomes(ledger)
        self.numbers = numbers = Numbers(journal)
        self.whose = Whose(ledger, writer.current_term, self.departures, contacts)
        self.intake = IntakeFlow(
            ledger,
            journal,
            lookup,
            writer,
            numbers,
            queue_of,
            whose=self.whose,
            sleep=sleep,
        )
        self.desk = DeskFlow(
            ledger,
            lookup,
            numbers,
            self.signals,
            whose=self.whose,
            channel=channels.get,
            sleep=sleep,
        )
        self.dispatch = Dispatch(ledger, lookup, channels.get)
        self.reconciler = Reconciler(ledger, sleep=sleep)
        self.conversations = CaseReader(ledger, lookup, self.router)
        self.files = FileShelf(lookup)
        self.ends = loaded.ends
        self.memory = MemoryShelf(lookup, writer.current_term)
        self._received = loaded.received
        self._sleep = sleep

    @classmethod
    async def start(
        cls,
        *,
        name: NodeName,
        region: str,
        clock: Clock,
        new_id: NewId,
        journal: Journal,
        lookup: Lookup,
        channels: Mapping[ChannelName, Channel],
        queue_of: Callable[[ChannelName], QueueName],
        sleep: Sleep = asyncio.sleep,
        gate: Gate | None = None,
        term: Term | None = None,
        contacts: Contacts | None = None,
        paces: PaceRows | None = None,
    ) -> "Node":
        """Claim the node's name, load what is open, and be ready to run.

        ``term`` is what it may write under if it has been claimed already (``cluster.joining``).
        ``contacts`` is for a node among others, which passes on what is not its own to decide;
        ``paces`` is where it keeps who writes how often.

        ``channels`` may be filled afterwards: a channel needs the node to be opened. Whoever
        gives a ``gate`` with a clock watches it with ``still_ours``.
        """
        term = term or await journal.begin(name, region)
        loaded = await journal.load(term)
        told = [item for item in loaded.items if item.owner == name]
        at_home = [status for status in loaded.statuses if status.home == name]
        state = NodeState(name)
        state.load(
            profiles=loaded.profiles,
            statuses=at_home,
            queues=loaded.queues,
            sites=loaded.sites,
            entries=loaded.entries,
            cases=loaded.cases,
            items=told,
            outbox=loaded.outbox,
        )
        ledger = Ledger(state, clock, new_id, term.epoch, new_batch=journal.batch, gate=gate)
        writer = Writer(ledger, journal, term, sleep=sleep)
        node = cls(
            ledger=ledger,
            writer=writer,
            journal=journal,
            lookup=lookup,
            loaded=loaded,
            channels=channels,
            queue_of=queue_of,
            contacts=contacts,
            paces=paces,
            sleep=sleep,
        )
        node.settle_after_restart(region)
        node.tell_adopted(loaded)
        return node

    def _expected(self, item: ItemId) -> float | None:
        """How many seconds of work are before it; ``None``: it does not wait, or nobody knows."""
        state = self.ledger.state
        known = state.items.get(item)
        if known is None or known.state is not ItemState.QUEUED:
            return None
        return self.router.engine.expectation.known_of(known, self.ledger.clock.now())

    def settle_after_restart(self, region: str) -> None:
        """Nobody is connected to a node that has just begun: desktops' grace starts now.

        Also for one that was gone before and holds work: while the node was away it could not
        come back. Nor could anybody accept an offer that ran out meanwhile: it was not missed.
        """
        state, now = self.ledger.state, self.ledger.clock.now()
        lapsed = [
            change
            for item in state.items.values()
            if item.offer is not None and item.offer.deadline <= now
            for change in give_back(item, item.offer.agent, "it ran out while the node was away")
        ]
        dropped = [
            e.Change(e.AgentDetached(agent=s.name, tab="", reason="the node restarted"))
            for s in state.statuses.values()
            if s.home == state.node and (s.dropped_at is None or state.in_hand(s.name))
        ]
        started = e.NodeStarted(node=state.node, region=region, items=len(state.items))
        self.ledger.record([e.Change(started), *dropped, *lapsed])
        # A site may have been closed elsewhere while this node was away.
        self.ledger.record(clear_out(state, state.closed, hands=False))

    def tell_adopted(self, loaded: Loaded) -> None:
        """Rows that are ours by a takeover or a claim that an earlier life never told of."""
        state, reason = self.ledger.state, "taken over before the node restarted"
        headers = {case.id: case for case in loaded.cases}
        statuses = [status for status in loaded.statuses if status.name not in state.statuses]
        items = [(item, headers[item.case]) for item in loaded.items if item.id not in state.items]
        for start in range(0, len(statuses), TOLD_AT_ONCE):
            part = statuses[start : start + TOLD_AT_ONCE]
            self.ledger.record(adopt_agents(state, part, reason))
        for start in range(0, len(items), TOLD_AT_ONCE):
            self.ledger.record(adopt_items(state, items[start : start + TOLD_AT_ONCE], reason))

    def note_delivery(self, message: Message, delivery: Delivery, reason: str) -> None:
        """A channel learnt how far a message has come (seen by the visitor, say)."""
        changed = e.DeliveryChanged(
            message=message.id,
            case=message.case,
            item=message.item,
            state=delivery,
            reason=reason,
        )
        update = DeliveryUpdate(message=message.id, delivery=delivery, reason=reason)
        self.ledger.record([e.Change(changed, (update,))])

    async def settled(self) -> None:
        """Begin nothing new to the outside; return when what is under way is on disk."""
        self.dispatch.stop()
        while self.dispatch.under_way:
            await self._sleep(0.02)
        await self.ledger.committed(self.ledger.position)

    async def run(self) -> None:
        """Work until cancelled. Raises ``Fenced`` when another incarnation has taken over."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self.writer.run(), name="journal")
            group.create_task(self.intake.run(self._received), name="intake")
            group.create_task(self.timers.run(), name="timers")
            group.create_task(self.router.run(), name="router")
            group.create_task(self.recount.run(), name="clocks")
            group.create_task(self.values.run(), name="values")
            group.create_task(self.pacing.run(), name="paces")
            group.create_task(self.care.run(), name="care")
            group.create_task(self.automation.run(), name="automation")
            group.create_task(self.dispatch.run(), name="outbox")
            group.create_task(self.reconciler.run(), name="reconcile")
