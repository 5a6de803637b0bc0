"""What an inbound becomes: a message in a case, and a work item made or woken.

The pure half of intake's second step; the flow looks up ``Known`` and records the changes.
"""

from datetime import timedelta

from msgspec import UNSET
from msgspec.structs import replace

from gateway.core import events as e
from gateway.core.arrival import at_the_door, with_rules
from gateway.core.asking import waiting_again
from gateway.core.bounces import Report, written_from
from gateway.core.bounces import heed as heed_report
from gateway.core.callbacks import (
    ask,
    begin,
    of_case,
    refuse_unless_offered,
    taken_back,
    wished,
)
from gateway.core.copies import copied
from gateway.core.correlate import Join, correlate, referring
from gateway.core.effects import Matter
from gateway.core.errors import Refused
from gateway.core.frontdoor import Wish, classify
from gateway.core.ids import Context, MessageId
from gateway.core.inbound import Decided, Inbound, kept_aside
from gateway.core.known import Known as Known
from gateway.core.known import Outcome, finish
from gateway.core.letting_know import let_know
from gateway.core.meeting import Word, answered_or_woken, heeded, met, thread_of
from gateway.core.messages import preview_of
from gateway.core.model import (
    Case,
    ChannelKind,
    Item,
    ItemState,
    Message,
)
from gateway.core.open_matters import joined, queue_there
from gateway.core.opening import open_case
from gateway.core.opting import about_texts
from gateway.core.owed import Callback, CallbackWish
from gateway.core.parties import author_of, goes_on_from, is_guest, party
from gateway.core.recipients import Way, first_way, next_way
from gateway.core.returning import came_back, open_item, or_called, speaks_for_itself
from gateway.core.rules.run import Outcome as Looked
from gateway.core.silence import heard, signs
from gateway.core.state import NodeState
from gateway.core.waking import reopened, wake


def decide(state: NodeState, ctx: Context, inbound: Inbound, known: Known) -> Outcome:
    """The changes for one inbound, the inbox row's end among them."""
    if (aside := kept_aside(inbound, len(known.attachments))) is not None:
        return finish(known, aside)
    amends = inbound.amend is not None
    if inbound.sign or inbound.rating or amends or inbound.attributes.get("chat") == "ended":
        return _no_word(state, ctx, inbound, known)
    if known.report is not None:
        return _reported(state, ctx, inbound, known, known.report)
    if known.found.copy_of is not None and known.found.copied is not None:
        copy = copied(state, inbound, known.found.copy_of, known.found.copied)
        return finish(known, *copy)
    who = known.customer.id if known.customer is not None else None
    join = correlate(known.found, inbound, customer=who, now=ctx.now)
    changes: list[e.Change] = []
    join = or_called(state, inbound, known.customer, join)
    if (wished := _wished(state, ctx, inbound, known, join)) is not None:
        return wished
    door: Looked | None = None
    if join.case is None:
        queue = inbound.queue or known.default_queue
        door = at_the_door(state, inbound, known.customer, queue, known.past, ctx.now)
        join = joined(state, inbound, known.customer, door, join, ctx.now)
    case, item = join.case, open_item(state, join.case, inbound, known.customer)
    if door is not None and item is not None and item.channel != inbound.channel:
        item = None  # it goes on where the customer is now
    gone, since = came_back(state, inbound, case, item, known.customer)
    made = case is None or item is None
    if case is None or item is None:
        case, item, changes, door = _new_item(state, ctx, inbound, known, join, door=door)
    hush = signs(state, inbound, fresh=join.case is None and join.follows is None)
    way, guest = _whom(state, inbound, known, case, item, made=made)
    message, said = _said(
        ctx, inbound, known, case, item, reason=join.reason, way=way, hush=hush, guest=guest
    )
    # What keeps it back follows the word: with that comes the header that desktops show it with.
    kept = [c for c in changes if type(c.event) is e.ItemScheduled]
    changes = [c for c in changes if c not in kept]
    woken = wake(item, case, "the customer wrote", since)
    so = heard(item, hush, automatic=speaks_for_itself(inbound), guest=guest)
    matter = Matter(state, ctx, case, so)
    if made and door is not None:
        now = met(matter, inbound, join, door, Word(said, kept, [*woken, *gone], gone, since))
    else:
        now = [said, *kept, *answered_or_woken(matter, inbound, said, woken), *gone]
        now += heeded(matter, inbound, door, known.past, known.customer, now)
    changes += now
    changes += written_from(state, inbound, item)
    decided = Decided(
        status="processed",
        case=case.id,
        item=item.id,
        number=case.number,
        message=message.id,
        seq=message.seq,
        reason=join.reason,
    )
    return finish(known, decided, changes)


