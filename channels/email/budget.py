"""How many bytes of mails a node holds at once, over all its mailboxes."""

import asyncio
from collections import deque

MOST_BYTES = 64_000_000
"""Of raw mails on their way; each costs about three times its size while it is understood."""


class Budget:
    """Bytes on loan, first come, first served. More than all of it is lent when all is free."""

    def __init__(self, most: int = MOST_BYTES) -> None:
        self.most = most
        self.lent = 0
        self._waiting: deque[tuple[int, asyncio.Future[None]]] = deque()

    def take_now(self, count: int) -> bool:
        """Whether it could be had at once; give back what was taken."""
        if self._waiting or self.lent + self._due(count) > self.most:
            return False
        self.lent += self._due(count)
        return True

    async def take(self, count: int) -> None:
        """Wait for it. Whoever waits must hold none: two who each hold some would wait for ever."""
        if self.take_now(count):
            return
        turn = asyncio.get_running_loop().create_future()
        self._waiting.append((count, turn))
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                self.give_back(count)
            else:
                self._waiting = deque(one for one in self._waiting if one[1] is not turn)
                self._serve()
            raise

    def give_back(self, count: int) -> None:
        self.lent -= self._due(count)
        self._serve()

    def _due(self, count: int) -> int:
        return min(count, self.most)

    def _serve(self) -> None:
        while self._waiting and self.lent + self._due(self._waiting[0][0]) <= self.most:
            count, turn = self._waiting.popleft()
            if not turn.done():
                self.lent += self._due(count)
                turn.set_result(None)
