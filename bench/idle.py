"""Memory of connected, signed-in, idle desktops: ``switchroom run`` and 11,700 agents.

The peer holds as many bare ``websockets`` connections with nothing behind them: the floor.
python-socketio stands in the details.
"""

import argparse
import asyncio
from typing import Any

from bench.crowd import DESKTOPS, PROCESSES, desktops, heard, staff
from bench.frame import Options, Progress, scratch
from bench.load.control import generators
from bench.measure import resident_mb
from bench.node import running, seed
from bench.report import Budget, Peer, Report

BUDGETS = (Budget(figure="ours", limit=400, better="less"),)


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--desktops", type=int, default=DESKTOPS)
    parser.add_argument("--seconds", type=float, default=25.0, help="of idling: two heartbeats")
    parser.add_argument("--no-peers", action="store_true")


async def measure(options: Options, say: Progress) -> Report:
    details: dict[str, Any] = {"desktops": options.desktops, "generator": f"{PROCESSES} processes"}
    with scratch("idle") as path:
        tokens = await seed(path / "data", staff(options.desktops))
        async with running(path, host=True) as node:
            empty = resident_mb(node.pid)
            say(f"ready in {node.started:.1f} s, {empty:.0f} MB with nobody connected")
            async with desktops(node.port, tokens, say) as crowd:
                await node.get("/bench/vitals")
                cpu = node.meter(*(one.pid for one in crowd))
                cpu.start()
                await asyncio.sleep(options.seconds)
                ours = resident_mb(node.pid)
                vitals = await node.get("/bench/vitals")
                connected = vitals["connected"]
                spent = cpu.read()
                told = await heard(crowd)
    say(f"{ours:.0f} MB with {connected:,} connected")
    details |= {
        "connected": connected,
        "empty_mb": empty,
        "per_connection_kb": (ours - empty) * 1e3 / max(connected, 1),
        "max_loop_lag_ms": vitals["lag_ms"],
        "cpu_s": {**spent, "peers": 0.0},
        "idle_cpu_percent": spent["node"] / options.seconds * 100,
    }
    peer = None
    if not options.no_peers:
        peer = Peer(name="bare websockets", value=await _peer(options, say, "websockets", details))
        details["socketio_mb"] = await _peer(options, say, "socketio", details)
    return Report(
        bench="idle",
        ours=ours,
        unit="MB",
        peer=peer,
        lost=options.desktops - connected + told.drops,
        details=details,
        budgets=BUDGETS,
    )


async def _peer(options: Options, say: Progress, name: str, details: dict[str, Any]) -> float:
    """Resident MB of another server with as many connections."""
    dialect, path = ("bare", "/") if name == "websockets" else (name, SOCKETIO_PATH)
    async with generators("servers") as (server,):
        port = (await server.ask(name))["port"]
        cpu_before = resident_mb(server.pid)
        tokens = [""] * options.desktops
        async with desktops(port, tokens, say, path=path, dialect=dialect):
            await asyncio.sleep(min(options.seconds, 5.0))
            held = resident_mb(server.pid)
    details[f"{name}_per_connection_kb"] = (held - cpu_before) * 1e3 / options.desktops
    say(f"{name}: {held:.0f} MB")
    return held


SOCKETIO_PATH = "/socket.io/?EIO=4&transport=websocket"
