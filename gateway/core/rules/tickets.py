"""What a customer has open, and which of it a contact is about. Pure."""

import re
from collections.abc import Sequence
from datetime import datetime
from typing import Literal

from msgspec import Struct

Standing = Literal["waiting", "working", "yours", "calling", "promised"]
LONG = 1_000
"""From here on a number is taken for a ticket's without a ``#`` before it."""
_MARK = re.compile(r"^\s*\w{1,4}\s*:\s*")


class Ticket(Struct, frozen=True, kw_only=True):
    """One matter that is open.

    ``by`` is when its customer will hear of us, if that is known: what was promised (``text``) is
    due then, or the call made, or the answer expected. It is told as a time in ``zone`` (IANA).
    """

    number: int
    subject: str = ""
    standing: Standing = "waiting"
    text: str = ""
    by: datetime | None = None
    zone: str = "UTC"


class About(Struct, frozen=True, kw_only=True):
    """The matter that a contact is about, and how that is known; ``None``: it is not."""

    number: int | None
    why: str


def about(tickets: Sequence[Ticket], subject: str, body: str) -> About:
    """The matter that is named, else the only one, else the only one of this subject."""
    named = [one for one in tickets if _names(f"{subject}\n{body}", one.number)]
    if len(named) == 1:
        return About(number=named[0].number, why=f"names the open matter {named[0].number}")
    if len(tickets) == 1:
        return About(number=tickets[0].number, why="its customer's one open matter")
    wanted = matter_of(subject)
    alike = [one for one in tickets if wanted and matter_of(one.subject) == wanted]
    if len(alike) == 1:
        return About(number=alike[0].number, why="its customer's one open matter of this subject")
    return About(number=None, why=f"{len(tickets)} matters are open, and it names none of them")


def matter_of(subject: str) -> str:
    """The subject without reply and forward marks, for comparison."""
    text = subject.strip().casefold()
    while mark := _MARK.match(text):
        text = text[mark.end() :]
    return text


def _names(text: str, number: int) -> bool:
    mark = "#?" if number >= LONG else "#"
    return re.search(rf"(?<!\d){mark}{number}(?!\d)", text) is not None
