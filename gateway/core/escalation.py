"""What happens when a clock rings: a warning, the breach, then score, people, level. Pure.

Each step has its time, in open seconds; none is gone twice, also when a node was away meanwhile,
and a clock that has stopped goes none.
"""

from collections.abc import Iterable
from datetime import datetime
from typing import Literal

from msgspec.structs import replace

from gateway.core import events as e
from gateway.core.clocks import HIGHEST_LEVEL, Act, Clock, Service, ServicePolicy
from gateway.core.ids import Context
from gateway.core.messages import add_message
from gateway.core.model import Author, Case, Item, ItemState
from gateway.core.service_level import KINDS, NAMES, recounted, started, terms_of
from gateway.core.state import NodeState

MOST_POINTS = 100
Step = Act | Literal["warned", "breached"]


def ring(state: NodeState, item: Item, ctx: Context) -> list[e.Change]:
    """Warnings, breaches and the steps after them that are due by now, and what they do.

    An alarm that was set by a policy or hours that hold no more is set anew, and nothing else.
    """
    if changed := recounted(state, item, ctx, "the hours or the policy have changed"):
        return changed
    terms, service = terms_of(state, item.queue), item.service
    if service is None or terms.policy is None:
        return []
    told: list[e.Change] = []
    acts: list[tuple[Clock, Act]] = []
    for kind in KINDS:
        while (clock := service.clock(kind)) is not None and _rings(clock, ctx.now):
            clock, step = _rung(clock, terms.policy)
            if clock.since is not None:
                clock = started(clock, clock.since, terms.policy, terms.hours)
            service = _with(service, clock)
            told.append(e.Change(_told(item, clock, step, service, ctx)))
            if step == "warned" or step == "breached":  # noqa: PLR1714 - mypy narrows by this
                continue
            acts.append((clock, step))
    return told + _done(state, item, terms.policy, acts, ctx)


def _rings(clock: Clock, now: datetime) -> bool:
    return clock.since is not None and clock.alarm_at is not None and clock.alarm_at <= now


def _rung(clock: Clock, policy: ServicePolicy) -> tuple[Clock, Step]:
    """The clock after what was to be done next, and what that is."""
    if clock.breached_at is not None:
        act = policy.ladder()[clock.steps][1]
        return replace(clock, steps=clock.steps + 1), act
    if clock.warned_at is None and 0 < policy.warn_share < 1:
        return replace(clock, warned_at=clock.alarm_at), "warned"
    return replace(clock, breached_at=clock.due_at), "breached"


def _with(service: Service, clock: Clock) -> Service:
    clocks = [clock if known.kind == clock.kind else known for known in service.clocks]
    return replace(service, clocks=tuple(clocks))


def _told(item: Item, clock: Clock, step: Step, service: Service, ctx: Context) -> e.Event:
    if step == "warned":
        return e.ServiceLevelWarned(item=item.id, clock=clock.kind, service=service)
    if step == "breached":
        due_at = clock.breached_at or ctx.now
        return e.ServiceLevelBreached(
            item=item.id, clock=clock.kind, due_at=due_at, service=service
        )
    return e.ServiceLevelEscalated(
        item=item.id,
        clock=clock.kind,
        act=step,
        service=service,
        number=item.number,
        queue=item.queue,
    )


def _done(
    state: NodeState,
    item: Item,
    policy: ServicePolicy,
    acts: list[tuple[Clock, Act]],
    ctx: Context,
) -> list[e.Change]:
    """First the score, then the people, then the level."""
    changes: list[e.Change] = []
    case = state.cases[item.case]
    raised = [clock for clock, act in acts if act == "raise"]
    overdue = [clock for clock, act in acts if act == "notify"]
    levels = [clock for clock, act in acts if act == "level"]
    points = min(item.priority + policy.raise_points * len(raised), MOST_POINTS)
    if points > item.priority:
        changes.append(
            e.Change(
                e.ItemReprioritised(
                    item=item.id, by="system", priority=points, reason=f"overdue: {_words(raised)}"
                )
            )
        )
    if overdue:
        changes += _noted(item, case, policy, overdue, ctx)
    if levels and case.level < HIGHEST_LEVEL:
        level = min(case.level + len(levels), HIGHEST_LEVEL)
        changes += _moved_up(state, item, policy, level, f"overdue: {_words(levels)}")
    return changes


def _words(clocks: Iterable[Clock]) -> str:
    return ", ".join(dict.fromkeys(NAMES[clock.kind] for clock in clocks))


def _noted(
    item: Item,
    case: Case,
    policy: ServicePolicy,
    overdue: Iterable[Clock],
    ctx: Context,
) -> list[e.Change]:
    """A note in the case: whoever works on it, or looks after it, reads it there."""
    lines = [
        f"Overdue: the {NAMES[clock.kind]} was due at {clock.breached_at:%Y-%m-%d %H:%M} UTC"
        f" ({policy.name})."
        for clock in overdue
    ]
    _, changes = add_message(
        ctx, case, item, direction="note", author=Author(kind="system"), body="\n".join(lines)
    )
    return changes


def _moved_up(
    state: NodeState, item: Item, policy: ServicePolicy, level: int, why: str
) -> list[e.Change]:
    """The next level; what nobody works on waits in that level's queue from now on."""
    raised = e.CaseChanged(case=item.case, by="system", level=level, reason=why)
    changes: list[e.Change] = [e.Change(raised)]
    to = policy.level_queues.get(str(level))
    if to is None or to not in state.queues or to == item.queue:
        return changes
    reason = f"level {level}; {why}"
    if item.state is ItemState.OFFERED and item.offer is not None:
        gone = e.OfferWithdrawn(
            item=item.id, offer=item.offer.id, agent=item.offer.agent, reason=reason
        )
        changes.append(e.Change(gone))
    elif item.state is not ItemState.QUEUED:
        return changes
    changes.append(e.Change(e.ItemQueued(item=item.id, queue=to, reason=reason)))
    return changes
