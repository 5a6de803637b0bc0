"""What supervisors, and other systems, may do to a work item."""

from collections.abc import Callable
from typing import Annotated

from msgspec import Meta, Struct

from gateway.api.base import Reason, by, read, record
from gateway.api.items import Items
from gateway.api.needs import Listing, Sends
from gateway.core import acts
from gateway.core import events as e
from gateway.core.errors import Refused
from gateway.core.ids import AgentName, ItemId, QueueName
from gateway.core.lifecycle import ENDED
from gateway.core.state import NodeState
from gateway.core.view import ItemView, item_view
from gateway.flow.ledger import Ledger
from gateway.flow.whose import Elsewhere
from gateway.ports import Access, HttpAnswer, HttpRequest, HttpRoute

TAG = "items"


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


Decide = Callable[[NodeState, ItemId], list[e.Change]]


class Acts:
    """Each act is one record in the journal, and answers the item as it is on disk then."""

    def __init__(self, ledger: Ledger, items: Items, listing: Listing, sends: Sends) -> None:
        self._ledger = ledger
        self._listing = listing
        self._sends = sends
        self._items = items

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
            )

        return [
            post("assign", self._assign, Assign, "Give the item to an agent"),
            post("requeue", self._requeue, Requeue, "Put the item back into a queue"),
            post("close", self._close, Close, "End the item as completed"),
            post("priority", self._priority, Priority, "Change the item's priority"),
            post("cancel", self._cancel, Cancel, "Take a task back", "agent"),
        ]

    async def _assign(self, request: HttpRequest) -> HttpAnswer:
        wish = read(request, Assign)
        asker = by(request)
        item = await self._here(request)
        if await self._sends.assign(item, wish.agent, asker, wish.reason):
            return HttpAnswer(body=item_view(*await self._items.find(item)))
        return await self._act(
            request, lambda s, item: acts.assign(s, item, wish.agent, asker, wish.reason)
        )

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
        asker = by(request)
        return await self._act(request, lambda s, item: acts.cancel(s, item, asker, wish.reason))

    async def _here(self, request: HttpRequest) -> ItemId:
        """The open item, if this node decides about it. Raises ``Elsewhere``, ``Refused``."""
        item = ItemId(request.params["id"])
        if item in self._ledger.state.items:
            return item
        owner = await self._listing.owner_of(item)
        if item in self._ledger.state.items:
            return item
        if owner is None:
            ended, _ = await self._items.find(item)
            raise Refused("wrong_state", f"the item is {ended.state.value}", "id")
        if owner != self._ledger.state.node:
            raise Elsewhere(owner)
        # Ended a moment ago, or on its way here or from here.
        await self._ledger.committed(self._ledger.position)
        ended, _ = await self._items.find(item)
        if ended.state in ENDED:
            raise Refused("wrong_state", f"the item is {ended.state.value}", "id")
        raise Refused("unavailable", "the item changes hands just now; try again")

    async def _act(self, request: HttpRequest, decide: Decide) -> HttpAnswer:
        item = await self._here(request)
        await record(self._ledger, decide(self._ledger.state, item))
        return HttpAnswer(body=item_view(*await self._items.find(item)))
