"""A node of the version before beside one of the present one, while people work with both."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from msgspec import Struct

from bench.load.town.audit import Findings, audit
from bench.load.town.people import Mailbox, Sizes, Town, town
from gateway.core.edition import EDITION
from gateway.demo.mailserver import Account, DemoMail
from tests.edge.test_evacuation import evacuated
from tests.edge.test_homes import meet
from tests.support.former import former_version
from tests.support.process import TOKEN, NodeProcess

pytestmark = [pytest.mark.integration, pytest.mark.timeout(300)]

SUPPORT = "support@company.test"
AGENTS = 4
FORMER = EDITION - 1
SIZES = Sizes(
    chats=3,
    filers=2,
    clerk_pace=(0.1, 0.4),
    chat_pace=(0.2, 0.5),
    task_pace=(0.3, 0.6),
    mail_pace=(0.5, 1.0),
)
A_WHILE = 12
"""Answers: so many are given between one act of the upgrade and the next."""
FAULTS = ("not as this node believed", "begins anew", "decision failed", "Traceback")


class House(Struct):
    """``one`` is upgraded, ``two`` is of the present version from the start."""

    one: NodeProcess
    two: NodeProcess
    town: Town
    database: Any


@pytest.fixture
async def house(tmp_path: Path, database: str) -> AsyncIterator[House]:
    async with AsyncExitStack() as stack:
        mail = DemoMail([Account(SUPPORT)], max_mails=20_000)
        ports = await mail.start()
        stack.push_async_callback(mail.stop)
        outside = await stack.enter_async_context(town(SIZES))
        channels = _channels(ports.imap, await outside.post())
        one, two = (_node(tmp_path / name, name, database, channels) for name in ("one", "two"))
        for node in (one, two):
            stack.push_async_callback(node.clean_up)
        con = await asyncpg.connect(database)
        stack.push_async_callback(con.close)
        one.tree = former_version(FORMER, tmp_path / "former")
        await con.execute("UPDATE edition SET written = $1", FORMER)  # all that it ever wrote
        await one.start()
        names = [f"agent{n}" for n in range(AGENTS)]
        one_pool = {"name": "general", "overflow_after": 0}
        directory = {"agents": [{"name": n} for n in names], "queues": [one_pool]}
        await one.call("PUT", "/api/v1/directory", directory)
        await two.start()
        await meet(one, two)
        doors = [f"{node.ws}/agent/v1" for node in (one, two)]
        await outside.sign_in(
            [
                (name, await one.token_for(name), doors[n % 2 :] + doors[: n % 2])
                for n, name in enumerate(names)
            ]
        )
        box = Mailbox(ports.imap, SUPPORT, "demo", SUPPORT)
        await outside.customers([one.url, two.url], [one.ws, two.ws], TOKEN, box)
        yield House(one, two, outside, con)


def _node(folder: Path, name: str, dsn: str, channels: list[dict[str, Any]]) -> NodeProcess:
    folder.mkdir()
    sections: dict[str, dict[str, Any]] = {
        "node": {"name": name, "region": name, "drain_seconds": 20.0},
        "store": {"dsn": dsn},
    }
    return NodeProcess(folder, channels, sections=sections)


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


async def test_nobody_notices_that_one_node_after_the_other_gets_the_present_version(
    house: House,
) -> None:
    one, two = house.one, house.two
    assert await editions(two) == {"one": FORMER, "two": EDITION}
    await work_goes_on(house)
    await evacuated(two, "one")
    await work_goes_on(house)
    assert await house.database.fetchval("SELECT written FROM edition") == FORMER
    assert await one.stop() == 0
    one.tree = None
    await one.start()
    await meet(one, two)
    await until(house, f"SELECT written = {EDITION} FROM edition")
    assert await editions(one) == {"one": EDITION, "two": EDITION}
    await work_goes_on(house)
    await evacuated(one, "two")
    await work_goes_on(house)

    left = await house.town.evening(90)
    found = audit(await house.town.logs([one.ws, two.ws]))
    assert not left, left
    assert (found.missing, found.duplicated, found.repeated) == ([], [], [])
    await nothing_was_lost_on_the_way(house, found)


@pytest.mark.chaos
async def test_the_former_version_takes_over_from_a_dead_node_of_the_present_one(
    house: House,
) -> None:
    await work_goes_on(house)
    await house.two.kill()
    await until(house, "SELECT count(*) = 0 FROM item WHERE owner = 'two' AND ended_as IS NULL")
    await work_goes_on(house)
    await house.two.start()
    await meet(house.one, house.two)
    await work_goes_on(house)
    left = await house.town.evening(90)
    found = audit(await house.town.logs([house.one.ws, house.two.ws]))
    assert not left, left
    assert (found.missing, found.duplicated) == ([], [])
    for node in (house.one, house.two):
        assert not [fault for fault in FAULTS if fault in node.log.read_text()]


async def test_a_version_that_the_others_have_left_behind_says_so_and_does_not_start(
    tmp_path: Path, database: str
) -> None:
    con = await asyncpg.connect(database)
    try:
        await con.execute("UPDATE edition SET newest = $1, written = $1", EDITION + 1)
    finally:
        await con.close()
    node = _node(tmp_path / "late", "late", database, [])
    with pytest.raises(RuntimeError, match="switchroom: the database is written in edition"):
        await node.start()
    assert await node.ended() == 1
    assert "Traceback" not in node.log.read_text()


# -- what there is to see -----------------------------------------------------------------------


async def editions(node: NodeProcess) -> dict[str, int]:
    cards = (await node.call("GET", "/api/v1/nodes"))["items"]
    return {card["name"]: card["edition"] for card in cards}


async def until(house: House, fact: str) -> None:
    async with asyncio.timeout(60):
        while not await house.database.fetchval(fact):  # noqa: ASYNC110 - nobody tells
            await asyncio.sleep(0.2)


async def work_goes_on(house: House) -> None:
    """Return when agents have given some more answers, and finished some more items."""
    done = "count(*) FROM journal WHERE kind IN ('item_completed', 'outbound_settled')"
    before = await house.database.fetchval(f"SELECT {done}")
    await until(house, f"SELECT {before + A_WHILE} <= {done}")


async def nothing_was_lost_on_the_way(house: House, found: Findings) -> None:
    """No offer ran out, nobody was logged out or made not ready, no node had to begin anew."""
    assert min(found.acknowledged.values()) > 0
    unwanted = await house.database.fetch(
        "SELECT node, kind, payload FROM journal"
        " WHERE kind IN ('offer_missed', 'item_repaired')"
        "    OR kind = 'agent_state_changed' AND payload->>'presence' <> 'ready'"
        "    OR kind = 'node_taken_over' AND payload->>'reason' NOT LIKE '%said that it stops%'"
    )
    assert [tuple(row) for row in unwanted] == []
    assert set(await states(house)) == {"completed"}
    for node in (house.one, house.two):
        assert not [fault for fault in FAULTS if fault in node.log.read_text()]


async def states(house: House) -> list[str]:
    rows = await house.database.fetch("SELECT DISTINCT state FROM item")
    return [row["state"] for row in rows]
