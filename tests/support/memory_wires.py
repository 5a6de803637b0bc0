"""The wire of the bells in memory."""

import asyncio
from collections.abc import Callable, Sequence


class MemoryWires:
    """``cluster.bell.Wires``: everybody hears everybody, a moment later."""

    def __init__(self) -> None:
        self._hearing: list[Callable[[str], None]] = []

    async def open(self, hear: Callable[[str], None], _lost: Callable[[], None]) -> "MemoryWire":
        self._hearing.append(hear)
        return MemoryWire(self._hearing, hear)


class MemoryWire:
    """One link of ``MemoryWires``."""

    def __init__(self, hearing: list[Callable[[str], None]], hear: Callable[[str], None]) -> None:
        self._hearing = hearing
        self._hear = hear

    async def tell(self, texts: Sequence[str]) -> None:
        await asyncio.sleep(0)
        for hear in tuple(self._hearing):
            for text in texts:
                hear(text)

    def close(self) -> None:
        self._hearing.remove(self._hear)
