"""The node's state and its journal: decisions go in, positions come out.

``record`` applies changes to the state at once, so that the next decision sees them, and keeps
the entries until the writer has committed them. Only then do the subscribers of ``Feed`` see
them, and only then does ``committed`` return. Observers inside the node (router, timers) see
entries at once: they decide further, they tell nobody.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence

import structlog
from msgspec.structs import replace

from gateway.core import events as e
from gateway.core.edition import EDITION, refuse_newer
from gateway.core.errors import GatewayError, Refused
from gateway.core.folds import apply
from gateway.core.ids import (
    CaseId,
    Context,
    ExpectWait,
    LinkOf,
    NewId,
    Position,
    no_expectation,
    no_link,
)
from gateway.core.legal import check
from gateway.core.lifecycle import ENDED
from gateway.core.model import Case, Item
from gateway.core.reactions import reactions
from gateway.core.replytoken import ReplyTokens
from gateway.core.state import NodeState
from gateway.flow.gate import Gate
from gateway.flow.headers import Headers
from gateway.flow.moments import spelled
from gateway.ports import Clock
from gateway.store.contract import Batch, Entries

MAX_UNCOMMITTED = 50_000
"""Entries that may wait for the database before new work is refused."""
MOST = 1_000
"""Entries in a commit: it lasts a moment, and what waits behind it is not held up for long."""
NOWHERE = Position(0, 0)
"""The place of an entry that is not in our journal: no epoch is 0."""

Consumer = Callable[[Sequence[e.Entry]], None]
Observer = Callable[[e.Entry], None]
Along = Callable[[Sequence[e.Entry]], Sequence[e.Row]]
_log = structlog.get_logger("ledger")


class Unstorable(GatewayError):
    """A record that cannot be written, whatever is tried.

    What the node believes rests on it, so it forgets everything and begins anew without it.
    """

    def __init__(self, record: Sequence[e.Entry], problem: Exception) -> None:
        what = ", ".join(sorted({type(entry.event).__name__ for entry in record}))
        super().__init__(f"cannot be stored: {what}: {type(problem).__name__}: {problem}")
        self.record = record


class Ledger:
    """See the module's docstring. Implements ``ports.Feed``.

    ``gate`` says whether anybody may be told of anything, ``written`` which edition of events and
    rows every node knows, ``link`` where a customer follows a case, ``expect`` how long one waits,
    ``tokens`` what mails carry.
    """

    def __init__(
        self,
        state: NodeState,
        clock: Clock,
        new_id: NewId,
        epoch: int,
        *,
        new_batch: Callable[[], Batch] = Entries,
        most: int = MOST,
        gate: Gate | None = None,
    ) -> None:
        self.state = state
        self.clock = clock
        self.new_id = new_id
        self.epoch = epoch
        self.writable = True
        self.written = EDITION
        self.link: LinkOf = no_link
        self.expect: ExpectWait = no_expectation
        self.tokens = ReplyTokens()
        self.gate = gate or Gate()
        self._offset = 0
        self._committed = 0
        self._new_batch = new_batch
        self._most = most
        self._full: deque[Batch] = deque()
        self._open = new_batch()
        self._ends: deque[int] = deque()
        self._unstorable: Unstorable | None = None
        self._waiters: deque[tuple[int, asyncio.Future[None]]] = deque()
        self._consumers: list[Consumer] = []
        self._observers: list[Observer] = []
        self._followed: deque[tuple[int, list[e.Entry]]] = deque()
        self._headers = Headers(state)
        self._more = asyncio.Event()

    # -- deciding ---------------------------------------------------------------------------

    def context(self) -> Context:
        """The time and the ids for a decision that begins now."""
        return Context(self.clock.now(), self.new_id, self.link, spelled, self.expect)

    @property
    def position(self) -> Position:
        """The position of the newest entry; what is answered now must wait for it."""
        return Position(self.epoch, self._offset)

    @property
    def uncommitted(self) -> int:
        """Entries that are not on disk, or whose subscribers have not been told yet."""
        return self._offset - self._committed

    def check_open(self) -> None:
        """Raises ``Refused`` while the journal cannot be written, or has too much to write."""
        if not self.writable or self.uncommitted >= MAX_UNCOMMITTED:
            raise Refused("unavailable", "the journal cannot be written just now; try again")

    def record(self, changes: Sequence[e.Change], along: Along | None = None) -> Position:
        """Apply the changes and what follows from them; all of them or, if one is illegal, none.

        They travel in one commit. ``along`` gives rows to be written with them, made when all has
        been applied. Raises ``IllegalMove``, and ``Refused('wrong_state')`` for what a node of the
        version before, that is still there, does not know.
        """
        if self.written < EDITION:
            refuse_newer(changes, self.written)
        check(self.state, changes)
        ctx = self.context()
        touched: set[CaseId] = set()
        entries: list[e.Entry] = []
        queue = deque(changes)
        try:
            while queue:
                change = queue.popleft()
                entry = self._append(change, ctx)
                entries.append(entry)
                _note_cases(entry, touched)
                follow = reactions(self.state, change.event, entry.rows, ctx)
                if follow:
                    queue.extendleft(reversed(follow))
            if along is not None:
                last = entries[-1]
                entries[-1] = replace(last, rows=(*last.rows, *along(entries)))
        finally:
            # Whatever happened: what is in the state goes to the disk, and nothing else.
            self._bind(entries)
            self._headers.touch(touched, self._offset)
            self._more.set()
        return self.position

    def release(self, case: CaseId) -> None:
        """A case header that was adopted to decide something is not needed any more."""
        self._headers.release(case)

    def _append(self, change: e.Change, ctx: Context) -> e.Entry:
        rows = apply(self.state, change.event, ctx.now)
        self._offset += 1
        entry = e.Entry(
            Position(self.epoch, self._offset), ctx.now, change.event, (*rows, *change.rows)
        )
        for observer in self._observers:
            observer(entry)
        return entry

    def _bind(self, entries: Sequence[e.Entry]) -> None:
        """Put them into the batch that is being filled; they travel together."""
        if not entries or self._unstorable is not None:
            return
        batch = self._open
        if len(batch.entries) + len(entries) > self._most and batch.entries:
            self._full.append(batch)
            self._open = batch = self._new_batch()
        count = len(batch.entries)
        try:
            for entry in entries:
                batch.add(entry)
        except Exception as problem:  # noqa: BLE001 - raised where the journal is written
            # The state is ahead of what can be stored: what was before is, nothing may follow.
            self._open = self._batch_of(batch.entries[:count])
            self._unstorable = Unstorable(entries, problem)
        else:
            self._ends.append(entries[-1].position.offset)

    def _batch_of(self, entries: Iterable[e.Entry]) -> Batch:
        batch = self._new_batch()
        for entry in entries:
            batch.add(entry)
        return batch

    def observe(self, observer: Observer) -> None:
        """Inside the node only: see each entry as it is recorded, before it is on disk."""
        self._observers.append(observer)

    def follow(self, events: Sequence[e.Event]) -> None:
        """Take in what another node has journaled, of the directory say: it is not ours to write.

        Observers see it at once, subscribers at its place among our own entries.
        """
        now = self.clock.now()
        entries = []
        for event in events:
            entry = e.Entry(NOWHERE, now, event, apply(self.state, event, now))
            for observer in self._observers:
                observer(entry)
            entries.append(entry)
        self._followed.append((self._offset, entries))
        if not self.uncommitted:
            self._tell(self._followed.pop()[1])

    # -- after the commit -------------------------------------------------------------------

    def subscribe(self, consumer: Consumer) -> Callable[[], None]:
        self._consumers.append(consumer)

        def leave() -> None:
            self._consumers.remove(consumer)

        return leave

    async def committed(self, position: Position) -> None:
        """Return once the position is on disk and its subscribers have been told.

        And the gate is open, for whoever waits here wants to tell something. Raises ``Refused``
        when the node begins anew.
        """
        if position.offset > self._committed and not self.gate.ended:
            waiter = asyncio.get_running_loop().create_future()
            # Positions are asked for in the order in which they are made, but for rare cases;
            # those wait for the newer one before them, which is late but never early.
            last = self._waiters[-1][0] if self._waiters else 0
            self._waiters.append((max(position.offset, last), waiter))
            await waiter
        if not self.gate.open:
            await self.gate.passed()

    def abandon(self, reason: str) -> None:
        """The node begins anew without what is not on disk: whoever waits for that is refused."""
        self.writable = False
        self.gate.end(reason)
        waiters, self._waiters = self._waiters, deque()
        for _, waiter in waiters:
            if not waiter.done():
                waiter.set_result(None)  # the gate refuses them

    # -- for the writer ---------------------------------------------------------------------

    @property
    def waiting(self) -> int:
        """Entries that ``take`` would give."""
        return len((self._full[0] if self._full else self._open).entries)

    async def ready(self) -> None:
        """Wait until there is something to ``take``."""
        while not self.waiting and self._unstorable is None:
            self._more.clear()
            await self._more.wait()

    def take(self) -> Batch:
        """The oldest entries that nobody has taken; they are the taker's to commit.

        What was recorded together is in one batch, though it be more than the most. Raises
        ``Unstorable`` in place of what cannot be put into any.
        """
        if self._full:
            return self._full.popleft()
        if not self._open.entries and self._unstorable is not None:
            raise self._unstorable
        batch, self._open = self._open, self._new_batch()
        return batch

    def halves(self, batch: Batch) -> tuple[Batch, Batch] | None:
        """A batch that was taken, as two; ``None``: all of it was recorded together."""
        first, last = batch.entries[0].position.offset, batch.entries[-1].position.offset
        ends = [end for end in self._ends if first <= end < last]
        if not ends:
            return None
        middle = ends[len(ends) // 2]
        cut = sum(entry.position.offset <= middle for entry in batch.entries)
        return self._batch_of(batch.entries[:cut]), self._batch_of(batch.entries[cut:])

    def landed(self, batch: Sequence[e.Entry]) -> None:
        """The batch is on disk: tell the subscribers, then those who wait."""
        self._committed = batch[-1].position.offset
        while self._ends and self._ends[0] <= self._committed:
            self._ends.popleft()
        if not self._followed:
            self._tell(batch)
        else:
            for part in self._with_followed(batch):
                self._tell(part)
        self._headers.landed(self._committed)
        while self._waiters and self._waiters[0][0] <= self._committed:
            waiter = self._waiters.popleft()[1]
            if not waiter.done():
                waiter.set_result(None)

    def _tell(self, entries: Sequence[e.Entry]) -> None:
        for consumer in tuple(self._consumers):
            try:
                consumer(entries)
            except Exception:  # noqa: BLE001 - its own failure, nobody else's
                # A subscriber's bug must not stop the journal; it is told of nothing twice.
                _log.exception("subscriber failed", consumer=repr(consumer))

    def _with_followed(self, batch: Sequence[e.Entry]) -> Iterator[Sequence[e.Entry]]:
        """The batch, with what was followed meanwhile in its place between the entries."""
        rest = list(batch)
        while self._followed and self._followed[0][0] <= self._committed:
            place, followed = self._followed.popleft()
            before = [entry for entry in rest if entry.position.offset <= place]
            if before:
                yield before
            yield followed
            rest = rest[len(before) :]
        if rest:
            yield rest


def _note_cases(entry: e.Entry, touched: set[CaseId]) -> None:
    """Add the cases whose header may not be needed any more after this entry."""
    for row in entry.rows:
        if type(row) is Case:
            touched.add(row.id)
        elif type(row) is Item and row.state in ENDED:
            touched.add(row.case)
