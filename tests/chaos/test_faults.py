"""Random faults under load, and the promises of design.md section 2 as seen from outside.

``make chaos FAULTS=200`` for a long run; ``CHAOS_SEED`` for another plan. The seed is printed,
and gives the same plan again. The report is written to ``var/chaos-report.md``, or to
``CHAOS_REPORT``.
"""

import asyncio
import os
import secrets
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest
from msgspec import Struct

from bench.load.town.audit import audit
from bench.load.town.people import Mailbox, Sizes, Town, town
from bench.node import seed as write_directory
from gateway.core.ids import AgentName, QueueName
from gateway.core.model import AgentProfile, Queue
from tests.chaos.deeds import Hands
from tests.chaos.plan import Kind, plan, words
from tests.chaos.report import Tables, Takeover, Verdict, keep, pauses
from tests.chaos.seats import Seats
from tests.support.dovecot import Dovecot
from tests.support.patroni import NAME as DATABASE
from tests.support.patroni import PatroniCluster
from tests.support.process import TOKEN
from tests.support.regions import Regions, running_regions
from tests.support.saying import Say

ROOT = Path(__file__).parents[2]
FEW = 15
FAULTS = int(os.environ.get("CHAOS_FAULTS") or FEW)
SEED = int(os.environ.get("CHAOS_SEED") or (7 if FAULTS == FEW else secrets.randbelow(10**6)))
KINDS = [Kind[name] for name in os.environ.get("CHAOS_KINDS", "").split(",") if name]
"""For whoever looks into one of them: NODE_KILLED,CUT_SILENT."""
MINUTES = float(os.environ.get("CHAOS_MINUTES") or FAULTS)
"""After so long no further fault begins, and the report says how many there were."""
SEATS = 8
EVENING_SECONDS = 100.0
SIZES = Sizes(
    chats=10,
    filers=3,
    clerk_pace=(0.05, 0.3),
    chat_pace=(0.3, 1.0),
    task_pace=(0.2, 0.8),
    mail_pace=(0.3, 0.9),
)
ONE_POOL = Queue(name=QueueName("general"), display_name="General", overflow_after=0)
"""Agents of both regions take what comes to either."""


class World(Struct):
    both: Regions
    town: Town
    seats: Seats
    mailbox: Mailbox


def _say(text: str) -> None:
    print(f"{time.strftime('%H:%M:%S')} {text}", file=sys.__stderr__, flush=True)


def _channels(imap: Mailbox, smtp: int) -> list[Mapping[str, Any]]:
    plain = {"host": "127.0.0.1", "security": "none"}
    login = {**plain, "port": imap.port, "user": imap.user, "password": imap.password}
    return [
        {
            "kind": "email",
            "name": "mail",
            "address": imap.address,
            "imap": login,
            "smtp": {**plain, "port": smtp},
        },
        {"kind": "webchat", "name": "site", "per_minute": 100_000},
        {"kind": "task", "name": "office", "callback_private": True},
    ]


@asynccontextmanager
async def _world(path: Path, cluster: PatroniCluster) -> AsyncIterator[World]:
    names = [f"agent-{n:04}" for n in range(2 * SEATS + 8 * FAULTS)]
    people = [AgentProfile(name=AgentName(name), display_name=name) for name in names]
    tokens = await write_directory(None, people, [ONE_POOL], dsn=cluster.dsn)
    with Dovecot.running() as dovecot:
        box = Mailbox(dovecot.port, dovecot.user, dovecot.password, "support@company.example")
        async with town(SIZES) as outside:
            channels = _channels(box, await outside.post())
            async with running_regions(path, cluster, lambda _: channels, links=True) as both:
                some = list(zip(names, tokens, strict=True))
                yield World(both, outside, Seats(both, outside, some, SEATS, _say), box)


_COUNTS = """
SELECT
    (SELECT count(*) FROM inbox WHERE status IN ('received', 'quarantined')) AS undecided,
    (SELECT count(*) FROM outbox WHERE settled_as IS DISTINCT FROM 'sent') AS unsent,
    (SELECT count(*) FROM journal WHERE kind = 'item_repaired') AS repaired,
    (SELECT count(*) FROM item WHERE ended_as IS NULL AND owner IS DISTINCT FROM doc->>'owner')
        AS in_two_places
"""


async def _look(cluster: PatroniCluster) -> Tables:
    con = await cluster.connect(await cluster.primary(), database=DATABASE)
    try:
        counts = await con.fetchrow(_COUNTS)
        assert counts is not None
        left = await con.fetch(
            "SELECT id, channel, state, owner, agent, doc FROM item WHERE ended_as IS NULL"
        )
        items = await con.fetch("SELECT state, count(*) AS n FROM item GROUP BY state")
        taken = await con.fetch(
            "SELECT at, payload FROM journal WHERE kind = 'node_taken_over' ORDER BY at"
        )
    finally:
        await con.close()
    said = [(row["at"].timestamp(), msgspec.json.decode(row["payload"])) for row in taken]
    return Tables(
        items=Counter({row["state"]: row["n"] for row in items}),
        takeovers=[Takeover(doc["node"], doc["by"], at) for at, doc in said],
        open=[" ".join(map(str, row.values())) for row in left],
        **dict(counts),
    )


@pytest.mark.chaos
@pytest.mark.timeout(600 + 60 * FAULTS)
async def test_what_was_promised_to_people_outside_holds_whatever_dies(
    cluster: PatroniCluster, tmp_path: Path, say: Say
) -> None:
    faults = plan(SEED, FAULTS, long=FAULTS > FEW or bool(KINDS), kinds=KINDS or tuple(Kind))
    _say(f"seed {SEED}, {FAULTS} faults (CHAOS_SEED={SEED} gives them again)")
    for line in words(faults):
        print(line)
    began = time.monotonic()
    async with _world(tmp_path, cluster) as world:
        both = world.both
        hands = Hands(both, _say)
        await world.seats.fill()
        await world.town.customers(both.https, both.sockets, TOKEN, world.mailbox)
        async with asyncio.TaskGroup() as group:
            shifts = group.create_task(world.seats.run())
            await hands.run(faults, MINUTES * 60)
            await cluster.whole(120)
            evening = time.monotonic()
            left = await world.town.evening(EVENING_SECONDS)
            shifts.cancel()
        logs = await world.town.logs(both.sockets)
        verdict = Verdict(
            seed=SEED,
            faults=FAULTS,
            minutes=(time.monotonic() - began) / 60,
            happened=hands.happened,
            findings=audit(logs),
            tables=await _look(cluster),
            still_open={what: count for what, count in left.items() if count},
            died=hands.died,
            pauses=pauses(hands.happened, logs, evening),
        )
        (tmp_path / "logs.json").write_bytes(msgspec.json.encode([logs, hands.happened]))
        tail = both.words()
    report = Path(os.environ.get("CHAOS_REPORT") or ROOT / "var" / "chaos-report.md")
    keep(verdict, f"make chaos FAULTS={FAULTS} SEED={SEED}", report)
    say(report.read_text(encoding="utf-8"))
    say(str(dict(verdict.findings.problems)))
    assert verdict.broken() == [], tail
