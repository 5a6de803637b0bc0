"""Thresholds on nodes at work: across restarts, and over two nodes."""

import asyncio

from gateway.core import events as e
from gateway.core.ids import NodeName, QueueName
from gateway.core.inbound import Claim
from gateway.core.model import ChannelKind
from gateway.core.pool import NodeCapacity, Tally
from gateway.core.thresholds import Threshold
from tests.support.builders import agent, chat, queue
from tests.support.clusternodes import Running, a_house, until
from tests.support.clusternodes import running as running_node
from tests.support.flownode import Rig, new_tables, running
from tests.support.memory_tables import Tables
from tests.support.virtual import run

A, B = NodeName("n1"), NodeName("n2")
OTHER = QueueName("other")
LONG = Threshold(
    name="long",
    when="longest_wait",
    at=60,
    message={ChannelKind.WEBCHAT: {"": "It takes longer today."}},
)
MANY = Threshold(name="many", when="waiting", at=2, overflow_to=OTHER, alert=False)


def told(tables: Tables, *kinds: type[e.Event]) -> list[e.Event]:
    return [x.event for x in tables.journal.values() if isinstance(x.event, kinds)]


async def arrive(node: Rig | Running, key: str) -> None:
    who = Claim(kind="visitor", value=key, verified=True)
    (taken,) = await node.node.intake.receive([chat(key, identity=who)])
    await node.node.intake.decided(taken)


def watch(rig: Rig) -> asyncio.Task[None]:
    """As the node that has the duty does; its own figures are all there are."""
    tally = Tally(rig.node.ledger.state)
    rig.node.ledger.observe(tally.note)

    def whole() -> list[NodeCapacity]:
        tally.settle()
        capacity = tally.capacity(rig.node.ledger.clock.now())
        return [NodeCapacity(node=A, region="here", age=0.0, capacity=capacity)]

    return asyncio.get_running_loop().create_task(rig.node.care.watch(whole))


def test_a_crossing_is_told_once_and_who_waits_is_written_to_once_also_after_a_restart() -> None:
    async def days() -> None:
        tables = new_tables()
        declared = queue(thresholds=(LONG,))
        async with running(tables, agent("ana"), queues=[declared], ready=False) as rig:
            watching = watch(rig)
            await arrive(rig, "one")
            await asyncio.sleep(59.0)
            assert told(tables, e.AlarmRaised) == []
            await asyncio.sleep(5.0)
            assert len(told(tables, e.AlarmRaised)) == 1
            watching.cancel()
        async with running(tables, ready=False) as rig:
            watching = watch(rig)
            await asyncio.sleep(10.0)
            await arrive(rig, "two")
            await asyncio.sleep(5.0)
            await rig.caught_up()
            assert len(told(tables, e.AlarmRaised)) == 1
            assert told(tables, e.AlarmEnded) == []
            written = [m.body for m in tables.messages.values() if m.direction == "out"]
            assert written == ["It takes longer today."] * 2
            for item in list(rig.node.ledger.state.items.values()):
                gone = e.ItemAbandoned(item=item.id, reason="gave up")
                rig.node.ledger.record([e.Change(gone)])
            await asyncio.sleep(5.0)
            assert len(told(tables, e.AlarmEnded)) == 1
            assert rig.node.ledger.state.alarms == {}
            watching.cancel()

    run(days())


def test_one_node_says_what_is_crossed_and_each_does_it_to_its_own() -> None:
    async def day() -> None:
        tables = a_house(new_tables(), agent("ana"), agent("bob"))
        tables.queues = {q.name: q for q in (queue(thresholds=(MANY,)), queue(OTHER))}
        async with running_node(tables, A) as one, running_node(tables, B) as two:
            await until(lambda: len(one.member.peers) == len(two.member.peers) == 2)
            await arrive(one, "a")
            await arrive(two, "b")
            await asyncio.sleep(3.0)
            one.node.care.look(one.figures.whole())
            await until(lambda: len(two.node.ledger.state.alarms) == 1, 3.0)
            await arrive(two, "c")
            state = two.node.ledger.state
            await until(lambda: [i.queue for i in state.items.values()].count(OTHER) == 1, 5.0)
            two.node.care.look(two.figures.whole())  # should it have the duty now
            await two.caught_up()
            assert len(told(tables, e.AlarmRaised)) == 1
            moved = [item for item in state.items.values() if item.queue == OTHER]
            assert [item.customer is not None for item in moved] == [True]

    run(day())
