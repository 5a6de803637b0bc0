"""A node that was replaced while it stood still: not a word as its old self, and back by itself."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import aiohttp
import asyncpg
import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed
from websockets.typing import Subprotocol

from gateway.core import commands as c
from gateway.core.ids import CommandId
from gateway.rejoin import MOST
from push.client import AgentClient
from push.protocol import SUBPROTOCOL, Hello, Snapshot, Welcome, decode_server, encoder
from tests.support.process import NodeProcess

pytestmark = [pytest.mark.integration, pytest.mark.long]

RAISE = "UPDATE node_fence SET epoch = epoch + 1, holder = gen_random_uuid() RETURNING epoch"
WAITS = """
SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%commit_batch%' AND wait_event_type = 'Lock'
"""
MINE = c.State(id=CommandId("my-command"), state="ready")


@pytest.fixture
async def node(tmp_path: Path, database: str) -> AsyncIterator[NodeProcess]:
    one = NodeProcess(
        tmp_path, [{"kind": "task", "name": "office"}], sections={"store": {"dsn": database}}
    )
    await one.start()
    await one.call("PUT", "/api/v1/directory", {"agents": [{"name": "ana"}]})
    yield one
    thaw(one)
    await one.stop()


@pytest.fixture
async def other(database: str) -> AsyncIterator[Any]:
    """Somebody else's connection to the same database: a takeover, say."""
    con = await asyncpg.connect(database)
    yield con
    await con.close()


def freeze(node: NodeProcess) -> None:
    assert node.pid is not None
    os.kill(node.pid, signal.SIGSTOP)


def thaw(node: NodeProcess) -> None:
    if node.pid is not None:
        os.kill(node.pid, signal.SIGCONT)


@contextmanager
def frozen(node: NodeProcess) -> Iterator[None]:
    freeze(node)
    try:
        yield
    finally:
        thaw(node)


async def until(con: Any, sql: str, *arguments: Any) -> Any:
    async with asyncio.timeout(90):
        while not (found := await con.fetchval(sql, *arguments)):  # noqa: ASYNC110 - nobody tells
            await asyncio.sleep(0.02)
    return found


def words(node: NodeProcess, event: str) -> int:
    """How often the node's log says it."""
    return node.log.read_text().count(f'"event": "{event}"')


class Tab:
    """A desktop that only listens: it never leaves a socket, and repeats nothing."""

    def __init__(self, socket: ClientConnection) -> None:
        self._socket = socket
        self.heard: list[Any] = []
        self.code = 0

    async def say(self, command: c.Command) -> None:
        await self._socket.send(encoder.encode(command), text=True)

    async def listen(self) -> None:
        """Until the node closes it."""
        try:
            while True:
                self.heard.append(decode_server.decode(await self._socket.recv(decode=False)))
        except ConnectionClosed as closed:
            self.code = closed.rcvd.code if closed.rcvd else 1006


@pytest.fixture
async def tab(node: NodeProcess) -> AsyncIterator[Tab]:
    token = await node.token_for("ana")
    async with connect(
        f"{node.ws}/agent/v1", subprotocols=[Subprotocol(SUBPROTOCOL)], ping_interval=None
    ) as socket:
        await socket.send(encoder.encode(Hello(token=token, versions=(1,))), text=True)
        for kind in (Welcome, Snapshot):
            frame = decode_server.decode(await socket.recv(decode=False))
            assert isinstance(frame, kind)
        yield Tab(socket)


def ready(n: int) -> c.State:
    return c.State(id=CommandId(f"ready-command-{n}"), state="ready")


async def test_a_node_replaced_while_frozen_says_not_a_word_as_its_old_self(
    node: NodeProcess, other: Any, tab: Tab
) -> None:
    token = await node.token_for("ana")
    async with AgentClient([f"{node.ws}/agent/v1"], token) as client, asyncio.TaskGroup() as group:
        await client.in_sync()
        with frozen(node):
            tab.heard.clear()
            listening = group.create_task(tab.listen())
            await tab.say(ready(1))
            acting = group.create_task(client.act(MINE))
            await asyncio.sleep(8)
            epoch = await other.fetchval(RAISE)
        async with asyncio.timeout(60):
            await listening
            await acting
            await client.in_sync()
        assert client.desktop.state is not None
    assert tab.code == 1012
    assert tab.heard == []
    assert await other.fetchval("SELECT epoch FROM node_fence") == epoch + 1
    once = "SELECT count(*) FROM command WHERE id = 'my-command'"
    assert await other.fetchval(once) == 1
    assert await other.fetchval("SELECT count(*) FROM command WHERE id = 'ready-command-1'") == 0
    assert await other.fetchval("SELECT count(*) FROM journal WHERE epoch = $1", epoch) == 0
    assert node.pid is not None
    assert words(node, "the node begins anew") == words(node, "the node serves again") == 1


