"""What is claimed of the default policy, on the shipped scenarios made small. Nothing is timed."""

import pytest

from gateway.sim.compare import AS_IT_IS, Policy, Row, Tried, baselines, compare
from gateway.sim.day import throw
from gateway.sim.scenario import load, scaled, shipped

HUNDREDTH = 1.01
# How much of each day is played: its share, and its seeds.
SMALL = {
    "one-line": (0.5, (1,)),
    "small-desk": (1.0, (1, 2, 3)),
    "four-queues": (0.4, (1,)),
    "many-skills": (0.4, (1,)),
    "great-house": (0.04, (1,)),
}
SEVERAL_SKILLS = ("small-desk", "four-queues", "many-skills", "great-house")


@pytest.fixture(scope="module")
def rows() -> dict[str, list[Row]]:
    """The default first, then the baselines."""
    tried = [Tried(Policy(name=AS_IT_IS)), *(Tried(policy) for policy in baselines())]
    found = {}
    for name, (share, seeds) in SMALL.items():
        scenario = scaled(load(name), share)
        found[name] = compare((throw(scenario, n) for n in seeds), scenario.queues, tried)
    return found


def test_every_shipped_scenario_is_looked_at() -> None:
    assert sorted(SMALL) == shipped()


@pytest.mark.parametrize("name", SMALL)
def test_the_default_is_never_more_than_a_hundredth_worse(
    rows: dict[str, list[Row]], name: str
) -> None:
    ours, *others = rows[name]
    for other in others:
        assert ours.service_level * HUNDREDTH >= other.service_level, other.policy
        assert ours.asa <= other.asa * HUNDREDTH, other.policy


@pytest.mark.parametrize("name", SEVERAL_SKILLS)
def test_where_people_know_different_things_the_default_answers_sooner(
    rows: dict[str, list[Row]], name: str
) -> None:
    ours, *others = rows[name]
    assert all(ours.asa < other.asa for other in others)
    assert all(ours.p95 < other.p95 for other in others)


def test_where_skills_are_many_and_people_few_more_are_answered_in_time(
    rows: dict[str, list[Row]],
) -> None:
    ours, *others = rows["many-skills"]
    assert all(ours.service_level > other.service_level for other in others)
    assert all(ours.abandoned < other.abandoned for other in others)


def test_where_all_are_alike_there_is_nothing_to_choose(rows: dict[str, list[Row]]) -> None:
    ours, *others = rows["one-line"]
    assert {row.service_level for row in others} == {ours.service_level}
    assert {row.asa for row in others} == {ours.asa}
