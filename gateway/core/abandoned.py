"""Who left before the first answer, and what the queue's rule has follow. Pure."""

from gateway.core import events as e
from gateway.core.callbacks import ask, phone_of
from gateway.core.errors import Refused
from gateway.core.ids import Context
from gateway.core.messages import add_message
from gateway.core.model import Author, Case, ChannelKind, Item, ItemState
from gateway.core.opening import open_case
from gateway.core.owed import Abandoned, Answered, CallbackWish
from gateway.core.reaching import by_mail, nearest, tell
from gateway.core.state import NodeState

BY = "abandoned"
_Done = tuple[list[e.Change], str]


def answer(state: NodeState, item: Item, ctx: Context) -> list[e.Change]:
    """What follows from an item that has just ended as abandoned."""
    queue, case = state.queues.get(item.queue), state.cases.get(item.case)
    owed = item.callback is not None or item.promise is not None
    if item.state is not ItemState.ABANDONED or item.answered_at is not None or owed:
        return []
    if queue is None or case is None:
        return []
    left_at = ctx.now if item.gone is None else item.gone.since
    waited = max(0.0, (left_at - (item.queued_at or item.created_at)).total_seconds())
    rules, then = queue.abandoned, queue.abandoned.then
    changes: list[e.Change] = []
    if waited < rules.after:
        then, why = "ignore", f"left within {rules.after:g} s"
    else:
        changes, why = _done(state, case, item, rules, ctx, waited)
        if not changes:
            then = "ignore"
    told = e.AbandonmentAnswered(
        item=item.id,
        case=item.case,
        queue=item.queue,
        then=then,
        waited=round(waited, 3),
        reason=why,
    )
    return [e.Change(told), *changes]


def _done(
    state: NodeState, case: Case, item: Item, rules: Abandoned, ctx: Context, waited: float
) -> _Done:
    how: Answered = rules.then
    match how:
        case "ignore":
            return [], "as the queue has it"
        case "message":
            return _written(state, case, item, rules, ctx)
        case "recovery":
            return _to_win_back(state, case, item, rules, ctx, waited)
        case "callback":
            return _to_call(state, case, item, ctx)


def _written(state: NodeState, case: Case, item: Item, rules: Abandoned, ctx: Context) -> _Done:
    text = nearest(rules.message, item.language)
    if not text:
        return [], "there is no text for a message"
    if by_mail(state, item) is None:
        return [], "no mail address is known"
    return tell(state, ctx, case, item, text), "a mail was sent"


def _to_win_back(
    state: NodeState, case: Case, item: Item, rules: Abandoned, ctx: Context, waited: float
) -> _Done:
    """A task, where what there is to know stands in the case."""
    queue = rules.queue if rules.queue in state.queues else item.queue
    _, task, changes = open_case(
        state,
        ctx,
        number=case.number,
        case=case,
        channel=item.channel,
        kind=ChannelKind.TASK,
        queue=queue,
        customer=item.customer,
        subject=rules.title,
        address="",
        language=item.language,
        skills=item.requirement.skills,
        preview=item.preview,
        attributes=item.attributes,
        reason="the customer gave up waiting",
    )
    body = f"The customer left queue {item.queue!r} after {waited:.0f} s without an answer."
    _, noted = add_message(
        ctx, case, task, direction="note", author=Author(kind="system"), body=body
    )
    why = "a task that wins the customer back"
    waits = e.ItemQueued(item=task.id, queue=queue, reason=why)
    return [*changes, *noted, e.Change(waits)], why


def _to_call(state: NodeState, case: Case, item: Item, ctx: Context) -> _Done:
    """A call-back in the place that the customer had; by mail where there is no number."""
    number, like = phone_of(item), item
    if not number:
        mail = by_mail(state, item)
        if mail is None:
            return [], "neither a number nor a mail address is known"
        like = mail
    wish = CallbackWish(number=number)
    try:
        _, changes = ask(state, ctx, case, like, wish, BY, since=item.queued_at)
    except Refused as refused:
        return [], refused.detail
    return changes, "a call-back"
