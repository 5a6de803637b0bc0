"""What an agent may take without being offered it: only where a queue's policy allows that."""

from msgspec import Struct

from gateway.api.needs import Listing
from gateway.core.errors import Refused
from gateway.core.ids import QueueName
from gateway.core.model import AgentProfile, Queue
from gateway.core.routing.rank import rank
from gateway.core.view import ItemView, item_view
from gateway.flow.ledger import Ledger
from gateway.ports import HttpAnswer, HttpRequest, HttpRoute
from gateway.store.contract import ItemFilter

MOST = 100
"""Items of one queue that are looked at; who has more waiting should not let people pick."""


class Takeable(Struct, frozen=True, kw_only=True):
    """Queues whose items you may take yourself (mostly none), and what waits there by urgency."""

    queues: list[QueueName]
    items: list[ItemView]


class Taking:
    """See the module's docstring."""

    def __init__(self, ledger: Ledger, listing: Listing) -> None:
        self._ledger = ledger
        self._listing = listing

    def routes(self) -> list[HttpRoute]:
        return [
            HttpRoute(
                method="GET",
                path="/api/v1/takeable",
                handle=self._list,
                summary="What you may take yourself, where a queue allows that",
                gives=Takeable,
                tag="items",
            )
        ]

    async def _list(self, request: HttpRequest) -> HttpAnswer:
        if request.principal is None:
            raise Refused("unauthorized", "say who you are")
        state = self._ledger.state
        profile = state.profiles.get(request.principal.name)
        queues = [q for q in state.queues.values() if profile is not None and _may(profile, q)]
        found = []
        for queue in queues:
            wanted = ItemFilter(state="queued", queue=queue.name)
            page = await self._listing.items(wanted, "", MOST)
            found += [(rank(item, queue), item, case) for item, case in page.items]
        found.sort(key=lambda one: (one[0], one[1].id))
        return HttpAnswer(
            body=Takeable(
                queues=sorted(queue.name for queue in queues),
                items=[item_view(item, case) for _, item, case in found],
            )
        )


def _may(profile: AgentProfile, queue: Queue) -> bool:
    return queue.take_allowed and (not profile.queues or queue.name in profile.queues)
