"""What holds at each moment of what nodes do together: who is kept free, what moves along."""

from collections import defaultdict
from collections.abc import Callable
from datetime import datetime

from gateway.core import events as e
from gateway.core.ids import ItemId, NodeName
from gateway.core.lifecycle import ENDED
from gateway.flow.node import Node
from tests.sim.promises import need
from tests.support.memory_tables import Tables


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


def what_is_open_of_a_customer_is_together(node: Node, tables: Tables) -> Callable[[e.Entry], None]:
    """When an item has been handed over, nothing of its customer has stayed where it was."""
    me = node.ledger.state.node

    def look(entry: e.Entry) -> None:
        event = entry.event
        if type(event) is not e.ItemAdopted or not event.reason.startswith("handed over by"):
            return
        customer = event.item.customer
        for item in tables.items.values():
            if customer is None or item.customer is None or item.customer.id != customer.id:
                continue
            owner = tables.owners[item.id]
            together = owner != event.from_node or item.state in ENDED
            need(together, f"{item.id} is with {owner}, {event.item.id} of the same with {me}")

    return look


def what_was_offered_elsewhere_is_taken_back(tables: Tables) -> None:
    """Whoever adopts an item that is offered says in the same breath that it is not any more."""
    out: defaultdict[NodeName, dict[ItemId, datetime]] = defaultdict(dict)
    for (node, _), entry in tables.journal.items():
        mine = out[node]
        for item, at in mine.items():
            need(at == entry.at, f"{item} came to {node} as an offer, which still stands")
        match entry.event:
            case e.ItemAdopted(item=adopted) if adopted.offer is not None:
                mine[adopted.id] = entry.at
            case e.OfferWithdrawn(item=item):
                mine.pop(item, None)
            case _:
                pass
    need(not any(out.values()), f"came as offers, which still stand: {dict(out)}")
