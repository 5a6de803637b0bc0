"""What a customer lets us know of a conversation, and nobody has to answer. Pure."""

from msgspec.structs import replace

from gateway.core import events as e
from gateway.core.amending import amended
from gateway.core.effects import Matter
from gateway.core.errors import Refused
from gateway.core.ids import Context
from gateway.core.inbound import Amend, Inbound
from gateway.core.leaving import back, ended, left
from gateway.core.model import Case, CustomerBrief, Message
from gateway.core.parties import author_of
from gateway.core.rating import rated, unrated
from gateway.core.scrutiny import heed, of_message
from gateway.core.state import NodeState


def let_know(
    state: NodeState,
    ctx: Context,
    case: Case,
    inbound: Inbound,
    *,
    customer: CustomerBrief | None = None,
    message: Message | None = None,
) -> tuple[str, list[e.Change]]:
    """What it was, and what becomes of it. Raises ``Refused`` where it counts for nothing.

    They say something otherwise than they did, or take it back (``message``); their last window
    has closed, or there is one again; they say how it went; or they have ended the chat: who waits
    has gone, who talks goes to wrap-up.
    """
    if inbound.amend is not None:
        return "second thoughts", _amended(state, ctx, case, inbound, inbound.amend, message)
    if inbound.rating:
        who = customer.id if customer is not None else None
        if why := unrated(case, inbound, who, ctx.now):
            raise Refused("wrong_state", why)
        return "rated", rated(ctx, case, inbound, author_of(inbound))
    if inbound.sign:
        items = state.talks_of_case(case.id)
        going = inbound.sign == "left"
        changes = [c for item in items for c in (left(state, item, ctx) if going else back(item))]
        return f"the customer: {inbound.sign}", changes
    return "chat ended", ended(state, case.id)


def _amended(
    state: NodeState,
    ctx: Context,
    case: Case,
    inbound: Inbound,
    said: Amend,
    message: Message | None,
) -> list[e.Change]:
    """The rules look at what it says now, as at anything that a customer says."""
    writer = inbound.identity.value if inbound.identity is not None else ""
    change = amended(message, case.id, writer, said.body, inbound.at)
    item = next(iter(state.talks_of_case(case.id)), None)
    if item is None or said.body is None:
        return [change]
    matter = Matter(state, ctx, case, item)
    found = of_message(matter, replace(inbound, body=said.body), (), customer=case.customer)
    return [change, *heed(matter, found, "message", [change])]
