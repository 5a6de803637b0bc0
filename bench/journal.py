"""Durable events a second, and how long an acknowledgement takes.

The real ledger and writer over the real store; the peer is procrastinate deferring the same
number of bytes in batches on the same PostgreSQL. What is recorded is made before, as the peer's
jobs are; recording it, with all that is checked, changed and follows in memory, counts as the
node's. When it is due another process says, for latencies are counted from then.
"""

import argparse
import asyncio
import gc
import itertools
import os
import sys
import time
from collections import deque
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

from bench import peers
from bench.frame import Options, Progress, scratch
from bench.load.metronome import BEAT
from bench.measure import CpuMeter, LoopLag, alone, keep_apart, postmaster_of, spread, trees
from bench.report import Budget, Peer, Report
from bench.work import EVENTS_AN_ITEM, RECORDS_AN_ITEM, Work
from gateway.app import GC_THRESHOLDS
from gateway.clock import SystemClock
from gateway.core.ids import NodeName
from gateway.core.state import NodeState
from gateway.flow.ledger import Ledger
from gateway.flow.writer import Writer
from gateway.store.opening import Store, new_id, open_store

BACKLOG = 4_000
"""Uncommitted entries at which the saturating producer waits: four full batches."""

STEPS = 10
"""Records that the producer makes in one turn of the loop: a millisecond, as in a busy node."""

AHEAD = 2_500
"""Items a second that are made before: more than can be recorded, or they are made meanwhile."""

ENTRIES_A_RECORD = EVENTS_AN_ITEM / RECORDS_AN_ITEM

BUDGETS = (
    Budget(figure="ours", limit=20_000, better="more"),
    Budget(figure="at_5000_p50_ms", limit=2.0, better="less"),
    Budget(figure="at_5000_p99_ms", limit=30.0, better="less"),
)


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--seconds", type=float, default=10.0, help="of each part")
    parser.add_argument("--rates", type=int, nargs="*", default=[1_000, 5_000])
    parser.add_argument("--no-peers", action="store_true")


class Rig:
    """A ledger and its writer over a fresh store."""

    def __init__(self, store: Store, ledger: Ledger, writer: Writer) -> None:
        self.store = store
        self.ledger = ledger
        self.writer = writer
        self.work = Work(ledger, itertools.count(1).__next__)

    @classmethod
    async def begin(cls, store: Store) -> "Rig":
        term = await store.journal.begin(NodeName("bench"), "local")
        ledger = Ledger(
            NodeState(term.node), SystemClock(), new_id, term.epoch, new_batch=store.journal.batch
        )
        return cls(store, ledger, Writer(ledger, store.journal, term))

    async def saturate(self, seconds: float) -> float:
        """Durable entries a second with always enough to do."""
        ledger = self.ledger
        began, first = time.monotonic(), self.writer.entries
        while time.monotonic() - began < seconds:
            while ledger.uncommitted < BACKLOG:
                for _ in range(STEPS):
                    self.work.step()
                await asyncio.sleep(0)
            # Let the writer and the database have a turn as soon as there is room again.
            await ledger.committed(_oldest(ledger))
        took = time.monotonic() - began
        return (self.writer.entries - first) / took

    async def at_rate(self, rate: float, seconds: float) -> list[float]:
        """Seconds from when each record was due to its acknowledgement, at so many entries/s."""
        open_: deque[tuple[Any, float]] = deque()
        taken: list[float] = []
        more = asyncio.Event()

        async def acknowledge() -> None:
            while True:
                while not open_:
                    more.clear()
                    await more.wait()
                position, due = open_.popleft()
                await self.ledger.committed(position)
                taken.append(time.monotonic() - due)

        async with asyncio.TaskGroup() as group:
            waiter = group.create_task(acknowledge())
            async for due in beats(rate / ENTRIES_A_RECORD, seconds):
                self.work.step()
                open_.append((self.ledger.position, due))
                more.set()
            await self.ledger.committed(self.ledger.position)
            await asyncio.sleep(0)
            waiter.cancel()
        return taken

    async def missing(self) -> int:
        """Acknowledged entries that the journal does not hold."""
        kept = await self.store.pool.fetchval("SELECT count(*) FROM journal WHERE node = 'bench'")
        return self.writer.entries - int(kept)

    async def doubled(self) -> int:
        """Places in the journal that are taken twice."""
        return int(
            await self.store.pool.fetchval(
                'SELECT count(*) - count(DISTINCT (epoch, "offset")) FROM journal'
                " WHERE node = 'bench'"
            )
        )


