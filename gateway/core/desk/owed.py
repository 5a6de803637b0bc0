"""What an agent says that the customer is owed: a call-back, a promise."""

from msgspec.structs import replace

from gateway.core import commands as c
from gateway.core import events as e
from gateway.core.callbacks import ask, open_alone
from gateway.core.desk.hand import PARKED, Decision, Desk
from gateway.core.errors import Refused
from gateway.core.model import Item, ItemState
from gateway.core.owed import CallbackWish, Promise
from gateway.core.promises import grace_of, make

_HELD = (ItemState.ASSIGNED, ItemState.WRAPPING, *PARKED)


def callback(d: Desk, cmd: c.AskCallback) -> Decision:
    """The one call-back of the item's matter; or one that begins a matter of a customer."""
    if (cmd.item is None) == (cmd.customer is None):
        raise Refused("bad_frame", "name either an item or a customer", "item")
    wish = CallbackWish(
        number=cmd.number,
        at=cmd.at,
        zone=cmd.zone,
        note=cmd.note,
        agent=d.agent.name if cmd.mine else None,
        same_agent=cmd.mine,
    )
    try:
        if cmd.item is not None:
            like = d.mine(cmd.item, *_HELD)
            case = d.state.cases[like.case]
            item, changes = ask(d.state, d.ctx, case, like, wish, d.agent.name)
        else:
            item, changes = _alone(d, cmd, wish)
    except Refused as refused:
        if refused.code != "bad_field":
            raise
        raise Refused("bad_frame", refused.detail, refused.field) from refused
    return changes, {"item": item.id, "number": item.number}


def _alone(d: Desk, cmd: c.AskCallback, wish: CallbackWish) -> tuple[Item, list[e.Change]]:
    queue = cmd.queue or next(iter(d.state.queues))
    if queue not in d.state.queues:
        raise Refused("not_found", f"there is no queue {queue!r}", "queue")
    wish = replace(wish, number=wish.number or d.resolved.address)
    return open_alone(
        d.state,
        d.ctx,
        wish,
        d.agent.name,
        number=d.resolved.number,
        queue=queue,
        customer=d.resolved.customer,
    )


def promise(d: Desk, cmd: c.MakePromise) -> Decision:
    item = d.mine(cmd.item, *_HELD)
    if cmd.due_at.tzinfo is None:
        raise Refused("bad_frame", "say the time with its offset from UTC", "due_at")
    if not cmd.text.strip():
        raise Refused("bad_frame", "say what is promised", "text")
    said = Promise(
        text=cmd.text.strip(),
        agent=d.agent.name,
        made_at=d.ctx.now,
        due_at=cmd.due_at,
        grace=grace_of(d.state, item),
    )
    made, changes = make(d.state, d.ctx, d.state.cases[item.case], item, said)
    return changes, {"promise": made.id}
