"""The indexes of routing stay as large as what they index."""

import random
from datetime import timedelta

from gateway.core import events as e
from gateway.core.ids import ItemId, QueueName
from gateway.core.model import ItemState, Offer
from gateway.core.routing.engine import Engine
from gateway.core.state import NodeState
from tests.support.builders import (
    NODE,
    START,
    House,
    agent,
    counted_ids,
    hands_id,
    item,
    needs,
    queue,
)


def test_the_heaps_stay_small_through_100_000_random_changes() -> None:
    """Items come, go, change rank and queue; agents come and go: nothing is ever iterated."""
    dice = random.Random(5)
    ids = counted_ids()
    state = NodeState(NODE)
    queues = [queue("a"), queue("b", priority=3)]
    state.load(queues=queues)
    for n in range(20):
        state.define_agent(agent(f"a{n}", {f"s{n % 5}": 1}))
    engine = Engine(state)
    alive: list[ItemId] = []
    worst = 0
    for _ in range(100_000):
        what = dice.random()
        if what < 0.4 and len(alive) < 200:
            made = item(
                ItemState.QUEUED,
                id=ItemId(ids()),
                queue=QueueName(dice.choice("ab")),
                priority=dice.randint(-5, 5),
                requirement=needs(**{f"s{dice.randint(0, 4)}": 1}),
            )
            alive.append(made.id)
            state.put(made)
            engine.note(made)
        elif alive:
            place = dice.randrange(len(alive))
            engine.note(_changed(state, alive[place], dice))
            if alive[place] not in state.items:
                alive[place] = alive[-1]
                alive.pop()
        worst = max(worst, engine.pool.entries)
    needs_known = 2 * 5
    assert worst <= 2 * 200 + needs_known * (20 + 32)


def _changed(state: NodeState, item_id: ItemId, dice: random.Random) -> e.Row:
    old = state.items[item_id]
    offer = Offer(
        id=hands_id("0f"), agent=dice.choice(list(state.profiles)), made_at=START,
        deadline=START + timedelta(seconds=9), reason="",
    )  # fmt: skip
    match dice.randrange(5):
        case 0:
            return state.edit(old, priority=dice.randint(-5, 5), state=ItemState.QUEUED, offer=None)
        case 1:
            return state.edit(old, state=ItemState.OFFERED, offer=offer)
        case 2:
            return state.edit(old, state=ItemState.QUEUED, offer=None)
        case 3:
            return state.edit(
                old, queue=QueueName(dice.choice("ab")), state=ItemState.QUEUED, offer=None
            )
        case _:
            return state.edit(old, state=ItemState.COMPLETED, offer=None, ended_at=START)


def test_needs_that_nobody_has_any_more_are_forgotten() -> None:
    house = House(*(agent(f"a{n}") for n in range(5)))
    house.sign_in(*(f"a{n}" for n in range(5)))
    for n in range(3_000):
        made = house.new_item(requirement=needs(**{f"odd{n}": 1}))
        gone = e.ItemCanceled(item=made.id, by="test", reason="not needed")
        house.record([e.Change(gone)])
    assert house.engine.pool.needs <= 600


def test_a_need_that_was_forgotten_is_learnt_again() -> None:
    house = House(agent("ana", fr=1))
    first = house.new_item(requirement=needs(fr=1))
    house.record([e.Change(e.ItemCanceled(item=first.id, by="test", reason=""))])
    for n in range(1_500):
        made = house.new_item(requirement=needs(**{f"odd{n}": 1}))
        house.record([e.Change(e.ItemCanceled(item=made.id, by="test", reason=""))])
    house.sign_in("ana")
    second = house.new_item(requirement=needs(fr=1))
    assert house.offered() == {second.id: "ana"}


def test_the_place_in_the_line_counts_who_stands_before() -> None:
    house = House()
    items = [house.new_item() for _ in range(5)]
    places = [house.engine.pool.place_of(house.state.items[i.id]) for i in items]
    assert places == [1, 2, 3, 4, 5]
    house.record([e.Change(e.ItemReprioritised(item=items[4].id, by="test", priority=50))])
    assert house.engine.pool.place_of(house.state.items[items[4].id]) == 1
    assert house.engine.pool.place_of(house.state.items[items[0].id]) == 2


def test_a_pass_is_forgotten_with_a_fresh_start() -> None:
    house = House(agent("ana"))
    house.sign_in("ana")
    made = house.new_item()
    house.decline("ana")
    assert [p.agent for p in house.state.items[made.id].passed] == ["ana"]
    again = e.ItemQueued(item=made.id, queue=made.queue, reason="again", restart=True)
    house.record([e.Change(again)])
    assert house.state.items[made.id].passed == ()
    assert house.offered() == {made.id: "ana"}
