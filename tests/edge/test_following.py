"""Two nodes over one PostgreSQL: what is done at one of them is known at the other."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import aiohttp
import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from push.client import AgentClient, SignedOut
from tests.support.process import NodeProcess

pytestmark = [pytest.mark.integration, pytest.mark.timeout(120)]


def a_node(folder: Path, name: str, dsn: str) -> NodeProcess:
    folder.mkdir()
    sections = {"node": {"name": name, "region": name}, "store": {"dsn": dsn}}
    return NodeProcess(folder, [{"kind": "task", "name": "office"}], sections=sections)


@pytest.fixture
async def pair(tmp_path: Path, database: str) -> AsyncIterator[tuple[NodeProcess, NodeProcess]]:
    """Two nodes that begin over an empty database."""
    one, two = (a_node(tmp_path / name, name, database) for name in ("one", "two"))
    try:
        await one.start()
        await two.start()
        yield one, two
    finally:
        await one.kill()
        await two.stop()


async def soon(ask: Callable[[], Awaitable[object]], seconds: float = 60.0) -> None:
    """Return once it is so; what is refused is not so yet."""
    async with asyncio.timeout(seconds):
        while True:
            try:
                if await ask():
                    return
            except (aiohttp.ClientError, InvalidStatus):
                pass
            await asyncio.sleep(0.05)


def door(node: NodeProcess) -> str:
    return f"{node.ws}/agent/v1"


async def test_an_agent_made_at_one_node_signs_in_at_the_other_at_once(
    pair: tuple[NodeProcess, NodeProcess],
) -> None:
    one, two = pair
    await one.call("PUT", "/api/v1/agents/ana", {"display_name": "Ana"})
    token = await one.token_for("ana")
    async with AgentClient([door(two)], token) as ana:
        await ana.in_sync()
        assert ana.desktop.welcome is not None
        assert ana.desktop.welcome.node == "two"
        assert ana.connects == 1


async def test_the_directory_of_one_node_is_followed_by_the_other(
    pair: tuple[NodeProcess, NodeProcess],
) -> None:
    one, two = pair
    await one.call("PUT", "/api/v1/queues/returns", {"display_name": "Returns"})
    await one.call("PUT", "/api/v1/agents/ana", {"queues": ["returns"], "skills": {"de": 2}})
    await soon(lambda: two.call("GET", "/api/v1/agents/ana"))
    await one.call("PUT", "/api/v1/agents/ana", {"skills": {"de": 5}})
    await one.call("PUT", "/api/v1/skills/de", {"label": "German"})

    async def is_better() -> bool:
        ana = await two.call("GET", "/api/v1/agents/ana")
        assert ana["queues"] == ["returns"]
        return bool(ana["skills"] == {"de": 5})

    await soon(is_better)
    skills = await two.call("GET", "/api/v1/skills")
    assert skills["items"] == [{"name": "de", "label": "German"}]
    await two.call("PUT", "/api/v1/agents/ana", {"queues": []})

    async def may_go() -> bool:
        await one.call("DELETE", "/api/v1/queues/returns")
        return True

    await soon(may_go)

    async def is_gone() -> bool:
        queues = await two.call("GET", "/api/v1/queues")
        return "returns" not in [queue["name"] for queue in queues["items"]]

    await soon(is_gone)


async def test_an_agent_removed_at_one_node_is_shown_out_at_the_other_and_gives_back_what_he_had(
    pair: tuple[NodeProcess, NodeProcess],
) -> None:
    one, two = pair
    await one.call("PUT", "/api/v1/agents/ana", {})
    await one.call("PUT", "/api/v1/agents/bob", {})
    token, other = await one.token_for("ana"), await one.token_for("bob")
    async with AgentClient([door(two)], other) as bob:

        async def as_ana() -> None:
            async with AgentClient([door(two)], token) as ana:
                await ana.ready()
                await two.call("POST", "/api/v1/tasks", {"title": "Check it"})
                await ana.until(lambda d: d.offers)
                await bob.ready()
                await one.call("DELETE", "/api/v1/agents/ana")
                async with asyncio.timeout(60):
                    await bob.until(lambda d: d.offers)
                    await ana.until(lambda _: False)

        with pytest.raises(SignedOut, match="4401"):
            await as_ana()
    assert "repaired" not in two.log.read_text()


async def test_a_chat_opened_at_one_node_is_served_by_the_other_until_it_is_closed(
    pair: tuple[NodeProcess, NodeProcess],
) -> None:
    one, two = pair
    made = {"name": "site", "kind": "webchat", "origins": ["https://shop.example.com"]}
    await one.call("POST", "/api/v1/channels", made)

    async def health() -> str:
        channels = await two.call("GET", "/api/v1/channels")
        found = [c["health"] for c in channels["items"] if c["name"] == "site"]
        return str(found[0]) if found else "none"

    async def is_up() -> bool:
        return await health() == "up"

    await soon(is_up)
    async with connect(f"{two.ws}/chat/v1", subprotocols=["switchroom.chat.v1"]):  # type: ignore[list-item]
        pass
    await two.call("POST", "/api/v1/channels/site/pause")

    async def is_paused() -> bool:
        channels = await one.call("GET", "/api/v1/channels")
        return any((c["name"], c["health"]) == ("site", "paused") for c in channels["items"])

    await soon(is_paused)
    await one.call("DELETE", "/api/v1/channels/site")

    async def is_closed() -> bool:
        return await health() == "none"

    await soon(is_closed)
