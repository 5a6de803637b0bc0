"""A real node process that a test can start, kill and start again over the same data."""

import asyncio
import os
import signal
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import aiohttp
import tomli_w

from gateway.store.embedded import EmbeddedServer
from tests.support.ports import free_port

TOKEN = "test-bootstrap-token"
READY_SECONDS = 90.0


class NodeProcess:
    """``switchroom run``, incarnation after incarnation.

    ``tree`` is the code that the next one runs, if not that of the tests.
    """

    def __init__(
        self,
        path: Path,
        channels: Sequence[Mapping[str, Any]],
        *,
        sections: Mapping[str, Mapping[str, Any]] | None = None,
    ) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.ws = f"ws://127.0.0.1:{self.port}"
        self.headers = {"Authorization": f"Bearer {TOKEN}"}
        self.data_dir = path / "node"
        self.log = path / "node.log"
        self.starts = 0
        self.tree: Path | None = None
        self._config = path / "switchroom.toml"
        self._process: asyncio.subprocess.Process | None = None
        config: dict[str, Any] = {
            "node": {"name": "test-1", "data_dir": str(self.data_dir), "drain_seconds": 5.0},
            "http": {"listen": f"127.0.0.1:{self.port}", "public_url": self.url},
            "auth": {"bootstrap_token": TOKEN},
            "push": {"heartbeat": 2.0},
            "log": {"level": "info", "format": "json"},
            "channel": list(channels),
        }
        for name, section in (sections or {}).items():
            config[name] = {**config.get(name, {}), **section}
        self._config.write_text(tomli_w.dumps(config), encoding="utf-8")

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process and self._process.returncode is None else None

    async def start(self) -> None:
        """Start it and return once it serves. Raises ``RuntimeError`` with its log if it ends."""
        env = {**os.environ, "PYTHONUNBUFFERED": "1"}
        if self.tree is not None:
            env["PYTHONPATH"] = str(self.tree)
        with self.log.open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                "gateway",
                "run",
                "--config",
                str(self._config),
                stdout=asyncio.subprocess.PIPE,
                stderr=log,
                env=env,
                cwd=self.tree,
            )
        assert self._process.stdout is not None
        async with asyncio.timeout(READY_SECONDS):
            line = await self._process.stdout.readline()
        if not line.startswith(b"ready "):
            raise RuntimeError(f"the node did not start:\n{self.log.read_text()[-3000:]}")
        self.starts += 1

    async def kill(self) -> None:
        """As the power would: no farewell. The database lives on and is adopted."""
        if self._process is not None and self._process.returncode is None:
            self._process.send_signal(signal.SIGKILL)
            await self._process.wait()

    async def stop(self) -> int:
        """SIGTERM; the exit code."""
        if self._process is None:
            return 0
        if self._process.returncode is None:
            self._process.send_signal(signal.SIGTERM)
        async with asyncio.timeout(90):
            return await self._process.wait()

    async def ended(self) -> int:
        """Wait until it ends by itself; the exit code."""
        assert self._process is not None
        return await self._process.wait()

    async def clean_up(self) -> None:
        """Leave nothing behind, whatever happened: an orphaned database too."""
        await self.kill()
        if (self.data_dir / "lock").exists():
            server = EmbeddedServer(self.data_dir)
            await server.start()
            await server.stop()

    async def call(self, method: str, path: str, body: Any = None, **headers: str) -> Any:
        """One REST call as the admin. Raises ``aiohttp.ClientError``."""
        async with (
            aiohttp.ClientSession(self.url, headers={**self.headers, **headers}) as http,
            http.request(
                method, path, json=body, timeout=aiohttp.ClientTimeout(total=15)
            ) as answer,
        ):
            if answer.status >= 400:
                raise aiohttp.ClientError(f"{method} {path}: {answer.status} {await answer.text()}")
            return await answer.json(content_type=None)

    async def token_for(self, agent: str, role: str = "agent") -> str:
        fresh = await self.call("POST", "/api/v1/tokens", {"agent": agent, "role": role})
        return str(fresh["token"])
