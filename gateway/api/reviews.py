"""What rules have asked supervisors to look at: replies that have not left, and items."""

from datetime import datetime

from msgspec import Struct

from gateway.api.base import Listed, Paged, asked
from gateway.api.needs import Listing
from gateway.core.ids import AgentName, ItemId, MessageId, QueueName, RuleName
from gateway.core.model import Case, Item
from gateway.core.watch import NOTHING
from gateway.ports import HttpAnswer, HttpRequest, HttpRoute
from gateway.store.contract import ItemFilter


class ReviewCard(Struct, frozen=True, kw_only=True):
    """``held``: a reply of ``agent`` that leaves when it is released; else only to be seen."""

    review: str
    item: ItemId
    number: int
    queue: QueueName
    subject: str
    rule: RuleName
    reason: str
    at: datetime
    held: bool
    agent: AgentName | None
    message: MessageId | None
    preview: str


class Reviews:
    """The list; the verdict is an act on the item (``Acts``)."""

    def __init__(self, listing: Listing) -> None:
        self._listing = listing

    def routes(self) -> list[HttpRoute]:
        return [
            HttpRoute(
                method="GET",
                path="/api/v1/reviews",
                handle=self._list,
                summary="What rules held back, or want a supervisor to see, of open items",
                access="supervisor",
                asks=Paged,
                gives=Listed[ReviewCard],
                tag="items",
            )
        ]

    async def _list(self, request: HttpRequest) -> HttpAnswer:
        query = asked(request, Paged)
        wanted = ItemFilter(state="open", reviewed=True)
        found = await self._listing.items(wanted, query.cursor, query.limit)
        pairs: list[tuple[Item, Case]] = found.items
        cards = [card for item, _case in pairs for card in _cards(item)]
        return HttpAnswer(body=Listed(items=cards, next=found.next))


def _cards(item: Item) -> list[ReviewCard]:
    return [
        ReviewCard(
            review=one.id,
            item=item.id,
            number=item.number,
            queue=item.queue,
            subject=item.subject,
            rule=one.rule,
            reason=one.reason,
            at=one.at,
            held=one.message is not None,
            agent=one.agent,
            message=one.message,
            preview=one.preview,
        )
        for one in (item.watch or NOTHING).reviews
    ]
