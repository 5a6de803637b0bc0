"""Work items: the list, one, its whole trace, why it is where it is."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from msgspec import Meta, Struct

from gateway.api.base import Limit, Listed, Paged, asked
from gateway.api.needs import Elsewhere, Listing
from gateway.api.trace import words
from gateway.core.errors import Refused
from gateway.core.ids import ItemId
from gateway.core.model import Case, Item, ItemState
from gateway.core.pending import pending
from gateway.core.routing.explain import Waits, explain, waits
from gateway.core.view import ItemView, item_view
from gateway.flow.ledger import Ledger
from gateway.flow.whose import Elsewhere as AtAnother
from gateway.ports import HttpAnswer, HttpRequest, HttpRoute
from gateway.store.contract import ItemFilter
from gateway.store.views import Traced

TAG = "items"
_WAITING = (ItemState.QUEUED, ItemState.OFFERED)
Word = Annotated[str, Meta(max_length=200)]


class ItemQuery(Paged, frozen=True, kw_only=True):
    """Filters; empty means any. ``state`` may be ``open``: all that has not ended."""

    state: Word = ""
    queue: Word = ""
    channel: Word = ""
    agent: Word = ""
    customer: Word = ""
    since: Annotated[datetime, Meta(tz=True)] | None = None
    q: Word = ""


class TraceQuery(Struct, frozen=True, kw_only=True):
    cursor: str = ""
    limit: Limit = 200


class Happened(Struct, frozen=True, kw_only=True):
    """One thing that happened to an item, in words and as data."""

    at: datetime
    kind: str
    text: str
    data: dict[str, Any]


class Explanation(Struct, frozen=True, kw_only=True):
    """In words; ``waits`` says the same of a waiting item as data."""

    text: str
    waits: Waits | None = None


class Items:
    """See the module's docstring."""

    def __init__(self, ledger: Ledger, listing: Listing, overflow: Elsewhere) -> None:
        self._ledger = ledger
        self._listing = listing
        self._overflow = overflow

    def routes(self) -> list[HttpRoute]:
        return [
            HttpRoute(
                method="GET",
                path="/api/v1/items",
                handle=self._list,
                summary="Work items, newest first",
                asks=ItemQuery,
                gives=Listed[ItemView],
                tag=TAG,
            ),
            HttpRoute(
                method="GET",
                path="/api/v1/items/{id}",
                handle=self._one,
                summary="A work item",
                gives=ItemView,
                tag=TAG,
            ),
            HttpRoute(
                method="GET",
                path="/api/v1/items/{id}/events",
                handle=self._trace,
                summary="All that happened to a work item, oldest first",
                asks=TraceQuery,
                gives=Listed[Happened],
                tag=TAG,
            ),
            HttpRoute(
                method="GET",
                path="/api/v1/items/{id}/explain",
                handle=self._explain,
                summary="In words: where the item is, and why it waits",
                gives=Explanation,
                tag=TAG,
                anywhere=True,
            ),
        ]

    async def find(self, item: str) -> tuple[Item, Case]:
        """The item and its case, as committed. Raises ``Refused``."""
        found = await self._listing.item(ItemId(item))
        if found is None:
            raise Refused("not_found", "there is no such work item", "id")
        return found

    async def _list(self, request: HttpRequest) -> HttpAnswer:
        query = asked(request, ItemQuery)
        _check(query)
        wanted = ItemFilter(
            state=query.state,
            queue=query.queue,
            channel=query.channel,
            agent=query.agent,
            customer=query.customer,
            since=query.since,
            q=query.q.strip(),
        )
        found = await self._listing.items(wanted, query.cursor, query.limit)
        items = [item_view(item, case) for item, case in found.items]
        return HttpAnswer(body=Listed(items=items, next=found.next))

    async def _one(self, request: HttpRequest) -> HttpAnswer:
        return HttpAnswer(body=item_view(*await self.find(request.params["id"])))

    async def _trace(self, request: HttpRequest) -> HttpAnswer:
        query = asked(request, TraceQuery)
        item, case = await self.find(request.params["id"])
        found = await self._listing.trace(item.id, case.id, query.cursor, query.limit)
        items = [_happened(entry) for entry in found.items]
        return HttpAnswer(body=Listed(items=items, next=found.next))

    async def _explain(self, request: HttpRequest) -> HttpAnswer:
        item, case = await self.find(request.params["id"])
        self.refer(item)
        text = await self.explain(item, case)
        return HttpAnswer(body=Explanation(text=text, waits=self._waits(item.id)))

    def refer(self, item: Item) -> None:
        """Raises ``Elsewhere`` for what waits at another node, which alone can say why."""
        state = self._ledger.state
        if item.state in _WAITING and item.id not in state.items and item.owner != state.node:
            raise AtAnother(item.owner)

    def _waits(self, item: ItemId) -> Waits | None:
        current = self._ledger.state.items.get(item)
        if current is None or current.state not in _WAITING:
            return None
        return waits(self._ledger.state, current, self._ledger.clock.now())

    async def explain(self, item: Item, case: Case) -> str:
        """One paragraph. What it says of the queue is from memory, so it waits for its commit."""
        said = [f"#{case.number} {item.subject or case.subject!r}: {describe(item)}"]
        if case.joined_because:
            said.append(f"It came in because: {case.joined_because}.")
        if case.emptied_at:
            said.append(f"What was said in it was removed on {case.emptied_at:%Y-%m-%d}.")
        position = self._ledger.position
        current = self._ledger.state.items.get(item.id)
        if current is not None and current.state in (*_WAITING, ItemState.NEW):
            now = self._ledger.clock.now()
            said.append(f"Why it waits: {explain(self._ledger.state, current, now)}.")
            if current.state is ItemState.QUEUED:
                said.append(f"Elsewhere: {self._overflow.why(current)}.")
        await self._ledger.committed(position)
        return " ".join(said)


def describe(item: Item) -> str:
    """Where an item is, in a sentence."""
    why = f" ({item.reason})" if item.reason else ""
    offered = f"it is offered to {item.offer.agent}" if item.offer else "it is offered"
    code = f", code {item.code!r}" if item.code else ""
    asked = pending(item)
    places = {
        ItemState.NEW: f"it has just come in for queue {item.queue!r}",
        ItemState.QUEUED: f"it waits in queue {item.queue!r}",
        ItemState.OFFERED: offered,
        ItemState.ASSIGNED: f"{item.agent} works on it",
        ItemState.HELD: f"it was put aside by {item.last_agent}",
        ItemState.SCHEDULED: f"{'it sleeps' if asked is None else 'the customer is asked'} until"
        f" {item.wake_at}"
        if item.wake_at
        else "it is kept back until a supervisor gives it to a queue",
        ItemState.WRAPPING: f"{item.agent} is done with it and wraps up",
    }
    return places.get(item.state, f"it is {item.state.value}{code}") + f"{why}."


def _happened(entry: Traced) -> Happened:
    return Happened(at=entry.at, kind=entry.kind, text=words(entry), data=entry.data)


def _check(query: ItemQuery) -> None:
    """A filter that can match nothing is a mistake, and no filter at all would be worse."""
    known = {state.value for state in ItemState} | {"open", ""}
    if query.state not in known:
        allowed = ", ".join(sorted(known - {""}))
        raise Refused("bad_field", f"{query.state!r} is no state; there are {allowed}", "state")
    if query.customer:
        try:
            UUID(query.customer)
        except ValueError as error:
            raise Refused("bad_field", "give a customer's id", "customer") from error
