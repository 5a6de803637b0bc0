"""What only one node may do at a time, done here while this node holds the duty.

Whoever has something to do under a duty takes a **seat**: a channel that reads a mailbox, a job
of the house. ``Duties`` says which duties this node can do, takes and gives them up as
``core.duties`` decides, and calls a seat to work while its duty is held. A duty is given up only
after the work under it has ended; what was under way all the same is refused by the database,
for every write under a duty requires its epoch (docs/decisions/0007).
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence

import structlog

from gateway.cluster.gate import boottime
from gateway.cluster.seats import Act, Post, Seat
from gateway.core import events as e
from gateway.core.duties import (
    ABLE,
    NAMED,
    NEAR,
    ROUND_SECONDS,
    DutyState,
    DutyTerm,
    Facts,
    Give,
    Look,
    Take,
    able,
    better_at,
    decide,
    holders,
    is_able,
    observe,
)
from gateway.core.election import Peer
from gateway.core.errors import StoodDown
from gateway.core.ids import NodeName
from gateway.flow.naps import news_within
from gateway.ports import Prefer
from gateway.store.codec import text
from gateway.store.contract import CommitUnknown, Fenced, Term, Unavailable
from gateway.store.duties import DutyRows

_log = structlog.get_logger("duties")


class Duties:
    """Works until cancelled. Raises ``Fenced`` when the node has been taken over.

    ``term`` gives what this node may write under, ``record`` puts an event into the journal,
    ``tell`` lets the other nodes look at once; all look each ``every`` seconds anyway. ``taken``
    and ``given`` count changes of hands.
    """

    def __init__(
        self,
        rows: DutyRows,
        term: Callable[[], Awaitable[Term]],
        me: NodeName,
        region: str,
        *,
        record: Callable[[e.Event], object],
        tell: Callable[[], None] = lambda: None,
        monotonic: Callable[[], float] = boottime,
        every: float = ROUND_SECONDS,
    ) -> None:
        self.taken = self.given = 0
        self._rows = rows
        self._term = term
        self._me = me
        self._region = region
        self._record = record
        self._tell = tell
        self._monotonic = monotonic
        self._every = every
        self._facts = Facts(me=me)
        self._posts: dict[str, Post] = {}
        self._aside = False
        self._asks = False
        self._wakes = asyncio.Event()
        self._out = asyncio.Event()
        self._seen: object = None

    # -- for who does something under a duty ------------------------------------------------

    def seat(self, duty: str, who: str, *, label: str = "", prefer: Prefer | None = None) -> Seat:
        """A place for ``who`` at a duty. ``label`` is what metrics call it."""
        duty = text(duty)
        post = self._posts.get(duty)
        if post is None:
            post = self._posts[duty] = Post(duty, label or duty, self.wake)
        seat = Seat(post, who, self._rank(prefer))
        post.seats.append(seat)
        post.deal()
        return seat

    async def perform(self, duty: str, act: Act, *, prefer: Prefer | None = None) -> None:
        """Run ``act`` while this node holds the duty, from anew each time; until cancelled.

        What ``act`` writes it writes under the term that it is given, or so that doing it twice
        is harmless. What it raises ends this too; when it returns, that was all.
        """
        seat = self.seat(duty, duty, prefer=prefer)
        try:
            while True:
                await seat.turn()
                try:
                    await seat.work(act)
                except StoodDown:
                    continue
                return
        finally:
            seat.leave()

    def _rank(self, prefer: Prefer | None) -> int:
        if prefer is None:
            return ABLE
        if prefer.node == self._me:
            return NAMED
        return NEAR if prefer.region and prefer.region == self._region else ABLE

    def states(self) -> list[DutyState]:
        """Every duty there is, as of the last look."""
        look = self._facts.look
        if look is None:
            return []
        held, can = holders(look), able(look)
        epochs = {duty.name: duty.epoch for duty in look.duties}
        posts = self._posts
        return [
            DutyState(
                duty=name,
                label=posts[name].label if name in posts else "",
                node=held.get(name),
                epoch=epochs.get(name, 0),
                able=can.get(name, ()),
                here=name in posts and posts[name].term is not None,
            )
            for name in sorted({*held, *can})
        ]

    def holder_of(self, duty: str) -> NodeName | None:
        """Who does it, as of the last look."""
        return holders(self._facts.look).get(duty) if self._facts.look is not None else None

    # -- for who plans ----------------------------------------------------------------------

    async def stand_down(self, seconds: float = 5.0) -> bool:
        """End all that is done under duties, give them up, and take none until ``stand_up``.

        Returns whether all were given up in time. If not, they are as soon as that is possible.
        """
        self._aside = True
        for post in self._posts.values():
            self._call_back(post, Give(post.name, None, f"{self._me} stands down"))
        self._out.clear()
        self.wake()
        try:
            async with asyncio.timeout(seconds):
                await self._out.wait()
        except TimeoutError:
            return False
        return True

    def stand_up(self) -> None:
        """Take duties again, and ask for those that this node suits better than who has them."""
        self._aside = False
        self._asks = True
        self.wake()

    def wake(self) -> None:
        """Look now."""
        self._wakes.set()

    def note(self, peers: Sequence[Peer]) -> None:
        """What the membership sees; if something has changed there, duties may be free."""
        seen = [(peer.node, peer.fence, peer.state, peer.heir) for peer in peers]
        if seen != self._seen:
            self._seen = seen
            self.wake()

    # -- the loop ---------------------------------------------------------------------------

    async def run(self) -> None:
        failing = False
        while True:
            self._wakes.clear()
            try:
                await self._round()
                failing = False
            except (Unavailable, CommitUnknown) as error:
                # Done or not: the next look shows who has what.
                self._facts = observe(self._facts, None, self._monotonic())
                if not failing:
                    _log.warning("duties cannot be looked at", reason=str(error))
                failing = True
            await news_within(asyncio.Event() if failing else self._wakes, self._every)

    async def _round(self) -> None:
        term = await self._term()
        try:
            look = await self._rows.look(term)
            self._facts = observe(self._facts, look, self._monotonic())
            if look is not None:
                await self._act(term, look)
        except Fenced:
            if term == await self._term():
                raise
            self.wake()  # the writer has raised our own epoch meanwhile

    async def _act(self, term: Term, look: Look) -> None:
        self._learn(look)
        known = await self._say_wishes(term, look)
        if known and self._aside and not self._holds_any(look):
            self._out.set()
        if known and self._asks and is_able(self._me, look):
            await self._ask(term)
        for step in decide(self._facts, self._monotonic()):
            post = self._posts.get(step.duty)
            match step:
                case Take():
                    if post is not None and post.seats and not self._aside:
                        await self._take(term, post, step)
                case Give() if post is not None:
                    self._call_back(post, step)
                case Give():
                    await self._give_stray(term, look, step)
        for post in list(self._posts.values()):
            if post.called_back is not None and post.idle:
                await self._give(term, post, post.called_back)

    def _learn(self, look: Look) -> None:
        """Who holds what; and so what we hold, whatever we believed."""
        held = holders(look)
        rows = {duty.name: duty for duty in look.duties}
        for name, post in list(self._posts.items()):
            row = rows.get(name)
            mine = row is not None and (row.node, row.life) == (self._me, look.life)
            post.hold(DutyTerm(name=name, epoch=row.epoch) if row is not None and mine else None)
            post.learn(held.get(name))
            if post.term is None:
                post.called_back = None
                if not post.seats:
                    del self._posts[name]

    def _holds_any(self, look: Look) -> bool:
        return any((duty.node, duty.life) == (self._me, look.life) for duty in look.duties)

    async def _say_wishes(self, term: Term, look: Look) -> bool:
        """Whether the others know already what we can do."""
        said = {w.duty: w.rank for w in look.wishes if (w.node, w.life) == (self._me, look.life)}
        wanted: Mapping[str, int] = {}
        if not self._aside:
            wanted = {name: post.rank for name, post in self._posts.items() if post.seats}
        if said != wanted:
            await self._rows.wish(term, wanted)
            self.wake()  # what follows from it
            self._tell()
        return said == wanted

    async def _ask(self, term: Term) -> None:
        if better := better_at(self._facts):
            await self._rows.ask(term, better)
            self._tell()
        self._asks = False

    async def _take(self, term: Term, post: Post, step: Take) -> None:
        held = await self._rows.take(term, post.name, step.seen)
        if held is None:
            return  # another was quicker
        self.taken += 1
        _log.info("duty taken", duty=post.name, epoch=held.epoch, reason=step.reason)
        self._record(
            e.DutyTaken(duty=post.name, node=self._me, epoch=held.epoch, reason=step.reason)
        )
        post.called_back = None
        post.holder = self._me
        post.hold(held)
        if self._aside:  # said while the statement was under way
            self._call_back(post, Give(post.name, None, f"{self._me} stands down"))
        self._tell()

    def _call_back(self, post: Post, why: Give) -> None:
        if post.called_back is None and post.term is not None:
            post.called_back = why
            post.deal()

    async def _give(self, term: Term, post: Post, why: Give) -> None:
        held = post.term
        if held is not None and await self._rows.give(term, held):
            self._note_given(held, why)
        post.holder = None
        post.hold(None)
        post.called_back = None
        self._tell()

    async def _give_stray(self, term: Term, look: Look, why: Give) -> None:
        """Ours by its row, but nobody here does it any more."""
        row = next(duty for duty in look.duties if duty.name == why.duty)
        held = DutyTerm(name=row.name, epoch=row.epoch)
        if await self._rows.give(term, held):
            self._note_given(held, why)
            self._tell()

    def _note_given(self, held: DutyTerm, why: Give) -> None:
        self.given += 1
        _log.info("duty given up", duty=held.name, to=why.to, reason=why.reason)
        self._record(
            e.DutyGivenUp(
                duty=held.name, node=self._me, epoch=held.epoch, to=why.to, reason=why.reason
            )
        )
