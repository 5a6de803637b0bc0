"""A whole day's work: every item arrives, is offered, accepted, answered and wrapped up.

250,000 items in the brief's mix (three fifths conversations, a fifth mails, a fifth cases), in a
closed loop: only so many are open at once, and agents take one to three seconds for each step.
A twentieth of each channel, and at least 1,000 of each, goes over its real protocol: chats over
``/chat/v1``, mails over IMAP and SMTP, tasks over REST with callbacks. The rest comes through
``bench.feed``, a local socket where the outside protocol would be. Until there is a voice channel
the calls of the documents are chats, and texts where they come through the feed. At the end an
open loop of 417 items a second (150,000 in six minutes) shows how long an arrival waits for its
offer.
"""

import argparse
import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import asyncpg
from msgspec import Struct

from bench import feed
from bench.crowd import staff
from bench.frame import Options, Progress, scratch
from bench.load.control import Generator, ask_all, generators
from bench.measure import spread
from bench.node import BOOTSTRAP, NodeProcess, free_port, running, seed
from bench.report import Budget, Report

BUDGETS = (
    Budget(figure="seconds_for_250000", limit=600, better="less"),
    Budget(figure="node_cpu_ms_per_item", limit=1.8, better="less"),
)
WHOLE = 250_000
AGENT_PROCESSES = 2
REAL_SHARE, REAL_LEAST = 0.05, 1_000
OPEN_RATE = 417.0
STUCK_LOOKS = 25
"""Looks, a second or more apart, at which nothing has changed."""


class Shares(Struct, frozen=True):
    """How many items come which way."""

    chats: int
    mails: int
    tasks: int
    feed: int

    @classmethod
    def of(cls, items: int, least: int = REAL_LEAST) -> "Shares":
        """A twentieth of each, at least a thousand of each where there are that many."""

        def real(part: float) -> int:
            return min(max(round(items * part * REAL_SHARE), least), int(items * part))

        chats, mails, tasks = real(0.6), real(0.2), real(0.2)
        return cls(chats, mails, tasks, items - chats - mails - tasks)


class Crew(Struct):
    """Everybody who makes the day, and the node."""

    node: NodeProcess
    feed: Generator
    tasks: Generator
    chats: Generator
    mails: Generator
    agents: list[Generator]

    @property
    def pids(self) -> list[int]:
        return [g.pid for g in (self.feed, self.tasks, self.chats, self.mails, *self.agents)]


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--items", type=int, default=WHOLE)
    parser.add_argument("--agents", type=int, default=3_000)
    parser.add_argument("--open", type=int, default=4_000, help="items under way at once")
    parser.add_argument(
        "--real-least", type=int, default=REAL_LEAST, help="items of a channel over its protocol"
    )
    parser.add_argument("--open-seconds", type=float, default=10.0, help="of the open loop")


async def measure(options: Options, say: Progress) -> Report:
    shares = Shares.of(options.items, options.real_least)
    details: dict[str, Any] = {
        "items": options.items,
        "agents": options.agents,
        "over_real_protocols": {
            "chat": shares.chats,
            "email": shares.mails,
            "task": shares.tasks,
        },
        "generator": f"{AGENT_PROCESSES} processes of agents, one for each channel",
    }
    async with _crew(options, say) as crew:
        took, answers = await _closed_loop(options, say, crew, shares, details)
        counted = await _count(crew.node)
        if options.open_seconds:
            details |= await _open_loop(options, say, crew)
    details["counts"] = counted
    details["errors"] = [error for answer in answers for error in answer.get("errors", ())]
    say(f"{options.items:,} items in {took:.1f} s; {counted}")
    return Report(
        bench="day",
        ours=took,
        unit="s",
        peer=None,
        lost=options.items - counted["completed_answered"],
        duplicated=counted["items"]
        - counted["processed"]
        + counted["answered_twice"]
        + sum(answer["duplicates"] + answer["strangers"] for answer in answers),
        repeated=sum(answer["repeats"] for answer in answers),
        details=details,
        budgets=BUDGETS,
    )


# -- the setting ----------------------------------------------------------------------------


