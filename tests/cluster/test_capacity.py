"""What nodes know of each other's capacity, over a store in memory and over PostgreSQL."""

from collections.abc import Awaitable, Callable

import pytest
from msgspec.structs import replace

from gateway.api.live import live
from gateway.core.ids import AgentName, NodeName, QueueName
from gateway.core.model import ChannelKind
from gateway.core.pool import Capacity, NodeCapacity, Spare, Staff, Waiting
from gateway.core.routing.need import Need
from gateway.store.contract import Term
from gateway.store.opening import Store
from tests.support.builders import GENERAL, START, agent, task
from tests.support.clusternodes import Running, a_house, running, until
from tests.support.flownode import new_tables
from tests.support.virtual import run

A, B = NodeName("n1"), NodeName("n2")
ANA = AgentName("ana")
NEED = Need(ChannelKind.TASK, GENERAL, ())
Story = Callable[[Running, Running], Awaitable[None]]


def play(story: Story) -> None:
    async def two_nodes() -> None:
        tables = a_house(new_tables(), agent(ANA))
        async with running(tables, A) as one, running(tables, B) as two:
            await until(lambda: len(one.member.peers) == len(two.member.peers) == 2)
            await story(one, two)

    run(two_nodes())


def test_a_free_agent_is_known_at_the_other_node_within_two_seconds_or_so() -> None:
    async def story(one: Running, two: Running) -> None:
        await two.sign_in(ANA)
        await until(lambda: any(o.capacity.fit(NEED) for o in one.figures.others()), 2.2)
        [other] = one.figures.others()
        assert (other.node, other.capacity.agents.ready) == (B, 1)
        assert other.age < 1.2
        await two.node.intake.receive([task(f"t{n}", subject=f"t{n}") for n in range(3)])
        await until(lambda: not any(o.capacity.fit(NEED) for o in one.figures.others()), 2.2)
        [seen] = live(one.figures.whole(), START).queues
        assert seen.waiting + seen.in_hand == 3

    play(story)


def test_what_is_not_on_disk_is_not_published() -> None:
    async def story(one: Running, two: Running) -> None:
        await until(one.figures.others)
        two.store.faults.unavailable = 1.0
        two.node.desk.attach(ANA, "tab")
        before = two.figures.published
        with pytest.raises(TimeoutError):
            await until(lambda: two.figures.published > before, 3.0)
        [other] = one.figures.others()
        assert other.capacity.agents.connected == 0
        assert other.age > 2.0, "and its age is told"
        two.store.faults.unavailable = 0.0
        await until(lambda: one.figures.others()[0].capacity.agents.connected == 1)

    play(story)


def test_a_dead_nodes_figures_count_no_more_once_its_work_is_ours() -> None:
    async def story(one: Running, two: Running) -> None:
        await two.node.intake.receive([task("t", subject="t")])
        await until(lambda: one.figures.others() and one.figures.others()[0].capacity.items)
        await two.vanish()
        await until(lambda: "t" in one.items)
        await until(lambda: not one.figures.others(), 2.0)
        assert live(one.figures.whole(), START).items == {"queued": 1}

    play(story)


def test_a_node_that_is_alone_publishes_nothing_and_knows_itself() -> None:
    async def alone() -> None:
        async with running(a_house(new_tables(), agent(ANA)), A) as one:
            await one.sign_in(ANA)
            await until(lambda: one.member.peers)
            await until(lambda: not one.figures.tally._agents)
            assert one.figures.published == 0
            [own] = one.figures.whole()
            assert (own.age, own.capacity.agents.ready) == (0.0, 1)

    run(alone())


# -- adding up ------------------------------------------------------------------------------


def figures(node: str, region: str, age: float, **more: int) -> NodeCapacity:
    capacity = Capacity(
        items={"queued": more.get("waiting", 0)},
        queues=(Waiting(name=GENERAL, waiting=more.get("waiting", 0), longest_wait=10.0),),
        agents=Staff(connected=2, ready=1, closed=1),
        spare=(
            Spare(agents=1, kinds=(ChannelKind.TASK,)),
            Spare(agents=2, queues=(QueueName("x"),)),
        ),
    )
    return NodeCapacity(node=NodeName(node), region=region, age=age, capacity=capacity)


def test_the_whole_is_the_sum_and_each_node_and_region_stands_by_itself() -> None:
    nodes = [
        figures("eu-1", "eu", 0.0, waiting=1),
        figures("eu-2", "eu", 0.7, waiting=2),
        figures("us-1", "us", 4.0),
    ]
    told = live(nodes, START)
    assert (told.queues[0].waiting, told.queues[0].ready) == (3, 3)
    assert told.agents.closed == 3
    assert told.queues[0].longest_wait == 10.7, "whoever waits there has waited on since"
    assert {r.name: (r.nodes, r.queues[0].waiting) for r in told.regions} == {
        "eu": (2, 3),
        "us": (1, 0),
    }
    assert [(n.name, n.age) for n in told.nodes] == [("eu-1", 0.0), ("eu-2", 0.7), ("us-1", 4.0)]
    assert told.nodes[2].queues[0].longest_wait == 0.0


# -- PostgreSQL -----------------------------------------------------------------------------


@pytest.mark.integration
async def test_nodes_see_each_others_rows_and_an_old_incarnation_overwrites_nothing(
    store: Store,
) -> None:
    said = Capacity(agents=Staff(connected=5))
    one, two = Term(node=A, epoch=3), Term(node=B, epoch=1)
    assert await store.capacity.publish(one, 1, said) == []
    [seen] = await store.capacity.publish(two, 1, Capacity())
    assert (seen.node, seen.epoch, seen.counter, seen.capacity) == (A, 3, 1, said)
    await store.capacity.publish(replace(one, epoch=2), 99, Capacity())
    [same] = await store.capacity.publish(two, 2, Capacity())
    assert same == seen
    await store.capacity.publish(one, 2, Capacity())
    [news] = await store.capacity.publish(two, 3, Capacity())
    assert (news.counter, news.capacity) == (2, Capacity())


@pytest.mark.integration
async def test_a_row_of_a_newer_version_that_cannot_be_read_is_passed_over(store: Store) -> None:
    async with store.pool.acquire() as con:
        await con.execute("INSERT INTO node_capacity VALUES ('n9', 1, 1, '{\"agents\": \"many\"}')")
    assert await store.capacity.publish(Term(node=A, epoch=1), 1, Capacity()) == []
