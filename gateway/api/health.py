"""Whether the process lives, and whether it can take work."""

from typing import Literal

from msgspec import Struct, field

from gateway.api.house import House
from gateway.ports import HttpAnswer, HttpRequest, HttpRoute
from gateway.store.lookout import Standing

TAG = "health"
WELL = frozenset({"up", "starting", "paused", "standby"})


class Alive(Struct, frozen=True, kw_only=True):
    status: Literal["ok"] = "ok"


class ChannelState(Struct, frozen=True, kw_only=True):
    state: str
    reason: str = ""
    code: str = ""


class DatabaseState(Struct, frozen=True, kw_only=True):
    """How many servers have what is written; see ``store.lookout.Standing``."""

    copies: str
    standbys: int
    timeline: int


class Readiness(Struct, frozen=True, kw_only=True):
    """``degraded``: it serves, but a channel needs somebody, or the database has no second copy.

    ``down`` comes with 503. ``database`` is left out of a node with the embedded one. ``duties``
    says which node does what only one may do (empty: none), of what this node could do.
    """

    status: Literal["ok", "degraded", "down"]
    reason: str = ""
    database: DatabaseState | None = None
    channels: dict[str, ChannelState] = field(default_factory=dict)
    duties: dict[str, str] = field(default_factory=dict)


class HealthChecks:
    """See the module's docstring. A parked mailbox is degraded, never 503."""

    def __init__(self, house: House) -> None:
        self._house = house

    def routes(self) -> list[HttpRoute]:
        return [
            HttpRoute(
                method="GET",
                path="/healthz",
                handle=self._alive,
                summary="The process lives",
                access="public",
                gives=Alive,
                tag=TAG,
            ),
            HttpRoute(
                method="GET",
                path="/readyz",
                handle=self._ready,
                summary="It can take work: database, lease; how the channels and the copies are",
                access="public",
                gives=Readiness,
                tag=TAG,
            ),
        ]

    async def _alive(self, _request: HttpRequest) -> HttpAnswer:
        return HttpAnswer(body=Alive(), headers={"Cache-Control": "no-store"})

    async def _ready(self, _request: HttpRequest) -> HttpAnswer:
        trouble = self._house.vitals.trouble()
        channels = {
            str(name): ChannelState(state=health.state, reason=health.reason, code=health.code)
            for name, health in self._house.channels.health().items()
        }
        standing = self._house.database.standing if self._house.database else Standing()
        well = all(channel.state in WELL for channel in channels.values()) and not standing.concern
        status: Literal["ok", "degraded", "down"] = "ok" if well else "degraded"
        if trouble:
            status = "down"
        return HttpAnswer(
            status=503 if trouble else 200,
            body=Readiness(
                status=status,
                reason=trouble or standing.concern,
                database=self._database(standing),
                channels=channels,
                duties=self._duties(),
            ),
            headers={"Cache-Control": "no-store"},
        )

    def _duties(self) -> dict[str, str]:
        """By their short names: everybody may ask, and a mailbox's name tells who signs in."""
        duties = self._house.among.duty_states() if self._house.among is not None else ()
        return {duty.label: duty.node or "" for duty in duties if duty.label}

    def _database(self, standing: Standing) -> DatabaseState | None:
        if self._house.database is None:
            return None
        return DatabaseState(
            copies=standing.copies, standbys=standing.standbys, timeline=standing.timeline
        )
