"""What a day is like: who comes, when, with what; and who is there to answer."""

import tomllib
from collections.abc import Collection
from importlib.resources import files
from pathlib import Path
from typing import Annotated

import msgspec
from msgspec import Meta, Struct, field

from gateway.core.errors import GatewayError
from gateway.core.ids import QueueName, SkillName
from gateway.core.model import ChannelKind, Queue

Share = Annotated[float, Meta(ge=0, le=1)]
Weight = Annotated[float, Meta(ge=0)]
Hour = Annotated[float, Meta(ge=0, le=48)]
EVEN = (1.0,) * 24


class BadScenario(GatewayError):
    """A scenario that says something impossible, with the field and what to do."""


class Spread(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Seconds of which half are below ``median`` and nine of ten below ``p90`` (log-normal)."""

    median: Annotated[float, Meta(gt=0)]
    p90: Annotated[float, Meta(gt=0)]


class Flow(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Contacts of one kind.

    ``hours`` are the weights of the day's 24 hours. ``topics`` and ``languages`` are skills of
    which each contact needs one, by weight; ``level`` is how well. ``values`` are how much its
    customer means to the house. Who waits gives up after ``patience`` seconds on average
    (exponential); left out: never. ``within`` is the time to the answer that counts as served.
    """

    name: str
    kind: ChannelKind
    queue: QueueName
    contacts: Annotated[int, Meta(ge=0)]
    handle: Spread
    within: Annotated[float, Meta(gt=0)]
    wrapup: Spread | None = None
    patience: Annotated[float, Meta(gt=0)] | None = None
    hours: Annotated[tuple[Weight, ...], Meta(min_length=24, max_length=24)] = EVEN
    topics: dict[SkillName, Weight] = field(default_factory=dict)
    level: dict[str, Weight] = field(default_factory=lambda: {"1": 1.0})
    languages: dict[str, Weight] = field(default_factory=dict)
    values: dict[str, Weight] = field(default_factory=lambda: {"0": 1.0})
    priority: int = 0


class Crew(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Agents of one kind, at work from ``begins`` to ``ends`` (hours of the day).

    ``skills`` and ``languages`` are the shares of them who have each; who would have none gets
    the likeliest. Levels are spread evenly over 1 to 5. ``stagger`` is over how many hours they
    come and go, so that not all of them change at one stroke.
    """

    name: str
    agents: Annotated[int, Meta(ge=1)]
    begins: Hour = 0.0
    ends: Hour = 24.0
    stagger: Annotated[float, Meta(ge=0, le=8)] = 0.0
    skills: dict[SkillName, Share] = field(default_factory=dict)
    languages: dict[str, Share] = field(default_factory=dict)
    queues: tuple[QueueName, ...] = ()
    capacity: dict[ChannelKind, int] = field(default_factory=dict)


class Scenario(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A day. ``reaction`` is how long an agent takes to accept an offer, in seconds.

    ``seeds`` are the days that policies are tried on while one is being chosen, ``held_out`` those
    that the choice is judged by afterwards; both were fixed before anybody saw what they give.
    """

    name: str
    summary: str = ""
    queues: tuple[Queue, ...]
    flows: Annotated[tuple[Flow, ...], Meta(min_length=1)]
    crews: Annotated[tuple[Crew, ...], Meta(min_length=1)]
    reaction: Spread = Spread(median=2.0, p90=5.0)
    hours: Annotated[float, Meta(gt=0, le=48)] = 24.0
    seeds: Annotated[tuple[int, ...], Meta(min_length=1)] = (1,)
    held_out: tuple[int, ...] = ()

    @property
    def contacts(self) -> int:
        return sum(flow.contacts for flow in self.flows)

    @property
    def agents(self) -> int:
        return sum(crew.agents for crew in self.crews)


def shipped() -> list[str]:
    """The names of the scenarios that come with the program."""
    found = files("gateway.sim").joinpath("scenarios").iterdir()
    return sorted(f.name.removesuffix(".toml") for f in found if f.name.endswith(".toml"))


def load(which: str) -> Scenario:
    """A shipped scenario by its name, or one from a file. Raises ``BadScenario``."""
    if which in shipped():
        return parse(files("gateway.sim").joinpath("scenarios", f"{which}.toml").read_text("utf-8"))
    try:
        text = Path(which).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        known = ", ".join(shipped())
        raise BadScenario(f"{which!r} is no file that can be read, nor one of {known}") from error
    return parse(text)


def parse(text: str) -> Scenario:
    """Raises ``BadScenario``."""
    try:
        scenario = msgspec.convert(tomllib.loads(text), Scenario)
    except (tomllib.TOMLDecodeError, msgspec.ValidationError) as error:
        raise BadScenario(str(error)) from error
    _check(scenario)
    return scenario


def scaled(scenario: Scenario, share: float) -> Scenario:
    """The same day with a part of its contacts and agents; at least one of each stays."""
    return msgspec.structs.replace(
        scenario,
        flows=tuple(
            msgspec.structs.replace(f, contacts=max(round(f.contacts * share), 1))
            for f in scenario.flows
        ),
        crews=tuple(
            msgspec.structs.replace(c, agents=max(round(c.agents * share), 1))
            for c in scenario.crews
        ),
    )


def _check(scenario: Scenario) -> None:
    queues = {queue.name for queue in scenario.queues}
    skills = {s for crew in scenario.crews for s in (*crew.skills, *crew.languages)}
    if both := sorted({*scenario.seeds} & {*scenario.held_out}):
        raise BadScenario(f"seed {both[0]} is held out, so it cannot be among the seeds as well")
    if scenario.reaction.p90 < scenario.reaction.median:
        raise BadScenario("reaction: p90 is below the median")
    for flow in scenario.flows:
        _check_flow(flow, queues, skills)
    for crew in scenario.crews:
        if crew.ends <= crew.begins:
            raise BadScenario(f"crew {crew.name!r}: ends before it begins")
        if strange := sorted({*crew.queues} - queues):
            raise BadScenario(f"crew {crew.name!r}: there is no queue {strange[0]!r}")


def _check_flow(flow: Flow, queues: Collection[str], skills: Collection[str]) -> None:
    if flow.queue not in queues:
        raise BadScenario(f"flow {flow.name!r}: there is no queue {flow.queue!r}")
    for what, weights in (
        ("hours", flow.hours),
        ("topics", flow.topics.values()),
        ("languages", flow.languages.values()),
        ("level", flow.level.values()),
        ("values", flow.values.values()),
    ):
        if weights and sum(weights) <= 0:
            raise BadScenario(f"flow {flow.name!r}: {what} need a weight above 0")
    for what, numbers in (("level", flow.level), ("values", flow.values)):
        if strange := [text for text in numbers if not text.isdecimal()]:
            raise BadScenario(f"flow {flow.name!r}: {what} has {strange[0]!r}, which is no number")
    for skill in (*flow.topics, *flow.languages):
        if skill not in skills:
            raise BadScenario(f"flow {flow.name!r}: nobody has {skill!r}; name it in a crew")
    for spread in (flow.handle, flow.wrapup):
        if spread is not None and spread.p90 < spread.median:
            raise BadScenario(f"flow {flow.name!r}: p90 is below the median")
