"""How late the event loop is: the first thing to look at when anything feels slow."""

import asyncio

EVERY_SECONDS = 0.1
BUCKETS = (0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, float("inf"))


class LoopLag:
    """Measures ten times a second by how much a sleep overshoots; a histogram in seconds."""

    def __init__(self) -> None:
        self.counts = [0] * len(BUCKETS)
        self.total = 0.0
        self.longest = 0.0

    async def run(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            due = loop.time() + EVERY_SECONDS
            await asyncio.sleep(EVERY_SECONDS)
            self.note(max(loop.time() - due, 0.0))

    def note(self, lag: float) -> None:
        """One measurement, in seconds."""
        self.total += lag
        self.longest = max(self.longest, lag)
        for n, limit in enumerate(BUCKETS):
            if lag <= limit:
                self.counts[n] += 1
                return
