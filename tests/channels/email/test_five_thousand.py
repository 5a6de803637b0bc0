"""A mailbox of thousands on the worst of days: each mail is stored once, and nothing else is.

A real node as its own process, Dovecot, a line between them that breaks in the middle of whatever
it carries, kill -9, and a server that loses its numbering. Counted from outside: in the database,
by who sent a mail and what it says, and by the marks in the mailbox.
"""

import asyncio
import os
import random
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from gateway.store.embedded import EmbeddedServer
from tests.support.dovecot import Dovecot
from tests.support.process import NodeProcess
from tests.support.proxy import Link
from tests.support.saying import Say

pytestmark = [pytest.mark.integration, pytest.mark.long, pytest.mark.timeout(900)]

MAILS = int(os.environ.get("MAILBOX_MAILS", "5000"))
"""Poisonous ones included."""
POISON, TWINS = 20, 25
CUTS, KILLS = 50, 10
SEED = int(os.environ.get("CHAOS_SEED") or "5")
GAP = (40_000, 120_000)
"""Bytes that the line carries between two accidents: a batch gets through, often.

The list of all that is unread is half of the least; who is cut off before a mail has come waits
some seconds before coming back, and meanwhile nothing could happen to the line.
"""
STILL_SECONDS = 2.0
"""When all is read an open line carries next to nothing: what is left of the accidents comes."""
AWAY_SECONDS = 10.0
"""Who was cut off again and again stays away longer and longer: then it happens to nobody."""
PATIENCE = 240.0
COUNTED = """
SELECT doc->>'subject' AS subject, coalesce(doc->>'problem', '') <> '' AS poison,
       encode(raw, 'hex') AS raw, count(*) AS copies
FROM inbox GROUP BY 1, 2, 3
"""
NOTHING = {"withheld": 0, "gone": 0, "waiting": 0}


@pytest.fixture
def box() -> Iterator[Dovecot]:
    with Dovecot.running() as server:
        yield server


def letter(number: int) -> bytes:
    """With little text for its size: to guess the language costs more than all that is tried."""
    return (
        f"From: Customer {number} <customer{number}@mail.example>\r\nTo: support@firm.example\r\n"
        f"Subject: Parcel {number}\r\nMessage-ID: <{number}@mail.example>\r\n"
        f"X-Route: {'by the long way round ' * 24}\r\n\r\n"
        f"Parcel {number}?\r\n"
    ).encode()


def poison(number: int) -> bytes:
    """What is no mail: words without a header, or bytes without words."""
    return f"\r\n\r\nno header {number}".encode() if number % 2 else b"\xff\xfe%d" % number


def mailbox(dice: random.Random) -> list[bytes]:
    """In any order; some customers sent the same bytes twice, which is two mails."""
    good = MAILS - POISON
    mails = [letter(n) for n in range(good - TWINS)] + [letter(n) for n in range(TWINS)]
    mails += [poison(n) for n in range(POISON)]
    dice.shuffle(mails)
    return mails


def accidents(dice: random.Random) -> list[str]:
    acts = ["cut"] * CUTS + ["kill"] * KILLS
    dice.shuffle(acts)
    acts.insert(len(acts) // 2, "renumber")
    return acts


class World:
    """The node, and the line from it to its mailbox."""

    def __init__(self, path: Path, box: Dovecot, link: Link) -> None:
        login = {"user": box.user, "password": box.password, "port": link.port}
        where = {"host": "127.0.0.1", "security": "none"}
        channel: dict[str, Any] = {
            "kind": "email",
            "name": "support",
            "address": "support@firm.example",
            "imap": {**where, **login},
            "smtp": {**where, "port": 1},
        }
        self.box, self.link = box, link
        self.node = NodeProcess(path, [channel])

    async def have(self, act: str, bytes_down: int) -> None:
        """One accident, when the line is there and has carried so much more."""
        with suppress(TimeoutError):
            async with asyncio.timeout(AWAY_SECONDS):
                while not self.link.open:  # noqa: ASYNC110 - the line tells nobody
                    await asyncio.sleep(0.01)
        try:
            async with asyncio.timeout(STILL_SECONDS):
                await self.link.after(bytes_down, cut=act != "kill")
        except TimeoutError:
            if act == "cut":
                self.link.cut()
        if act == "kill":
            await self.node.kill()
            await self.node.start()
        elif act == "renumber":
            self.link.refuse()
            await asyncio.to_thread(self.box.renumber)
            self.link.heal()

    async def counts(self) -> dict[str, int]:
        (card,) = (await self.node.call("GET", "/api/v1/channels"))["items"]
        return dict(card["counts"])

    async def quiet(self) -> None:
        """All is read and marked, as the node has it and as the server has it."""
        async with asyncio.timeout(PATIENCE):
            while (await self.counts())["stored"] < MAILS:  # noqa: ASYNC110 - nobody tells us
                await asyncio.sleep(0.1)
            while await asyncio.to_thread(self.box.unseen):  # noqa: ASYNC110
                await asyncio.sleep(0.1)


async def stored(data_dir: Path) -> list[Any]:
    """What the node, which has ended, left in its database."""
    server = EmbeddedServer(data_dir)
    await server.start()
    try:
        con = await asyncpg.connect(server.dsn)
        try:
            return list(await con.fetch(COUNTED))
        finally:
            await con.close()
    finally:
        await server.stop()


async def test_each_of_thousands_is_stored_once_through_fifty_cuts_ten_deaths_and_new_numbers(
    tmp_path: Path, box: Dovecot, say: Say
) -> None:
    dice = random.Random(SEED)
    mails = mailbox(dice)
    await asyncio.to_thread(box.fill, mails)
    began = time.monotonic()
    async with Link(box.port) as link:
        world = World(tmp_path, box, link)
        try:
            await world.node.start()
            for act in accidents(dice):
                async with asyncio.timeout(PATIENCE):
                    await world.have(act, dice.randrange(*GAP))
            await world.quiet()
            counts = await world.counts()
            await world.node.stop()
            rows = await stored(world.node.data_dir)
        finally:
            await world.node.clean_up()
    took = time.monotonic() - began
    assert counts == {"server": MAILS, "stored": MAILS, "quarantined": POISON} | NOTHING
    there = Counter({row["raw"]: row["copies"] for row in rows})
    assert there == Counter(sha256(mail).hexdigest() for mail in mails)
    poisonous = sum(row["copies"] for row in rows if row["poison"])
    assert (there.total() - poisonous, poisonous) == (MAILS - POISON, POISON)
    say(
        f"mailbox of {MAILS:,}: {CUTS} cuts, {KILLS} times kill -9, numbered anew: stored "
        f"{there.total() - poisonous:,}, in quarantine {poisonous}, doubled 0; {took:.0f} s"
    )
