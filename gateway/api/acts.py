"""What supervisors, and other systems, may do to a work item."""

import asyncio
from collections.abc import Callable
from typing import Annotated

from msgspec import Meta, Struct

from gateway.api.base import Reason, by, read, who
from gateway.api.items import Items
from gateway.api.needs import Listing, Sends
from gateway.api.once import Once, item_shown
from gateway.core import acts
from gateway.core import events as e
from gateway.core.effects import Matter
from gateway.core.errors import Refused
from gateway.core.ids import AgentName, ItemId, QueueName
from gateway.core.lifecycle import ENDED
from gateway.core.model import ChannelKind, ItemState, Message
from gateway.core.moving import Sent
from gateway.core.replies import conclude, review_of
from gateway.core.state import NodeState
from gateway.core.view import ItemView
from gateway.core.watch import Review, Verdict
from gateway.flow.node import Node
from gateway.flow.whose import Elsewhere
from gateway.ports import Access, HttpAnswer, HttpRequest, HttpRoute
from gateway.store.contract import Unavailable

TAG = "items"
ARRIVAL_SECONDS = 3.0
"""How long an item that is on its way here is waited for."""
LOOK_SECONDS = 0.05
_TAKEN_BACK = (ChannelKind.TASK, ChannelKind.CALLBACK)
"""Whatever has come from outside as work; what a customer waits for is closed with an answer."""


