"""One mailbox, two nodes: one reads it, and whatever becomes of that one, every mail once."""

import asyncio
import os
import signal
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import AsyncExitStack
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import aiohttp
import asyncpg
import pytest

from gateway.core import commands as c
from gateway.core.election import LEASE_SECONDS
from gateway.core.ids import ChannelName, CommandId
from gateway.store.embedded import EmbeddedServer
from gateway.store.opening import create_database
from push.client import AgentClient
from tests.support.dovecot import Dovecot
from tests.support.process import NodeProcess
from tests.support.smtp_sink import SmtpSink

pytestmark = [pytest.mark.integration, pytest.mark.timeout(180)]

EVERY_SECONDS = 0.1
"""Between two mails of the stream."""


@pytest.fixture(scope="module")
def server() -> Iterator[Dovecot]:
    with Dovecot.running() as server:
        yield server


@pytest.fixture
def box(server: Dovecot) -> Dovecot:
    server.next_user()
    return server


def letter(subject: str) -> bytes:
    mail = EmailMessage()
    mail["From"] = "Eva <eva@customer.example>"
    mail["To"] = "support@firm.example"
    mail["Subject"] = subject
    mail["Message-ID"] = f"<{subject.replace(' ', '-')}@customer.example>"
    mail.set_content("Where is my parcel?")
    return mail.as_bytes()


class Pair:
    """Two nodes that can both read the mailbox, and what the database says of them."""

    def __init__(
        self,
        path: Path,
        database: str,
        box: Dovecot,
        smtp: int,
        names: Sequence[str] = ("support",),
        **more: Any,
    ) -> None:
        loopback = {"host": "127.0.0.1", "security": "none"}
        login = {"port": box.port, "user": box.user, "password": box.password}
        mail = {
            "kind": "email",
            "address": "support@firm.example",
            **more,
            "imap": {**loopback, **login},
            "smtp": {**loopback, "port": smtp},
        }
        self.box = box
        self.database = database
        self.nodes: dict[str, NodeProcess] = {}
        for name in ("n1", "n2"):
            (path / name).mkdir()
            sections = {"store": {"dsn": database}, "node": {"name": name}}
            channels = [{**mail, "name": channel} for channel in names]
            self.nodes[name] = NodeProcess(path / name, channels, sections=sections)
        self.sent: list[str] = []

    async def fetch(self, sql: str, *arguments: Any) -> list[Any]:
        con = await asyncpg.connect(self.database)
        try:
            return list(await con.fetch(sql, *arguments))
        finally:
            await con.close()

    async def reader(self) -> str | None:
        """Who holds the mailbox."""
        rows = await self.fetch("SELECT node FROM duty WHERE name LIKE 'mailbox %'")
        return rows[0]["node"] if rows else None

    async def taken_over(self) -> int:
        rows = await self.fetch("SELECT FROM journal WHERE kind = 'node_taken_over'")
        return len(rows)

    async def read_by(self, *names: str) -> str:
        """Wait until one of these holds it."""
        return str(await until(self.reader, lambda reader: reader in names))

    async def health(self, name: str, channel: str = "support") -> tuple[str, str]:
        """The channel as the node's own ``/readyz`` has it; empty while the node serves nobody."""
        try:
            body = await self.nodes[name].call("GET", "/readyz")
        except (aiohttp.ClientError, TimeoutError):
            return "", ""
        found = body["channels"][channel]
        return found["state"], found["reason"]

    async def stored(self) -> Counter[str]:
        rows = await self.fetch("SELECT doc->>'subject' AS subject FROM inbox")
        return Counter(row["subject"] for row in rows)

    async def stream(self, stop: asyncio.Event) -> None:
        """Mails, one after the other, until told to stop."""
        while not stop.is_set():
            self.sent.append(f"mail {len(self.sent)}")
            await self.box.delivered(letter(self.sent[-1]))
            await asyncio.sleep(EVERY_SECONDS)

    async def arrived(self) -> None:
        """Every mail is there, once, and marked as read."""
        await until(self.stored, lambda found: set(found) >= set(self.sent))
        assert await self.stored() == Counter(self.sent)
        await until(lambda: asyncio.to_thread(self.box.unseen), lambda unseen: not unseen)
        items = await self.fetch(
            "SELECT payload->>'inbound' AS inbound, count(*) FROM journal"
            " WHERE kind = 'inbound_decided' GROUP BY 1 HAVING count(*) > 1"
        )
        assert items == [], "decided about twice"


