"""How cases hang together after an agent has merged or split them. See ``core.merging``."""

from datetime import datetime
from typing import Literal

from gateway.core.ids import CaseId, CustomerId, ItemId, MessageId, TicketNumber
from gateway.core.value import Kept, Value

How = Literal["merged_into", "merged_here", "split_into", "split_from", "separated"]
MOST_LINKS = 50
"""Remembered in a case's header, the newest; the journal has all."""


_SPLIT = ("split_into", "split_from")


class CaseLink(Kept, frozen=True, kw_only=True):
    """Another case that this one has to do with: how, since when, by whom and why.

    ``messages``: how many were split. ``customers``: what was merged is another customer's, theirs.
    """

    case: CaseId
    number: TicketNumber
    how: How
    at: datetime
    by: str
    reason: str = ""
    messages: int = 0
    customers: tuple[CustomerId, ...] = ()


class Ties(Kept, frozen=True, kw_only=True):
    """``into`` is the case that this one was merged into, and is no case of its own as long.

    ``link`` is how often the address of that case's page had been replaced by then. ``items`` went
    there with it; ``ended``: its own work ended, as that case's goes on;
    ``ended_there``: it was the other way round.
    """

    links: tuple[CaseLink, ...] = ()
    into: CaseId | None = None
    link: int = 0
    items: tuple[ItemId, ...] = ()
    ended: bool = False
    ended_there: bool = False

    def how(self, *how: How) -> list[CaseLink]:
        return [link for link in self.links if link.how in how]

    def others(self) -> frozenset[CustomerId]:
        """Customers whose cases are part of this one, which is of somebody else."""
        return frozenset(who for link in self.how("merged_here") for who in link.customers)

    @property
    def joined(self) -> bool:
        """Whether other cases were merged into this one, and are part of it."""
        return any(link.how == "merged_here" for link in self.links)

    @property
    def reads_along(self) -> bool:
        """Whether what it shows is more, or less, than what is stored under it."""
        return any(link.how in ("merged_here", "split_into") for link in self.links)


def linked(ties: Ties, link: CaseLink) -> tuple[CaseLink, ...]:
    """The links with this one: two cases are merged or separated, and may be split besides."""
    kept = ties.links
    if link.how not in _SPLIT:
        kept = tuple(one for one in kept if one.case != link.case or one.how in _SPLIT)
    kept = (*kept, link)
    # Whose cases are part of this one is never forgotten: they are to learn nothing of each other.
    spare = [one for one in kept if not one.customers]
    gone = spare[: max(0, len(kept) - MOST_LINKS)]
    return tuple(one for one in kept if one not in gone)


class CasePlace(Value, frozen=True, kw_only=True):
    """A row: the case is part of ``into`` from now on; ``None``: of nothing any more."""

    case: CaseId
    into: CaseId | None


class MessagePlace(Value, frozen=True, kw_only=True):
    """A row: the message has left its case for another one, and what its number is there."""

    message: MessageId
    case: CaseId
    seq: int
    to: CaseId
    to_seq: int


class ItemPlace(Value, frozen=True, kw_only=True):
    """A row: the work item belongs to this case from now on."""

    item: ItemId
    case: CaseId