def _wished(
    state: NodeState, ctx: Context, inbound: Inbound, known: Known, join: Join
) -> Outcome | None:
    """What the customer wants of us besides an answer: a call, or no more texts."""
    if (opted := about_texts(state, ctx, inbound, known.customer, join.case)) is not None:
        return finish(known, *opted)
    if inbound.callback is not None:
        return _call_back(state, ctx, inbound, known, join, inbound.callback)
    return None


def _call_back(
    state: NodeState,
    ctx: Context,
    inbound: Inbound,
    known: Known,
    join: Join,
    wish: CallbackWish,
) -> Outcome:
    """The customer asks to be called; who waits for that waits here no more."""
    case, changes = join.case, list[e.Change]()
    if wish.cancel:
        return _not_called(state, known, case)
    try:
        like = open_item(state, case, inbound, known.customer)
        first: list[e.Change] = []
        if like is not None:
            like, first = waiting_again(like, "the customer asks for a call")
        if like is None and case is not None:
            like = of_case(state, case.id)
        queue = inbound.queue or known.default_queue if like is None else like.queue
        refuse_unless_offered(state, queue, like)
        if case is None or like is None:
            callback = wished(state, ctx, queue, wish, "customer", via=inbound.kind)
            case, item, changes, _ = _new_item(state, ctx, inbound, known, join, callback=callback)
            kept = item.state is ItemState.SCHEDULED
            changes += [] if kept else begin(state, ctx, item)
        else:
            waits = like.state in (ItemState.QUEUED, ItemState.OFFERED) and like.callback is None
            replaces = like if waits else None
            item, changes = ask(state, ctx, case, like, wish, "customer", replaces=replaces)
            changes = [*first, *changes]
    except Refused as refused:
        number = case.number if case is not None else None
        return finish(known, Decided(status="ignored", number=number, reason=refused.detail))
    # Before the contact that is replaced ends, or the case would end with it.
    way = Way(inbound.address, inbound.copies)
    message, said = _said(ctx, inbound, known, case, item, reason=join.reason, way=way)
    opened = [c for c in changes if isinstance(c.event, e.CaseOpened | e.ItemCreated)]
    rest = [c for c in changes if c not in opened] + reopened(case, "the customer asks for a call")
    decided = Decided(
        status="processed",
        case=case.id,
        item=item.id,
        number=case.number,
        message=message.id,
        seq=message.seq,
        reason=join.reason,
    )
    return finish(known, decided, [*opened, said, *rest])


def _not_called(state: NodeState, known: Known, case: Case | None) -> Outcome:
    """The customer has thought better of it: nothing is said, and the call is off."""
    if case is None:
        return finish(known, Decided(status="ignored", reason="nobody was to call"))
    try:
        changes = taken_back(state, case.id)
    except Refused as refused:
        return finish(known, Decided(status="ignored", number=case.number, reason=refused.detail))
    why = "the call-back was taken back"
    decided = Decided(status="processed", case=case.id, number=case.number, reason=why)
    return finish(known, decided, changes)


def _new_item(
    state: NodeState,
    ctx: Context,
    inbound: Inbound,
    known: Known,
    join: Join,
    *,
    door: Looked | None = None,
    callback: Callback | None = None,
) -> tuple[Case, Item, list[e.Change], Looked]:
    queue = inbound.queue or known.default_queue
    if door is not None and join.case is not None:
        queue = queue_there(state, join.case.id) or queue
    if door is None:
        door = at_the_door(state, inbound, known.customer, queue, known.past, ctx.now)
    before = goes_on_from(join.case, known.last, known.customer)
    way = _way(state, inbound, known, before)
    way = way or (Way(before.address, before.copies) if before is not None else Way(""))
    wish = Wish(
        queue=queue,
        language=inbound.language,
        skills=inbound.skills,
        priority=inbound.priority,
    )
    then = door.then
    wish = with_rules(wish, then)
    route = classify(state, wish)
    due_at = inbound.due_at
    if due_at is None and then.due_seconds is not None:
        due_at = ctx.now + timedelta(seconds=then.due_seconds)
    preview = preview_of(inbound.body, known.attachments)
    case, item, changes = open_case(
        state,
        ctx,
        number=known.number,
        case=join.case,
        follows=join.follows.id if join.follows else None,
        channel=inbound.channel,
        kind=inbound.kind if callback is None else ChannelKind.CALLBACK,
        queue=route.queue,
        # Whoever writes in a case, it stays its customer's.
        customer=party(join.case, known.customer),
        subject=inbound.subject or preview[:80],
        address=way.address,
        copies=way.copies,
        language=wish.language,
        skills=route.skills,
        priority=route.priority,
        due_at=due_at,
        category=inbound.category or then.category or "",
        preview=preview,
        attributes=inbound.attributes | referring(join),
        level=then.level or 1,
        tags=then.tags,
        reason="; ".join(filter(None, (join.reason, door.reason, route.reason))),
        asked=not speaks_for_itself(inbound),
        callback=callback,
        ruled_by=door.who("queue"),
    )
    if then.hold is not None:
        kept = e.ItemScheduled(item=item.id, until=None, reason=then.hold)
        changes.append(e.Change(kept))
        item = replace(item, state=ItemState.SCHEDULED)
    return case, item, changes, door


