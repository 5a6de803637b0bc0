"""What the house is told about itself: agents, queues, sites, hours, rules, wordings, alarms."""

from gateway.core.bad_addresses import BadAddress
from gateway.core.calendars import Calendar
from gateway.core.clocks import ServicePolicy
from gateway.core.events.base import Happened
from gateway.core.ids import (
    AgentName,
    AlarmName,
    CalendarName,
    ItemId,
    MacroName,
    PolicyName,
    QueueName,
    RuleName,
)
from gateway.core.macros import Macro
from gateway.core.model import AgentProfile, Queue, Site
from gateway.core.rules.rule import Rule
from gateway.core.stops import Stop
from gateway.core.thresholds import Alarm
from gateway.core.wordings import Canned, Letter, WordsKind


class AgentDefined(Happened, frozen=True, kw_only=True):
    profile: AgentProfile
    by: str


class AgentRemoved(Happened, frozen=True, kw_only=True):
    agent: AgentName
    by: str


class QueueDefined(Happened, frozen=True, kw_only=True):
    queue: Queue
    by: str


class QueueRemoved(Happened, frozen=True, kw_only=True):
    """Nothing waits in it and nobody works in it any more."""

    queue: QueueName
    by: str


class SiteChanged(Happened, frozen=True, kw_only=True):
    """A site was closed, wholly or in part, or opened; ``site`` has the reason and who it was."""

    site: Site


class CalendarDefined(Happened, frozen=True, kw_only=True):
    calendar: Calendar
    by: str


class CalendarRemoved(Happened, frozen=True, kw_only=True):
    """No queue and no policy goes by it any more."""

    calendar: CalendarName
    by: str


class ServicePolicyDefined(Happened, frozen=True, kw_only=True):
    policy: ServicePolicy
    by: str


class ServicePolicyRemoved(Happened, frozen=True, kw_only=True):
    """No queue promises it any more."""

    policy: PolicyName
    by: str


class RuleDefined(Happened, frozen=True, kw_only=True):
    rule: Rule
    by: str


class RuleRemoved(Happened, frozen=True, kw_only=True):
    """The front door does not look at it any more."""

    rule: RuleName
    by: str


class MacroDefined(Happened, frozen=True, kw_only=True):
    macro: Macro
    by: str


class MacroRemoved(Happened, frozen=True, kw_only=True):
    """Nobody runs it any more."""

    macro: MacroName
    by: str


class WordsDefined(Happened, frozen=True, kw_only=True):
    """A reply for agents to put in, or how mails look."""

    words: Canned | Letter
    by: str


class WordsRemoved(Happened, frozen=True, kw_only=True):
    """Nobody can write so any more."""

    words: WordsKind
    name: str
    by: str


class AlarmRaised(Happened, frozen=True, kw_only=True):
    """A threshold of a queue is crossed."""

    alarm: Alarm


class AlarmEnded(Happened, frozen=True, kw_only=True):
    """It is over: the figure has come back, or nobody asks for it any more."""

    alarm: AlarmName
    queue: QueueName
    threshold: str
    value: float
    reason: str


class AddressFailed(Happened, frozen=True, kw_only=True):
    """Mail to an address came back for good; ``item`` is the work on which that was."""

    address: BadAddress
    item: ItemId | None = None


class AddressWorks(Happened, frozen=True, kw_only=True):
    """It does not, or not any more; ``address`` is the name under which it stood."""

    address: str
    by: str
    reason: str = ""
    item: ItemId | None = None


class ContactStopped(Happened, frozen=True, kw_only=True):
    """Somebody wants no more messages; ``item`` is open work that would be answered there."""

    stop: Stop
    item: ItemId | None = None


class ContactResumed(Happened, frozen=True, kw_only=True):
    """They want them again; ``stop`` is the name under which it stood."""

    stop: str
    by: str
    reason: str = ""
    item: ItemId | None = None


AddressEvent = AddressFailed | AddressWorks | ContactStopped | ContactResumed
TimetableEvent = CalendarDefined | CalendarRemoved | ServicePolicyDefined | ServicePolicyRemoved
RuleEvent = RuleDefined | RuleRemoved | MacroDefined | MacroRemoved
WordsEvent = WordsDefined | WordsRemoved
AlarmEvent = AlarmRaised | AlarmEnded
DirectoryEvent = (
    AgentDefined
    | AgentRemoved
    | QueueDefined
    | QueueRemoved
    | SiteChanged
    | TimetableEvent
    | RuleEvent
    | WordsEvent
    | AlarmEvent
    | AddressEvent
)
