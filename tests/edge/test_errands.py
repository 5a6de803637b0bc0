"""What another node decides about is asked of it: supervisors' acts may come to any node."""

from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest

from push.client import AgentClient
from tests.edge.test_homes import a_node, door, meet
from tests.support.process import NodeProcess

pytestmark = [pytest.mark.integration, pytest.mark.timeout(150)]


@pytest.fixture
async def pair(tmp_path: Path, database: str) -> AsyncIterator[tuple[NodeProcess, NodeProcess]]:
    one, two = (a_node(tmp_path / name, name, database) for name in ("one", "two"))
    try:
        await one.start()
        crew = [{"name": "ana"}, {"name": "zed"}]
        await one.call("PUT", "/api/v1/directory", {"agents": crew})
        await two.start()
        await meet(one, two)
        yield one, two
    finally:
        await one.clean_up()
        await two.clean_up()


async def test_acts_come_to_any_node_and_take_effect_where_the_item_is(
    pair: tuple[NodeProcess, NodeProcess],
) -> None:
    one, two = pair
    filed = await one.call("POST", "/api/v1/tasks", {"title": "Check it"})
    path = f"/api/v1/items/{filed['id']}"
    key = {"Idempotency-Key": "one-key-for-it"}
    first = await two.call("POST", f"{path}/priority", {"priority": 7}, **key)
    again = await two.call("POST", f"{path}/priority", {"priority": 7}, **key)
    assert (first["priority"], again) == (7, first)
    for asked in (f"{path}/explain", f"/api/v1/cases/{filed['number']}/explain"):
        for node in (one, two):
            why = await node.call("GET", asked)
            assert "Why it waits: needs no particular skill" in why["text"]
            assert "(ana, zed)" in why["text"]
    with pytest.raises(aiohttp.ClientError, match="no queue 'nowhere'"):
        await two.call("POST", f"{path}/requeue", {"queue": "nowhere"})
    patched = await two.call("PATCH", f"/api/v1/cases/{filed['number']}", {"tags": ["seen"]})
    assert patched["tags"] == ["seen"]

    # To an agent who is at home at the other node: the item goes there, and is in hand.
    token = await two.token_for("zed")
    async with AgentClient([door(two)], token) as zed:
        await zed.ready()
        await two.call("POST", f"{path}/assign", {"agent": "zed", "reason": "knows it"})
        await zed.until(lambda d: filed["id"] in d.items)
        assert zed.desktop.items[filed["id"]].state == "assigned"
        await one.call("POST", f"{path}/close", {"code": "done"})
        await zed.until(lambda d: filed["id"] not in d.items)
    with pytest.raises(aiohttp.ClientError, match="the item is completed"):
        await one.call("POST", f"{path}/close", {"code": "done"})


async def test_of_an_owner_that_is_dead_one_is_told_so(
    pair: tuple[NodeProcess, NodeProcess],
) -> None:
    one, two = pair
    filed = await one.call("POST", "/api/v1/tasks", {"title": "Check it"})
    await one.kill()
    with pytest.raises(aiohttp.ClientError, match="one, which would have to do it, does not"):
        await two.call("POST", f"/api/v1/items/{filed['id']}/priority", {"priority": 7})
