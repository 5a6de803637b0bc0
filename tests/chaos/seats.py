"""Agents at both nodes, whatever has died: who came to sit at one node is relieved at the other.

An agent is at home at one node and stays there while it lives, so after a takeover all sit at the
heir. As in a real house a new shift then begins at the node that is back.
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from typing import Never

from bench.load.town.people import Town
from tests.support.regions import Region, Regions

LOOK_SECONDS = 1.0


class Seats:
    """``people`` are names and tokens, many more than seats."""

    def __init__(
        self,
        both: Regions,
        town: Town,
        people: Sequence[tuple[str, str]],
        each: int,
        say: Callable[[str], None],
    ) -> None:
        self._both, self._town, self._each, self._say = both, town, each, say
        self._people: Iterator[tuple[str, str]] = iter(people)

    async def fill(self) -> None:
        """So many agents at each node."""
        await asyncio.gather(*(self._begin(region.name, self._each) for region in self._regions))

    @property
    def _regions(self) -> Sequence[Region]:
        return self._both.regions

    async def _begin(self, name: str, count: int) -> None:
        near = [region for region in self._regions if region.name == name]
        far = [region for region in self._regions if region.name != name]
        urls = [f"{region.node.ws}/agent/v1" for region in (*near, *far)]
        some = [person for _, person in zip(range(count), self._people, strict=False)]
        await self._town.sign_in([(who, token, urls) for who, token in some])

    async def run(self) -> Never:
        """Keep both nodes manned."""
        while True:
            await asyncio.sleep(LOOK_SECONDS)  # as a supervisor looks: no event tells who is away
            await self.balance()

    async def balance(self) -> None:
        """One look, and a change of shift where a node that serves has too few."""
        here: dict[str, str] = {}
        for one in await self._town.at_work():
            here |= one["here"]
        counts = Counter(here.values())
        for region in self._regions:
            short = self._each - counts[region.name]
            if short <= self._each // 2 or not await region.is_ready():
                continue
            surplus = [name for name, node in here.items() if node != region.name]
            leaving = surplus[: min(short, max(0, len(surplus) - self._each))]
            if leaving:
                self._say(f"a new shift of {len(leaving)} begins at {region.name}")
                late = await self._town.sign_off(leaving)
                await self._begin(region.name, len(leaving) - len(late))
