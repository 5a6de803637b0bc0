"""Several policies on the same days: the same contacts and agents, so that only they differ."""

import tomllib
from collections.abc import Callable, Iterable, Sequence
from importlib.resources import files
from pathlib import Path
from statistics import median
from typing import Any

import msgspec
from msgspec import Struct, field

from gateway.core.model import Queue
from gateway.sim.day import Day
from gateway.sim.figures import Result, Waits
from gateway.sim.floor import Floor
from gateway.sim.scenario import BadScenario

AS_IT_IS = "as it is"
AS_IT_WAS = "as it was"
"""What a recorded day really gave."""
SEVERAL = frozenset({"policy", "costs"})
"""Fields of a queue that are changed one by one and not replaced as a whole."""


class Policy(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is different from the queues as they are: fields of every one, and of single ones.

    Of a queue's ``policy`` only what is named is changed. ``summary`` is for people.
    """

    name: str
    summary: str = ""
    every_queue: dict[str, Any] = field(default_factory=dict)
    queues: dict[str, dict[str, Any]] = field(default_factory=dict)

    def applied(self, queues: Iterable[Queue]) -> list[Queue]:
        """The queues under this policy. Raises ``BadScenario``."""
        known = list(queues)
        if strange := sorted(self.queues.keys() - {queue.name for queue in known}):
            raise BadScenario(f"policy {self.name!r}: there is no queue {strange[0]!r}")
        return [self._one(queue) for queue in known]

    def _one(self, queue: Queue) -> Queue:
        changed = msgspec.to_builtins(queue)
        for changes in (self.every_queue, self.queues.get(queue.name, {})):
            if strange := sorted(changes.keys() - {*queue.__struct_fields__}):
                raise BadScenario(f"policy {self.name!r}: a queue has no {strange[0]!r}")
            changed = _merged(changed, changes)
        named = changed["policy"] if isinstance(changed["policy"], dict) else {}
        if strange := sorted(named.keys() - {*queue.policy.__struct_fields__}):
            raise BadScenario(f"policy {self.name!r}: a queue's policy has no {strange[0]!r}")
        try:
            return msgspec.convert(changed, Queue)
        except msgspec.ValidationError as error:
            raise BadScenario(f"policy {self.name!r}: {error}") from error


def _merged(old: dict[str, Any], new: dict[str, Any]) -> dict[str, Any]:
    out = {**old, **new}
    for name in SEVERAL & old.keys() & new.keys():
        if isinstance(new[name], dict):
            out[name] = _merged(old[name], new[name])
    return out


def policies(file: Path) -> list[Policy]:
    """Those of a TOML file with ``[[policy]]`` tables. Raises ``BadScenario``."""
    try:
        return _parsed(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise BadScenario(f"{file}: {error}") from error
    except msgspec.ValidationError as error:
        raise BadScenario(f"{file}: {error}") from error


def baselines() -> list[Policy]:
    """What our default is compared with: first come, first served; longest idle."""
    return _parsed(files("gateway.sim").joinpath("baselines.toml").read_text("utf-8"))


def _parsed(text: str) -> list[Policy]:
    found = msgspec.convert(tomllib.loads(text).get("policy", []), list[Policy])
    names = [AS_IT_IS, AS_IT_WAS, *(policy.name for policy in found)]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise msgspec.ValidationError(f"there are two policies {twice[0]!r}")
    return found


class Figures(Struct, frozen=True, kw_only=True):
    """The median of all days, but of ``longest``, which is the longest of all."""

    contacts: float
    service_level: float
    asa: float
    p50: float
    p95: float
    p99: float
    longest: float
    abandoned: float
    waiting: float


class OneDay(Struct, frozen=True, kw_only=True):
    """What is compared day by day, for each has its own contacts and agents."""

    contacts: int
    service_level: float
    asa: float
    p95: float
    fairness: float


class Row(Figures, frozen=True, kw_only=True):
    """One policy at one staffing, and how long a day took to simulate."""

    policy: str
    agents: int
    occupancy: float
    occupancy_p10: float
    occupancy_p90: float
    fairness: float
    offers: float
    seconds: float
    cpu_seconds: float
    flows: dict[str, Figures]
    days: tuple[OneDay, ...] = ()


class Margin(Struct, frozen=True, kw_only=True):
    """How much more one policy has of a figure than another on the same days.

    ``better``, ``level`` and ``worse`` are numbers of days; level is a difference that no reader
    of the table would see.
    """

    median: float
    least: float
    most: float
    better: int
    level: int
    worse: int


SEEN = {"service_level": 0.00005, "asa": 0.05, "p95": 0.05, "fairness": 0.0005}
"""Smaller differences are none: a two-hundredth of a point, a twentieth of a second."""
LESS_IS_BETTER = frozenset({"asa", "p95"})


def margin(ours: Row, other: Row, figure: str) -> Margin:
    """Of two rows with the same days."""
    found = [
        getattr(mine, figure) - getattr(theirs, figure)
        for mine, theirs in zip(ours.days, other.days, strict=True)
    ]
    more = sum(one > SEEN[figure] for one in found)
    less = sum(one < -SEEN[figure] for one in found)
    better, worse = (less, more) if figure in LESS_IS_BETTER else (more, less)
    return Margin(
        median=median(found),
        least=min(found),
        most=max(found),
        better=better,
        level=len(found) - more - less,
        worse=worse,
    )


class Tried(Struct, frozen=True):
    """A policy, and the share of the agents that it is tried with."""

    policy: Policy
    agents: float = 1.0

    @property
    def name(self) -> str:
        if self.agents == 1:
            return self.policy.name
        return f"{self.policy.name}, {self.agents - 1:+.0%} agents"


def compare(
    days: Iterable[Day],
    queues: Sequence[Queue],
    tried: Sequence[Tried],
    say: Callable[[str], None] = lambda _words: None,
) -> list[Row]:
    """A row for each that is tried. Raises ``BadScenario``."""
    ready = [(one, one.policy.applied(queues)) for one in tried]
    results: dict[str, list[Result]] = {one.name: [] for one in tried}
    for day in days:
        for one, changed in ready:
            staffed = day if one.agents == 1 else day.staffed(one.agents)
            result = Floor(staffed, changed).run(one.name)
            results[one.name].append(result)
            say(
                f"{day.name}, {one.name}: {result.seconds:.1f} s"
                f" ({result.cpu_seconds:.1f} s of processor time)"
            )
    return [compared(name, found) for name, found in results.items() if found]


def compared(policy: str, results: Sequence[Result]) -> Row:
    """The medians of several days, and those days one by one."""

    def middle(figure: Callable[[Result], float]) -> float:
        return median(figure(result) for result in results)

    return Row(
        policy=policy,
        agents=round(middle(lambda r: r.load.agents)),
        occupancy=middle(lambda r: r.load.mean),
        occupancy_p10=middle(lambda r: r.load.p10),
        occupancy_p90=middle(lambda r: r.load.p90),
        fairness=middle(lambda r: r.load.fairness),
        offers=middle(lambda r: r.offers),
        seconds=middle(lambda r: r.seconds),
        cpu_seconds=middle(lambda r: r.cpu_seconds),
        flows={
            name: Figures(**_figures([result.flows[name] for result in results]))
            for name in results[0].flows
        },
        days=tuple(map(_one_day, results)),
        **_figures([result.waits for result in results]),
    )


def _figures(found: Sequence[Waits]) -> dict[str, float]:
    names = set(Figures.__struct_fields__) - {"longest"}
    middle = {name: float(median(getattr(one, name) for one in found)) for name in names}
    return {**middle, "longest": max(one.longest for one in found)}


def _one_day(result: Result) -> OneDay:
    return OneDay(
        contacts=result.waits.contacts,
        service_level=result.waits.service_level,
        asa=result.waits.asa,
        p95=result.waits.p95,
        fairness=result.load.fairness,
    )
