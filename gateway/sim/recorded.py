"""A day that has happened, to be played again under other policies. Pure.

Who came, when, for what, how long the work took and who was ready when is as recorded; what nobody
can know is drawn by dice with a seed of its own: how long a contact that nobody took would have
kept somebody, and how much longer a customer who was answered would have waited.
"""

import math
from collections.abc import Iterable, Sequence
from datetime import datetime
from random import Random
from statistics import median

from msgspec import Struct
from msgspec.structs import replace

from gateway.core.ids import AgentName
from gateway.core.model import AgentProfile, ChannelKind, Queue
from gateway.sim.compare import AS_IT_WAS
from gateway.sim.day import Contact, Day, Shift
from gateway.sim.figures import Result, Served, load, waits
from gateway.sim.floor import ANSWERED_BY_WORK
from gateway.sim.presence import Span, ready_spans
from gateway.sim.scenario import BadScenario
from gateway.sim.spells import Spell, Spells
from gateway.store.days import Recording

WITHIN = {
    ChannelKind.VOICE: 30.0,
    ChannelKind.WEBCHAT: 60.0,
    ChannelKind.SMS: 900.0,
    ChannelKind.WHATSAPP: 900.0,
    ChannelKind.TELEGRAM: 900.0,
}
"""Seconds to the answer that count as in time where the house has promised nothing."""
WITHIN_OTHERS = 14_400.0
REACTION = 3.0
"""Seconds to accept an offer, where none was seen on that day."""


class Replay(Struct, frozen=True):
    """The day, its queues as they are now, how it went, and what a reader should know."""

    day: Day
    queues: list[Queue]
    was: Result
    notes: tuple[str, ...]


class _Flow(Struct):
    """What is known of one kind of contact in one queue."""

    handles: list[float]
    wrapups: list[float]
    reactions: list[float]
    waited: float = 0.0
    gave_up: int = 0

    @property
    def patience(self) -> float:
        """Its mean, as of an exponential distribution: all that was waited for each who gave up.

        So those who were answered count as those of whom one knows only that they had more.
        """
        return self.waited / self.gave_up if self.gave_up else math.inf


def replayed(found: Recording) -> Replay:
    """Raises ``BadScenario`` if the day has nothing to be played."""
    reader = Spells()
    reader.read(found.work)
    name = f"{found.begins:%Y-%m-%d}"
    spells = [one for one in reader.found if _of_the_day(one, found)]
    gone = sum(one.withdrawn for one in spells)
    spells = [one for one in spells if not one.withdrawn]
    if not spells:
        raise BadScenario(
            f"nothing waited in a queue on {name}: give another day, or look with"
            " `switchroom journal list` how far back the journal reaches"
        )
    spans = ready_spans(found.people, found.begins, found.ends)
    shifts = _shifts(found, spans)
    if not shifts:
        raise BadScenario(f"nobody was ready on {name}: there is nothing to compare")
    flows = _flows(spells)
    contacts = sorted(_contacts(found, spells, flows), key=lambda c: (c.at, c.flow))
    order = sorted(flows, key=lambda flow: (-sum(c.flow == flow for c in contacts), flow))
    day = Day(
        name=name,
        begins=found.begins,
        seconds=(found.ends - found.begins).total_seconds(),
        flows=tuple(order),
        contacts=contacts,
        shifts=shifts,
    )
    outside = sum(found.begins <= at < found.ends for at in reader.unqueued)
    notes = tuple(_notes(found, spells, shifts, gone, outside))
    return Replay(day, found.queues, _as_it_was(found, spells, spans, day), notes)


def _of_the_day(one: Spell, found: Recording) -> bool:
    """It waited at some time of the day."""
    over = one.assigned or one.ended
    return one.came < found.ends and (over is None or over >= found.begins)


def _notes(
    found: Recording, spells: Sequence[Spell], shifts: Sequence[Shift], gone: int, outside: int
) -> Iterable[str]:
    early = sum(one.came < found.begins for one in spells)
    if early:
        yield f"{early:,} were waiting already when the day began"
    if gone:
        yield f"{gone:,} left a queue neither to an agent nor by giving up; they are left out"
    if outside:
        yield f"{outside:,} times agents worked on what had waited in no queue; that is left out"
    if strange := {one.queue for one in spells} - {queue.name for queue in found.queues}:
        yield f"queues that are no more are taken by default: {', '.join(sorted(strange))}"
    if any(one.profile.name for one in shifts):
        yield "skills, queues and rules of agents are those of now"


# -- contacts -----------------------------------------------------------------------------------


def _flow_of(one: Spell) -> str:
    return f"{one.queue} {one.item.kind.value}"


def _flows(spells: Iterable[Spell]) -> dict[str, _Flow]:
    flows: dict[str, _Flow] = {}
    for one in spells:
        flow = flows.setdefault(_flow_of(one), _Flow([], [], []))
        if one.left is not None:
            flow.gave_up += 1
            flow.waited += (one.left - one.came).total_seconds()
        elif one.assigned is not None:
            flow.waited += (one.assigned - one.came).total_seconds()
            if one.offered is not None:
                flow.reactions.append((one.assigned - one.offered).total_seconds())
            if one.ended is not None:
                until = one.wrapping or one.ended
                flow.handles.append((until - one.assigned).total_seconds())
                flow.wrapups.append((one.ended - until).total_seconds())
    return flows


