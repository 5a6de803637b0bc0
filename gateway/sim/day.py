"""A day to be played, and the dice of a made-up one: the same for every policy."""

import math
from collections.abc import Mapping
from datetime import UTC, datetime
from random import Random
from typing import TypeVar

from msgspec import Struct
from msgspec.structs import replace

from gateway.core.ids import AgentName, QueueName, SkillName
from gateway.core.model import AgentProfile, ChannelKind
from gateway.sim.scenario import Crew, Flow, Scenario, Spread

Name = TypeVar("Name", bound=str)

MIDNIGHT = datetime(2026, 1, 5, tzinfo=UTC)
"""When a made-up day begins: a Monday."""
HOUR = 3600.0
_Z90 = 1.2815515655446004
"""Nine of ten of a normal distribution lie below so many standard deviations."""


class Contact(Struct, frozen=True, kw_only=True, gc=False):
    """One that comes at ``at`` (seconds of the day), with all that chance decides about it.

    ``within`` so many seconds an answer counts as in time. ``patience`` is after how many its
    customer leaves the queue; infinite: never. ``reaction`` is how long the agent takes to accept
    it. ``due`` is how many seconds after it comes it is due, if not by its queue.
    """

    at: float
    flow: str
    kind: ChannelKind
    queue: QueueName
    within: float
    handle: float
    wrapup: float
    reaction: float
    patience: float
    skills: dict[SkillName, int]
    language: str = ""
    value: int = 0
    priority: int = 0
    level: int = 1
    due: float | None = None
    last_agent: AgentName | None = None


class Shift(Struct, frozen=True, gc=False):
    """An agent, and the spans of seconds of the day in which they are ready, in order."""

    profile: AgentProfile
    ready: tuple[tuple[float, float], ...]


class Day(Struct, frozen=True, kw_only=True):
    """All contacts in order of their coming, and all agents. It ends ``seconds`` after it began."""

    name: str
    begins: datetime
    seconds: float
    flows: tuple[str, ...]
    contacts: list[Contact]
    shifts: list[Shift]

    def staffed(self, share: float) -> "Day":
        """The same day with ``share`` of its agents, 1.05 for a twentieth more.

        Whoever is left out, or has a double, is chosen at even distances, so that every crew
        grows or shrinks alike and all others stay who they are.
        """
        times = [
            math.floor((n + 1) * share) - math.floor(n * share) for n in range(len(self.shifts))
        ]
        shifts = []
        for shift, count in zip(self.shifts, times, strict=True):
            shifts += [_double(shift, n) for n in range(count)]
        return replace(self, shifts=shifts)


def _double(shift: Shift, n: int) -> Shift:
    if n == 0:
        return shift
    name = AgentName(f"{shift.profile.name}+{n}")
    return Shift(replace(shift.profile, name=name), shift.ready)


def throw(scenario: Scenario, seed: int) -> Day:
    """One day of a scenario."""
    contacts = [c for flow in scenario.flows for c in _contacts(scenario, flow, seed)]
    contacts.sort(key=lambda c: (c.at, c.flow))
    return Day(
        name=f"seed {seed}",
        begins=MIDNIGHT,
        seconds=scenario.hours * HOUR,
        flows=tuple(flow.name for flow in scenario.flows),
        contacts=contacts,
        shifts=[s for crew in scenario.crews for s in _shifts(crew, seed)],
    )


def _contacts(scenario: Scenario, flow: Flow, seed: int) -> list[Contact]:
    dice = Random(f"{seed}/{scenario.name}/{flow.name}")  # noqa: S311 - dice, not secrets
    out = []
    whole = sum(flow.hours)
    for hour, weight in enumerate(flow.hours):
        if hour >= scenario.hours or not weight or not flow.contacts:
            continue
        # A Poisson process: exponential gaps at the hour's rate.
        rate = flow.contacts * weight / whole / HOUR
        at = hour * HOUR
        while (at := at + dice.expovariate(rate)) < (hour + 1) * HOUR:
            out.append(_contact(scenario, flow, at, dice))
    return out


def _contact(scenario: Scenario, flow: Flow, at: float, dice: Random) -> Contact:
    level = int(_one_of(flow.level, dice))
    skills: dict[SkillName, int] = {}
    if flow.topics:
        skills[_one_of(flow.topics, dice)] = level
    if flow.languages:
        skills[SkillName(_one_of(flow.languages, dice))] = 1
    return Contact(
        at=at,
        flow=flow.name,
        kind=flow.kind,
        queue=flow.queue,
        within=flow.within,
        handle=_seconds(flow.handle, dice),
        wrapup=_seconds(flow.wrapup, dice) if flow.wrapup else 0.0,
        reaction=_seconds(scenario.reaction, dice),
        patience=dice.expovariate(1 / flow.patience) if flow.patience else math.inf,
        skills=skills,
        value=int(_one_of(flow.values, dice)),
        priority=flow.priority,
    )


def _one_of(weights: Mapping[Name, float], dice: Random) -> Name:
    return dice.choices([*weights], [*weights.values()])[0]


def _seconds(spread: Spread, dice: Random) -> float:
    sigma = math.log(spread.p90 / spread.median) / _Z90
    return dice.lognormvariate(math.log(spread.median), sigma)


def _shifts(crew: Crew, seed: int) -> list[Shift]:
    dice = Random(f"{seed}/{crew.name}")  # noqa: S311 - dice, not secrets
    out = []
    for n in range(crew.agents):
        late = dice.uniform(0, crew.stagger) * HOUR
        capacity: dict[ChannelKind, int] = dict(crew.capacity)
        profile = AgentProfile(
            name=AgentName(f"{crew.name}-{n + 1}"),
            skills={
                **{SkillName(s): 1 for s in _some(crew.languages, dice)},
                **{SkillName(s): dice.randint(1, 5) for s in _some(crew.skills, dice)},
            },
            queues=crew.queues,
            capacity=capacity,
        )
        out.append(Shift(profile, ((crew.begins * HOUR + late, crew.ends * HOUR + late),)))
    return out


def _some(shares: Mapping[Name, float], dice: Random) -> list[Name]:
    chosen = [name for name, share in shares.items() if dice.random() < share]
    if not chosen and shares:
        chosen = [max(shares, key=lambda name: shares[name])]
    return chosen
