"""What holds at each moment of what nodes do together: who is kept free, what moves along."""

from collections.abc import Callable

from gateway.core import events as e
from gateway.core.ids import CaseId
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


def what_is_open_of_a_customer_is_together(
    node: Node, tables: Tables, was_taken_over: Callable[[], bool]
) -> Callable[[e.Entry], None]:
    """When an item has been handed over, nothing of its customer has stayed where it was.

    Until the first takeover of the day: an heir decides about a customer before it has all that was
    open, and what it hands over meanwhile goes alone. And but for cases that an agent has begun,
    perhaps while the customer's others were on their way.
    """
    me = node.ledger.state.node

    def look(entry: e.Entry) -> None:
        event = entry.event
        if type(event) is not e.ItemAdopted or not event.reason.startswith("handed over by"):
            return
        if was_taken_over():
            return
        customer = event.item.customer
        for item in tables.items.values():
            if customer is None or item.customer is None or item.customer.id != customer.id:
                continue
            if any(_begun_by_an_agent(tables, one.case) for one in (item, event.item)):
                continue
            owner = tables.owners[item.id]
            together = owner != event.from_node or item.state in ENDED
            need(together, f"{item.id} is with {owner}, {event.item.id} of the same with {me}")

    return look


def _begun_by_an_agent(tables: Tables, case: CaseId) -> bool:
    first = tables.said.get(case, {}).get(1)
    return first is not None and tables.messages[first].direction == "out"
