"""SIPp, a peer that speaks SIP by somebody else's code: run to its end, or started and stopped."""

import asyncio
import os
import shutil
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

SECONDS = 20


def binary() -> str:
    """Its path; skips the test where there is none, fails it where CI is set."""
    found = shutil.which("sipp")
    if found is None:
        if os.environ.get("CI"):
            pytest.fail("sipp is not installed: apt-get install sip-tester")
        pytest.skip("needs sipp: apt-get install sip-tester")
    return found


def port() -> int:
    """One that was free just now for UDP and TCP; what ``ports.free_port`` gives is held by UDP."""
    while True:
        with (
            socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as datagrams,
            socket.socket(socket.AF_INET, socket.SOCK_STREAM) as streams,
        ):
            datagrams.bind(("127.0.0.1", 0))
            found = int(datagrams.getsockname()[1])
            try:
                streams.bind(("127.0.0.1", found))
            except OSError:
                continue
            return found


async def built_in(scenario: str) -> str:
    """One of its own, as XML."""
    process = await asyncio.create_subprocess_exec(
        binary(), "-sd", scenario, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL
    )
    said, _ = await process.communicate()
    return said.decode("ascii")


async def start(folder: Path, *options: str) -> asyncio.subprocess.Process:
    """``options`` as on its command line; it works in ``folder`` and ends by itself."""
    return await asyncio.create_subprocess_exec(
        binary(),
        *options,
        "-nostdin",
        "-trace_err",
        "-timeout",
        f"{SECONDS}s",
        "-timeout_error",
        cwd=folder,
        env={**os.environ, "TERM": "xterm"},
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
    )


@asynccontextmanager
async def started(folder: Path, *options: str) -> AsyncIterator[asyncio.subprocess.Process]:
    """As ``start``; ended at the latest when whoever asked for it is through, or has failed."""
    process = await start(folder, *options)
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def finished(process: asyncio.subprocess.Process, folder: Path) -> None:
    """Fails with what it complained of, if any call failed."""
    try:
        async with asyncio.timeout(SECONDS + 5):
            code = await process.wait()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if code:
        said = "\n".join(p.read_text("utf-8", "replace")[-2_000:] for p in folder.glob("*errors*"))
        pytest.fail(f"sipp ended with {code}: {said}")
