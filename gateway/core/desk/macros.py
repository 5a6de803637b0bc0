"""Running a macro: all that it says, at once, by the person who has the item in hand."""

from msgspec.structs import replace

from gateway.core import commands as c
from gateway.core import events as e
from gateway.core.desk.hand import Decision, Desk
from gateway.core.effects import Doing
from gateway.core.errors import Refused
from gateway.core.ids import MacroName, RuleName
from gateway.core.macros import Macro
from gateway.core.model import ADDRESSED, ChannelKind, Item, ItemState
from gateway.core.reaching import answering
from gateway.core.replies import Reply, refuse_unseen, speak
from gateway.core.rules.rule import Then


def run(d: Desk, cmd: c.RunMacro) -> Decision:
    item = d.mine(cmd.item, ItemState.ASSIGNED, ItemState.WRAPPING)
    macro = _macro(d, cmd.name, item)
    then = macro.then
    if then.complete is not None:
        refuse_unseen(item)
    doing = Doing(d.matter(item), by=d.agent.name, author=d.author)
    ran = e.MacroRun(item=item.id, case=item.case, macro=macro.name, by=d.agent.name)
    doing.add(ran)
    doing.header(then)
    held = _reply(d, doing, then, cmd) if then.reply is not None else ""
    if then.tell is not None:
        doing.tell(then.tell, RuleName(""))
    if not held:
        _end(d, doing, then)
    return doing.changes, {"macro": macro.name} | ({"held": held} if held else {})


def _macro(d: Desk, name: MacroName, item: Item) -> Macro:
    """Raises ``Refused`` for one that is not there, or not for this person or this item."""
    macro = d.state.macros.get(name)
    if macro is None:
        raise Refused("not_found", f"there is no macro {name!r}", "name")
    if macro.roles and d.agent.role not in macro.roles:
        who = " or ".join(macro.roles)
        raise Refused("not_allowed", f"the macro {name!r} is for {who}", "name")
    if macro.kinds and item.kind not in macro.kinds:
        kinds = " or ".join(kind.value for kind in macro.kinds)
        raise Refused("not_allowed", f"the macro {name!r} is for {kinds}", "name")
    if macro.then.queue is not None and macro.then.queue not in d.state.queues:
        raise Refused("not_found", f"there is no queue {macro.then.queue!r}", "then.queue")
    if macro.then.queue is not None and item.state is not ItemState.ASSIGNED:
        raise Refused("wrong_state", f"the item is {item.state.value}", "item")
    if macro.then.reply is not None:
        kind = answering(item).kind
        if kind is ChannelKind.CALLBACK:
            raise Refused("not_allowed", "nothing can be written here: call the number", "item")
        if kind in ADDRESSED and not item.address:
            raise Refused("bad_address", "there is no address to answer to", "then.reply")
    return macro


def _reply(d: Desk, doing: Doing, then: Then, cmd: c.RunMacro) -> str:
    """Write to the customer; why it does not leave, if a rule holds it."""
    body = doing.text_of(then.reply or "")
    if not body:
        language = doing.item.language or "this language"
        raise Refused("not_found", f"the macro has no text for {language}", "then.reply")
    to = (doing.item.address,) if doing.item.address else ()
    reply = Reply(body=body, subject=doing.item.subject, to=to, client_id=cmd.id)
    so_far = replace(d.matter(doing.item), case=doing.case, item=answering(doing.item))
    spoken = speak(so_far, reply, d.author, "close" if then.complete is not None else None)
    doing.changes += spoken.changes
    doing.follow(spoken.changes)
    return spoken.held


def _end(d: Desk, doing: Doing, then: Then) -> None:
    item, agent = doing.item, d.agent.name
    if then.queue is not None:
        moved = e.ItemQueued(
            item=item.id,
            queue=then.queue,
            reason=f"transferred to {then.queue} by {agent}",
            restart=True,
            given_up_by=agent,
        )
        doing.add(moved)
    elif then.complete is not None:
        done = e.ItemCompleted(
            item=item.id, agent=agent, code=then.complete, reason=f"closed by {agent}"
        )
        doing.add(done)
