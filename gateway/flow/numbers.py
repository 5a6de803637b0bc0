"""Ticket numbers, from blocks that the database hands out: unique, in order, gaps allowed."""

import asyncio
from collections.abc import Iterator

from gateway.core.ids import TicketNumber
from gateway.store.contract import Journal

BLOCK = 100


class Numbers:
    """Gives one number at a time; fetches a block when the last one is used up."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._block: Iterator[int] = iter(())
        self._spare: list[int] = []
        self._fetching = asyncio.Lock()

    async def next(self) -> TicketNumber:
        if self._spare:
            return TicketNumber(self._spare.pop())
        number = next(self._block, None)
        while number is None:
            async with self._fetching:
                number = next(self._block, None)
                if number is None:
                    self._block = iter(await self._journal.reserve_numbers(BLOCK))
                    number = next(self._block, None)
        return TicketNumber(number)

    def give_back(self, number: TicketNumber) -> None:
        """Nobody needed it after all: the next one who asks gets it."""
        self._spare.append(number)
