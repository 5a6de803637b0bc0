"""Requests that may come again: done once, and answered the same, whichever node does them.

A request has a name if it was given a key (``Idempotency-Key``) or goes to another node as an
errand. Whoever does it writes the answer under that name in the commit of its effect, and looks for
it first; so a repeat finds it, after any crash and at any node, for 24 hours.
"""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any

import msgspec

from gateway.api.base import by
from gateway.core import events as e
from gateway.core.errors import IllegalMove, Refused
from gateway.core.ids import CommandId, ItemId
from gateway.core.model import CommandRecord, Item
from gateway.core.state import NodeState
from gateway.core.view import ItemView, item_view
from gateway.flow.ledger import Ledger
from gateway.flow.tasks import KeyedLocks
from gateway.ports import HttpAnswer, HttpRequest
from gateway.store.contract import Lookup

Shown = Callable[[Sequence[e.Entry]], Any]
_encoder = msgspec.json.Encoder()


class Once:
    """See the module's docstring."""

    def __init__(self, ledger: Ledger, lookup: Lookup) -> None:
        self._ledger = ledger
        self._lookup = lookup
        self._locks = KeyedLocks()

    @asynccontextmanager
    async def alone(self, request: HttpRequest) -> AsyncIterator[None]:
        """Nobody else here does the same request meanwhile."""
        if not request.once:
            yield
            return
        async with self._locks.hold(f"{by(request)} {request.once}"):
            yield

    async def before(self, request: HttpRequest) -> HttpAnswer | None:
        """What it was answered when it was done. Raises ``Unavailable``."""
        if not request.once:
            return None
        once = CommandId(request.once)
        known = (await self._lookup.answers(by(request), [once])).get(once)
        return HttpAnswer(body=known) if known is not None else None

    async def record(
        self, request: HttpRequest, changes: Sequence[e.Change], shown: Shown
    ) -> HttpAnswer:
        """Record, and answer what ``shown`` makes of it when it is on disk.

        Raises ``Refused``, also for an impossible move.
        """
        self._ledger.check_open()
        said: list[Any] = []
        who, once, now = by(request), CommandId(request.once), self._ledger.clock.now()

        def answer(entries: Sequence[e.Entry]) -> list[e.Row]:
            said.append(shown(entries))
            if not once:
                return []
            return [CommandRecord(agent=who, id=once, at=now, answer=_encoder.encode(said[0]))]

        if not changes and not once:
            return HttpAnswer(body=shown(()))
        if not changes:
            changes = [e.Change(e.CommandAnswered(agent=who, command=request.method.lower()))]
        try:
            position = self._ledger.record(changes, answer)
        except IllegalMove as error:
            detail = f"not possible for an item that is {error.state}"
            raise Refused("wrong_state", detail) from error
        await self._ledger.committed(position)
        return HttpAnswer(body=said[0])


def item_shown(state: NodeState, item: ItemId) -> Callable[[Sequence[e.Entry]], ItemView]:
    """The item as these entries leave it."""

    def shown(entries: Sequence[e.Entry]) -> ItemView:
        rows = [row for entry in entries for row in entry.rows]
        found = next((r for r in reversed(rows) if type(r) is Item and r.id == item), None)
        last = found or state.items[item]
        return item_view(last, state.cases[last.case])

    return shown
