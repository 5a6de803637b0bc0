"""The calendars and service-level policies of the house, ready to be asked."""

from collections.abc import Callable
from datetime import UTC
from typing import Literal

from gateway.core.bad_addresses import BadAddress
from gateway.core.calendars import Calendar, hours_of
from gateway.core.clocks import ServicePolicy
from gateway.core.errors import Refused
from gateway.core.hours import MINUTES, Hours
from gateway.core.ids import (
    AlarmName,
    CalendarName,
    CannedName,
    LetterName,
    MacroName,
    PolicyName,
    RuleName,
)
from gateway.core.macros import Macro
from gateway.core.model import Queue
from gateway.core.rules.rule import Rule
from gateway.core.stops import Stop
from gateway.core.thresholds import Alarm
from gateway.core.wordings import Canned, Letter

Entry = Calendar | ServicePolicy | Rule | Macro | Alarm | BadAddress | Stop | Canned | Letter
Kind = Literal[
    "calendar",
    "service_policy",
    "rule",
    "macro",
    "alarm",
    "bad_address",
    "stop",
    "canned",
    "letter",
]
Key = tuple[Kind, str]
TYPES: dict[Kind, type[Entry]] = {
    "calendar": Calendar,
    "service_policy": ServicePolicy,
    "rule": Rule,
    "macro": Macro,
    "alarm": Alarm,
    "bad_address": BadAddress,
    "stop": Stop,
    "canned": Canned,
    "letter": Letter,
}

_KINDS: dict[type[Entry], Kind] = {type_: kind for kind, type_ in TYPES.items()}


_GONE: dict[Kind, Callable[[str], Entry]] = {
    "calendar": lambda name: Calendar(name=CalendarName(name), active=False),
    "service_policy": lambda name: ServicePolicy(name=PolicyName(name), active=False),
    "rule": lambda name: Rule(name=RuleName(name), active=False),
    "macro": lambda name: Macro(name=MacroName(name), active=False),
    "alarm": lambda name: Alarm(name=AlarmName(name), active=False),
    "canned": lambda name: Canned(name=CannedName(name), active=False),
    "letter": lambda name: Letter(name=LetterName(name), active=False),
}


def key_of(entry: Entry) -> Key:
    """What it is and its name: where it stands in the directory."""
    return _KINDS[type(entry)], entry.name


def gone(key: Key) -> Entry:
    """What stands for an entry that is not there."""
    kind, name = key
    return _GONE[kind](name)


class Timetable:
    """What the directory says of time. ``folds`` alone changes it."""

    def __init__(self) -> None:
        self.calendars: dict[CalendarName, Calendar] = {}
        self.policies: dict[PolicyName, ServicePolicy] = {}
        self._hours: dict[CalendarName, Hours] = {}
        self._always = Hours(UTC, {day: [(0, MINUTES)] for day in range(7)})

    def put(self, entry: Calendar | ServicePolicy) -> None:
        """Take an entry, new, changed or no longer active."""
        if isinstance(entry, Calendar):
            self._hours.pop(entry.name, None)
            if not entry.active:
                self.calendars.pop(entry.name, None)
                return
            self.calendars[entry.name] = entry
            try:
                self._hours[entry.name] = hours_of(entry)
            except Refused:
                # Checked when it was declared; this machine may know fewer time zones. Counting
                # every second then is wrong on the safe side, and the node lives.
                self._hours[entry.name] = self._always
        elif entry.active:
            self.policies[entry.name] = entry
        else:
            self.policies.pop(entry.name, None)

    def forget(self, name: CalendarName) -> None:
        """A calendar that was removed."""
        self.calendars.pop(name, None)
        self._hours.pop(name, None)

    def hours(self, name: CalendarName) -> Hours:
        """Those of a calendar; whatever has no name, or is gone, never closes."""
        return self._hours.get(name, self._always)

    def policy_of(self, queue: Queue | None) -> ServicePolicy | None:
        """What is promised to who waits there."""
        if queue is None or not queue.service_policy:
            return None
        return self.policies.get(queue.service_policy)
