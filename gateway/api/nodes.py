"""The planned move of a node: everything it has goes to the others, and it takes nothing new."""

from msgspec import Struct

from gateway.api.base import by
from gateway.api.needs import Evacuation, Leave
from gateway.core.ids import NodeName
from gateway.ports import HttpAnswer, HttpRequest, HttpRoute

TAG = "live"


class Leaving(Struct, frozen=True, kw_only=True):
    """How far the node has come. ``empty``: nothing is left there, and it takes nothing new.

    ``agents``, ``items`` and ``orders`` (what is to be sent) are still there; ``hindrance`` says
    what kept the last of them from moving, if anything did.
    """

    name: NodeName
    leaving: bool
    empty: bool
    agents: int
    items: int
    orders: int
    hindrance: str = ""


class NodeActs:
    """See the module's docstring. Any node may be asked about any other."""

    def __init__(self, evacuation: Evacuation) -> None:
        self._evacuation = evacuation

    def routes(self) -> list[HttpRoute]:
        return [
            HttpRoute(
                method="POST",
                path="/api/v1/nodes/{name}/evacuate",
                handle=self._evacuate,
                summary="Move all work, agents and customers to the other nodes; again: how far",
                access="admin",
                gives=Leaving,
                tag=TAG,
            ),
            HttpRoute(
                method="POST",
                path="/api/v1/nodes/{name}/return",
                handle=self._return,
                summary="Let the node take work again",
                access="admin",
                gives=Leaving,
                tag=TAG,
            ),
        ]

    async def _evacuate(self, request: HttpRequest) -> HttpAnswer:
        node = NodeName(request.params["name"])
        return HttpAnswer(body=_shown(await self._evacuation.evacuate(node, by(request))))

    async def _return(self, request: HttpRequest) -> HttpAnswer:
        node = NodeName(request.params["name"])
        return HttpAnswer(body=_shown(await self._evacuation.give_back(node, by(request))))


def _shown(progress: Leave) -> Leaving:
    return Leaving(
        name=progress.name,
        leaving=progress.leaving,
        empty=progress.empty,
        agents=progress.agents,
        items=progress.items,
        orders=progress.orders,
        hindrance=progress.hindrance,
    )
