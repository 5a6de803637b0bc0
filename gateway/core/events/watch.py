"""What the house's rules, its macros and those who review did to a work item."""

from gateway.core.events.base import Happened
from gateway.core.ids import (
    AgentName,
    CaseId,
    ItemId,
    MacroName,
    QueueName,
    RuleName,
    SkillName,
)
from gateway.core.misrouted import How
from gateway.core.watch import Review, Verdict


class RuleFired(Happened, frozen=True, kw_only=True):
    """A rule of the house held for something that was said or done; what it did, in words.

    With ``cause`` it is what happened to the item, and it fires for that no second time.
    """

    item: ItemId
    case: CaseId
    rule: RuleName
    on: str
    because: str
    did: tuple[str, ...] = ()
    cause: str = ""


class MacroRun(Happened, frozen=True, kw_only=True):
    """Somebody, or a rule, has had done what the macro says; that are the events that follow."""

    item: ItemId
    case: CaseId
    macro: MacroName
    by: str


class ReviewAsked(Happened, frozen=True, kw_only=True):
    """A supervisor is to look at the item, or at a reply before it leaves."""

    item: ItemId
    case: CaseId
    review: Review


class ReviewEnded(Happened, frozen=True, kw_only=True):
    """A person has looked; a reply that was ``released`` is said by the events that follow."""

    item: ItemId
    case: CaseId
    review: str
    verdict: Verdict
    by: str
    reason: str = ""


class ItemMisrouted(Happened, frozen=True, kw_only=True):
    """Who had it, or was offered it, says that it was not for them; ``reason`` is of the list.

    ``queue``, ``rule`` (which chose that) and ``decision`` (why this agent) had led there.
    """

    item: ItemId
    case: CaseId
    agent: AgentName
    how: How
    reason: str
    queue: QueueName
    rule: RuleName = RuleName("")
    decision: str = ""
    right_queue: QueueName = QueueName("")
    right_skill: SkillName = SkillName("")


WatchEvent = RuleFired | MacroRun | ReviewAsked | ReviewEnded | ItemMisrouted
