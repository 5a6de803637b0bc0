"""Several policies on the same days: the same contacts and agents, so that only they differ."""

import tomllib
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from statistics import fmean
from typing import Any

import msgspec
from msgspec import Struct, field

from gateway.core.model import Queue
from gateway.sim.day import throw
from gateway.sim.figures import Result
from gateway.sim.floor import Floor
from gateway.sim.scenario import BadScenario, Scenario

AS_IT_IS = "as it is"


class Policy(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is different from the scenario: fields of every queue, and of single ones by name."""

    name: str
    summary: str = ""
    every_queue: dict[str, Any] = field(default_factory=dict)
    queues: dict[str, dict[str, Any]] = field(default_factory=dict)

    def applied(self, queues: Iterable[Queue]) -> list[Queue]:
        """The queues under this policy. Raises ``BadScenario``."""
        return [self._one(queue) for queue in queues]

    def _one(self, queue: Queue) -> Queue:
        changes = {**self.every_queue, **self.queues.get(queue.name, {})}
        if strange := sorted(changes.keys() - {*queue.__struct_fields__}):
            raise BadScenario(f"policy {self.name!r}: a queue has no {strange[0]!r}")
        try:
            return msgspec.convert({**msgspec.to_builtins(queue), **changes}, Queue)
        except msgspec.ValidationError as error:
            raise BadScenario(f"policy {self.name!r}: {error}") from error


def policies(file: Path) -> list[Policy]:
    """Those of a TOML file with ``[[policy]]`` tables. Raises ``BadScenario``."""
    try:
        tree = tomllib.loads(file.read_text(encoding="utf-8"))
        return msgspec.convert(tree.get("policy", []), list[Policy])
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise BadScenario(f"{file}: {error}") from error
    except msgspec.ValidationError as error:
        raise BadScenario(f"{file}: {error}") from error


class Row(Struct, frozen=True, kw_only=True):
    """One policy: the mean of each figure over all seeds, and how long a day took to simulate."""

    policy: str
    service_level: float
    asa: float
    p50: float
    p95: float
    p99: float
    longest: float
    abandoned: float
    waiting: float
    occupancy: float
    occupancy_p10: float
    occupancy_p90: float
    offers: float
    seconds: float
    flows: dict[str, float]
    """The service level by flow."""


def compare(
    scenario: Scenario,
    others: Sequence[Policy],
    seeds: Sequence[int],
    say: Callable[[str], None] = lambda _words: None,
) -> list[Row]:
    """The scenario as it is, then each policy; a row each. Raises ``BadScenario``."""
    tried = [Policy(name=AS_IT_IS), *others]
    ready = [(policy, policy.applied(scenario.queues)) for policy in tried]
    results: dict[str, list[Result]] = {policy.name: [] for policy in tried}
    for seed in seeds:
        day = throw(scenario, seed)
        for policy, queues in ready:
            result = Floor(day, queues).run(policy.name)
            results[policy.name].append(result)
            say(f"seed {seed}, {policy.name}: {result.seconds:.1f} s")
    return [_row(name, found) for name, found in results.items()]


def _row(policy: str, results: Sequence[Result]) -> Row:
    def mean(figure: Callable[[Result], float]) -> float:
        return fmean(figure(result) for result in results)

    def flow(name: str) -> float:
        return mean(lambda r: r.flows[name].service_level)

    return Row(
        policy=policy,
        service_level=mean(lambda r: r.waits.service_level),
        asa=mean(lambda r: r.waits.asa),
        p50=mean(lambda r: r.waits.p50),
        p95=mean(lambda r: r.waits.p95),
        p99=mean(lambda r: r.waits.p99),
        longest=max(r.waits.longest for r in results),
        abandoned=mean(lambda r: r.waits.abandoned),
        waiting=mean(lambda r: r.waits.waiting),
        occupancy=mean(lambda r: r.load.mean),
        occupancy_p10=mean(lambda r: r.load.p10),
        occupancy_p90=mean(lambda r: r.load.p90),
        offers=mean(lambda r: r.offers),
        seconds=mean(lambda r: r.seconds),
        flows={name: flow(name) for name in results[0].flows},
    )
