"""A change to the line while thousands wait, until the offer that follows is on a desktop.

A real node with its embedded PostgreSQL, REST and desktops' sockets: the queue's policy, an item's
priority, a customer's value, a skill granted, somebody new. ``ours`` is the slowest of those that
concern one item or one agent; the policy, which ranks everything anew, is in ``details``.
"""

import argparse
from typing import Any

from bench.frame import Options, Progress, scratch
from bench.measure import percentile
from bench.report import Budget, Report
from tests.support.process import NodeProcess
from tests.support.rescoring import Seen, play, scene

WAITING = 3_000
POLICY = "policy of the queue"
BUDGETS = (
    Budget(figure="ours", limit=100.0, better="less"),
    Budget(figure="policy_ms", limit=1_000.0, better="less"),
)


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--waiting", type=int, default=WAITING)
    parser.add_argument("--rounds", type=int, default=5, help="nodes, one after the other")


async def measure(options: Options, say: Progress) -> Report:
    times: dict[str, list[float]] = {}
    wrong = lost = 0
    for number in range(options.rounds):
        with scratch("rescore") as path:
            node = NodeProcess(path, [{"kind": "task", "name": "office"}])
            try:
                await node.start()
                async with scene(node.url) as one:
                    await play(one, options.waiting)
                    lost += options.waiting - 4 - await one.waiting()
                    wrong += _note(one.seen, times)
            finally:
                await node.stop()
                await node.clean_up()
        told = {what: f"{found[-1]:.1f} ms" for what, found in times.items()}
        say(f"round {number + 1}: {told}")
    medians = {what: percentile(found, 50) for what, found in times.items()}
    details: dict[str, Any] = {
        "waiting": options.waiting,
        "rounds": options.rounds,
        "wrong_order": wrong,
        "median_ms": medians,
        "policy_ms": medians[POLICY],
        "slowest_ms": {what: max(found) for what, found in times.items()},
    }
    ours = max(value for what, value in medians.items() if what != POLICY)
    return Report(
        bench="rescore",
        ours=ours,
        unit="ms",
        peer=None,
        lost=lost + wrong,
        details=details,
        budgets=BUDGETS,
    )


def _note(seen: list[Seen], times: dict[str, list[float]]) -> int:
    """Keep the times; how many offers were not those that had to follow."""
    for one in seen:
        if one.seconds:
            times.setdefault(one.what, []).append(one.seconds * 1e3)
    return sum(one.offered != one.wanted for one in seen)
