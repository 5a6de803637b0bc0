"""The outbox: brings to the outside what has committed, one attempt after the other.

An attempt is journaled before the outside is touched, so that after a crash its outcome is known
to be unknown, and the next attempt says that it is a repeat. Within one case attempts keep
their order, also while an earlier one has to be tried again (``lines``); between cases they run
side by side, bounded per channel.
"""

import asyncio
import heapq
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta

import structlog
from msgspec import Struct

from gateway.core import events as e
from gateway.core import outbox
from gateway.core.errors import TryAgain
from gateway.core.events import Entry
from gateway.core.ids import ChannelName, OutboundId
from gateway.core.model import Message, OutboundState, Outgoing
from gateway.core.stopping import stop_order
from gateway.flow.ledger import Ledger
from gateway.flow.lines import Lines
from gateway.flow.naps import news_within
from gateway.flow.tasks import KeyedLocks, Tasks
from gateway.ports import Channel, File, Outbound
from gateway.store.contract import CommitUnknown, Lookup, Unavailable

STORE_PAUSE = timedelta(seconds=1)
"""How long to wait for a database that did not give what is to be sent."""
AT_ONCE = 16
"""Attempts of one channel under way."""
_OPEN = (OutboundState.PENDING, OutboundState.ATTEMPTING)

_log = structlog.get_logger("outbox")


class _Content(Struct, frozen=True):
    """What is sent, besides the order itself."""

    message: Message | None
    files: tuple[File, ...]


