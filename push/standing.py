"""What a desktop is told of its agent: presence, and why nothing is offered although ready.

Both as far as is committed, like all that push shows. The presence comes with the few events that
change it; whether a site's closing concerns an agent follows from the directory.
"""

from collections.abc import Iterable

from gateway.core import events as e
from gateway.core.hands import told_closed
from gateway.core.ids import AgentName, SiteName
from gateway.core.model import AgentProfile, AgentStatus, Site
from gateway.core.sites import closes
from push.protocol import StateFrame

_OF_PRESENCE = frozenset({e.AgentStateChanged, e.AgentAttached, e.AgentClaimed, e.AgentAdopted})
_OF_SITES = frozenset({e.AgentDefined, e.AgentRemoved, e.SiteChanged})

Told = list[tuple[AgentName, StateFrame]]


class Standing:
    """See the module's docstring."""

    __slots__ = ("_at", "_sites", "_statuses", "_where")

    def __init__(self) -> None:
        self._statuses: dict[AgentName, AgentStatus] = {}
        self._where: dict[AgentName, SiteName] = {}
        self._at: dict[SiteName, dict[AgentName, None]] = {}
        self._sites: dict[SiteName, Site] = {}

    def load(self, profiles: Iterable[AgentProfile], sites: Iterable[Site] = ()) -> None:
        """Begin with the directory as the node loaded it."""
        self._sites.update((site.name, site) for site in sites)
        for profile in profiles:
            self._sit(profile)

    def notice(self, agent: AgentName) -> str:
        """Why nothing is offered to the agent; empty: nothing is in the way."""
        site = self._sites.get(self._where.get(agent, SiteName("")))
        return told_closed(site) if site is not None and closes(site, agent) else ""

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
        out: Told = []
        for row in rows:
            if type(row) is Site:
                before = {a: self.notice(a) for a in self._at.get(row.name, ())}
                self._sites[row.name] = row
            elif type(row) is AgentProfile:
                before = {row.name: self.notice(row.name)}
                self._sit(row)
            else:
                continue
            for agent, said in before.items():
                status = self._statuses.get(agent)
                if status is not None and self.notice(agent) != said:
                    out.append((agent, self._frame(status)))
        return out

    def _sit(self, profile: AgentProfile) -> None:
        old = self._where.pop(profile.name, None)
        if old is not None:
            del self._at[old][profile.name]
        if profile.site and profile.active:
            self._where[profile.name] = profile.site
            self._at.setdefault(profile.site, {})[profile.name] = None

    def _frame(self, status: AgentStatus) -> StateFrame:
        return StateFrame(
            epoch=0,
            seq=0,
            state=status.presence,
            reason=status.reason,
            since=status.since,
            notice=self.notice(status.name),
        )
