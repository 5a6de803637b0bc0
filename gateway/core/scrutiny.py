"""What the house's rules make of what is said in a matter, by either side. Pure.

A rule can never stop what was said from being kept. It can keep the item from routing, keep a
reply from leaving until a supervisor has read it, and see that the right people know.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Literal

from gateway.core import events as e
from gateway.core.colleagues import ColleagueMessage
from gateway.core.effects import Doing, Matter
from gateway.core.ids import RuleName
from gateway.core.inbound import Inbound
from gateway.core.model import Author, CustomerBrief, Message
from gateway.core.pretence import (
    Owners,
    keys_of_inbound,
    keys_of_reply,
    mismatches,
    of_another,
    of_reply,
)
from gateway.core.rules.facts import Facts
from gateway.core.rules.mismatch import Mismatch
from gateway.core.rules.rule import Said, Then
from gateway.core.rules.run import Outcome, run
from gateway.core.state import NodeState

NOTHING = Outcome(then=Then())
SYSTEM = Author(kind="system")
RULES = "the rules"
"""Who acts, in the record."""
IN: tuple[Literal["contact", "message"], ...] = ("contact", "message")
"""The rules that look at what customers write."""
_NOBODY: Owners = {}


def item_facts(matter: Matter, *, clock: str = "") -> Facts:
    """What is known of an item without looking at what was said in it."""
    state, item, case, now = matter.state, matter.item, matter.case, matter.ctx.now
    customer = item.customer or case.customer
    queue = state.queues.get(item.queue)
    is_open = None
    if queue is not None and queue.hours:
        is_open = state.timetable.hours(queue.hours).is_open(now)
    others = state.items_of_customer(customer.id) if customer is not None else []
    return Facts(
        kind=item.kind,
        channel=item.channel,
        at=now,
        sender=item.address,
        verified=customer is not None and customer.verified,
        language=item.language,
        subject=item.subject,
        fields=item.attributes,
        queue=item.queue,
        category=case.category,
        value=customer.value if customer is not None else 0,
        open_cases=len({other.case for other in others}),
        open=is_open,
        tags=case.tags,
        clock=clock,
    )


def of_message(
    matter: Matter,
    inbound: Inbound,
    recent: Sequence[datetime],
    *,
    customer: CustomerBrief | None = None,
    owners: Owners = _NOBODY,
) -> Outcome:
    """What the rules decide about something that the customer wrote later.

    ``customer`` is who that is, as far as is known, and ``owners`` whose the identities are that
    it names.
    """
    rules = matter.state.rules.on("message")
    if not rules:
        return NOTHING
    known = item_facts(matter)
    sender = inbound.identity
    pretends = pretended(matter.state, inbound, customer, owners)
    if matter.state.rules.seeks_mismatches(*IN):
        pretends += tuple(of_another(matter.item, customer, sender))
    facts = _with(
        known,
        to=inbound.to,
        sender=sender.value if sender is not None else known.sender,
        verified=sender is not None and sender.verified,
        language=inbound.language or known.language,
        subject=inbound.subject or known.subject,
        body=new_words(inbound),
        fields={**known.fields, **inbound.attributes},
        recent=tuple(recent),
        machine=inbound.machine,
        counted=pace_of(matter.state, inbound, matter.ctx.now),
        mismatches=pretends,
    )
    return run(rules, facts, on="message")


def of_ours(matter: Matter, on: Literal["reply", "note"], message: Message) -> Outcome:
    """What the rules decide about what one of us wrote: to the customer, or among ourselves."""
    rules = matter.state.rules.on(on)
    if not rules:
        return NOTHING
    facts = _with(
        item_facts(matter),
        **(_of_reply(matter, message) if on == "reply" else {}),
        to=(*message.to, *message.cc),
        sender=message.author.id,
        subject=message.subject or matter.item.subject,
        body=message.body,
        verified=True,
    )
    return run(rules, facts, on=on)


def of_colleagues(state: NodeState, message: ColleagueMessage, matter: Matter | None) -> Outcome:
    """What the rules decide about what a colleague says; ``matter``: the item, if it is here."""
    rules = state.rules.on("colleague")
    if not rules:
        return NOTHING
    known = item_facts(matter) if matter is not None else Facts(at=message.at)
    facts = _with(
        known,
        to=(message.agent or message.group,),
        sender=message.by,
        subject="",
        body=message.body,
    )
    return run(rules, facts, on="colleague")


def heed(
    matter: Matter, outcome: Outcome, on: Said, before: Sequence[e.Change] = ()
) -> list[e.Change]:
    """What follows from an outcome, a reply's ``hold`` excepted, once ``before`` is done."""
    if not any(one.decided for one in outcome.looked):
        return []
    then, item, case = outcome.then, matter.item, matter.case
    doing = Doing(matter, by=RULES, author=SYSTEM, before=before)
    for one in outcome.looked:
        if one.decided:
            fired = e.RuleFired(
                item=item.id,
                case=case.id,
                rule=RuleName(one.rule),
                on=on,
                because=one.because,
                did=one.decided,
            )
            doing.add(fired)
    doing.header(then)
    if then.queue is not None:
        rule = outcome.who("queue")
        doing.move(then.queue, f"rule {rule!r}", rule)
    if then.tell is not None:
        doing.tell(then.tell, outcome.who("tell"))
    if then.hold is not None and on != "reply":
        doing.hold(then.hold, outcome.who("hold"))
    return doing.changes


def _of_reply(matter: Matter, message: Message) -> dict[str, Any]:
    """How often this agent has written lately, and whether it goes to somebody else."""
    state, rules = matter.state, matter.state.rules
    known: dict[str, Any] = {}
    if asked := rules.paced("reply"):
        keys = keys_of_reply(message)
        known["counted"] = state.paces.counted(asked, "out", keys, matter.ctx.now)
    if rules.seeks_mismatches("reply"):
        known["mismatches"] = of_reply(matter.item, message)
    return known


def pace_of(state: NodeState, inbound: Inbound, now: datetime) -> dict[str, int]:
    """How many of the same sender, domain and so on have come lately, as far as a rule asks."""
    asked = state.rules.paced(*IN)
    return state.paces.counted(asked, "in", keys_of_inbound(inbound), now) if asked else {}


def pretended(
    state: NodeState, inbound: Inbound, customer: CustomerBrief | None, owners: Owners
) -> tuple[Mismatch, ...]:
    """Where who writes claims to be somebody else, if a rule asks."""
    if not state.rules.seeks_mismatches(*IN):
        return ()
    return mismatches(state, inbound, customer, owners)


def new_words(inbound: Inbound) -> str:
    """What was written now: not the mail that it answers, nor the signature."""
    if not inbound.fold_from:
        return inbound.body
    return "\n".join(inbound.body.split("\n")[: inbound.fold_from])


def _with(facts: Facts, **more: object) -> Facts:
    """A fresh value: what the old one has worked out of its texts is not the new one's."""
    known = {name: getattr(facts, name) for name in facts.__struct_fields__}
    return Facts(**(known | more))
