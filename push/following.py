"""Frames for whoever iterates over them, as they come, bounded."""

import asyncio
from collections import deque
from typing import Self

from gateway.core.errors import GatewayError
from push.protocol import ServerFrame

MOST_FRAMES = 10_000


class Overrun(GatewayError):
    """Whoever iterates is slower than the frames come; the client's desktop is right still."""


class Following:
    """An endless iterator over frames from now on. Raises ``Overrun``, or what ended the client."""

    __slots__ = ("_ended", "_frames", "_most", "_wake")

    def __init__(self, most: int = MOST_FRAMES) -> None:
        self._frames: deque[ServerFrame] = deque()
        self._most = most
        self._wake: asyncio.Future[None] | None = None
        self._ended: BaseException | None = None

    def put(self, frame: ServerFrame) -> bool:
        """Take in a frame; false once nobody could get it any more."""
        if len(self._frames) >= self._most:
            self.end(Overrun(f"{self._most} frames were not taken"))
        if self._ended is not None:
            return False
        self._frames.append(frame)
        self._rouse()
        return True

    def end(self, error: BaseException) -> None:
        """No more will come; what is here may still be taken."""
        self._ended = self._ended or error
        self._rouse()

    def _rouse(self) -> None:
        if self._wake is not None and not self._wake.done():
            self._wake.set_result(None)

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> ServerFrame:
        while not self._frames:
            if self._ended is not None:
                raise self._ended
            self._wake = asyncio.get_running_loop().create_future()
            await self._wake
        return self._frames.popleft()
