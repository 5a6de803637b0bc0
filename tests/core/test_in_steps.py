"""What is done step by step, so that others have their turns, ends as if it were done at once."""

import random

import pytest

from gateway.core import events as e
from gateway.core.ids import AgentName, ItemId
from gateway.core.model import ChannelKind, ItemState, Presence
from gateway.core.policy import Policy
from gateway.core.routing import available, engine, many, pool
from gateway.core.routing.choose import Match, Rest
from gateway.core.routing.engine import offer_for
from gateway.core.routing.explain import explain
from tests.support.builders import House, agent, item, needs, queue


@pytest.fixture(autouse=True)
def small_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(available, "ENTERED", 1)
    monkeypatch.setattr(engine, "AT_ONCE", 3)
    monkeypatch.setattr(many, "AT_ONCE", 3)
    monkeypatch.setattr(many, "FEW", 2)
    monkeypatch.setattr(pool, "SORTED", 4)


def test_before_the_first_mail_others_have_turns_while_agents_come_to_stand_in_its_order() -> None:
    house = House(*(agent(f"a{n}") for n in range(5)))
    house.sign_in("a1", "a2", "a3")
    mail = item(ItemState.QUEUED, kind=ChannelKind.EMAIL)
    house.state.put(mail)
    house.engine.note(mail)
    found = house.engine.matches(house.clock.now())
    assert [type(next(found)) for _ in range(3)] == [Rest] * 3
    match = next(found)
    assert isinstance(match, Match)
    assert match.agent == "a1"


@pytest.mark.parametrize("seed", range(20))
def test_a_policy_that_changes_while_many_wait_loses_nothing_and_gives_nothing_twice(
    seed: int,
) -> None:
    """Meanwhile agents come free, others finish, and some of what waits is cancelled."""
    dice = random.Random(seed)
    skills = ("billing", "sales")
    names = [f"a{n}" for n in range(12)]
    house = House(*(agent(name, {dice.choice(skills): 1}) for name in names))
    house.sign_in(*names, ready=False)
    waiting = [
        house.new_item(
            kind=ChannelKind.VOICE,
            priority=dice.randint(-50, 50),
            requirement=needs(**{dice.choice(skills): 1}),
        ).id
        for _ in range(40)
    ]
    canceled = set()
    changed = queue(policy=Policy(priority_seconds=600.0 * dice.random(), choice="longest_idle"))
    house.ledger.record([e.Change(e.QueueDefined(queue=changed, by="sue"))])
    offered = []
    while house.engine.pending:
        for found in house.engine.matches(house.clock.now()):
            if isinstance(found, Match):
                offered.append(found.item)
                offer = offer_for(house.state, found, house.ledger.context())
                house.ledger.record([e.Change(e.OfferMade(item=found.item, offer=offer))])
            elif dice.random() < 0.3 and names:
                ready = e.AgentStateChanged(agent=AgentName(names.pop()), presence=Presence.READY)
                house.ledger.record([e.Change(ready)])
            elif dice.random() < 0.1:
                gone = dice.choice([i for i in waiting if i not in canceled and i not in offered])
                canceled.add(gone)
                house.ledger.record([e.Change(e.ItemCanceled(item=gone, by="test", reason=""))])
    house.flush()
    line = [found for _, found, _ in house.engine.pool.in_line()]
    assert len(offered) == len(set(offered)) >= 1
    assert sorted([*offered, *line, *canceled]) == sorted(waiting)
    assert not any(
        house.engine.agents.stands(a) and house.state.profiles[a].skills.keys() & asked(house, i)
        for a in house.state.profiles
        for i in line
    ), "and nothing waits beside somebody who is free for it"


@pytest.mark.parametrize("seed", range(40))
def test_few_who_come_free_are_served_though_what_waits_changes_with_each_look(
    seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With each turn of the others something that waits is cancelled, comes, or changes place."""
    monkeypatch.setattr(many, "AT_ONCE", 1)
    monkeypatch.setattr(many, "FEW", 24)
    dice = random.Random(seed)
    names = [f"a{n}" for n in range(6)]
    house = House(*(agent(name, {dice.choice("xy"): dice.randint(1, 3)}) for name in names))

    for _ in range(30):
        come(house, dice)
    house.settles = False
    house.sign_in(*names)
    offered = []
    while house.engine.pending:
        for found in house.engine.matches(house.clock.now()):
            if isinstance(found, Match):
                offered.append(found.agent)
                offer = offer_for(house.state, found, house.ledger.context())
                house.ledger.record([e.Change(e.OfferMade(item=found.item, offer=offer))])
            elif dice.random() < 0.5:
                change(house, dice)
    assert len(offered) == len(set(offered)), "a call each"
    for one in house.state.items.values():
        if one.state is ItemState.QUEUED:
            assert "could take it" not in explain(house.state, one, house.clock.now())


def come(house: House, dice: random.Random) -> None:
    levels = {dice.choice("xy"): dice.randint(1, 4)}
    house.new_item(kind=ChannelKind.VOICE, requirement=needs(**levels))


def change(house: House, dice: random.Random) -> None:
    waiting = [i.id for i in house.state.items.values() if i.state is ItemState.QUEUED]
    if waiting and dice.random() < 0.6:
        gone = dice.choice(waiting)
        house.ledger.record([e.Change(e.ItemCanceled(item=gone, by="test", reason=""))])
    elif waiting and dice.random() < 0.6:
        points = dice.randint(-90, 90)
        moved = e.ItemReprioritised(item=dice.choice(waiting), by="test", priority=points)
        house.ledger.record([e.Change(moved)])
    else:
        come(house, dice)


def asked(house: House, name: ItemId) -> set[str]:
    return set(house.state.items[name].requirement.skills)
