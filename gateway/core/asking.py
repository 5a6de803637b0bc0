"""The front door speaks to the customer first: one question, or something to help them on. Pure.

It does so once for a contact, never to a machine, and always offers a person. The item sleeps
meanwhile and keeps its place; what the customer says is taken by its meaning (``rules.questions``)
and stands on the item. Without an answer it goes on as if nothing had been asked.

All that belongs together is one record: the question with the item that waits for its answer, the
answer with where the item goes. So a crash leaves the one or the other, and asks nothing twice.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from gateway.core import events as e
from gateway.core.asked import Asked, Ended
from gateway.core.closed_hours import closed_reply
from gateway.core.effects import Doing, Matter
from gateway.core.ids import QueueName, RuleName
from gateway.core.inbound import Inbound
from gateway.core.model import CaseStatus, ChannelKind, Item, ItemState
from gateway.core.open_matters import tickets_of
from gateway.core.pending import pending
from gateway.core.returning import speaks_for_itself
from gateway.core.rules.questions import Heard, Shown, answer_of, heard, in_writing, shown
from gateway.core.rules.rule import SPEAKS, Answer, Ask, Help, Status, Then
from gateway.core.rules.run import Outcome
from gateway.core.rules.status import told
from gateway.core.scrutiny import RULES, SYSTEM, new_words
from gateway.core.waking import reopened

USUAL_WAIT: Mapping[ChannelKind, float] = {
    ChannelKind.WEBCHAT: 120.0,
    ChannelKind.SMS: 1_800.0,
    ChannelKind.WHATSAPP: 1_800.0,
    ChannelKind.TELEGRAM: 1_800.0,
    ChannelKind.EMAIL: 14_400.0,
}
"""Seconds for an answer; on what is not here nobody can be asked."""
SELF_SERVICE = "self_service"
"""The code with which an item ends that its customer could settle without us."""
_NOTHING = Then()


class _Turn(Struct, frozen=True):
    """One thing to be said: by which rule, and the place that the item keeps."""

    says: Ask | Help | Status
    rule: RuleName
    since: datetime
    queue: QueueName


def ask_first(
    matter: Matter, inbound: Inbound, door: Outcome, since: datetime | None
) -> list[e.Change]:
    """What is said to who has just come, in place of queueing the item; empty: nothing is.

    ``matter`` is as it will be then; ``since`` is the place that they had already, if they had one.
    """
    field, says = _first(door.then)
    if says is None or door.then.hold is not None or speaks_for_itself(inbound):
        return []
    rule = door.who(field)
    if _asked_elsewhere(matter, rule if isinstance(says, Status) else None):
        return []
    doing = Doing(matter, by=RULES, author=SYSTEM)
    place = since or matter.ctx.now
    turn = _Turn(says, rule, place, matter.item.queue)
    return doing.changes if _say(matter, doing, turn) else []


def _first(then: Then) -> tuple[str, Ask | Help | Status | None]:
    for field in SPEAKS:
        if (says := getattr(then, field)) is not None:
            return field, says
    return "", None


def _asked_elsewhere(matter: Matter, rule: RuleName | None) -> bool:
    """Another open contact of theirs was asked (by ``rule``): a machine may be answering us."""
    customer = matter.item.customer
    if customer is None:
        return False
    others = matter.state.items_of_customer(customer.id)
    asked = (one.asked for one in others if one.id != matter.item.id)
    return any(one is not None and rule in (None, one.rule) for one in asked)


def _say(matter: Matter, doing: Doing, turn: _Turn) -> bool:
    """Whether it was said."""
    item, now = doing.item, matter.ctx.now
    usual = USUAL_WAIT.get(item.kind)
    one = _shown(matter, doing, turn.says)
    if usual is None or one is None or doing.why_silent():
        return False
    chat = item.kind is ChannelKind.WEBCHAT
    closed = closed_reply(matter.state, turn.queue, item.kind, item.language, now)
    text = one.text if chat else in_writing(one)
    if closed and not any(item.id != other.id for other in _here(matter)):
        text = f"{closed}\n\n{text}"
    wait = usual if turn.says.wait is None else turn.says.wait
    asked = Asked(
        rule=turn.rule,
        what="question" if isinstance(turn.says, Ask) else "help",
        labels=one.labels,
        at=now,
        since=turn.since,
        until=now + timedelta(seconds=wait),
        settled=not isinstance(turn.says, Ask) and turn.says.silent == "solved",
    )
    why = f"rule {turn.rule!r} asks the customer"
    if asked.what == "help":
        why = f"rule {turn.rule!r} helps the customer on"
    doing.say(text, one.labels if chat else ())
    doing.add(
        e.CustomerAsked(item=item.id, case=doing.case.id, queue=turn.queue, asked=asked, reason=why)
    )
    doing.add(e.ItemScheduled(item=item.id, until=asked.until, reason=why))
    doing.add(e.CaseChanged(case=doing.case.id, by="system", status=CaseStatus.WAITING, reason=why))
    return True


def _shown(matter: Matter, doing: Doing, says: Ask | Help | Status) -> Shown | None:
    """In the customer's language, with what is known in place of names in braces."""
    if isinstance(says, Status):
        tickets = tickets_of(matter.state, matter.item.customer, matter.ctx.now)
        return told(says, tickets, doing.item.language, fill=doing.filled)
    one = shown(says, doing.item.language)
    return None if one is None else replace(one, text=doing.filled(one.text))


