"""Two node processes over one PostgreSQL, people who may sign in, and a shop with the chat."""

import secrets
from pathlib import Path
from typing import Any

import aiohttp

from tests.e2e.house import PASSWORD, Town, until
from tests.support.process import NodeProcess

DESKTOPS = "switchroom_desktops_connected "


class Pair:
    """``first`` and ``second``, and what a journey over both needs besides a browser.

    The shop loads the chat from the first.
    """

    def __init__(self, path: Path, dsn: str) -> None:
        self.town = Town()
        chat = {"kind": "webchat", "name": "site", "origins": [self.town.url]}
        self.nodes: list[NodeProcess] = []
        for name in ("east", "west"):
            folder = path / name
            folder.mkdir()
            sections = {"store": {"dsn": dsn}, "node": {"name": name}}
            self.nodes.append(NodeProcess(folder, [chat], sections=sections))
        self.first, self.second = self.nodes
        self.town.node = self.first.url

    async def start(self) -> None:
        await self.town.start()
        await self.first.start()
        codes = [{"name": "solved", "label": "Solved"}]
        await self.first.call("PUT", "/api/v1/directory", {"codes": codes})

    async def start_second(self) -> None:
        """Once the first is known there as a peer."""
        await self.second.start()
        await until(lambda: self.knows(self.first, self.second))

    async def stop(self) -> None:
        for node in self.nodes:
            await node.clean_up()
        await self.town.stop()

    async def hire(self, shown: str) -> str:
        """Somebody new who can sign in with ``PASSWORD``; returns the name to sign in with."""
        name = f"{shown.split(maxsplit=1)[0].lower()}-{secrets.token_hex(2)}"
        await self.first.call(
            "PUT",
            f"/api/v1/agents/{name}",
            {"display_name": shown, "role": "agent", "password": PASSWORD},
        )
        return name

    async def knows(self, node: NodeProcess, peer: NodeProcess) -> bool:
        """Whether it sends people there."""
        bootstrap = await node.call("GET", "/api/v1/bootstrap")
        return f"{peer.ws}/agent/v1" in bootstrap["agent_ws"]

    async def said(self, node: NodeProcess, number: int) -> list[dict[str, Any]]:
        """What was said in a case, as this node tells it, oldest first."""
        found = await node.call("GET", f"/api/v1/cases/{number}/messages?limit=200")
        return [one for one in found["items"] if one["direction"] in ("in", "out")]

    async def desktops(self, node: NodeProcess) -> int:
        """How many are attached to this node; none to one that does not answer."""
        try:
            async with aiohttp.ClientSession(node.url) as http, http.get("/metrics") as answer:
                text = await answer.text()
        except aiohttp.ClientError:
            return 0
        (line,) = [one for one in text.splitlines() if one.startswith(DESKTOPS)]
        return int(float(line.split()[1]))

    async def holds(self, node: NodeProcess) -> bool:
        """Whether the one desktop is attached to this node."""
        return await self.desktops(node) == 1

    async def evacuated(self, asked: NodeProcess, name: str) -> None:
        """Have all that the node of this name has moved to the other; ``asked`` passes it on."""

        async def empty() -> bool:
            told = await asked.call("POST", f"/api/v1/nodes/{name}/evacuate")
            return bool(told["empty"])

        await until(empty, 40.0)
