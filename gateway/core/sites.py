"""Sites: who is taken out of routing when a place closes, wholly or by a share. Pure.

The agents of a site stand in an order that follows from their names alone (by a hash), and a
closing takes them from the front: as many as the share says, rounded up. So closing further adds
agents and never swaps them, opening lets the same ones in again, and every node comes to the same
without asking anybody.
"""

from bisect import bisect_left, insort
from collections.abc import Iterable
from hashlib import blake2b

from gateway.core.ids import AgentName, SiteName
from gateway.core.model import Site

WHOLE = 100
_Seat = tuple[int, AgentName]


def place(agent: AgentName) -> int:
    """Where the agent stands in the order of any site, for ever."""
    digest = blake2b(agent.encode("utf-8", "surrogatepass"), digest_size=8).digest()
    return int.from_bytes(digest)


def how_many(site: Site, agents: int) -> int:
    """How many of so many agents a closing takes out."""
    return -(-agents * (WHOLE - site.open_percent) // WHOLE)


def closed_among(site: Site, agents: Iterable[AgentName]) -> set[AgentName]:
    """Those who are taken out of all who sit there."""
    order = sorted((place(agent), agent) for agent in agents)
    return {agent for _, agent in order[: how_many(site, len(order))]}


def why(site: Site) -> str:
    """Why one of its agents gets nothing, in words."""
    reason = f" ({site.reason})" if site.reason else ""
    if site.open_percent <= 0:
        return f"site {site.name!r} is closed{reason}"
    return f"{WHOLE - site.open_percent} % of site {site.name!r} are closed{reason}"


class Seats:
    """Who sits where, and who is closed out: kept up to date at little cost for each change.

    ``sites`` are those that were ever acted on, ``closed`` the agents who get nothing and by which
    act.
    """

    __slots__ = ("_order", "_where", "closed", "sites")

    def __init__(self) -> None:
        self.sites: dict[SiteName, Site] = {}
        self.closed: dict[AgentName, Site] = {}
        self._where: dict[AgentName, SiteName] = {}
        self._order: dict[SiteName, list[_Seat]] = {}

    def at(self, site: SiteName) -> list[AgentName]:
        """The agents who sit there."""
        return [agent for _, agent in self._order.get(site, ())]

    def names(self) -> set[SiteName]:
        """Sites where somebody sits."""
        return {*self._order}

    def sit(self, agent: AgentName, site: SiteName) -> list[AgentName]:
        """The agent sits there now (empty: nowhere). Whom that closes out, or lets in."""
        old = self._where.get(agent, SiteName(""))
        if old == site:
            return []
        changed: list[AgentName] = []
        seat = place(agent), agent
        if old:
            order = self._order[old]
            del order[bisect_left(order, seat)]
            del self._where[agent]
            if self.closed.pop(agent, None) is not None:
                changed.append(agent)
            changed += self._settle_edge(old)
            if not order:
                del self._order[old]
        if site:
            insort(self._order.setdefault(site, []), seat)
            self._where[agent] = site
            changed += self._settle(site, [seat])
            changed += self._settle_edge(site)
        return changed

    def put(self, site: Site) -> list[AgentName]:
        """The site is open so far now. Whom that concerns: who was closed out, or is."""
        self.sites[site.name] = site
        order = self._order.get(site.name, [])
        before = [agent for _, agent in order if agent in self.closed]
        for agent in before:
            del self.closed[agent]
        after = [agent for _, agent in order[: how_many(site, len(order))]]
        self.closed.update(dict.fromkeys(after, site))
        return list(dict.fromkeys([*before, *after]))

    def _settle_edge(self, name: SiteName) -> list[AgentName]:
        """One agent more or less moves the edge of the share by one at most."""
        site, order = self.sites.get(name), self._order[name]
        if site is None or site.open_percent >= WHOLE:
            return []
        edge = how_many(site, len(order))
        return self._settle(name, order[max(edge - 2, 0) : edge + 2])

    def _settle(self, name: SiteName, seats: Iterable[_Seat]) -> list[AgentName]:
        site, order = self.sites.get(name), self._order[name]
        if site is None:
            return []
        edge = how_many(site, len(order))
        changed = []
        for seat in seats:
            agent, out = seat[1], bisect_left(order, seat) < edge
            if out == (agent in self.closed):
                continue
            changed.append(agent)
            if out:
                self.closed[agent] = site
            else:
                del self.closed[agent]
        return changed
