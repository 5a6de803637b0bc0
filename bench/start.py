"""Seconds from a cold start until the node can take work, with a new data directory; and again.

The peer is the least that any of this could take: ``initdb`` and ``postgres`` of the same wheel,
until a connection answers.
"""

import argparse
import asyncio
import time
from pathlib import Path
from typing import Any

import aiohttp
import asyncpg

from bench.frame import Options, Progress, scratch
from bench.measure import percentile
from bench.node import NodeProcess, running
from bench.report import Budget, Peer, Report
from gateway.store.embedded import EmbeddedServer

BUDGETS = (
    Budget(figure="ours", limit=5.0, better="less"),
    Budget(figure="warm_s", limit=2.0, better="less"),
    Budget(figure="after_kill_s", limit=2.0, better="less"),
)


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--rounds", type=int, default=3, help="the median counts")
    parser.add_argument("--no-peers", action="store_true")


async def measure(options: Options, say: Progress) -> Report:
    cold: list[float] = []
    warm: list[float] = []
    killed: list[float] = []
    bare: list[float] = []
    node_s: list[float] = []
    for _ in range(options.rounds):
        with scratch("start") as path:
            cold.append(await _once(path, node_s))
            warm.append(await _once(path, node_s))
            killed.append(await _after_kill(path, node_s))
        if not options.no_peers:
            bare.append(await _bare())
        say(f"cold {cold[-1]:.2f} s, warm {warm[-1]:.2f} s, after kill -9 {killed[-1]:.2f} s")
    details: dict[str, Any] = {
        "warm_s": percentile(warm, 50),
        "after_kill_s": percentile(killed, 50),
        "rounds": options.rounds,
        "cpu_s": {"node": percentile(node_s, 50), "generator": 0.0, "peers": 0.0},
    }
    peer = None
    if bare:
        say(f"initdb and postgres alone: {percentile(bare, 50):.2f} s")
        peer = Peer(name="initdb and postgres alone", value=percentile(bare, 50))
    return Report(
        bench="start",
        ours=percentile(cold, 50),
        unit="s",
        peer=peer,
        details=details,
        budgets=BUDGETS,
    )


async def _once(path: Path, cpu: list[float]) -> float:
    """From the start of the process until ``/readyz`` answers 200."""
    began = time.monotonic()
    async with running(path) as node:
        took = await _until_ready(node, began)
        cpu.append(node.meter_now())
    return took


async def _after_kill(path: Path, cpu: list[float]) -> float:
    async with running(path) as node:
        await _until_ready(node, time.monotonic())
        node.kill()
    return await _once(path, cpu)


async def _until_ready(node: NodeProcess, began: float) -> float:
    async with aiohttp.ClientSession() as http:
        while True:
            async with http.get(f"{node.url}/readyz") as answer:
                if answer.status == 200:
                    return time.monotonic() - began
            await asyncio.sleep(0.01)


async def _bare() -> float:
    """The embedded PostgreSQL alone, from nothing to an answer."""
    with scratch("bare") as path:
        began = time.monotonic()
        server = EmbeddedServer(path / "data")
        await server.start()
        try:
            con = await asyncpg.connect(server.dsn, database="postgres")
            await con.fetchval("SELECT 1")
            took = time.monotonic() - began
            await con.close()
        finally:
            await server.stop()
    return took
