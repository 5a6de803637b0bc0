"""Talking to each other: to one colleague, or to everybody in a group."""

import re

from msgspec.structs import replace

from gateway.core import commands as c
from gateway.core import events as e
from gateway.core.colleagues import ColleagueMark, ColleagueMessage, chat_of
from gateway.core.desk.hand import Decision, Desk, RefusedOnRecord
from gateway.core.effects import Matter
from gateway.core.errors import Refused
from gateway.core.ids import AgentName, MessageId, TicketNumber
from gateway.core.model import Item
from gateway.core.rules.run import Outcome
from gateway.core.scrutiny import of_colleagues

MOST_IN_GROUP = 500
"""A frame for each member is made in one turn of the loop: for thousands it would be held up."""
_UUID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")


def say(d: Desk, cmd: c.Peer) -> Decision:
    """To one of both; the rules of the house are asked before it is on its way."""
    _check_whom(d, cmd.agent, cmd.group)
    if cmd.agent is None:
        _check_group(d, cmd.group)
    if not cmd.body.strip():
        raise Refused("bad_frame", "say something", "body")
    item = _item(d, cmd)
    message = ColleagueMessage(
        id=MessageId(d.ctx.new_id()),
        by=d.agent.name,
        at=d.ctx.now,
        body=cmd.body,
        agent=cmd.agent,
        group=cmd.group,
        item=None if item is None else item.id,
        case=None if item is None else item.case,
        number=item.number if item is not None else TicketNumber(0),
    )
    return _judged(message, of_colleagues(d.state, message, _matter(d, item)))


def _judged(message: ColleagueMessage, outcome: Outcome) -> Decision:
    """What becomes of it by the rules: what keeps most back comes first."""
    then = outcome.then
    if then.refuse is not None:
        change = _written(message, outcome, "refuse", then.refuse)
        detail = f"a rule of the house does not let this be said: {then.refuse}"
        raise RefusedOnRecord(Refused("refused_by_rule", detail, "body"), [change])
    body = {"message": message.id, "at": message.at}
    if then.hold is not None:
        return [_written(message, outcome, "hold", then.hold)], body | {"held": then.hold}
    if then.tell is not None:
        return [_written(message, outcome, "tell", then.tell)], body
    return [_wrote(message)], body


_BECOMES = {"refuse": "barred", "hold": "held", "tell": "sent"}


def _written(message: ColleagueMessage, outcome: Outcome, act: str, reason: str) -> e.Change:
    rule = outcome.who(act)
    because = next((one.because for one in outcome.looked if one.rule == rule), "")
    return _wrote(
        replace(message, state=_BECOMES[act], rule=rule, reason=reason, open=True), because
    )


def _wrote(message: ColleagueMessage, because: str = "") -> e.Change:
    event = e.ColleagueWrote(
        message=message.id,
        by=message.by,
        agent=message.agent,
        group=message.group,
        item=message.item,
        case=message.case,
        state=message.state,
        rule=message.rule,
        because=because,
    )
    return e.Change(event, (message,))


def read(d: Desk, cmd: c.PeerRead) -> Decision:
    """How far it was read; a message that is not of this chat marks nothing."""
    _check_whom(d, cmd.agent, cmd.group, former=True)
    chat = chat_of(d.agent.name, cmd.agent, cmd.group)
    message = _id(cmd.message)
    event = e.ColleagueMarked(
        message=message, reader=d.agent.name, agent=cmd.agent, group=cmd.group
    )
    mark = ColleagueMark(reader=d.agent.name, chat=chat, message=message)
    return [e.Change(event, (mark,))], {}


def _id(message: MessageId) -> MessageId:
    if _UUID.fullmatch(message) is None:
        raise Refused("bad_frame", "that is no message", "message")
    return MessageId(message.lower())


def _check_group(d: Desk, group: str) -> None:
    """Raises ``Refused``."""
    profiles = d.state.profiles.values()
    members = sum(group in profile.groups and profile.active for profile in profiles)
    if not members:
        raise Refused("not_found", f"nobody is in a group {group!r}", "group")
    if members > MOST_IN_GROUP:
        told = f"{group!r} has {members} members, and {MOST_IN_GROUP} can be written to at once"
        raise Refused("not_allowed", f"{told}: write to a smaller group", "group")


def _check_whom(d: Desk, agent: AgentName | None, group: str, *, former: bool = False) -> None:
    """``former``: it may be somebody who is not there any more."""
    if (agent is None) is not bool(group):
        raise Refused("bad_frame", "say to whom: either `agent` or `group`", "agent")
    if agent is None:
        return
    if agent == d.agent.name:
        raise Refused("bad_frame", "that is you; use a note", "agent")
    known = d.state.profiles.get(agent)
    if not former and (known is None or not known.active):
        raise Refused("not_found", f"there is no agent {agent!r}", "agent")


def _item(d: Desk, cmd: c.Peer) -> Item | None:
    """The item that it is about, which must concern whoever speaks of it."""
    if cmd.item is None:
        return None
    about = d.resolved.about
    if about is None:
        raise Refused("not_found", "there is no such work item", "item")
    item, me = about.item, d.agent
    if me.name in (item.agent, item.last_agent) or about.spoken or me.role != "agent":
        return item
    raise Refused("not_yours", "this work item is not in your hands", "item")


def _matter(d: Desk, item: Item | None) -> Matter | None:
    """What is known of the item here; another node may decide about it."""
    if item is None or item.id not in d.state.items:
        return None
    return d.matter(d.state.items[item.id])
