"""Backup, restore and move as an operator types them, with a node that takes mail."""

import asyncio
import sys
import zipfile
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import aiosmtplib
import asyncpg
import pytest

from gateway.demo.mailserver import Account, DemoMail, Ports
from gateway.store.embedded import EmbeddedServer
from tests.support.databases import Makes
from tests.support.mailworld import mail
from tests.support.process import NodeProcess

pytestmark = [pytest.mark.integration, pytest.mark.timeout(180), pytest.mark.long]

SUPPORT = "support@example.com"


class House:
    """A mail server that outlives nodes, and the nodes that read from it."""

    def __init__(self, path: Path, stack: AsyncExitStack, ports: Ports) -> None:
        self.path = path
        self._stack = stack
        self._ports = ports

    def node(self, name: str, **store: str) -> NodeProcess:
        """One over a folder of its own, not started."""
        login = {"host": "127.0.0.1", "security": "none", "user": SUPPORT, "password": "demo"}
        channel: dict[str, Any] = {
            "kind": "email",
            "name": "mail",
            "address": SUPPORT,
            "imap": {**login, "port": self._ports.imap},
            "smtp": {"host": "127.0.0.1", "security": "none", "port": self._ports.smtp},
        }
        folder = self.path / name
        folder.mkdir()
        node = NodeProcess(folder, [channel], sections={"store": store} if store else None)
        self._stack.push_async_callback(node.clean_up)
        return node

    async def post(self, *subjects: str) -> None:
        for subject in subjects:
            await aiosmtplib.send(
                mail(subject),
                sender="ada@example.org",
                recipients=[SUPPORT],
                hostname="127.0.0.1",
                port=self._ports.smtp,
                start_tls=False,
            )

    async def has(self, node: NodeProcess, *subjects: str) -> None:
        """Wait until exactly these are items, each once."""
        found: list[str] = []
        async with asyncio.timeout(90):
            while len(found) < len(subjects):
                items = await node.call("GET", "/api/v1/items?limit=200")
                found = sorted(item["subject"] for item in items["items"])
                await asyncio.sleep(0.1)
        assert found == sorted(subjects)


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    async with AsyncExitStack() as stack:
        server = DemoMail([Account(SUPPORT)], max_mails=100)
        ports = await server.start()
        stack.push_async_callback(server.stop)
        yield House(tmp_path, stack, ports)


async def run(node: NodeProcess, *words: str) -> tuple[int, str, str]:
    """A command with this node's configuration."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "gateway", *words, "--config", str(node._config),
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    out, err = await process.communicate()
    return process.returncode or 0, out.decode(), err.decode()


async def test_mail_that_came_after_the_backup_is_read_again_and_none_is_doubled(
    house: House,
) -> None:
    file = str(house.path / "monday.switchroom")
    first = house.node("first")
    await house.post("before")
    await first.start()
    await house.has(first, "before")
    code, _, told = await run(first, "backup", file)
    assert code == 0, told
    assert "ticket_case  1 row" in told
    assert f"{file} is whole: " in told
    await house.post("after")
    await house.has(first, "before", "after")
    await first.kill()

    second = house.node("second")
    code, said, told = await run(second, "restore", file)
    assert (code, "Restored" in said) == (0, True), told
    assert "is not in it" in said
    await second.start()
    await house.post("today")
    await house.has(second, "before", "after", "today")
    items = (await second.call("GET", "/api/v1/items"))["items"]
    numbers = {item["subject"]: item["number"] for item in items}
    assert numbers["after"] > numbers["before"] + 100_000

    code, _, told = await run(second, "restore", file)
    assert (code, "is in use by another switchroom" in told) == (1, True), told
    assert await second.stop() == 0
    code, _, told = await run(second, "restore", file)
    assert (code, "holds work already" in told) == (1, True), told


async def test_a_stopped_node_is_backed_up_as_well_and_to_stdout(house: House) -> None:
    node = house.node("only")
    code, _, told = await run(node, "backup", "x")
    assert (code, "no node ever ran there" in told) == (1, True), told
    await house.post("one")
    await node.start()
    await house.has(node, "one")
    assert await node.stop() == 0
    whole = house.path / "whole"
    with whole.open("wb") as out:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "gateway", "backup", "-", "--config", str(node._config),
            stdout=out,
        )  # fmt: skip
        assert await process.wait() == 0
    with zipfile.ZipFile(whole) as packed:
        assert b"one" in packed.read("tables/message.copy")
    whole.write_bytes(whole.read_bytes()[:-1_000])
    other = house.node("other")
    code, _, told = await run(other, "restore", str(whole))
    assert (code, "is not whole" in told) == (1, True), told
    assert not other.data_dir.exists()


async def test_a_running_node_moves_to_another_postgresql_and_back(
    house: House, empty_database: Makes
) -> None:
    there = await empty_database()
    node = house.node("small")
    await house.post("here")
    await node.start()
    await house.has(node, "here")
    code, _, told = await run(node, "move", "--to", there)
    assert (code, "must be stopped first" in told) == (1, True), told
    await house.has(node, "here")
    code, said, told = await run(node, "move", "--to", there, "--yes")
    assert (code, "[store]" in said) == (0, True), told
    assert "comparing message" in told
    with pytest.raises(RuntimeError, match="was moved to"):
        await node.start()
    (node.data_dir / "moved").unlink()  # so that what the test leaves can be cleaned up

    large = house.node("large", dsn=there)
    await large.start()
    await house.post("there")
    await house.has(large, "here", "there")
    code, _, told = await run(large, "move", "--to", there, "--yes")
    assert (code, "names a database already" in told) == (1, True), told

    file = str(house.path / "back")
    assert (await run(large, "backup", file))[0] == 0
    assert await large.stop() == 0
    small = house.node("small-again")
    assert (await run(small, "restore", file))[0] == 0
    await small.start()
    await house.has(small, "here", "there")


async def test_a_move_that_is_killed_half_way_changes_nothing_and_is_repeated(
    tmp_path: Path, empty_database: Makes
) -> None:
    there = await empty_database()
    node = NodeProcess(tmp_path, [{"kind": "task", "name": "office"}])
    try:
        await node.start()
        filed = await node.call("POST", "/api/v1/tasks", {"title": "stays"})
        assert await node.stop() == 0
        server = EmbeddedServer(node.data_dir)
        await server.start()
        con = await asyncpg.connect(server.dsn)
        await con.execute(
            "INSERT INTO message (id, case_id, seq, direction, doc) SELECT gen_random_uuid(),"
            " gen_random_uuid(), 1, 'note', '{}' FROM generate_series(1, 100000)"
        )
        await con.close()
        await server.stop()

        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "gateway", "move", "--to", there, "--config", str(node._config),
            stderr=asyncio.subprocess.PIPE,
        )  # fmt: skip
        assert process.stderr is not None
        while not (line := await process.stderr.readline()).startswith(b"journal "):
            assert line, "it ended before it was killed"
        process.kill()
        await process.wait()

        await node.start()
        assert (await node.call("GET", f"/api/v1/items/{filed['id']}"))["subject"] == "stays"
        assert await node.stop() == 0
        code, said, told = await run(node, "move", "--to", there)
        assert (code, "every table was compared" in said) == (0, True), told
        (node.data_dir / "moved").unlink()
    finally:
        await node.clean_up()
