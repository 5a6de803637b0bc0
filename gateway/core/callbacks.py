"""Call-backs: one for each customer and matter, that keeps the place of who waited for it. Pure.

There is no telephone yet: whoever gets such an item calls the number by whatever means the house
has, or answers in the chat or by the mail that it came from, and says how it went.
"""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import get_args

from msgspec.structs import replace

from gateway.core import events as e
from gateway.core.calendars import zone_of
from gateway.core.catalogue import in_words
from gateway.core.errors import Refused
from gateway.core.ids import AgentName, CaseId, ChannelName, Context, QueueName, TicketNumber
from gateway.core.lifecycle import allows
from gateway.core.model import ADDRESSED, Case, ChannelKind, CustomerBrief, Item, ItemState
from gateway.core.opening import open_case
from gateway.core.owed import Callback, Callbacks, CallbackWish, Outcome
from gateway.core.parties import party
from gateway.core.reaching import tell
from gateway.core.state import NodeState
from gateway.core.watch import NOTHING

CHANNEL = ChannelName("callback")
"""The channel of one that no contact came before."""
MOST_AHEAD = timedelta(days=90)
MOST_CHARACTERS = 40
DIGITS = range(5, 21)
_WAITS = frozenset({ItemState.QUEUED, ItemState.OFFERED, ItemState.SCHEDULED, ItemState.HELD})
_WRITTEN = ADDRESSED | {ChannelKind.WEBCHAT}
OUTCOMES: tuple[Outcome, ...] = get_args(Outcome)


def of_case(state: NodeState, case: CaseId) -> Item | None:
    """The call-back that is open for a matter; there never is a second one."""
    return next((i for i in state.items_of_case(case) if i.callback is not None), None)


def rules_of(state: NodeState, queue: QueueName) -> Callbacks:
    known = state.queues.get(queue)
    return known.callbacks if known is not None else Callbacks()


def check_number(number: str) -> str:
    """The number as it is shown and called. Raises ``Refused`` for what is none."""
    plain = " ".join(number.split())
    digits = sum(c.isascii() and c.isdigit() for c in plain)
    allowed = all((c.isascii() and c.isdigit()) or c in "+-/.() " for c in plain)
    if len(plain) > MOST_CHARACTERS or not allowed or digits not in DIGITS:
        raise Refused("bad_field", f"{number[:MOST_CHARACTERS]!r} is no telephone number", "number")
    return plain


def appointed(
    state: NodeState, queue: QueueName, wish: CallbackWish, now: datetime
) -> datetime | None:
    """The time that is asked for, UTC; ``None``: as soon as possible. Raises ``Refused``."""
    if wish.at is None:
        return None
    at = wish.at
    if at.tzinfo is None:
        if not wish.zone:
            raise Refused("bad_field", "say in which time zone, like Europe/Berlin", "zone")
        at = at.replace(tzinfo=zone_of(wish.zone))
    elif wish.zone:
        zone_of(wish.zone)
    try:
        at = at.astimezone(UTC)
    except OverflowError:  # in this zone it lies before the year 1, or after 9999
        raise Refused("bad_field", "there is no such time", "at") from None
    if at <= now:
        raise Refused("bad_field", "the time lies in the past", "at")
    if at - now > MOST_AHEAD:
        raise Refused("bad_field", f"at most {MOST_AHEAD.days} days ahead", "at")
    opens = _opens(state, queue, at)
    if opens is not None:
        local = opens.astimezone(zone_of(wish.zone)) if wish.zone else opens
        raise Refused(
            "bad_field",
            f"nobody is there then; the next time is {local:%Y-%m-%d %H:%M} {wish.zone or 'UTC'}",
            "at",
        )
    return at


def _opens(state: NodeState, queue: QueueName, at: datetime) -> datetime | None:
    """When the queue opens next, if it is closed at that time and ever opens."""
    known = state.queues.get(queue)
    if known is None or not known.hours:
        return None
    hours = state.timetable.hours(known.hours)
    return None if hours.is_open(at) else hours.next_change(at)


def refuse_unless_offered(state: NodeState, queue: QueueName, like: Item | None) -> None:
    """Raises ``Refused`` where customers may not ask for one, or a person is to decide first."""
    if like is not None and like.state is ItemState.SCHEDULED and like.wake_at is None:
        raise Refused("wrong_state", "a person looks at this first")
    if not rules_of(state, queue).offered:
        raise Refused("not_allowed", "call-backs are not offered here")


# -- asking for one -----------------------------------------------------------------------------


