"""A command about what another node decides about: done, once, and answered the same."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from gateway.core import commands as c
from gateway.core.errors import Refused
from gateway.core.ids import CaseId, CommandId, ItemId
from push.client import AgentClient
from tests.edge.test_homes import a_node, door, meet
from tests.support.process import NodeProcess

pytestmark = [pytest.mark.integration, pytest.mark.timeout(240)]
COMPANY = {
    "queues": [{"name": "general", "take_allowed": True}],
    "agents": [{"name": "ana"}, {"name": "bob"}],
}


@pytest.fixture
async def pair(tmp_path: Path, database: str) -> AsyncIterator[tuple[NodeProcess, NodeProcess]]:
    one, two = (a_node(tmp_path / name, name, database) for name in ("one", "two"))
    try:
        await one.start()
        await one.call("PUT", "/api/v1/directory", COMPANY)
        await two.start()
        await meet(one, two)
        yield one, two
    finally:
        await one.clean_up()
        await two.clean_up()


async def not_ready(client: AgentClient, name: str) -> None:
    """At home where the desktop is, and offered nothing."""
    await client.in_sync()
    await client.act(c.State(id=CommandId(f"{name}-not-ready"), state="not_ready"))


async def filed(node: NodeProcess, title: str) -> dict[str, Any]:
    task: dict[str, Any] = await node.call("POST", "/api/v1/tasks", {"title": title})
    return task


async def taken(node: NodeProcess, item: str) -> int:
    """How often the item was taken, as its trace has it."""
    found = await node.call("GET", f"/api/v1/items/{item}/events")
    return sum(entry["kind"] == "item_assigned" for entry in found["items"])


async def test_a_desktop_works_on_what_is_at_the_other_node(
    pair: tuple[NodeProcess, NodeProcess],
) -> None:
    one, two = pair
    tokens = [await one.token_for("ana"), await one.token_for("bob")]
    async with (
        AgentClient([door(one)], tokens[0]) as ana,
        AgentClient([door(two)], tokens[1]) as bob,
    ):
        await not_ready(ana, "ana")
        await not_ready(bob, "bob")
        task = await filed(two, "Check it")
        item, case = ItemId(task["id"]), CaseId(task["case"])

        tag = c.TagCase(id=CommandId("a-tag-from-afar"), case=case, add=("seen",))
        told = await ana.act(tag)
        assert told.body == {"tags": ["seen"]}
        assert (await ana.act(tag)).body == told.body

        take = c.Take(id=CommandId("a-take-from-afar"), item=item)
        assert (await ana.act(take)).body == {"item": item}
        await ana.until(lambda d: item in d.items)
        assert ana.desktop.items[item].state == "assigned"
        assert await taken(two, item) == 1

        # To bob at the other node: refused in the words of a local transfer, then offered there.
        transfer = c.Transfer(id=CommandId("a-first-transfer"), item=item, agent="bob")  # type: ignore[arg-type]
        with pytest.raises(Refused, match="bob takes no work just now"):
            await ana.act(transfer)
        await bob.ready()
        again = c.Transfer(id=CommandId("another-transfer"), item=item, agent="bob")  # type: ignore[arg-type]
        await ana.act(again)
        async with asyncio.timeout(30):
            await bob.until(lambda d: d.offers)
        (offer,) = bob.desktop.offers.values()
        assert offer.item.id == item
        assert offer.reason.startswith("transferred to you by")
        await bob.act(c.Accept(id=CommandId("accepted-by-bob"), offer=offer.offer))
        await bob.wrapup(item, "done")

        # A supervisor at the one node, an agent at the other.
        wish = {"state": "not_ready", "reason": "fire drill"}
        key = {"Idempotency-Key": "one-key-for-bob"}
        first = await one.call("POST", "/api/v1/agents/bob/state", wish, **key)
        assert (first["presence"], first["reason"]) == ("not_ready", "fire drill")
        assert await two.call("POST", "/api/v1/agents/bob/state", wish, **key) == first
        await bob.until(lambda d: d.state is not None and d.state.notice)
        assert bob.desktop.state is not None
        assert bob.desktop.state.notice.endswith("has set you not ready: fire drill")

        reopen = c.Reopen(id=CommandId("reopened-by-ana"), case=case)
        reopened = (await ana.act(reopen)).body["item"]
        await ana.until(lambda d: reopened in d.items)
        assert (await ana.act(reopen)).body["item"] == reopened
    for node in pair:
        assert "not as this node believed" not in node.log.read_text()


async def test_a_command_whose_node_is_killed_is_repeated_at_the_other_one_and_done_once(
    pair: tuple[NodeProcess, NodeProcess],
) -> None:
    one, two = pair
    tokens = [await one.token_for("ana"), await one.token_for("bob")]
    async with AgentClient([door(two)], tokens[1]) as bob:
        await not_ready(bob, "bob")
        async with AgentClient([door(one), door(two)], tokens[0]) as ana:
            await not_ready(ana, "ana")
            tasks = [await filed(two, f"task {n}") for n in range(2)]
            (first, second) = tasks
            tag = c.TagCase(
                id=CommandId("tagged-in-a-kill"), case=CaseId(first["case"]), add=("x",)
            )
            take = c.Take(id=CommandId("taken-in-a-kill"), item=ItemId(second["id"]))
            async with asyncio.TaskGroup() as group:
                acts = [group.create_task(ana.act(command)) for command in (tag, take)]
                await asyncio.sleep(0.02)  # anywhere within them
                await one.kill()
            assert acts[0].result().body == {"tags": ["x"]}
            assert acts[1].result().body == {"item": second["id"]}
            assert ana.desktop.welcome is not None
            assert ana.desktop.welcome.node == "two"
            assert list(ana.desktop.items) == [second["id"]]
            assert await taken(two, second["id"]) == 1
    assert "not as this node believed" not in two.log.read_text()
