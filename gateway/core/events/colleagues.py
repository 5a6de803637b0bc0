"""Chat among colleagues: that somebody wrote, read, or looked at what others wrote."""

from typing import Literal

from gateway.core.events.base import Happened
from gateway.core.ids import AgentName, CaseId, ItemId, MessageId, RuleName
from gateway.core.watch import Verdict


class ColleagueWrote(Happened, frozen=True, kw_only=True):
    """To ``agent`` or ``group``; the text is the row's. ``rule`` and ``because``: if one held."""

    message: MessageId
    by: AgentName
    agent: AgentName | None = None
    group: str = ""
    item: ItemId | None = None
    case: CaseId | None = None
    state: Literal["sent", "held", "refused", "barred"] = "sent"
    rule: RuleName = RuleName("")
    because: str = ""


class ColleagueMarked(Happened, frozen=True, kw_only=True):
    """Somebody has read what ``agent``, or ``group``, had written up to this message."""

    message: MessageId
    reader: AgentName
    agent: AgentName | None = None
    group: str = ""


class ColleagueReviewed(Happened, frozen=True, kw_only=True):
    """A supervisor has looked at what a rule pointed at."""

    message: MessageId
    supervisor: AgentName
    verdict: Verdict
    by: AgentName
    agent: AgentName | None = None
    group: str = ""
    case: CaseId | None = None
    item: ItemId | None = None
    reason: str = ""


class ColleaguesOverseen(Happened, frozen=True, kw_only=True):
    """A supervisor has read a chat of others, and said why. ``agents`` are two, or none."""

    supervisor: AgentName
    reason: str
    agents: tuple[AgentName, ...] = ()
    group: str = ""


ColleagueEvent = ColleagueWrote | ColleagueMarked | ColleagueReviewed | ColleaguesOverseen
