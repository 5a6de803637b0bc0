"""The loop that brings a mailbox into the journal.

The order that nothing may change: fetch, store with the cursor in one commit, then mark as
read. Whatever breaks in between, the mail is still unread and above the cursor, and comes again
under the same key.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Iterator, Sequence
from datetime import datetime
from typing import Never, TypeVar

from msgspec import Struct

from channels.email import cursor as cursors
from channels.email import wire
from channels.email.cursor import Cursor, Known, fingerprint
from channels.email.imap import Refusal
from channels.email.mailbox import Info, Mailbox
from channels.email.parse import Envelope, MailParser, unreadable
from gateway.core.errors import Refused, Unreachable
from gateway.core.ids import ChannelName
from gateway.ports import ChannelMemory, Clock, Inbound, Intake, Memory

MAX_BATCH = 50
MAX_BATCH_BYTES = 4_000_000
INFO_BATCH = 500
ON_LOOP_BYTES = 4_096
"""Up to so much is parsed on the event loop, more in a thread."""
PARTIAL_BYTES = 262_144
"""What is read of a mail over the size limit."""
MAX_DROPS = 3
"""How often a single mail may take the connection down before it is put aside unread."""


class Pace(Struct, frozen=True, kw_only=True):
    """How the reader waits; all in seconds.

    ``idle`` is below the 29 minutes of RFC 2177 by far: the answer to its end is what finds a
    connection that died in silence.
    """

    idle: float = 120.0
    poll: float = 30.0
    hold: float = 1.0


class Counts(Struct):
    """What an operator wants to see: in the mailbox, stored and quarantined since the start."""

    mailbox: int = 0
    stored: int = 0
    quarantined: int = 0


class Source(Struct, frozen=True, kw_only=True):
    """Everything about this mailbox that does not change: names, limits and our addresses."""

    channel: ChannelName
    folder: str
    envelope: Callable[[str, datetime, int], Envelope]
    max_bytes: int


class Batch(Struct, frozen=True, kw_only=True):
    """Mails on their way into the journal; ``unread`` are to be marked once they are there."""

    uids: list[int]
    inbounds: list[Inbound]
    prints: list[bytes]
    newest: datetime
    unread: list[int]


T = TypeVar("T")
Loaded = dict[int, bytes | str]
"""By UID: the bytes of a mail, or in words why it cannot be had."""


def chunks(values: Sequence[T], size: int) -> Iterator[list[T]]:
    return (list(values[at : at + size]) for at in range(0, len(values), size))


class Reader:
    """Reads one folder. Lives as long as the channel does, over many connections."""

    def __init__(
        self,
        source: Source,
        *,
        clock: Clock,
        intake: Intake,
        memory: ChannelMemory,
        parser: MailParser,
        pace: Pace,
    ) -> None:
        self._source, self._clock = source, clock
        self._intake, self._memory, self._parser = intake, memory, parser
        self._pace = pace
        self._limit = MAX_BATCH
        self._drops: dict[str, int] = {}
        self.counts = Counts()

    async def run(self, box: Mailbox, ready: Callable[[], None]) -> Never:
        """Catch up, then follow; returns only by an error, which says what to do next."""
        cursor = await self._restore(box)
        ready()
        idles = box.connection.has("IDLE")
        while True:
            box.connection.grown = False
            cursor = await self._catch_up(box, cursor)
            self.counts.mailbox = box.connection.exists
            if box.connection.grown:
                continue
            if idles:
                try:
                    await box.connection.idle(self._pace.idle)
                except Refusal:
                    idles = False
            else:
                await asyncio.sleep(self._pace.poll)
                await box.noop()

    # -- where we were ----------------------------------------------------------------------

    def _key(self, page: int | None = None) -> str:
        name = f"imap:{self._source.folder}"
        return name if page is None else f"{name}:{page}"

    async def _restore(self, box: Mailbox) -> Cursor:
        stored = await self._recall(self._key())
        if not stored:
            cursor = cursors.first_contact(box.validity, box.next_uid, self._clock.now())
            await self._save(cursors.encode(cursor))
            return cursor
        cursor = cursors.decode(stored)
        if cursor.validity != box.validity:
            cursor = await self._renumbered(box, cursor)
        elif cursor.marking:
            # We may have gone down between the commit and the mark.
            await box.mark_seen(list(cursor.marking))
        return cursor

    async def _recall(self, key: str) -> bytes | None:
        return await self._hold(None, lambda: self._memory.load(self._source.channel, key))

    async def _save(self, value: bytes, page: int | None = None) -> None:
        memory = Memory(key=self._key(page), value=value)
        await self._hold(None, lambda: self._memory.save(self._source.channel, memory))

    async def _turn(self, cursor: Cursor) -> Cursor:
        """Move full tails to pages of their own, and let the oldest page go when there are many."""
        cursor, number, page = cursor.turned()
        await self._save(page, number)
        first, behind = cursor.pages
        if behind - first > cursors.MAX_PAGES:
            oldest = await self._recall(self._key(first))
            cursor = cursor.dropped(oldest)
            await self._save(b"", first)
        return cursor

    async def _renumbered(self, box: Mailbox, old: Cursor) -> Cursor:
        """The server numbers its mails anew: find the known ones again, take only the others.

        Until the end the old cursor stays stored, with what is taken on the way: whoever is
        interrupted starts over and knows those mails too, even if the numbering changes again.
        """
        numbers = range(*old.pages)
        known = Known.of(old, [await self._recall(self._key(n)) for n in numbers])
        fresh = Cursor(
            validity=box.validity,
            last=0,
            baseline=0,
            settled=known.settled,
            pages=(old.pages[1], old.pages[1]),
        )
        for uids in chunks(await box.search("ALL"), MAX_BATCH):
            fresh, new = await self._recognise(box, uids, known, fresh)
            for batch in self._batches(new):
                got = await self._gather(box, batch)
                fresh = fresh.taken(got.uids, got.prints, got.newest)
                old = old.taken([], got.prints, got.newest)
                await self._commit(box, got, old)
            if fresh.full():
                fresh = await self._turn(fresh)
        await self._save(cursors.encode(fresh))
        for number in numbers:
            await self._save(b"", number)
        return fresh

    async def _recognise(
        self, box: Mailbox, uids: list[int], known: Known, fresh: Cursor
    ) -> tuple[Cursor, list[Info]]:
        """The new cursor behind the mails that are known; and the others."""
        heads = await box.bodies(uids, first=cursors.FIRST_BYTES)
        new: list[Info] = []
        unmarked: list[int] = []
        for info in await self._infos(box, uids):
            mark = fingerprint(heads.get(info.uid, b""))
            arrived = info.arrived or self._clock.now()
            if known.recognise(mark, arrived, seen=info.seen):
                fresh = fresh.taken([info.uid], [mark], arrived)
                unmarked += [] if info.seen else [info.uid]
            else:
                new.append(info)
        if unmarked:
            await box.mark_seen(unmarked)
        return fresh, new

    # -- fetch, store, mark -----------------------------------------------------------------

    async def _catch_up(self, box: Mailbox, cursor: Cursor) -> Cursor:
        found: list[int] = []
        for criteria, lowest in cursor.searches():
            found += [uid for uid in await box.search(criteria) if uid >= lowest]
        for uids in chunks(found, INFO_BATCH):
            for batch in self._batches(await self._infos(box, uids)):
                cursor = await self._take(box, batch, cursor)
        return cursor

    async def _infos(self, box: Mailbox, uids: list[int]) -> list[Info]:
        """What is known of each; a mail that is there yet not described is described as nothing."""
        infos = await box.infos(uids)
        missing = sorted(set(uids) - {info.uid for info in infos})
        there = await self._still_there(box, missing)
        return sorted(
            [*infos, *(Info(uid, 0, None, seen=False) for uid in there)], key=lambda info: info.uid
        )

    async def _still_there(self, box: Mailbox, uids: list[int]) -> list[int]:
        if not uids:
            return []
        wanted = set(uids)
        found = await box.search(f"UID {wire.number_set(uids)}")
        return [uid for uid in found if uid in wanted]

    def _batches(self, infos: Sequence[Info]) -> Iterator[list[Info]]:
        """In order, few enough to hold at once; the limit may change from batch to batch."""
        waiting = deque(infos)
        while waiting:
            batch, size = [waiting.popleft()], 0
            while waiting and len(batch) < self._limit:
                size += min(batch[-1].size, self._source.max_bytes)
                if size + waiting[0].size > MAX_BATCH_BYTES:
                    break
                batch.append(waiting.popleft())
            yield batch

    async def _take(self, box: Mailbox, batch: list[Info], cursor: Cursor) -> Cursor:
        got = await self._gather(box, batch)
        if cursor.full():
            cursor = await self._turn(cursor)
        cursor = cursor.taken(got.uids, got.prints, got.newest, got.unread)
        await self._commit(box, got, cursor)
        return cursor

    async def _gather(self, box: Mailbox, batch: list[Info]) -> Batch:
        """Fetch and understand a batch."""
        loaded = await self._load(box, batch)
        understood = await self._understand(box, batch, loaded)
        return Batch(
            uids=[info.uid for info in batch],
            inbounds=[inbound for inbound, _ in understood],
            prints=[mark for _, mark in understood if mark],
            newest=max((info.arrived or cursors.EPOCH for info in batch), default=cursors.EPOCH),
            unread=[i.uid for i in batch if not i.seen and isinstance(loaded.get(i.uid), bytes)],
        )

    async def _commit(self, box: Mailbox, got: Batch, cursor: Cursor) -> None:
        """Store a batch together with the cursor behind it, then mark it as read."""
        if got.inbounds:
            memory = Memory(key=self._key(), value=cursors.encode(cursor))
            await self._store(box, got.inbounds, memory)
            self.counts.stored += len(got.inbounds)
            self.counts.quarantined += sum(bool(inbound.problem) for inbound in got.inbounds)
        if got.unread:
            await box.mark_seen(got.unread)

    async def _load(self, box: Mailbox, batch: list[Info]) -> Loaded:
        """The mails' bytes. A mail that the server cannot give is a reason, not an end."""
        validity = box.validity
        out: Loaded = {}
        small: list[int] = []
        for info in batch:
            if self._drops.get(f"{validity}:{info.uid}", 0) >= MAX_DROPS:
                out[info.uid] = f"reading it broke the connection {MAX_DROPS} times"
            elif info.size <= self._source.max_bytes:
                small.append(info.uid)
            else:
                out |= await self._fetch(box, [info.uid], first=PARTIAL_BYTES)
        out |= await self._fetch(box, small)
        for uid in await self._still_there(box, [i.uid for i in batch if i.uid not in out]):
            out[uid] = "the server does not hand it out"
        for info in batch:
            self._drops.pop(f"{validity}:{info.uid}", None)
        self._limit = min(MAX_BATCH, self._limit * 2)
        return out

    async def _fetch(self, box: Mailbox, uids: list[int], first: int | None = None) -> Loaded:
        if not uids:
            return {}
        try:
            return dict(await box.bodies(uids, first))
        except Refusal as refusal:
            if len(uids) == 1:
                return {uids[0]: f"the server refuses to hand it out: {refusal}"}
            out: Loaded = {}
            for uid in uids:
                out |= await self._fetch(box, [uid], first)
            return out
        except Unreachable:
            # Perhaps one of them kills the connection: next time in smaller batches, and once
            # it is found out, without it.
            self._limit = max(1, len(uids) // 2)
            if len(uids) == 1:
                suspect = f"{box.validity}:{uids[0]}"
                self._drops[suspect] = self._drops.get(suspect, 0) + 1
            raise

    async def _understand(
        self, box: Mailbox, batch: list[Info], loaded: Loaded
    ) -> list[tuple[Inbound, bytes]]:
        """The inbounds, each with the mail's fingerprint if we have its bytes.

        A single small mail is parsed at once; what could hold up the loop goes to a thread.
        """
        work = [
            (loaded[info.uid], self._envelope(box, info, loaded[info.uid]))
            for info in batch
            if info.uid in loaded
        ]
        if sum(len(raw) for raw, _ in work) <= ON_LOOP_BYTES:
            return self._digest(work)
        return await asyncio.to_thread(self._digest, work)

    def _envelope(self, box: Mailbox, info: Info, loaded: bytes | str) -> Envelope:
        key = f"{self._source.folder}:{box.validity}:{info.uid}"
        arrived = info.arrived or self._clock.now()
        whole = info.size <= self._source.max_bytes and isinstance(loaded, bytes)
        return self._source.envelope(key, arrived, len(loaded) if whole else info.size)

    def _digest(self, work: list[tuple[bytes | str, Envelope]]) -> list[tuple[Inbound, bytes]]:
        out: list[tuple[Inbound, bytes]] = []
        for raw, envelope in work:
            if isinstance(raw, bytes):
                out.append((self._parser(raw, envelope), fingerprint(raw)))
            else:
                uid = envelope.key.rpartition(":")[2]
                why = f"{raw}; it stays unread in the mailbox as number {uid}"
                out.append((unreadable(None, envelope, why), b""))
        return out

    async def _store(self, box: Mailbox, inbounds: list[Inbound], memory: Memory | None) -> None:
        """Bring them to the intake; one that the intake refuses is quarantined alone."""
        try:
            await self._hold(box, lambda: self._intake.receive(inbounds, memory))
        except Refused as refused:
            if len(inbounds) == 1 and inbounds[0].problem:
                raise
            why = f"it could not be stored: {refused.detail}"
        else:
            return
        for at, inbound in enumerate(inbounds):
            kept = inbound
            if len(inbounds) == 1:
                bare = self._source.envelope(inbound.key, inbound.at, len(inbound.raw or b""))
                kept = unreadable(inbound.raw, bare, why)
            await self._store(box, [kept], memory if at == len(inbounds) - 1 else None)

    async def _hold(self, box: Mailbox | None, act: Callable[[], Awaitable[T]]) -> T:
        """Do it as soon as the node can write again, keeping the connection alive meanwhile."""
        while True:
            try:
                return await act()
            except Refused as refused:
                if refused.code != "unavailable":
                    raise
            await asyncio.sleep(self._pace.hold)
            if box is not None:
                await box.noop()
