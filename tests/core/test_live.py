"""Routing at work: the same every time, at once after any change, never more than fits."""

import random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from gateway.core import commands as c
from gateway.core import events as e
from gateway.core.capacity import TOTAL, used
from gateway.core.ids import AgentName, SkillName
from gateway.core.model import ChannelKind, ItemState
from gateway.core.policy import Policy, Ring
from gateway.core.routing.fit import lacks, unavailable
from gateway.core.routing.need import need_of
from tests.support.builders import House, agent, needs, queue

SKILLS = [SkillName(s) for s in ("de", "en", "hu", "law")]
_LEVELS = st.dictionaries(st.sampled_from(SKILLS), st.integers(1, 5), max_size=4)
_CREW = st.lists(_LEVELS, min_size=1, max_size=8)
_WORK = st.lists(
    st.tuples(_LEVELS, st.sampled_from(list(ChannelKind)), st.integers(-9, 9)), max_size=12
)
_CHOICE = st.sampled_from(["best_fit", "longest_idle", "least_occupied", "round_robin"])


def busy_house(crew: list[Any], work: list[Any], choice: Any, *, at_once: bool) -> House:
    """All come in together, or one after the other."""
    house = House(
        *(agent(f"a{n}", levels) for n, levels in enumerate(crew)),
        queues=[queue(policy=Policy(choice=choice))],
    )
    house.settles = not at_once
    for n in range(len(crew)):
        house.sign_in(f"a{n}")
    for levels, kind, points in work:
        house.new_item(requirement=needs(**levels), kind=kind, priority=points)
    house.settle()
    return house


@settings(max_examples=60)
@given(_CREW, _WORK, _CHOICE, st.booleans())
def test_the_same_happens_every_time_and_nobody_gets_more_than_fits(
    crew: list[Any], work: list[Any], choice: str, at_once: bool
) -> None:
    once, again = (busy_house(crew, work, choice, at_once=at_once) for _ in range(2))
    assert once.offers == again.offers
    for name, profile in once.state.profiles.items():
        firm = [i for i in once.state.in_hand(name) if i.kind.value not in ("email", "task")]
        assert used(profile, firm) <= TOTAL
        assert used(profile, [i for i in once.state.in_hand(name) if i not in firm]) <= TOTAL


@settings(max_examples=60)
@given(_CREW, _WORK)
def test_at_once_as_many_are_served_as_any_assignment_could(
    crew: list[Any], work: list[Any]
) -> None:
    """Calls take the whole agent, so this is a matching: compared with one by augmenting paths."""
    calls = [(levels, ChannelKind.VOICE, points) for levels, _, points in work]
    house = busy_house(crew, calls, "best_fit", at_once=True)
    fits = [
        {n for n, has in enumerate(crew) if all(has.get(s, 0) >= k for s, k in levels.items())}
        for levels, _, _ in calls
    ]
    assert len(house.offered()) == largest_matching(fits)


def largest_matching(fits: list[set[int]]) -> int:
    held: dict[int, int] = {}

    def place(item: int, seen: set[int]) -> bool:
        for one in fits[item] - seen:
            seen.add(one)
            if one not in held or place(held[one], seen):
                held[one] = item
                return True
        return False

    return sum(place(item, set()) for item in range(len(fits)))


def could(house: House) -> list[str]:
    """Who stands idle beside something that waits and that they could take."""
    state = house.state
    return [
        f"{name} {item.id}"
        for item in state.items.values()
        if item.state is ItemState.QUEUED
        for name, profile in state.profiles.items()
        if lacks(profile, need_of(state, item)) is None
        and unavailable(state, name, need_of(state, item)) is None
    ]


def test_whatever_changes_has_its_effect_before_anything_else_happens() -> None:
    """Agents, skills, queues, policies, levels, priorities: after each nobody stands idle."""
    dice = random.Random(3)
    crew = [f"a{n}" for n in range(12)]
    house = House(*map(agent, crew), queues=[queue(), queue("law")])
    house.sign_in(*crew)
    for _ in range(400):
        change(house, dice, crew)
        assert could(house) == []


def change(house: House, dice: random.Random, crew: list[str]) -> None:
    name = dice.choice(crew)
    some = {str(skill): dice.randint(1, 5) for skill in dice.sample(SKILLS, dice.randint(0, 3))}
    match dice.randrange(8):
        case 0 | 1:
            kind = dice.choice([ChannelKind.VOICE, ChannelKind.WEBCHAT, ChannelKind.EMAIL])
            language = dice.choice(["", "", "de-AT", "hu", "fi"])
            house.new_item(requirement=needs(**some), kind=kind, language=language)
        case 2:
            profile = replace(agent(name, some), level=dice.choice((0, 0, 1, 2)))
            house.record([e.Change(e.AgentDefined(profile=profile, by="sue"))])
        case 3:
            rings = (Ring(after=0, lower=dice.randint(0, 4)),) if dice.random() < 0.5 else ()
            changed = queue(
                skills={SkillName("law"): 2} if dice.random() < 0.3 else {},
                rings=rings,
                policy=Policy(choice=dice.choice(["best_fit", "longest_idle"])),
            )
            house.record([e.Change(e.QueueDefined(queue=changed, by="sue"))])
        case 4:
            waiting = [i for i in house.state.items.values() if i.state is ItemState.QUEUED]
            if waiting:
                raised = e.CaseChanged(
                    case=dice.choice(waiting).case, by="sue", level=dice.randint(1, 3)
                )
                house.record([e.Change(raised)])
        case 5:
            state = dice.choice(["ready", "not_ready"])
            house.say(name, c.State(id=house.command(), state=state))  # type: ignore[arg-type]
        case _:
            for one in house.offered_to(name):
                assert one.offer is not None
                house.say(name, c.Accept(id=house.command(), offer=one.offer.id))
                house.complete(name, one.id)


@pytest.mark.parametrize("count", [2, 30, 700])
def test_a_policy_that_changes_while_many_wait_loses_none(count: int) -> None:
    house = House(agent("ana"), queues=[queue()])
    items = [house.new_item(priority=n % 7) for n in range(count)]
    changed = queue(policy=Policy(priority_seconds=0), skills={SkillName("law"): 1})
    house.record([e.Change(e.QueueDefined(queue=changed, by="sue"))])
    line = [found for _, found, need in house.engine.pool.in_line() if need.skills]
    assert line == [one.id for one in items]
    assert AgentName("ana") in house.state.profiles
