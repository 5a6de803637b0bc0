"""What a node says when it has taken over what another one had open. Pure.

The rows are in its hands already; the changes are how its state, its router, its timers and its
desktops learn of them. Offers that were out are taken back, and the items stand where they stood,
for ``queued_at`` never changes. Who held something keeps it while the grace period runs. What is
known already is not said again, so a takeover that stopped half way can be told anew.
"""

from collections.abc import Iterable

from gateway.core import events as e
from gateway.core.hands import give_back
from gateway.core.ids import AgentName, NodeName
from gateway.core.lifecycle import IN_HAND
from gateway.core.model import AgentStatus, Case, Item, Outgoing
from gateway.core.state import NodeState


def adopt_agents(state: NodeState, statuses: Iterable[AgentStatus], reason: str) -> list[e.Change]:
    """Agents who were at home elsewhere; whoever is here already is left as they are.

    Whose document names no home was claimed by somebody who did not come to tell of it.
    """
    return [
        e.Change(
            e.AgentClaimed(status=status)
            if status.home is None
            else e.AgentAdopted(status=status, from_node=status.home, reason=reason)
        )
        for status in statuses
        if not state.is_home_of(status.name)
    ]


def adopt_items(
    state: NodeState, items: Iterable[tuple[Item, Case]], reason: str, *, overflow: bool = False
) -> list[e.Change]:
    """Items that somebody else decided about, each with the header of its case."""
    changes: list[e.Change] = []
    holders: dict[AgentName, None] = {}
    for item, case in items:
        if item.id in state.items:
            continue
        adopted = e.ItemAdopted(
            item=item, case=case, from_node=item.owner, reason=reason, overflow=overflow
        )
        changes.append(e.Change(adopted))
        if item.offer is not None:
            changes += give_back(item, item.offer.agent, reason)
        elif item.state in IN_HAND and item.agent is not None:
            if state.is_home_of(item.agent):
                holders[item.agent] = None
            else:
                changes += give_back(item, item.agent, f"{reason}; {item.agent} is elsewhere")
    return changes + [
        e.Change(e.AgentDetached(agent=agent, tab="", reason=reason))
        for agent in holders
        if not state.statuses[agent].tabs
    ]


def adopt_outbox(state: NodeState, orders: Iterable[Outgoing], source: NodeName) -> list[e.Change]:
    """Orders that ``source`` had not brought to their end."""
    return [
        e.Change(e.OutboundAdopted(outbound=order, from_node=source))
        for order in orders
        if order.id not in state.outbox
    ]