def _here(matter: Matter) -> list[Item]:
    """What else of the customer waits on this channel: there they know that we are closed."""
    customer = matter.item.customer
    if customer is None:
        return []
    others = matter.state.items_of_customer(customer.id)
    return [one for one in others if one.channel == matter.item.channel]


# -- the answer ---------------------------------------------------------------------------------


def answered(matter: Matter, inbound: Inbound, before: Sequence[e.Change]) -> list[e.Change] | None:
    """What follows from what a customer says who is being asked; ``None``: nobody asks.

    ``before`` is what is recorded with it already. What a machine says is no answer.
    """
    item = matter.item
    asked = pending(item)
    if asked is None:
        return None
    if speaks_for_itself(inbound):
        return []
    says = _rule_says(matter, asked)
    meant = heard(asked.labels, says, new_words(inbound))
    doing = Doing(matter, by=RULES, author=SYSTEM, before=before)
    if asked.what == "help":
        _after_help(matter, doing, asked, meant)
    else:
        _after_question(matter, doing, asked, meant, says)
    return doing.changes


def _rule_says(matter: Matter, asked: Asked) -> Ask | Help | Status | None:
    """What the rule says now; it may have been changed, or be gone."""
    rule = matter.state.rules.rules.get(asked.rule)
    if rule is None:
        return None
    if asked.what == "question":
        return rule.then.ask
    return rule.then.help or rule.then.status or next(iter(_helps(rule.then.ask)), None)


def _helps(ask: Ask | None) -> list[Help]:
    """Those that the answers of a question lead to; all of them offer the same two answers."""
    if ask is None:
        return []
    after = [one.then for one in ask.answers] + [ask.otherwise]
    return [then.help for then in after if then is not None and then.help is not None]


def _after_help(matter: Matter, doing: Doing, asked: Asked, meant: Heard) -> None:
    if meant.place == 0:
        why = f"rule {asked.rule!r}: the customer says that it helped ({meant.how})"
        _ended(doing, asked, "solved", why, said=asked.labels[0])
        doing.complete(SELF_SERVICE, why)
        return
    if meant.place is None:
        how: Ended = "unclear"
        why = f"rule {asked.rule!r}: the customer says something else"
    else:
        how, why = "person", f"rule {asked.rule!r}: the customer wants a person ({meant.how})"
    _ended(doing, asked, how, why, said=asked.labels[-1] if how == "person" else "")
    _go_on(doing, asked, None, why)


def _after_question(
    matter: Matter, doing: Doing, asked: Asked, meant: Heard, says: Ask | Help | Status | None
) -> None:
    ask = says if isinstance(says, Ask) else None
    if meant.place == len(asked.labels) - 1:
        why = f"rule {asked.rule!r}: the customer wants a person ({meant.how})"
        _ended(doing, asked, "person", why, said=asked.labels[-1])
        _go_on(doing, asked, None, why)
        return
    if meant.place is None:
        why = f"rule {asked.rule!r}: what the customer says {meant.how}"
        then = (ask.otherwise if ask is not None else None) or _NOTHING
        _ended(doing, asked, "unclear", why, then=then)
    else:
        label = asked.labels[meant.place]
        answer = answer_of(ask, label) if ask is not None else None
        then = (answer.then if answer is not None else None) or _NOTHING
        why = f"rule {asked.rule!r}: the customer chose {label!r} ({meant.how})"
        chosen = _chosen(ask, answer, label)
        _ended(doing, asked, "answered", why, said=label, then=then, attributes=chosen)
    _apply(matter, doing, asked, then, why)


def _chosen(ask: Ask | None, answer: Answer | None, label: str) -> dict[str, Any]:
    name = ask.field if ask is not None else "answer"
    return {name: answer.value or label if answer is not None else label}


