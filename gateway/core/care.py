"""The care of a queue: which thresholds are crossed, and what that does to what waits. Pure.

One node looks at the figures of all and says what is crossed (``crossings``); every node does what
follows to its own items (``cared``). Both are repeatable: an alarm that stands is not raised again,
also after a restart, and an item remembers what was done to it.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from msgspec import Struct

from gateway.core import events as e
from gateway.core.callbacks import of_case
from gateway.core.catalogue import in_words
from gateway.core.closed_hours import nearest
from gateway.core.ids import AlarmName, Context, QueueName
from gateway.core.messages import add_message
from gateway.core.model import ADDRESSED, Author, Case, ChannelKind, Item, ItemState, Queue
from gateway.core.owed import OFFERED
from gateway.core.pool import NodeCapacity
from gateway.core.silence import why_silent
from gateway.core.state import NodeState
from gateway.core.thresholds import Alarm, Measure, Threshold, alarm_name

_WRITTEN = ADDRESSED | {ChannelKind.WEBCHAT}
WORDS: Mapping[Measure, str] = {
    "longest_wait": "somebody has waited {:.0f} s",
    "waiting": "{:.0f} wait",
    "expected_wait": "who came now would wait {:.0f} s",
    "agents_free": "{:.0f} agents are free",
}


class Figures(Struct, frozen=True, kw_only=True):
    """How a queue stands, over all nodes."""

    longest_wait: float = 0.0
    waiting: float = 0.0
    expected_wait: float = 0.0
    agents_free: float = 0.0

    def of(self, measure: Measure) -> float:
        value: float = getattr(self, measure)
        return value


def figures_of(queue: QueueName, nodes: Iterable[NodeCapacity], expected: float) -> Figures:
    """The queue's figures from what each node says of itself; ``expected`` is worked out apart."""
    waiting = free = 0
    longest = 0.0
    for one in nodes:
        for here in one.capacity.queues:
            if here.name == queue and here.waiting:
                waiting += here.waiting
                longest = max(longest, here.longest_wait + one.age)
        free += sum(
            group.agents
            for group in one.capacity.spare
            if group.kinds and (not group.queues or queue in group.queues)
        )
    return Figures(longest_wait=longest, waiting=waiting, expected_wait=expected, agents_free=free)


def crossings(
    state: NodeState, figures: Mapping[QueueName, Figures], now: datetime
) -> list[e.Change]:
    """What has been crossed, and what is over."""
    changes: list[e.Change] = []
    declared: dict[AlarmName, tuple[Queue, Threshold]] = {
        alarm_name(queue.name, one.name): (queue, one)
        for queue in state.queues.values()
        for one in queue.thresholds
    }
    for name, alarm in state.alarms.items():
        if name not in declared:
            changes.append(_ended(alarm, alarm.value, "it is not declared any more"))
    for name, (queue, one) in declared.items():
        known = state.alarms.get(name)
        value = figures.get(queue.name, Figures()).of(one.when)
        if not state.timetable.hours(queue.hours).is_open(now):
            if known is not None:
                changes.append(_ended(known, value, "the queue is closed"))
        elif known is not None:
            if one.over(value) and not one.crossed(value):
                changes.append(_ended(known, value, WORDS[one.when].format(value)))
        elif one.crossed(value):
            raised = Alarm(
                name=name,
                queue=queue.name,
                threshold=one.name,
                when=one.when,
                value=round(value, 1),
                since=now,
                alert=one.alert,
            )
            changes.append(e.Change(e.AlarmRaised(alarm=raised)))
    return changes


def _ended(alarm: Alarm, value: float, reason: str) -> e.Change:
    return e.Change(
        e.AlarmEnded(
            alarm=alarm.name,
            queue=alarm.queue,
            threshold=alarm.threshold,
            value=round(value, 1),
            reason=reason,
        )
    )


# -- what waits ---------------------------------------------------------------------------------