async def test_a_commit_that_the_freeze_hit_is_refused_and_not_acknowledged(
    node: NodeProcess, other: Any, tab: Tab
) -> None:
    async with asyncio.TaskGroup() as group:
        tab.heard.clear()
        listening = group.create_task(tab.listen())
        async with other.transaction():
            await other.execute("SELECT FROM node_fence FOR UPDATE")
            await tab.say(ready(1))
            async with asyncio.timeout(60):
                while not await other.fetchval(WAITS):  # noqa: ASYNC110 - nobody tells us
                    await asyncio.sleep(0.01)
            freeze(node)
            await other.execute(RAISE)
        await asyncio.sleep(2)
        thaw(node)
        async with asyncio.timeout(60):
            await listening
    assert tab.code == 1012
    assert [frame for frame in tab.heard if type(frame).__name__ != "Tick"] == []
    assert await other.fetchval("SELECT count(*) FROM command") == 0


async def test_a_commit_that_landed_during_the_freeze_is_acknowledged_by_the_next_self_only(
    node: NodeProcess, other: Any, tab: Tab
) -> None:
    token = await node.token_for("ana")
    async with AgentClient([f"{node.ws}/agent/v1"], token) as client, asyncio.TaskGroup() as group:
        await client.in_sync()
        tab.heard.clear()
        listening = group.create_task(tab.listen())
        lock = other.transaction()
        await lock.start()
        await other.execute("SELECT FROM node_fence FOR UPDATE")
        acting = group.create_task(client.act(MINE))
        async with asyncio.timeout(60):
            while not await other.fetchval(WAITS):  # noqa: ASYNC110 - nobody tells us
                await asyncio.sleep(0.01)
        with frozen(node):
            await lock.rollback()
            await until(other, "SELECT count(*) FROM command WHERE id = 'my-command'")
            await other.execute(RAISE)
            await asyncio.sleep(2)
        async with asyncio.timeout(60):
            await listening
            await acting
            await client.until(lambda desktop: desktop.state and desktop.state.state == "ready")
    assert tab.code == 1012
    assert [frame for frame in tab.heard if type(frame).__name__ != "Tick"] == []
    changed = "SELECT count(*) FROM journal WHERE kind = 'agent_state_changed'"
    assert await other.fetchval(changed) == 1


async def test_a_node_that_was_only_frozen_goes_on(node: NodeProcess, other: Any, tab: Tab) -> None:
    epoch = await other.fetchval("SELECT epoch FROM node_fence")
    async with asyncio.TaskGroup() as group:
        listening = group.create_task(tab.listen())
        with frozen(node):
            await tab.say(ready(1))
            await asyncio.sleep(7)
        await until(other, "SELECT count(*) FROM command")
        async with asyncio.timeout(60):
            while "Ok" not in {type(frame).__name__ for frame in tab.heard}:  # noqa: ASYNC110
                await asyncio.sleep(0.02)
        listening.cancel()
    assert words(node, "the process stood still; the fence is read again") == 1
    assert words(node, "the node begins anew") == 0
    assert await other.fetchval("SELECT epoch FROM node_fence") == epoch


async def fenced(node: NodeProcess, con: Any, times: int) -> None:
    """Replace it, and wait until it is back for the ``times``-th time."""
    await con.execute(RAISE)
    async with asyncio.timeout(90):
        while words(node, "the node serves again") < times:  # noqa: ASYNC110 - nobody tells us
            await asyncio.sleep(0.02)


