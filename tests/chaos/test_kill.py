"""kill -9 at random moments under load: nothing acknowledged is lost, nothing happens twice."""

import asyncio
import os
import random
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import asyncpg
import msgspec
import pytest
from msgspec import Struct

from gateway.demo.mailserver import Account, DemoMail
from gateway.store.embedded import EmbeddedServer
from push.client import AgentClient
from tests.support.process import NodeProcess
from tests.support.traffic import MARK, SUPPORT, Customers, Slow, Staff

ROUNDS = int(os.environ.get("CHAOS_ROUNDS", "50"))
WINDOWS = 20
"""How many kills must find an attempt to send open."""
AGENTS = 4


class World(Struct):
    node: NodeProcess
    sink: Slow
    customers: Customers
    staff: list[Staff]


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    async with AsyncExitStack() as stack:
        mail = DemoMail([Account(SUPPORT)], max_mails=20_000)
        ports = await mail.start()
        stack.push_async_callback(mail.stop)
        sink = Slow(0.05)
        smtp = await sink.start()
        stack.push_async_callback(sink.stop)
        node = NodeProcess(tmp_path, _channels(ports.imap, smtp))
        stack.push_async_callback(node.clean_up)
        await node.start()
        names = [f"agent{n}" for n in range(AGENTS)]
        await node.call("PUT", "/api/v1/directory", {"agents": [{"name": n} for n in names]})
        staff = []
        for n, name in enumerate(names):
            token = await node.token_for(name)
            client = AgentClient([f"{node.ws}/agent/v1"], token, command_seconds=3.0)
            await stack.enter_async_context(client)
            staff.append(Staff(client, seed=n))
        yield World(node, sink, Customers(node, mail, ports), staff)


def _channels(imap: int, smtp: int) -> list[dict[str, Any]]:
    login = {"host": "127.0.0.1", "security": "none", "user": SUPPORT, "password": "demo"}
    return [
        {
            "kind": "email",
            "name": "mail",
            "address": SUPPORT,
            "imap": {**login, "port": imap},
            "smtp": {"host": "127.0.0.1", "security": "none", "port": smtp},
        },
        {"kind": "webchat", "name": "site", "per_minute": 100_000},
        {"kind": "task", "name": "office", "callback_private": True},
    ]


async def _fire(world: World, dice: random.Random) -> int:
    """Kill the node again and again; returns how many kills hit an open attempt to send."""
    hits = 0
    for _ in range(ROUNDS):
        if hits < WINDOWS or dice.random() < 0.4:
            world.sink.attempt.clear()
            async with asyncio.timeout(30):
                await world.sink.attempt.wait()
            await asyncio.sleep(dice.uniform(0, 0.02))
        else:
            await asyncio.sleep(dice.uniform(0.1, 1.0))
        hits += world.sink.open > 0
        await world.node.kill()
        await world.node.start()
    return hits


async def _settle(world: World) -> None:
    """The load is over: wait until everything has come to its end."""
    async with asyncio.timeout(150):
        while True:
            items = await world.node.call("GET", "/api/v1/items?state=open&limit=1")
            outbox = await world.node.call("GET", "/api/v1/outbox?limit=1")
            if not items["items"] and not outbox["items"]:
                return
            await asyncio.sleep(0.5)


_HIT = """
SELECT m.external_id, count(*) FROM journal AS a
JOIN outbox AS o ON o.id = (a.payload->>'outbound')::uuid
LEFT JOIN message AS m ON m.id = (o.doc->>'message')::uuid
WHERE a.kind = 'outbound_attempted' AND NOT EXISTS (
    SELECT FROM journal AS s WHERE s.kind = 'outbound_settled' AND s.epoch = a.epoch
      AND s."offset" > a."offset" AND s.payload->>'outbound' = a.payload->>'outbound')
GROUP BY m.external_id
"""


class Findings(Struct):
    """What the database holds in the end."""

    inbound: Counter[str]
    outbound: Counter[str]
    items: Counter[str]
    undecided: int
    hit: Counter[str]
    """Attempts to send that a kill found open, by Message-ID: journaled, not settled by that
    incarnation."""
    repaired: int


async def _look(data_dir: Path) -> Findings:
    server = EmbeddedServer(data_dir)
    await server.start()
    try:
        con = await asyncpg.connect(server.dsn)
        try:
            messages = await con.fetch("SELECT direction, doc FROM message")
            said: dict[str, Counter[str]] = {"in": Counter(), "out": Counter()}
            for row in messages:
                # The text alone: an answer's subject repeats what the customer said.
                for found in set(MARK.findall(msgspec.json.decode(row["doc"])["body"])):
                    if row["direction"] in said:
                        said[row["direction"]][found] += 1
            return Findings(
                inbound=said["in"],
                outbound=said["out"],
                items=Counter(r["state"] for r in await con.fetch("SELECT state FROM item")),
                undecided=await con.fetchval(
                    "SELECT count(*) FROM inbox WHERE status IN ('received', 'quarantined')"
                ),
                hit=Counter({r[0] or "": r[1] for r in await con.fetch(_HIT)}),
                repaired=await con.fetchval(
                    "SELECT count(*) FROM journal WHERE kind = 'item_repaired'"
                ),
            )
        finally:
            await con.close()
    finally:
        await server.stop()


@pytest.mark.chaos
@pytest.mark.timeout(900)
async def test_killed_again_and_again_under_load_it_loses_nothing_and_does_nothing_twice(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    dice = random.Random(int(os.environ.get("CHAOS_SEED", "11")))
    async with asyncio.TaskGroup() as group:
        hands = [group.create_task(one.run()) for one in world.staff]
        traffic = group.create_task(world.customers.run())
        hits = await _fire(world, dice)
        world.customers.stopping.set()
        await traffic
        await _settle(world)
        for task in hands:
            task.cancel()
    assert await world.node.stop() == 0
    found = await _look(world.node.data_dir)
    customers = world.customers
    said = {*customers.tasks, *customers.chats, *customers.mails}
    answered = {m for one in world.staff for m in one.answered}
    missing = (said - found.inbound.keys()) | (answered - found.outbound.keys())
    duplicated = sum(n - 1 for n in (*found.inbound.values(), *found.outbound.values()))
    duplicated += world.sink.duplicated
    with capsys.disabled():
        print(
            f"\nchaos: {ROUNDS} kills, {hits} in an open attempt; {len(customers.tasks)} tasks, "
            f"{len(customers.chats)} chat messages, {len(customers.mails)} mails, "
            f"{len(answered)} answers; missing {len(missing)}, duplicated {duplicated}, "
            f"repeated {world.sink.repeated} of {found.hit.total()} attempts hit, "
            f"repaired {found.repaired}, items {dict(found.items)}"
        )
    assert missing == set()
    assert duplicated == 0
    assert set(found.items) == {"completed"}
    assert found.undecided == 0
    assert hits >= min(WINDOWS, ROUNDS)
    # A mail comes again at most once for each kill that found an attempt to send it open.
    assert world.sink.repeats <= found.hit
