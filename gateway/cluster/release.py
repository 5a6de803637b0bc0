"""Letting go of an agent whose desktop cannot reach this node, and asking another node to.

The desktop tells the node that it did reach which URLs it tried in vain (``hello.unreachable``);
if the agent's home is among them, that node hands the agent over to the one that asks, with all
that the agent holds. Whoever has just come here, and is connected, is not let go of at once: two
desktops of one agent, each of which cannot reach the other one's node, would have it go to and fro.
"""

import asyncio

import msgspec
import structlog
from msgspec import Struct

from gateway.cluster.asking import Asking
from gateway.cluster.handover import Handover
from gateway.cluster.persistence import Sleep
from gateway.core import events as e
from gateway.core.errors import Refused
from gateway.core.ids import AgentName, NodeName
from gateway.flow.node import Node
from gateway.flow.tasks import Tasks

KIND = "release"
ASK_SECONDS = 10.0
BUSY_SECONDS = 8.0
"""How long to try while something of it is being delivered, say."""
AGAIN_SECONDS = 0.25
SETTLED_SECONDS = 5.0
"""Who came here so lately stays."""

_log = structlog.get_logger("release")


class Release(Struct, frozen=True, kw_only=True):
    """Hand this agent over to who asks, whose epoch is ``epoch``."""

    agent: AgentName
    epoch: int


class Released(Struct, frozen=True, kw_only=True):
    """It is not here any more."""

    released: bool = True


class Releases:
    """See the module's docstring. ``run`` must be running."""

    def __init__(
        self, node: Node, asking: Asking, handover: Handover, *, sleep: Sleep = asyncio.sleep
    ) -> None:
        self.asked = self.released = 0
        self._node = node
        self._asking = asking
        self._handover = handover
        self._sleep = sleep
        self._tasks = Tasks("release")
        self._under_way: dict[AgentName, str] = {}
        self._came: dict[AgentName, float] = {}
        node.ledger.observe(self._note)
        asking.serve(KIND, self._let_go)

    async def run(self) -> None:
        """Until cancelled."""
        async with self._tasks:
            await asyncio.get_running_loop().create_future()

    def _note(self, entry: e.Entry) -> None:
        match entry.event:
            case e.AgentAttached(agent=agent, claims=True):
                self._came[agent] = self._now()
            case e.AgentHandedOver(agent=agent) | e.AgentReleased(agent=agent):
                self._came.pop(agent, None)
            case _:
                pass

    def _now(self) -> float:
        return self._node.ledger.clock.monotonic()

    # -- asking -----------------------------------------------------------------------------

    def ask(self, home: NodeName, agent: AgentName) -> str:
        """Have ``home`` asked, unless it is being asked already; how it stands, for the agent."""
        said = self._under_way.get(agent)
        if said is None:
            said = self._under_way[agent] = f"{home}, where you were, is asked to let go of you"
            self._tasks.spawn(self._ask(home, agent), agent)
        return said

    async def _ask(self, home: NodeName, agent: AgentName) -> None:
        self.asked += 1
        try:
            term = await self._node.writer.current_term()
            wish = Release(agent=agent, epoch=term.epoch)
            await self._asking.ask(home, KIND, wish, Released, seconds=ASK_SECONDS)
        except Refused as refused:
            _log.warning("not released", agent=agent, home=home, reason=refused.detail)
            self._under_way[agent] = f"{home}, where you were, has not let go of you: {refused}"
            await self._sleep(AGAIN_SECONDS)
        finally:
            self._under_way.pop(agent, None)

    # -- being asked ------------------------------------------------------------------------

    async def _let_go(self, asker: NodeName, said: bytes) -> bytes:
        wish = msgspec.json.decode(said, type=Release)
        until = self._now() + BUSY_SECONDS
        while self._node.ledger.state.is_home_of(wish.agent):
            self._check_settled(wish.agent)
            try:
                await self._handover.hand_over(
                    agents=[wish.agent],
                    to=asker,
                    to_epoch=wish.epoch,
                    reason=f"{wish.agent}'s desktop cannot reach this node",
                )
                self.released += 1
            except Refused as refused:
                if refused.code != "busy" or self._now() >= until:
                    raise
                await self._sleep(AGAIN_SECONDS)
        await self._node.departures.settled([wish.agent])
        return msgspec.json.encode(Released())

    def _check_settled(self, agent: AgentName) -> None:
        """Raises ``Refused``."""
        came = self._came.get(agent)
        status = self._node.ledger.state.statuses[agent]
        if status.tabs and came is not None and self._now() - came < SETTLED_SECONDS:
            raise Refused("busy", f"another desktop of {agent} has just connected there")