async def test_a_new_life_leaves_nothing_of_the_old_one_open(node: NodeProcess, other: Any) -> None:
    token = await node.token_for("ana")
    counts = []
    async with AgentClient([f"{node.ws}/agent/v1"], token) as client:
        for times in range(1, MOST):
            await client.in_sync()
            await fenced(node, other, times)
            await client.until(lambda _: not client.online)
            await client.in_sync()
            await node.call("GET", "/readyz")
            counts.append(await settled_descriptors(node))
    assert counts[-1] <= counts[0], f"open descriptors after each life: {counts}"


async def settled_descriptors(node: NodeProcess) -> int:
    """Sockets and files that are open, once their number stands still."""
    counts: list[int] = []
    async with asyncio.timeout(90):
        while len(counts) < 3 or len(set(counts[-3:])) > 1:
            counts.append(len(list(Path(f"/proc/{node.pid}/fd").iterdir())))
            await asyncio.sleep(0.5)
    return counts[-1]


async def test_while_it_begins_anew_the_port_says_why(node: NodeProcess, other: Any) -> None:
    async with other.transaction():
        await other.execute("LOCK TABLE queue")  # what the new life reads as it begins
        await other.execute("UPDATE node_fence SET epoch = epoch + 1, holder = gen_random_uuid()")
        await other.execute("COMMIT; BEGIN; LOCK TABLE queue")
        async with aiohttp.ClientSession(node.url, headers=node.headers) as http:
            async with asyncio.timeout(60):
                while True:
                    async with http.get("/readyz") as answer:
                        told = await answer.json()
                        if answer.status == 503 and "begins anew" in told["reason"]:
                            break
                    await asyncio.sleep(0.02)
            assert "taken over" in told["reason"]
            async with http.get("/healthz") as answer:
                assert answer.status == 200
            async with http.get("/api/v1/items") as answer:
                assert (answer.status, answer.headers["Retry-After"]) == (503, "1")
                assert (await answer.json())["title"] == "unavailable"
            async with connect(
                f"{node.ws}/agent/v1", subprotocols=[Subprotocol(SUBPROTOCOL)]
            ) as socket:
                with pytest.raises(ConnectionClosed) as closed:
                    await socket.recv()
            assert closed.value.rcvd is not None
            assert closed.value.rcvd.code == 1012
    async with asyncio.timeout(60):
        while words(node, "the node serves again") < 1:  # noqa: ASYNC110 - nobody tells us
            await asyncio.sleep(0.02)
    await node.call("GET", "/readyz")


async def test_a_node_that_begins_anew_in_vain_ends_with_a_reason(
    node: NodeProcess, other: Any
) -> None:
    await other.execute(
        """CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
               RAISE EXCEPTION 'only 0 of 1 rows' USING ERRCODE = 'SR002'; END $$;
           CREATE TRIGGER refuse BEFORE INSERT ON journal FOR EACH ROW EXECUTE FUNCTION refuse()"""
    )
    try:
        with pytest.raises(aiohttp.ClientError):
            await node.call("POST", "/api/v1/tasks", {"title": "one too many"})
        async with asyncio.timeout(60):
            code = await node.ended()
    finally:
        await other.execute("DROP TRIGGER refuse ON journal; DROP FUNCTION refuse")
    assert code == 1
    last = node.log.read_text().splitlines()[-1]
    assert last.startswith("switchroom: the node had to begin anew 6 times within a minute")
    assert "only 0 of 1 rows" in last


async def test_a_poisonous_inbound_is_put_aside_and_the_node_serves_on(
    node: NodeProcess, other: Any
) -> None:
    await other.execute("ALTER TABLE message ADD CONSTRAINT poison CHECK (doc::text !~ 'arsenic')")
    try:
        with pytest.raises(aiohttp.ClientError, match="503"):
            await node.call("POST", "/api/v1/tasks", {"title": "Bad", "body": "arsenic"})
        await until(other, "SELECT count(*) FROM inbox WHERE status = 'quarantined'")
        async with asyncio.timeout(60):
            while words(node, "the node serves again") < 1:  # noqa: ASYNC110 - nobody tells us
                await asyncio.sleep(0.02)
        await node.call("POST", "/api/v1/tasks", {"title": "Good", "body": "honey"})
        (aside,) = (await node.call("GET", "/api/v1/quarantine"))["items"]
        assert "poison" in str(aside)
        assert words(node, "the node begins anew") == 1
    finally:
        await other.execute("ALTER TABLE message DROP CONSTRAINT poison")
