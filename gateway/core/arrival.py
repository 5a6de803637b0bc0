"""A new contact at the front door: what the rules may know of it, and what they make of it."""

from collections.abc import Sequence
from datetime import datetime

from msgspec import Struct
from msgspec.structs import replace

from gateway.core import events as e
from gateway.core.effects import Doing, Matter
from gateway.core.frontdoor import Wish
from gateway.core.ids import QueueName, SkillName
from gateway.core.inbound import Inbound
from gateway.core.model import CustomerBrief
from gateway.core.open_matters import tickets_of
from gateway.core.pretence import Owners
from gateway.core.rules.facts import Facts
from gateway.core.rules.rule import Then
from gateway.core.rules.run import Outcome, run
from gateway.core.scrutiny import RULES, SYSTEM, new_words, pace_of, pretended
from gateway.core.state import NodeState

PRIORITY = 100
"""The highest and, negative, the lowest priority there is."""


class Past(Struct, frozen=True, kw_only=True):
    """When the customer wrote before, and when it began other matters, newest first.

    Only as far back as a rule looks. ``owners`` are whose the identities are that it names.
    """

    wrote: tuple[datetime, ...] = ()
    began: tuple[datetime, ...] = ()
    owners: Owners = {}


def at_the_door(
    state: NodeState,
    inbound: Inbound,
    customer: CustomerBrief | None,
    queue: QueueName,
    past: Past,
    now: datetime,
) -> Outcome:
    """What the house's rules decide about a contact that would go to ``queue``."""
    rules = state.rules.on("contact")
    if not rules:
        return Outcome(then=Then())
    return run(rules, facts_of(state, inbound, customer, queue, past, now))


def facts_of(
    state: NodeState,
    inbound: Inbound,
    customer: CustomerBrief | None,
    queue: QueueName,
    past: Past,
    now: datetime,
) -> Facts:
    tickets = tuple(tickets_of(state, customer, now))
    return Facts(
        kind=inbound.kind,
        channel=inbound.channel,
        at=now,
        to=inbound.to,
        sender=inbound.identity.value if inbound.identity is not None else "",
        verified=inbound.identity is not None and inbound.identity.verified,
        language=inbound.language,
        subject=inbound.subject,
        body=new_words(inbound),
        fields=inbound.attributes,
        queue=queue,
        category=inbound.category,
        value=customer.value if customer is not None else 0,
        open_cases=len(tickets),
        tickets=tickets,
        recent=past.wrote,
        begun=past.began,
        machine=inbound.machine,
        open=at_hours(state, queue, now),
        counted=pace_of(state, inbound, now),
        mismatches=pretended(state, inbound, customer, past.owners),
    )


def at_hours(state: NodeState, queue: QueueName, now: datetime) -> bool | None:
    """Whether the queue is open; ``None`` when it has no hours."""
    known = state.queues.get(queue)
    if known is None or not known.hours:
        return None
    return state.timetable.hours(known.hours).is_open(now)


def with_rules(wish: Wish, then: Then) -> Wish:
    """What the contact asks for, with what the rules decide about it."""
    skills: dict[SkillName, int] = dict(wish.skills)
    for skill, level in then.skills.items():
        skills[skill] = max(level, skills.get(skill, 0))
    priority = wish.priority + (then.priority or 0)
    return replace(
        wish,
        queue=then.queue or wish.queue,
        language=then.language or wish.language,
        skills=skills,
        priority=max(-PRIORITY, min(priority, PRIORITY)),
    )


def greet(
    matter: Matter, door: Outcome, before: Sequence[e.Change], *, fresh: bool
) -> list[e.Change]:
    """What the rules at the door have done besides where the contact goes.

    ``fresh``: the case is new, and has been opened with what they decided about it.
    """
    then = door.then
    doing = Doing(matter, by=RULES, author=SYSTEM, before=before)
    if not fresh:
        doing.header(Then(tags=then.tags, category=then.category, level=then.level))
    if then.note is not None:
        doing.note(then.note)
    if then.tell is not None:
        doing.tell(then.tell, door.who("tell"))
    return doing.changes
