"""The dice of a day: the same seed gives the same contacts and agents to every policy."""

import math
from collections.abc import Mapping
from random import Random
from typing import TypeVar

from msgspec import Struct

from gateway.core.ids import AgentName, SkillName
from gateway.core.model import AgentProfile, ChannelKind
from gateway.sim.scenario import Crew, Flow, Scenario, Spread

Name = TypeVar("Name", bound=str)

HOUR = 3600.0
_Z90 = 1.2815515655446004
"""Nine of ten of a normal distribution lie below so many standard deviations."""


class Contact(Struct, frozen=True, gc=False):
    """One that comes at ``at`` (seconds of the day), with all that chance decides about it.

    ``patience`` is after how many seconds its customer leaves the queue; infinite: never.
    """

    at: float
    flow: str
    handle: float
    wrapup: float
    reaction: float
    patience: float
    skills: dict[SkillName, int]
    value: int


class Shift(Struct, frozen=True, gc=False):
    """An agent, and the seconds of the day between which they are ready."""

    profile: AgentProfile
    begins: float
    ends: float


class Day(Struct, frozen=True):
    """All contacts in order of their coming, and all agents."""

    scenario: Scenario
    seed: int
    contacts: list[Contact]
    shifts: list[Shift]


def throw(scenario: Scenario, seed: int) -> Day:
    """One day of a scenario."""
    contacts = [c for flow in scenario.flows for c in _contacts(scenario, flow, seed)]
    contacts.sort(key=lambda c: (c.at, c.flow))
    shifts = [s for crew in scenario.crews for s in _shifts(crew, seed)]
    return Day(scenario, seed, contacts, shifts)


def _contacts(scenario: Scenario, flow: Flow, seed: int) -> list[Contact]:
    dice = Random(f"{seed}/{scenario.name}/{flow.name}")  # noqa: S311 - dice, not secrets
    out = []
    whole = sum(flow.hours)
    for hour, weight in enumerate(flow.hours):
        if hour >= scenario.hours or not weight:
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
        handle=_seconds(flow.handle, dice),
        wrapup=_seconds(flow.wrapup, dice) if flow.wrapup else 0.0,
        reaction=_seconds(scenario.reaction, dice),
        patience=dice.expovariate(1 / flow.patience) if flow.patience else math.inf,
        skills=skills,
        value=int(_one_of(flow.values, dice)),
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
        out.append(Shift(profile, crew.begins * HOUR + late, crew.ends * HOUR + late))
    return out


def _some(shares: Mapping[Name, float], dice: Random) -> list[Name]:
    chosen = [name for name, share in shares.items() if dice.random() < share]
    if not chosen and shares:
        chosen = [max(shares, key=lambda name: shares[name])]
    return chosen
