"""Where agents are at home (docs/decisions/0005): implements ``ports.Homes``.

Who is at home here, by the state, needs no question to the database. Anybody else is claimed by
one statement, of which one node comes out as the home, whoever else asks.
"""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Iterable

import structlog

from gateway.core import events as e
from gateway.core.election import Peer
from gateway.core.errors import Refused
from gateway.core.ids import AgentName, NodeName
from gateway.flow.departures import Departures
from gateway.flow.ledger import Ledger
from gateway.ports import Elsewhere, Here, Later
from gateway.store.contract import CommitUnknown, Fenced, Term, Unavailable
from gateway.store.homes import Claimed, HomeOf, HomeRows

ASK_SECONDS = 5.0
"""How long a desktop is kept without a word while the database is asked."""

Meet = Callable[[AgentName], Awaitable[None]]
HANDED_OVER = "another node is being handed what you have in hand"

_log = structlog.get_logger("homes")


def _patient(home: NodeName, _agent: AgentName) -> str:
    return f"{home}, where you were, has not let go of you yet"


async def _know_all(_agent: AgentName) -> None:
    return


class Homes:
    """``term`` gives what this node may write under; ``claimed`` counts who came to it.

    ``meet`` looks whether an agent who is not known here was made at another node just now;
    ``release`` has a home that the desktop cannot reach asked to let go, and says how it stands.
    """

    def __init__(
        self,
        ledger: Ledger,
        rows: HomeRows,
        term: Callable[[], Awaitable[Term]],
        departures: Departures | None = None,
        *,
        meet: Meet = _know_all,
        release: Callable[[NodeName, AgentName], str] = _patient,
    ) -> None:
        self._meet = meet
        self._release = release
        self.claimed = 0
        self._ledger = ledger
        self._state = ledger.state
        self._rows = rows
        self._departures = departures or Departures()
        self._term = term
        self._whole = False
        self._adopted: set[AgentName] = set()
        self._released: dict[AgentName, int] = {}
        ledger.observe(self._note)

    def _note(self, entry: e.Entry) -> None:
        match entry.event:
            case e.AgentAdopted(status=status):
                self._adopted.add(status.name)
            case e.AgentReleased(agent=agent):
                self._released[agent] = entry.position.offset
            case _:
                pass

    async def claim(
        self, agent: AgentName, unreachable: Collection[str]
    ) -> Here | Elsewhere | Later:
        if agent not in self._state.profiles:
            try:
                await self._meet(agent)
            except Unavailable:
                return Later("the database does not answer", "database")
        if self._is_settled(agent) or agent not in self._state.profiles:
            return Here()  # whoever is not in the directory is refused by the desk
        if self._is_being_released(agent):
            return Later("this node is giving you up, so that you can come again", "leaving")
        stamp = self._departures.stamp()
        pending = self._departures.pending(agent)
        found = Later(HANDED_OVER, "handed_over") if pending else await self._asked(agent)
        if isinstance(found, Claimed) and self._departures.since([agent], stamp):
            found = Later(HANDED_OVER, "handed_over")
        if isinstance(found, HomeOf):
            return self._elsewhere(found, agent, unreachable)
        return found if isinstance(found, Later) else self._take(found)

    def _elsewhere(
        self, home: HomeOf, agent: AgentName, unreachable: Collection[str]
    ) -> Elsewhere | Later:
        if not home.serving or not home.url:
            why = f"{home.node}, where you were, is not serving; its work is being taken over"
            return Later(why, "taken_over")
        if home.url in unreachable:
            return Later(self._release(home.node, agent), "held")
        return Elsewhere(home.url)

    async def _asked(self, agent: AgentName) -> Claimed | HomeOf | Later:
        """What the database says, in time, and the journal can be written to take it."""
        try:
            self._ledger.check_open()
            async with asyncio.timeout(ASK_SECONDS):
                found = await self._ask(agent)
            self._ledger.check_open()
        except (Unavailable, CommitUnknown, TimeoutError) as error:
            _log.warning("an agent could not be claimed", agent=agent, reason=str(error))
            return Later("the database does not answer", "database")
        except Fenced:
            return Later("this node begins anew", "beginning")
        except Refused as refused:
            return Later(refused.detail, "database")
        return found

    def _is_settled(self, agent: AgentName) -> bool:
        """At home here, with all that the agent holds.

        A takeover brings agents first and then what they hold, and after a restart one may be
        half way: until the database has said otherwise, not even our own are believed whole.
        """
        if not self._state.is_home_of(agent) or agent in self._adopted:
            return False
        return self._whole or agent in self._state.claimed

    def _is_being_released(self, agent: AgentName) -> bool:
        """The row still says that the agent is ours, and will not in a moment."""
        offset = self._released.get(agent)
        if offset is None:
            return False
        if offset > self._ledger.position.offset - self._ledger.uncommitted:
            return True
        del self._released[agent]
        return False

    async def _ask(self, agent: AgentName) -> Claimed | HomeOf:
        fresh = self._state.status(agent, self._ledger.clock.now())
        while True:
            term = await self._term()
            try:
                return await self._rows.claim(term, fresh)
            except Fenced:
                if term == await self._term():
                    raise

    def _take(self, found: Claimed) -> Here | Later:
        if not found.settled:
            return Later("what you had in hand is being brought here", "arriving")
        agent = found.status.name
        if not self._state.is_home_of(agent):
            self._ledger.record([e.Change(e.AgentClaimed(status=found.status))])
            self.claimed += 1
        self._whole = self._whole or found.whole
        self._adopted.discard(agent)
        return Here()


def addresses(peers: Iterable[Peer], me: NodeName, purpose: str) -> tuple[str, ...]:
    """Where the other nodes that serve are reached for a purpose ("agent", "chat")."""
    return tuple(
        url
        for peer in peers
        if peer.node != me and peer.state == "serving" and not peer.fenced
        if (url := peer.urls.get(purpose, ""))
    )


def places(peers: Iterable[Peer]) -> tuple[str, ...]:
    """Where pages of any node were served from, also of those that are gone just now."""
    return tuple(url for peer in peers if (url := peer.urls.get("http", "")))
