"""What those who wait in a chat are told, however many ask."""

import asyncio

from gateway.core import events as e
from gateway.core.ids import AgentName, CaseId, SkillName
from gateway.core.inbound import Claim
from gateway.core.model import Item, ItemState, Requirement
from gateway.core.routing.expect import COUNTED_SECONDS, HANDLING_SECONDS
from tests.support.builders import agent, chat, item
from tests.support.flownode import Rig, new_tables, running


async def test_the_expected_wait_counts_those_who_are_connected_and_could_serve() -> None:
    people = [agent("ana", de=2), agent("ben", de=3), agent("cleo", en=5), agent("dora", de=3)]
    async with running(new_tables(), *people, ready=False) as rig:
        node = rig.node
        one = item(ItemState.QUEUED, requirement=Requirement(skills={SkillName("de"): 2}))
        node.ledger.state.put(one)
        rig.tables.items[one.id] = one  # for what is told is kept with it
        rig.tables.owners[one.id] = node.ledger.state.node
        for name in ("ana", "ben", "cleo"):
            node.desk.attach(AgentName(name), "tab")
        assert await place(rig, one) == (1, HANDLING_SECONDS / 2)
        node.desk.attach(AgentName("dora"), "tab")
        assert await place(rig, one) == (1, HANDLING_SECONDS / 2)
        await asyncio.sleep(2 * COUNTED_SECONDS)
        assert await place(rig, one) == (1, HANDLING_SECONDS / 3)


async def test_a_place_is_told_when_those_before_it_are_on_disk() -> None:
    async with running(new_tables()) as rig:
        for key in ("c1", "c2"):
            who = Claim(kind="visitor", value=key, verified=True)
            (accepted,) = await rig.node.intake.receive([chat(key, identity=who)])
            await rig.node.intake.decided(accepted)
        first, second = sorted(rig.tables.items.values(), key=lambda i: i.number)
        nobody = HANDLING_SECONDS
        assert await rig.node.conversations.waiting([first.case, second.case, CaseId("x")]) == {
            first.case: (1, nobody),
            second.case: (2, 2 * nobody),
        }

        rig.store.faults.unavailable = 1.0
        gone = e.ItemCanceled(item=first.id, by="test", reason="not on disk yet")
        rig.node.ledger.record([e.Change(gone)])
        async with asyncio.TaskGroup() as group:
            asked = group.create_task(rig.node.conversations.waiting([second.case]))
            await asyncio.sleep(0.3)
            assert not asked.done()
            rig.store.faults.unavailable = 0.0
        assert asked.result() == {second.case: (1, nobody)}
        assert rig.tables.items[first.id].state is ItemState.CANCELED


async def place(rig: Rig, one: Item) -> tuple[int, float]:
    return (await rig.node.conversations.waiting([one.case]))[one.case]
