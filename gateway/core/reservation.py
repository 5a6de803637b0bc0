"""An agent kept free for a moment, for one item that another node is about to hand over."""

from datetime import datetime

from gateway.core.ids import AgentName, ItemId, NodeName
from gateway.core.model import Value

SECONDS = 2.0
"""How long an agent is kept: by then the item is here, or it is not coming."""


class Reservation(Value, frozen=True, kw_only=True):
    """``asker`` is the node that has the item now."""

    agent: AgentName
    item: ItemId
    asker: NodeName
    until: datetime
