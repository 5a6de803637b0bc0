"""Call-backs and promises: asking for one call, and what is promised in a case."""

from datetime import datetime
from typing import Annotated

from msgspec import Meta, Struct
from msgspec.structs import replace

from gateway.api.base import Listed, by, read, whole
from gateway.api.needs import Listing
from gateway.api.once import Once, item_shown
from gateway.core.callbacks import ask, of_case, open_alone
from gateway.core.errors import Refused
from gateway.core.ids import AgentName, CaseId, CustomerId, ItemId, QueueName
from gateway.core.model import Case, Item, ItemState
from gateway.core.owed import CallbackWish, Promise
from gateway.core.promises import standing
from gateway.core.state import NodeState
from gateway.core.view import ItemView
from gateway.flow.findings import standing_case
from gateway.flow.node import Node
from gateway.flow.whose import licensed
from gateway.ports import HttpAnswer, HttpRequest, HttpRoute
from gateway.store.contract import CommitUnknown, Fenced, Unavailable

TAG = "callbacks"
Line = Annotated[str, Meta(max_length=200)]


class CallbackEntry(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Whom to call, about what, and when.

    ``case`` is a ticket number; or ``customer`` an id, for a matter of its own; or a ``number``
    alone. ``at`` without an offset is a time in ``zone`` (IANA); left out: as soon as possible.
    ``agent`` is who is to call, if it can be had; ``same_agent`` whoever had the case last.
    """

    case: Annotated[int, Meta(ge=1)] | None = None
    customer: CustomerId | None = None
    number: Line = ""
    at: datetime | None = None
    zone: Line = ""
    queue: QueueName | None = None
    agent: AgentName | None = None
    same_agent: bool | None = None
    note: Annotated[str, Meta(max_length=500)] = ""
    subject: Line = ""
    language: Annotated[str, Meta(max_length=35)] = ""

    def wish(self) -> CallbackWish:
        return CallbackWish(
            number=self.number,
            at=self.at,
            zone=self.zone,
            note=self.note,
            agent=self.agent,
            same_agent=self.same_agent,
        )


class PromiseCard(Struct, frozen=True, kw_only=True):
    """A promise as it stands: ``open``, ``kept`` or ``broken``; ``item`` is the work it makes."""

    item: ItemId
    text: str
    agent: AgentName
    made_at: datetime
    due_at: datetime
    state: str
    ended_at: datetime | None = None


_Seen = tuple[Case | None, Item | None, HttpAnswer | None]


class Callbacks:
    """Each is one record in the journal; asked for again it stays the same one."""

    def __init__(self, node: Node, listing: Listing, once: Once) -> None:
        self._ledger = node.ledger
        self._whose = node.whose
        self._lookup = node.lookup
        self._numbers = node.numbers
        self._listing = listing
        self._once = once

    def routes(self) -> list[HttpRoute]:
        return [
            HttpRoute(
                method="POST",
                path="/api/v1/callbacks",
                handle=self._ask,
                summary="Ask for a call-back, now or at a time; one for each matter",
                takes=CallbackEntry,
                gives=ItemView,
                status=201,
                tag=TAG,
                once=True,
            ),
            HttpRoute(
                method="GET",
                path="/api/v1/cases/{number}/promises",
                handle=self._promises,
                summary="What was promised in a case, oldest first",
                gives=Listed[PromiseCard],
                tag="cases",
            ),
        ]

    # -- call-backs -------------------------------------------------------------------------

    async def _ask(self, request: HttpRequest) -> HttpAnswer:
        entry = read(request, CallbackEntry)
        if entry.case is not None and entry.customer is not None:
            raise Refused("bad_field", "name either a case or a customer", "customer")
        if entry.queue is not None and entry.queue not in self._ledger.state.queues:
            raise Refused("bad_field", f"there is no queue {entry.queue!r}", "queue")
        self._ledger.check_open()
        async with self._once.alone(request):
            before = await self._once.before(request)
            if before is not None:
                return _made(before)
            if entry.case is not None:
                return _made(await self._in_case(request, entry, entry.case))
            return _made(await self._alone(request, entry))

    async def _in_case(self, request: HttpRequest, entry: CallbackEntry, number: int) -> HttpAnswer:
        async def look(case: CaseId) -> _Seen:
            before = await self._once.before(request)
            return await self._lookup.case(case), await self._lookup.last_item(case), before

        known = await self._lookup.case_by_number(number)
        if known is None:
            raise Refused("not_found", f"there is no case with number {number}", "case")
        known = await standing_case(self._lookup, known)
        fresh, last, before = await licensed(self._whose, known.id, look, customer=_customer_of)
        if before is not None:
            return before
        state = self._ledger.state
        case = state.adopt(fresh or known)
        try:
            like, replaces = _from(state, case, last)
            item, changes = ask(
                state,
                self._ledger.context(),
                case,
                like,
                entry.wish(),
                by(request),
                replaces=replaces,
            )
            return await self._once.record(request, changes, item_shown(state, item.id))
        finally:
            self._ledger.release(case.id)

    async def _alone(self, request: HttpRequest, entry: CallbackEntry) -> HttpAnswer:
        number = await self._numbers.next()
        done = False
        try:
            stamp = self._whose.departures.stamp()
            customer = None
            if entry.customer is not None:
                await self._license(entry.customer)
                customer = await self._lookup.customer(entry.customer)
                if customer is None:
                    raise Refused("not_found", "there is no such customer", "customer")
            wish = entry.wish()
            if customer is not None and not wish.number:
                known = await self._lookup.address_of(customer.id, "phone")
                wish = replace(wish, number=known or "")
            if customer is not None and self._whose.departures.since((customer.id,), stamp):
                raise Refused("unavailable", "the customer's work changes hands; try again")
            state = self._ledger.state
            item, changes = open_alone(
                state,
                self._ledger.context(),
                wish,
                by(request),
                number=number,
                queue=entry.queue or next(iter(state.queues)),
                customer=customer,
                subject=entry.subject,
                language=entry.language,
            )
            done = True
            return await self._once.record(request, changes, item_shown(state, item.id))
        finally:
            if not done:
                self._numbers.give_back(number)

    async def _license(self, customer: CustomerId) -> None:
        try:
            await self._whose.license_customer(customer)
        except (Unavailable, CommitUnknown, Fenced) as error:
            raise Refused(
                "unavailable", "it is not known whose the customer is; try again"
            ) from error

    # -- promises ---------------------------------------------------------------------------

    async def _promises(self, request: HttpRequest) -> HttpAnswer:
        given = request.params["number"]
        number = int(given) if given.isascii() and given.isdigit() and len(given) < 18 else 0
        case = await self._lookup.case_by_number(number) if number else None
        if case is None:
            raise Refused("not_found", f"there is no case with number {given}", "number")
        items = await self._listing.items_of(case.id)
        cards = [_card(item, item.promise) for item in items if item.promise is not None]
        return whole(sorted(cards, key=lambda card: card.made_at))


def _made(answer: HttpAnswer) -> HttpAnswer:
    return HttpAnswer(status=201, body=answer.body, headers=answer.headers)


def _customer_of(seen: _Seen) -> str | None:
    case = seen[0]
    return case.customer.id if case is not None and case.customer is not None else None


def _from(state: NodeState, case: Case, last: Item | None) -> tuple[Item, Item | None]:
    """The contact that the call-back goes on from, and one that need not wait any more."""
    talks = state.talks_of_case(case.id)
    waiting = [i for i in talks if i.state in (ItemState.QUEUED, ItemState.OFFERED)]
    open_one = of_case(state, case.id)
    like = waiting[-1] if waiting else talks[-1] if talks else open_one or last
    if like is None:
        raise Refused("wrong_state", "nothing has ever been done in this case", "case")
    return like, waiting[-1] if waiting else None


def _card(item: Item, promise: Promise) -> PromiseCard:
    stands = standing(item)
    return PromiseCard(
        item=item.id,
        text=promise.text,
        agent=promise.agent,
        made_at=promise.made_at,
        due_at=promise.due_at,
        state="open" if stands == "dropped" else stands,
        ended_at=item.ended_at,
    )
