"""What is recorded about many at once: one who fails harms nobody else, and ends no task."""

import asyncio

import structlog

from gateway.core import events as e
from gateway.core.ids import AgentName, ItemId, QueueName
from gateway.flow.apart import record_of_each
from tests.support.builders import GENERAL, agent, mail
from tests.support.flownode import new_tables, running
from tests.support.virtual import run

ANA, LATER = AgentName("ana"), QueueName("later")


def test_one_that_cannot_be_decided_or_recorded_leaves_the_others_as_they_are_to_be() -> None:
    async def story() -> None:
        async with running(new_tables(), agent("ana"), ready=False) as rig:
            ledger, keys = rig.node.ledger, list[ItemId]()
            for taken in await rig.node.intake.receive([mail("a"), mail("b"), mail("c")]):
                decided = await rig.node.intake.decided(taken)
                keys.append(decided.item or ItemId(""))

            def raised(key: ItemId) -> list[e.Change]:
                if key == "none":
                    raise KeyError(key)
                wrong = e.WrapUpStarted(item=key, agent=ANA, reason="") if key == keys[1] else None
                level = e.ItemQueued(item=key, queue=LATER, reason="moved")
                return [e.Change(wrong or level)]

            with structlog.testing.capture_logs() as logs:
                done = record_of_each(ledger, [*keys, ItemId("none")], raised, "not raised")
            await asyncio.sleep(0)
            assert done == 2
            assert [ledger.state.items[key].queue for key in keys] == [LATER, GENERAL, LATER]
            assert [x["key"] for x in logs if x["event"] == "not raised"] == ["none", keys[1]]

    run(story())
