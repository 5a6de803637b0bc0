"""A conversation that two nodes have part in: the customer is connected here, the agent there.

Its messages are on disk; what must cross besides is this. How far a message has come is written by
the node that sees it, which has the customer's socket or the agent's desktop: a message has no
version, so nobody's belief is hurt; whoever shows it follows the other's journal. Typing is rung,
and forgotten.
"""

from collections.abc import Sequence

import msgspec
import structlog
from msgspec import Struct

from gateway.cluster.bell import Bell
from gateway.cluster.tail import Tail
from gateway.core import events as e
from gateway.core.ids import CaseId, NodeName
from gateway.flow.node import Node
from gateway.ports import PeerEntry

LONGEST_NAME = 100
SUBJECT = "typing"

_log = structlog.get_logger("conversing")


class _Sign(Struct, frozen=True, array_like=True):
    """Somebody types, or has stopped."""

    case: CaseId
    who: str
    on: bool
    by_customer: bool


class Conversing:
    """Ties a node to the others; there is nothing to run."""

    def __init__(self, node: Node, tail: Tail, bell: Bell) -> None:
        self._ledger = node.ledger
        self._signals = node.signals
        self._bell = bell
        node.signals.pass_on = self._ring
        bell.on(SUBJECT, self._heard)
        tail.subscribe(self._follow, [e.DeliveryChanged])

    def _follow(self, _node: NodeName, entries: Sequence[PeerEntry]) -> None:
        """Marks on messages of conversations that our agents have."""
        state = self._ledger.state
        ours = [
            entry.event
            for entry in entries
            if isinstance(entry.event, e.DeliveryChanged) and state.items_of_case(entry.event.case)
        ]
        if ours:
            self._ledger.follow(ours)

    def _ring(self, case: CaseId, who: str, on: bool, by_customer: bool) -> None:  # noqa: FBT001 - the seam's form
        sign = _Sign(case, who[:LONGEST_NAME], on, by_customer)
        self._bell.ring(SUBJECT, msgspec.json.encode(sign).decode())

    def _heard(self, _node: NodeName, text: str) -> None:
        try:
            sign = msgspec.json.decode(text, type=_Sign)
        except msgspec.MsgspecError:
            _log.warning("a sign that is none", text=text[:80])
            return
        self._signals.hear(sign.case, sign.who, sign.on, sign.by_customer)
