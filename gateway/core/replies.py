"""What one of us writes to a customer, and what becomes of it: it leaves, or waits to be read.

A reply that a rule holds back is kept in the case as a note and leaves only when a supervisor has
released it: until then it has no place among the messages that the customer sees. Pure.
"""

from typing import Literal

from msgspec import Struct
from msgspec.structs import replace

from gateway.core import events as e
from gateway.core.effects import Doing, Matter, values_of
from gateway.core.errors import Refused
from gateway.core.ids import AgentName
from gateway.core.letters import Written, written
from gateway.core.messages import add_message
from gateway.core.model import Attachment, Author, CaseStatus, Item, ItemState, Message
from gateway.core.reaching import answering
from gateway.core.scrutiny import RULES, SYSTEM, heed, of_ours
from gateway.core.stopping import refuse_stopped
from gateway.core.waking import reopened
from gateway.core.watch import NOTHING, Review, Verdict

AfterIt = Literal["wait", "close"] | None


class Reply(Struct, frozen=True, kw_only=True):
    """What is to be written, and to whom; ``quoted`` is the mail that goes below it.

    ``copies``: who is to be copied from now on.
    """

    body: str
    html: str | None = None
    subject: str = ""
    to: tuple[str, ...] = ()
    cc: tuple[str, ...] = ()
    copies: tuple[str, ...] | None = None
    attachments: tuple[Attachment, ...] = ()
    client_id: str = ""
    quoted: Message | None = None
    fold_from: int = 0


class Spoken(Struct, frozen=True, kw_only=True):
    """``held``: why it has not left; empty: it has."""

    message: Message
    changes: list[e.Change]
    held: str = ""


def speak(matter: Matter, reply: Reply, author: Author, then: AfterIt = None) -> Spoken:
    """Write to the customer, as far as the house's rules let it leave.

    The rules look at what was written, not at what stands around it.
    """
    own, reply = reply.body, _whole(matter, reply)
    message, changes = _said(matter, reply, author, "out")
    found = of_ours(matter, "reply", replace(message, body=own))
    why = found.then.hold
    if why is None:
        changes += heed(matter, found, "reply", changes)
        return Spoken(message=message, changes=changes)
    message, changes = _said(matter, reply, author, "note")
    changes += heed(matter, found, "reply", changes)
    doing = Doing(matter, by=RULES, author=SYSTEM, before=changes)
    agent = AgentName(author.id)
    rule = found.who("hold")
    doing.tell(why, rule, message=message, agent=agent, then=then)
    _set_aside(doing, agent, then, why)
    return Spoken(message=message, changes=changes + doing.changes, held=why)


def _whole(matter: Matter, reply: Reply) -> Reply:
    """As it leaves: with the queue's letter, and the mail that it answers."""
    said = Written(body=reply.body, html=reply.html, fold_from=reply.fold_from)
    values = values_of(matter.state, matter.case, matter.item)
    whole = written(matter.state, matter.item, said, values, quoted=reply.quoted)
    return replace(reply, body=whole.body, html=whole.html, fold_from=whole.fold_from)


def _said(
    matter: Matter, reply: Reply, author: Author, direction: Literal["out", "note"]
) -> tuple[Message, list[e.Change]]:
    return add_message(
        matter.ctx,
        matter.case,
        matter.item,
        direction=direction,
        author=author,
        body=reply.body,
        html=reply.html,
        subject=reply.subject,
        to=reply.to,
        cc=reply.cc,
        copies=reply.copies,
        attachments=reply.attachments,
        client_id=reply.client_id,
        fold_from=reply.fold_from,
    )


def _set_aside(doing: Doing, agent: AgentName, then: AfterIt, why: str) -> None:
    """Who is done with the item need not keep it in hand meanwhile; wrap-up must not end it."""
    item = doing.item
    if item.state is ItemState.WRAPPING:
        doing.add(e.ItemAssigned(item=item.id, agent=agent, by=RULES, reason=why))
    if then is not None or item.state is ItemState.WRAPPING:
        doing.add(e.ItemHeld(item=item.id, reason=f"the reply is to be looked at: {why}"))


