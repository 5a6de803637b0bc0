"""Contacts over the feed: the local socket that stands where an outside protocol would."""

import asyncio
import json
import random
import time
from typing import Any

from bench.load.control import Answer, serve
from bench.load.tally import Tally
from bench.work import body

MIX = ("sms",) * 3 + ("email",) + ("task",)
"""150,000 conversations, 50,000 mails and 50,000 cases a day (the brief)."""
SLICE = 20


class Contacts:
    """See the module's docstring."""

    def __init__(self) -> None:
        self.tally = Tally()
        self._dice = random.Random(11)
        self._texts = [body(self._dice) for _ in range(200)]
        self._writer: asyncio.StreamWriter | None = None
        self._reading: asyncio.Future[None] | None = None
        self._group = asyncio.TaskGroup()
        self._round = 0

    async def perform(self, said: dict[str, Any]) -> Answer:
        match said.pop("do"):
            case "begin":
                return await self._begin(**said)
            case "run":
                return await self._run(**said)
            case "at_rate":
                return await self._at_rate(**said)
            case other:
                raise ValueError(f"contacts cannot {other!r}")

    async def _begin(self, port: int) -> Answer:
        reader, self._writer = await asyncio.open_connection("127.0.0.1", port, limit=2**24)
        self._reading = asyncio.get_running_loop().create_task(self._read(reader))
        return {}

    def _line(self, key: str, mark: int | None = None) -> bytes:
        dice = self._dice
        subject = "A charge that I do not know" if mark is None else f"@t={mark}; A charge"
        contact = {
            "key": f"{self._round}-{key}",
            "kind": dice.choice(MIX),
            "name": "Ada",
            "address": f"{self._round}-{key}",
            "subject": subject,
            "body": dice.choice(self._texts),
        }
        return json.dumps(contact).encode() + b"\n"

    async def _run(self, count: int, at_once: int) -> Answer:
        """Bring ``count``, no more than ``at_once`` open; answers when all are worked off."""
        self.tally.begin(count, at_once)
        await self._bring()
        return await self.tally.done()

    async def _bring(self) -> None:
        writer = self._writer
        if writer is None:
            raise RuntimeError("say begin first")
        while (key := await self.tally.next()) is not None:
            lines = [self._line(key)]
            while self.tally.room > 0 and len(lines) < SLICE:
                lines.append(self._line(self.tally.take()))
            writer.write(b"".join(lines))
            await writer.drain()

    async def _at_rate(self, rate: float, seconds: float) -> Answer:
        """Bring at a rate, whatever is open; answers when each was due, by its mark."""
        if self._writer is None:
            raise RuntimeError("say begin first")
        times: list[tuple[int, float]] = []
        due, end = time.monotonic(), time.monotonic() + seconds
        self.tally.begin(int(rate * seconds) + 1, 10**9)
        while due < end:
            await asyncio.sleep(max(due - time.monotonic(), 0))
            mark = len(times)
            self._writer.write(self._line(self.tally.take(), mark))
            times.append((mark, due))
            due += 1 / rate
        return {"times": times, **await self._worked_off()}

    async def _worked_off(self) -> Answer:
        self.tally.begin(0, 0)
        return await self.tally.done()

    async def _read(self, reader: asyncio.StreamReader) -> None:
        while text := await reader.readline():
            said = json.loads(text)
            if "sent" in said and said["final"]:
                self.tally.finish(said["address"].partition("-")[2], said["sent"])


if __name__ == "__main__":
    serve(lambda: Contacts().perform)
