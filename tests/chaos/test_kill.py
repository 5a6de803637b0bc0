"""kill -9 of the only node at random moments under load: nothing is lost, nothing happens twice."""

import asyncio
import os
import random
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from msgspec import Struct

from bench.load.town.audit import audit
from bench.load.town.people import Mailbox, Sizes, Town, town
from gateway.demo.mailserver import Account, DemoMail
from gateway.store.embedded import EmbeddedServer
from tests.support.process import TOKEN, NodeProcess
from tests.support.saying import Say

ROUNDS = int(os.environ.get("CHAOS_ROUNDS", "50"))
WINDOWS = 20
"""How many kills must find an attempt to send open."""
AGENTS = 4
SUPPORT = "support@company.test"
EVENING_SECONDS = 150.0
SIZES = Sizes(
    chats=2,
    filers=2,
    clerk_pace=(0.0, 0.2),
    chat_pace=(0.05, 0.3),
    task_pace=(0.02, 0.1),
    mail_pace=(0.05, 0.2),
)


class World(Struct):
    node: NodeProcess
    town: Town


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    async with AsyncExitStack() as stack:
        mail = DemoMail([Account(SUPPORT)], max_mails=20_000)
        ports = await mail.start()
        stack.push_async_callback(mail.stop)
        outside = await stack.enter_async_context(town(SIZES))
        node = NodeProcess(tmp_path, _channels(ports.imap, await outside.post()))
        stack.push_async_callback(node.clean_up)
        await node.start()
        names = [f"agent{n}" for n in range(AGENTS)]
        await node.call("PUT", "/api/v1/directory", {"agents": [{"name": n} for n in names]})
        url = [f"{node.ws}/agent/v1"]
        await outside.sign_in([(name, await node.token_for(name), url) for name in names])
        box = Mailbox(ports.imap, SUPPORT, "demo", SUPPORT)
        await outside.customers([node.url], [node.ws], TOKEN, box)
        yield World(node, outside)


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
            await world.town.attempt(30)
            await asyncio.sleep(dice.uniform(0, 0.02))
        else:
            await asyncio.sleep(dice.uniform(0.1, 1.0))
        hits += await world.town.sending()
        await world.node.kill()
        await world.node.start()
    return hits


_HIT = """
SELECT m.external_id, count(*) FROM journal AS a
JOIN outbox AS o ON o.id = (a.payload->>'outbound')::uuid
LEFT JOIN message AS m ON m.id = (o.doc->>'message')::uuid
WHERE a.kind = 'outbound_attempted' AND NOT EXISTS (
    SELECT FROM journal AS s WHERE s.kind = 'outbound_settled' AND s.epoch = a.epoch
      AND s."offset" > a."offset" AND s.payload->>'outbound' = a.payload->>'outbound')
GROUP BY m.external_id
"""


class Tables(Struct):
    """What the database holds in the end."""

    items: Counter[str]
    undecided: int
    hit: Counter[str]
    """Attempts to send that a kill found open, by Message-ID: journaled, not settled by that
    incarnation."""
    repaired: int


async def _look(data_dir: Path) -> Tables:
    server = EmbeddedServer(data_dir)
    await server.start()
    try:
        con = await asyncpg.connect(server.dsn)
        try:
            return Tables(
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
    world: World, say: Say
) -> None:
    dice = random.Random(int(os.environ.get("CHAOS_SEED", "11")))
    hits = await _fire(world, dice)
    left = await world.town.evening(EVENING_SECONDS)
    found = audit(await world.town.logs([world.node.ws]))
    assert await world.node.stop() == 0
    tables = await _look(world.node.data_dir)
    repeats = Counter(one.identity for one in found.repeated if one.what == "mail")
    say(
        f"chaos: {ROUNDS} kills, {hits} in an open attempt; "
        f"{', '.join(f'{n} {what}' for what, n in found.acknowledged.items())}; "
        f"missing {len(found.missing)}, duplicated {len(found.duplicated)}, "
        f"repeated {len(found.repeated)} of {tables.hit.total()} attempts hit, "
        f"repaired {tables.repaired}, items {dict(tables.items)}"
    )
    assert not any(left.values()), left
    assert found.missing == []
    assert found.duplicated == []
    assert found.disordered == []
    assert set(tables.items) == {"completed"}
    assert (tables.undecided, tables.repaired) == (0, 0)
    assert hits >= min(WINDOWS, ROUNDS // 3)
    # A mail comes again at most once for each kill that found an attempt to send it open.
    assert repeats <= tables.hit
