"""``python -m bench NAME [options]``: measure one thing, print one line."""

import argparse
import asyncio
import importlib
import json
import signal
import sys

import uvloop

from bench.frame import RESULTS, Progress, cores
from bench.measure import Neighbours
from bench.report import Report, as_object, tidy

BENCHES = {
    "journal": "durable events a second, and how long an acknowledgement takes",
    "idle": "memory of connected idle desktops",
    "storm": "all desktops lost at once, and back in sync",
    "push": "committed event to frame on the wire",
    "start": "a cold start until it can take work",
    "offer": "arrival to the offer on a desktop",
    "rescore": "a change to the line until the offer that follows, while thousands wait",
    "match": "routing decisions a second, and how good they are",
    "day": "a whole day's work, every step, closed loop",
    "email": "mails a second from a full mailbox to durable work items",
    "failover": "a node or the database dies: until everybody is served again",
}


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    names = parser.add_subparsers(dest="bench", required=True, metavar="NAME")
    for name, words in BENCHES.items():
        one = names.add_parser(name, help=words, description=words)
        one.add_argument("--time-limit", type=float, default=5_400.0, help="seconds in all")
        importlib.import_module(f"bench.{name}").arguments(one)
    names.add_parser("table", help="write docs/performance.md's table from var/bench/*.json")
    return parser


async def _measure(options: argparse.Namespace) -> Report:
    measure = importlib.import_module(f"bench.{options.bench}").measure
    task = asyncio.current_task()
    if task is not None:  # ended from outside, it still ends the node and the generators
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    async with asyncio.timeout(options.time_limit):
        report: Report = await measure(options, Progress(options.bench))
    return report


def main() -> int:
    """Returns 0, also when a budget was missed: a figure is a figure; 1 when nothing came out."""
    options = _parser().parse_args()
    if options.bench == "table":
        from bench.table import write

        write()
        return 0
    neighbours = Neighbours()
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        report = runner.run(_measure(options))
    shown = as_object(report)
    around = {"cores": cores(), "cores_used_by_others": tidy(neighbours.cores())}
    shown["details"] = {**shown["details"], **around}
    for miss in shown["details"]["missed"]:
        print(f"[{options.bench}] over budget: {miss}", file=sys.stderr)
    text = json.dumps(shown, ensure_ascii=False, allow_nan=False)
    RESULTS.mkdir(parents=True, exist_ok=True)
    (RESULTS / f"{options.bench}.json").write_text(text + "\n", encoding="utf-8")
    print(text, flush=True)
    return 0 if not (report.lost or report.duplicated) else 1


if __name__ == "__main__":
    sys.exit(main())
