"""What a node says when it has taken over what another one had open. Pure.

The rows are in its hands already; the changes are how its state, its router, its timers and its
desktops learn of them. Offers that were out are taken back, and the items stand where they stood,
for ``queued_at`` never changes. Who held something keeps it while the grace period runs.
"""

from collections.abc import Iterable

from gateway.core import events as e
from gateway.core.ids import NodeName
from gateway.core.model import AgentStatus, Case, Item, Outgoing
from gateway.core.state import NodeState


def adopt_agents(
    state: NodeState, statuses: Iterable[AgentStatus], source: NodeName, reason: str
) -> list[e.Change]:
    """Agents whose home was ``source``; those who are here already are left as they are."""
    return [
        e.Change(e.AgentAdopted(status=status, from_node=source, reason=reason))
        for status in statuses
        if not _is_at_home(state, status)
    ]


def adopt_items(
    state: NodeState, items: Iterable[tuple[Item, Case]], source: NodeName, reason: str
) -> list[e.Change]:
    """Items that ``source`` decided about, each with the header of its case."""
    changes: list[e.Change] = []
    for item, case in items:
        if item.id in state.items:
            continue
        adopted = e.ItemAdopted(item=item, case=case, from_node=source, reason=reason)
        changes.append(e.Change(adopted))
        if item.offer is not None:
            withdrawn = e.OfferWithdrawn(
                item=item.id, offer=item.offer.id, agent=item.offer.agent, reason=reason
            )
            changes.append(e.Change(withdrawn))
    return changes


def adopt_outbox(state: NodeState, orders: Iterable[Outgoing], source: NodeName) -> list[e.Change]:
    """Orders that ``source`` had not brought to their end."""
    return [
        e.Change(e.OutboundAdopted(outbound=order, from_node=source))
        for order in orders
        if order.id not in state.outbox
    ]


def _is_at_home(state: NodeState, status: AgentStatus) -> bool:
    known = state.statuses.get(status.name)
    return known is not None and known.home == state.node
