"""How events of service levels and of the timetable change a node's state; see ``folds``."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from msgspec.structs import replace

from gateway.core import events as e
from gateway.core.state import NodeState, Rows


def _clocks_set(
    s: NodeState,
    ev: e.ClocksSet | e.ServiceLevelWarned | e.ServiceLevelBreached | e.ServiceLevelEscalated,
    at: datetime,
) -> Rows:
    item = s.items[ev.item]
    return (s.edit(item, service=ev.service, due_at=ev.service.nearest()),)


def _service_level_ended(s: NodeState, ev: e.ServiceLevelEnded, at: datetime) -> Rows:
    return (s.edit_case(s.cases[ev.case], at, service=ev.service),)


def _calendar_defined(s: NodeState, ev: e.CalendarDefined, at: datetime) -> Rows:
    s.timetable.put(ev.calendar)
    return (ev.calendar,)


def _calendar_removed(s: NodeState, ev: e.CalendarRemoved, at: datetime) -> Rows:
    gone = replace(s.timetable.calendars[ev.calendar], active=False)
    s.timetable.put(gone)
    return (gone,)


def _policy_defined(s: NodeState, ev: e.ServicePolicyDefined, at: datetime) -> Rows:
    s.timetable.put(ev.policy)
    return (ev.policy,)


def _policy_removed(s: NodeState, ev: e.ServicePolicyRemoved, at: datetime) -> Rows:
    gone = replace(s.timetable.policies[ev.policy], active=False)
    s.timetable.put(gone)
    return (gone,)


def _rule_defined(s: NodeState, ev: e.RuleDefined, at: datetime) -> Rows:
    s.put_entry(ev.rule)
    return (ev.rule,)


def _rule_removed(s: NodeState, ev: e.RuleRemoved, at: datetime) -> Rows:
    gone = replace(s.rules.rules[ev.rule], active=False)
    s.put_entry(gone)
    return (gone,)


SERVICE_FOLDS: Mapping[type[Any], Callable[[NodeState, Any, datetime], Rows]] = {
    e.ClocksSet: _clocks_set,
    e.ServiceLevelWarned: _clocks_set,
    e.ServiceLevelBreached: _clocks_set,
    e.ServiceLevelEscalated: _clocks_set,
    e.ServiceLevelEnded: _service_level_ended,
    e.CalendarDefined: _calendar_defined,
    e.CalendarRemoved: _calendar_removed,
    e.ServicePolicyDefined: _policy_defined,
    e.ServicePolicyRemoved: _policy_removed,
    e.RuleDefined: _rule_defined,
    e.RuleRemoved: _rule_removed,
}
