"""The demonstration as a newcomer starts it: one command, and the links that it prints."""

import asyncio
import re
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from tests.support.ports import free_port

_LINK = re.compile(r"(http://\S+)$")
READY_SECONDS = 120.0
PAGES = ("demo", "desktop", "supervisor", "admin")


@asynccontextmanager
async def demo(path: Path, *arguments: str) -> AsyncIterator[dict[str, str]]:
    """``switchroom demo`` on a free port; gives its links by page. Ends it in good order."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "gateway",
        "demo",
        "--port",
        str(free_port()),
        "--data-dir",
        str(path),
        *arguments,
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        assert process.stdout is not None
        links: dict[str, str] = {}
        async with asyncio.timeout(READY_SECONDS):
            while len(links) < len(PAGES):
                line = (await process.stdout.readline()).decode()
                assert line, f"the demo ended: {await process.wait()}"
                if found := _LINK.search(line.strip()):
                    links[found[1].split("/")[3]] = found[1]
        yield links
    finally:
        if process.returncode is None:
            process.terminate()
        async with asyncio.timeout(90):
            await process.wait()
