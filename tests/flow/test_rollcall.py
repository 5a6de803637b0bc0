"""A node that begins, or takes over, knows of no window: who is there says so."""

import asyncio

from gateway.core.inbound import Inbound
from gateway.core.model import ItemState
from gateway.flow.rollcall import RollCall
from tests.support.builders import agent, chat, mail
from tests.support.flownode import Rig, new_tables, running
from tests.support.virtual import run


async def arrive(rig: Rig, *inbounds: Inbound) -> list[str]:
    found = []
    for taken in await rig.node.intake.receive(inbounds):
        decided = await rig.node.intake.decided(taken)
        found.append(decided.item or decided.case or "")
    await rig.caught_up()
    return found


def test_after_a_restart_who_does_not_answer_has_given_up_and_who_does_waits_on() -> None:
    async def story() -> None:
        tables = new_tables()
        async with running(tables, agent("ana"), ready=False) as rig:
            stays, leaves = chat("a"), chat("b", identity=None, address="v2")
            ids = await arrive(rig, stays, leaves, mail("m"))
            cases = {key: rig.node.ledger.state.items[key].case for key in ids}  # type: ignore[index]
        async with running(tables, agent("ana"), ready=False) as rig:
            state = rig.node.ledger.state
            async with asyncio.TaskGroup() as group:
                calling = group.create_task(RollCall(rig.node.ledger).run())
                await rig.caught_up()
                await asyncio.sleep(1)
                assert [state.items[i].gone is not None for i in ids] == [True, True, False]  # type: ignore[index]
                case = cases[ids[0]]
                await arrive(rig, chat("here", conversation=case, body="", sign="back"))
                await asyncio.sleep(200)
                assert ids[0] in state.items
                assert state.items[ids[0]].state is ItemState.QUEUED  # type: ignore[index]
                assert ids[1] not in state.items
                assert ids[2] in state.items
                calling.cancel()

    run(story())
