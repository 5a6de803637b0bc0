"""Two nodes in two regions over one highly available PostgreSQL, and what can happen to them.

Shared by ``tests/chaos`` and ``bench/failover.py``. With ``links`` each node reaches each server
of the database over a wire of its own, so that one node can be cut off and the other not.
"""

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp

from tests.support.patroni import PatroniCluster
from tests.support.process import NodeProcess
from tests.support.proxy import Link

NAMES = ("east", "west")
READY_SECONDS = 90.0
Channels = Callable[[str], Sequence[Mapping[str, Any]]]


class Region:
    """One node: its process, and its wires to the servers of the database."""

    def __init__(self, name: str, node: NodeProcess, links: Sequence[Link]) -> None:
        self.name = name
        self.node = node
        self.links = links
        self.frozen = False

    async def kill(self) -> None:
        """kill -9, frozen or not."""
        self.frozen = False
        await self.node.kill()

    async def start(self) -> None:
        if self.node.pid is None:
            await self.node.start()

    def freeze(self) -> None:
        if self.node.pid is not None:
            os.kill(self.node.pid, signal.SIGSTOP)
            self.frozen = True

    def thaw(self) -> None:
        if self.frozen and self.node.pid is not None:
            os.kill(self.node.pid, signal.SIGCONT)
        self.frozen = False

    def heal(self) -> None:
        for link in self.links:
            link.heal()

    async def is_ready(self) -> bool:
        """Whether it says that it can take work."""
        if self.node.pid is None or self.frozen:
            return False
        try:
            async with (
                aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=2)) as http,
                http.get(f"{self.node.url}/readyz") as answer,
            ):
                return answer.status == 200
        except (aiohttp.ClientError, TimeoutError, OSError):
            return False


class Regions:
    """Both, and the database."""

    def __init__(self, cluster: PatroniCluster, regions: Sequence[Region]) -> None:
        self.cluster = cluster
        self.regions = regions

    @property
    def https(self) -> list[str]:
        return [one.node.url for one in self.regions]

    @property
    def sockets(self) -> list[str]:
        return [one.node.ws for one in self.regions]

    def named(self, name: str) -> Region:
        return next(one for one in self.regions if one.name == name)

    async def serving(self, seconds: float = READY_SECONDS) -> None:
        """Wait until both are ready. Raises ``TimeoutError`` with the ends of their logs."""
        loop = asyncio.get_running_loop()
        end = loop.time() + seconds
        while not all([await one.is_ready() for one in self.regions]):
            if loop.time() > end:
                raise TimeoutError(f"not ready after {seconds:.0f} s\n{self.words()}")
            await asyncio.sleep(0.1)

    def words(self) -> str:
        """The ends of the nodes' logs."""
        return "\n".join(
            f"== {one.name}\n{one.node.log.read_text(errors='replace')[-3000:]}"
            for one in self.regions
            if one.node.log.exists()
        )


@asynccontextmanager
async def running_regions(
    path: Path,
    cluster: PatroniCluster,
    channels: Channels,
    *,
    links: bool = False,
    heartbeat: float = 2.0,
) -> AsyncIterator[Regions]:
    """Both nodes serve; gone afterwards. ``channels`` are a node's, by the name of its region."""
    async with AsyncExitStack() as stack:
        regions = []
        for name in NAMES:
            members = cluster.members if links else ()
            wires = [await stack.enter_async_context(Link(member.port)) for member in members]
            ports = ",".join(f"127.0.0.1:{wire.port}" for wire in wires)
            (path / name).mkdir()
            node = NodeProcess(
                path / name,
                channels(name),
                sections={
                    "node": {"name": name, "region": name},
                    "store": {"dsn": cluster.dsn_of(ports) if links else cluster.dsn},
                    "push": {"heartbeat": heartbeat},
                },
            )
            stack.push_async_callback(node.clean_up)
            regions.append(Region(name, node, wires))
        for one in regions:
            await one.start()
        both = Regions(cluster, regions)
        await both.serving()
        yield both
