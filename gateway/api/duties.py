"""What only one node may do at a time, and which node does."""

from msgspec import Struct

from gateway.api.base import Listed, whole
from gateway.api.needs import Among
from gateway.ports import HttpAnswer, HttpRequest, HttpRoute


class DutyCard(Struct, frozen=True, kw_only=True):
    """A duty: ``node`` does it (empty: nobody just now), ``able`` could, the next one first.

    ``epoch`` rises with every change of hands. ``label`` is its short name in metrics.
    """

    name: str
    label: str
    node: str
    epoch: int
    able: list[str]


class DutyResource:
    """As this node saw it last, a second ago or less."""

    def __init__(self, among: Among | None) -> None:
        self._among = among

    def routes(self) -> list[HttpRoute]:
        return [
            HttpRoute(
                method="GET",
                path="/api/v1/duties",
                handle=self._list,
                summary="What only one node may do at a time, who does it, and who could",
                access="supervisor",
                gives=Listed[DutyCard],
                tag="live",
            )
        ]

    async def _list(self, _request: HttpRequest) -> HttpAnswer:
        duties = self._among.duty_states() if self._among is not None else ()
        return whole(
            [
                DutyCard(
                    name=duty.duty,
                    label=duty.label,
                    node=duty.node or "",
                    epoch=duty.epoch,
                    able=list(duty.able),
                )
                for duty in duties
            ]
        )
