"""The durable path on a real cluster: PostgreSQL twice, Patroni, Raft, and faults.

The long ones (a machine that vanishes, one that freezes) are in ``tests/chaos/test_database.py``.
"""

import asyncio
import time
from collections.abc import Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from gateway.store.lookout import Standing
from tests.support.patroni import PatroniCluster
from tests.support.process import NodeProcess
from tests.support.proxy import Link
from tests.support.saying import Say
from tests.support.workload import Workload, audited, working

pytestmark = [pytest.mark.integration, pytest.mark.timeout(150), pytest.mark.long]


async def until(holds: Callable[[], bool], seconds: float) -> float:
    """Seconds until it holds."""
    began = time.monotonic()
    async with asyncio.timeout(seconds):
        while not holds():  # noqa: ASYNC110 - nobody tells us
            await asyncio.sleep(0.02)
    return time.monotonic() - began


def standing(load: Workload) -> Standing:
    assert load.store.lookout is not None
    return load.store.lookout.standing


async def test_a_crash_of_the_primary_loses_nothing_and_is_over_by_itself(
    cluster: PatroniCluster, say: Say
) -> None:
    old = await cluster.primary()
    async with working(cluster.dsn, "crash") as load:
        await load.more(100)
        killed = time.monotonic()
        cluster.kill_postgres(old)
        seconds = await load.first_after(killed, seconds=20)
        await load.more(100)
        assert load.node.ledger.writable
        assert load.lease.held
    say(f"kill -9 of the primary's PostgreSQL: first commits after {seconds:.2f} s")
    assert await cluster.primary() is not old
    assert await audited(cluster, load) == (0, 0)


async def test_a_planned_switchover_loses_nothing(cluster: PatroniCluster, say: Say) -> None:
    to = await cluster.standby()
    async with working(cluster.dsn, "planned") as load:
        await load.more(100)
        began = time.monotonic()
        await cluster.switchover(to)
        await load.more(100)
    say(f"planned switchover: nothing acknowledged for {load.longest_gap(began):.2f} s")
    assert await cluster.primary() is to
    assert await audited(cluster, load) == (0, 0)


async def test_without_a_standby_work_goes_on_and_it_is_said_that_there_is_no_second_copy(
    cluster: PatroniCluster, say: Say
) -> None:
    gone = await cluster.standby()
    async with working(cluster.dsn, "alone") as load:
        await load.more(20)
        await until(lambda: standing(load).copies == "synchronous", 5)
        killed = time.monotonic()
        cluster.kill_member(gone)
        said = await until(lambda: standing(load).copies == "none", 15)
        assert "no second copy" in standing(load).concern
        seconds = await load.first_after(killed, seconds=20)
        cluster.start_member(gone)
        await until(lambda: standing(load).copies == "synchronous", 40)
        assert standing(load).concern == ""
    say(f"standby gone: said after {said:.2f} s, first commits after {seconds:.2f} s")
    assert await audited(cluster, load) == (0, 0)


async def test_a_node_without_a_second_copy_serves_and_says_so_on_readyz_and_metrics(
    cluster: PatroniCluster, tmp_path: Path
) -> None:
    gone = await cluster.standby()
    node = NodeProcess(tmp_path, [], sections={"store": {"dsn": cluster.dsn}})
    try:
        await node.start()
        well = await node_says(node, "synchronous")
        assert (well["status"], well["database"]["standbys"]) == ("ok", 1)
        assert "switchroom_database_second_copy 1.0" in await metrics(node)
        cluster.kill_member(gone)
        alone = await node_says(node, "none")
        assert alone["status"] == "degraded"
        assert "no second copy" in alone["reason"]
        assert "switchroom_database_second_copy 0.0" in await metrics(node)
        assert (await node.call("GET", "/api/v1/queues"))["items"]
        cluster.start_member(gone)
        assert (await node_says(node, "synchronous"))["status"] == "ok"
    finally:
        await node.kill()


async def node_says(node: NodeProcess, copies: str) -> dict[str, Any]:
    """What ``/readyz`` says, still with 200, once the copies are so."""
    async with asyncio.timeout(60):
        while True:
            found: dict[str, Any] = await node.call("GET", "/readyz")
            if found["database"]["copies"] == copies:
                return found
            await asyncio.sleep(0.1)


async def metrics(node: NodeProcess) -> str:
    async with aiohttp.ClientSession() as http, http.get(f"{node.url}/metrics") as answer:
        return await answer.text()


async def test_a_primary_that_cannot_be_reached_is_noticed_and_nothing_is_acknowledged(
    cluster: PatroniCluster, say: Say
) -> None:
    primary = await cluster.primary()
    async with AsyncExitStack() as stack:
        wires = {m.name: await stack.enter_async_context(Link(m.port)) for m in cluster.members}
        dsn = cluster.dsn_of(",".join(f"127.0.0.1:{wire.port}" for wire in wires.values()))
        load = await stack.enter_async_context(working(dsn, "cut"))
        await load.more(50)
        wires[primary.name].blackhole()
        noticed = await until(lambda: not load.node.ledger.writable, 10)
        acknowledged = len(load.positions) + len(load.keys)
        await asyncio.sleep(1.0)
        assert len(load.positions) + len(load.keys) == acknowledged
        healed = time.monotonic()
        wires[primary.name].heal()
        seconds = await load.first_after(healed, seconds=10)
    say(
        f"silent link: noticed after {noticed:.2f} s, first commits {seconds:.2f} s after it healed"
    )
    assert await cluster.primary() is primary
    assert await audited(cluster, load) == (0, 0)