class Assign(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    agent: AgentName
    reason: Reason = ""


class Requeue(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """No ``queue``: the one it was in."""

    queue: QueueName | None = None
    reason: Reason = ""


class Close(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    code: Annotated[str, Meta(max_length=200)] = ""
    reason: Reason = ""


class Priority(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """From -100 to 100."""

    priority: Annotated[int, Meta(ge=-100, le=100)]
    reason: Reason = ""


class Cancel(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    reason: Reason = ""


class Conclude(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A reply that was held back is ``released`` or ``refused``; anything else is ``seen``."""

    review: Annotated[str, Meta(max_length=64)]
    verdict: Verdict
    reason: Reason = ""


Decide = Callable[[NodeState, ItemId], list[e.Change]]


class Acts:
    """Each act is one record in the journal, and answers the item as it leaves it."""

    def __init__(
        self, node: Node, items: Items, listing: Listing, sends: Sends, once: Once
    ) -> None:
        self._ledger = node.ledger
        self._departures = node.departures
        self._lookup = node.lookup
        self._listing = listing
        self._sends = sends
        self._items = items
        self._once = once

    def routes(self) -> list[HttpRoute]:
        def post(
            act: str,
            handle: Callable[[HttpRequest], object],
            takes: type[Struct],
            summary: str,
            access: Access = "supervisor",
        ) -> HttpRoute:
            return HttpRoute(
                method="POST",
                path=f"/api/v1/items/{{id}}/{act}",
                handle=handle,  # type: ignore[arg-type]
                summary=summary,
                access=access,
                takes=takes,
                gives=ItemView,
                tag=TAG,
                once=True,
            )

        return [
            post("assign", self._assign, Assign, "Give the item to an agent"),
            post("requeue", self._requeue, Requeue, "Put the item back into a queue"),
            post("close", self._close, Close, "End the item as completed"),
            post("priority", self._priority, Priority, "Change the item's priority"),
            post("review", self._review, Conclude, "Say what becomes of what a rule held back"),
            post("cancel", self._cancel, Cancel, "Take a task back", "agent"),
        ]

    async def _assign(self, request: HttpRequest) -> HttpAnswer:
        wish = read(request, Assign)
        asker = by(request)
        async with self._once.alone(request):
            home = await self._sends.home(wish.agent)
            item = await self._open(request)
            if isinstance(item, HttpAnswer):
                return item
            if home is not None:
                sent = Sent(
                    agent=wish.agent, home=home, by=asker, reason=wish.reason, once=request.once
                )
                await self._sends.send(item, sent)
                # It is in hand there, as the answer is to say.
                raise Elsewhere(home)
            state = self._ledger.state
            found = state.items[item]
            has_it = found.state is ItemState.ASSIGNED and found.agent == wish.agent
            changes = [] if has_it else acts.assign(state, item, wish.agent, asker, wish.reason)
            return await self._once.record(request, changes, item_shown(state, item))

    async def _requeue(self, request: HttpRequest) -> HttpAnswer:
        wish = read(request, Requeue)
        asker = by(request)
        return await self._act(
            request, lambda s, item: acts.requeue(s, item, wish.queue, asker, wish.reason)
        )

    async def _close(self, request: HttpRequest) -> HttpAnswer:
        wish = read(request, Close)
        asker = by(request)
        return await self._act(
            request, lambda s, item: acts.close(s, item, asker, wish.reason, wish.code)
        )

    async def _priority(self, request: HttpRequest) -> HttpAnswer:
        wish = read(request, Priority)
        asker = by(request)
        return await self._act(
            request,
            lambda s, item: acts.reprioritise(s, item, wish.priority, asker, wish.reason),
        )

    async def _cancel(self, request: HttpRequest) -> HttpAnswer:
        wish = read(request, Cancel)
        asker = who(request)

        def decide(state: NodeState, item: ItemId) -> list[e.Change]:
            kind = state.items[item].kind
            if asker.role == "agent" and kind not in _TAKEN_BACK:
                detail = f"an agent takes back tasks and call-backs; this is of kind {kind.value}"
                raise Refused("not_allowed", detail, "id")
            return acts.cancel(state, item, asker.name, wish.reason)

        return await self._act(request, decide)

    async def _review(self, request: HttpRequest) -> HttpAnswer:
        wish = read(request, Conclude)
        asker = by(request)
        async with self._once.alone(request):
            item = await self._open(request)
            if isinstance(item, HttpAnswer):
                return item
            message = await self._written(review_of(self._ledger.state.items[item], wish.review))
            item = await self._open(request)
            if isinstance(item, HttpAnswer):
                return item
            state, ctx = self._ledger.state, self._ledger.context()
            found = state.items[item]
            matter = Matter(state, ctx, state.cases[found.case], found)
            review = review_of(found, wish.review)
            changes = conclude(matter, review, wish.verdict, asker, wish.reason, message)
            return await self._once.record(request, changes, item_shown(state, item))

    async def _written(self, review: Review) -> Message | None:
        """The reply that waits; its text is on disk only."""
        if review.message is None:
            return None
        await self._ledger.committed(self._ledger.position)
        try:
            return await self._lookup.message(review.message)
        except Unavailable as error:
            raise Refused("unavailable", "the database does not answer; try again") from error

    async def _open(self, request: HttpRequest) -> ItemId | HttpAnswer:
        """The open item, once this node decides about it; or the answer, if it has been done.

        To be used in the turn of the loop in which it returns. Raises ``Elsewhere``, ``Refused``.
        """
        if (before := await self._once.before(request)) is not None:
            return before
        stamp = self._departures.stamp()
        item = await self._here(ItemId(request.params["id"]))
        if request.once:
            # Whoever decided about it before wrote the answer down, and let it go then.
            case = self._ledger.state.items[item].case
            if (before := await self._once.before(request)) is not None:
                return before
            if item not in self._ledger.state.items or self._departures.since((case,), stamp):
                raise Refused("unavailable", "the item changes hands just now; try again")
        return item

    async def _here(self, item: ItemId) -> ItemId:
        items = self._ledger.state.items
        until = self._ledger.clock.monotonic() + ARRIVAL_SECONDS
        while item not in items:
            owner = await self._listing.owner_of(item)
            if item in items:
                break
            if owner is not None and owner != self._ledger.state.node:
                raise Elsewhere(owner)
            # Ended a moment ago, or on its way here or from here.
            await self._ledger.committed(self._ledger.position)
            ended, _ = await self._items.find(item)
            if ended.state in ENDED:
                raise Refused("wrong_state", f"the item is {ended.state.value}", "id")
            if self._ledger.clock.monotonic() >= until:
                raise Refused("unavailable", "the item changes hands just now; try again")
            # The row changes hands by another node's commit, which wakes nobody here.
            await asyncio.sleep(LOOK_SECONDS)
        return item

    async def _act(self, request: HttpRequest, decide: Decide) -> HttpAnswer:
        async with self._once.alone(request):
            item = await self._open(request)
            if isinstance(item, HttpAnswer):
                return item
            state = self._ledger.state
            return await self._once.record(request, decide(state, item), item_shown(state, item))