def standing(state: NodeState) -> dict[QueueName, list[tuple[Alarm, Threshold]]]:
    """The alarms of each queue, with what they want done."""
    found: dict[QueueName, list[tuple[Alarm, Threshold]]] = {}
    for alarm in state.alarms.values():
        queue = state.queues.get(alarm.queue)
        one = (
            next((t for t in queue.thresholds if t.name == alarm.threshold), None)
            if queue
            else None
        )
        if one is not None:
            found.setdefault(alarm.queue, []).append((alarm, one))
    return found


def cared(
    state: NodeState, item: Item, alarms: Sequence[tuple[Alarm, Threshold]], ctx: Context
) -> list[e.Change]:
    """What is to be done to a waiting item that has not been done yet."""
    if item.state is not ItemState.QUEUED:
        return []
    changes: list[e.Change] = []
    case = state.cases[item.case]
    ring = item.ring
    for alarm, one in alarms:
        why = f"{alarm.threshold}: {WORDS[alarm.when].format(alarm.value)}"
        queue = state.queues[item.queue]
        wanted = min(one.rings, len(queue.rings))
        if wanted > ring:
            changes += [
                e.Change(e.RingOpened(item=item.id, ring=number, reason=why))
                for number in range(ring + 1, wanted + 1)
            ]
            ring = wanted
        if one.offer_callback and (offered := _offered(state, case, item, why, ctx)):
            changes += offered
            break
        text = _text(one, item)
        if text and why_silent(state, case, item, ctx.now):
            text = ""  # nobody would read it, and two machines would go on for ever (RFC 3834)
        if text and _done(alarm, "message") not in item.cared:
            changes += [*_said(ctx, case, item, text), _remember(item, alarm, "message", why)]
            # One text is enough at a time; another threshold's comes with the next look.
            break
    return [*changes, *_overflowed(state, item, alarms, ctx.now)]


def _offered(state: NodeState, case: Case, item: Item, why: str, ctx: Context) -> list[e.Change]:
    """A call instead of the wait, once and by whatever threshold; a chat window offers it too."""
    rules = state.queues[item.queue].callbacks
    reachable = item.kind is ChannelKind.WEBCHAT or bool(item.address)
    if not rules.offered or OFFERED in item.cared or not reachable:
        return []
    if item.kind not in _WRITTEN or item.callback is not None or item.promise is not None:
        return []
    if of_case(state, case.id) is not None:
        return []
    if why_silent(state, case, item, ctx.now):
        return []
    text = in_words(rules.offer, "call_offer", item.language)
    said = _said(ctx, case, item, text) if text else []
    return [*said, e.Change(e.ItemCared(item=item.id, act=OFFERED, reason=why))]


def _said(ctx: Context, case: Case, item: Item, text: str) -> list[e.Change]:
    _, changes = add_message(
        ctx,
        case,
        item,
        direction="out",
        author=Author(kind="system"),
        body=text,
        subject=item.subject if item.kind is ChannelKind.EMAIL else "",
        to=(item.address,) if item.address else (),
        automatic=True,
    )
    return changes


def _overflowed(
    state: NodeState, item: Item, alarms: Sequence[tuple[Alarm, Threshold]], now: datetime
) -> list[e.Change]:
    """Where it goes, once from each queue that overflows, with the wait that it has had."""
    since = item.queued_at or item.created_at
    for alarm, one in alarms:
        to = one.overflow_to
        if not to or to not in state.queues or _done(alarm, "overflow") in item.cared:
            continue
        if one.when == "longest_wait":
            if (now - since).total_seconds() < one.at:
                continue
        elif alarm.since is None or since < alarm.since:
            continue
        why = f"{item.queue!r} overflows ({alarm.threshold})"
        return [
            _remember(item, alarm, "overflow", why),
            e.Change(e.ItemQueued(item=item.id, queue=to, reason=why)),
        ]
    return []


def _text(one: Threshold, item: Item) -> str:
    texts = one.message.get(item.kind)
    return nearest(texts, item.language) if texts else ""


def _done(alarm: Alarm, act: str) -> str:
    return f"{alarm.name}:{act}"


def _remember(item: Item, alarm: Alarm, act: str, why: str) -> e.Change:
    return e.Change(e.ItemCared(item=item.id, act=_done(alarm, act), reason=why))
