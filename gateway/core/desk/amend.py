"""An agent's second thoughts about what they have just written in a chat."""

from msgspec.structs import replace

from gateway.core import commands as c
from gateway.core.amending import amended
from gateway.core.desk.hand import PARKED, Decision, Desk
from gateway.core.errors import Refused
from gateway.core.model import Item, ItemState
from gateway.core.scrutiny import heed, of_ours


def edit(d: Desk, cmd: c.Edit) -> Decision:
    item = _mine(d, cmd)
    change = amended(d.resolved.message, item.case, d.agent.name, cmd.body, d.ctx.now)
    if d.resolved.message is None:
        return [change], {}
    matter = d.matter(item)
    # What would be kept back is not to leave by the back door.
    found = of_ours(matter, "reply", replace(d.resolved.message, body=cmd.body))
    if (why := found.then.hold) is not None:
        raise Refused("not_allowed", f"a supervisor would have to see it first: {why}", "body")
    return [change, *heed(matter, found, "reply", [change])], {}


def delete(d: Desk, cmd: c.Delete) -> Decision:
    item = _mine(d, cmd)
    return [amended(d.resolved.message, item.case, d.agent.name, None, d.ctx.now)], {}


def _mine(d: Desk, cmd: c.Edit | c.Delete) -> Item:
    return d.mine(cmd.item, ItemState.ASSIGNED, ItemState.WRAPPING, *PARKED)
