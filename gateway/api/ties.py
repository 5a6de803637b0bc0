"""Merging a case into another, taking it out again, and splitting messages into a new one."""

from collections.abc import Callable, Sequence
from typing import Annotated, Literal

from msgspec import Meta, Struct

from gateway.api.base import asked, read, who
from gateway.api.cards import CaseCard, case_card
from gateway.api.needs import Listing
from gateway.api.once import Once
from gateway.core import events as e
from gateway.core.errors import Refused
from gateway.core.ids import AgentName, CaseId, ItemId, MessageId, QueueName, TicketNumber
from gateway.core.lifecycle import ENDED
from gateway.core.merging import Merge, Separate, hindrance, merge, plan, separate, strangers
from gateway.core.model import AgentProfile, Case, ChannelKind, Item, ItemState
from gateway.core.splitting import MOST_MESSAGES, Split, split
from gateway.flow.joining import Joining
from gateway.flow.node import Node
from gateway.flow.ticketlinks import TicketLinks
from gateway.ports import HttpAnswer, HttpRequest, HttpRoute

TAG = "cases"
Why = Annotated[str, Meta(min_length=1, max_length=500)]
Number = Annotated[int, Meta(ge=1, lt=2**60)]


class MergeWish(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``into`` is the number of the case that stays.

    ``other_customer``: the two are of different customers, and that is meant.
    """

    into: Number
    reason: Why
    other_customer: bool = False


class MergeQuery(Struct, frozen=True, kw_only=True):
    """``into`` is the number of the case that would stay."""

    into: Number


class SeparateWish(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    reason: Why


class SplitWish(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``messages`` are ids; ``queue`` is where the new work waits (left out: as the old)."""

    messages: Annotated[tuple[MessageId, ...], Meta(min_length=1, max_length=MOST_MESSAGES)]
    reason: Why
    queue: QueueName | None = None
    subject: Annotated[str, Meta(max_length=500)] = ""


class PlannedItem(Struct, frozen=True, kw_only=True):
    """An open work item, and what would become of it."""

    id: ItemId
    number: TicketNumber
    kind: ChannelKind
    queue: QueueName
    state: ItemState
    agent: AgentName | None
    then: Literal["moves", "ends", "stays"]


class MergePlan(Struct, frozen=True, kw_only=True):
    """What merging would do. ``hindrance`` says why it cannot be; empty: it can."""

    case: CaseCard
    into: CaseCard
    items: list[PlannedItem]
    tags: tuple[str, ...]
    other_customer: bool
    hindrance: str


class SplitDone(Struct, frozen=True, kw_only=True):
    """The new case, and its work item."""

    case: CaseCard
    item: ItemId


class CaseTies:
    """See the module's docstring."""

    def __init__(self, node: Node, listing: Listing, once: Once, links: TicketLinks) -> None:
        self._ledger = node.ledger
        self._numbers = node.numbers
        self._joining = Joining(node.ledger, node.lookup, node.whose, lambda: node.desk.afar)
        self._listing = listing
        self._once = once
        self._links = links

    def routes(self) -> list[HttpRoute]:
        one = "/api/v1/cases/{number}"
        return [
            HttpRoute(
                method="GET",
                path=f"{one}/merge",
                handle=self._plan,
                summary="What merging this case into another would do",
                asks=MergeQuery,
                gives=MergePlan,
                tag=TAG,
            ),
            HttpRoute(
                method="POST",
                path=f"{one}/merge",
                handle=self._merge,
                summary="Merge the case into another, which is answered",
                takes=MergeWish,
                gives=CaseCard,
                tag=TAG,
                once=True,
            ),
            HttpRoute(
                method="POST",
                path=f"{one}/separate",
                handle=self._separate,
                summary="Take the case out of the one that it was merged into",
                takes=SeparateWish,
                gives=CaseCard,
                tag=TAG,
                once=True,
            ),
            HttpRoute(
                method="POST",
                path=f"{one}/split",
                handle=self._split,
                summary="Make messages of the case a new one",
                takes=SplitWish,
                gives=SplitDone,
                status=201,
                tag=TAG,
                once=True,
            ),
        ]

    # -- merging ----------------------------------------------------------------------------

    async def _plan(self, request: HttpRequest) -> HttpAnswer:
        query = asked(request, MergeQuery)
        case = await self._find(request)
        into = await self._joining.find(query.into, "into")
        here, there = await self._open(case), await self._open(into)
        done = plan(here, there)
        then: dict[ItemId, Literal["moves", "ends", "stays"]] = {i.id: "stays" for i in there}
        then |= {item.id: "moves" for item in done.moves}
        then |= {pair.ends.id: "ends" for pair in done.pairs}
        why = hindrance(case, into, here, there)
        planned = MergePlan(
            case=case_card(case),
            into=case_card(into),
            items=[_planned(item, then[item.id]) for item in (*here, *there)],
            tags=tuple(dict.fromkeys((*into.tags, *case.tags))),
            other_customer=strangers(case, into),
            hindrance=why.detail if why is not None else "",
        )
        return HttpAnswer(body=planned)

    async def _open(self, case: Case) -> list[Item]:
        items = await self._listing.items_of(case.id)
        return [item for item in items if item.state not in ENDED]

    async def _merge(self, request: HttpRequest) -> HttpAnswer:
        wish, me = read(request, MergeWish), _actor(request)
        self._ledger.check_open()

        async def again() -> HttpAnswer | None:
            return await self._once.before(request)

        async with self._once.alone(request):
            if (before := await again()) is not None:
                return before
            case = await self._find(request)
            into = await self._joining.find(wish.into, "into")
            both = await self._joining.both(case.id, into.id, me.name, again)
            try:
                if both.before is not None:
                    return HttpAnswer(body=both.before.body)
                state, ctx = self._ledger.state, self._ledger.context()
                asked_for = Merge(
                    case=both.case,
                    into=both.into,
                    by=me,
                    reason=wish.reason,
                    strangers=wish.other_customer,
                )
                changes = merge(state, ctx, asked_for)
                return await self._once.record(request, changes, self._shown(both.into.id))
            finally:
                self._joining.release(case.id, into.id)

    async def _separate(self, request: HttpRequest) -> HttpAnswer:
        wish, me = read(request, SeparateWish), _actor(request)
        self._ledger.check_open()

        async def again() -> HttpAnswer | None:
            return await self._once.before(request)

        async with self._once.alone(request):
            if (before := await again()) is not None:
                return before
            case = await self._find(request)
            if case.ties is None or case.ties.into is None:
                raise Refused("wrong_state", "the case is not part of another one", "number")
            both = await self._joining.both(case.id, case.ties.into, me.name, again)
            try:
                if both.before is not None:
                    return HttpAnswer(body=both.before.body)
                state, ctx = self._ledger.state, self._ledger.context()
                asked_for = Separate(
                    case=both.case,
                    into=both.into,
                    by=me,
                    reason=wish.reason,
                    last=both.last,
                    into_last=both.into_last,
                )
                changes = separate(state, ctx, asked_for)
                return await self._once.record(request, changes, self._shown(case.id))
            finally:
                self._joining.release(both.case.id, both.into.id)

    # -- splitting --------------------------------------------------------------------------

    async def _split(self, request: HttpRequest) -> HttpAnswer:
        wish, me = read(request, SplitWish), _actor(request)
        self._ledger.check_open()

        async def again() -> HttpAnswer | None:
            return await self._once.before(request)

        async with self._once.alone(request):
            if (before := await again()) is not None:
                return HttpAnswer(status=201, body=before.body)
            case = await self._find(request)
            number = await self._numbers.next()
            done = False
            try:
                found = await self._joining.chosen(case.id, wish.messages, me.name, again)
                if found.before is not None:
                    return HttpAnswer(status=201, body=found.before.body)
                state = self._ledger.state
                asked_for = Split(
                    case=found.case,
                    messages=found.messages,
                    stays=found.stays,
                    by=me,
                    reason=wish.reason,
                    number=number,
                    customer=found.customer,
                    last=found.last,
                    queue=wish.queue,
                    subject=wish.subject,
                    wanted=wish.messages,
                )
                changes, new, item = split(state, self._ledger.context(), asked_for)
                done = True
                shown = self._shown(new.id)
                answer = await self._once.record(
                    request, changes, lambda rows: SplitDone(case=shown(rows), item=item.id)
                )
                return HttpAnswer(status=201, body=answer.body)
            finally:
                self._joining.release(case.id)
                if not done:
                    self._numbers.give_back(number)

    # -- both -------------------------------------------------------------------------------

    async def _find(self, request: HttpRequest) -> Case:
        given = request.params["number"]
        counted = given.isascii() and given.isdigit() and len(given) < 18
        if not counted:
            raise Refused("not_found", f"there is no case with number {given}", "number")
        return await self._joining.find(int(given), "number")

    def _shown(self, case: CaseId) -> Callable[[Sequence[e.Entry]], CaseCard]:
        def shown(entries: Sequence[e.Entry]) -> CaseCard:
            rows = [row for entry in entries for row in entry.rows]
            found = next((r for r in reversed(rows) if type(r) is Case and r.id == case), None)
            last = found or self._ledger.state.cases[case]
            return case_card(last, self._links.of(last))

        return shown


def _actor(request: HttpRequest) -> AgentProfile:
    principal = who(request)
    return AgentProfile(name=principal.name, role=principal.role)


def _planned(item: Item, then: Literal["moves", "ends", "stays"]) -> PlannedItem:
    return PlannedItem(
        id=item.id,
        number=item.number,
        kind=item.kind,
        queue=item.queue,
        state=item.state,
        agent=item.agent,
        then=then,
    )
