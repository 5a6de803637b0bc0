"""What a customer is worth changes while contacts of theirs wait, are on their way, or move."""

import asyncio

from msgspec.structs import replace

from gateway.core import events as e
from gateway.core.ids import CustomerId, NodeName, Position
from gateway.core.inbound import Claim
from gateway.core.model import Item, ItemState
from gateway.ports import PeerEntry
from tests.support.builders import agent, mail
from tests.support.clusternodes import Running, a_house, until
from tests.support.clusternodes import running as running_node
from tests.support.flownode import Rig, new_tables, running
from tests.support.memory_tables import Tables
from tests.support.virtual import START, run

A, B = NodeName("n1"), NodeName("n2")


def waiting(node: Rig | Running) -> list[Item]:
    """What waits there, most urgent first."""
    return [
        node.node.ledger.state.items[key] for _, key, _ in node.node.router.engine.pool.in_line()
    ]


async def arrive(node: Rig | Running, *keys: str) -> None:
    for key in keys:
        who = Claim(kind="email", value=f"{key}@example.org", verified=True)
        (taken,) = await node.node.intake.receive([mail(key, identity=who)])
        await node.node.intake.decided(taken)
        await asyncio.sleep(1.0)
    await node.node.ledger.committed(node.node.ledger.position)


def whose(item: Item) -> CustomerId:
    assert item.customer is not None
    return item.customer.id


def in_the_database(tables: Tables, customer: CustomerId, value: int) -> None:
    tables.customers[customer] = replace(tables.customers[customer], value=value)


async def say(node: Rig | Running, customer: CustomerId, value: int) -> None:
    """As REST does: the table first, then the journal."""
    in_the_database(node.tables, customer, value)
    valued = e.CustomerValued(customer=customer, value=value, by="crm")
    position = node.node.ledger.record([e.Change(valued)])
    await node.node.ledger.committed(position)


def test_what_waits_of_a_customer_is_ranked_anew_as_soon_as_the_value_has_changed() -> None:
    async def day() -> None:
        async with running(new_tables(), agent("ana"), ready=False) as rig:
            await arrive(rig, "m0", "m1", "m2")
            first, second, third = waiting(rig)
            await say(rig, whose(third), 5)
            await asyncio.sleep(0.1)
            assert [item.id for item in waiting(rig)] == [third.id, first.id, second.id]
            case = rig.node.ledger.state.cases[third.case]
            assert case.customer is not None
            assert case.customer.value == 5
            await say(rig, whose(third), 0)
            await asyncio.sleep(0.1)
            assert [item.id for item in waiting(rig)] == [first.id, second.id, third.id]
            await rig.caught_up()
            assert rig.tables.items[third.id].version == third.version + 2

    run(day())


def test_a_node_that_begins_takes_in_what_has_changed_while_it_was_away() -> None:
    async def days() -> None:
        tables = new_tables()
        async with running(tables, agent("ana"), ready=False) as rig:
            await arrive(rig, "m0", "m1")
            first, second = waiting(rig)
        in_the_database(tables, whose(second), 9)
        async with running(tables, ready=False) as rig:
            await asyncio.sleep(0.1)
            assert [item.id for item in waiting(rig)] == [second.id, first.id]

    run(days())


def test_no_database_for_a_while_delays_it_and_loses_nothing() -> None:
    async def day() -> None:
        async with running(new_tables(), agent("ana"), ready=False) as rig:
            await arrive(rig, "m0", "m1")
            first, second = waiting(rig)
            await say(rig, whose(first), 1)
            await asyncio.sleep(0.1)
            rig.store.faults.unavailable = 1.0
            in_the_database(rig.tables, whose(second), 9)
            valued = e.CustomerValued(customer=whose(second), value=9, by="crm")
            heard = PeerEntry(position=Position(1, 1), at=START, event=valued, rows=())
            rig.node.values.heard(NodeName("there"), [heard])
            await asyncio.sleep(5.0)
            assert [item.id for item in waiting(rig)] == [first.id, second.id]
            rig.store.faults.unavailable = 0.0
            await asyncio.sleep(10.0)
            assert [item.id for item in waiting(rig)] == [second.id, first.id]

    run(day())


def test_who_decides_about_the_items_ranks_them_wherever_it_was_said() -> None:
    async def day() -> None:
        tables = a_house(new_tables(), agent("ana"), agent("bob"))
        async with running_node(tables, A) as one, running_node(tables, B) as two:
            await until(lambda: len(one.member.peers) == len(two.member.peers) == 2)
            await arrive(two, "m0", "m1")
            first, second = waiting(two)
            await say(one, whose(second), 7)
            await until(lambda: [i.id for i in waiting(two)] == [second.id, first.id], 2.0)
            await two.caught_up()
            told = [
                node
                for (node, _), entry in tables.journal.items()
                if isinstance(entry.event, e.ItemRevalued)
            ]
            assert told == [B]
            # Two say something else at the same time: both nodes end with what the table has.
            await asyncio.gather(say(one, whose(second), 2), say(two, whose(second), 4))
            await asyncio.sleep(3.0)
            kept = tables.customers[whose(second)].value
            item = two.node.ledger.state.items[second.id]
            assert item.customer is not None
            assert item.customer.value == kept
            assert item.state is ItemState.QUEUED

    run(day())
