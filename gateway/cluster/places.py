"""The place in the queue of a customer whose contact waits at another node.

It is asked for and told by the bell: a place is good for seconds, and a ring that is lost is made
up for by the next look of the channel. Whoever has the item answers; nobody else says anything.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from typing import Never

import msgspec
import structlog
from msgspec import Struct

from gateway.cluster.bell import Bell
from gateway.core.ids import CaseId, NodeName
from gateway.flow.conversations import Place
from gateway.flow.tasks import Tasks

ASKED, TOLD = "place", "placed"
ANSWER_SECONDS = 0.3
"""How long a look waits for the others. Who has not answered by then is asked by the next one."""
AT_ONCE = 40
"""Conversations in one ring: its length is bounded."""

_log = structlog.get_logger("places")


class _Told(Struct, frozen=True, array_like=True):
    """How one conversation stands at its node."""

    case: CaseId
    place: int
    seconds: float


_cases = msgspec.json.Decoder(list[CaseId])
_places = msgspec.json.Decoder(list[_Told])


class Places:
    """Asks the others, and answers them from ``mine``; ``run`` until cancelled."""

    def __init__(
        self,
        bell: Bell,
        mine: Callable[[Iterable[CaseId]], Awaitable[Mapping[CaseId, Place]]],
        *,
        needed: Callable[[], bool],
    ) -> None:
        self._bell = bell
        self._mine = mine
        self._needed = needed
        self._awaited: dict[CaseId, list[asyncio.Future[Place]]] = {}
        self._tasks = Tasks("places")

    async def elsewhere(self, cases: Sequence[CaseId]) -> dict[CaseId, Place]:
        """What other nodes say of these conversations: the place (1 is next) and the seconds."""
        if not cases or not self._needed():
            return {}
        loop = asyncio.get_running_loop()
        asked: dict[CaseId, asyncio.Future[Place]] = {case: loop.create_future() for case in cases}
        for case, future in asked.items():
            self._awaited.setdefault(case, []).append(future)
        for start in range(0, len(cases), AT_ONCE):
            part = cases[start : start + AT_ONCE]
            self._bell.ring(ASKED, msgspec.json.encode(part).decode())
        try:
            await asyncio.wait(asked.values(), timeout=ANSWER_SECONDS)
        finally:
            for case, future in asked.items():
                self._forget(case, future)
        return {case: future.result() for case, future in asked.items() if future.done()}

    def _forget(self, case: CaseId, future: asyncio.Future[Place]) -> None:
        waiting = self._awaited[case]
        waiting.remove(future)
        if not waiting:
            del self._awaited[case]

    async def run(self) -> Never:
        """Answer until cancelled."""
        leave = (self._bell.on(ASKED, self._asked), self._bell.on(TOLD, self._told))
        try:
            async with self._tasks:
                await asyncio.get_running_loop().create_future()
        finally:
            for end in leave:
                end()
        raise AssertionError("a future that nobody resolves")

    def _asked(self, node: NodeName, text: str) -> None:
        try:
            cases = _cases.decode(text)
        except msgspec.MsgspecError:
            _log.warning("a question for places that is none", node=node, text=text[:80])
            return
        self._tasks.spawn(self._answer(cases), f"of {node}")

    async def _answer(self, cases: Sequence[CaseId]) -> None:
        places = await self._mine(cases)
        if places:
            told = [_Told(case, place, seconds) for case, (place, seconds) in places.items()]
            self._bell.ring(TOLD, msgspec.json.encode(told).decode())

    def _told(self, node: NodeName, text: str) -> None:
        try:
            told = _places.decode(text)
        except msgspec.MsgspecError:
            _log.warning("places that are none", node=node, text=text[:80])
            return
        for one in told:
            for future in self._awaited.get(one.case, ()):
                if not future.done():
                    future.set_result((one.place, one.seconds))
