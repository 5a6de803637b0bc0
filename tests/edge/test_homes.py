"""Two nodes over one PostgreSQL: an agent is at home at one of them, and finds the way there."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.typing import Subprotocol

from gateway.core import commands as c
from gateway.core.ids import CommandId
from push.client import AgentClient
from push.protocol import (
    SUBPROTOCOL,
    Hello,
    Moved,
    Ok,
    ServerFrame,
    Snapshot,
    Waiting,
    Welcome,
    decode_server,
    encoder,
)
from tests.support.process import NodeProcess

pytestmark = [pytest.mark.integration, pytest.mark.timeout(120)]
AGENTS = ["ana", *(f"new-{n}" for n in range(8))]


def a_node(folder: Path, name: str, dsn: str) -> NodeProcess:
    folder.mkdir()
    sections = {"node": {"name": name, "region": name}, "store": {"dsn": dsn}}
    return NodeProcess(folder, [{"kind": "task", "name": "office"}], sections=sections)


@pytest.fixture
async def pair(tmp_path: Path, database: str) -> AsyncIterator[tuple[NodeProcess, NodeProcess]]:
    """Two nodes that see each other; the second began when everybody was in the directory."""
    one, two = (a_node(tmp_path / name, name, database) for name in ("one", "two"))
    try:
        await one.start()
        crew = [{"name": name} for name in AGENTS]
        await one.call("PUT", "/api/v1/directory", {"agents": crew})
        await two.start()
        await meet(one, two)
        yield one, two
    finally:
        await one.kill()
        await two.stop()


async def meet(*nodes: NodeProcess) -> None:
    """Return when each node has seen that all of them serve."""

    async def seen_by(node: NodeProcess) -> int:
        return len((await node.call("GET", "/api/v1/bootstrap"))["agent_ws"])

    async with asyncio.timeout(90):
        for node in nodes:
            while await seen_by(node) < len(nodes):  # noqa: ASYNC110 - nobody tells
                await asyncio.sleep(0.1)


async def homes(dsn: str) -> dict[str, str]:
    con = await asyncpg.connect(dsn)
    try:
        rows = await con.fetch("SELECT name, home FROM agent_status")
        return {row["name"]: row["home"] for row in rows}
    finally:
        await con.close()


def door(node: NodeProcess) -> str:
    return f"{node.ws}/agent/v1"


async def knock(node: NodeProcess, token: str, **hello: Any) -> ClientConnection:
    """A desktop that has said hello."""
    socket = await connect(door(node), subprotocols=[Subprotocol(SUBPROTOCOL)], ping_interval=None)
    await socket.send(encoder.encode(Hello(token=token, versions=(1,), **hello)), text=True)
    return socket


async def hear(socket: ClientConnection, *kinds: type[ServerFrame]) -> Any:
    """The next frame of one of these kinds."""
    async with asyncio.timeout(90):
        while True:
            frame = decode_server.decode(await socket.recv(decode=False))
            if isinstance(frame, kinds):
                return frame


async def test_who_is_at_home_at_one_node_is_sent_there_by_the_other(
    pair: tuple[NodeProcess, NodeProcess],
) -> None:
    one, two = pair
    token = await one.token_for("ana")
    async with AgentClient([door(one)], token) as ana:
        await ana.in_sync()
        assert ana.desktop.welcome is not None
        assert ana.desktop.welcome.peers == (door(two),)
        socket = await knock(two, token)
        moved = await hear(socket, Moved, Welcome)
        assert moved == Moved(url=door(one), reason="your work is there")
        await socket.wait_closed()
        assert socket.close_code == 1012
        async with AgentClient([door(two)], token) as second:
            await second.in_sync()
            assert second.desktop.welcome is not None
            assert second.desktop.welcome.node == "one"
            assert ana.connects == 1


async def test_who_cannot_reach_the_home_comes_here_with_all_that_was_in_hand(
    pair: tuple[NodeProcess, NodeProcess], database: str
) -> None:
    one, two = pair
    token = await one.token_for("ana")
    async with AgentClient([door(one)], token) as ana:
        await ana.ready()
        await one.call("POST", "/api/v1/tasks", {"title": "Check it"})
        await ana.until(lambda d: d.offers)
        accept = c.Accept(id=CommandId("the-one-accept"), offer=next(iter(ana.desktop.offers)))
        told = await ana.act(accept)
        (item,) = ana.desktop.items
        epoch = ana.desktop.epoch

        socket = await knock(two, token, unreachable=(door(one),))
        waiting = await hear(socket, Waiting, Moved, Welcome)
        assert isinstance(waiting, Waiting)
        assert waiting.reason.startswith("one, where you were, is asked to let go of you")
        welcome = await hear(socket, Moved, Welcome)
        assert isinstance(welcome, Welcome)
        assert welcome.epoch > epoch
        snapshot = await hear(socket, Snapshot)
        assert [(view.id, view.state) for view in snapshot.items] == [(item, "assigned")]
        assert (await homes(database))["ana"] == "two"

        await socket.send(encoder.encode(accept), text=True)
        again = await hear(socket, Ok)
        assert again.body == told.body, "answered by the one node, and the same by the other"
        await socket.close()
        # The desktop that was connected there has been sent after it, and goes on here.
        async with asyncio.timeout(90):
            await ana.until(lambda d: d.welcome is not None and d.welcome.node == "two")
        await ana.wrapup(item, "done")
        for node in pair:
            assert "not as this node believed" not in node.log.read_text()


async def test_of_two_nodes_that_meet_somebody_new_one_is_the_home(
    pair: tuple[NodeProcess, NodeProcess], database: str
) -> None:
    one, two = pair
    tokens = {name: await one.token_for(name) for name in AGENTS[1:]}
    sockets = await asyncio.gather(
        *(knock(node, token) for token in tokens.values() for node in pair)
    )
    answers = await asyncio.gather(*(hear(socket, Welcome, Moved) for socket in sockets))
    at_home = await homes(database)
    urls = {"one": door(one), "two": door(two)}
    for n, name in enumerate(tokens):
        both = dict(zip(("one", "two"), answers[2 * n : 2 * n + 2], strict=True))
        home = at_home[name]
        other = "two" if home == "one" else "one"
        assert isinstance(both[home], Welcome)
        assert both[other] == Moved(url=urls[home], reason="your work is there")
    for socket in sockets:
        await socket.close()
    for node in pair:
        assert "not as this node believed" not in node.log.read_text()
        assert node.pid is not None


async def test_after_a_kill_the_desktop_goes_to_the_other_node_with_all_it_had(
    pair: tuple[NodeProcess, NodeProcess], database: str
) -> None:
    one, two = pair
    token = await one.token_for("ana")
    async with AgentClient([door(one)], token) as ana:
        await ana.ready()
        await one.call("POST", "/api/v1/tasks", {"title": "Check it"})
        await ana.until(lambda d: d.offers)
        accept = c.Accept(id=CommandId("the-one-accept"), offer=next(iter(ana.desktop.offers)))
        told = await ana.act(accept)
        (item,) = ana.desktop.items
        epoch = ana.desktop.epoch

        await one.kill()
        async with asyncio.timeout(90):
            await ana.until(lambda d: d.welcome is not None and d.welcome.node == "two")
            await ana.until(lambda d: d.seq >= 0)
        assert ana.desktop.epoch > epoch
        assert list(ana.desktop.items) == [item]
        assert (await homes(database))["ana"] == "two"

        socket = await knock(two, token)
        await hear(socket, Snapshot)
        await socket.send(encoder.encode(accept), text=True)
        again = await hear(socket, Ok)
        assert again.body == told.body, "answered by the dead node, and the same by its heir"
        await socket.close()
        await ana.not_ready("lunch")
