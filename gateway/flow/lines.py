"""What waits behind what in the outbox. Pure.

Of what goes to one address in one case, on one channel, the next one leaves when the one before has
left, or has been given up: whoever reads an answer has read what it goes on from.
"""

from datetime import datetime

from gateway.core.ids import OutboundId
from gateway.core.model import Outgoing

_Line = tuple[str, str, str, str]


class Lines:
    """Orders that have not come to their end, in the order in which they were made."""

    def __init__(self) -> None:
        self._lines: dict[_Line, dict[OutboundId, tuple[datetime, OutboundId]]] = {}
        self._of: dict[OutboundId, _Line] = {}

    def put(self, order: Outgoing) -> None:
        """Take it in, or have it where it stands."""
        line = (order.case or order.id, order.channel, order.purpose, order.address)
        self._lines.setdefault(line, {})[order.id] = (order.created_at, order.id)
        self._of[order.id] = line

    def first(self, order: OutboundId) -> OutboundId:
        """Which one is to leave before it, or it itself."""
        line = self._of.get(order)
        return order if line is None else min(self._lines[line].values())[1]

    def end(self, order: OutboundId) -> OutboundId | None:
        """It is over, one way or the other; which one may go now, if another waits."""
        line = self._of.pop(order, None)
        if line is None:
            return None
        rest = self._lines[line]
        del rest[order]
        if rest:
            return min(rest.values())[1]
        del self._lines[line]
        return None
