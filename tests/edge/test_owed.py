"""Call-backs and promises on a node at work, over PostgreSQL, which is killed between the steps."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from channels.webchat.protocol import Callme, Error, Hello, Ok, Send, State, Welcome
from gateway.core.ids import ItemId
from push.client import AgentClient
from tests.support.chatserver import Visitor, visiting
from tests.support.process import NodeProcess

pytestmark = [pytest.mark.integration, pytest.mark.timeout(300)]

SITE = {"kind": "webchat", "name": "site", "per_minute": 6_000}
NUMBER = "+49 30 1234567"
SOON = {"again_seconds": 1, "most_attempts": 2}


@pytest.fixture
async def node(tmp_path: Path) -> AsyncIterator[NodeProcess]:
    one = NodeProcess(tmp_path, [SITE])
    try:
        await one.start()
        await one.call("PUT", "/api/v1/agents/ana", {"display_name": "Ana"})
        yield one
    finally:
        await one.clean_up()


async def again(node: NodeProcess) -> None:
    await node.kill()
    await node.start()


@asynccontextmanager
async def at_work(node: NodeProcess) -> AsyncIterator[AgentClient]:
    token = await node.token_for("ana")
    async with AgentClient([f"{node.ws}/agent/v1"], token) as ana:
        await ana.ready()
        yield ana


async def taken(ana: AgentClient) -> Any:
    """The next offer, accepted; its item as it is then."""
    async with asyncio.timeout(60):
        await ana.until(lambda d: d.offers)
        offer = next(iter(ana.desktop.offers.values()))
        await ana.accept(offer.offer)
        await ana.until(lambda d: offer.item.id in d.items)
    return ana.desktop.items[offer.item.id]


async def begun(visitor: Visitor) -> Welcome:
    """A chat that waits."""
    await visitor.say(Hello(channel="site"))
    await visitor.until(Welcome)
    await visitor.say(Send(id="the-first", body="Good morning"))
    welcome = await visitor.until(Welcome)
    await visitor.until(Ok)
    return welcome


async def told(visitor: Visitor, **wanted: Any) -> State:
    """The first state with these."""
    async with asyncio.timeout(60):
        while True:
            state = await visitor.until(State)
            if all(getattr(state, name) == value for name, value in wanted.items()):
                return state


async def trace(node: NodeProcess, item: str) -> list[str]:
    found = await node.call("GET", f"/api/v1/items/{item}/events")
    return [entry["kind"] for entry in found["items"]]


async def figure(node: NodeProcess, what: str) -> float:
    async with aiohttp.ClientSession() as http, http.get(f"{node.url}/metrics") as answer:
        lines = (await answer.text()).splitlines()
    found = [
        line
        for line in lines
        if line.startswith(f'switchroom_owed_total{{what="{what}"')
        or (line.startswith("switchroom_owed_total{") and f'what="{what}"' in line)
    ]
    return sum(float(line.rsplit(" ", 1)[1]) for line in found)


async def test_a_visitor_is_called_back_whatever_dies_meanwhile(node: NodeProcess) -> None:
    await node.call("PUT", "/api/v1/queues/general", {"callbacks": SOON})
    async with visiting(f"{node.ws}/chat/v1") as visitor:
        await begun(visitor)
        await visitor.say(Callme(id="callme-bad", number="soon"))
        refused = await visitor.until(Error)
        assert (refused.code, refused.re) == ("bad_number", "callme-bad")
        await visitor.say(Callme(id="callme-one", number=NUMBER))
        await visitor.until(Ok)
        state = next(f for f in reversed(visitor.seen) if isinstance(f, State))
        assert state.callback
        assert (state.state, state.callback.number) == ("queued", NUMBER)
    await again(node)
    async with at_work(node) as ana:
        item = await taken(ana)
        assert (item.kind, item.callback.number) == ("callback", NUMBER)
        await ana.wrapup(item.id, "not_reached")
        await again(node)
        item = await taken(ana)
        assert item.callback.attempts == 1
        await ana.wrapup(item.id, "reached")
    kinds = await trace(node, item.id)
    assert kinds.count("callback_tried") == 2
    assert kinds[-1] != "item_queued"
    found = await node.call("GET", "/api/v1/items?state=canceled")
    assert len(found["items"]) == 1, "the chat that the call-back replaced"


async def test_who_writes_again_is_not_called(node: NodeProcess) -> None:
    async with visiting(f"{node.ws}/chat/v1") as visitor:
        await begun(visitor)
        await visitor.say(Callme(id="callme-one", number=NUMBER))
        await visitor.until(Ok)
        await visitor.say(Send(id="the-next", body="I am here again"))
        await visitor.until(Ok)
    items = (await node.call("GET", "/api/v1/items"))["items"]
    states = sorted((item["kind"], item["state"]) for item in items)
    assert states == [("callback", "canceled"), ("webchat", "canceled"), ("webchat", "queued")]
    queued = next(item for item in items if item["state"] == "queued")
    first = min(items, key=lambda item: item["created_at"])
    assert queued["queued_at"] == first["queued_at"]


async def test_systems_ask_once_for_each_case(node: NodeProcess) -> None:
    async with visiting(f"{node.ws}/chat/v1") as visitor:
        welcome = await begun(visitor)
    wish = {"case": welcome.number, "number": NUMBER}
    one = await node.call("POST", "/api/v1/callbacks", wish, **{"Idempotency-Key": "once"})
    same = await node.call("POST", "/api/v1/callbacks", wish, **{"Idempotency-Key": "once"})
    later = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
    moved = await node.call("POST", "/api/v1/callbacks", {**wish, "at": later})
    assert one["id"] == same["id"] == moved["id"]
    assert (one["state"], moved["state"]) == ("queued", "scheduled")
    alone = await node.call("POST", "/api/v1/callbacks", {"number": NUMBER, "note": "a parcel"})
    assert alone["callback"]["note"] == "a parcel"
    with pytest.raises(aiohttp.ClientError, match="no telephone number"):
        await node.call("POST", "/api/v1/callbacks", {"number": "nobody"})
    with pytest.raises(aiohttp.ClientError, match="no case with number"):
        await node.call("POST", "/api/v1/callbacks", {"case": 999_999})


async def test_a_promise_outlasts_the_node_and_is_seen_by_the_customer(node: NodeProcess) -> None:
    async with visiting(f"{node.ws}/chat/v1") as visitor, at_work(node) as ana:
        welcome = await begun(visitor)
        item = await taken(ana)
        due = datetime.now(UTC) + timedelta(seconds=8)
        made = await ana.promise(item.id, "a new part", due)
        state = await told(visitor, state="active")
        while not state.promises:
            state = await told(visitor, state="active")
        assert [p.text for p in state.promises] == ["a new part"]
        await ana.wrapup(item.id, "done")
        await again(node)
        promised = await taken(ana)
        assert promised.id == ItemId(made.body["promise"])
        assert promised.promise.text == "a new part"
        await ana.wrapup(promised.id, "done")
        listed = await node.call("GET", f"/api/v1/cases/{welcome.number}/promises")
        assert [(p["text"], p["state"]) for p in listed["items"]] == [("a new part", "kept")]
        assert "promise_kept" in await trace(node, promised.id)
        assert await figure(node, "promise_kept") == 1


async def test_nobody_picks_but_a_supervisor_assigns_with_a_reason(node: NodeProcess) -> None:
    async with visiting(f"{node.ws}/chat/v1") as visitor:
        await begun(visitor)
    (item,) = (await node.call("GET", "/api/v1/items"))["items"]
    token = await node.token_for("ana")
    async with AgentClient([f"{node.ws}/agent/v1"], token) as ana:
        with pytest.raises(Exception, match="hands out its items itself"):
            await ana.take(item["id"])
        mine = {"Authorization": f"Bearer {token}"}
        path = f"/api/v1/items/{item['id']}/assign"
        with pytest.raises(aiohttp.ClientError, match="403"):
            await node.call("POST", path, {"agent": "ana", "reason": "I like it"}, **mine)
        await node.call("POST", path, {"agent": "ana", "reason": "she knows Mia"})
        await ana.until(lambda d: item["id"] in d.items)
    events = (await node.call("GET", f"/api/v1/items/{item['id']}/events"))["items"]
    assert any("she knows Mia" in entry["text"] for entry in events)
