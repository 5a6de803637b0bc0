"""One search over cases, what was said in them, and customers; results while somebody types."""

import asyncio
from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Protocol

from msgspec import Meta, Struct

from gateway.api.base import asked
from gateway.api.cards import CaseCard, case_card
from gateway.core.ids import CustomerId, TicketNumber
from gateway.core.model import Case, ChannelKind
from gateway.core.searching import Snippet, snippet
from gateway.core.searching import asked as looked_for
from gateway.flow.node import Node
from gateway.flow.ticketlinks import TicketLinks
from gateway.ports import HttpAnswer, HttpRequest, HttpRoute
from gateway.store.search import Known, Said

SHORTEST = 2
"""Characters of a question that is more than a number: one finds everything."""


class Search(Protocol):
    """What there is to find (``store.search`` fits). Raises ``Unavailable``."""

    async def question(self, looked_for: Sequence[str]) -> str: ...

    async def said(self, question: str, most: int) -> list[Said]: ...

    async def who(self, question: str, most: int) -> list[Known]: ...


class SearchQuery(Struct, frozen=True, kw_only=True):
    """``q`` is what was typed; each word counts as the beginning of one, or as a form of one."""

    q: Annotated[str, Meta(max_length=500)] = ""
    limit: Annotated[int, Meta(ge=1, le=50)] = 10


class FoundCase(Struct, frozen=True, kw_only=True):
    """A case. ``snippet`` is of the newest message that has it all; none where the number did."""

    case: CaseCard
    kind: ChannelKind
    at: datetime
    snippet: Snippet | None = None


class FoundCustomer(Struct, frozen=True, kw_only=True):
    """A customer; ``latest`` is the number of their newest case."""

    id: CustomerId
    name: str
    verified: bool
    language: str
    identities: tuple[str, ...]
    latest: TicketNumber | None = None


class Found(Struct, frozen=True, kw_only=True):
    """Cases, the one of that number first, then by when it was said last; and customers."""

    cases: list[FoundCase]
    customers: list[FoundCustomer]


class SearchResource:
    """See the module's docstring."""

    def __init__(self, node: Node, search: Search, links: TicketLinks) -> None:
        self._node = node
        self._search = search
        self._links = links

    def routes(self) -> list[HttpRoute]:
        return [
            HttpRoute(
                method="GET",
                path="/api/v1/search",
                handle=self._find,
                summary="Cases, what was said in them, and customers, by words or by number",
                asks=SearchQuery,
                gives=Found,
                tag="search",
            )
        ]

    async def _find(self, request: HttpRequest) -> HttpAnswer:
        query = asked(request, SearchQuery)
        wanted = looked_for(query.q)
        numbered = None
        if wanted.number is not None:
            numbered = await self._node.lookup.case_by_number(wanted.number)
        said: list[Said] = []
        who: list[Known] = []
        if sum(map(len, wanted.words)) >= SHORTEST:
            question = await self._search.question(wanted.words)
            said, who = await asyncio.gather(
                self._search.said(question, query.limit), self._search.who(question, query.limit)
            )
        # Off the loop: the texts are long, and somebody types.
        inside = await asyncio.to_thread(lambda: [_inside(one, wanted.words) for one in said])
        found = [self._found(one, piece) for one, piece in zip(said, inside, strict=True)]
        if numbered is not None:
            found = [one for one in found if one.case.number != numbered.number]
            found.insert(0, self._numbered(numbered))
        return HttpAnswer(
            body=Found(cases=found[: query.limit], customers=[_customer(one) for one in who])
        )

    def _numbered(self, case: Case) -> FoundCase:
        return FoundCase(case=self._card(case), kind=case.kind, at=case.opened_at)

    def _found(self, said: Said, inside: Snippet) -> FoundCase:
        message = said.message
        return FoundCase(
            case=self._card(said.case), kind=message.kind, at=message.at, snippet=inside
        )

    def _card(self, case: Case) -> CaseCard:
        return case_card(case, self._links.of(case))


def _inside(said: Said, words: Sequence[str]) -> Snippet:
    message = said.message
    inside = snippet(message.body, words)
    if not inside.hits and message.subject:
        return snippet(message.subject, words)
    return inside


def _customer(known: Known) -> FoundCustomer:
    number = TicketNumber(known.latest) if known.latest is not None else None
    return FoundCustomer(
        id=known.id,
        name=known.name,
        verified=known.verified,
        language=known.language,
        identities=known.identities,
        latest=number,
    )
