"""What passes between nodes, and what a node finds when it starts or looks around."""

from gateway.core.events.base import Happened
from gateway.core.ids import AgentName, CaseId, ItemId, NodeName, OutboundId
from gateway.core.model import AgentStatus, Case, Item, Outgoing


class NodeStarted(Happened, frozen=True, kw_only=True):
    node: NodeName
    region: str
    items: int
    repaired: int = 0


class NodeTakenOver(Happened, frozen=True, kw_only=True):
    """``node``, whose epoch is ``epoch`` from now on, has lapsed; ``by`` acts in its place."""

    node: NodeName
    epoch: int
    by: NodeName
    reason: str


class DutyTaken(Happened, frozen=True, kw_only=True):
    """From now on ``node`` alone does it, and writes under ``epoch``."""

    duty: str
    node: NodeName
    epoch: int
    reason: str


class DutyGivenUp(Happened, frozen=True, kw_only=True):
    """What was done under it has ended; ``to`` is who should have it, if that is known."""

    duty: str
    node: NodeName
    epoch: int
    to: NodeName | None
    reason: str


class ItemAdopted(Happened, frozen=True, kw_only=True):
    """An item that ``from_node`` decided about is ours; as it was, with its case's header.

    ``overflow``: it was given to us because somebody is free here; not because we had to.
    """

    item: Item
    case: Case
    from_node: NodeName
    reason: str
    overflow: bool = False


class AgentAdopted(Happened, frozen=True, kw_only=True):
    """An agent whose home was ``from_node`` has it here; nobody is connected, so grace runs."""

    status: AgentStatus
    from_node: NodeName
    reason: str


class OutboundAdopted(Happened, frozen=True, kw_only=True):
    """An order of ``from_node`` is ours to bring; of an attempt under way nobody knows the end."""

    outbound: Outgoing
    from_node: NodeName


class ItemHandedOver(Happened, frozen=True, kw_only=True):
    """We decide no more about this item; the rows become ``to``'s when this is on disk.

    Should that fail, we adopt it back. Nobody has it in between.
    """

    item: ItemId
    case: CaseId
    to: NodeName
    reason: str


class AgentHandedOver(Happened, frozen=True, kw_only=True):
    """The agent's home is ``to`` when this is on disk; desktops connect to ``url`` there."""

    agent: AgentName
    to: NodeName
    url: str
    reason: str


class OutboundHandedOver(Happened, frozen=True, kw_only=True):
    """An order that goes with its case; ``to`` brings it."""

    outbound: OutboundId
    case: CaseId | None
    to: NodeName


class ItemRepaired(Happened, frozen=True, kw_only=True):
    """The reconciler found an item in an impossible place and put it right."""

    item: ItemId
    problem: str


ItemPassed = ItemAdopted | ItemHandedOver | ItemRepaired
AgentPassed = AgentAdopted | AgentHandedOver
OutboundPassed = OutboundAdopted | OutboundHandedOver
NodeEvent = NodeStarted | NodeTakenOver | DutyTaken | DutyGivenUp
