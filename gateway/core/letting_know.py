"""What a customer lets us know of a conversation, and nobody has to answer. Pure."""

from gateway.core import events as e
from gateway.core.errors import Refused
from gateway.core.ids import Context
from gateway.core.inbound import Inbound
from gateway.core.leaving import back, ended, left
from gateway.core.model import Case
from gateway.core.parties import author_of
from gateway.core.rating import rated, unrated
from gateway.core.state import NodeState


def let_know(
    state: NodeState, ctx: Context, case: Case, inbound: Inbound
) -> tuple[str, list[e.Change]]:
    """What it was, and what becomes of it. Raises ``Refused`` where it counts for nothing.

    Their last window has closed, or there is one again; they say how it went; or they have ended
    the chat: who waits has gone, who talks goes to wrap-up.
    """
    if inbound.rating:
        if why := unrated(case, inbound, ctx.now):
            raise Refused("wrong_state", why)
        return "rated", rated(ctx, case, inbound, author_of(inbound))
    if inbound.sign:
        items = state.talks_of_case(case.id)
        going = inbound.sign == "left"
        changes = [c for item in items for c in (left(state, item, ctx) if going else back(item))]
        return f"the customer: {inbound.sign}", changes
    return "chat ended", ended(state, case.id)