def _ended(
    doing: Doing,
    asked: Asked,
    how: Ended,
    reason: str,
    *,
    said: str = "",
    then: Then = _NOTHING,
    attributes: Mapping[str, Any] | None = None,
) -> None:
    event = e.CustomerAnswered(
        item=doing.item.id,
        case=doing.case.id,
        queue=doing.item.queue,
        asked=replace(asked, ended=how, said=said),
        attributes=dict(attributes or {}),
        skills=dict(then.skills),
        language=then.language,
        reason=reason,
    )
    doing.add(event)
    if then.language is not None:
        doing.item = replace(doing.item, language=then.language)


def _apply(matter: Matter, doing: Doing, asked: Asked, then: Then, why: str) -> None:
    doing.header(then)
    if then.tell is not None:
        doing.tell(then.tell, asked.rule)
    queue = then.queue if then.queue in matter.state.queues else None
    if then.hold is not None:
        doing.add(e.ItemScheduled(item=doing.item.id, until=None, reason=then.hold))
        doing.changes += reopened(doing.case, why)
        return
    if then.help is not None:
        turn = _Turn(then.help, asked.rule, asked.since, queue or doing.item.queue)
        if _say(matter, doing, turn):
            return
    _go_on(doing, asked, queue, why)


def _go_on(doing: Doing, asked: Asked, queue: QueueName | None, why: str) -> None:
    """To the queue, in the place that the item has kept."""
    to = queue or doing.item.queue
    item, rule = doing.item.id, asked.rule
    doing.add(e.ItemQueued(item=item, queue=to, reason=why, since=asked.since, rule=rule))
    doing.changes += reopened(doing.case, why)


def late(matter: Matter, inbound: Inbound, before: Sequence[e.Change]) -> list[e.Change]:
    """The item has gone on; what the customer chooses now counts while it waits, and stands on it.

    A person takes it from here: nothing more is said by a machine.
    """
    item, asked = matter.item, matter.item.asked
    if asked is None or asked.what != "question" or asked.ended not in (None, "silent"):
        return []
    says = _rule_says(matter, asked)
    ask = says if isinstance(says, Ask) else None
    meant = heard(asked.labels, says, new_words(inbound))
    if meant.place in (None, len(asked.labels) - 1) or speaks_for_itself(inbound):
        return []
    label = asked.labels[meant.place or 0]
    answer = answer_of(ask, label) if ask is not None else None
    then = (answer.then if answer is not None else None) or _NOTHING
    why = f"rule {asked.rule!r}: the customer chose {label!r} ({meant.how}), late"
    doing = Doing(matter, by=RULES, author=SYSTEM, before=before)
    chosen = _chosen(ask, answer, label)
    _ended(doing, asked, "late", why, said=label, then=then, attributes=chosen)
    if item.state is ItemState.QUEUED:
        doing.header(then)
        if then.queue is not None:
            doing.move(then.queue, why, asked.rule)
    return doing.changes


# -- no answer ----------------------------------------------------------------------------------


def silent(matter: Matter) -> list[e.Change]:
    """The time for an answer is over."""
    asked = pending(matter.item)
    if asked is None:
        return []
    doing = Doing(matter, by=RULES, author=SYSTEM)
    if asked.settled:
        why = f"rule {asked.rule!r}: the customer has not come back"
        _ended(doing, asked, "silent", why)
        doing.complete(SELF_SERVICE, why)
    else:
        why = f"rule {asked.rule!r}: the customer has not answered in time"
        _ended(doing, asked, "silent", why)
        _go_on(doing, asked, None, why)
    return doing.changes


def left(item: Item) -> list[e.Change]:
    """The customer has left the conversation in which they were asked; empty: they were not."""
    asked = pending(item)
    if asked is None:
        return []
    why = "the customer left"
    gone = e.CustomerAnswered(
        item=item.id,
        case=item.case,
        queue=item.queue,
        asked=replace(asked, ended="left"),
        reason=why,
    )
    end: e.Event = e.ItemAbandoned(item=item.id, reason="the customer left while being asked")
    if asked.settled:
        end = e.ItemCompleted(item=item.id, agent=None, code=SELF_SERVICE, reason=why)
    return [e.Change(gone), e.Change(end)]


def waiting_again(item: Item, why: str) -> tuple[Item, list[e.Change]]:
    """Who is asked something and wants something else waits from now on, in their place."""
    asked = pending(item)
    if asked is None:
        return item, []
    gone = e.CustomerAnswered(
        item=item.id,
        case=item.case,
        queue=item.queue,
        asked=replace(asked, ended="unclear"),
        reason=why,
    )
    queued = e.ItemQueued(item=item.id, queue=item.queue, reason=why, since=asked.since)
    waits = replace(item, state=ItemState.QUEUED, queued_at=asked.since, wake_at=None)
    return waits, [e.Change(gone), e.Change(queued)]
