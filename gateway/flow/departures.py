"""What has left this node, for whoever looked at the database before it did.

Between a look and the decision that rests on it, what it was about may be handed over to another
node. So whoever looks takes a ``stamp`` first, and asks ``since`` in the turn of the loop in which
it decides: if anything of it has left, the look is void. While a handover is under way nobody can
say whose it is: ``settled`` waits for its end.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Iterable

KEPT = 50_000
"""Ids remembered: far more than leave while one look at the database lasts."""


class Departures:
    """See the module's docstring. Ids are of cases, customers and agents."""

    def __init__(self) -> None:
        self._turn = 0
        self._left: OrderedDict[str, int] = OrderedDict()
        self._pending: dict[str, asyncio.Event] = {}

    def stamp(self) -> int:
        """Now: take it before the look."""
        return self._turn

    def since(self, ids: Iterable[str | None], stamp: int) -> bool:
        """Whether any of these has left, or come back, after the stamp, or is about to."""
        return any(
            id_ in self._pending or self._left.get(id_, 0) > stamp for id_ in ids if id_ is not None
        )

    def pending(self, id_: str) -> bool:
        """Whether it is on its way just now."""
        return id_ in self._pending

    async def settled(self, ids: Iterable[str | None]) -> None:
        """Wait until none of these is on its way."""
        for id_ in tuple(ids):
            while id_ is not None and (under_way := self._pending.get(id_)) is not None:
                await under_way.wait()

    def begin(self, ids: Iterable[str]) -> None:
        """They are being handed over."""
        done = asyncio.Event()
        self._note(ids)
        self._pending.update(dict.fromkeys(ids, done))

    def end(self, ids: Iterable[str]) -> None:
        """They are another node's, or ours again."""
        self._note(ids)
        for id_ in ids:
            done = self._pending.pop(id_, None)
            if done is not None:
                done.set()

    def _note(self, ids: Iterable[str]) -> None:
        self._turn += 1
        for id_ in ids:
            self._left[id_] = self._turn
            self._left.move_to_end(id_)
        while len(self._left) > KEPT:
            self._left.popitem(last=False)
