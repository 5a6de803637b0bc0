"""A customer who has something open: how it stands, and a new contact that belongs to it. Pure.

Only who has proven who they are is told of it, and only their contact is joined to it.
"""

from collections.abc import Sequence
from datetime import datetime

from gateway.core import events as e
from gateway.core.calendars import zone_of
from gateway.core.catalogue import our_words, whole
from gateway.core.correlate import Join
from gateway.core.effects import Doing, Matter
from gateway.core.errors import Refused
from gateway.core.ids import CaseId, QueueName
from gateway.core.inbound import Inbound
from gateway.core.model import ChannelKind, CustomerBrief, Item, ItemState
from gateway.core.pending import pending
from gateway.core.returning import speaks_for_itself
from gateway.core.rules.run import Outcome
from gateway.core.rules.status import told
from gateway.core.rules.tickets import Standing, Ticket, about
from gateway.core.scrutiny import RULES, SYSTEM, new_words
from gateway.core.service_level import awaits_customer
from gateway.core.state import NodeState

_WORKING = frozenset({ItemState.ASSIGNED, ItemState.WRAPPING})
_ORDER: tuple[Standing, ...] = ("promised", "calling", "working", "waiting", "yours")
"""Of several things that are open in a matter, the first of these is what is told."""


def tickets_of(state: NodeState, customer: CustomerBrief | None, now: datetime) -> list[Ticket]:
    """What is open of this customer, the matter that changed last first."""
    if customer is None:
        return []
    cases = {item.case for item in state.items_of_customer(customer.id)}
    newest = sorted(
        (state.cases[case] for case in cases),
        key=lambda case: (case.changed_at or case.opened_at, case.number),
        reverse=True,
    )
    return [ticket_of(state, case.id, now) for case in newest]


def ticket_of(state: NodeState, case_id: CaseId, now: datetime) -> Ticket:
    """How a matter stands of which something is open."""
    case = state.cases[case_id]
    found = [_item(state, item, now) for item in state.items_of_case(case_id)]
    first = min(found, key=lambda one: _ORDER.index(one.standing), default=Ticket(number=0))
    return Ticket(
        number=case.number,
        subject=case.subject,
        standing=first.standing,
        text=first.text,
        by=first.by,
        zone=first.zone,
    )


def _item(state: NodeState, item: Item, now: datetime) -> Ticket:
    standing, by, text = _standing(item)
    if by is not None and by <= now:
        by = None  # what has passed is no news
        standing = "working" if standing == "promised" else standing
    zone = zone_name(state, item.queue)
    return Ticket(number=item.number, standing=standing, by=by, text=text, zone=zone)


def _standing(item: Item) -> tuple[Standing, datetime | None, str]:
    if item.state in _WORKING:
        return "working", None if item.answered_at else item.due_at, ""
    if item.promise is not None:
        return "promised", item.promise.due_at, item.promise.text
    if item.callback is not None:
        return "calling", item.callback.at, ""
    if pending(item) is not None:
        return "yours", None, ""
    if item.state is ItemState.HELD:
        return ("yours" if awaits_customer(item) else "working"), None, ""
    return "waiting", item.due_at, ""


def zone_name(state: NodeState, name: QueueName) -> str:
    """The time zone (IANA) of a queue's hours; one without has UTC."""
    queue = state.queues.get(name)
    calendar = state.timetable.calendars.get(queue.hours) if queue and queue.hours else None
    if calendar is None:
        return "UTC"
    try:
        return str(zone_of(calendar.zone))
    except Refused:
        return "UTC"


def joined(
    state: NodeState,
    inbound: Inbound,
    customer: CustomerBrief | None,
    door: Outcome,
    join: Join,
    now: datetime,
) -> Join:
    """The open matter that a contact belongs to by a rule; ``join``, where there is none such.

    A chat goes over to no matter that is older than its conversation: its window does not go back.
    """
    if join.case is not None or not door.then.join or speaks_for_itself(inbound):
        return join
    rule = door.who("join")
    found = about(tickets_of(state, customer, now), inbound.subject, new_words(inbound))
    for item in state.items_of_customer(customer.id) if customer is not None else ():
        if item.number != found.number:
            continue
        if inbound.conversation is not None and item.case < inbound.conversation:
            break
        return Join(case=state.cases[item.case], reason=f"rule {rule!r}: {found.why}")
    return Join(
        reason=f"{join.reason}; rule {rule!r} joins nothing: {found.why}", follows=join.follows
    )


def queue_there(state: NodeState, case: CaseId) -> QueueName | None:
    """Where what is open of the matter waits or waited: there it is known."""
    items = state.talks_of_case(case) or state.items_of_case(case)
    return items[-1].queue if items else None


def tell(
    matter: Matter, inbound: Inbound, outcome: Outcome, before: Sequence[e.Change]
) -> list[e.Change]:
    """How the matter stands that the customer has just written in, if a rule tells them.

    It keeps nothing back: a person reads what was written.
    """
    status = outcome.then.status
    if status is None or speaks_for_itself(inbound):
        return []
    doing = Doing(matter, by=RULES, author=SYSTEM, before=before)
    ticket = ticket_of(matter.state, matter.case.id, matter.ctx.now)
    if ticket.standing == "yours":  # they have just answered
        ticket = Ticket(number=ticket.number, subject=ticket.subject, zone=ticket.zone)
    language = matter.item.language
    one = told(status, [ticket], language, fill=doing.filled)
    if one is None or doing.why_silent():
        return []
    chat = matter.item.kind is ChannelKind.WEBCHAT
    added = our_words("joined", whole(language))
    doing.say(f"{one.text}\n\n{added}", one.labels[-1:] if chat else ())
    return doing.changes
