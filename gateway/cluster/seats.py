"""The seats of a node's duties: who does what here, and when it is their turn.

A channel writes through ``UnderDuty``, which is open while its seat is at work and marks every
write with the term that the work began under; so what is left of an earlier turn writes nothing.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence

from gateway.core.duties import ABLE, DutyTerm, Give
from gateway.core.errors import StoodDown
from gateway.core.ids import ChannelName, NodeName
from gateway.core.inbound import Decided, Inbound
from gateway.flow.conversations import MemoryShelf
from gateway.flow.intake import IntakeFlow
from gateway.ports import Accepted, Memory

Act = Callable[[DutyTerm], Awaitable[None]]


class Seat:
    """A place at a duty. Of several at one node the first by name does it."""

    def __init__(self, post: "Post", who: str, rank: int) -> None:
        self.who = who
        self.rank = rank
        self.term: DutyTerm | None = None
        self.duty = post.name
        self._post = post
        self._may = False
        self._news = asyncio.Event()
        self._stop = asyncio.Event()

    @property
    def holder(self) -> NodeName | None:
        """The node that has the duty, as far as is known."""
        return self._post.holder

    async def turn(self, tell: Callable[[str], None] = lambda _why: None) -> None:
        """Wait until the duty is to be done from this seat; ``tell`` hears why not yet."""
        while not self._may:
            tell(self._post.why_not(self))
            await self._news.wait()
            self._news.clear()

    async def work(self, act: Act) -> None:
        """Do it until it ends. Raises ``StoodDown`` when the duty goes elsewhere, or has gone.

        That it has gone ``act`` may learn first, from a write that is refused, and raise it.
        """
        term = self._post.term
        if not self._may or term is None:
            raise StoodDown(f"{self.duty} is not ours")
        self._stop.clear()
        self.term = term
        try:
            await _unless(self._stop, act, term)
        except StoodDown:
            if not self._stop.is_set():
                self._post.hold(None)  # until a look shows whether it is ours after all
            raise
        finally:
            self.term = None
            self._post.deal()

    def leave(self) -> None:
        """Nothing is done from this seat any more; its work has ended."""
        self._post.seats.remove(self)
        self._post.deal()

    def arrange(self, *, may: bool, on: DutyTerm | None) -> None:
        """Whether it may begin, and which work may go on."""
        self._may = may
        if self.term is not None and self.term != on:
            self._stop.set()
        self._news.set()


class Post:
    """A duty as this node has to do with it: its seats, and the term that it is held under.

    ``called_back`` says why it is to be given up as soon as nobody works any more.
    """

    def __init__(self, name: str, label: str, wake: Callable[[], None]) -> None:
        self.name = name
        self.label = label
        self.seats: list[Seat] = []
        self.term: DutyTerm | None = None
        self.holder: NodeName | None = None
        self.called_back: Give | None = None
        self._wake = wake

    @property
    def idle(self) -> bool:
        return all(seat.term is None for seat in self.seats)

    @property
    def rank(self) -> int:
        """How well this node suits, as the best of its seats has it."""
        return min((seat.rank for seat in self.seats), default=ABLE)

    def hold(self, term: DutyTerm | None) -> None:
        if term != self.term:
            self.term = term
            self.deal()

    def learn(self, holder: NodeName | None) -> None:
        if holder != self.holder:
            self.holder = holder
            self.deal()

    def deal(self) -> None:
        """One seat works at a time, the first by name, and only while the duty is ours."""
        ours = self.term if self.called_back is None else None
        front = min(self.seats, key=lambda seat: seat.who, default=None)
        for seat in self.seats:
            on = ours if seat is front else None
            free = all(other is seat or other.term is None for other in self.seats)
            seat.arrange(may=on is not None and free, on=on)
        self._wake()

    def why_not(self, seat: Seat) -> str:
        front = min(self.seats, key=lambda each: each.who)
        if self.holder is None:
            return "no node reads it yet"
        if front is not seat and front.who != seat.who:
            return f"{self.holder} reads it, as {front.who!r}"
        return f"{self.holder} reads it"


class UnderDuty:
    """A channel's way to the intake and to its memory, open while its seat is at work.

    Implements ``ports.Intake`` and ``ports.ChannelMemory``. Raises ``StoodDown``.
    """

    def __init__(self, seat: Seat, intake: IntakeFlow, memory: MemoryShelf) -> None:
        self._seat = seat
        self._intake = intake
        self._memory = memory

    async def receive(
        self, inbounds: Sequence[Inbound], memory: Memory | None = None
    ) -> list[Accepted]:
        return await self._intake.receive(inbounds, memory, self._held())

    async def decided(self, accepted: Accepted) -> Decided:
        return await self._intake.decided(accepted)

    async def load(self, channel: ChannelName, key: str) -> bytes | None:
        self._held()
        return await self._memory.load(channel, key)

    async def save(self, channel: ChannelName, memory: Memory) -> None:
        await self._memory.save(channel, memory, self._held())

    async def swap(self, channel: ChannelName, key: str, known: bytes | None, value: bytes) -> bool:
        self._held()
        return await self._memory.swap(channel, key, known, value)

    def _held(self) -> DutyTerm:
        if self._seat.term is None:
            raise StoodDown(f"{self._seat.duty} is not ours")
        return self._seat.term


async def _unless(stop: asyncio.Event, act: Act, term: DutyTerm) -> None:
    """Do it, but end it when ``stop`` is set. Raises ``StoodDown`` then, else what it raises."""
    raised: list[Exception] = []

    async def watched() -> None:
        try:
            await act(term)
        except Exception as error:  # noqa: BLE001 - raised again below, not in a group
            raised.append(error)

    async with asyncio.TaskGroup() as group:
        work = group.create_task(watched(), name=f"duty:{term.name}")
        told = group.create_task(stop.wait(), name=f"duty:{term.name}:stop")
        await asyncio.wait([work, told], return_when=asyncio.FIRST_COMPLETED)
        told.cancel()
        work.cancel()
    if stop.is_set():
        raise StoodDown(f"{term.name} is not ours any more")
    if raised:
        raise raised[0]
