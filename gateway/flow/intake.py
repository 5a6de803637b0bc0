"""Intake, two steps: the inbox commit is the acknowledgement, the decision follows.

Commits of several channels travel together. Decisions run one at a time per identity, each
until its own commit, so that the next contact of the same person finds the case of the last; and
what a customer sent first is decided first, whichever nodes it has come by.
What the inbox holds undecided after a restart is decided then.
"""

import asyncio
import random
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress

import structlog
from msgspec import structs

from gateway.core import events as e
from gateway.core.backoff import reconnect_delay
from gateway.core.bounces import reported_id
from gateway.core.copies import meant_for
from gateway.core.correlate import Candidates
from gateway.core.duties import DutyTerm
from gateway.core.edition import refuse_unknown
from gateway.core.errors import Refused
from gateway.core.ids import ChannelName, CustomerId, InboundId, NodeName, Position, QueueName
from gateway.core.inbound import Decided, Inbound
from gateway.core.intake import Known, decide
from gateway.core.model import InboundDone
from gateway.flow.departures import Departures
from gateway.flow.findings import (
    Findings,
    about,
    cases_of,
    merged_meanwhile,
    newest,
    newest_report,
    subject_of,
)
from gateway.flow.ledger import Ledger
from gateway.flow.numbers import Numbers
from gateway.flow.pacing import count_inbound
from gateway.flow.receiving import Receiving, Sleep
from gateway.flow.tasks import KeyedLocks, Tasks
from gateway.flow.underway import Underway
from gateway.flow.verdicts import Verdicts
from gateway.flow.whose import Elsewhere, Whose
from gateway.flow.writer import Writer
from gateway.ports import Accepted, Memory, PeerEntry
from gateway.store.contacts import Older
from gateway.store.contract import (
    CommitUnknown,
    Fenced,
    Journal,
    Lookup,
    Received,
    Stored,
    Unavailable,
)

AGAIN_SECONDS = 1.0
"""So long a contact waits for an older one before the database is asked for it anew."""

_log = structlog.get_logger("intake")


class _Anew(Unavailable):
    """It was to be handed over, and is ours as of ``stamp``: look at everything once more."""

    def __init__(self, stamp: int) -> None:
        super().__init__("it was to be handed over")
        self.stamp = stamp


