"""What commands need of other nodes, as the desk sees it (``cluster.afar`` has it).

A command about what another node decides about takes effect there, if it only changes that; what
it puts into the agent's own hands comes here first, for everything an agent holds is decided about
at the agent's home.
"""

from typing import Protocol

from gateway.core import commands as c
from gateway.core.ids import AgentName, CaseId, CustomerId, ItemId, NodeName


class Afar(Protocol):
    """See the module's docstring. Everything raises ``Refused``."""

    async def go(self, node: NodeName, agent: AgentName, command: c.Command) -> bytes | None:
        """What ``command`` was answered at ``node``, as it is remembered.

        ``None``: what it is about has come here, or is no longer there: look again.
        """
        ...

    async def fetch(
        self,
        node: NodeName,
        by: AgentName,
        *,
        case: CaseId | None = None,
        customer: CustomerId | None = None,
    ) -> None:
        """Have a case with what is open of it, or a customer's work, brought here from ``node``."""
        ...

    async def home(self, agent: AgentName) -> NodeName | None:
        """The node that serves where this agent is at home, if it is another one."""
        ...

    def check(self, item: ItemId) -> None:
        """Whether an item may leave this node once nobody holds it: raises ``core.moving``'s."""
        ...

    async def spare(self, node: NodeName, item: ItemId, agent: AgentName) -> int:
        """Have an agent there kept free for it; what epoch that node writes under."""
        ...

    async def offer(
        self, node: NodeName, epoch: int, item: ItemId, agent: AgentName, by: AgentName
    ) -> None:
        """Send it there for this agent, beginning in this turn of the loop.

        If that fails it waits here in its queue like any other; nothing is raised.
        """
        ...
