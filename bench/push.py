"""Committed event to frame on the wire, with 11,700 desktops connected.

Events are messages of customers, recorded through the real ledger and committed by the real
writer in a node process composed as the product's; frames are received by socket clients in other
processes. Each message shows as two frames: the message, and the item that it belongs to.
The peer pushes frames of the same size with nothing behind it.
"""

import argparse
import asyncio
from typing import Any

from bench.crowd import DESKTOPS, PROCESSES, Heard, desktops, heard, staff
from bench.frame import Options, Progress, scratch
from bench.idle import SOCKETIO_PATH
from bench.load.control import ask_all, generators
from bench.measure import keep_apart, postmaster_of, spread
from bench.node import NodeProcess, running, seed
from bench.report import Budget, Peer, Report

BUDGETS = (
    Budget(figure="ours", limit=15_000, better="more"),
    Budget(figure="p50_ms", limit=2.0, better="less"),
    Budget(figure="p99_ms", limit=25.0, better="less"),
)


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--desktops", type=int, default=DESKTOPS)
    parser.add_argument("--seconds", type=float, default=8.0, help="of each part")
    parser.add_argument("--rate", type=float, default=1_000.0, help="events/s for the latencies")
    parser.add_argument("--no-peers", action="store_true")


async def measure(options: Options, say: Progress) -> Report:
    details: dict[str, Any] = {"desktops": options.desktops, "generator": f"{PROCESSES} processes"}
    with scratch("push") as path:
        tokens = await seed(path / "data", staff(options.desktops))
        async with (
            running(path, host=True) as node,
            desktops(node.port, tokens, say, stamped=["message"]) as crowd,
        ):
            await node.post("/bench/hands", {})
            await settled(crowd)
            others = (postmaster_of(node.data), *(one.pid for one in crowd))
            details["kept_apart"] = keep_apart(node.pid, *others)
            ours, faults = await _sustained(options, say, node, crowd, details)
            lost, repeats = await _at_rate(options, say, node, crowd, details)
    peer = None
    if not options.no_peers:
        floor = await _peer(options, say, "websockets", details)
        details["socketio_frames_per_s"] = await _peer(options, say, "socketio", details)
        peer = Peer(name="bare websockets, nothing recorded", value=floor)
    return Report(
        bench="push",
        ours=ours,
        unit="frames/s",
        peer=peer,
        lost=lost + faults.gaps + faults.drops,
        duplicated=repeats + faults.repeats,
        details=details,
        budgets=BUDGETS,
    )


async def settled(crowd: Any, quiet: float = 1.0) -> Heard:
    """Wait until no frame but ticks has come for a while."""
    found = await heard(crowd)
    while True:
        await asyncio.sleep(quiet)
        more = await heard(crowd)
        found = _joined(found, more)
        if not set(more.kinds) - {"tick"} and not more.marks:
            return found


def _joined(a: Heard, b: Heard) -> Heard:
    for kind, count in b.kinds.items():
        a.kinds[kind] = a.kinds.get(kind, 0) + count
    a.marks += b.marks
    a.gaps += b.gaps
    a.repeats += b.repeats
    a.drops += b.drops
    return a


async def _sustained(
    options: Options, say: Progress, node: NodeProcess, crowd: Any, details: dict[str, Any]
) -> tuple[float, Heard]:
    """Frames a second at the clients while as many messages are recorded as become durable."""
    before = await node.get("/bench/vitals")
    cpu = node.meter(*(one.pid for one in crowd))
    cpu.start()
    sent = await node.post("/bench/messages", {"rate": 0, "seconds": options.seconds})
    after = await node.get("/bench/vitals")
    spent = cpu.read()
    told = await settled(crowd)
    frames = told.kinds.get("message", 0) + told.kinds.get("item", 0)
    last = max((at for _, at in told.marks), default=sent["ended"])
    took = max(last, sent["ended"]) - sent["began"]
    missing = sent["messages"] - told.kinds.get("message", 0)
    told.gaps += max(missing, 0)
    commits = after["commits"] - before["commits"]
    say(f"{frames / took:,.0f} frames/s of {sent['messages'] / took:,.0f} messages/s")
    details |= {
        "events_per_s": sent["messages"] / took,
        "commits": commits,
        "mean_batch": (after["entries"] - before["entries"]) / max(commits, 1),
        "max_loop_lag_ms": after["lag_ms"],
        "cpu_s": {**spent, "peers": 0.0},
        "node_us_per_frame": spent["node"] / max(frames, 1) * 1e6,
    }
    return frames / took, told


async def _at_rate(
    options: Options, say: Progress, node: NodeProcess, crowd: Any, details: dict[str, Any]
) -> tuple[int, int]:
    """Times at a steady rate; returns messages that were not shown, or shown twice."""
    sent = await node.post("/bench/messages", {"rate": options.rate, "seconds": options.seconds})
    told = await settled(crowd)
    arrived = dict(told.marks)
    from_commit, from_due = [], []
    for mark, due, _, committed in sent["times"]:
        if mark in arrived:
            from_commit.append(arrived[mark] - committed)
            from_due.append(arrived[mark] - due)
    details |= spread(from_commit) | spread(from_due, "from_due_")
    say(
        f"at {options.rate:,.0f} events/s: {details['p50_ms']:.2f} ms p50,"
        f" {details['p99_ms']:.2f} ms p99 from commit;"
        f" {details['from_due_p50_ms']:.2f} and {details['from_due_p99_ms']:.2f} ms in all"
    )
    return sent["messages"] - len(arrived) + told.gaps, len(told.marks) - len(arrived)


async def _peer(options: Options, say: Progress, name: str, details: dict[str, Any]) -> float:
    """Frames a second of another server with as many connections."""
    dialect, path = ("bare", "/") if name == "websockets" else (name, SOCKETIO_PATH)
    async with generators("servers") as (server,):
        port = (await server.ask(name))["port"]
        tokens = [""] * options.desktops
        async with desktops(port, tokens, say, path=path, dialect=dialect) as crowd:
            keep_apart(server.pid, *(one.pid for one in crowd))
            await ask_all(crowd, "take")
            sent = await server.ask("push", seconds=min(options.seconds, 5.0))
            told = await settled(crowd)
            last = max((at for _, at in told.marks), default=sent["ended"])
            value: float = len(told.marks) / (max(last, sent["ended"]) - sent["began"])
            paced = await server.ask("push", seconds=min(options.seconds, 5.0), rate=options.rate)
            told = await settled(crowd)
    arrived = dict(told.marks)
    times = [arrived[mark] - due for mark, due in paced["times"] if mark in arrived]
    details |= spread(times, f"{name}_")
    say(f"{name}: {value:,.0f} frames/s")
    return value
