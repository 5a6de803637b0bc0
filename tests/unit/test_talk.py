"""The customer who chats in measurements and fault runs keeps the line while it is whole."""

import asyncio
import random
from collections import Counter
from typing import Any

import msgspec
import pytest
from websockets.asyncio.server import ServerConnection, serve

from bench.load.town import talk as town
from bench.load.town.talk import SUBPROTOCOL, Talk

WELCOME = {
    "t": "welcome", "visitor": "v", "conversation": "c", "number": 1, "seq": 0,
    "state": "active", "heartbeat": 10.0, "peers": [],
}  # fmt: skip


async def test_a_whole_line_is_kept_longer_than_it_may_take_to_connect(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(town, "CONNECT_SECONDS", 0.2)
    monkeypatch.setattr(town, "NUDGE_SECONDS", 0.1)
    lines = 0

    async def node(socket: ServerConnection) -> None:
        nonlocal lines
        lines += 1
        await socket.recv()
        await socket.send(msgspec.json.encode(WELCOME), text=True)
        await asyncio.sleep(3 * town.CONNECT_SECONDS)  # the agent thinks
        seq = 0
        async for text in socket:
            said = msgspec.json.decode(text)
            seq += 1
            await tell(socket, t="ok", re=said["id"], seq=seq)
            if said["t"] == "send":
                seq += 1
                answer = {"id": f"answer-{seq}", "author": {"kind": "agent"}, "body": "Yes"}
                await tell(socket, t="message", seq=seq, **answer)

    problems: Counter[str] = Counter()
    outages: list[list[Any]] = []
    async with serve(node, "127.0.0.1", 0, subprotocols=[SUBPROTOCOL]) as server:
        port = next(iter(server.sockets)).getsockname()[1]
        customer = Talk(random.Random(1), [f"ws://127.0.0.1:{port}"], problems, outages, 0)
        async with asyncio.timeout(15):
            await customer.run((0.0, 0.0), asyncio.Event())
    assert (lines, outages, problems) == (1, [], Counter())
    assert len(customer.acked) >= town.ANSWERS


async def tell(socket: ServerConnection, **frame: Any) -> None:
    await socket.send(msgspec.json.encode(frame), text=True)
