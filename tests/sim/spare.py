"""What holds while nodes keep agents free for one another: overflow, seen at each offer."""

from collections.abc import Callable

from gateway.core import events as e
from gateway.flow.node import Node
from tests.sim.promises import need


def who_is_kept_free_is_offered_nothing_else(node: Node) -> Callable[[e.Entry], None]:
    """For the two seconds that another node counts on it."""
    state = node.ledger.state

    def look(entry: e.Entry) -> None:
        if type(entry.event) is not e.OfferMade:
            return
        offer, item = entry.event.offer, entry.event.item
        kept = state.reserved.get(offer.agent)
        need(kept is None or kept.item == item, f"{offer.agent} is kept for {kept}, not {item}")

    return look