@asynccontextmanager
async def _crew(options: Options, say: Progress) -> AsyncIterator[Crew]:
    async with AsyncExitStack() as stack:
        path = stack.enter_context(scratch("day"))
        tokens = await seed(path / "data", staff(options.agents))
        (mails,) = await stack.enter_async_context(generators("mails"))
        post = await mails.ask("begin")
        feed_port = free_port()
        channels: list[dict[str, Any]] = [
            {"kind": feed.NAME, "name": "feed", "port": feed_port},
            {"kind": "task", "name": "backoffice", "callback_private": True},
            {"kind": "webchat", "name": "site"},
            _mailbox(post),
        ]
        node = await stack.enter_async_context(running(path, channels, host=True))
        (contacts,) = await stack.enter_async_context(generators("contacts"))
        (tasks,) = await stack.enter_async_context(generators("tasks"))
        (chats,) = await stack.enter_async_context(generators("chats"))
        agents = await stack.enter_async_context(generators("agents", AGENT_PROCESSES))
        await contacts.ask("begin", port=feed_port)
        await tasks.ask("begin", url=node.url, token=BOOTSTRAP, callbacks=True)
        await _sign_in(node, agents, tokens)
        say(f"{options.agents:,} agents are at work")
        yield Crew(node, contacts, tasks, chats, mails, agents)
        await ask_all(agents, "leave")


def _mailbox(post: dict[str, Any]) -> dict[str, Any]:
    where = {"host": "127.0.0.1", "security": "none"}
    return {
        "kind": "email",
        "name": "support",
        "address": post["box"],
        "imap": {**where, "port": post["imap"], "user": post["box"], "password": "demo"},
        "smtp": {**where, "port": post["smtp"]},
    }


async def _sign_in(node: NodeProcess, agents: Sequence[Generator], tokens: Sequence[str]) -> None:
    await asyncio.gather(
        *(
            one.ask(
                "connect",
                url=f"ws://127.0.0.1:{node.port}/agent/v1",
                tokens=list(tokens[n :: len(agents)]),
                pace=[1.0, 3.0],
            )
            for n, one in enumerate(agents)
        )
    )


# -- the day --------------------------------------------------------------------------------


async def _closed_loop(
    options: Options, say: Progress, crew: Crew, shares: Shares, details: dict[str, Any]
) -> tuple[float, list[dict[str, Any]]]:
    """All items, from the first arrival until the last is completed in the database."""
    node, items = crew.node, options.items

    def at_once(count: int) -> int:
        return max(int(options.open * count / items), 1)

    before = await node.get("/bench/vitals")
    cpu, agents_cpu = node.meter(*crew.pids), node.meter(*(one.pid for one in crew.agents))
    cpu.start()
    agents_cpu.start()
    began = time.monotonic()
    async with asyncio.TaskGroup() as group:
        watch = group.create_task(_watch(say, node, items))
        answers = await asyncio.gather(
            crew.feed.ask("run", count=shares.feed, at_once=at_once(shares.feed)),
            crew.tasks.ask("run", count=shares.tasks, at_once=at_once(shares.tasks)),
            crew.mails.ask("run", count=shares.mails, at_once=at_once(shares.mails)),
            crew.chats.ask(
                "run",
                port=node.port,
                channel="site",
                count=shares.chats,
                at_once=at_once(shares.chats),
            ),
        )
        say("the last answer has arrived")
        await watch
    took = time.monotonic() - began
    spent, after = cpu.read(), await node.get("/bench/vitals")
    commits = after["commits"] - before["commits"]
    entries = after["entries"] - before["entries"]
    details |= {
        "items_per_s": items / took,
        "seconds_for_250000": WHOLE * took / items,
        "node_cpu_ms_per_item": spent["node"] / items * 1e3,
        "postgres_cpu_ms_per_item": spent["postgres"] / items * 1e3,
        "cpu_s": {**spent, "agents": agents_cpu.read()["generator"], "peers": 0.0},
        "commits": commits,
        "mean_batch": entries / max(commits, 1),
        "events_per_item": entries / items,
        "frames_per_item": (after["frames"] - before["frames"]) / items,
        "max_loop_lag_ms": after["lag_ms"],
    }
    return took, list(answers)


