"""What a generator in a closed loop has open, and what came back how often. Pure but for waiting.

``key`` names one contact. It is *finished* when its answer is there; another answer under another
identity is a *duplicate*, the same identity again is a *repeat* (design.md, promise 3).
"""

import asyncio
from typing import Any


class Tally:
    """Keys in order, at most ``at_once`` of them open."""

    def __init__(self) -> None:
        self.duplicates = 0
        self.repeats = 0
        self.strangers = 0
        self._count = 0
        self._given = 0
        self._at_once = 0
        self._open: set[str] = set()
        self._answers: dict[str, str] = {}
        self._changed = asyncio.Event()

    def begin(self, count: int, at_once: int) -> None:
        """Start over with ``count`` more keys to give."""
        self._count = self._given + count
        self._at_once = at_once
        self._changed.set()

    @property
    def room(self) -> int:
        """How many more may be opened now."""
        return min(self._at_once - len(self._open), self._count - self._given)

    def take(self) -> str:
        """The next key; it is open from now on."""
        key = f"{self._given:07d}"
        self._given += 1
        self._open.add(key)
        return key

    async def next(self) -> str | None:
        """The next key once there is room; ``None`` when all have been given."""
        while self._given < self._count:
            if self.room > 0:
                return self.take()
            await self.wait()
        return None

    async def wait(self) -> None:
        """Until something was finished."""
        self._changed.clear()
        await self._changed.wait()

    def finish(self, key: str, identity: str) -> None:
        """An answer has come."""
        known = self._answers.get(key)
        if known is None:
            self.strangers += key not in self._open
            self._answers[key] = identity
            self._open.discard(key)
            self._changed.set()
        elif known == identity:
            self.repeats += 1
        else:
            self.duplicates += 1

    async def done(self) -> dict[str, Any]:
        """Wait until nothing is open, and say what happened."""
        while self._open or self._given < self._count:
            await self.wait()
        return {
            "finished": len(self._answers),
            "duplicates": self.duplicates,
            "repeats": self.repeats,
            "strangers": self.strangers,
        }
