"""Taking calendars and service-level policies out of the directory, and seeing what names them."""

from collections.abc import Iterable

from gateway.core import events as e
from gateway.core.clocks import ServicePolicy
from gateway.core.errors import Refused
from gateway.core.ids import AgentName, CalendarName, PolicyName, QueueName
from gateway.core.model import Queue
from gateway.core.state import NodeState


def check_queue(
    queue: Queue,
    calendars: Iterable[CalendarName],
    policies: Iterable[PolicyName],
    where: str = "",
) -> None:
    """Raises ``Refused`` for a queue that names hours or a policy which are not there."""
    if queue.hours and queue.hours not in set(calendars):
        raise Refused("bad_field", f"there are no hours {queue.hours!r}", f"{where}hours")
    if queue.service_policy and queue.service_policy not in set(policies):
        raise Refused(
            "bad_field",
            f"there is no service policy {queue.service_policy!r}",
            f"{where}service_policy",
        )


def check_policy(
    policy: ServicePolicy,
    calendars: Iterable[CalendarName],
    queues: Iterable[QueueName],
    where: str = "",
) -> None:
    """Raises ``Refused`` for a policy that names hours or a queue which are not there."""
    if policy.calendar and policy.calendar not in set(calendars):
        raise Refused("bad_field", f"there are no hours {policy.calendar!r}", f"{where}calendar")
    for level, queue in policy.level_queues.items():
        if queue not in set(queues):
            raise Refused(
                "bad_field", f"there is no queue {queue!r}", f"{where}level_queues.{level}"
            )


def remove_calendar(
    state: NodeState,
    name: CalendarName,
    by: AgentName,
    queues: Iterable[Queue] | None = None,
    policies: Iterable[ServicePolicy] | None = None,
    field: str = "name",
) -> e.Change:
    """The end of these hours. Raises ``Refused`` with who goes by them.

    ``queues`` and ``policies`` are as they will be then, if not as they are.
    """
    if name not in state.timetable.calendars:
        raise Refused("not_found", f"there are no hours {name!r}", field)
    everywhere = state.queues.values() if queues is None else queues
    promised = state.timetable.policies.values() if policies is None else policies
    users = [f"queue {queue.name!r}" for queue in everywhere if queue.hours == name]
    users += [f"service policy {one.name!r}" for one in promised if one.calendar == name]
    if users:
        raise Refused("conflict", f"{users[0]} goes by the hours {name!r}: give it others", field)
    return e.Change(e.CalendarRemoved(calendar=name, by=by))


def remove_policy(
    state: NodeState,
    name: PolicyName,
    by: AgentName,
    queues: Iterable[Queue] | None = None,
    field: str = "name",
) -> e.Change:
    """The end of a policy. Raises ``Refused`` with the queue that promises it."""
    if name not in state.timetable.policies:
        raise Refused("not_found", f"there is no service policy {name!r}", field)
    everywhere = state.queues.values() if queues is None else queues
    users = [queue.name for queue in everywhere if queue.service_policy == name]
    if users:
        raise Refused(
            "conflict", f"queue {users[0]!r} promises {name!r}: give it another policy first", field
        )
    return e.Change(e.ServicePolicyRemoved(policy=name, by=by))
