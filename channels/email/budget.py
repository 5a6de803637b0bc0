"""How many bytes of mails a node holds at once.

What is fetched from mailboxes and what servers bring have shares of their own: a server that begins
many mails and ends none keeps no mailbox waiting, and a full mailbox no server.
"""

import asyncio
from collections import deque

FETCHED_BYTES = 40_000_000
"""Of raw mails from mailboxes; each costs about three times its size while it is understood."""
BROUGHT_BYTES = 24_000_000
"""Of those that mail servers bring."""


class Budget:
    """Bytes on loan, first come, first served. Ask for what ``fit`` says: never more than all."""

    def __init__(self, most: int) -> None:
        self.most = most
        self.lent = 0
        self._waiting: deque[tuple[int, asyncio.Future[None]]] = deque()

    def fit(self, count: int) -> int:
        """What is lent for so many bytes: a mail larger than all there is has it all, alone."""
        return min(count, self.most)

    def has(self, count: int) -> bool:
        """Whether it can be had at once."""
        return not self._waiting and self.lent + count <= self.most

    def take_now(self, count: int) -> bool:
        """Whether it could be had at once; give back what was taken."""
        if not self.has(count):
            return False
        self.lent += count
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
        self.lent -= count
        self._serve()

    def _serve(self) -> None:
        while self._waiting and self.lent + self._waiting[0][0] <= self.most:
            count, turn = self._waiting.popleft()
            if not turn.done():
                self.lent += count
                turn.set_result(None)
