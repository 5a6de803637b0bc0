"""Cases: a ticket by its number, its conversation, its header's changes."""

from typing import Annotated, Literal

from msgspec import Meta, Struct

from gateway.api.base import Limit, Listed, Reason, asked, by, read
from gateway.api.cards import CaseCard, case_card
from gateway.api.items import Explanation, Items
from gateway.api.needs import Listing
from gateway.api.once import Once
from gateway.core import events as e
from gateway.core.errors import Refused
from gateway.core.ids import CaseId
from gateway.core.model import Case, CaseStatus, Message
from gateway.flow.node import Node
from gateway.flow.ticketlinks import TicketLinks
from gateway.flow.whose import licensed
from gateway.ports import HttpAnswer, HttpRequest, HttpRoute

TAG = "cases"
Short = Annotated[str, Meta(max_length=100)]
Tag = Annotated[str, Meta(min_length=1, max_length=60)]


class MessageQuery(Struct, frozen=True, kw_only=True):
    """``cursor`` is the ``next`` of the part before: the place in the conversation to go on after.

    In a case that was never merged or split that is the ``seq`` of its message.
    """

    cursor: str = ""
    limit: Limit = 50


class CasePatch(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is left out stays as it is. ``ticket_url``: links given so far shall be void."""

    status: CaseStatus | None = None
    type: Literal["request", "incident"] | None = None
    category: Short | None = None
    stage: Short | None = None
    level: Annotated[int, Meta(ge=1, le=4)] | None = None
    subject: Annotated[str, Meta(max_length=500)] | None = None
    tags: Annotated[tuple[Tag, ...], Meta(max_length=50)] | None = None
    ticket_url: Literal["renew"] | None = None
    reason: Reason = ""


class Cases:
    """See the module's docstring."""

    def __init__(
        self, node: Node, listing: Listing, items: Items, once: Once, links: TicketLinks
    ) -> None:
        self._links = links
        self._once = once
        self._ledger = node.ledger
        self._whose = node.whose
        self._lookup = node.lookup
        self._listing = listing
        self._items = items

    def routes(self) -> list[HttpRoute]:
        one = "/api/v1/cases/{number}"
        return [
            HttpRoute(
                method="GET",
                path=one,
                handle=self._one,
                summary="A case by its ticket number",
                gives=CaseCard,
                tag=TAG,
            ),
            HttpRoute(
                method="PATCH",
                path=one,
                handle=self._patch,
                summary="Change a case's header",
                takes=CasePatch,
                gives=CaseCard,
                tag=TAG,
            ),
            HttpRoute(
                method="GET",
                path=f"{one}/messages",
                handle=self._messages,
                summary="What was said in a case, oldest first",
                asks=MessageQuery,
                gives=Listed[Message],
                tag=TAG,
            ),
            HttpRoute(
                method="GET",
                path=f"{one}/explain",
                handle=self._explain,
                summary="In words: where the case's work is, and why it waits",
                gives=Explanation,
                tag=TAG,
                anywhere=True,
            ),
        ]

    async def _find(self, request: HttpRequest) -> Case:
        given = request.params["number"]
        number = _counted(given)
        case = await self._lookup.case_by_number(number) if number else None
        if case is None:
            raise Refused("not_found", f"there is no case with number {given}", "number")
        return case

    async def _one(self, request: HttpRequest) -> HttpAnswer:
        return HttpAnswer(body=self._card(await self._find(request)))

    async def _messages(self, request: HttpRequest) -> HttpAnswer:
        query = asked(request, MessageQuery)
        case = await self._find(request)
        after = _counted(query.cursor or "0")
        if after is None:
            raise Refused("bad_field", "give the `next` of the part before", "cursor")
        if case.ties is not None and case.ties.reads_along:
            placed = await self._lookup.conversation(case.id, after, query.limit + 1)
            shown = [message for _, message in placed[: query.limit]]
            rest = str(placed[query.limit - 1][0]) if len(placed) > query.limit else None
            return HttpAnswer(body=Listed(items=shown, next=rest))
        found = await self._lookup.messages(case.id, after, query.limit + 1, customer_view=False)
        items = found[: query.limit]
        more = str(items[-1].seq) if len(found) > query.limit else None
        return HttpAnswer(body=Listed(items=items, next=more))

    async def _explain(self, request: HttpRequest) -> HttpAnswer:
        case = await self._find(request)
        items = await self._listing.items_of(case.id)
        for item in items:
            self._items.refer(item)
        said = [await self._items.explain(item, case) for item in items]
        text = "\n".join(said) or f"#{case.number} has no work item; it is {case.status.value}."
        return HttpAnswer(body=Explanation(text=text))

    async def _patch(self, request: HttpRequest) -> HttpAnswer:
        patch = read(request, CasePatch)
        self._ledger.check_open()
        async with self._once.alone(request):
            return await self._before(request) or await self._patched(request, patch)

    async def _before(self, request: HttpRequest) -> HttpAnswer | None:
        return await self._once.before(request)

    async def _patched(self, request: HttpRequest, patch: CasePatch) -> HttpAnswer:
        async def look(case: CaseId) -> tuple[Case | None, HttpAnswer | None]:
            before = await self._before(request)
            return await self._lookup.case(case), before

        known = await self._find(request)
        fresh, before = await licensed(self._whose, known.id, look, customer=_customer_of)
        if before is not None:
            return before
        state = self._ledger.state
        case = state.adopt(fresh or known)
        try:
            self._check(case, patch)
            return await self._once.record(
                request,
                _changes(case, patch, by(request)),
                lambda _entries: self._card(state.cases[case.id]),
            )
        finally:
            self._ledger.release(case.id)

    def _card(self, case: Case) -> CaseCard:
        return case_card(case, self._links.of(case))

    def _check(self, case: Case, patch: CasePatch) -> None:
        ends = patch.status in (CaseStatus.SOLVED, CaseStatus.CLOSED)
        if patch.status is not None and case.ties is not None and case.ties.into is not None:
            raise Refused("wrong_state", "the case is part of another one", "status")
        if ends and self._ledger.state.items_of_case(case.id):
            raise Refused("wrong_state", "the case has open work; close that first", "status")


def _counted(text: str) -> int | None:
    """A number as the database counts; ``None`` for anything else."""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 18 else None


def _customer_of(found: tuple[Case | None, HttpAnswer | None]) -> str | None:
    case, _ = found
    return case.customer.id if case is not None and case.customer is not None else None


def _changes(case: Case, patch: CasePatch, who: str) -> list[e.Change]:
    wanted = {
        "status": patch.status,
        "type": patch.type,
        "category": patch.category,
        "stage": patch.stage,
        "level": patch.level,
        "subject": patch.subject,
        "tags": tuple(dict.fromkeys(patch.tags)) if patch.tags is not None else None,
        "link": case.link + 1 if patch.ticket_url is not None else None,
    }
    new = {f: v for f, v in wanted.items() if v is not None and v != getattr(case, f)}
    if not new:
        return []
    changed = e.CaseChanged(case=case.id, by=who, reason=patch.reason, **new)  # type: ignore[arg-type]
    return [e.Change(changed)]
