"""Intake, two steps: the inbox commit is the acknowledgement, the decision follows.

Commits of several channels travel together. Decisions run one at a time per identity, each
until its own commit, so that the next contact of the same person finds the case of the last.
What the inbox holds undecided after a restart is decided then.
"""

import asyncio
import random
from collections import OrderedDict, deque
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from typing import Any

import structlog
from msgspec import Struct, structs

from gateway.core import events as e
from gateway.core.backoff import reconnect_delay
from gateway.core.bounces import Report, reported_id
from gateway.core.correlate import Candidates
from gateway.core.errors import Refused
from gateway.core.ids import CaseId, ChannelName, InboundId, Position, QueueName
from gateway.core.inbound import Decided, Inbound
from gateway.core.intake import Known, decide
from gateway.core.model import Case, ChannelKind, InboundDone
from gateway.flow.ledger import Ledger
from gateway.flow.numbers import Numbers
from gateway.flow.tasks import KeyedLocks, Tasks
from gateway.flow.writer import Writer
from gateway.ports import Accepted, Memory
from gateway.store.contract import (
    BadBatch,
    CommitUnknown,
    Fenced,
    Journal,
    Lookup,
    Received,
    Stored,
    Unavailable,
)

MOST = 500
"""Inbounds in one inbox commit."""
KEPT = 20_000
"""Answers kept in memory for those who ask again."""
ASK_AGAIN_SECONDS = 0.5
"""Between two looks for a decision that another node makes."""
RECENT_JOINS = frozenset({ChannelKind.EMAIL, ChannelKind.SMS, ChannelKind.WHATSAPP})

_log = structlog.get_logger("intake")
Sleep = Callable[[float], Awaitable[None]]


_Note = tuple[ChannelName, Memory]
_Kept = tuple[Inbound, Stored]


