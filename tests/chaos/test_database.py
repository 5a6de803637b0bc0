"""The database's bad nights that take their time: a machine that vanishes, one that freezes.

Each ends with an account of everything that was acknowledged meanwhile. Quicker faults are in
``tests/store/test_failover.py``.
"""

import asyncio
import time

import pytest

from tests.support.patroni import PatroniCluster
from tests.support.saying import Say
from tests.support.workload import audited, working

pytestmark = [pytest.mark.chaos, pytest.mark.timeout(240)]

FROZEN_SECONDS = 45.0


async def test_a_primary_whose_machine_vanishes_loses_nothing(
    cluster: PatroniCluster, say: Say
) -> None:
    old = await cluster.primary()
    async with working(cluster.dsn, "vanished") as load:
        await load.more(100)
        killed = time.monotonic()
        cluster.kill_member(old)
        seconds = await load.first_after(killed, seconds=60)
        await load.more(100)
        cluster.start_member(old)
        await cluster.whole()
        await load.more(100)
    say(f"kill -9 of PostgreSQL and Patroni: first commits after {seconds:.2f} s")
    assert await cluster.primary() is not old
    assert await audited(cluster, load) == (0, 0)


async def test_a_primary_that_freezes_and_wakes_as_the_second_of_two_loses_and_doubles_nothing(
    cluster: PatroniCluster, say: Say
) -> None:
    old = await cluster.primary()
    async with working(cluster.dsn, "frozen") as load:
        await load.more(100)
        frozen = time.monotonic()
        cluster.freeze(old)
        seconds = await load.first_after(frozen, seconds=60)
        new = await cluster.primary()
        await asyncio.sleep(max(0.0, frozen + FROZEN_SECONDS - time.monotonic()))
        cluster.thaw(old)
        woken = time.monotonic()
        # For a moment both call themselves primary; ours is the one with the higher timeline.
        while time.monotonic() < woken + 5:
            async with load.store.pool.acquire() as con:
                port = await con.fetchval("SELECT current_setting('port')::int")
            assert port == new.port
            await asyncio.sleep(0.05)
        await cluster.whole()
        await load.more(100)
        gap = load.longest_gap(woken)
    say(
        f"SIGSTOP of PostgreSQL and Patroni: first commits after {seconds:.2f} s; "
        f"longest pause after it woke: {gap:.2f} s"
    )
    assert new is not old
    assert await audited(cluster, load) == (0, 0)


async def test_with_only_patroni_frozen_writes_go_to_the_promoted_server(
    cluster: PatroniCluster, say: Say
) -> None:
    old = await cluster.primary()
    standby = await cluster.standby()
    async with working(cluster.dsn, "headless") as load:
        await load.more(100)
        frozen = time.monotonic()
        cluster.freeze(old, only_patroni=True)
        await cluster.until(lambda: cluster.timeline(standby), "a promotion", 60)
        promoted = time.monotonic()
        assert await cluster.timeline(old)  # it has not been told that it is primary no more
        seconds = await load.first_after(promoted, seconds=30)
        gap = load.longest_gap(frozen)
        cluster.thaw(old)
        await cluster.whole()
        await load.more(100)
    say(
        f"SIGSTOP of Patroni alone: promoted after {promoted - frozen:.2f} s, "
        f"first commits there {seconds:.2f} s later, longest pause {gap:.2f} s"
    )
    assert await cluster.primary() is standby
    assert await audited(cluster, load) == (0, 0)
