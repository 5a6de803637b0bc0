"""Why something waits, what opens when, and what is wrong with a declared queue."""

from datetime import timedelta

import pytest

from gateway.core.errors import Refused
from gateway.core.ids import SiteName, SkillName
from gateway.core.model import Queue
from gateway.core.policy import Policy, Ring
from gateway.core.routing.checks import check_rings, warnings
from gateway.core.routing.explain import waits
from tests.support.builders import House, agent, needs, queue

BILLING = SkillName("billing")


def test_what_waits_says_which_ring_opens_when_and_for_how_many() -> None:
    rings = (Ring(after=60, lower=1), Ring(expected_wait=900, drop=(BILLING,)))
    house = House(agent("ana", billing=3), agent("bob"), queues=[queue(rings=rings)])
    item = house.new_item(requirement=needs(billing=4))
    house.pass_time(20)
    now = house.clock.now()
    told = waits(house.state, house.state.items[item.id], now)
    assert (told.needs, told.fitting, told.ring) == ("billing 4", 0, 0)
    assert [(r.ring, r.agents, r.at) for r in told.rings] == [
        (1, 1, item.created_at + timedelta(seconds=60)),
        (2, 2, None),
    ]
    said = told.words(now)
    assert "ring 1 opens in 40 s: levels lower by 1, then 1 fit" in said
    assert "ring 2 opens when the expected wait comes to 900 s: without billing, then 2" in said
    house.pass_time(41)
    told = waits(house.state, house.state.items[item.id], house.clock.now())
    assert (told.needs, told.ring, len(told.rings)) == ("billing 3", 1, 1)
    assert "ring 1 is open" in told.words(house.clock.now())


def test_a_language_that_nobody_speaks_is_said() -> None:
    house = House(agent("ana"))
    item = house.new_item(language="fi")
    told = waits(house.state, house.state.items[item.id], house.clock.now())
    assert "nobody here speaks fi" in told.words(house.clock.now())


@pytest.mark.parametrize(
    ("choice", "words"),
    [
        ("longest_idle", "available for longest of those who fit"),
        ("least_occupied", "has least in hand of those who fit"),
        ("round_robin", "has had the fewest offers of those who fit"),
    ],
)
def test_the_reason_names_the_queues_choice_and_the_ring(choice: str, words: str) -> None:
    policy = Policy(choice=choice)  # type: ignore[arg-type]
    house = House(agent("ana"), queues=[queue(policy=policy, rings=(Ring(after=5, lower=1),))])
    item = house.new_item()
    house.pass_time(6)
    house.sign_in("ana")
    assert house.offers[-1].item == item.id
    assert house.offers[-1].reason == f"needs no particular skill (ring 1); {words} (0 in hand)"


@pytest.mark.parametrize(
    ("rings", "field"),
    [
        ((Ring(lower=1),), "q.rings[0].after"),
        ((Ring(after=60), Ring(after=30)), "q.rings[1].after"),
        ((Ring(after=60, queues=(queue("nowhere").name,)),), "q.rings[0].queues"),
    ],
)
def test_a_ring_that_cannot_be_is_refused_by_name(rings: tuple[Ring, ...], field: str) -> None:
    with pytest.raises(Refused) as refused:
        check_rings(queue(rings=rings), {queue().name}, "q.")
    assert refused.value.field == field


@pytest.mark.parametrize(
    ("wrong", "text"),
    [
        (queue(skills={SkillName("law"): 1}), "nobody has the skill 'law'"),
        (queue(skills={BILLING: 5}), "nobody has 'billing' at level 5; the highest is 3"),
        (queue(skills={BILLING: 5}), "nobody can serve it"),
        (queue(groups=("night",)), "nobody is in group 'night'"),
        (queue(sites=(SiteName("moon"),)), "nobody sits at site 'moon'"),
        (queue(languages={"zh-TW": ("zh-CN",)}), "nobody speaks zh-CN"),
        (queue(rings=(Ring(after=5, languages=("hu",)),)), "nobody speaks hu"),
        (queue(rings=(Ring(after=5),)), "ring 1 lets nothing go"),
        (
            queue(rings=(Ring(after=5, groups=("front",)),)),
            "ring 1 adds groups, but the queue is for all groups",
        ),
        (
            queue(rings=(Ring(after=5, drop=(SkillName("law"),)),)),
            "ring 1 is about 'law', which the queue does not ask for",
        ),
        (queue("office"), "nobody can serve it"),
    ],
)
def test_what_may_be_meant_otherwise_is_warned_about(wrong: Queue, text: str) -> None:
    ana = agent("ana", billing=3, queues=["general"])
    assert f"queue {wrong.name!r}: {text}" in warnings(wrong, {ana.name: ana})


def test_nothing_is_said_of_a_queue_that_works() -> None:
    ana = agent("ana", billing=3, en=1)
    rings = (Ring(after=60, lower=1, languages=("en",)), Ring(after=90, drop=(SkillName("*"),)))
    assert warnings(queue(skills={BILLING: 3}, rings=rings), {ana.name: ana}) == []
