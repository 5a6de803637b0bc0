"""Sites: where agents sit, how far each place is open, and closing or opening it."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Literal

from msgspec import Meta, Struct

from gateway.api.base import Listed, Reason, by, read, record, whole
from gateway.api.needs import Presences
from gateway.core.closing import check_known, set_site, sites
from gateway.core.ids import AgentName, SiteName
from gateway.core.model import AgentStatus, Presence, Site
from gateway.core.sites import closed_among
from gateway.flow.ledger import Ledger
from gateway.ports import HttpAnswer, HttpRequest, HttpRoute

TAG = "directory"
Percent = Annotated[int, Meta(ge=0, le=100)]


class SiteEntry(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How far the site is to be open. Closing needs a ``reason``, which its agents are told.

    ``in_hand``: what the agents of the closed share work on they may finish ("keep"), or it goes
    back to the queues ("return").
    """

    open_percent: Percent
    reason: Reason = ""
    in_hand: Literal["keep", "return"] = "keep"


class SiteNow(Struct, frozen=True, kw_only=True):
    """A site, and who sits there.

    ``agents`` are all of them, ``closed`` those who get nothing because of the closing,
    ``connected`` and ``ready`` how many of all are at work on any node.
    """

    name: SiteName
    open_percent: int
    reason: str
    in_hand: Literal["keep", "return"]
    by: str
    since: datetime | None
    agents: int
    closed: int
    connected: int
    ready: int


class Sites:
    """Acts are journaled; the answer comes after their commit, other nodes follow in a second."""

    def __init__(self, ledger: Ledger, presence: Presences) -> None:
        self._ledger = ledger
        self._presence = presence

    def routes(self) -> list[HttpRoute]:
        one = "/api/v1/sites/{name}"
        return [
            HttpRoute(
                method="GET",
                path="/api/v1/sites",
                handle=self._list,
                summary="Sites by name: how far each is open, and who sits there",
                gives=Listed[SiteNow],
                tag=TAG,
            ),
            HttpRoute(
                method="GET",
                path=one,
                handle=self._one,
                summary="A site",
                gives=SiteNow,
                tag=TAG,
            ),
            HttpRoute(
                method="PUT",
                path=one,
                handle=self._put,
                summary="Close a site, wholly or by a share of its agents, or open it",
                access="supervisor",
                takes=SiteEntry,
                gives=SiteNow,
                tag=TAG,
            ),
        ]

    async def _list(self, _request: HttpRequest) -> HttpAnswer:
        position = self._ledger.position
        known = sites(self._ledger.state)
        shown = await self._shown([known[name] for name in sorted(known)])
        await self._ledger.committed(position)
        return whole(shown)

    async def _one(self, request: HttpRequest) -> HttpAnswer:
        name = SiteName(request.params["name"])
        check_known(self._ledger.state, name)
        position = self._ledger.position
        (shown,) = await self._shown([sites(self._ledger.state)[name]])
        await self._ledger.committed(position)
        return HttpAnswer(body=shown)

    async def _put(self, request: HttpRequest) -> HttpAnswer:
        wish, name = read(request, SiteEntry), SiteName(request.params["name"])
        changes = set_site(
            self._ledger.state,
            name,
            open_percent=wish.open_percent,
            reason=wish.reason,
            in_hand=wish.in_hand,
            by=by(request),
            ctx=self._ledger.context(),
        )
        await record(self._ledger, changes)
        (shown,) = await self._shown([self._ledger.state.sites[name]])
        return HttpAnswer(body=shown)

    async def _shown(self, wanted: list[Site]) -> list[SiteNow]:
        state = self._ledger.state
        seats = {site.name: state.at_site(site.name) for site in wanted}
        everybody = [agent for agents in seats.values() for agent in agents]
        here = {a: state.statuses[a] for a in everybody if state.is_home_of(a)}
        others = [agent for agent in everybody if agent not in here]
        elsewhere = await self._presence.statuses(others) if others else {}
        statuses = {**elsewhere, **here}
        return [_now(site, seats[site.name], statuses) for site in wanted]


def _now(site: Site, agents: list[AgentName], statuses: Mapping[AgentName, AgentStatus]) -> SiteNow:
    there = [s for a in agents if (s := statuses.get(a)) is not None and s.tabs > 0]
    return SiteNow(
        name=site.name,
        open_percent=site.open_percent,
        reason=site.reason,
        in_hand=site.in_hand,
        by=site.by,
        since=site.since,
        agents=len(agents),
        closed=len(closed_among(site, agents)),
        connected=len(there),
        ready=sum(s.presence is Presence.READY for s in there),
    )
