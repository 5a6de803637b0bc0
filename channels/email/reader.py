"""The loop that brings a mailbox into the journal.

The order that nothing may change: fetch, store with the cursor in one commit, then mark as
read. Whatever breaks in between, the mail is still unread and above the cursor, and comes again
under the same key.
"""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator, Sequence
from contextlib import aclosing, asynccontextmanager
from datetime import datetime
from typing import Never, TypeVar

import structlog
from msgspec.structs import replace

from channels.email import cursor as cursors
from channels.email.cursor import Cursor, Halfway, Known, fingerprint
from channels.email.fetch import Fetcher, Loaded
from channels.email.imap import Refusal
from channels.email.mailbox import Info, Mailbox
from channels.email.parse import Envelope
from channels.email.reading import Batch, Counts, Fetched, Pace, Source
from channels.email.shelf import Shelf
from channels.email.understand import Understanding, Work
from gateway.core.errors import Interrupted, Unreachable
from gateway.ports import ChannelMemory, Clock, Intake

INFO_BATCH = 100
HEAD_BATCH = 50
MAX_OWED = 1_000
"""So many mails may be kept back before we say that the server is broken."""

_log = structlog.get_logger("email")


T = TypeVar("T")


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
        understanding: Understanding,
        pace: Pace,
    ) -> None:
        self._source, self._clock = source, clock
        self._shelf = Shelf(source, intake=intake, memory=memory, hold=pace.hold)
        self._understanding, self._budget = understanding, understanding.budget
        self._lent = 0
        self._pace = pace
        self._fetcher = Fetcher(source.max_bytes)
        self._owed_wait = pace.owed
        self._owed_at = 0.0
        self._idles = True
        self._brought = False
        self.counts = Counts()
        self.looked_at: datetime | None = None
        """When all that was in the folder had been stored."""

    async def run(self, box: Mailbox, ready: Callable[[], None]) -> Never:
        """Catch up, then follow; returns only by an error, which says what to do next."""
        self._brought = self._fetcher.came = False
        try:
            await self._follow(box, ready)
        except Unreachable as fault:
            if self._brought or self._fetcher.came:
                raise Interrupted(str(fault)) from fault
            raise

    async def _follow(self, box: Mailbox, ready: Callable[[], None]) -> Never:
        cursor = await self._restore(box)
        ready()
        self._idles = box.connection.has("IDLE")
        while True:
            # Whatever is announced from here on, with any answer, is looked for once more.
            box.connection.grown = False
            cursor = await self._catch_up(box, await self._collect(box, cursor))
            self._count(box, cursor)
            self.looked_at = self._clock.now()
            if not box.connection.grown:
                await self._wait(box, cursor)

    async def _wait(self, box: Mailbox, cursor: Cursor) -> None:
        """Until new mail is announced, or it is time to look without that."""
        seconds = self._pace.idle if self._idles else self._pace.poll
        if cursor.owed:
            seconds = min(seconds, max(self._pace.hold, self._owed_at - self._clock.monotonic()))
        if not self._idles:
            await asyncio.sleep(seconds)
        else:
            try:
                await box.connection.idle(seconds)
            except Refusal:
                self._idles = False
            if box.connection.grown:
                return
        # Announcements get lost on the way: a server that still has one tells it with this.
        await box.noop()

    def _count(self, box: Mailbox, cursor: Cursor) -> None:
        self.counts.server = box.connection.exists
        self.counts.stored = cursor.stored
        self.counts.quarantined = cursor.quarantined
        self.counts.withheld = len(cursor.owed)

    # -- where we were ----------------------------------------------------------------------

    async def _restore(self, box: Mailbox) -> Cursor:
        cursor = await self._shelf.cursor()
        if cursor is None:
            cursor = cursors.first_contact(box.validity, box.next_uid, self._clock.now())
            await self._shelf.save_cursor(cursor)
            return cursor
        if cursor.validity != box.validity:
            cursor = await self._renumbered(box, cursor)
        elif cursor.marking:
            # We may have gone down between the commit and the mark.
            await box.mark_seen(list(cursor.marking))
        return cursor

    async def _turn(self, cursor: Cursor) -> Cursor:
        """Move full tails to pages of their own, and let the oldest page go when there are many."""
        cursor, number, page = cursor.turned()
        await self._shelf.save_page(number, page)
        first, behind = cursor.pages
        if behind - first > cursors.MAX_PAGES:
            oldest = await self._shelf.page(first)
            cursor = cursor.dropped(oldest)
            await self._shelf.save_page(first, b"")
        return cursor

    async def _renumbered(self, box: Mailbox, old: Cursor) -> Cursor:
        """The server numbers its mails anew: find the known ones again, take only the others.

        Until the end the old cursor stays stored, with what is taken on the way: whoever is
        interrupted knows those mails too, even if the numbering changes again. How far this came
        is stored beside it: a line that breaks now and then does not make it start over.
        """
        numbers = range(*old.pages)
        known = Known.of(old, [await self._shelf.page(n) for n in numbers])
        fresh = await self._renumbered_so_far(box, old, known)
        left = [uid for uid in await box.search(f"UID {fresh.last + 1}:*") if uid > fresh.last]
        for uids in chunks(left, HEAD_BATCH):
            fresh, new = await self._recognise(box, uids, known, fresh)
            for batch in self._fetcher.batches(new):
                async with self._room(batch):
                    got = await self._gather(box, batch)
                    fresh = got.behind(fresh)
                    old = old.taken([], got.prints, got.newest).counted(*got.counted())
                    await self._commit(box, got, old)
            if fresh.full():
                fresh = await self._turn(fresh)
            await self._shelf.save_halfway(Halfway(old.validity, fresh))
            self._brought = True
        await self._shelf.save_cursor(fresh)
        for number in numbers:
            await self._shelf.save_page(number, b"")
        await self._shelf.save_halfway(None)
        return fresh

    async def _renumbered_so_far(self, box: Mailbox, old: Cursor, known: Known) -> Cursor:
        """The new cursor as an interrupted look left it, and ``known`` without what it found."""
        so_far = await self._shelf.halfway()
        if so_far is not None and so_far.leads(old.validity, box.validity):
            fresh = so_far.fresh
            known.found([fresh.tail])
            for number in range(*fresh.pages):
                known.found([cursors.prints_of(await self._shelf.page(number))])
            return replace(fresh, stored=old.stored, quarantined=old.quarantined)
        return Cursor(
            validity=box.validity,
            last=0,
            baseline=0,
            settled=known.settled,
            pages=(old.pages[1], old.pages[1]),
            stored=old.stored,
            quarantined=old.quarantined,
        )

    async def _recognise(
        self, box: Mailbox, uids: list[int], known: Known, fresh: Cursor
    ) -> tuple[Cursor, list[Info]]:
        """The new cursor behind the mails that are known; and the others."""
        heads = await self._fetcher.bodies(box, uids, first=cursors.FIRST_BYTES)
        new: list[Info] = []
        unmarked: list[int] = []
        # Of one that is kept back nobody can tell whether we know it.
        fresh = fresh.taken(uids, [], cursors.EPOCH, owed=self._note_withheld(heads))
        for info in await self._fetcher.infos(box, sorted(heads.bodies)):
            mark = fingerprint(heads.bodies[info.uid])
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
        self.counts.waiting = len(found)
        async with (
            self._understanding.many(len(found)),
            aclosing(self._one_ahead(box, found)) as batches,
        ):
            try:
                async for got in batches:
                    cursor = await self._keep(box, got, cursor)
                    self._give_back(got.held)
            finally:
                self._give_back(self._lent)
        self.counts.waiting = 0
        return cursor

    def _lend(self, batch: list[Info]) -> int:
        """Bytes of the node's budget that a batch needs."""
        size = sum(min(info.size, self._source.max_bytes) for info in batch)
        return self._budget.fit(size)

    def _give_back(self, held: int) -> None:
        self._lent -= held
        self._budget.give_back(held)

    @asynccontextmanager
    async def _room(self, batch: list[Info]) -> AsyncIterator[None]:
        held = self._lend(batch)
        await self._budget.take(held)
        try:
            yield
        finally:
            self._budget.give_back(held)

    async def _one_ahead(self, box: Mailbox, found: list[int]) -> AsyncGenerator[Batch, None]:
        """These mails in order; each batch is understood while others are stored and fetched."""
        ahead: Fetched | None = None
        try:
            for uids in chunks(found, INFO_BATCH):
                try:
                    infos = await self._fetcher.infos(box, uids)
                except (Refusal, Unreachable):
                    if ahead is not None:
                        yield await self._gathered(ahead)
                    raise
                for batch in self._fetcher.batches(infos):
                    if ahead is not None and not self._budget.has(self._lend(batch)):
                        # Who waits for room holds none: what is here is stored first.
                        first, ahead = ahead, None
                        yield await self._gathered(first)
                    before = ahead
                    try:
                        ahead = await self._fetch_with_room(box, batch)
                    except (Refusal, Unreachable):
                        if before is not None:
                            # The line has broken, but those are here: on from there next time.
                            yield await self._gathered(before)
                        raise
                    if before is not None:
                        yield await self._gathered(before)
            if ahead is not None:
                yield await self._gathered(ahead)
        finally:
            _abandon(ahead)

    async def _fetch_with_room(self, box: Mailbox, batch: list[Info]) -> Fetched:
        held = self._lend(batch)
        await self._budget.take(held)
        self._lent += held
        return replace(await self._fetch(box, batch), held=held)

    async def _collect(self, box: Mailbox, cursor: Cursor) -> Cursor:
        """Ask once more for what the server kept back, each alone, less and less often."""
        if not cursor.owed or self._clock.monotonic() < self._owed_at:
            return cursor
        if len(cursor.owed) > MAX_OWED:
            raise Unreachable(f"the server keeps back {len(cursor.owed)} mails: it needs mending")
        # Set before we try: it may be one that breaks the connection.
        self._owed_at = self._clock.monotonic() + self._owed_wait
        self._owed_wait = min(self._owed_wait * 2, self._pace.most_owed)
        there = await self._fetcher.infos(box, list(cursor.owed))
        owed = cursor.owed
        cursor = cursor.taken(set(owed) - {info.uid for info in there}, [], cursors.EPOCH)
        for info in there:
            cursor = await self._take(box, [info], cursor)
        if cursor.owed != owed:
            await self._shelf.save_cursor(cursor)
        if not cursor.owed:
            self._owed_wait = self._pace.owed
        return cursor

    def _note_withheld(self, loaded: Loaded) -> list[int]:
        """The mails of a batch that are owed to us; the log says why."""
        for uid, why in loaded.withheld.items():
            _log.warning(
                "the server keeps a mail back", channel=self._source.channel, uid=uid, reason=why
            )
        return sorted(loaded.withheld)

    async def _take(self, box: Mailbox, batch: list[Info], cursor: Cursor) -> Cursor:
        async with self._room(batch):
            return await self._keep(box, await self._gather(box, batch), cursor)

    async def _keep(self, box: Mailbox, got: Batch, cursor: Cursor) -> Cursor:
        """Into the journal, with the cursor behind it."""
        if cursor.full():
            cursor = await self._turn(cursor)
        new_owed = set(got.owed) - set(cursor.owed)
        if new_owed:
            self._owed_wait = self._pace.owed
            self._owed_at = self._clock.monotonic() + self._owed_wait
        cursor = got.behind(cursor)
        await self._commit(box, got, cursor)
        if new_owed and not got.inbounds:
            await self._shelf.save_cursor(cursor)
        return cursor

    async def _gather(self, box: Mailbox, batch: list[Info]) -> Batch:
        """Fetch and understand a batch."""
        return await self._gathered(await self._fetch(box, batch))

    async def _fetch(self, box: Mailbox, batch: list[Info]) -> Fetched:
        """Have it here; it is being understood from now on."""
        loaded = await self._fetcher.load(box, batch)
        self.counts.gone += len(batch) - len(loaded.bodies) - len(loaded.withheld)
        work: Work = [
            (loaded.bodies[info.uid], self._envelope(box, info, loaded.bodies[info.uid]))
            for info in batch
            if info.uid in loaded.bodies
        ]
        return Fetched(batch, loaded, await self._understanding.begin(work))

    async def _gathered(self, fetched: Fetched) -> Batch:
        batch, loaded = fetched.infos, fetched.loaded
        understood = await fetched.underway.done()
        return Batch(
            uids=[info.uid for info in batch],
            inbounds=[inbound for inbound, _ in understood],
            prints=[mark for _, mark in understood],
            newest=max((info.arrived or cursors.EPOCH for info in batch), default=cursors.EPOCH),
            unread=[info.uid for info in batch if not info.seen and info.uid in loaded.bodies],
            owed=self._note_withheld(loaded),
            held=fetched.held,
        )

    async def _commit(self, box: Mailbox, got: Batch, cursor: Cursor) -> None:
        """Store a batch together with the cursor behind it, then mark it as read."""
        if got.inbounds:
            await self._shelf.store(box, got.inbounds, cursor)
            self._brought = True
            self.counts.waiting = max(0, self.counts.waiting - len(got.uids))
            self._count(box, cursor)
        if got.unread:
            await box.mark_seen(got.unread)

    def _envelope(self, box: Mailbox, info: Info, raw: bytes) -> Envelope:
        key = f"{self._source.folder}:{box.validity}:{info.uid}"
        arrived = info.arrived or self._clock.now()
        whole = info.size <= self._source.max_bytes
        return self._source.envelope(key, arrived, len(raw) if whole else info.size)


def _abandon(fetched: Fetched | None) -> None:
    if fetched is not None:
        fetched.underway.abandon()
