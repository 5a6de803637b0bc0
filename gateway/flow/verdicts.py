"""What became of each inbound, for those who ask: decided here, or by another node."""

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Collection, Iterable
from contextlib import suppress

from gateway.core.errors import GatewayError, Refused
from gateway.core.ids import InboundId
from gateway.core.inbound import Decided
from gateway.store.contract import Unavailable

KEPT = 20_000
"""Answers kept in memory for those who ask again."""
ASK_AGAIN_SECONDS = 1.0
"""Between two looks for a decision that another node makes, should nobody tell us of it."""

Look = Callable[[InboundId], Awaitable[Decided | None]]


class _PassedOn(GatewayError):
    """Another node decides about it."""


class Verdicts:
    """``look`` finds a decision on disk."""

    def __init__(self, look: Look) -> None:
        self._look = look
        self._ours: OrderedDict[InboundId, asyncio.Future[Decided]] = OrderedDict()
        self._open: dict[InboundId, None] = {}
        self._elsewhere: dict[InboundId, asyncio.Event] = {}
        self._given_away: OrderedDict[InboundId, None] = OrderedDict()
        self._touched: set[InboundId] | None = None
        self._ended: Refused | None = None

    # -- deciding ---------------------------------------------------------------------------

    def begin(self, inbound: InboundId) -> bool:
        """We are to decide about it; false: that is known."""
        if inbound in self._ours:
            return False
        self._given_away.pop(inbound, None)
        self._open[inbound] = None
        self._ours[inbound] = asyncio.get_running_loop().create_future()
        while len(self._ours) > KEPT and next(iter(self._ours.values())).done():
            self._ours.popitem(last=False)
        return True

    def settle(self, inbound: InboundId, decided: Decided) -> None:
        """It is decided about, and that is on disk."""
        self._touch(inbound)
        result = self._ours.get(inbound)
        if result is not None and not result.done():
            result.set_result(decided)

    def give_away(self, inbound: InboundId) -> None:
        """It is another node's by now; who waits goes on waiting."""
        self._touch(inbound)
        self._given_away[inbound] = None
        if len(self._given_away) > KEPT:
            self._given_away.popitem(last=False)
        result = self._ours.pop(inbound, None)
        if result is not None and not result.done():
            result.set_exception(_PassedOn())
            result.exception()  # nobody need have asked

    def is_given_away(self, inbound: InboundId) -> bool:
        """Whether it was ours, and has not come back since."""
        return inbound in self._given_away

    def forget(self, inbound: InboundId) -> None:
        """What was decided does not hold any more."""
        self._ours.pop(inbound, None)
        self._open.pop(inbound, None)

    def heard(self, inbounds: Iterable[InboundId]) -> None:
        """Other nodes have decided about these."""
        for inbound in inbounds:
            if (news := self._elsewhere.get(inbound)) is not None:
                news.set()

    def end(self, why: Refused) -> None:
        """The node ends: whoever waits is refused."""
        self._ended = why
        for result in self._ours.values():
            if not result.done():
                result.set_exception(why)
                result.exception()
        for news in self._elsewhere.values():
            news.set()

    # -- looking what other nodes have left for us ----------------------------------------------

    @property
    def open(self) -> Collection[InboundId]:
        """What is being decided about."""
        return list(self._open)

    def look_begins(self) -> None:
        """From now on, until it ends, note what changes."""
        self._touched = set()

    def look_ends(self) -> None:
        """All that the look has shown has been asked about."""
        self._touched = None

    def is_new(self, inbound: InboundId) -> bool:
        """Whether a row that the look has shown as undecided and ours is one to decide about.

        What was decided or given away while it looked is shown as it was before.
        """
        if self._touched is not None and inbound in self._touched:
            return False
        known = self._ours.get(inbound)
        if known is not None and known.done():
            self.forget(inbound)  # it was put aside, and somebody wants another try
            return True
        return known is None

    def _touch(self, inbound: InboundId) -> None:
        self._open.pop(inbound, None)
        if self._touched is not None:
            self._touched.add(inbound)

    # -- asking -----------------------------------------------------------------------------

    async def wait(self, inbound: InboundId) -> Decided:
        """Until it has been decided about, here or elsewhere. Raises ``Refused`` at the end."""
        while self._ended is None:
            result = self._ours.get(inbound)
            if result is None:
                known = await self._decided_elsewhere(inbound)
            else:
                try:
                    return await asyncio.shield(result)
                except _PassedOn:
                    known = None
            if known is not None:
                return known
        raise self._ended

    async def _decided_elsewhere(self, inbound: InboundId) -> Decided | None:
        news = self._elsewhere.setdefault(inbound, asyncio.Event())
        try:
            with suppress(Unavailable):
                known = await self._look(inbound)
                if known is not None:
                    return known
            async with asyncio.timeout(ASK_AGAIN_SECONDS):
                await news.wait()
        except TimeoutError:
            pass
        finally:
            if self._elsewhere.get(inbound) is news:
                del self._elsewhere[inbound]
        return None