def _contacts(
    found: Recording, spells: Iterable[Spell], flows: dict[str, _Flow]
) -> Iterable[Contact]:
    queues = {queue.name: queue for queue in found.queues}
    every = [seconds for flow in flows.values() for seconds in flow.handles]
    for one in spells:
        flow = flows[_flow_of(one)]
        dice = Random(f"{found.begins:%Y-%m-%d}/{one.item.id}/{one.came}")  # noqa: S311 - dice
        handle, wrapup = _work_of(one, flow, dice, every)
        item, due = one.item, None
        if one.due_at is not None:
            due = (one.due_at - one.came).total_seconds()
        yield Contact(
            at=(one.came - found.begins).total_seconds(),
            flow=_flow_of(one),
            kind=item.kind,
            queue=one.queue,
            within=_within(one, queues.get(one.queue)),
            handle=handle,
            wrapup=wrapup,
            reaction=_reaction(one, flow),
            patience=_patience(one, flow, dice, found.ends),
            skills=item.requirement.skills,
            language=item.language,
            value=item.customer.value if item.customer is not None else 0,
            priority=item.priority,
            level=found.levels.get(item.case, 1),
            due=due,
            last_agent=one.last_agent,
        )


def _work_of(one: Spell, flow: _Flow, dice: Random, every: Sequence[float]) -> tuple[float, float]:
    """How long it kept an agent, or would have, by the example of another of its flow."""
    if one.assigned is not None and one.ended is not None:
        until = one.wrapping or one.ended
        return (until - one.assigned).total_seconds(), (one.ended - until).total_seconds()
    if flow.handles:
        n = dice.randrange(len(flow.handles))
        return flow.handles[n], flow.wrapups[n]
    return (dice.choice(every), 0.0) if every else (0.0, 0.0)


def _reaction(one: Spell, flow: _Flow) -> float:
    if one.offered is not None and one.assigned is not None:
        return (one.assigned - one.offered).total_seconds()
    return median(flow.reactions) if flow.reactions else REACTION


def _patience(one: Spell, flow: _Flow, dice: Random, ends: datetime) -> float:
    """From when it came; who was answered had as much as that and some more."""
    if one.left is not None:
        return (one.left - one.came).total_seconds()
    if math.isinf(flow.patience):
        return math.inf
    known = ((one.assigned or ends) - one.came).total_seconds()
    return known + (dice.expovariate(1 / flow.patience) if flow.patience > 0 else 0.0)


def _within(one: Spell, queue: Queue | None) -> float:
    if one.due_at is not None:
        return max((one.due_at - one.came).total_seconds(), 0.0)
    if queue is not None and queue.service_level_seconds is not None:
        return queue.service_level_seconds
    return WITHIN.get(one.item.kind, WITHIN_OTHERS)


# -- agents -------------------------------------------------------------------------------------


def _shifts(found: Recording, spans: dict[AgentName, list[Span]]) -> list[Shift]:
    profiles = {profile.name: profile for profile in found.profiles}
    out = []
    for name in sorted(spans):
        # Who has left since is taken as who can do what anybody can.
        profile = replace(profiles.get(name, AgentProfile(name=name)), active=True)
        ready = tuple(
            ((first - found.begins).total_seconds(), (last - found.begins).total_seconds())
            for first, last in spans[name]
        )
        out.append(Shift(profile, ready))
    return out


# -- how it went --------------------------------------------------------------------------------


def _as_it_was(
    found: Recording, spells: Iterable[Spell], spans: dict[AgentName, list[Span]], day: Day
) -> Result:
    queues = {queue.name: queue for queue in found.queues}
    served: dict[str, list[Served]] = {}
    waiting: dict[str, list[float]] = {}
    hands: dict[AgentName, list[Span]] = {}
    offers = 0
    for one in spells:
        name, until = _flow_of(one), _answered(one)
        if one.assigned is not None and one.agent is not None:
            offers += 1
            begun = one.offered or one.assigned
            hands.setdefault(one.agent, []).append((begun, one.ended or found.ends))
        over = one.left or until
        if over is None or over >= found.ends:
            waiting.setdefault(name, []).append((found.ends - one.came).total_seconds())
            continue
        wait = (over - one.came).total_seconds()
        within = _within(one, queues.get(one.queue))
        served.setdefault(name, []).append(
            Served(flow=name, wait=wait, within=within, answered=one.left is None)
        )
    return Result(
        policy=AS_IT_WAS,
        waits=waits(
            [one for some in served.values() for one in some],
            [wait for some in waiting.values() for wait in some],
        ),
        flows={name: waits(served.get(name, []), waiting.get(name, [])) for name in day.flows},
        load=load(_occupancy(hands.get(name, []), ready) for name, ready in spans.items()),
        offers=offers,
        seconds=0.0,
        cpu_seconds=0.0,
    )


def _answered(one: Spell) -> datetime | None:
    if one.item.kind in ANSWERED_BY_WORK:
        return (one.wrapping or one.ended) if one.assigned is not None else None
    return one.assigned


def _occupancy(work: Iterable[Span], ready: Sequence[Span]) -> float:
    """The share of the ready time with something in hand, as the floor counts it."""
    whole = sum((last - first).total_seconds() for first, last in ready)
    busy, reached = 0.0, None
    for first, last in sorted(work):
        begins = first if reached is None else max(first, reached)
        if last > begins:
            busy += (last - begins).total_seconds()
            reached = last
    return min(busy / whole, 1.0) if whole > 0 else 0.0
