"""Two nodes over one PostgreSQL: one is left in an orderly way, and nobody loses a thing."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from gateway.core import commands as c
from gateway.core.ids import CommandId
from push.client import AgentClient
from push.protocol import Ok, Snapshot, encoder
from tests.edge.test_homes import a_node, door, hear, homes, knock, meet
from tests.support.process import NodeProcess

pytestmark = [pytest.mark.integration, pytest.mark.timeout(120)]


@pytest.fixture
async def pair(tmp_path: Path, database: str) -> AsyncIterator[tuple[NodeProcess, NodeProcess]]:
    one, two = (a_node(tmp_path / name, name, database) for name in ("one", "two"))
    try:
        await one.start()
        await one.call("PUT", "/api/v1/directory", {"agents": [{"name": "ana"}]})
        await two.start()
        await meet(one, two)
        yield one, two
    finally:
        await one.clean_up()
        await two.clean_up()


async def with_an_item(one: NodeProcess, ana: AgentClient) -> c.Accept:
    """The agent is ready, and has accepted a task; another one waits."""
    await ana.ready()
    await one.call("POST", "/api/v1/tasks", {"title": "Check it"})
    await ana.until(lambda d: d.offers)
    accept = c.Accept(id=CommandId("the-one-accept"), offer=next(iter(ana.desktop.offers)))
    await ana.act(accept)
    return accept


async def evacuated(node: NodeProcess, name: str) -> dict[str, Any]:
    async with asyncio.timeout(30):
        while True:
            told: dict[str, Any] = await node.call("POST", f"/api/v1/nodes/{name}/evacuate")
            if told["empty"]:
                return told
            await asyncio.sleep(0.1)


async def at(ana: AgentClient, node: str) -> None:
    async with asyncio.timeout(40):
        await ana.until(lambda d: d.welcome is not None and d.welcome.node == node)
        await ana.until(lambda d: d.items)


async def test_an_agent_comes_back_elsewhere_with_all_that_was_in_hand_and_again(
    pair: tuple[NodeProcess, NodeProcess], database: str
) -> None:
    one, two = pair
    token = await one.token_for("ana")
    async with AgentClient([door(one)], token) as ana:
        accept = await with_an_item(one, ana)
        (item,) = ana.desktop.items
        told = await evacuated(two, "one")
        assert (told["agents"], told["items"]) == (0, 0)
        await at(ana, "two")
        assert list(ana.desktop.items) == [item]
        assert (await homes(database))["ana"] == "two"
        cards = (await two.call("GET", "/api/v1/nodes"))["items"]
        assert {card["name"]: card["state"] for card in cards} == {
            "one": "leaving", "two": "serving",
        }  # fmt: skip
        socket = await knock(two, token)
        await hear(socket, Snapshot)
        await socket.send(encoder.encode(accept), text=True)
        again = await hear(socket, Ok)
        assert again.body == {"item": item}, "answered there, and the same here"
        await socket.close()

        back = await two.call("POST", "/api/v1/nodes/one/return")
        assert not back["leaving"]
        await meet(one, two)
        await evacuated(one, "two")
        await at(ana, "one")
        assert list(ana.desktop.items) == [item]
        await ana.wrapup(item, "done")
    for node in pair:
        assert "not as this node believed" not in node.log.read_text()
        assert "repaired" not in node.log.read_text()


async def test_an_orderly_stop_is_an_evacuation_and_the_last_node_simply_stops(
    pair: tuple[NodeProcess, NodeProcess], database: str
) -> None:
    one, two = pair
    token = await one.token_for("ana")
    async with AgentClient([door(one)], token) as ana:
        await with_an_item(one, ana)
        (item,) = ana.desktop.items
        await one.call("POST", "/api/v1/tasks", {"title": "Another"})
        await one.stop()
        await at(ana, "two")
        assert item in ana.desktop.items
        await ana.wrapup(item, "done")
        assert (await homes(database))["ana"] == "two"
        listed = (await two.call("GET", "/api/v1/items?state=open"))["items"]
        assert [one["subject"] for one in listed] == ["Another"]
    await two.stop()
    assert "no other node serves" not in two.log.read_text()
