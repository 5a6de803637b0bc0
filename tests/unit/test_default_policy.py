"""What is claimed of the default policy, on the shipped scenarios made small. Nothing is timed."""

from collections.abc import Callable
from functools import cache

import pytest

from gateway.sim.compare import AS_IT_IS, Policy, Row, Tried, baselines, compare
from gateway.sim.day import throw
from gateway.sim.scenario import load, scaled, shipped

# One worker has them all: what is played once for one test serves the others.
pytestmark = [pytest.mark.timeout(180), pytest.mark.xdist_group("default-policy")]
HUNDREDTH = 1.01
# How much of each day is played: its share, and its seeds.
SMALL = {
    "one-line": (0.3, (1,)),
    "small-desk": (1.0, (1, 2)),
    "four-queues": (0.25, (1,)),
    "many-skills": (0.25, (1,)),
    "great-house": (0.015, (1,)),
}
SEVERAL_SKILLS = ("small-desk", "four-queues", "many-skills", "great-house")


Played = Callable[[str], list[Row]]


@pytest.fixture(scope="module")
def played() -> Played:
    """By scenario: the default first, then the baselines. Each is played once."""
    tried = [Tried(Policy(name=AS_IT_IS)), *(Tried(policy) for policy in baselines())]

    @cache
    def rows(name: str) -> list[Row]:
        share, seeds = SMALL[name]
        scenario = scaled(load(name), share)
        return compare((throw(scenario, n) for n in seeds), scenario.queues, tried)

    return rows


def test_every_shipped_scenario_is_looked_at() -> None:
    assert sorted(SMALL) == shipped()


@pytest.mark.parametrize("name", SMALL)
def test_the_default_is_never_more_than_a_hundredth_worse(played: Played, name: str) -> None:
    ours, *others = played(name)
    for other in others:
        assert ours.service_level * HUNDREDTH >= other.service_level, other.policy
        assert ours.asa <= other.asa * HUNDREDTH, other.policy


@pytest.mark.parametrize("name", SEVERAL_SKILLS)
def test_where_people_know_different_things_the_default_answers_sooner(
    played: Played, name: str
) -> None:
    ours, *others = played(name)
    assert all(ours.asa < other.asa for other in others)
    assert all(ours.p95 < other.p95 for other in others)


def test_where_skills_are_many_and_people_few_more_are_answered_in_time(
    played: Played,
) -> None:
    ours, *others = played("many-skills")
    assert all(ours.service_level > other.service_level for other in others)
    assert all(ours.abandoned < other.abandoned for other in others)


def test_where_all_are_alike_there_is_nothing_to_choose(played: Played) -> None:
    ours, *others = played("one-line")
    assert {row.service_level for row in others} == {ours.service_level}
    assert {row.asa for row in others} == {ours.asa}