async def beats(rate: float, seconds: float) -> AsyncIterator[float]:
    """The moments at which another process says that a record is due, as they come."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bench.load.metronome", str(rate), str(seconds)),
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        if process.stdout is None:
            raise RuntimeError("the metronome has no pipe")
        rest = b""
        while data := await process.stdout.read(65_536):
            data = rest + data
            whole = len(data) - len(data) % BEAT.size
            rest = data[whole:]
            for (due,) in BEAT.iter_unpack(data[:whole]):
                yield due
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()


def _oldest(ledger: Ledger) -> Any:
    """A place behind which there is room for more."""
    position = ledger.position
    return type(position)(position.epoch, position.offset - BACKLOG // 2)


async def measure(options: Options, say: Progress) -> Report:
    gc.set_threshold(*GC_THRESHOLDS)  # as the node's process does
    with scratch("journal") as path:
        async with open_store(data_dir=path / "data") as store:
            return await _measure(options, say, store, path / "data")


async def _measure(options: Options, say: Progress, store: Store, data: Path) -> Report:
    details: dict[str, Any] = {"generator": "work is made before it is recorded"}
    cpu = CpuMeter({"node": alone(os.getpid()), "postgres": trees(postmaster_of(data))})
    rig, lag = await Rig.begin(store), LoopLag()
    details["kept_apart"] = keep_apart(os.getpid(), postmaster_of(data))
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(rig.writer.run()), group.create_task(lag.run())]
        warm = min(2.0, options.seconds)
        rig.work.prepare(int(AHEAD * (warm + options.seconds)))
        gc.collect()
        gc.freeze()
        await rig.saturate(warm)  # plans, caches and tables get warm
        commits, entries = rig.writer.commits, rig.writer.entries
        lag.take()
        cpu.start()
        ours = await rig.saturate(options.seconds)
        await rig.ledger.committed(rig.ledger.position)
        spent = cpu.read()
        commits, entries = rig.writer.commits - commits, rig.writer.entries - entries
        say(f"saturated: {ours:,.0f} events/s, {entries / commits:.0f} a commit")
        details |= {
            "cpu_s": {**spent, "generator": 0.0, "peers": 0.0},
            "max_loop_lag_ms": lag.take() * 1e3,
            "commits": commits,
            "mean_batch": entries / commits,
            "node_us_per_event": spent["node"] / entries * 1e6,
            "postgres_us_per_event": spent["postgres"] / entries * 1e6,
        }
        # Else the machine writes out what the flood left just when the times are taken.
        await asyncio.to_thread(os.sync)
        for rate in options.rates:
            commits, entries = rig.writer.commits, rig.writer.entries
            times = await rig.at_rate(rate, options.seconds)
            batch = (rig.writer.entries - entries) / (rig.writer.commits - commits)
            details |= {f"at_{rate}_mean_batch": batch, **spread(times, f"at_{rate}_")}
            say(
                f"at {rate}/s: {details[f'at_{rate}_p50_ms']:.2f} ms p50,"
                f" {details[f'at_{rate}_p99_ms']:.2f} ms p99, {batch:.1f} a commit"
            )
        for task in tasks:
            task.cancel()
    lost, duplicated = await rig.missing(), await rig.doubled()
    peer = None
    if not options.no_peers:
        peer = await _peers(options, say, store, cpu, details)
    return Report(
        bench="journal",
        ours=ours,
        unit="events/s",
        peer=peer,
        lost=lost,
        duplicated=duplicated,
        details=details,
        budgets=BUDGETS,
    )


async def _peers(
    options: Options, say: Progress, store: Store, cpu: CpuMeter, details: dict[str, Any]
) -> Peer:
    seconds = min(options.seconds, 5.0)
    cpu.start()
    single = await peers.single_rows(store.dsn, seconds)
    say(f"asyncpg, one row a commit, one connection: {single:,.0f} rows/s")
    try:
        jobs = await peers.procrastinate_batches(store.dsn, seconds)
    except ImportError as missing:  # psycopg needs the system's libpq
        say(f"without procrastinate: {missing}")
        return Peer(name="asyncpg, one row a commit", value=single)
    say(f"procrastinate, batches of {peers.JOBS_IN_A_BATCH}: {jobs:,.0f} jobs/s")
    spent = cpu.read()
    details["cpu_s"]["peers"] = spent["node"] + spent["postgres"]
    details["asyncpg_single_rows_per_s"] = single
    return Peer(name="procrastinate, batch defer", value=jobs)