class _Parcel(Struct):
    """What one ``receive`` brought, until its inbox commit."""

    inbounds: Sequence[Inbound]
    memory: _Note | None
    stored: "asyncio.Future[list[Stored]]"


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
        sleep: Sleep = asyncio.sleep,
    ) -> None:
        self._ledger = ledger
        self._journal = journal
        self._lookup = lookup
        self._writer = writer
        self._numbers = numbers
        self._queue_of = queue_of
        self._sleep = sleep
        self._parcels: deque[_Parcel] = deque()
        self._waiting: set[asyncio.Future[list[Stored]]] = set()
        self._more = asyncio.Event()
        self._tasks = Tasks("intake")
        self._one_at_a_time = KeyedLocks()
        self._results: OrderedDict[InboundId, asyncio.Future[Decided]] = OrderedDict()

    # -- for channels -----------------------------------------------------------------------

    async def receive(
        self, inbounds: Sequence[Inbound], memory: Memory | None = None
    ) -> list[Accepted]:
        """Store in one commit; see ``ports.Intake``. Raises ``Refused('unavailable')``."""
        self._ledger.check_open()
        if not inbounds:
            # Nothing says whose memory it would be.
            if memory is not None:
                raise ValueError("memory goes with what it is about; else use ChannelMemory.save")
            return []
        note = (inbounds[0].channel, memory) if memory is not None else None
        stored: asyncio.Future[list[Stored]] = asyncio.get_running_loop().create_future()
        self._waiting.add(stored)
        stored.add_done_callback(self._waiting.discard)
        self._parcels.append(_Parcel(inbounds, note, stored))
        self._more.set()
        rows = await stored
        await self._ledger.gate.passed()
        return [
            Accepted(id=s.id, fresh=s.fresh, customer=s.customer.id if s.customer else None)
            for s in rows
        ]

    async def decided(self, accepted: Accepted) -> Decided:
        result = self._results.get(accepted.id)
        if result is not None:
            return await asyncio.shield(result)
        while True:
            with suppress(Unavailable):
                known = await self._lookup.decided(accepted.id)
                if known is not None:
                    return known
            # Another node has it; perhaps it becomes ours.
            await self._sleep(ASK_AGAIN_SECONDS)
            result = self._results.get(accepted.id)
            if result is not None:
                return await asyncio.shield(result)

    # -- step one: the inbox commit ---------------------------------------------------------

    async def run(self, received: Iterable[Received] = ()) -> None:
        """Work until cancelled, first on what an earlier incarnation left undecided."""
        try:
            async with self._tasks:
                for row in received:
                    self._begin(row.inbound, row.stored)
                while True:
                    await self._more.wait()
                    self._more.clear()
                    while self._parcels:
                        await self._store(self._take())
        finally:
            why = Refused("unavailable", "the node ends, or begins anew")
            waiting: tuple[asyncio.Future[Any], ...] = (*self._waiting, *self._results.values())
            for asked in waiting:
                if not asked.done():
                    asked.set_exception(why)
                    asked.exception()  # nobody need have asked

    def _take(self) -> list[_Parcel]:
        parcels, count = [], 0
        while self._parcels and count < MOST:
            parcel = self._parcels.popleft()
            if parcel.stored.cancelled():
                continue
            parcels.append(parcel)
            count += len(parcel.inbounds)
        return parcels

    async def _store(self, parcels: list[_Parcel]) -> None:
        if not parcels:
            return
        inbounds = [i for p in parcels for i in p.inbounds]
        notes = [p.memory for p in parcels if p.memory is not None]
        rows = iter(await self._commit(inbounds, notes))
        for parcel in parcels:
            mine = [next(rows) for _ in parcel.inbounds]
            for inbound, row in mine:
                self._begin(inbound, row)
            if not parcel.stored.done():
                parcel.stored.set_result([row for _, row in mine])

    async def _commit(self, inbounds: Sequence[Inbound], notes: Sequence[_Note]) -> list[_Kept]:
        """Repeated until it is done: a repeat is harmless, so an unknown outcome is one more try.

        What the database cannot take is kept without its content, for a person, and alone.
        """
        try:
            rows = await self._receive(inbounds, notes)
        except BadBatch as error:
            if len(inbounds) == 1:
                kept = _unreadable(inbounds[0], error)
                rows = await self._receive([kept], notes)
                return [(kept, rows[0])]
            _log.exception("inbounds refused by the database", count=len(inbounds))
            one_by_one = [await self._commit([i], ()) for i in inbounds[:-1]]
            # The memory says that all of these are here: it goes with the last of them.
            one_by_one.append(await self._commit(inbounds[-1:], notes))
            return [kept for (kept,) in one_by_one]
        return list(zip(inbounds, rows, strict=True))

    async def _receive(self, inbounds: Sequence[Inbound], notes: Sequence[_Note]) -> list[Stored]:
        failures = 0
        while True:
            term = await self._writer.current_term()
            try:
                return await self._journal.receive(term, inbounds, notes)
            except Fenced:
                if term == await self._writer.current_term():
                    raise
            except (Unavailable, CommitUnknown) as error:
                if failures == 0:
                    _log.error("inbox cannot be written", reason=str(error))
                await self._pause(failures)
                failures += 1

    async def _pause(self, failures: int) -> None:
        await self._sleep(reconnect_delay(failures, random.random()))  # noqa: S311 - jitter

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
            decided = await self._decide_or_quarantine(inbound, stored)
        if not result.done():
            result.set_result(decided)

    async def _decide_or_quarantine(self, inbound: Inbound, stored: Stored) -> Decided:
        failures = 0
        while True:
            try:
                position, decided = await self._decide_alone(inbound, stored)
            except (Unavailable, CommitUnknown):
                # The database is away, which is not this contact's fault.
                await self._pause(failures)
                failures += 1
            except Exception as error:  # noqa: BLE001 - its own failure, nobody else's
                # One contact that makes the decision fail is put aside for a person, alone.
                _log.exception("decision failed", inbound=stored.id)
                return await self._quarantine(stored, f"{type(error).__name__}: {error}")
            else:
                await self._ledger.committed(position)
                return decided

    async def _decide_alone(self, inbound: Inbound, stored: Stored) -> tuple[Position, Decided]:
        number = await self._numbers.next()
        found = await self._candidates(inbound, stored)
        report = await self._report(inbound, found)
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


def _unreadable(inbound: Inbound, error: Exception) -> Inbound:
    """What is left of an inbound that the database refuses: the raw bytes, under the same key."""
    return Inbound(
        channel=inbound.channel,
        kind=inbound.kind,
        key=inbound.key,
        at=inbound.at,
        raw=inbound.raw,
        problem=f"it could not be stored: {error}",
    )


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
