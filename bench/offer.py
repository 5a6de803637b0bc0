"""Arrival to the offer on a desktop, with 11,700 connected and ready, 30 items a second.

Tasks are filed over REST by a process of its own; a time begins when the task was due to be
filed and ends when the offer's frame is at a desktop. Nobody accepts; nobody has to wait either.
"""

import argparse
from typing import Any

from bench.crowd import DESKTOPS, PROCESSES, desktops, staff
from bench.frame import Options, Progress, scratch
from bench.load.control import ask_all, generators
from bench.measure import spread
from bench.node import BOOTSTRAP, running, seed
from bench.push import settled
from bench.report import Budget, Report

TASKS = {"kind": "task", "name": "backoffice"}
BUDGETS = (
    Budget(figure="p50_ms", limit=10.0, better="less"),
    Budget(figure="ours", limit=50.0, better="less"),
)


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--desktops", type=int, default=DESKTOPS)
    parser.add_argument("--seconds", type=float, default=30.0)
    parser.add_argument("--rate", type=float, default=30.0, help="items a second")


async def measure(options: Options, say: Progress) -> Report:
    details: dict[str, Any] = {
        "desktops": options.desktops,
        "rate": options.rate,
        "generator": f"{PROCESSES} processes of desktops, one that files",
    }
    with scratch("offer") as path:
        tokens = await seed(path / "data", staff(options.desktops))
        async with (
            running(path, [TASKS], host=True) as node,
            desktops(node.port, tokens, say, stamped=["offer"]) as crowd,
            generators("tasks") as (filers,),
        ):
            await ask_all(crowd, "ready")
            say("all are ready for work")
            await filers.ask("begin", url=node.url, token=BOOTSTRAP)
            await filers.ask("at_rate", rate=options.rate, seconds=2.0)  # warm up
            await settled(crowd)
            before = await node.get("/bench/vitals")
            cpu = node.meter(filers.pid, *(one.pid for one in crowd))
            cpu.start()
            filed = await filers.ask(
                "at_rate", rate=options.rate, seconds=options.seconds, batch="b"
            )
            spent = cpu.read()
            after = await node.get("/bench/vitals")
            told = await settled(crowd)
    arrived = dict(told.marks)
    times = [arrived[mark] - due for mark, due in filed["times"] if mark in arrived]
    commits = after["commits"] - before["commits"]
    details |= {
        **spread(times),
        "items": len(filed["times"]),
        "commits": commits,
        "mean_batch": (after["entries"] - before["entries"]) / max(commits, 1),
        "max_loop_lag_ms": after["lag_ms"],
        "cpu_s": {**spent, "peers": 0.0},
    }
    say(f"{len(times)} offers: {details['p50_ms']:.2f} ms p50, {details['p99_ms']:.2f} ms p99")
    return Report(
        bench="offer",
        ours=details["p99_ms"],
        unit="ms",
        peer=None,
        lost=len(filed["times"]) - len(arrived) + told.gaps + told.drops,
        duplicated=len(told.marks) - len(arrived) + told.repeats,
        details=details,
        budgets=BUDGETS,
    )