async def _watch(say: Progress, node: NodeProcess, items: int) -> None:
    """Until all are completed on disk; tells how far it is."""
    con = await node.database()
    try:
        last, quiet = -1, 0
        while True:
            done = await con.fetchval(
                "SELECT count(*) FROM item WHERE ended_as = 'completed'", timeout=60
            )
            if done >= items:
                return
            quiet = quiet + 1 if done == last else 0
            if quiet >= STUCK_LOOKS:
                raise RuntimeError(f"only {done} of {items} are completed: {await _where(con)}")
            last = done
            say(f"{done:,} of {items:,} completed")
            # A look counts up to 250,000 rows on the database that is measured: seldom, until near.
            await asyncio.sleep(1.0 if items - done < 5_000 else 5.0)
    finally:
        await con.close()


async def _where(con: "asyncpg.Connection[asyncpg.Record]") -> str:
    """What is stuck where, for whoever has to find out."""
    rows = await con.fetch(
        "SELECT 'items' AS what, channel, state, count(*) AS n FROM item GROUP BY 2, 3"
        " UNION ALL SELECT 'outbox', channel, state, count(*) FROM outbox GROUP BY 2, 3"
        " UNION ALL SELECT 'inbox', channel, status, count(*) FROM inbox GROUP BY 2, 3"
    )
    why = await con.fetch(
        "SELECT DISTINCT decided->>'reason' AS reason FROM inbox WHERE status = 'quarantined'"
    )
    stuck = [f"{r['what']} {r['channel']} {r['state']} {r['n']}" for r in rows]
    return ", ".join([*stuck, *(f"quarantined: {r['reason']}" for r in why)])


async def _open_loop(options: Options, say: Progress, crew: Crew) -> dict[str, float]:
    """Contacts at a steady rate: how long each waits for its offer, from when it was due."""
    await ask_all(crew.agents, "take")
    brought = await crew.feed.ask("at_rate", rate=OPEN_RATE, seconds=options.open_seconds)
    told = await ask_all(crew.agents, "take")
    arrived = {mark: at for one in told for mark, at in one["marks"]}
    times = [arrived[mark] - due for mark, due in brought["times"] if mark in arrived]
    found = spread(times, "offer_")
    say(f"open loop: {found['offer_p50_ms']:.1f} ms p50, {found['offer_p99_ms']:.1f} ms p99")
    return {**found, "open_loop_without_offer": len(brought["times"]) - len(times)}


# -- counting -------------------------------------------------------------------------------


# That a window has closed is processed too, but is no contact: it names no item.
_COUNT = """
SELECT
    (SELECT count(*) FROM inbox) AS inbounds,
    (SELECT count(*) FROM item) AS items,
    (SELECT count(*) FROM item WHERE ended_as = 'completed') AS completed,
    (SELECT count(*) FROM item AS i WHERE i.ended_as = 'completed' AND EXISTS (
        SELECT FROM message AS m WHERE m.case_id = i.case_id AND m.direction IN ('out', 'note')
    )) AS completed_answered,
    (SELECT count(*) FROM (
        SELECT FROM message WHERE direction IN ('out', 'note') GROUP BY case_id HAVING count(*) > 1
    ) AS twice) AS answered_twice,
    (SELECT count(*) FROM outbox WHERE state <> 'sent') AS not_sent,
    (SELECT count(*) FROM inbox WHERE status = 'processed' AND decided ->> 'item' IS NOT NULL)
        AS processed,
    (SELECT count(*) FROM inbox WHERE status = 'quarantined') AS quarantined
"""


async def _count(node: NodeProcess) -> dict[str, int]:
    """What the database holds of the day; sending may take a moment longer than completing."""
    con = await node.database()
    try:
        counted: dict[str, int] = {}
        for _ in range(50):
            counted = dict(await con.fetchrow(_COUNT, timeout=120) or {})
            if counted["not_sent"] == 0:
                break
            await asyncio.sleep(0.2)
        return counted
    finally:
        await con.close()
