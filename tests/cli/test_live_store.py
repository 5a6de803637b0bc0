"""Commands that go to the database itself."""

import asyncio
from pathlib import Path

import aiohttp
import pytest
import tomli_w

import channels
from gateway.app import serving
from gateway.cli import main
from gateway.config import Settings, load
from tests.support.ports import free_port

pytestmark = pytest.mark.integration


def configured(path: Path, database: str) -> tuple[Path, Settings]:
    """A node over this database, without any token in its configuration."""
    file = path / "switchroom.toml"
    listen = f"127.0.0.1:{free_port()}"
    tree = {"store": {"dsn": database}, "http": {"listen": listen}, "node": {"drain_seconds": 2}}
    file.write_text(tomli_w.dumps(tree))
    kinds = {name: kind.settings for name, kind in channels.table().items()}
    return file, load(file, {}, kinds)


async def login(url: str, name: str, password: str) -> int:
    wish = {"name": name, "password": password}
    async with aiohttp.ClientSession(url) as http, http.post("/api/v1/login", json=wish) as answer:
        return answer.status


async def test_a_user_is_made_with_and_without_a_running_node(
    database: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file, settings = configured(tmp_path, database)

    async def add(name: str, *, runs: bool) -> str:
        line = ["user", "add", name, "--role", "admin", "--config", str(file)]
        assert await asyncio.to_thread(main, line) == 0, capsys.readouterr().err
        out = capsys.readouterr().out
        assert ("from the next start" in out) is not runs
        return out.partition("(shown once): ")[2].strip()

    early = await add("early", runs=False)
    async with serving(settings) as app:
        late = await add("late", runs=True)
        assert await login(app.url, "early", early) == 200
        assert await login(app.url, "late", late) == 200
        assert await login(app.url, "late", early) == 401
        line = ["status", "--json", "--config", str(file)]
        assert await asyncio.to_thread(main, line) == 0


async def test_migrate_and_check_reach_the_database(
    database: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file, _ = configured(tmp_path, database)
    assert await asyncio.to_thread(main, ["migrate", "--config", str(file)]) == 0
    assert "The schema is at 00" in capsys.readouterr().out
    assert await asyncio.to_thread(main, ["check", "--config", str(file)]) == 0