class Dispatch:
    """See the module's docstring."""

    def __init__(
        self, ledger: Ledger, lookup: Lookup, channel_of: Callable[[ChannelName], Channel | None]
    ) -> None:
        self._ledger = ledger
        self._lookup = lookup
        self._channel_of = channel_of
        self._due: list[tuple[datetime, OutboundId]] = []
        self._changed = asyncio.Event()
        self._tasks = Tasks("outbox")
        self._in_order = KeyedLocks()
        self._slots: dict[ChannelName, asyncio.Semaphore] = {}
        self._stopped = False
        self._attempting: set[OutboundId] = set()
        self.under_way = 0
        ledger.subscribe(self._on_committed)
        self._lines = Lines()
        for outgoing in ledger.state.outbox.values():
            self._lines.put(outgoing)
            self._plan(outgoing)

    def _on_committed(self, entries: Sequence[Entry]) -> None:
        for entry in entries:
            for row in entry.rows:
                if isinstance(row, Outgoing):
                    self._note(row)
            if type(entry.event) is e.OutboundHandedOver:
                self._over(entry.event.outbound)

    def _note(self, outgoing: Outgoing) -> None:
        if outgoing.state in _OPEN:
            self._lines.put(outgoing)
        else:
            self._over(outgoing.id)
        if outgoing.state is OutboundState.PENDING:
            self._plan(outgoing)

    def _over(self, outbound: OutboundId) -> None:
        """Whatever waited behind it has its turn."""
        following = self._lines.end(outbound)
        order = self._ledger.state.outbox.get(following) if following is not None else None
        if order is not None:
            self._plan(order)

    def _plan(self, outgoing: Outgoing) -> None:
        self._plan_at(outgoing.next_at, outgoing.id)

    def hurry(self, outbound: OutboundId) -> None:
        """Try this one now (an operator's ``retry``), and first what it waits for."""
        self._plan_at(self._ledger.clock.now(), self._lines.first(outbound))

    def _plan_at(self, at: datetime, outbound: OutboundId) -> None:
        heapq.heappush(self._due, (at, outbound))
        self._changed.set()

    async def as_it_leaves(self, outgoing: Outgoing) -> Outbound:
        """What its channel is given for it. Raises ``Unavailable``."""
        return self._outbound(outgoing, await self._content(outgoing))

    def brings(self, orders: Iterable[OutboundId]) -> bool:
        """Whether one of these is being brought to the outside just now."""
        return not self._attempting.isdisjoint(orders)

    def stop(self) -> None:
        """Begin no more attempts; those under way go on (drain)."""
        self._stopped = True

    async def run(self) -> None:
        async with self._tasks:
            while True:
                self._changed.clear()
                self._start_due()
                wait = None
                if self._due:
                    wait = (self._due[0][0] - self._ledger.clock.now()).total_seconds()
                    wait = max(wait, 0.001)
                await news_within(self._changed, wait)

    def _start_due(self) -> None:
        now = self._ledger.clock.now()
        while self._due and self._due[0][0] <= now:
            _, outbound = heapq.heappop(self._due)
            outgoing = self._ledger.state.outbox.get(outbound)
            if outgoing is not None and self._lines.first(outbound) == outbound:
                self._tasks.spawn(self._bring(outgoing), outbound)

    async def _bring(self, outgoing: Outgoing) -> None:
        self.under_way += 1
        try:
            await self._bring_in_order(outgoing)
        finally:
            self.under_way -= 1

    async def _bring_in_order(self, outgoing: Outgoing) -> None:
        slots = self._slots.setdefault(outgoing.channel, asyncio.Semaphore(AT_ONCE))
        async with self._in_order.hold(outgoing.case or outgoing.id), slots:
            try:
                content = await self._content(outgoing)
            except (Unavailable, CommitUnknown):
                self._plan_at(self._ledger.clock.now() + STORE_PAUSE, outgoing.id)
                return
            current = self._ledger.state.outbox.get(outgoing.id)
            if current is None or current.version != outgoing.version or self._stopped:
                return
            position = self._ledger.record([outbox.attempt(current)])
            self._attempting.add(outgoing.id)
            try:
                await self._ledger.committed(position)
                await self._attempt(self._ledger.state.outbox[outgoing.id], content)
            finally:
                self._attempting.discard(outgoing.id)

    async def _attempt(self, outgoing: Outgoing, content: _Content) -> None:
        try:
            channel = self._channel_of(outgoing.channel)
            if channel is None:
                raise TryAgain(f"there is no channel {outgoing.channel!r} on this node")  # noqa: TRY301
            stop_order(self._ledger.state, outgoing)
            receipt = await channel.send(self._outbound(outgoing, content))
        except Exception as error:  # noqa: BLE001 - every outcome is journaled, known or not
            ctx = self._ledger.context()
            changes = outbox.failed(self._ledger.state, outgoing, error, ctx)
            _log.warning("not delivered", outbound=outgoing.id, error=repr(error))
        else:
            changes = outbox.sent(
                outgoing,
                receipt.external_id,
                receipt.delivery,
                self._ledger.context(),
                reason=receipt.reason,
                later=receipt.later,
            )
        # A report on it that came meanwhile may have settled it: what that says stands.
        if outgoing.id in self._ledger.state.outbox:
            await self._ledger.committed(self._ledger.record(changes))

    async def _content(self, outgoing: Outgoing) -> _Content:
        """Looked up before the attempt is journaled: a database that is away leaves no doubt."""
        message = await self._lookup.message(outgoing.message) if outgoing.message else None
        files = []
        for attachment in message.attachments if message else ():
            found = await self._lookup.file(attachment.id)
            if found is not None:
                files.append(
                    File(
                        name=attachment.name,
                        type=attachment.type,
                        data=found[1],
                        inline_id=attachment.inline_id,
                    )
                )
        return _Content(message, tuple(files))

    def _outbound(self, outgoing: Outgoing, content: _Content) -> Outbound:
        return Outbound(
            id=outgoing.id,
            channel=outgoing.channel,
            purpose=outgoing.purpose,
            created_at=outgoing.created_at,
            attempt=outgoing.attempts,
            repeat=outgoing.unsettled,
            address=outgoing.address,
            number=outgoing.number,
            case=outgoing.case,
            item=outgoing.item,
            message=content.message,
            thread=outgoing.thread,
            files=content.files,
            payload=outgoing.payload,
            only=outgoing.only,
            token=self._ledger.tokens.of(outgoing.number) if outgoing.number is not None else "",
        )