async def until(
    ask: Callable[[], Awaitable[Any]], holds: Callable[[Any], object], seconds: float = 90.0
) -> Any:
    async with asyncio.timeout(seconds):
        while not holds(found := await ask()):  # noqa: ASYNC110 - nobody tells us
            await asyncio.sleep(0.1)
    return found


@pytest.fixture
async def sink() -> AsyncIterator[SmtpSink]:
    async with SmtpSink() as opened:
        yield opened


@pytest.fixture
async def pair(
    request: pytest.FixtureRequest, tmp_path: Path, database: str, box: Dovecot, sink: SmtpSink
) -> AsyncIterator[Pair]:
    made = Pair(tmp_path, database, box, sink.port, **getattr(request, "param", {}))
    async with AsyncExitStack() as stack:
        for node in made.nodes.values():
            stack.push_async_callback(node.clean_up)
            await node.start()
        yield made


async def test_one_node_reads_and_the_other_stands_by_and_says_who_reads(pair: Pair) -> None:
    reader = await pair.read_by("n1", "n2")
    other = "n2" if reader == "n1" else "n1"
    await until(lambda: pair.health(reader), lambda found: found == ("up", ""))
    await until(
        lambda: pair.health(other), lambda found: found == ("standby", f"{reader} reads it")
    )
    pair.sent = ["one", "two"]
    await pair.box.delivered(*map(letter, pair.sent))
    await pair.arrived()
    rows = await pair.fetch("SELECT DISTINCT node FROM journal WHERE kind = 'duty_taken'")
    assert reader in {row["node"] for row in rows}


async def test_kill_9_of_who_reads_passes_the_mailbox_on_with_every_mail_once(pair: Pair) -> None:
    reader = await pair.read_by("n1", "n2")
    other = "n2" if reader == "n1" else "n1"
    stop = asyncio.Event()
    async with asyncio.TaskGroup() as group:
        group.create_task(pair.stream(stop))
        await until(pair.stored, lambda found: len(found) >= 5)
        await pair.nodes[reader].kill()
        died = time.monotonic()
        await pair.read_by(other)
        seconds = time.monotonic() - died
        print(f"kill -9: the other has the mailbox after {seconds:.1f} s")
        before = len(pair.sent)
        await until(pair.stored, lambda found: pair.sent[before - 1] in found)
        # The one that died comes again: nothing moves for that.
        await pair.nodes[reader].start()
        await until(lambda: pair.health(reader), lambda found: found[0] == "standby")
        stop.set()
    await pair.arrived()
    assert await pair.reader() == other


async def test_who_reads_stops_on_purpose_and_the_other_reads_on_at_once(pair: Pair) -> None:
    reader = await pair.read_by("n1", "n2")
    other = "n2" if reader == "n1" else "n1"
    stop = asyncio.Event()
    async with asyncio.TaskGroup() as group:
        group.create_task(pair.stream(stop))
        await until(pair.stored, lambda found: len(found) >= 5)
        began = time.monotonic()
        stopping = group.create_task(pair.nodes[reader].stop())
        await pair.read_by(other)
        seconds = time.monotonic() - began
        print(f"SIGTERM: the other has the mailbox after {seconds:.1f} s")
        given = "SELECT payload->>'node' FROM journal WHERE kind = 'duty_given_up'"
        assert {row[0] for row in await pair.fetch(given)} == {reader}
        assert await pair.taken_over() == 0, "it did not wait for the lease"
        assert await stopping == 0
        stop.set()
    await pair.arrived()


async def test_who_froze_while_reading_does_nothing_under_its_old_epoch(pair: Pair) -> None:
    reader = await pair.read_by("n1", "n2")
    other = "n2" if reader == "n1" else "n1"
    pid = pair.nodes[reader].pid
    assert pid is not None
    stop = asyncio.Event()
    async with asyncio.TaskGroup() as group:
        group.create_task(pair.stream(stop))
        await until(pair.stored, lambda found: len(found) >= 5)
        os.kill(pid, signal.SIGSTOP)
        try:
            await pair.read_by(other)
            await asyncio.sleep(12)  # twenty seconds in all, more or less
            (old,) = await pair.fetch("SELECT epoch FROM duty WHERE name LIKE 'mailbox %'")
        finally:
            os.kill(pid, signal.SIGCONT)
        await until(lambda: pair.health(reader), lambda found: found[0] == "standby")
        stop.set()
    await pair.arrived()
    (now,) = await pair.fetch("SELECT node, epoch FROM duty WHERE name LIKE 'mailbox %'")
    assert (now["node"], now["epoch"]) == (other, old["epoch"])


