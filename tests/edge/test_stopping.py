"""SIGTERM while clients dawdle: the node ends in time, in good order."""

import asyncio
import time
from pathlib import Path

import pytest

from tests.support.process import TOKEN, NodeProcess

pytestmark = pytest.mark.integration


async def test_a_client_that_never_ends_its_body_does_not_hold_up_the_end(tmp_path: Path) -> None:
    node = NodeProcess(tmp_path, [{"kind": "task", "name": "office"}])
    await node.start()
    _, writer = await asyncio.open_connection("127.0.0.1", node.port)
    head = f"POST /api/v1/tasks HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {TOKEN}\r\n"
    writer.write(f"{head}Content-Length: 100\r\n\r\n{{".encode())
    await writer.drain()
    filed = await node.call("POST", "/api/v1/tasks", {"title": "kept"})
    began = time.monotonic()
    try:
        assert await node.stop() == 0
        assert time.monotonic() - began < 10  # without a limit it would be a minute
        writer.close()
        await node.start()
        assert (await node.call("GET", f"/api/v1/items/{filed['id']}"))["subject"] == "kept"
        await node.stop()
    finally:
        await node.clean_up()