class IntakeFlow:
    """Implements ``ports.Intake``.

    ``whose`` knows what other nodes decide about; ``None``: there are no others. ``ring`` tells
    one of them that something waits for it.
    """

    def __init__(
        self,
        ledger: Ledger,
        journal: Journal,
        lookup: Lookup,
        writer: Writer,
        numbers: Numbers,
        queue_of: Callable[[ChannelName], QueueName],
        *,
        whose: Whose | None = None,
        sleep: Sleep = asyncio.sleep,
    ) -> None:
        self.ring: Callable[[NodeName], None] = lambda _node: None
        self._ledger = ledger
        self._lookup = lookup
        self._numbers = numbers
        self._queue_of = queue_of
        self._sleep = sleep
        self._tasks = Tasks("intake")
        self._one_at_a_time = KeyedLocks()
        self._findings = Findings(lookup)
        self._verdicts = Verdicts(lookup.decided)
        self._whose = whose or Whose(ledger, writer.current_term, Departures(), None)
        stamp = self._whose.departures.stamp
        self._receiving = Receiving(journal, writer, self._begin, stamp=stamp, sleep=sleep)
        self._deciding: Counter[str] = Counter()
        self._underway = Underway()
        self._looking = asyncio.Lock()
        self._behind = 0

    # -- for channels -----------------------------------------------------------------------

    async def receive(
        self,
        inbounds: Sequence[Inbound],
        memory: Memory | None = None,
        duty: DutyTerm | None = None,
    ) -> list[Accepted]:
        """Store in one commit; see ``ports.Intake``. Raises ``Refused('unavailable')``.

        ``duty`` is what they were read under; raises ``StoodDown`` if it is not held any more.
        """
        self._ledger.check_open()
        if not inbounds:
            # Nothing says whose memory it would be.
            if memory is not None:
                raise ValueError("memory goes with what it is about; else use ChannelMemory.save")
            return []
        for inbound in inbounds:
            # An older node, to which it may come, would take it for a message.
            if inbound.sign or inbound.rating or inbound.amend is not None:
                refuse_unknown(inbound, self._ledger.written)
        rows = await self._receiving.store(inbounds, memory, duty)
        await self._ledger.gate.passed()
        return [
            Accepted(id=s.id, fresh=s.fresh, customer=s.customer.id if s.customer else None)
            for s in rows
        ]

    async def decided(self, accepted: Accepted) -> Decided:
        return await self._verdicts.wait(accepted.id)

    async def run(self, received: Iterable[Received] = ()) -> None:
        """Work until cancelled, first on what an earlier incarnation left undecided."""
        try:
            async with self._tasks:
                stamp = self._whose.departures.stamp()
                for row in received:
                    self._begin(row.inbound, row.stored, stamp)
                await self._receiving.run()
        finally:
            why = Refused("unavailable", "the node ends, or begins anew")
            self._receiving.refuse(why)
            self._verdicts.end(why)

    # -- step two: the decision -------------------------------------------------------------

    def adopt(self, received: Iterable[Received]) -> None:
        """Decide about what another node had received and is ours now."""
        me, stamp = self._ledger.state.node, self._whose.departures.stamp()
        for row in received:
            # What we have passed on since somebody looked is found again if it comes back.
            if not self._verdicts.is_given_away(row.stored.id):
                self._begin(row.inbound, structs.replace(row.stored, node=me), stamp)

    def again(self, received: Received) -> None:
        """Decide anew about an inbound that was quarantined and is undecided on disk again."""
        self._verdicts.forget(received.stored.id)
        self._begin(received.inbound, received.stored, self._whose.departures.stamp())

    @property
    def undecided(self) -> int:
        """Contacts that are being decided about."""
        return self._deciding.total()

    def decides_about(self, customers: Iterable[CustomerId]) -> bool:
        """Whether a contact of one of these is among them."""
        return any(customer in self._deciding for customer in customers)

    async def look(self) -> None:
        """Decide about what other nodes have received for us, or passed on to us.

        Raises ``Unavailable``.
        """
        async with self._looking:
            self._verdicts.look_begins()
            stamp = self._whose.departures.stamp()
            try:
                for row in await self._whose.waiting(self._verdicts.open):
                    if self._verdicts.is_new(row.stored.id):
                        self._begin(row.inbound, row.stored, stamp)
            finally:
                self._verdicts.look_ends()

    def heard(self, _node: NodeName, entries: Sequence[PeerEntry]) -> None:
        """Other nodes have decided."""
        decided = (x.event.inbound for x in entries if isinstance(x.event, e.InboundDecided))
        self._verdicts.heard(map(InboundId, decided))

    def _begin(self, inbound: Inbound, stored: Stored, stamp: int) -> None:
        """``stamp`` is of a moment before it was seen to be ours: it may have left since."""
        if stored.node not in (None, self._ledger.state.node) and stored.decided is None:
            if stored.node is not None:
                self.ring(stored.node)
            return
        if not self._verdicts.begin(stored.id):
            return
        if stored.decided is not None:
            self._verdicts.settle(stored.id, stored.decided)
        else:
            self._deciding[_customer_of(stored)] += 1
            self._underway.begin(inbound, stored.id)
            self._tasks.spawn(self._decide(inbound, stored, stamp), stored.id)

    async def _decide(self, inbound: Inbound, stored: Stored, stamp: int) -> None:
        try:
            await self._underway.after_what_it_answers(inbound, stored.id, self._verdicts.wait)
            await self._decide_in_turn(inbound, stored, stamp)
        finally:
            self._underway.end(inbound, stored.id)
            who = _customer_of(stored)
            self._deciding[who] -= 1
            if not self._deciding[who]:
                del self._deciding[who]

    async def _decide_in_turn(self, inbound: Inbound, stored: Stored, stamp: int) -> None:
        """Not before what the same customer sent earlier, wherever that waits.

        Who has begun while this node was alone, and nobody waited, comes in turn by the lock.
        """
        asks = not self._whose.alone()
        while True:
            async with self._one_at_a_time.hold(_who(inbound)):
                older = await self._older(stored) if asks or self._behind else None
                if older is None:
                    await self._decide_now(inbound, stored, stamp)
                    return
            # Without the lock, for the older one may need it.
            self._behind += 1
            try:
                await self._come_after(older)
            finally:
                self._behind -= 1

    async def _decide_now(self, inbound: Inbound, stored: Stored, stamp: int) -> None:
        decided = await self._decide_or_quarantine(inbound, stored, stamp)
        if decided is not None:
            self._verdicts.settle(stored.id, decided)

    async def _older(self, stored: Stored) -> Older | None:
        failures = 0
        while True:
            try:
                return await self._whose.older(stored)
            except Unavailable:
                await self._pause(failures)
                failures += 1

    async def _come_after(self, older: Older) -> None:
        """Return when somebody may have decided about it: then it is to be asked again."""
        if older.node == self._ledger.state.node:
            with suppress(Unavailable):
                await self.look()  # it has come to us, and we have not been told
        with suppress(TimeoutError):
            async with asyncio.timeout(AGAIN_SECONDS):
                await self._verdicts.wait(older.id)

    async def _decide_or_quarantine(
        self, inbound: Inbound, stored: Stored, stamp: int
    ) -> Decided | None:
        """``None``: it is another node's to decide about, and has been passed on."""
        failures = 0
        while True:
            try:
                done = await self._decide_alone(inbound, stored, stamp)
            except (Unavailable, CommitUnknown, Fenced) as error:
                if isinstance(error, _Anew):
                    stamp = error.stamp
                # The database is away, or we are over, which is not this contact's fault.
                await self._pause(failures)
                failures += 1
            except Exception as error:  # noqa: BLE001 - its own failure, nobody else's
                # One contact that makes the decision fail is put aside for a person, alone.
                _log.exception("decision failed", inbound=stored.id)
                return await self._quarantine(stored, f"{type(error).__name__}: {error}")
            else:
                if done is not None:
                    await self._ledger.committed(done[0])
                return done[1] if done is not None else None

    async def _decide_alone(
        self, inbound: Inbound, stored: Stored, stamp: int
    ) -> tuple[Position, Decided] | None:
        """One try. Raises ``Unavailable`` for another one; ``None``: it is another node's."""
        found = await self._findings.candidates(inbound, stored, self._ledger)
        report = await self._findings.report(inbound, found)
        past = await self._findings.past(inbound, stored, self._ledger)
        number = await self._numbers.next()
        decided: Decided | None = None
        try:
            last = await self._findings.last(found, self._ledger)
            amended = await self._findings.amended(inbound)
            found = await self._ours(stored, found, stamp)
            if merged_meanwhile(inbound, found, self._ledger.state.cases):
                raise Unavailable("the case was merged into another one just now")
            # From here on nothing waits: what is ours could be another's a moment later.
            state = self._ledger.state
            adopted = [state.adopt(case).id for case in cases_of(found)]
            known = Known(
                inbound_id=stored.id,
                number=number,
                default_queue=self._queue_of(meant_for(state, inbound)),
                customer=stored.customer,
                found=newest(found, state.cases),
                attachments=stored.attachments,
                report=newest_report(report, state.cases),
                past=past,
                last=last,
                amended=amended,
            )
            try:
                changes, decided = decide(state, self._ledger.context(), inbound, known)
                position = self._ledger.record(changes)
                count_inbound(state, inbound, changes, self._ledger.clock.now())
                return position, decided
            finally:
                for case_id in adopted:
                    self._ledger.release(case_id)
        except Elsewhere:
            self._verdicts.give_away(stored.id)
            return None
        finally:
            if decided is None or decided.number != number:
                self._numbers.give_back(number)

    async def _ours(self, stored: Stored, found: Candidates, stamp: int) -> Candidates:
        """What was found, as it is once nobody else may change it.

        Raises ``Elsewhere`` when another node decides about the contact and has it, and
        ``Unavailable`` when that is to be found out anew.
        """
        case, licence = subject_of(found), None
        if case is not None:
            try:
                licence = await self._whose.license(case.id)
            except Elsewhere as elsewhere:
                to = await self._pass_on(stored.id, elsewhere.node)
                if to == self._ledger.state.node:
                    raise Unavailable("it has come back to us") from elsewhere
                self.ring(to)
                raise
            if licence.claimed:
                found = await self._findings.read_again(found)
        concerned = about(stored, found)
        if self._whose.departures.since(concerned, stamp):
            # Handed over while we looked, and the contact with its customer; or ours again.
            await self._whose.departures.settled(concerned)
            now = self._whose.departures.stamp()
            node = await self._lookup.decides(stored.id)
            if node is not None and node != self._ledger.state.node:
                raise Elsewhere(node)
            raise _Anew(now)
        if licence is not None and not self._whose.holds(licence):
            raise Unavailable("its last item has ended meanwhile")
        return found

    async def _pass_on(self, inbound: InboundId, to: NodeName) -> NodeName:
        """Until it is known whose it is: what may have been passed on is not decided here."""
        failures = 0
        while True:
            try:
                return await self._whose.pass_on(inbound, to)
            except (Unavailable, CommitUnknown, Fenced):
                await self._pause(failures)
                failures += 1

    async def _pause(self, failures: int) -> None:
        await self._sleep(reconnect_delay(failures, random.random()))  # noqa: S311 - jitter

    async def _quarantine(self, stored: Stored, reason: str) -> Decided:
        done = InboundDone(id=stored.id, status="quarantined", reason=reason)
        event = e.InboundDecided(inbound=stored.id, status="quarantined", reason=reason)
        await self._ledger.committed(self._ledger.record([e.Change(event, (done,))]))
        return Decided(status="quarantined", reason=reason)


def _customer_of(stored: Stored) -> str:
    return stored.customer.id if stored.customer is not None else ""


def _who(inbound: Inbound) -> str:
    """Decisions with the same key run one after the other."""
    if inbound.identity is not None:
        return f"{inbound.identity.kind}:{inbound.identity.value}"
    if (message := reported_id(inbound)) is not None:
        return f"report:{message}"
    return f"{inbound.channel}:{inbound.key}"
