"""Intake, two steps: the inbox commit is the acknowledgement, the decision follows.

Commits of several channels travel together. Decisions run one at a time per identity, each
until its own commit, so that the next contact of the same person finds the case of the last.
What the inbox holds undecided after a restart is decided then.
"""

import asyncio
import random
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import suppress

import structlog
from msgspec import structs

from gateway.core import events as e
from gateway.core.backoff import reconnect_delay
from gateway.core.bounces import Report, reported_id
from gateway.core.correlate import Candidates
from gateway.core.duties import DutyTerm
from gateway.core.errors import GatewayError, Refused
from gateway.core.ids import CaseId, ChannelName, InboundId, Position, QueueName
from gateway.core.inbound import Decided, Inbound
from gateway.core.intake import Known, decide
from gateway.core.model import Case, ChannelKind, InboundDone
from gateway.flow.departures import Departures
from gateway.flow.ledger import Ledger
from gateway.flow.numbers import Numbers
from gateway.flow.receiving import Receiving
from gateway.flow.tasks import KeyedLocks, Tasks
from gateway.flow.writer import Writer
from gateway.ports import Accepted, Memory
from gateway.store.contract import (
    CommitUnknown,
    Journal,
    Lookup,
    Received,
    Stored,
    Unavailable,
)

KEPT = 20_000
"""Answers kept in memory for those who ask again."""
ASK_AGAIN_SECONDS = 0.5
"""Between two looks for a decision that another node makes."""
RECENT_JOINS = frozenset({ChannelKind.EMAIL, ChannelKind.SMS, ChannelKind.WHATSAPP})

_log = structlog.get_logger("intake")
Sleep = Callable[[float], Awaitable[None]]


class PassedOn(GatewayError):
    """Another node decides about this contact now."""


