"""Which case a contact belongs to, and why: explicit reference, channel thread, recent case.

A claimed identity joins nothing by itself (promise 10): only a reference that the writer could
not have guessed, the channel's own thread, or a verified identity does. And of a mail the sender
has to fit the case that it refers to: its customer, or somebody who was written to or copied
there. Most senders are not verified, and whoever answers a mail of ours must reach its case; a
mail is forwarded as well, and then somebody else holds its references. Such a stranger opens a
case of their own, which says what it refers to and knows nothing of it.
"""

import re
from datetime import datetime, timedelta

from msgspec import Struct

from gateway.core.ids import CustomerId
from gateway.core.inbound import Inbound
from gateway.core.model import TEXTED, Attributes, Case, CaseStatus, ChannelKind, Message
from gateway.core.ticket import plain

_MARKS = re.compile(
    r"\s*(?:(?:re|aw|wg|tr|rv|rif|i|fw|fwd|antw|antwort|sv|vs|res|enc|odp|pd|ynt|vl|bls|trs|ha"
    r"|回复|回覆|转发|轉寄|ответ|отв|на|답장|전달|返信|転送)\s*(?:\[\d+\]|\(\d+\))?\s*[:：]"
    r"|\[(?:ext|external|extern|spam\??)\]|\(external\)|\[#\d+(?:-\w+)?\])\s*",
    re.IGNORECASE,
)


class Candidates(Struct, frozen=True, kw_only=True):
    """Cases found for a contact, each by another way.

    ``referenced`` was found by ``reference``, or by a token of ours (``by_token``);
    ``participants`` are whom somebody wrote to or copied in it, and who wrote, in plain addresses.
    ``numbered`` is the customer's own that the subject names. ``copied`` is the case of
    ``copy_of``: the same mail, as it came to another mailbox of ours.
    """

    conversation: Case | None = None
    referenced: Case | None = None
    reference: str = ""
    by_token: bool = False
    participants: frozenset[str] = frozenset()
    numbered: Case | None = None
    recent: Case | None = None
    copied: Case | None = None
    copy_of: Message | None = None


class Join(Struct, frozen=True, kw_only=True):
    """``case`` to join (``None``: a new one), ``follows`` for a new one, and the reason.

    ``stranger``: its sender has no part in the case that it refers to.
    """

    reason: str
    case: Case | None = None
    follows: Case | None = None
    stranger: bool = False


def correlate(
    found: Candidates, inbound: Inbound, *, customer: CustomerId | None, now: datetime
) -> Join:
    """Choose the case; ``customer`` is whose the inbound is."""
    if found.conversation is not None:
        return _join(found.conversation, "it continues its conversation")
    if found.referenced is not None:
        return _referring(found, found.referenced, inbound, customer)
    if not (inbound.identity is not None and inbound.identity.verified):
        return Join(reason="nothing it refers to")
    if found.numbered is not None:
        why = "its subject names the ticket, and its verified sender is the ticket's customer"
        return _join(found.numbered, why)
    recent = found.recent
    if recent is not None and recent.status is not CaseStatus.CLOSED:
        since = recent.changed_at or recent.opened_at
        window = timedelta(seconds=inbound.join_seconds)
        if same_matter(recent, inbound) and now - since <= window:
            so = "here" if inbound.kind in TEXTED else "about the same"
            why = f"its verified sender wrote {so} within {_in_words(window)}"
            return _join(recent, why)
    return Join(reason="nothing it refers to")


def _referring(
    found: Candidates, case: Case, inbound: Inbound, customer: CustomerId | None
) -> Join:
    how = "it carries the ticket's reply token" if found.by_token else f"answers {found.reference}"
    part = part_in(case, inbound, customer, found.participants)
    if part is None:
        who = inbound.identity.value if inbound.identity is not None else "whoever sent it"
        why = f"{how}, but {who} has no part in ticket #{case.number}: this is another ticket"
        return Join(follows=case, stranger=True, reason=why)
    return _join(case, f"{how}{part}")


def part_in(
    case: Case, inbound: Inbound, customer: CustomerId | None, participants: frozenset[str]
) -> str | None:
    """What part its writer has in the case, in words; ``None``: they are a stranger there."""
    if inbound.kind is not ChannelKind.EMAIL:
        return ""
    if inbound.attributes.get("from_self"):
        return ", and comes from our own address"
    who = inbound.identity
    if who is None:
        return None
    proof = "verified" if who.verified else "not verified, but this cannot be guessed"
    if case.customer is not None and case.customer.id == customer:
        return f"; its sender is the ticket's customer ({proof})"
    if plain(who.value) in participants:
        return f"; {who.value} has part in the ticket ({proof})"
    return None


def _join(case: Case, why: str) -> Join:
    if case.status is CaseStatus.CLOSED:
        reason = f"{why}; ticket #{case.number} is closed, so this one follows it"
        return Join(follows=case, reason=reason)
    return Join(case=case, reason=why)


def referring(join: Join) -> Attributes:
    """What a new item says of the ticket that it goes back to, for whoever works on it."""
    if join.case is not None or join.follows is None:
        return {}
    return {"refers_to" if join.stranger else "follows": f"#{join.follows.number}"}


def same_matter(case: Case, inbound: Inbound) -> bool:
    """Whether it is about the same, as far as its subject tells.

    No subject is no matter, where there are subjects. Whoever asks to be answered elsewhere may
    only lend their address to many (a form on a page).
    """
    if inbound.kind in TEXTED:
        return True  # there is one thread for each number, whatever it is about
    if inbound.kind is not ChannelKind.EMAIL:
        return matter(case.subject) == matter(inbound.subject)
    who = inbound.identity
    lent = who is None or plain(inbound.address) not in ("", plain(who.value))
    said = matter(inbound.subject)
    return bool(said) and not lent and matter(case.subject) == said


def matter(subject: str) -> str:
    """The subject without the marks of replies, forwards and tickets, for comparison."""
    text = subject.strip()
    while (mark := _MARKS.match(text)) and mark.end():
        text = text[mark.end() :]
    return " ".join(re.sub(r"\[#\d+(?:-\w+)?\]", " ", text).casefold().split())


def _in_words(window: timedelta) -> str:
    days, hours = window / timedelta(days=1), window / timedelta(hours=1)
    return f"{days:g} days" if days >= 1 else f"{hours:.2g} hours"
