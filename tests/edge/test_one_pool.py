"""Two nodes over one PostgreSQL as one pool of agents, and a site that closes under them."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from gateway.core.ids import ItemId
from push.client import AgentClient
from tests.edge.test_homes import a_node, door, meet
from tests.support.process import NodeProcess

pytestmark = [pytest.mark.integration, pytest.mark.timeout(180)]
COMPANY = {
    "queues": [{"name": "general", "overflow_after": 0}],
    "agents": [{"name": "ana", "site": "port"}, {"name": "bob", "site": "hill"}],
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


async def until_told(node: NodeProcess, holds: Any) -> dict[str, Any]:
    """The live numbers, once they are so."""
    async with asyncio.timeout(30):
        while True:
            live: dict[str, Any] = await node.call("GET", "/api/v1/live")
            if holds(live):
                return live
            await asyncio.sleep(0.1)


async def test_work_goes_to_who_is_free_and_back_when_the_site_closes_and_outlasts_a_node(
    pair: tuple[NodeProcess, NodeProcess],
) -> None:
    one, two = pair
    async with AgentClient([door(one), door(two)], await one.token_for("ana")) as ana:
        await ana.ready()
        live = await until_told(two, lambda told: told["agents"]["ready"] == 1)
        assert [node["name"] for node in live["nodes"]] == ["two", "one"]
        assert live["nodes"][0]["age"] == 0
        filed = await two.call("POST", "/api/v1/tasks", {"title": "Check it"})
        async with asyncio.timeout(30):
            await ana.until(lambda d: d.offers)
        (offer,) = ana.desktop.offers.values()
        assert (offer.item.id, offer.item.subject) == (filed["id"], "Check it")
        assert offer.reason.startswith("was kept free for it")
        trace = await two.call("GET", f"/api/v1/items/{filed['id']}/events")
        assert any("here ana is" in entry["text"] for entry in trace["items"])
        await until_told(two, lambda told: told["queues"][0]["offered"] == 1)

        async with AgentClient([door(two)], await two.token_for("bob")) as bob:
            await bob.ready()
            wish = {"open_percent": 0, "reason": "storm"}
            site = await two.call("PUT", "/api/v1/sites/port", wish)
            assert (site["closed"], site["agents"]) == (1, 1)
            async with asyncio.timeout(60):
                await ana.until(lambda d: not d.offers and d.state and d.state.notice)
                assert ana.desktop.state is not None
                assert ana.desktop.state.notice.endswith("site 'port' is closed (storm)")
                await bob.until(lambda d: d.offers)
            (again,) = bob.desktop.offers.values()
            assert again.item.id == filed["id"]
            assert again.item.queued_at == offer.item.queued_at
            await bob.wrapup(await _taken(bob), "done")
            await two.call("PUT", "/api/v1/sites/port", {"open_percent": 100})
            async with asyncio.timeout(30):
                await ana.until(lambda d: d.state and not d.state.notice)
        for node in pair:
            assert "not as this node believed" not in node.log.read_text()
        await _what_is_owed_and_what_is_held_outlast(one, two, ana)
    for node in pair:
        assert "repaired" not in node.log.read_text()


async def _what_is_owed_and_what_is_held_outlast(
    one: NodeProcess, two: NodeProcess, ana: AgentClient
) -> None:
    """The node of a promise, a call-back and a held reply dies: its heir serves all three."""
    hold = {"on": ["reply"], "when": {"words": ["secret"]}, "then": {"hold": "tells a secret"}}
    await one.call("PUT", "/api/v1/rules/secrets", hold)
    filed = await one.call("POST", "/api/v1/tasks", {"title": "Send a part"})
    item = await _taken(ana)
    due = datetime.now(UTC) + timedelta(seconds=4)
    promised = ItemId((await ana.promise(item, "a new part", due)).body["promise"])
    wish = {"number": "+49 30 1234567", "at": due.isoformat()}
    called = ItemId((await one.call("POST", "/api/v1/callbacks", wish))["id"])
    held = await ana.send(item, "This is secret", then="wait")
    assert held.body["held"] == "tells a secret"
    await one.kill()
    for _ in range(2):  # one after the other: who calls does nothing else
        taken = await _taken(ana)
        await ana.wrapup(taken, "reached" if taken == called else "done")
    (review,) = (await two.call("GET", "/api/v1/reviews"))["items"]
    assert (review["item"], review["held"]) == (item, True)
    path = f"/api/v1/cases/{filed['number']}/messages"
    before = (await two.call("GET", path))["items"]
    assert [m["direction"] for m in before if "secret" in m["body"]] == ["note"]
    verdict = {"review": review["review"], "verdict": "released"}
    await two.call("POST", f"/api/v1/items/{item}/review", verdict)
    after = (await two.call("GET", path))["items"]
    assert [m["direction"] for m in after if "secret" in m["body"]] == ["note", "out"]
    kinds = [
        entry["kind"]
        for key in (promised, called)
        for entry in (await two.call("GET", f"/api/v1/items/{key}/events"))["items"]
    ]
    told = ("promise_kept", "promise_broken", "callback_tried", "item_completed")
    assert [kinds.count(kind) for kind in told] == [1, 0, 1, 2]


async def _taken(agent: AgentClient) -> ItemId:
    """The next offer, accepted."""
    async with asyncio.timeout(60):
        await agent.until(lambda d: d.offers)
        offer = next(iter(agent.desktop.offers.values()))
        await agent.accept(offer.offer)
        await agent.until(lambda d: offer.item.id in d.items)
    return offer.item.id
