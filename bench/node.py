"""A node of our own: a real process in a fresh directory, and its database filled beforehand."""

import asyncio
import hashlib
import os
import secrets
import signal
import socket
import sys
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import aiohttp
import asyncpg
import tomli_w

from bench.measure import CpuMeter, alone, cpu_seconds, postmaster_of, trees
from gateway.core.model import AgentProfile, Queue
from gateway.store.codec import encode
from gateway.store.opening import new_id, open_store
from gateway.store.postmaster import read_postmaster

BOOTSTRAP = "bench-bootstrap-token"
READY_SECONDS = 120.0


def free_port() -> int:
    """A port that nobody listens on just now."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


async def seed(
    data_dir: Path | None,
    agents: Sequence[AgentProfile],
    queues: Sequence[Queue] = (),
    *,
    dsn: str | None = None,
) -> list[str]:
    """Put a directory into a node's database before it starts; returns a token for each agent.

    The embedded database of ``data_dir``, or the one at ``dsn``.
    """
    tokens = [secrets.token_urlsafe(32) for _ in agents]
    async with open_store(dsn=dsn, data_dir=data_dir) as store:
        await store.pool.executemany(
            "INSERT INTO agent (name, active, doc) VALUES ($1, true, $2)",
            [(agent.name, encode(agent)) for agent in agents],
        )
        await store.pool.executemany(
            "INSERT INTO queue (name, doc) VALUES ($1, $2)",
            [(queue.name, encode(queue)) for queue in queues],
        )
        await store.pool.executemany(
            "INSERT INTO token (sha256, id, principal, role) VALUES ($1, $2, $3, $4)",
            [
                (hashlib.sha256(token.encode()).digest(), new_id(), agent.name, agent.role)
                for token, agent in zip(tokens, agents, strict=True)
            ],
        )
    return tokens


def write_config(
    path: Path, port: int, channels: Sequence[Mapping[str, Any]] = (), name: str = "bench"
) -> Path:
    """``switchroom.toml`` in ``path`` for a node whose data lie beside it."""
    config = {
        "node": {"name": name, "data_dir": str(path / "data"), "drain_seconds": 5.0},
        "http": {"listen": f"127.0.0.1:{port}", "public_url": f"http://127.0.0.1:{port}"},
        "auth": {"bootstrap_token": BOOTSTRAP},
        "log": {"level": "warning"},
        "channel": list(channels),
    }
    file = path / "switchroom.toml"
    file.write_text(tomli_w.dumps(config), encoding="utf-8")
    return file


class NodeProcess:
    """A running node. ``started`` is how long it took until it said that it is ready."""

    def __init__(
        self, process: asyncio.subprocess.Process, path: Path, port: int, started: float
    ) -> None:
        self._process = process
        self.path = path
        self.port = port
        self.started = started
        self.url = f"http://127.0.0.1:{port}"
        self.headers = {"Authorization": f"Bearer {BOOTSTRAP}"}

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def data(self) -> Path:
        return self.path / "data"

    def meter(self, *generators: int) -> CpuMeter:
        """Processor time by part. PostgreSQL is the node's child, so the node is taken alone."""
        return CpuMeter(
            {
                "node": alone(self.pid),
                "postgres": trees(postmaster_of(self.data)),
                "generator": trees(*generators),
            }
        )

    async def get(self, path: str) -> Any:
        """A resource as an administrator sees it."""
        async with (
            aiohttp.ClientSession(self.url, headers=self.headers) as http,
            http.get(path) as answer,
        ):
            answer.raise_for_status()
            return await answer.json(content_type=None)

    async def post(self, path: str, body: Any) -> Any:
        async with (
            aiohttp.ClientSession(
                self.url, headers=self.headers, timeout=aiohttp.ClientTimeout(total=None)
            ) as http,
            http.post(path, json=body) as answer,
        ):
            answer.raise_for_status()
            return await answer.json(content_type=None)

    async def database(self) -> "asyncpg.Connection[asyncpg.Record]":
        """A connection to the node's own database. Raises ``RuntimeError`` if it is not there."""
        (cluster,) = self.data.glob("pg*")
        server = read_postmaster(cluster)
        if server is None:
            raise RuntimeError("the node's database is not running")
        return await asyncpg.connect(
            host=str(server.socket_dir), port=5432, user="switchroom", database="switchroom"
        )

    def meter_now(self) -> float:
        """Processor seconds of the node so far."""
        return cpu_seconds([self.pid])

    def kill(self) -> None:
        """End it with SIGKILL, as a crash would."""
        self._process.kill()

    async def stop(self) -> int:
        """SIGTERM, as an operator would; its exit code."""
        with suppress(ProcessLookupError):
            self._process.send_signal(signal.SIGTERM)
        try:
            async with asyncio.timeout(30.0):
                return await self._process.wait()
        except TimeoutError:
            self._process.kill()
            return await self._process.wait()


@asynccontextmanager
async def running(
    path: Path,
    channels: Sequence[Mapping[str, Any]] = (),
    *,
    host: bool = False,
    environ: Mapping[str, str] | None = None,
) -> AsyncIterator[NodeProcess]:
    """``switchroom run`` in ``path``, until the end of the block.

    ``host``: ``python -m bench.host`` instead, the same node with the benchmark's own resources
    and channel beside it. Raises ``RuntimeError`` when it does not get ready.
    """
    port = free_port()
    config = write_config(path, port, channels)
    command = [sys.executable, "-m", "bench.host" if host else "gateway", "run"]
    began = time.monotonic()
    process = await asyncio.create_subprocess_exec(
        *command,
        "--config",
        str(config),
        stdout=asyncio.subprocess.PIPE,
        env={**os.environ, **(environ or {})},
    )
    try:
        await _ready(process)
        node = NodeProcess(process, path, port, time.monotonic() - began)
        try:
            yield node
        finally:
            await node.stop()
    except BaseException:
        if process.returncode is None:
            process.terminate()
            await process.wait()
        raise


async def _ready(process: asyncio.subprocess.Process) -> None:
    if process.stdout is None:
        raise RuntimeError("the node has no stdout")
    async with asyncio.timeout(READY_SECONDS):
        async for text in process.stdout:
            if text.startswith(b"ready "):
                return
    raise RuntimeError(f"the node ended before it was ready, with {await process.wait()}")
