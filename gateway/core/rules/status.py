"""How what a customer has open stands, in the words in which it is told. Pure."""

from collections.abc import Callable, Sequence
from zoneinfo import ZoneInfo

from gateway.core.catalogue import Say, our_words, whole
from gateway.core.rules.facts import Facts
from gateway.core.rules.phrases import phrase
from gateway.core.rules.questions import Shown, shown
from gateway.core.rules.rule import Ask, Help, Status, Then
from gateway.core.rules.texts import filled, nearest
from gateway.core.rules.tickets import Ticket

MOST_TOLD = 5
"""Matters of which one message tells, those that changed last."""
EXAMPLE = 10_001
"""The number of the matter that is told of where a try-out names none."""


def first_said(then: Then, facts: Facts) -> tuple[Ask | Help | Status | None, Shown | None]:
    """What a contact would be told first, and how that would be shown; for a try-out."""
    says = then.ask or then.help or then.status
    if isinstance(says, Status):
        example = Ticket(number=EXAMPLE, subject=facts.subject)
        return says, told(says, facts.tickets or (example,), facts.language)
    return says, shown(says, facts.language) if says is not None else None


def told(
    status: Status,
    tickets: Sequence[Ticket],
    language: str,
    *,
    fill: Callable[[str], str] = str,
) -> Shown | None:
    """What a customer of this language is shown; ``fill`` fills in names; ``None``: nothing is."""
    if not tickets:
        return None
    own = nearest(status.text, language) if status.text is not None else ""
    parts = [fill(own)] if own else []
    parts += [_one(ticket, whole(language)) for ticket in tickets[:MOST_TOLD]]
    labels = (phrase("helped", language, status.helped), phrase("person", language, status.person))
    return Shown(text="\n\n".join(parts), labels=labels)


def _one(ticket: Ticket, language: str) -> str:
    number = filled(our_words("ticket", language), {"number": str(ticket.number)})
    lines = [f"{number} · {ticket.subject}" if ticket.subject else number]
    when = _time(ticket) if ticket.by is not None else ""
    says: Say = ticket.standing
    if says == "promised" and not when:
        says = "working"
    elif says == "calling" and when:
        says = "calling_at"
    lines.append(filled(our_words(says, language), {"text": ticket.text, "when": when}))
    if when and says in ("waiting", "working"):
        lines.append(filled(our_words("expected", language), {"when": when}))
    return "\n".join(lines)


def _time(ticket: Ticket) -> str:
    """In no language: it is read the same in each."""
    if ticket.by is None:
        return ""
    local = ticket.by.astimezone(ZoneInfo(ticket.zone))
    return f"{local:%Y-%m-%d %H:%M} ({ticket.zone})"
