"""Customers who chat: each says something, waits for an answer, says more, and ends it.

Then the next one sits down. A window that lost its node goes to another and resumes, as the widget
does. What it has shown is kept, and in the end compared with the transcript told from its start.
"""

import asyncio
import random
import time
from collections import Counter
from typing import Any

from bench.load.control import Answer, busy, serve
from bench.load.town.talk import Talk


class Visitors:
    """All of this process."""

    def __init__(self) -> None:
        self.talks: list[Talk] = []
        self.problems: Counter[str] = Counter()
        self.outages: list[list[Any]] = []
        """[lost, back, number of the talk, url it was lost at]"""
        self.pace = (1.0, 3.0)
        self.dice = random.Random(31)
        self._stop = asyncio.Event()
        self._chairs: asyncio.Future[None] | None = None

    async def perform(self, said: dict[str, Any]) -> Answer:
        match said.pop("do"):
            case "begin":
                return await self._begin(**said)
            case "stop":
                self._stop.set()  # who talks ends it by and by
                return {}
            case "how":
                return {
                    "open": busy(self._chairs) and sum(not t.over for t in self.talks),
                    "offline": sum(not (talk.over or talk.online) for talk in self.talks),
                }
            case "log":
                return await self._log(**said)
            case other:
                raise ValueError(f"visitors cannot {other!r}")

    async def _begin(self, urls: list[str], chairs: int, pace: list[float]) -> Answer:
        """Take so many chairs; answers once all are connected."""
        self.pace = (pace[0], pace[1])
        self._stop.clear()
        known = len(self.talks)
        self._chairs = asyncio.get_running_loop().create_task(self._sit(urls, chairs))
        while sum(t.ever_online for t in self.talks[known:]) < chairs:  # noqa: ASYNC110 - a look
            await asyncio.sleep(0.05)
        return {}

    async def _sit(self, urls: list[str], chairs: int) -> None:
        async with asyncio.TaskGroup() as group:
            for n in range(chairs):
                group.create_task(self._chair(urls[n % len(urls) :] + urls[: n % len(urls)]))

    async def _chair(self, urls: list[str]) -> None:
        while not self._stop.is_set():
            talk = Talk(self.dice, urls, self.problems, self.outages, len(self.talks))
            self.talks.append(talk)
            await talk.run(self.pace, self._stop)

    async def _log(self, urls: list[str]) -> Answer:
        """With every transcript as it is told now to who shows its token."""
        slots = asyncio.Semaphore(16)

        async def told(talk: Talk) -> dict[str, Any]:
            async with slots:
                return {**talk.log(), "transcript": await talk.transcript(urls)}

        began = time.monotonic()
        talks = await asyncio.gather(*(told(talk) for talk in self.talks if talk.acked))
        return {
            "talks": talks,
            "problems": dict(self.problems),
            "outages": self.outages,
            "seconds": time.monotonic() - began,
        }


if __name__ == "__main__":
    serve(lambda: Visitors().perform)
