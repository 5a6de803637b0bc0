"""The inbox commit: what channels bring is stored before anybody is told that it is there.

Parcels of several channels travel in one commit, in the order in which they came. What was read
under a duty is stored only while the duty is held; whose duty is lost is turned away alone.
"""

import asyncio
import random
from collections import deque
from collections.abc import Awaitable, Callable, Collection, Iterator, Sequence
from typing import Never

import structlog
from msgspec import Struct

from gateway.core.backoff import reconnect_delay
from gateway.core.duties import DutyTerm
from gateway.core.errors import StoodDown
from gateway.core.ids import ChannelName
from gateway.core.inbound import Inbound
from gateway.flow.writer import Writer
from gateway.ports import Memory
from gateway.store.contract import (
    BadBatch,
    CommitUnknown,
    DutyLost,
    Fenced,
    Journal,
    Stored,
    Unavailable,
)

MOST = 500
"""Inbounds in one inbox commit."""

Sleep = Callable[[float], Awaitable[None]]
_log = structlog.get_logger("intake")


class Note(Struct, frozen=True):
    """A channel's memory, and what it was read under."""

    channel: ChannelName
    memory: Memory
    duty: DutyTerm | None


_Kept = tuple[Inbound, Stored]


class Parcel(Struct):
    """What one ``receive`` brought, until its inbox commit."""

    inbounds: Sequence[Inbound]
    memory: Note | None
    duty: DutyTerm | None
    stored: "asyncio.Future[list[Stored]]"


class Receiving:
    """Stores parcels until cancelled; ``begin`` is told of every row that is on disk.

    And of the ``stamp`` (``flow.departures``) that was taken before it was.
    """

    def __init__(
        self,
        journal: Journal,
        writer: Writer,
        begin: Callable[[Inbound, Stored, int], None],
        *,
        stamp: Callable[[], int],
        sleep: Sleep = asyncio.sleep,
    ) -> None:
        self._journal = journal
        self._writer = writer
        self._begin = begin
        self._stamp = stamp
        self._sleep = sleep
        self._parcels: deque[Parcel] = deque()
        self._waiting: set[asyncio.Future[list[Stored]]] = set()
        self._more = asyncio.Event()

    async def store(
        self, inbounds: Sequence[Inbound], memory: Memory | None, duty: DutyTerm | None
    ) -> list[Stored]:
        """Return when all of them and ``memory`` are on disk. Raises ``StoodDown``."""
        note = Note(inbounds[0].channel, memory, duty) if memory is not None else None
        stored: asyncio.Future[list[Stored]] = asyncio.get_running_loop().create_future()
        self._waiting.add(stored)
        stored.add_done_callback(self._waiting.discard)
        self._parcels.append(Parcel(inbounds, note, duty, stored))
        self._more.set()
        return await stored

    async def run(self) -> Never:
        """Raises ``Fenced`` when another incarnation has taken over."""
        while True:
            await self._more.wait()
            self._more.clear()
            while self._parcels:
                await self._store(self._take())

    def refuse(self, why: Exception) -> None:
        """Nothing more will be stored: tell those who wait for it."""
        for asked in list(self._waiting):
            if not asked.done():
                asked.set_exception(why)
                asked.exception()  # nobody need have asked

    def _take(self) -> list[Parcel]:
        parcels, count = [], 0
        while self._parcels and count < MOST:
            parcel = self._parcels.popleft()
            if parcel.stored.cancelled():
                continue
            parcels.append(parcel)
            count += len(parcel.inbounds)
        return parcels

    async def _store(self, parcels: list[Parcel]) -> None:
        stamp = self._stamp()
        rows: Iterator[_Kept] | None = None
        while rows is None and parcels:
            inbounds = [i for p in parcels for i in p.inbounds]
            notes = [p.memory for p in parcels if p.memory is not None]
            duties = {p.duty for p in parcels if p.duty is not None}
            try:
                rows = iter(await self._commit(inbounds, notes, duties))
            except DutyLost as error:
                parcels = _turn_away(parcels, error)
        if rows is None:
            return
        for parcel in parcels:
            mine = [next(rows) for _ in parcel.inbounds]
            for inbound, row in mine:
                self._begin(inbound, row, stamp)
            if not parcel.stored.done():
                parcel.stored.set_result([row for _, row in mine])

    async def _commit(
        self, inbounds: Sequence[Inbound], notes: Sequence[Note], duties: Collection[DutyTerm] = ()
    ) -> list[_Kept]:
        """Repeated until it is done: a repeat is harmless, so an unknown outcome is one more try.

        What the database cannot take is kept without its content, for a person, and alone.
        Raises ``DutyLost`` if nothing was stored.
        """
        try:
            rows = await self._receive(inbounds, notes, duties)
        except BadBatch as error:
            if len(inbounds) == 1:
                kept = _unreadable(inbounds[0], error)
                rows = await self._receive([kept], notes, duties)
                return [(kept, rows[0])]
            _log.exception("inbounds refused by the database", count=len(inbounds))
            one_by_one = [await self._commit([i], ()) for i in inbounds[:-1]]
            # The memory says that all of these are here: it goes with the last of them.
            one_by_one.append(await self._commit_last(inbounds[-1:], notes))
            return [kept for (kept,) in one_by_one]
        return list(zip(inbounds, rows, strict=True))

    async def _commit_last(self, inbounds: Sequence[Inbound], notes: Sequence[Note]) -> list[_Kept]:
        """The others are stored: a memory whose duty is lost must not undo that, it is left out.

        Who has the duty now comes to the same contacts again, under the same keys.
        """
        while True:
            duties = {note.duty for note in notes if note.duty is not None}
            try:
                return await self._commit(inbounds, notes, duties)
            except DutyLost as error:
                notes = [n for n in notes if n.duty not in error.duties]

    async def _receive(
        self, inbounds: Sequence[Inbound], notes: Sequence[Note], duties: Collection[DutyTerm]
    ) -> list[Stored]:
        failures = 0
        unknown = False
        while True:
            term = await self._writer.current_term()
            memories = [(note.channel, note.memory) for note in notes]
            try:
                return await self._journal.receive(term, inbounds, memories, tuple(duties))
            except Fenced:
                if term == await self._writer.current_term():
                    raise
            except DutyLost as error:
                if not unknown:
                    raise
                # They may be stored, with a memory that passes them by: see to it that they are.
                notes = [note for note in notes if note.duty not in error.duties]
                duties = [duty for duty in duties if duty not in error.duties]
            except (Unavailable, CommitUnknown) as error:
                unknown = unknown or isinstance(error, CommitUnknown)
                if failures == 0:
                    _log.error("inbox cannot be written", reason=str(error))
                await self._pause(failures)
                failures += 1

    async def _pause(self, failures: int) -> None:
        await self._sleep(reconnect_delay(failures, random.random()))  # noqa: S311 - jitter


def _turn_away(parcels: list[Parcel], error: DutyLost) -> list[Parcel]:
    """Those that may still be stored; the others are told that their duty is gone."""
    left = []
    for parcel in parcels:
        if parcel.duty not in error.duties:
            left.append(parcel)
        elif not parcel.stored.done():
            parcel.stored.set_exception(StoodDown(str(error)))
    if len(left) == len(parcels):
        raise error
    return left


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
