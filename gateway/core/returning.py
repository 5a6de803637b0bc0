"""What a customer who comes, or comes back, goes on with: which item, and what is not owed now."""

from datetime import datetime

from gateway.core import events as e
from gateway.core.callbacks import canceled
from gateway.core.correlate import Join
from gateway.core.inbound import Inbound
from gateway.core.model import Case, CustomerBrief, Item, ItemState
from gateway.core.parties import theirs
from gateway.core.state import NodeState

_NOT_IN_HAND = frozenset({ItemState.QUEUED, ItemState.OFFERED, ItemState.SCHEDULED, ItemState.HELD})


def speaks_for_itself(inbound: Inbound) -> bool:
    """No person waits for a reply to it."""
    return inbound.machine or bool(inbound.filer) or inbound.callback is not None


def open_item(
    state: NodeState, case: Case | None, inbound: Inbound, customer: CustomerBrief | None
) -> Item | None:
    """The open item this continues: the channel's own first, else the case's newest.

    A call-back or a promise is taken up by a person, not by a word of the customer; only who is
    at it just now hears that word.
    """
    if case is None:
        return None
    items = theirs(case, state.items_of_case(case.id), customer)
    plain = theirs(case, state.talks_of_case(case.id), customer)
    busy = [i for i in items if i.state in (ItemState.ASSIGNED, ItemState.WRAPPING)]
    same = [i for i in plain if i.channel == inbound.channel]
    found = same or plain or busy
    return found[-1] if found else None


def or_called(
    state: NodeState, inbound: Inbound, customer: CustomerBrief | None, join: Join
) -> Join:
    """Whose one open matter waits for a call-back comes about that, by whatever channel."""
    who = inbound.identity
    if join.case is not None or join.follows is not None or customer is None:
        return join
    if speaks_for_itself(inbound) or who is None or not who.verified:
        return join
    items = state.items_of_customer(customer.id)
    waiting = [i for i in items if i.callback is not None and i.state in _NOT_IN_HAND]
    if not waiting or len({i.case for i in items}) > 1:
        return join
    case = state.cases[waiting[0].case]
    return Join(case=case, reason="the customer's one open matter waits for a call-back")


def came_back(
    state: NodeState,
    inbound: Inbound,
    case: Case | None,
    item: Item | None,
    customer: CustomerBrief | None,
) -> tuple[list[e.Change], datetime | None]:
    """Who is here need not be called; and the place that is theirs.

    A word in a conversation that goes on anyway is no coming back.
    """
    if case is None or speaks_for_itself(inbound):
        return [], None
    if item is not None and item.state is not ItemState.HELD:
        return [], None
    why = f"the customer came back by {inbound.channel}"
    return canceled(state, theirs(case, state.items_of_case(case.id), customer), why)
