"""Two nodes at work on one database, of which the first is of the version before."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import asyncpg
from msgspec import Struct

from bench.load.town.people import Mailbox, Sizes, Town, town
from gateway.core.edition import EDITION
from gateway.demo.mailserver import Account, DemoMail
from tests.edge.test_homes import meet
from tests.support.former import former_version
from tests.support.process import TOKEN, NodeProcess

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


@asynccontextmanager
async def mixed_house(tmp_path: Path, database: str) -> AsyncIterator[House]:
    """Both serve; four agents, mails, chats and tasks are at work with them."""
    async with AsyncExitStack() as stack:
        mail = DemoMail([Account(SUPPORT)], max_mails=20_000)
        ports = await mail.start()
        stack.push_async_callback(mail.stop)
        outside = await stack.enter_async_context(town(SIZES))
        channels = _channels(ports.imap, await outside.post())
        one, two = (a_node(tmp_path / name, name, database, channels) for name in ("one", "two"))
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


def a_node(folder: Path, name: str, dsn: str, channels: list[dict[str, Any]]) -> NodeProcess:
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


async def until(house: House, fact: str) -> None:
    async with asyncio.timeout(60):
        while not await house.database.fetchval(fact):  # noqa: ASYNC110 - nobody tells
            await asyncio.sleep(0.2)


async def work_goes_on(house: House) -> None:
    """Return when agents have given some more answers, and finished some more items."""
    done = "count(*) FROM journal WHERE kind IN ('item_completed', 'outbound_settled')"
    before = await house.database.fetchval(f"SELECT {done}")
    await until(house, f"SELECT {before + A_WHILE} <= {done}")
