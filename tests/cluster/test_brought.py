"""Mail that servers bring to two nodes, of which one dies: every mail once, always."""

import asyncio
import random
import smtplib
from collections import Counter
from contextlib import AsyncExitStack
from pathlib import Path

import asyncpg
import pytest

from tests.support.ports import free_port
from tests.support.process import NodeProcess
from tests.support.proxy import Link

pytestmark = [pytest.mark.integration, pytest.mark.timeout(180)]

MAILS, SENDERS = 120, 4
US = "support@firm.example"


def letter(number: int) -> bytes:
    return (
        f"Received: from web by mx.firm.example with ESMTP id Q{number}\r\n"
        f"From: Eva <eva{number}@customer.example>\r\nTo: {US}\r\nSubject: mail {number}\r\n\r\n"
        "Where is my parcel?\r\n"
    ).encode()


class MailServer:
    """As Postfix does it: a mail stays in the queue until somebody has answered 250 for it."""

    def __init__(self, ports: list[int]) -> None:
        self.ports = ports
        self.queue = list(range(MAILS))
        self.taken = 0
        self.tries = 0

    async def deliver(self, dice: random.Random) -> None:
        while self.queue:
            number = self.queue.pop()
            self.tries += 1
            if await asyncio.to_thread(self._once, number, dice.choice(self.ports)):
                self.taken += 1
            else:
                self.queue.insert(0, number)
                await asyncio.sleep(0.05)  # it would wait for minutes

    def _once(self, number: int, port: int) -> bool:
        try:
            with smtplib.LMTP("127.0.0.1", port, timeout=30) as client:
                return client.sendmail("eva@customer.example", [US], letter(number)) == {}
        except (OSError, smtplib.SMTPException):
            return False


async def test_every_mail_is_stored_once_though_answers_are_lost_and_a_node_dies(
    tmp_path: Path, database: str
) -> None:
    dice = random.Random(4)
    nodes: list[NodeProcess] = []
    died: list[int] = []
    async with AsyncExitStack() as stack:
        links = []
        for name in ("n1", "n2"):
            (tmp_path / name).mkdir()
            port = free_port()
            channel = {
                "kind": "email",
                "name": "support",
                "address": US,
                "receive": {"listen": f"127.0.0.1:{port}"},
                "smtp": {"host": "127.0.0.1", "security": "none", "port": 1},
            }
            sections = {"store": {"dsn": database}, "node": {"name": name}}
            nodes.append(NodeProcess(tmp_path / name, [channel], sections=sections))
            stack.push_async_callback(nodes[-1].clean_up)
            await nodes[-1].start()
            links.append(await stack.enter_async_context(Link(port)))
        server = MailServer([link.port for link in links])
        async with asyncio.TaskGroup() as group:
            happening = group.create_task(accidents(links, nodes, dice, died))
            senders = [group.create_task(server.deliver(dice)) for _ in range(SENDERS)]
            await asyncio.wait(senders)
            happening.cancel()
        con = await asyncpg.connect(database)
        try:
            rows = await con.fetch("SELECT doc->>'subject' AS subject, node FROM inbox")
        finally:
            await con.close()
    assert server.taken == MAILS
    assert server.tries > MAILS, "some answers were lost"
    assert died, "and a node"
    assert Counter(row["subject"] for row in rows) == {f"mail {n}": 1 for n in range(MAILS)}
    assert {row["node"] for row in rows} == {"n1", "n2"}


async def accidents(
    links: list[Link], nodes: list[NodeProcess], dice: random.Random, died: list[int]
) -> None:
    """Answers are lost again and again; once, a node."""
    for turn in range(1_000):
        link = dice.choice(links)
        await link.after(dice.randrange(200, 3_000), cut=True)
        if turn == 1:
            died.append(turn)
            await nodes[0].kill()
            await nodes[0].start()
