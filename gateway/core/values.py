"""What a customer is worth, at what is open of theirs. Pure."""

from gateway.core import events as e
from gateway.core.ids import CustomerId
from gateway.core.state import NodeState

WHY = "the customer's value has changed"


def revalued(state: NodeState, customer: CustomerId, value: int) -> list[e.Change]:
    """Rank what is open of the customer here by this value; nothing where it is as it was."""
    return [
        e.Change(e.ItemRevalued(item=item.id, value=value, reason=WHY))
        for item in state.items_of_customer(customer)
        if item.customer is not None and item.customer.value != value
    ]
