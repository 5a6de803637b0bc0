"""What a customer says of how it went. Pure."""

from datetime import datetime, timedelta

from gateway.core import events as e
from gateway.core.courtesy import CHANGE_DAYS
from gateway.core.ids import Context, CustomerId, MessageId
from gateway.core.inbound import Inbound
from gateway.core.messages import preview_of
from gateway.core.model import Author, Case, CaseStatus, ChannelKind, Message

HIGHEST = 5
SATISFIED = 4
"""Who gives so much, or more, is content."""


def stars(score: int) -> str:
    """A score as everybody reads it, in no language."""
    return "★" * score + "☆" * (HIGHEST - score)


def may_rate(case: Case, now: datetime) -> bool:
    """Whether it can be: it is solved, and a score that was given is not too old to be changed."""
    if case.status not in (CaseStatus.SOLVED, CaseStatus.CLOSED):
        return False
    rated_at = case.solving.rated_at if case.solving is not None else None
    return rated_at is None or now - rated_at <= timedelta(days=CHANGE_DAYS)


def may_be_rated_by(case: Case, customer: CustomerId | None) -> bool:
    """Whether a score of theirs is about this case, and not about what was merged into it."""
    others = case.ties.others() if case.ties is not None else frozenset[CustomerId]()
    return customer not in others


def unrated(case: Case, inbound: Inbound, customer: CustomerId | None, now: datetime) -> str:
    """Why a score counts for nothing; empty: it counts.

    The survey of a chat comes when the chat has ended, while its agent may still write it up.
    """
    if not may_be_rated_by(case, customer):
        return "it is the case of another customer"
    if inbound.kind is ChannelKind.WEBCHAT and not inbound.attributes.get("ticket_page"):
        return ""
    return "" if may_rate(case, now) else "it is not solved, or its score stands by now"


def rated(ctx: Context, case: Case, inbound: Inbound, author: Author) -> list[e.Change]:
    """The score on the case, and a message with the words that came with it.

    Nobody has to answer it: it wakes nothing and starts no clock. The same score again without a
    word is no news.
    """
    score, words = min(max(inbound.rating, 1), HIGHEST), inbound.body.strip()
    if score == case.rating and not words:
        return []
    body = f"{stars(score)}\n{words}".rstrip()
    message = Message(
        id=MessageId(ctx.new_id()),
        case=case.id,
        seq=case.last_seq + 1,
        direction="in",
        author=author,
        at=inbound.at,
        channel=inbound.channel,
        kind=inbound.kind,
        body=body,
        client_id=inbound.client_id,
    )
    said = e.MessageAdded(
        message=message.id,
        case=case.id,
        seq=message.seq,
        direction="in",
        customer=case.customer.id if case.customer else None,
        preview=preview_of(body),
        reason="the customer rated it",
        automatic=True,
    )
    given = e.CaseRated(
        case=case.id,
        score=score,
        agent=case.last_agent,
        before=case.rating,
        item=case.solving.item if case.solving is not None else None,
    )
    return [e.Change(said, (message,)), e.Change(given)]
