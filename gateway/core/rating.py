"""What a customer says of how it went. Pure."""

from gateway.core import events as e
from gateway.core.ids import Context, MessageId
from gateway.core.inbound import Inbound
from gateway.core.messages import preview_of
from gateway.core.model import Author, Case, Message

HIGHEST = 5


def stars(score: int) -> str:
    """A score as everybody reads it, in no language."""
    return "★" * score + "☆" * (HIGHEST - score)


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
    given = e.CaseRated(case=case.id, score=score, agent=case.last_agent, before=case.rating)
    return [e.Change(said, (message,)), e.Change(given)]
