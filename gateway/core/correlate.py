"""Which case a contact belongs to, and why: explicit reference, channel thread, recent case.

A claimed identity joins nothing by itself (promise 10): only a reference that the writer could
not have guessed, the channel's own thread, or a verified identity does.
"""

from datetime import datetime, timedelta

from msgspec import Struct

from gateway.core.model import Case, CaseStatus

RECENT = timedelta(days=7)


class Candidates(Struct, frozen=True, kw_only=True):
    """Cases found for a contact, each by another way."""

    conversation: Case | None = None
    referenced: Case | None = None
    reference: str = ""
    recent: Case | None = None


class Join(Struct, frozen=True, kw_only=True):
    """``case`` to join (``None``: a new one), ``follows`` for a new one, and the reason."""

    reason: str
    case: Case | None = None
    follows: Case | None = None


def correlate(found: Candidates, *, verified: bool, subject: str, now: datetime) -> Join:
    """Choose the case."""
    if found.conversation is not None:
        return _join(found.conversation, "continues its conversation")
    if found.referenced is not None:
        return _join(found.referenced, f"answers {found.reference}")
    recent = found.recent
    if recent is not None and verified and recent.status is not CaseStatus.CLOSED:
        since = recent.changed_at or recent.opened_at
        same_matter = _matter(recent.subject) == _matter(subject)
        if same_matter and now - since <= RECENT:
            return _join(recent, "same verified sender and subject within seven days")
    return Join(reason="nothing it refers to")


def _join(case: Case, why: str) -> Join:
    if case.status is CaseStatus.CLOSED:
        return Join(follows=case, reason=f"{why}, which is closed")
    return Join(case=case, reason=why)


def _matter(subject: str) -> str:
    """The subject without reply and forward marks, for comparison."""
    text = subject.strip().lower()
    while ":" in text[:5]:
        text = text.split(":", 1)[1].strip()
    return text