async def test_who_stands_by_sends_all_the_same(pair: Pair, sink: SmtpSink) -> None:
    reader = await pair.read_by("n1", "n2")
    other = pair.nodes["n2" if reader == "n1" else "n1"]
    await until(lambda: pair.health(reader), lambda found: found[0] == "up")
    await other.call("PUT", "/api/v1/directory", {"agents": [{"name": "ana"}]})
    token = await other.token_for("ana")
    async with AgentClient([f"{other.ws}/agent/v1"], token) as ana:
        await ana.ready()
        letter_out = c.Compose(
            id=CommandId("from-standby"),
            channel=ChannelName("support"),
            to="eva@customer.example",
            subject="Your parcel",
            body="It is on its way.",
        )
        await ana.act(letter_out)
        async with asyncio.timeout(60):
            while not sink.taken:  # noqa: ASYNC110 - nobody tells us
                await asyncio.sleep(0.05)
    assert [taken.recipients for taken in sink.taken] == [["eva@customer.example"]]
    assert await pair.reader() == reader


@pytest.mark.parametrize("pair", [{"names": ("help", "support")}], indirect=True)
async def test_one_mailbox_under_two_names_is_read_once(pair: Pair) -> None:
    reader = await pair.read_by("n1", "n2")
    other = "n2" if reader == "n1" else "n1"
    waits = "standby", f"{reader} reads it, as 'help'"
    await until(lambda: pair.health(reader, "help"), lambda found: found == ("up", ""))
    await until(lambda: pair.health(reader, "support"), lambda found: found == waits)
    await until(lambda: pair.health(other, "support"), lambda found: found == waits)
    pair.sent = ["one", "two", "three"]
    await pair.box.delivered(*map(letter, pair.sent[:2]))
    await until(pair.stored, lambda found: len(found) == 2)
    await pair.nodes[reader].stop()
    await pair.read_by(other)
    await pair.box.delivered(letter("three"))
    await pair.arrived()
    rows = await pair.fetch("SELECT DISTINCT channel FROM inbox")
    assert [row["channel"] for row in rows] == ["help"]


async def test_a_database_that_is_away_for_longer_than_a_lease_changes_no_hands(
    tmp_path: Path, box: Dovecot, sink: SmtpSink
) -> None:
    with tempfile.TemporaryDirectory(prefix="switchroom-") as folder:
        server = EmbeddedServer(Path(folder))
        await server.start()
        await create_database(server.dsn)
        pair = Pair(tmp_path, server.dsn, box, sink.port)
        stop = asyncio.Event()
        async with AsyncExitStack() as stack:
            stack.push_async_callback(server.stop)
            for node in pair.nodes.values():
                stack.push_async_callback(node.clean_up)
                await node.start()
            reader = await pair.read_by("n1", "n2")
            held = await pair.fetch("SELECT node, epoch FROM duty ORDER BY name")
            async with asyncio.TaskGroup() as group:
                group.create_task(pair.stream(stop))
                await until(pair.stored, lambda found: len(found) >= 5)
                await server.stop()
                await asyncio.sleep(LEASE_SECONDS + 3)  # the outage is the event
                await server.start()
                before = len(pair.sent)
                await until(pair.stored, lambda found: pair.sent[before - 1] in found)
                stop.set()
            await pair.arrived()
            assert await pair.reader() == reader
            assert await pair.fetch("SELECT node, epoch FROM duty ORDER BY name") == held
            assert await pair.taken_over() == 0


@pytest.mark.parametrize("pair", [{"prefer": {"node": "n1"}}], indirect=True)
async def test_an_evacuated_node_gives_the_mailbox_up_and_has_it_back_when_it_returns(
    pair: Pair,
) -> None:
    await pair.read_by("n1")
    stop = asyncio.Event()
    async with asyncio.TaskGroup() as group:
        group.create_task(pair.stream(stop))
        await until(pair.stored, lambda found: len(found) >= 3)
        await pair.nodes["n2"].call("POST", "/api/v1/nodes/n1/evacuate")
        await pair.read_by("n2")
        seen = len(pair.sent)
        await until(pair.stored, lambda found: pair.sent[seen - 1] in found)
        await pair.nodes["n2"].call("POST", "/api/v1/nodes/n1/return")
        await pair.read_by("n1")
        stop.set()
    await pair.arrived()
    why = "SELECT payload->>'reason' FROM journal WHERE kind = 'duty_given_up' AND node = 'n2'"
    assert "n1 asked for it" in {row[0] for row in await pair.fetch(why)}
    assert await pair.taken_over() == 0
