"""What those who wait in a chat are told, however many ask."""

import asyncio

from gateway.core.ids import AgentName, SkillName
from gateway.core.model import ItemState, Requirement
from gateway.flow.conversations import COUNTED_SECONDS, HANDLING_SECONDS
from tests.support.builders import agent, item
from tests.support.flownode import new_tables, running


async def test_the_expected_wait_counts_those_who_are_connected_and_could_serve() -> None:
    people = [agent("ana", de=2), agent("ben", de=3), agent("cleo", en=5), agent("dora", de=3)]
    async with running(new_tables(), *people, ready=False) as rig:
        node = rig.node
        one = item(ItemState.QUEUED, requirement=Requirement(skills={SkillName("de"): 2}))
        node.ledger.state.put(one)
        for name in ("ana", "ben", "cleo"):
            node.desk.attach(AgentName(name), "tab")
        assert node.conversations.waiting(one.case) == (1, HANDLING_SECONDS / 2)
        node.desk.attach(AgentName("dora"), "tab")
        assert node.conversations.waiting(one.case) == (1, HANDLING_SECONDS / 2)
        await asyncio.sleep(2 * COUNTED_SECONDS)
        assert node.conversations.waiting(one.case) == (1, HANDLING_SECONDS / 3)