def ask(
    state: NodeState,
    ctx: Context,
    case: Case,
    like: Item,
    wish: CallbackWish,
    by: str,
    *,
    replaces: Item | None = None,
    since: datetime | None = None,
) -> tuple[Item, list[e.Change]]:
    """A call-back in a case, or what becomes of the one that there is. Raises ``Refused``.

    ``like`` is the contact that it goes on from; ``replaces`` one that need not wait any more.
    """
    known = of_case(state, case.id)
    if known is not None:
        return known, [*_changed(state, ctx, known, wish, by), *_instead(replaces, known)]
    queue = like.queue if like.queue in state.queues else next(iter(state.queues), like.queue)
    via = like.callback.via if like.callback is not None else like.kind
    place = replaces.queued_at if replaces is not None else since
    callback = replace(
        wished(state, ctx, queue, wish, by, via=via, like=like),
        since=place or ctx.now,
        replaces=replaces.id if replaces is not None else None,
        agent=_caller(state, queue, wish, case),
    )
    clocks = case if replaces is None else replace(case, service=replaces.service)
    _, item, changes = open_case(
        state,
        ctx,
        number=case.number,
        case=clocks,
        channel=like.channel,
        kind=ChannelKind.CALLBACK,
        queue=queue,
        customer=party(case, like.customer),
        subject=like.subject or case.subject,
        address=like.address,
        thread=like.thread,
        language=like.language,
        skills=like.requirement.skills,
        priority=like.priority,
        due_at=callback.at,
        preview=callback.note,
        attributes=like.attributes,
        last_agent=None,
        callback=callback,
        reason=_asked(callback),
    )
    return item, [*changes, *begin(state, ctx, item), *_instead(replaces, item)]


def open_alone(
    state: NodeState,
    ctx: Context,
    wish: CallbackWish,
    by: str,
    *,
    number: TicketNumber,
    queue: QueueName,
    customer: CustomerBrief | None,
    subject: str = "",
    language: str = "",
) -> tuple[Item, list[e.Change]]:
    """One that begins a matter of its own. Raises ``Refused``."""
    callback = wished(state, ctx, queue, wish, by, via=ChannelKind.CALLBACK)
    _, item, changes = open_case(
        state,
        ctx,
        number=number,
        channel=CHANNEL,
        kind=ChannelKind.CALLBACK,
        queue=queue,
        customer=customer,
        subject=subject or "Call-back",
        address="",
        language=language or (customer.language if customer is not None else ""),
        due_at=callback.at,
        preview=callback.note,
        callback=replace(callback, agent=wish.agent),
        reason=_asked(callback),
    )
    return item, [*changes, *begin(state, ctx, item)]


def wished(
    state: NodeState,
    ctx: Context,
    queue: QueueName,
    wish: CallbackWish,
    by: str,
    *,
    via: ChannelKind,
    like: Item | None = None,
) -> Callback:
    """What the item is to be. Raises ``Refused`` for what cannot be done."""
    number = wish.number or (phone_of(like) if like is not None else "")
    if number:
        number = check_number(number)
    elif via not in _WRITTEN:
        raise Refused("bad_field", "give the number to call", "number")
    if wish.agent is not None and wish.agent not in state.profiles:
        raise Refused("not_found", f"there is no agent {wish.agent!r}", "agent")
    return Callback(
        via=via,
        since=ctx.now,
        asked_by=by,
        number=number,
        at=appointed(state, queue, wish, ctx.now),
        zone=wish.zone,
        note=wish.note,
    )


def phone_of(item: Item) -> str:
    """A number that came with a contact; empty if there is none that can be called."""
    for name in ("site_phone", "claimed_phone", "phone"):
        value = item.attributes.get(name)
        if isinstance(value, str) and value:
            try:
                return check_number(value)
            except Refused:
                continue
    return ""


def _caller(state: NodeState, queue: QueueName, wish: CallbackWish, case: Case) -> AgentName | None:
    if wish.agent is not None:
        return wish.agent
    same = rules_of(state, queue).same_agent if wish.same_agent is None else wish.same_agent
    return case.last_agent if same else None


def _asked(callback: Callback) -> str:
    when = "as soon as possible" if callback.at is None else f"at {callback.at:%Y-%m-%d %H:%M} UTC"
    return f"a call-back was asked for by {callback.asked_by}, {when}"


def begin(state: NodeState, ctx: Context, item: Item) -> list[e.Change]:
    """From new to where it waits: in its queue, or asleep until it is time or somebody is there."""
    callback = item.callback
    if callback is None:
        return []
    until = callback.at or _opens(state, item.queue, ctx.now)
    if until is not None:
        return [e.Change(e.ItemScheduled(item=item.id, until=until, reason=_asked(callback)))]
    return [_queued(item, callback, _asked(callback))]


def _queued(item: Item, callback: Callback, reason: str) -> e.Change:
    queued = e.ItemQueued(
        item=item.id, queue=item.queue, reason=reason, restart=True, since=callback.since
    )
    return e.Change(queued)


def _instead(replaced: Item | None, item: Item) -> list[e.Change]:
    """The contact waits no more: the call-back has its place."""
    if replaced is None or replaced.state not in (ItemState.QUEUED, ItemState.OFFERED):
        return []
    if (replaced.watch or NOTHING).holds_reply():
        return []  # it would be lost: a supervisor has it before the customer
    why = f"the customer is called back instead ({item.id})"
    gone = e.ItemCanceled(item=replaced.id, by="customer", reason=why)
    return [*_withdrawn(replaced, why), e.Change(gone)]


