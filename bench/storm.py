"""All desktops lose their connection in the same moment and come back: a proxy that restarts.

Each comes as a page does that was loaded anew, with nothing to resume from: it signs in and is in
sync when it has its snapshot. The peer is the library that we use too, with nothing behind it:
the same crowd, lost and back at a bare ``websockets`` server.
"""

import argparse
import statistics
from typing import Any

from bench.crowd import DESKTOPS, PROCESSES, desktops, heard, staff
from bench.frame import Options, Progress, scratch
from bench.load.control import Generator, ask_all, generators
from bench.measure import resident_mb
from bench.node import running, seed
from bench.report import Budget, Peer, Report

BUDGETS = (
    Budget(figure="times_bare", limit=2.0, better="less"),
    Budget(figure="mb_after", limit=400, better="less"),
)


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--desktops", type=int, default=DESKTOPS)
    parser.add_argument("--storms", type=int, default=3, help="one after the other")


async def measure(options: Options, say: Progress) -> Report:
    details: dict[str, Any] = {"desktops": options.desktops, "generator": f"{PROCESSES} processes"}
    with scratch("storm") as path:
        tokens = await seed(path / "data", staff(options.desktops))
        async with running(path, host=True) as node, desktops(node.port, tokens, say) as crowd:
            details["mb_before"] = resident_mb(node.pid)
            await node.get("/bench/vitals")
            cpu = node.meter(*(one.pid for one in crowd))
            cpu.start()
            ours = await _storms(options, say, crowd, "desktops")
            spent = cpu.read()
            vitals = await node.get("/bench/vitals")
            told = await heard(crowd)
            details |= {
                "connected": vitals["connected"],
                "mb_after": resident_mb(node.pid),
                "max_loop_lag_ms": vitals["lag_ms"],
                "cpu_s": {**spent, "peers": 0.0},
                "node_ms_per_desktop": spent["node"] / options.storms / options.desktops * 1e3,
            }
    bare = await _bare(options, say)
    details |= {"seconds": ours, "websockets_seconds": bare}
    back, floor = statistics.median(ours), statistics.median(bare)
    details["times_bare"] = back / floor
    return Report(
        bench="storm",
        ours=back,
        unit="s",
        peer=Peer(name="bare websockets", value=floor),
        lost=options.desktops - details["connected"] + told.drops + len(told.errors),
        duplicated=told.repeats,
        details=details,
        budgets=BUDGETS,
    )


async def _storms(options: Options, say: Progress, crowd: list[Generator], who: str) -> list[float]:
    """Seconds of each storm until the last of them is in sync again."""
    taken = []
    for _ in range(options.storms):
        answers = await ask_all(crowd, "again")
        taken.append(max(answer["seconds"] for answer in answers))
        say(f"{options.desktops:,} {who} back after {taken[-1]:.2f} s")
    return taken


async def _bare(options: Options, say: Progress) -> list[float]:
    async with generators("servers") as (server,):
        port = (await server.ask("websockets"))["port"]
        tokens = [""] * options.desktops
        async with desktops(port, tokens, say, path="/", dialect="bare") as crowd:
            return await _storms(options, say, crowd, "bare connections")