def _way(state: NodeState, inbound: Inbound, known: Known, before: Item | None) -> Way | None:
    """Where answers go from now on; ``before``: the work that they went by so far."""
    if before is None:
        return first_way(state, inbound)
    return next_way(state, inbound, before, known.found.participants)


def _whom(
    state: NodeState, inbound: Inbound, known: Known, case: Case, item: Item, *, made: bool
) -> tuple[Way | None, bool]:
    """Where answers go from now on; and whether that is somebody else than the customer."""
    before = goes_on_from(case, known.last, known.customer) if made else item
    way = Way(item.address, item.copies) if made else _way(state, inbound, known, item)
    address = way.address if way is not None else item.address
    return way, is_guest(case, inbound, known.customer, before, address)


def _said(
    ctx: Context,
    inbound: Inbound,
    known: Known,
    case: Case,
    item: Item,
    *,
    reason: str,
    way: Way | None,
    hush: str = "",
    guest: bool = False,
) -> tuple[Message, e.Change]:
    """``reason`` is why it is in the case; ``way``, where answers go from now on."""
    message = Message(
        id=MessageId(ctx.new_id()),
        case=case.id,
        seq=case.last_seq + 1,
        direction="in",
        author=author_of(inbound),
        at=inbound.at,
        channel=inbound.channel,
        kind=inbound.kind,
        item=item.id,
        body=inbound.body,
        html=inbound.html,
        fold_from=inbound.fold_from,
        subject=inbound.subject,
        to=inbound.to,
        cc=inbound.copies,
        attachments=known.attachments,
        external_id=inbound.external_id,
        client_id=inbound.client_id,
        mark=inbound.mark or UNSET,
        signs=inbound.signs or UNSET,
    )
    # A mail in the case of a task does not change where the task's answer goes.
    mails = inbound.kind is item.kind is ChannelKind.EMAIL
    if way is None or not (mails or inbound.channel == item.channel):
        way, thread = Way(""), None
    else:
        thread = thread_of(inbound)
    added = e.MessageAdded(
        message=message.id,
        case=case.id,
        seq=message.seq,
        direction="in",
        item=item.id,
        customer=case.customer.id if case.customer else None,
        thread=thread,
        address=way.address or None,
        copies=way.copies if way.address else None,
        preview=preview_of(inbound.body, known.attachments),
        reason="; ".join(filter(None, (reason, way.note))),
        automatic=speaks_for_itself(inbound),
        hush=hush,
        guest=guest,
    )
    return message, e.Change(added, (message,))


def _reported(
    state: NodeState, ctx: Context, inbound: Inbound, known: Known, report: Report
) -> Outcome:
    """A mail server tells what became of a message of ours."""
    changes, note, item, reason = heed_report(
        state, ctx, inbound, report, known.attachments, known.default_queue
    )
    decided = Decided(
        status="processed",
        case=report.case.id,
        item=item.id if item else None,
        number=report.case.number,
        message=note.id if note else None,
        seq=note.seq if note else None,
        reason=reason,
    )
    return finish(known, decided, changes)


def _no_word(state: NodeState, ctx: Context, inbound: Inbound, known: Known) -> Outcome:
    """What the customer lets us know of a conversation, and nobody has to answer."""
    case = known.found.conversation
    if case is None:
        return finish(known, Decided(status="ignored", reason="no such conversation"))
    try:
        reason, changes = let_know(
            state, ctx, case, inbound, customer=known.customer, message=known.amended
        )
    except Refused as refused:
        return finish(known, Decided(status="ignored", number=case.number, reason=refused.detail))
    decided = Decided(
        status="processed",
        case=case.id,
        number=case.number,
        seq=known.amended.seq if known.amended is not None else None,
        reason=reason,
    )
    return finish(known, decided, changes)