def refuse_unseen(item: Item) -> None:
    """Raises ``Refused`` while a reply of it waits to be looked at, which would be lost."""
    if item.watch is not None and item.watch.holds_reply():
        raise Refused(
            "wrong_state", "a reply waits to be looked at: it is released or refused first", "item"
        )


def refuse_kept_back(item: Item) -> None:
    """Raises ``Refused`` for what a rule keeps from being worked on until somebody has looked."""
    if item.state is ItemState.SCHEDULED and item.wake_at is None:
        raise Refused("wrong_state", "a supervisor looks at this first", "item")


def refuse_own(writer: str | None, by: str) -> None:
    """Raises ``Refused`` where who wrote what a rule holds back would release it themselves."""
    if writer == by:
        raise Refused("not_allowed", "you wrote it yourself: another supervisor releases it", "id")


def review_of(item: Item, review: str) -> Review:
    """Raises ``Refused`` if there is none such (any more)."""
    found = (item.watch or NOTHING).review(review)
    if found is None:
        raise Refused("not_found", "nothing by that id waits to be looked at", "review")
    return found


def conclude(
    matter: Matter,
    review: Review,
    verdict: Verdict,
    by: str,
    reason: str,
    message: Message | None,
) -> list[e.Change]:
    """What a supervisor's verdict does; ``message`` is the reply as it was written.

    Raises ``Refused``.
    """
    item, case = matter.item, matter.case
    if (review.message is None) != (verdict == "seen"):
        may = "seen" if review.message is None else "released or refused"
        raise Refused("bad_field", f"this can be {may}", "verdict")
    if review.message is not None and message is None:
        raise Refused("wrong_state", "what was written is not there any more: refuse it", "review")
    refuse_own(review.agent if verdict == "released" else None, by)
    doing = Doing(matter, by=by, author=SYSTEM)
    doing.add(
        e.ReviewEnded(
            item=item.id, case=case.id, review=review.id, verdict=verdict, by=by, reason=reason
        )
    )
    if verdict == "released" and message is not None:
        _release(matter, doing, review, message, by)
    elif verdict == "refused":
        words = f"{by} refused the reply: {reason}" if reason else f"{by} refused the reply"
        doing.note(words)
        if item.state is ItemState.HELD:
            doing.add(e.ItemQueued(item=item.id, queue=item.queue, reason=words))
            doing.changes += reopened(doing.case, words)
    return doing.changes


def _release(matter: Matter, doing: Doing, review: Review, message: Message, by: str) -> None:
    reply = Reply(
        body=message.body,
        html=message.html,
        subject=message.subject,
        to=message.to,
        cc=message.cc,
        attachments=message.attachments,
        fold_from=message.fold_from,
    )
    so_far = replace(matter, case=doing.case, item=answering(doing.item))
    refuse_stopped(matter.state, so_far.item.kind, reply.to)
    _, said = _said(so_far, reply, message.author, "out")
    doing.changes += said
    doing.follow(said)
    if review.then == "wait" and doing.case.status is CaseStatus.OPEN:
        doing.add(e.CaseChanged(case=doing.case.id, by=by, status=CaseStatus.WAITING))
    if review.then == "close" and doing.item.state is ItemState.HELD:
        _close(matter, doing, review.agent, f"answered; released by {by}")


def _close(matter: Matter, doing: Doing, agent: AgentName | None, why: str) -> None:
    """As its agent wanted: with the wrap-up that is due, if they are there to do it."""
    item = doing.item
    queue = matter.state.queues.get(item.queue)
    status = matter.state.statuses.get(agent) if agent is not None else None
    due = queue is not None and (queue.wrapup_required or item.callback is not None)
    if agent is not None and due and status is not None and status.tabs:
        doing.add(e.ItemAssigned(item=item.id, agent=agent, by=RULES, reason=why))
        doing.add(e.WrapUpStarted(item=item.id, agent=agent, reason=why))
    elif item.callback is None:
        doing.add(e.ItemCompleted(item=item.id, agent=agent, reason=why))
