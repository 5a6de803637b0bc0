"""How cases are merged, taken apart and split."""

from gateway.core.events.base import Happened
from gateway.core.ids import CaseId, ItemId, MessageId, TicketNumber
from gateway.core.ties import CaseLink


class CaseMerged(Happened, frozen=True, kw_only=True):
    """The case is part of ``into`` from now on, with all that was said in it.

    ``link``: how often the address of that case's page had been replaced. ``items`` went along;
    ``ended``: its own work ended, ``ended_there``: that of the other. ``strangers``: the two have
    different customers, and who did it has confirmed that.
    """

    case: CaseId
    number: TicketNumber
    into: CaseId
    into_number: TicketNumber
    by: str
    reason: str
    link: int = 0
    items: tuple[ItemId, ...] = ()
    ended: bool = False
    ended_there: bool = False
    strangers: bool = False


class CaseSeparated(Happened, frozen=True, kw_only=True):
    """The case is one of its own again, with what had been said in it before it was merged."""

    case: CaseId
    number: TicketNumber
    into: CaseId
    into_number: TicketNumber
    by: str
    reason: str


class CaseLinked(Happened, frozen=True, kw_only=True):
    """The other side of what was done to another case; ``number`` is that one's."""

    case: CaseId
    number: TicketNumber
    link: CaseLink


class MessagesSplit(Happened, frozen=True, kw_only=True):
    """These messages of ``case`` are part of ``into`` from now on, a new case."""

    case: CaseId
    into: CaseId
    into_number: TicketNumber
    messages: tuple[MessageId, ...]
    by: str
    reason: str


class ItemRefiled(Happened, frozen=True, kw_only=True):
    """The work item belongs to another case from now on, and is otherwise as it was."""

    item: ItemId
    case: CaseId
    number: TicketNumber
    was: CaseId
    was_number: TicketNumber
    reason: str


class CopiesJoined(Happened, frozen=True, kw_only=True):
    """Who gets a copy of what is answered on this item, now that another case belongs to it."""

    item: ItemId
    copies: tuple[str, ...]
    reason: str = ""


TieEvent = CaseMerged | CaseSeparated | CaseLinked | MessagesSplit | ItemRefiled | CopiesJoined
