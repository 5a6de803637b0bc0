"""A database whose disk is full: a real file system, filled to the last byte."""

import asyncio
import itertools
import subprocess
import time
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from tests.support.process import NodeProcess
from tests.support.saying import Say
from tests.support.workload import working

pytestmark = [pytest.mark.integration, pytest.mark.timeout(150)]

SIZE = "320m"
OFFICE = {"kind": "task", "name": "office"}


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A small file system of its own."""
    folder = tmp_path / "disk"
    folder.mkdir()
    words = ["mount", "-t", "tmpfs", "-o", f"size={SIZE},mode=755", "tmpfs", str(folder)]
    done = subprocess.run(words, check=False, capture_output=True, text=True)
    if done.returncode != 0:
        pytest.skip(f"needs the right to mount a file system: {done.stderr.strip()}")
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


def fill(folder: Path) -> Path:
    """Leave not a byte."""
    filler = folder / "filler"
    with filler.open("wb", buffering=0) as file:
        for size in (1 << 20, 1 << 12, 1):
            try:
                while True:
                    file.write(bytes(size))
            except OSError:
                continue
    return filler


async def test_what_a_full_disk_refuses_is_not_acknowledged_and_goes_on_when_there_is_room(
    disk: Path, say: Say
) -> None:
    async with working(data_dir=disk, name="full") as load:
        await load.more(50)
        filler = fill(disk)
        async with asyncio.timeout(60):
            # Why it is may be known a moment after that it is.
            while load.node.ledger.writable or not (said := load.store.trouble()):  # noqa: ASYNC110 - nobody tells us
                await asyncio.sleep(0.02)
        acknowledged = len(load.positions)
        await asyncio.sleep(1.0)
        still = len(load.positions) - acknowledged
        filler.unlink()
        room = time.monotonic()
        seconds = await load.first_after(room, seconds=30)
        await load.more(50)
        async with load.store.pool.acquire() as con:
            accounts = await load.audit(con)  # type: ignore[arg-type]
    say(f"disk full: {said!r}; first commits {seconds:.2f} s after there was room")
    assert "No space left on device" in said
    assert still == 0
    assert accounts == (0, 0)


@pytest.fixture
async def node(tmp_path: Path, disk: Path) -> AsyncIterator[NodeProcess]:
    node = NodeProcess(tmp_path, [OFFICE], sections={"node": {"data_dir": str(disk / "data")}})
    node.data_dir = disk / "data"
    await node.start()
    yield node
    (disk / "filler").unlink(missing_ok=True)
    await node.clean_up()


async def test_readyz_says_that_the_databases_disk_is_full(
    node: NodeProcess, disk: Path, say: Say
) -> None:
    filed: set[str] = set()
    async with asyncio.TaskGroup() as group:
        filing = group.create_task(file_tasks(node, filed))
        await until(node, lambda status, _: status == 200 and len(filed) > 5)
        filler = fill(disk)
        full = time.monotonic()
        body = await until(node, lambda status, _: status == 503)
        said = time.monotonic() - full
        before = len(filed)
        assert body["status"] == "down"
        assert "No space left on device" in body["reason"]
        await asyncio.sleep(1.0)
        assert len(filed) == before
        filler.unlink()
        await until(node, lambda status, _: status == 200 and len(filed) > before + 5)
        filing.cancel()
    say(f"disk full: said on /readyz after {said:.2f} s: {body['reason']}")
    items = await node.call("GET", "/api/v1/items?limit=200")
    assert filed <= {item["subject"] for item in items["items"]}


async def file_tasks(node: NodeProcess, filed: set[str]) -> None:
    for n in itertools.count():
        task = {"title": f"task {n}", "body": "x" * 20_000}
        while task["title"] not in filed:
            try:
                async with asyncio.timeout(2):
                    key = {"Idempotency-Key": task["title"]}
                    await node.call("POST", "/api/v1/tasks", task, **key)
            except (aiohttp.ClientError, TimeoutError):
                await asyncio.sleep(0.1)
            else:
                filed.add(task["title"])


async def until(
    node: NodeProcess, holds: Callable[[int, dict[str, Any]], bool], seconds: float = 60
) -> dict[str, Any]:
    """What ``/readyz`` says as soon as it holds."""
    async with asyncio.timeout(seconds):
        while not holds(*(seen := await readiness(node))):  # noqa: ASYNC110 - nobody tells us
            await asyncio.sleep(0.05)
    return seen[1]


async def readiness(node: NodeProcess) -> tuple[int, dict[str, Any]]:
    async with aiohttp.ClientSession() as http, http.get(f"{node.url}/readyz") as answer:
        return answer.status, await answer.json()