class IntakeFlow:
    """Implements ``ports.Intake``."""

    def __init__(
        self,
        ledger: Ledger,
        journal: Journal,
        lookup: Lookup,
        writer: Writer,
        numbers: Numbers,
        queue_of: Callable[[ChannelName], QueueName],
        *,
        departures: Departures | None = None,
        sleep: Sleep = asyncio.sleep,
    ) -> None:
        self._ledger = ledger
        self._lookup = lookup
        self._numbers = numbers
        self._queue_of = queue_of
        self._departures = departures or Departures()
        self._sleep = sleep
        self._receiving = Receiving(journal, writer, self._begin, sleep=sleep)
        self._tasks = Tasks("intake")
        self._one_at_a_time = KeyedLocks()
        self._results: OrderedDict[InboundId, asyncio.Future[Decided]] = OrderedDict()

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
        rows = await self._receiving.store(inbounds, memory, duty)
        await self._ledger.gate.passed()
        return [
            Accepted(id=s.id, fresh=s.fresh, customer=s.customer.id if s.customer else None)
            for s in rows
        ]

    async def decided(self, accepted: Accepted) -> Decided:
        while True:
            result = self._results.get(accepted.id)
            if result is not None:
                with suppress(PassedOn):
                    return await asyncio.shield(result)
            with suppress(Unavailable):
                known = await self._lookup.decided(accepted.id)
                if known is not None:
                    return known
            # Another node has it; perhaps it becomes ours.
            await self._sleep(ASK_AGAIN_SECONDS)

    async def run(self, received: Iterable[Received] = ()) -> None:
        """Work until cancelled, first on what an earlier incarnation left undecided."""
        try:
            async with self._tasks:
                for row in received:
                    self._begin(row.inbound, row.stored)
                await self._receiving.run()
        finally:
            why = Refused("unavailable", "the node ends, or begins anew")
            self._receiving.refuse(why)
            for asked in self._results.values():
                if not asked.done():
                    asked.set_exception(why)
                    asked.exception()  # nobody need have asked

    # -- step two: the decision -------------------------------------------------------------

    def adopt(self, received: Iterable[Received]) -> None:
        """Decide about what another node had received and is ours now."""
        for row in received:
            self._begin(row.inbound, structs.replace(row.stored, node=self._ledger.state.node))

    def again(self, received: Received) -> None:
        """Decide anew about an inbound that was quarantined and is undecided on disk again."""
        self._results.pop(received.stored.id, None)
        self._begin(received.inbound, received.stored)

    def _begin(self, inbound: Inbound, stored: Stored) -> None:
        elsewhere = stored.node not in (None, self._ledger.state.node)
        if stored.id in self._results or (elsewhere and stored.decided is None):
            return
        result: asyncio.Future[Decided] = asyncio.get_running_loop().create_future()
        self._results[stored.id] = result
        while len(self._results) > KEPT and next(iter(self._results.values())).done():
            self._results.popitem(last=False)
        if stored.decided is not None:
            result.set_result(stored.decided)
            return
        self._tasks.spawn(self._decide(inbound, stored, result), stored.id)

    async def _decide(
        self, inbound: Inbound, stored: Stored, result: "asyncio.Future[Decided]"
    ) -> None:
        async with self._one_at_a_time.hold(_who(inbound)):
            try:
                decided = await self._decide_or_quarantine(inbound, stored)
            except PassedOn as passed_on:
                self._results.pop(stored.id, None)
                if not result.done():
                    result.set_exception(passed_on)
                    result.exception()  # nobody need have asked
                return
        if not result.done():
            result.set_result(decided)

    async def _decide_or_quarantine(self, inbound: Inbound, stored: Stored) -> Decided:
        failures = 0
        while True:
            try:
                position, decided = await self._decide_alone(inbound, stored)
            except (Unavailable, CommitUnknown):
                # The database is away, which is not this contact's fault.
                await self._sleep(reconnect_delay(failures, random.random()))  # noqa: S311 - jitter
                failures += 1
            except PassedOn:
                raise
            except Exception as error:  # noqa: BLE001 - its own failure, nobody else's
                # One contact that makes the decision fail is put aside for a person, alone.
                _log.exception("decision failed", inbound=stored.id)
                return await self._quarantine(stored, f"{type(error).__name__}: {error}")
            else:
                await self._ledger.committed(position)
                return decided

    async def _decide_alone(self, inbound: Inbound, stored: Stored) -> tuple[Position, Decided]:
        number = await self._numbers.next()
        found, report = await self._look_up(inbound, stored)
        state = self._ledger.state
        adopted = [
            state.adopt(case).id
            for case in (found.conversation, found.referenced, found.recent)
            if case is not None
        ]
        known = Known(
            inbound_id=stored.id,
            number=number,
            default_queue=self._queue_of(inbound.channel),
            customer=stored.customer,
            found=_newest(found, state.cases),
            attachments=stored.attachments,
            report=_newest_report(report, state.cases),
        )
        try:
            changes, decided = decide(state, self._ledger.context(), inbound, known)
            if decided.number != number:
                self._numbers.give_back(number)
            return self._ledger.record(changes), decided
        finally:
            for case_id in adopted:
                self._ledger.release(case_id)

    async def _look_up(self, inbound: Inbound, stored: Stored) -> tuple[Candidates, Report | None]:
        """What is known of the contact, in the turn in which it is known. Raises ``PassedOn``."""
        while True:
            stamp = self._departures.stamp()
            found = await self._candidates(inbound, stored)
            report = await self._report(inbound, found)
            about = _about(stored, found)
            if not self._departures.since(about, stamp):
                return found, report
            # Handed over while we looked, and the contact with its customer; or ours again.
            await self._departures.settled(about)
            if await self._lookup.decides(stored.id) != self._ledger.state.node:
                raise PassedOn(f"{stored.id} is decided about elsewhere")

    async def _candidates(self, inbound: Inbound, stored: Stored) -> Candidates:
        conversation = referenced = recent = None
        reference = ""
        if inbound.conversation is not None:
            conversation = await self._lookup.case(inbound.conversation)
        if conversation is None and inbound.references:
            hit = await self._lookup.case_of_reference(inbound.references)
            if hit is not None:
                referenced, reference = hit
        verified = inbound.identity is not None and inbound.identity.verified
        if (
            conversation is None
            and referenced is None
            and verified
            and stored.customer is not None
            and inbound.kind in RECENT_JOINS
        ):
            recent = await self._lookup.recent_case(stored.customer.id, inbound.channel)
        return Candidates(
            conversation=conversation, referenced=referenced, reference=reference, recent=recent
        )

    async def _report(self, inbound: Inbound, found: Candidates) -> Report | None:
        """The message of ours that a delivery report is about, with its case."""
        message_id, case = reported_id(inbound), found.referenced
        if message_id is None or case is None:
            return None
        message = await self._lookup.message(message_id)
        if message is None or message.direction != "out" or message.case != case.id:
            return None
        return Report(message=message, case=case, last=await self._lookup.last_item(case.id))

    async def _quarantine(self, stored: Stored, reason: str) -> Decided:
        done = InboundDone(id=stored.id, status="quarantined", reason=reason)
        event = e.InboundDecided(inbound=stored.id, status="quarantined", reason=reason)
        await self._ledger.committed(self._ledger.record([e.Change(event, (done,))]))
        return Decided(status="quarantined", reason=reason)


def _who(inbound: Inbound) -> str:
    """Decisions with the same key run one after the other."""
    if inbound.identity is not None:
        return f"{inbound.identity.kind}:{inbound.identity.value}"
    if (message := reported_id(inbound)) is not None:
        return f"report:{message}"
    return f"{inbound.channel}:{inbound.key}"


def _about(stored: Stored, found: Candidates) -> list[str]:
    """The ids of whom and what a contact is about."""
    cases = [c for c in (found.conversation, found.referenced, found.recent) if c is not None]
    customers = [stored.customer, *(case.customer for case in cases)]
    return [*(case.id for case in cases), *(who.id for who in customers if who is not None)]


def _newest_report(report: Report | None, cases: Mapping[CaseId, Case]) -> Report | None:
    if report is None:
        return None
    return structs.replace(report, case=cases.get(report.case.id, report.case))


def _newest(found: Candidates, cases: Mapping[CaseId, Case]) -> Candidates:
    """The same candidates as the node's own state has them, which may be newer than the disk."""

    def own(case: Case | None) -> Case | None:
        return cases.get(case.id, case) if case is not None else None

    return Candidates(
        conversation=own(found.conversation),
        referenced=own(found.referenced),
        reference=found.reference,
        recent=own(found.recent),
    )
