"""A node that takes long to load: it lives all the while, and everybody sees it."""

import asyncio
from pathlib import Path

import pytest

from gateway.app import serving
from gateway.config import load
from gateway.core.election import LEASE_SECONDS, Facts, Look, Verdict, decide, observe
from gateway.core.ids import NodeName
from gateway.store.contract import Fenced, Loaded, Term
from gateway.store.journal import PgJournal
from gateway.store.opening import Store
from tests.support.ports import free_port

pytestmark = [pytest.mark.integration, pytest.mark.timeout(60)]

SLOW, OTHER = NodeName("slow"), NodeName("other")
LOADS_SECONDS = LEASE_SECONDS + 4


def settings(path: Path, database: str) -> Path:
    file = path / "switchroom.toml"
    port = free_port()
    file.write_text(
        f"""
[node]
name = "{SLOW}"
[store]
dsn = "{database}"
[http]
listen = "127.0.0.1:{port}"
public_url = "http://127.0.0.1:{port}"
""",
        encoding="utf-8",
    )
    return file


async def verdicts(store: Store, stop: asyncio.Event) -> list[Verdict]:
    """What another node makes of it, looking each second."""
    loop = asyncio.get_running_loop()
    term = await store.journal.begin(OTHER, "")
    facts, found = Facts(me=OTHER), []
    while not stop.is_set():
        began = loop.time()
        seen = await store.journal.renew(term)
        look = Look(began=began, ended=loop.time(), timeline=seen.timeline, peers=seen.peers)
        facts = observe(facts, look)
        found += [v for v in decide(facts, loop.time()) if v.peer.node == SLOW]
        await asyncio.sleep(1.0)
    return found


@pytest.fixture
def loading(monkeypatch: pytest.MonkeyPatch) -> asyncio.Event:
    """Set once the node loads, which takes long."""
    load_at_once = PgJournal.load
    begun = asyncio.Event()

    async def load_slowly(self: PgJournal, term: Term) -> Loaded:
        begun.set()
        await asyncio.sleep(LOADS_SECONDS)
        return await load_at_once(self, term)

    monkeypatch.setattr(PgJournal, "load", load_slowly)
    return begun


@pytest.mark.usefixtures("loading")
async def test_a_node_that_loads_for_longer_than_a_lease_is_not_judged_lapsed(
    tmp_path: Path, database: str, store: Store
) -> None:
    stop = asyncio.Event()
    async with asyncio.TaskGroup() as group:
        watching = group.create_task(verdicts(store, stop))
        async with serving(load(settings(tmp_path, database), {}, {})) as app:
            assert app.among.lease.held
            stop.set()
            found = await watching
    assert found == []


async def test_a_node_that_is_taken_over_while_it_loads_notices_at_once(
    tmp_path: Path, database: str, store: Store, loading: asyncio.Event
) -> None:
    loop = asyncio.get_running_loop()
    began = loop.time()

    async def take_over() -> None:
        await loading.wait()
        await store.pool.execute("UPDATE node_fence SET epoch = epoch + 1 WHERE node = $1", SLOW)

    async with asyncio.TaskGroup() as group:
        group.create_task(take_over())
        with pytest.raises(Fenced):
            async with serving(load(settings(tmp_path, database), {}, {})):
                pytest.fail("it serves")
    assert loop.time() - began < LOADS_SECONDS
