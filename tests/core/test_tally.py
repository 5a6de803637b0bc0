"""What a node publishes of itself: exact, and cheap with as many agents as we promise."""

import random
import time
from typing import Any

import msgspec

from gateway.core import commands as c
from gateway.core import events as e
from gateway.core.ids import AgentName, Position, QueueName, SkillName
from gateway.core.model import AgentProfile, AgentStatus, ChannelKind, Presence
from gateway.core.pool import Capacity, Spare, Tally
from gateway.core.routing.need import Need
from gateway.core.state import NodeState
from tests.support.builders import GENERAL, NODE, START, House, agent, queue

LANGUAGES = [f"l{n}" for n in range(24)]
SKILLS = [f"s{n}" for n in range(40)]


def need(kind: ChannelKind = ChannelKind.EMAIL, queue: str = GENERAL, **skills: int) -> Need:
    levels = tuple(sorted((SkillName(s), level) for s, level in skills.items()))
    return Need(kind, QueueName(queue), levels)


def told(house: House) -> Capacity:
    tally = Tally(house.state)
    tally.settle()
    return tally.capacity(house.clock.now())


def test_a_group_says_how_many_have_a_skill_at_a_level_or_above() -> None:
    house = House(agent("ana", de=5), agent("bob", de=2), agent("cid", fr=1))
    house.sign_in("ana", "bob", "cid")
    published = told(house)
    assert [published.fit(need(de=level)) for level in (1, 2, 3, 5)] == [2, 2, 1, 1]
    assert published.fit(need(fr=2)) == 0
    assert published.fit(need(hu=1)) == 0
    assert published.fit(need()) == 3


def test_who_is_limited_to_queues_counts_for_those_alone() -> None:
    house = House(
        agent("ana", queues=["sales"]), agent("bob"), queues=[queue("general"), queue("sales")]
    )
    house.sign_in("ana", "bob")
    published = told(house)
    assert published.fit(need(queue="sales")) == 2
    assert published.fit(need(queue="general")) == 1
    assert published.ready_for(QueueName("sales")) == 2


def test_who_has_a_mail_in_hand_may_still_get_a_call() -> None:
    house = House(agent("ana"))
    house.sign_in("ana")
    for _ in range(2):
        item = house.new_item()
        offer = house.state.items[item.id].offer
        assert offer is not None
        house.say("ana", c.Accept(id=house.command(), offer=offer.id))
    published = told(house)
    assert published.fit(need(ChannelKind.EMAIL)) == 0
    assert published.fit(need(ChannelKind.VOICE)) == 1
    assert published.ready_for(GENERAL) == 1
    assert published.agents.busy == 1


def test_a_wait_is_told_in_seconds_by_the_clock_of_the_node_that_has_it() -> None:
    house = House(agent("ana"))
    house.new_item()
    house.pass_time(7)
    house.new_item()
    [waiting] = told(house).queues
    assert waiting.waiting == 2
    assert abs(waiting.longest_wait - 7.001) < 0.01


def test_what_is_published_survives_its_encoding() -> None:
    house = House(agent("ana", de=3))
    house.sign_in("ana")
    house.new_item()
    published = told(house)
    again = msgspec.json.decode(msgspec.json.encode(published), type=Capacity)
    assert again == published
    newer = msgspec.json.encode({**msgspec.to_builtins(published), "moon": 1})
    assert msgspec.json.decode(newer, type=Capacity) == published


def test_a_level_nobody_can_have_fits_nobody() -> None:
    group = Spare(agents=3, kinds=(ChannelKind.EMAIL,), skills={SkillName("de"): (3, 2, 1, 1, 1)})
    assert group.fit(need(de=9)) == 0


def crowd(dice: random.Random, count: int) -> NodeState:
    state = NodeState(NODE)
    profiles = []
    for n in range(count):
        skills = {SkillName(s): dice.randint(1, 5) for s in dice.sample(SKILLS, 4)}
        skills |= {SkillName(s): dice.randint(1, 5) for s in dice.sample(LANGUAGES, 2)}
        queues = (QueueName(f"q{n % 8}"),) if n % 3 == 0 else ()
        profiles.append(AgentProfile(name=AgentName(f"a{n}"), skills=skills, queues=queues))
    statuses = [
        AgentStatus(name=p.name, presence=Presence.READY, since=START, idle_since=START, home=NODE)
        for p in profiles
    ]
    state.load(profiles=profiles, statuses=statuses)
    for status in list(state.statuses.values()):
        state.edit_status(status, tabs=1)
    return state


def test_as_many_agents_as_we_promise_cost_a_few_milliseconds_a_second() -> None:
    """A thousand changes a second among 11,700; the time is told, its order is what is checked."""
    state = crowd(random.Random(1), 11_700)
    tally = Tally(state)
    whole = _cpu(tally.settle)
    names = list(state.statuses)
    for name in random.Random(2).sample(names, 1_000):
        status = state.edit_status(state.statuses[name], presence=Presence.NOT_READY)
        tally.note(_entry(e.AgentStateChanged(agent=name, presence=Presence.NOT_READY), status))
    part = _cpu(tally.settle)
    published: list[Capacity] = []
    telling = _cpu(lambda: published.append(tally.capacity(START)))
    size = len(msgspec.json.encode(published[0]))
    print(f"all {whole:.1f} ms, 1,000 {part:.1f} ms, telling {telling:.1f} ms, {size} bytes")
    assert published[0].agents.ready == 10_700
    assert part < whole, "what has not changed is not counted again"
    assert size < 40_000


def _cpu(work: Any) -> float:
    began = time.process_time()
    work()
    return (time.process_time() - began) * 1000


def _entry(event: e.Event, *rows: e.Row) -> e.Entry:
    return e.Entry(Position(1, 1), START, event, rows)
