"""What a desktop is told of its agent: presence, and why nothing is offered although ready.

Both as far as is committed, like all that push shows. The presence comes with the few events that
change it; whether a site's closing concerns an agent follows from the directory.
"""

from collections.abc import Iterable

from gateway.core import events as e
from gateway.core.hands import told
from gateway.core.ids import AgentName, SiteName
from gateway.core.model import AgentProfile, AgentStatus, Site
from gateway.core.sites import Seats
from push.protocol import StateFrame

_OF_PRESENCE = frozenset({e.AgentStateChanged, e.AgentAttached, e.AgentClaimed, e.AgentAdopted})
_OF_SITES = frozenset({e.AgentDefined, e.AgentRemoved, e.SiteChanged})

Told = list[tuple[AgentName, StateFrame]]


class Standing:
    """See the module's docstring."""

    __slots__ = ("_seats", "_statuses")

    def __init__(self) -> None:
        self._statuses: dict[AgentName, AgentStatus] = {}
        self._seats = Seats()

    def load(self, profiles: Iterable[AgentProfile], sites: Iterable[Site] = ()) -> None:
        """Begin with the directory as the node loaded it."""
        for profile in profiles:
            self._sit(profile)
        for site in sites:
            self._seats.put(site)

    def take(self, entry: e.Entry) -> Told:
        """Bring it to the entry, and say whose desktops must be told what."""
        kind = type(entry.event)
        if kind in _OF_PRESENCE:
            return self._presence(entry, told=kind is e.AgentStateChanged)
        return self._directory(entry.rows) if kind in _OF_SITES else []

    def _presence(self, entry: e.Entry, *, told: bool) -> Told:
        rows = [row for row in entry.rows if type(row) is AgentStatus]
        self._statuses.update((row.name, row) for row in rows)
        return [(row.name, self._frame(row)) for row in rows if told]

    def _directory(self, rows: Iterable[e.Row]) -> Told:
        changed: list[AgentName] = []
        for row in rows:
            if type(row) is Site:
                changed += self._seats.put(row)
            elif type(row) is AgentProfile:
                changed += self._sit(row)
        known = [self._statuses[agent] for agent in changed if agent in self._statuses]
        return [(status.name, self._frame(status)) for status in known]

    def _sit(self, profile: AgentProfile) -> list[AgentName]:
        return self._seats.sit(profile.name, profile.site if profile.active else SiteName(""))

    def _frame(self, status: AgentStatus) -> StateFrame:
        return StateFrame(
            epoch=0,
            seq=0,
            state=status.presence,
            reason=status.reason,
            since=status.since,
            notice=told(status, self._seats.closed.get(status.name)),
        )
