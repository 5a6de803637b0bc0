"""Taking a queue out of the directory: only when nobody and nothing needs it any more."""

from collections import Counter
from collections.abc import Iterable

from gateway.core import events as e
from gateway.core.clocks import ServicePolicy
from gateway.core.errors import Refused
from gateway.core.ids import AgentName, QueueName
from gateway.core.lifecycle import IN_HAND
from gateway.core.model import AgentProfile, ItemState, Queue
from gateway.core.rules.rule import Rule
from gateway.core.rules.spoken import queues_of
from gateway.core.state import NodeState

NAMED = 5
"""So many agents are named in a refusal; the others are counted."""
_WAITING = frozenset({ItemState.NEW, ItemState.QUEUED, ItemState.OFFERED})


def remove(
    state: NodeState,
    queue: QueueName,
    by: AgentName,
    profiles: Iterable[AgentProfile] | None = None,
    field: str = "name",
    rules: Iterable[Rule] | None = None,
    *,
    policies: Iterable[ServicePolicy] | None = None,
) -> e.Change:
    """The queue's end. Raises ``Refused`` with what is in the way, and what to do about it.

    ``profiles``, ``rules`` and ``policies`` are as they will be then, if not as they are.
    """
    if queue not in state.queues:
        raise Refused("not_found", f"there is no queue {queue!r}", field)
    if len(state.queues) == 1:
        raise Refused("conflict", f"{queue!r} is the only queue: make another one first", field)
    if work := _work_in(state, queue):
        raise Refused("conflict", f"{work} in queue {queue!r}: move or close them first", field)
    door = state.rules.rules.values() if rules is None else rules
    if rule := next((one for one in door if queue in queues_of(one.then)), None):
        raise Refused(
            "conflict", f"rule {rule.name!r} sends to queue {queue!r}: change it first", field
        )
    overflowing = (one for one in state.queues.values() if one.name != queue)
    if other := next((q for q in overflowing if queue in _overflows_to(q)), None):
        raise Refused("conflict", f"queue {other.name!r} overflows to it: change that first", field)
    if macro := next((m for m in state.macros.values() if m.then.queue == queue), None):
        raise Refused(
            "conflict", f"macro {macro.name!r} sends to queue {queue!r}: change it first", field
        )
    _refuse_words(state, queue, field)
    promised = state.timetable.policies.values() if policies is None else policies
    if policy := next((one for one in promised if queue in one.level_queues.values()), None):
        raise Refused(
            "conflict",
            f"service policy {policy.name!r} sends what is overdue to queue {queue!r}:"
            " change it first",
            field,
        )
    everybody = state.profiles.values() if profiles is None else profiles
    if people := sorted(p.name for p in everybody if p.active and queue in p.queues):
        # An agent without any queue serves all of them, so it cannot simply be struck out.
        raise Refused(
            "conflict", f"{_named(people)} in queue {queue!r}: give them other queues first", field
        )
    return e.Change(e.QueueRemoved(queue=queue, by=by))


def _refuse_words(state: NodeState, queue: QueueName, field: str) -> None:
    words = state.wordings
    for what, known in (("canned reply", words.canned), ("letter", words.letters)):
        for one in known.values():
            if queue in one.queues:
                detail = f"{what} {one.name!r} is for the queue {queue!r}: change it first"
                raise Refused("conflict", detail, field)


def _overflows_to(queue: Queue) -> set[QueueName]:
    return {one.overflow_to for one in queue.thresholds}


def _work_in(state: NodeState, queue: QueueName) -> str:
    counts: Counter[str] = Counter()
    for item in state.items.values():
        if item.queue == queue:
            counts[_where(item.state)] += 1
    said = [f"{n} {'item is' if n == 1 else 'items are'} {where}" for where, n in counts.items()]
    return " and ".join(said)


def _where(state: ItemState) -> str:
    if state in _WAITING:
        return "waiting"
    return "in agents' hands" if state in IN_HAND else "put aside"


def _named(people: list[AgentName]) -> str:
    shown = ", ".join(people[:NAMED])
    more = f" and {len(people) - NAMED} more" if len(people) > NAMED else ""
    return f"{shown}{more} {'works' if len(people) == 1 else 'work'}"
