"""A node that begins, or takes over, knows of no window: who is there says so."""

import asyncio

import pytest

from gateway.core.election import Peer
from gateway.core.ids import ItemId, NodeName
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


def a_peer(name: str, epoch: int, *, fence: int = 0) -> Peer:
    return Peer(node=NodeName(name), epoch=epoch, counter=1, fence=fence or epoch)


@pytest.mark.parametrize("after", [[], [a_peer("n2", 1, fence=2)], [a_peer("n2", 2)]])
def test_when_another_node_is_lost_each_says_of_its_own_chats_that_it_knows_of_no_window(
    after: list[Peer],
) -> None:
    """It has been taken over, or has begun again before anybody noticed."""

    async def story() -> None:
        async with running(new_tables(), agent("ana"), ready=False) as rig:
            state = rig.node.ledger.state
            calling = RollCall(rig.node.ledger)
            mine = a_peer(state.node, 1)
            async with asyncio.TaskGroup() as group:
                task = group.create_task(calling.run())
                calling.look([mine, a_peer("n2", 1)])
                (chat_item,) = await arrive(rig, chat("a"))
                calling.look([mine, a_peer("n2", 1), a_peer("n3", 1)])
                calling.look([a_peer(state.node, 2), a_peer("n2", 1), a_peer("n3", 1)])
                await asyncio.sleep(1)
                assert state.items[ItemId(chat_item)].gone is None
                calling.look([mine, *after, a_peer("n3", 1)])
                await asyncio.sleep(1)
                gone = state.items[ItemId(chat_item)].gone
                assert gone is not None
                calling.look([mine, *after, a_peer("n3", 1)])
                await arrive(
                    rig,
                    chat(
                        "here",
                        conversation=state.items[ItemId(chat_item)].case,
                        body="",
                        sign="back",
                    ),
                )
                await asyncio.sleep(200)
                assert state.items[ItemId(chat_item)].gone is None
                task.cancel()

    run(story())