def _withdrawn(item: Item, why: str) -> list[e.Change]:
    if item.state is not ItemState.OFFERED or item.offer is None:
        return []
    gone = e.OfferWithdrawn(item=item.id, offer=item.offer.id, agent=item.offer.agent, reason=why)
    return [e.Change(gone)]


def _changed(
    state: NodeState, ctx: Context, item: Item, wish: CallbackWish, by: str
) -> list[e.Change]:
    """Asked for again: it stays the same one, at the time and number that were said last."""
    old = item.callback
    if old is None:
        return []
    fresh = wished(state, ctx, item.queue, wish, by, via=old.via, like=item)
    new = replace(
        old,
        number=fresh.number or old.number,
        at=fresh.at,
        zone=fresh.zone or old.zone,
        note=fresh.note or old.note,
        agent=wish.agent or old.agent,
    )
    told = e.CallbackChanged(item=item.id, callback=new, by=by, reason=_asked(fresh))
    changes = [e.Change(told)] if new != old else []
    if item.state not in _WAITS:
        return changes
    if new.at is None and item.state not in (ItemState.SCHEDULED, ItemState.HELD):
        return changes
    if new == old and item.state is ItemState.SCHEDULED and new.at is not None:
        return changes
    changes += _withdrawn(item, "it is to be at another time")
    if item.state is ItemState.HELD:
        changes.append(_queued(item, new, _asked(fresh)))
    return [*changes, *begin(state, ctx, replace(item, callback=new))]


# -- what becomes of it -------------------------------------------------------------------------


def time_has_come(state: NodeState, ctx: Context, item: Item) -> e.Change:
    """What wakes it puts it where it waited before; not while nobody is there."""
    callback = item.callback
    opens = _opens(state, item.queue, ctx.now)
    if callback is None or opens is None or item.state is not ItemState.SCHEDULED:
        since = callback.since if callback is not None else None
        why = "the time for the call-back has come"
        queued = e.ItemQueued(item=item.id, queue=item.queue, reason=why, restart=True, since=since)
        return e.Change(queued)
    why = "nobody is there now: the queue is closed"
    return e.Change(e.ItemScheduled(item=item.id, until=opens, reason=why))


def canceled(
    state: NodeState, items: Iterable[Item], why: str
) -> tuple[list[e.Change], datetime | None]:
    """The customer is here again and need not be called; and the place that they have kept."""
    changes: list[e.Change] = []
    since: datetime | None = None
    for item in items:
        callback = item.callback
        if callback is None or item.state not in _WAITS:
            continue
        if not rules_of(state, item.queue).cancel_on_return:
            continue
        if (item.watch or NOTHING).holds_reply():
            continue  # likewise
        since = callback.since
        changes += _withdrawn(item, why)
        changes.append(e.Change(e.ItemCanceled(item=item.id, by="system", reason=why)))
    return changes, since


def taken_back(state: NodeState, case: CaseId) -> list[e.Change]:
    """The customer does not want to be called any more. Raises ``Refused``."""
    item = of_case(state, case)
    if item is None:
        raise Refused("not_found", "nobody was to call")
    if item.state not in _WAITS:
        raise Refused("wrong_state", "somebody is calling just now")
    if (item.watch or NOTHING).holds_reply():
        raise Refused("wrong_state", "a reply waits to be looked at")
    why = "the customer does not want to be called any more"
    gone = e.ItemCanceled(item=item.id, by="customer", reason=why)
    return [*_withdrawn(item, why), e.Change(gone)]


def concluded(
    state: NodeState, ctx: Context, case: Case, item: Item, code: str, agent: AgentName
) -> list[e.Change]:
    """An attempt has ended like that: the item too, or it is tried again. Raises ``Refused``."""
    callback = item.callback
    if callback is None:
        return []
    outcome = next((known for known in OUTCOMES if known == code), None)
    if outcome is None:
        raise Refused("bad_frame", f"say how it went: {', '.join(OUTCOMES)}", "code")
    rules, attempt = rules_of(state, item.queue), callback.attempts + 1
    of = f"attempt {attempt} of {rules.most_attempts}"
    tried = e.CallbackTried(
        item=item.id,
        case=case.id,
        queue=item.queue,
        agent=agent,
        outcome=outcome,
        attempt=attempt,
        reason=of,
    )
    changes = [e.Change(tried)]
    if outcome == "not_reached" and attempt < rules.most_attempts:
        if not allows(item.state, e.ItemScheduled):
            raise Refused("wrong_state", f"the item is {item.state.value}; resume it", "item")
        until = ctx.now + timedelta(seconds=rules.again_seconds)
        until = _opens(state, item.queue, until) or until
        again = e.ItemScheduled(item=item.id, until=until, reason=f"not reached, {of}")
        return [*changes, e.Change(again)]
    if outcome != "reached":
        text = in_words(rules.message, "call_missed", item.language)
        text = text.replace("{attempts}", str(attempt))
        changes += tell(state, ctx, case, item, text)
    done = e.ItemCompleted(item=item.id, agent=agent, code=outcome, reason=f"{outcome}, {of}")
    return [*changes, e.Change(done)]
